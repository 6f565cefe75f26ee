import io.nats.client.Connection;
import io.nats.client.ConnectionListener.Events;
import io.nats.client.ConsumerContext;
import io.nats.client.Dispatcher;
import io.nats.client.FetchConsumeOptions;
import io.nats.client.FetchConsumer;
import io.nats.client.IterableConsumer;
import io.nats.client.JetStream;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.JetStreamSubscription;
import io.nats.client.KeyValue;
import io.nats.client.Message;
import io.nats.client.MessageTtl;
import io.nats.client.Nats;
import io.nats.client.ObjectStore;
import io.nats.client.Options;
import io.nats.client.OrderedConsumerContext;
import io.nats.client.PublishOptions;
import io.nats.client.PurgeOptions;
import io.nats.client.PushSubscribeOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.KeyValueConfiguration;
import io.nats.client.api.KeyValueEntry;
import io.nats.client.api.KeyValueOperation;
import io.nats.client.api.KeyValueWatcher;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.Mirror;
import io.nats.client.api.ObjectInfo;
import io.nats.client.api.ObjectMeta;
import io.nats.client.api.ObjectStoreConfiguration;
import io.nats.client.api.OrderedConsumerConfiguration;
import io.nats.client.api.PublishAck;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.Source;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import io.nats.client.api.StreamInfoOptions;
import io.nats.client.api.StreamState;
import io.nats.client.api.SubjectTransform;
import io.nats.client.impl.Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The checks of JetStream in ../README.md with jnats. */
final class JetStreamChecks {
    private static final int PUBLISHED = 1000;
    private static final int CONSUMED = 500;
    private static final int MANY_KEYS = 300;
    private static final byte[] NOTHING = {};

    private static final int STREAM_NOT_FOUND = 10059;
    private static final int STREAM_NAME_IN_USE = 10058;
    private static final int SUBJECTS_OVERLAP = 10065;
    private static final int CONSUMER_NOT_FOUND = 10014;
    private static final int CONSUMER_EXISTS = 10148;
    private static final int MAXIMUM_MESSAGES = 10077;
    private static final int MESSAGE_TOO_LARGE = 10054;
    private static final int WRONG_LAST_SEQUENCE = 10071;
    private static final int WRONG_LAST_MESSAGE_ID = 10070;
    private static final int STREAM_MISMATCH = 10060;
    private static final int NO_MESSAGE = 10037;
    private static final int SECOND_WORKER = 10099;

    /** Something that may fail. */
    private interface Action {
        void run() throws Exception;
    }

    /** A check with a connection of its own. */
    private interface Body {
        void run(JetStreamChecks world) throws Exception;
    }

    private final Connection connection;
    private final JetStream js;
    private final JetStreamManagement manager;
    private final CountDownLatch disconnected = new CountDownLatch(1);
    private final CountDownLatch reconnected = new CountDownLatch(1);

    private JetStreamChecks(String url) throws Exception {
        Options options = Checks.options(url).reconnectWait(Duration.ofMillis(10)).maxReconnects(-1)
            .connectionListener((connection, event) -> {
                if (event == Events.DISCONNECTED) disconnected.countDown();
                if (event == Events.RECONNECTED) reconnected.countDown();
            }).build();
        connection = Nats.connect(options);
        JetStreamOptions patient = JetStreamOptions.builder().requestTimeout(Checks.PATIENCE).build();
        js = connection.jetStream(patient);
        manager = connection.jetStreamManagement(patient);
    }

    private static Checks.Check with(Body body) {
        return (url, locked) -> {
            JetStreamChecks world = new JetStreamChecks(url);
            body.run(world);
            world.connection.close();
        };
    }

    static Map<String, Checks.Check> all() {
        Map<String, Checks.Check> checks = new LinkedHashMap<>();
        checks.put("streams", with(JetStreamChecks::streams));
        checks.put("publish", with(JetStreamChecks::publish));
        checks.put("publish-async", with(JetStreamChecks::publishAsync));
        checks.put("messages", with(JetStreamChecks::messages));
        checks.put("pull", with(JetStreamChecks::pull));
        checks.put("push", with(JetStreamChecks::push));
        checks.put("ordered", with(JetStreamChecks::ordered));
        checks.put("acks", with(JetStreamChecks::acks));
        checks.put("retention", with(JetStreamChecks::retention));
        checks.put("key-value", with(JetStreamChecks::keyValue));
        checks.put("object-store", with(JetStreamChecks::objectStore));
        checks.put("mirrors-sources", with(JetStreamChecks::mirrorsSources));
        checks.put("restart", with(JetStreamChecks::restart));
        return checks;
    }

    private static void expectEqual(Object got, Object wanted) {
        Checks.expect(wanted.equals(got), "got " + got + ", not " + wanted);
    }

    /** Wants an error of the API with this number. */
    private static void refused(int code, Action action) throws Exception {
        try {
            action.run();
        } catch (JetStreamApiException error) {
            expectEqual(error.getApiErrorCode(), code);
            return;
        }
        throw new AssertionError("not refused with " + code);
    }

    private static void fails(Class<? extends Exception> kind, Action action) {
        try {
            action.run();
        } catch (Exception error) {
            Checks.expect(kind.isInstance(error), "failed with " + error);
            return;
        }
        throw new AssertionError("no " + kind);
    }

    private static StreamConfiguration.Builder stream(String name, String... subjects) {
        return StreamConfiguration.builder().name(name).subjects(subjects).storageType(StorageType.File);
    }

    /** Publishes the numbers from 1 to `count` as text, by turns to the subjects. */
    private void publishNumbers(int count, String... subjects) throws Exception {
        for (int i = 0; i < count; i++) {
            js.publish(subjects[i % subjects.length], Checks.bytes(Integer.toString(i + 1)));
        }
    }

    private StreamState state(String stream) throws Exception {
        return manager.getStreamInfo(stream).getStreamState();
    }

    private void untilMessages(String stream, long count) throws Exception {
        while (state(stream).getMsgCount() != count) Thread.sleep(20);
    }

    private ConsumerContext consumer(String stream, ConsumerConfiguration.Builder config) throws Exception {
        return connection.getStreamContext(stream).createOrUpdateConsumer(config.build());
    }

    private static ConsumerConfiguration.Builder durable(String name) {
        return ConsumerConfiguration.builder().durable(name).ackPolicy(AckPolicy.Explicit);
    }

    private static Message next(ConsumerContext consumer) throws Exception {
        Message message = consumer.next(Checks.PATIENCE);
        Checks.expect(message != null, "no message came");
        return message;
    }

    /** A batch, acknowledged. */
    private static List<String> fetch(ConsumerContext consumer, int count, Duration wait) throws Exception {
        List<String> texts = new ArrayList<>();
        FetchConsumeOptions options =
            FetchConsumeOptions.builder().maxMessages(count).expiresIn(wait.toMillis()).build();
        try (FetchConsumer batch = consumer.fetch(options)) {
            for (Message message = batch.nextMessage(); message != null; message = batch.nextMessage()) {
                message.ack();
                texts.add(Checks.text(message.getData()));
            }
        }
        return texts;
    }

    private static List<String> numbers(int first, int last, int step) {
        List<String> texts = new ArrayList<>();
        for (int i = first; i <= last; i += step) texts.add(Integer.toString(i));
        return texts;
    }

    private void streams() throws Exception {
        StreamConfiguration first =
            stream("STREAMS", "streams.a").description("before").metadata(Map.of("owner", "ann")).build();
        StreamInfo info = manager.addStream(first);
        expectEqual(info.getConfiguration().getMetadata().get("owner"), "ann");
        manager.addStream(first); // The same again is no error.
        refused(STREAM_NAME_IN_USE, () -> manager.addStream(
            StreamConfiguration.builder(first).storageType(StorageType.Memory).build()));
        refused(SUBJECTS_OVERLAP, () -> manager.addStream(stream("OVERLAP", "streams.*").build()));
        refused(STREAM_NOT_FOUND, () -> manager.getStreamInfo("NONE"));
        refused(STREAM_NOT_FOUND, () -> manager.updateStream(stream("NONE", "none").build()));
        manager.updateStream(StreamConfiguration.builder(first)
            .description("after").subjects("streams.a", "streams.b.*").build());
        expectEqual(manager.getStreamInfo("STREAMS").getConfiguration().getDescription(), "after");
        expectEqual(manager.getStreamNames("streams.b.c"), List.of("STREAMS"));
        publishNumbers(6, "streams.a", "streams.b.1", "streams.b.2");
        StreamState state = manager.getStreamInfo("STREAMS", StreamInfoOptions.filterSubjects("streams.b.>"))
            .getStreamState();
        expectEqual(state.getSubjectMap(), Map.of("streams.b.1", 2L, "streams.b.2", 2L));
        for (String name : List.of("MORE0", "MORE1")) manager.addStream(stream(name, name).build());
        Set<String> names = new TreeSet<>(manager.getStreamNames());
        expectEqual(names, Set.of("MORE0", "MORE1", "STREAMS"));
        expectEqual(manager.getStreams().size(), 3);
        expectEqual(manager.getAccountStatistics().getStreams(), 3L);
        for (String name : names) manager.deleteStream(name);
        refused(STREAM_NOT_FOUND, () -> manager.deleteStream("STREAMS"));
    }

    private void publish() throws Exception {
        manager.addStream(stream("PUBLISH", "publish.*").allowMessageTtl(true).maximumMessageSize(1000).build());
        for (int i = 1; i <= 20; i++) {
            PublishAck ack = js.publish("publish.a", NOTHING);
            expectEqual(List.of(ack.getStream(), ack.getSeqno(), ack.isDuplicate()), List.of("PUBLISH", (long) i, false));
        }
        PublishOptions once = PublishOptions.builder().messageId("one").build();
        js.publish("publish.b", NOTHING, once);
        PublishAck again = js.publish("publish.b", NOTHING, once);
        expectEqual(List.of(again.getSeqno(), again.isDuplicate()), List.of(21L, true));
        Map<Integer, PublishOptions.Builder> wrong = Map.of(
            STREAM_MISMATCH, PublishOptions.builder().expectedStream("OTHER"),
            WRONG_LAST_MESSAGE_ID, PublishOptions.builder().expectedLastMsgId("two"),
            WRONG_LAST_SEQUENCE, PublishOptions.builder().expectedLastSequence(20));
        for (Map.Entry<Integer, PublishOptions.Builder> entry : wrong.entrySet()) {
            refused(entry.getKey(), () -> js.publish("publish.a", NOTHING, entry.getValue().build()));
        }
        js.publish("publish.a", NOTHING, PublishOptions.builder().expectedLastSequence(21).build());
        refused(MESSAGE_TOO_LARGE, () -> js.publish("publish.a", new byte[2000]));
        fails(IOException.class, () -> js.publish("nobody.a", NOTHING));
        js.publish("publish.ttl", NOTHING, PublishOptions.builder().messageTtlSeconds(1).build());
        untilMessages("PUBLISH", 22);
    }

    private void publishAsync() throws Exception {
        manager.addStream(stream("ASYNC", "async").build());
        List<CompletableFuture<PublishAck>> futures = new ArrayList<>();
        for (int i = 0; i < PUBLISHED; i++) futures.add(js.publishAsync("async", NOTHING));
        for (int i = 0; i < PUBLISHED; i++) {
            expectEqual(futures.get(i).get(Checks.PATIENCE.toSeconds(), TimeUnit.SECONDS).getSeqno(), i + 1L);
        }
        expectEqual(state("ASYNC").getMsgCount(), (long) PUBLISHED);
    }

    private void messages() throws Exception {
        for (String name : List.of("direct", "indirect")) {
            manager.addStream(stream(name, name + ".*").allowDirect(name.equals("direct")).build());
            js.publish(name + ".0", new Headers().add("fruit", "apple", "pear"), NOTHING);
            publishNumbers(9, name + ".1", name + ".2", name + ".3");
            MessageInfo first = manager.getMessage(name, 1);
            expectEqual(List.of(first.getSubject(), first.getSeq()), List.of(name + ".0", 1L));
            expectEqual(first.getHeaders().get("fruit"), List.of("apple", "pear"));
            expectEqual(Checks.text(manager.getMessage(name, 5).getData()), "4");
            expectEqual(manager.getNextMessage(name, 3, name + ".1").getSeq(), 5L);
            expectEqual(Checks.text(manager.getLastMessage(name, name + ".2").getData()), "8");
            refused(NO_MESSAGE, () -> manager.getMessage(name, 99));
            Checks.expect(manager.deleteMessage(name, 2), "not deleted");
            Checks.expect(manager.deleteMessage(name, 3, false), "not deleted");
            fails(JetStreamApiException.class, () -> manager.deleteMessage(name, 3));
            StreamState state = manager.getStreamInfo(name, StreamInfoOptions.deletedDetails()).getStreamState();
            expectEqual(state.getDeleted(), List.of(2L, 3L));
            PurgeOptions some = PurgeOptions.builder().subject(name + ".3").keep(1).build();
            expectEqual(manager.purgeStream(name, some).getPurged(), 2L);
            expectEqual(manager.purgeStream(name, PurgeOptions.builder().sequence(9).build()).getPurged(), 4L);
            expectEqual(manager.purgeStream(name).getPurged(), 2L);
            state = state(name);
            expectEqual(List.of(state.getFirstSequence(), state.getLastSequence()), List.of(11L, 10L));
        }
    }

    private void pull() throws Exception {
        manager.addStream(stream("PULL", "pull.*").build());
        publishNumbers(CONSUMED, "pull.a", "pull.b");
        ConsumerContext consumer = consumer("PULL", durable("d").maxAckPending(10_000));
        expectEqual(fetch(consumer, 3, Checks.PATIENCE), numbers(1, 3, 1));
        try (IterableConsumer iterable = consumer.iterate()) {
            for (int i = 4; i <= CONSUMED; i++) {
                Message message = iterable.nextMessage(Checks.PATIENCE);
                expectEqual(Checks.text(message.getData()), Integer.toString(i));
                message.ack();
            }
            js.publish("pull.a", Checks.bytes("late"));
            expectEqual(Checks.text(iterable.nextMessage(Checks.PATIENCE).getData()), "late");
        }
        ConsumerContext filtered =
            consumer("PULL", ConsumerConfiguration.builder().filterSubjects("pull.b", "pull.c"));
        expectEqual(fetch(filtered, 100, Checks.PATIENCE), numbers(2, 200, 2));
        ConsumerContext empty = consumer("PULL", ConsumerConfiguration.builder().filterSubject("pull.none"));
        expectEqual(fetch(empty, 1, Duration.ofSeconds(1)), List.of());
        ZonedDateTime hourAgo = ZonedDateTime.now().minusHours(1);
        Map<String, ConsumerConfiguration.Builder> starts = Map.of(
            "late", ConsumerConfiguration.builder().deliverPolicy(DeliverPolicy.Last),
            "500", ConsumerConfiguration.builder().deliverPolicy(DeliverPolicy.LastPerSubject).filterSubject("pull.*"),
            "30", ConsumerConfiguration.builder().deliverPolicy(DeliverPolicy.ByStartSequence).startSequence(30),
            "1", ConsumerConfiguration.builder().deliverPolicy(DeliverPolicy.ByStartTime).startTime(hourAgo));
        for (Map.Entry<String, ConsumerConfiguration.Builder> entry : starts.entrySet()) {
            Message message = next(consumer("PULL", entry.getValue().ackPolicy(AckPolicy.None)));
            expectEqual(Checks.text(message.getData()), entry.getKey());
        }
        managed();
    }

    /** Requests about consumers. */
    private void managed() throws Exception {
        refused(CONSUMER_NOT_FOUND, () -> manager.getConsumerInfo("PULL", "none"));
        refused(CONSUMER_EXISTS, () -> manager.createConsumer("PULL", durable("d").maxDeliver(9).build()));
        ConsumerContext consumer = consumer("PULL", durable("m"));
        ConsumerInfo info = manager.updateConsumer("PULL", durable("m").description("changed").build());
        expectEqual(info.getConsumerConfiguration().getDescription(), "changed");
        Checks.expect(manager.pauseConsumer("PULL", "m", ZonedDateTime.now().plusHours(1)).isPaused(), "not paused");
        expectEqual(fetch(consumer, 1, Duration.ofSeconds(1)), List.of());
        Checks.expect(manager.resumeConsumer("PULL", "m"), "not resumed");
        expectEqual(fetch(consumer, 2, Checks.PATIENCE), numbers(1, 2, 1));
        manager.resetConsumer("PULL", "m", 7);
        expectEqual(fetch(consumer, 1, Checks.PATIENCE), numbers(7, 7, 1));
        List<String> names = manager.getConsumerNames("PULL");
        Checks.expect(names.containsAll(List.of("d", "m")), "the consumers are " + names);
        expectEqual(manager.getConsumers("PULL").size(), names.size());
        Checks.expect(manager.deleteConsumer("PULL", "m"), "not deleted");
        refused(CONSUMER_NOT_FOUND, () -> manager.deleteConsumer("PULL", "m"));
    }

    private void push() throws Exception {
        manager.addStream(stream("PUSH", "push").build());
        publishNumbers(CONSUMED, "push");
        ConsumerConfiguration config = ConsumerConfiguration.builder().flowControl(1000).build();
        PushSubscribeOptions options = PushSubscribeOptions.builder().durable("p").configuration(config).build();
        JetStreamSubscription subscription = js.subscribe("push", options);
        for (int i = 1; i <= CONSUMED; i++) {
            Message message = subscription.nextMessage(Checks.PATIENCE);
            expectEqual(Checks.text(message.getData()), Integer.toString(i));
            message.ack();
        }
        ConsumerConfiguration fresh = ConsumerConfiguration.builder().deliverPolicy(DeliverPolicy.New).build();
        PushSubscribeOptions shared = PushSubscribeOptions.builder().durable("q").configuration(fresh).build();
        BlockingQueue<String> received = new LinkedBlockingQueue<>();
        for (String member : List.of("a", "b")) {
            Dispatcher dispatcher = connection.createDispatcher();
            js.subscribe("push", "q", dispatcher, message -> received.add(member), true, shared);
        }
        publishNumbers(CONSUMED, "push");
        Set<String> members = new TreeSet<>();
        for (int i = 0; i < CONSUMED; i++) members.add(received.poll(20, TimeUnit.SECONDS));
        expectEqual(members, Set.of("a", "b"));
    }

    private void ordered() throws Exception {
        manager.addStream(stream("ORDERED", "ordered").build());
        publishNumbers(CONSUMED, "ordered");
        OrderedConsumerContext consumer =
            connection.getStreamContext("ORDERED").createOrderedConsumer(new OrderedConsumerConfiguration());
        try (IterableConsumer iterable = consumer.iterate()) {
            for (int i = 1; i <= CONSUMED; i++) {
                expectEqual(Checks.text(iterable.nextMessage(Checks.PATIENCE).getData()), Integer.toString(i));
            }
        }
        JetStreamSubscription pushed = js.subscribe("ordered", PushSubscribeOptions.builder().ordered(true).build());
        for (int i = 1; i <= CONSUMED; i++) {
            expectEqual(Checks.text(pushed.nextMessage(Checks.PATIENCE).getData()), Integer.toString(i));
        }
    }

    /** The next message, whose place, deliveries and messages behind it are as wanted. */
    private static Message delivery(ConsumerContext consumer, long sequence, long delivered, long pending)
            throws Exception {
        Message message = next(consumer);
        List<Long> got = List.of(message.metaData().streamSequence(), message.metaData().deliveredCount(),
            message.metaData().pendingCount());
        expectEqual(got, List.of(sequence, delivered, pending));
        return message;
    }

    private void acks() throws Exception {
        manager.addStream(stream("ACKS", "acks").build());
        publishNumbers(4, "acks");
        ConsumerContext consumer =
            consumer("ACKS", durable("d").ackWait(Duration.ofSeconds(1)).maxAckPending(1).maxDeliver(5));
        delivery(consumer, 1, 1, 3).nak();
        Message message = delivery(consumer, 1, 2, 3);
        long started = System.nanoTime();
        message.nakWithDelay(Duration.ofMillis(300));
        message = delivery(consumer, 1, 3, 3);
        Checks.expect(System.nanoTime() - started >= 300_000_000L, "redelivered too early");
        for (int i = 0; i < 5; i++) { // More than its time to be acknowledged.
            Thread.sleep(300);
            message.inProgress();
        }
        message.ackSync(Checks.PATIENCE);
        delivery(consumer, 2, 1, 2);
        delivery(consumer, 2, 2, 2).term(); // Since the acknowledgement did not come in time.
        delivery(consumer, 3, 1, 1).ack();
        delivery(consumer, 4, 1, 0).ackSync(Checks.PATIENCE);
        ConsumerInfo info = consumer.getConsumerInfo();
        expectEqual(List.of(info.getAckFloor().getStreamSequence(), info.getNumAckPending(),
            info.getDelivered().getConsumerSequence()), List.of(4L, 0L, 7L));
    }

    private void retention() throws Exception {
        manager.addStream(stream("FULL", "full").maxMessages(3).discardPolicy(DiscardPolicy.New).build());
        publishNumbers(3, "full");
        refused(MAXIMUM_MESSAGES, () -> js.publish("full", NOTHING));
        manager.addStream(stream("LAST", "last.*").maxMessagesPerSubject(2).build());
        publishNumbers(9, "last.a", "last.b", "last.c");
        expectEqual(state("LAST").getMsgCount(), 6L);
        manager.addStream(stream("WORK", "work").retentionPolicy(RetentionPolicy.WorkQueue).build());
        publishNumbers(10, "work");
        ConsumerContext worker = consumer("WORK", durable("worker"));
        for (int i = 0; i < 4; i++) next(worker).ackSync(Checks.PATIENCE);
        expectEqual(state("WORK").getMsgCount(), 6L);
        refused(SECOND_WORKER, () -> consumer("WORK", durable("second")));
        manager.addStream(stream("INTEREST", "interest").retentionPolicy(RetentionPolicy.Interest).build());
        js.publish("interest", NOTHING);
        expectEqual(state("INTEREST").getMsgCount(), 0L);
        ConsumerContext a = consumer("INTEREST", durable("a"));
        ConsumerContext b = consumer("INTEREST", durable("b"));
        js.publish("interest", NOTHING);
        next(a).ackSync(Checks.PATIENCE);
        expectEqual(state("INTEREST").getMsgCount(), 1L);
        next(b).ackSync(Checks.PATIENCE);
        expectEqual(state("INTEREST").getMsgCount(), 0L);
        manager.addStream(stream("AGED", "aged").maxAge(Duration.ofMillis(200)).duplicateWindow(Duration.ofMillis(200)).build());
        publishNumbers(3, "aged");
        untilMessages("AGED", 0);
    }

    private void keyValue() throws Exception {
        connection.keyValueManagement().create(KeyValueConfiguration.builder().name("kv").maxHistoryPerKey(5)
            .limitMarker(Duration.ofSeconds(1)).maximumValueSize(1000).build());
        KeyValue bucket = connection.keyValue("kv");
        Checks.expect(bucket.get("none") == null, "a key that is not there");
        expectEqual(bucket.put("a", "1"), 1L);
        expectEqual(bucket.update("a", "2", 1), 2L);
        refused(WRONG_LAST_SEQUENCE, () -> bucket.update("a", "x", 1));
        refused(WRONG_LAST_SEQUENCE, () -> bucket.create("a", NOTHING));
        expectEqual(bucket.create("b.c", Checks.bytes("3")), 3L);
        expectEqual(bucket.get("a").getValueAsString(), "2");
        expectEqual(bucket.get("a", 1).getValueAsString(), "1");
        refused(MESSAGE_TOO_LARGE, () -> bucket.put("large", new byte[2000]));
        BlockingQueue<String> updates = new LinkedBlockingQueue<>();
        KeyValueWatcher watcher = new KeyValueWatcher() {
            @Override
            public void watch(KeyValueEntry entry) {
                updates.add(entry.getOperation() + " " + entry.getKey() + " " + entry.getRevision());
            }

            @Override
            public void endOfData() {
                updates.add("end");
            }
        };
        try (var watch = bucket.watchAll(watcher)) {
            expectUpdates(updates, "PUT a 2", "PUT b.c 3", "end");
            bucket.delete("a");
            bucket.purge("b.c");
            expectUpdates(updates, "DELETE a 4", "PURGE b.c 5");
            Checks.expect(bucket.get("a") == null, "a deleted key is there");
            expectEqual(bucket.create("a", Checks.bytes("again")), 6L);
            bucket.create("ttl", NOTHING, MessageTtl.seconds(1));
            expectUpdates(updates, "PUT a 6", "PUT ttl 7", "PURGE ttl 8");
        }
        List<Long> revisions = bucket.history("a").stream().map(KeyValueEntry::getRevision).toList();
        expectEqual(revisions, List.of(1L, 2L, 4L, 6L));
        expectEqual(bucket.history("b.c").get(0).getOperation(), KeyValueOperation.PURGE);
        for (int i = 0; i < MANY_KEYS; i++) bucket.put("many." + i, i);
        expectEqual(bucket.keys("many.*").size(), MANY_KEYS);
        expectEqual(bucket.getStatus().getMaxHistoryPerKey(), 5L);
        connection.keyValueManagement().delete("kv");
    }

    private static void expectUpdates(BlockingQueue<String> updates, String... wanted) throws Exception {
        for (String one : wanted) expectEqual(updates.poll(20, TimeUnit.SECONDS), one);
    }

    private void objectStore() throws Exception {
        connection.objectStoreManagement().create(
            ObjectStoreConfiguration.builder("objects").description("of all sizes").build());
        ObjectStore store = connection.objectStore("objects");
        byte[] large = new byte[1_000_001];
        for (int i = 0; i < large.length; i++) large[i] = (byte) (i * 31 >> 5);
        ObjectMeta meta = ObjectMeta.builder("large").chunkSize(50_000).build();
        ObjectInfo info = store.put(meta, new java.io.ByteArrayInputStream(large));
        expectEqual(List.of(info.getSize(), info.getChunks()), List.of((long) large.length, 21L));
        Checks.expect(Arrays.equals(read(store, "large"), large), "the large object changed");
        store.put("a.txt", Checks.bytes("small"));
        store.put("a.txt", Checks.bytes("replaced"));
        expectEqual(Checks.text(read(store, "a.txt")), "replaced");
        expectEqual(store.getList().size(), 2);
        store.updateMeta("a.txt", ObjectMeta.objectName("b.txt"));
        store.addLink("link", store.getInfo("b.txt"));
        expectEqual(Checks.text(read(store, "link")), "replaced");
        store.delete("large");
        Checks.expect(store.getInfo("large") == null, "a deleted object is there");
        expectEqual(store.getList().size(), 2);
        store.seal();
        fails(JetStreamApiException.class, () -> store.put("late", NOTHING));
        Checks.expect(store.getStatus().isSealed(), "not sealed");
        connection.objectStoreManagement().delete("objects");
    }

    private static byte[] read(ObjectStore store, String name) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        store.get(name, out);
        return out.toByteArray();
    }

    private void mirrorsSources() throws Exception {
        for (String origin : List.of("north", "south")) {
            manager.addStream(stream(origin, origin + ".*").build());
            publishNumbers(6, origin + ".a", origin + ".b", origin + ".c");
        }
        manager.addStream(StreamConfiguration.builder().name("MIRROR")
            .mirror(Mirror.builder().sourceName("north").build()).build());
        SubjectTransform moved =
            SubjectTransform.builder().source("south.*").destination("moved.{{wildcard(1)}}").build();
        manager.addStream(StreamConfiguration.builder().name("SOURCED").sources(
            Source.builder().sourceName("north").filterSubject("north.b").build(),
            Source.builder().sourceName("south").subjectTransforms(moved).build()).build());
        untilMessages("MIRROR", 6);
        untilMessages("SOURCED", 8);
        expectEqual(manager.getMessage("MIRROR", 4).getSubject(), "north.a");
        js.publish("north.b", NOTHING);
        untilMessages("MIRROR", 7);
        untilMessages("SOURCED", 9);
    }

    private void restart() throws Exception {
        manager.addStream(stream("RESTART", "restart.*").build());
        ConsumerContext consumer = consumer("RESTART", durable("d").ackWait(Duration.ofHours(1)));
        publishNumbers(90, "restart.a", "restart.b", "restart.c");
        for (int i = 0; i < 40; i++) next(consumer).ackSync(Checks.PATIENCE);
        next(consumer); // Not acknowledged, and not again before an hour has passed.
        PublishOptions once = PublishOptions.builder().messageId("kept").build();
        js.publish("restart.id", NOTHING, once);
        System.out.println("stop");
        Checks.expect(disconnected.await(20, TimeUnit.SECONDS), "still connected");
        System.out.println("start");
        Checks.expect(reconnected.await(20, TimeUnit.SECONDS), "not connected again");
        Checks.expect(js.publish("restart.id", NOTHING, once).isDuplicate(), "the message's id is forgotten");
        StreamState state = state("RESTART");
        expectEqual(List.of(state.getMsgCount(), state.getFirstSequence()), List.of(91L, 1L));
        ConsumerInfo info = consumer.getConsumerInfo();
        expectEqual(List.of(info.getAckFloor().getStreamSequence(), info.getNumAckPending(), info.getNumPending()),
            List.of(40L, 1L, 50L));
        expectEqual(Checks.text(next(consumer).getData()), "42");
    }
}
