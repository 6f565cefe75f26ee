import io.nats.client.Connection;
import io.nats.client.ConnectionListener.Events;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** The checks of ../README.md with jnats. */
final class Checks {
    /** Used up only when something is lost. */
    static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final int QUEUE_MESSAGES = 300;
    private static final int ORDERED_MESSAGES = 1000;

    /** A check gets the address of an open server and, but for JetStream, of one that wants a user and a password. */
    interface Check {
        void run(String url, String lockedUrl) throws Exception;
    }

    static void expect(boolean holds, String message) {
        if (!holds) throw new AssertionError(message);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Options whose errors are not printed: each check looks for those that it expects. */
    static Options.Builder options(String url) {
        return new Options.Builder().server(url).errorListener(new ErrorListener() {});
    }

    private static Connection connect(String url) throws Exception {
        return Nats.connect(options(url).build());
    }

    private static void flush(Connection connection) throws Exception {
        connection.flush(PATIENCE);
    }

    private static Subscription subscribe(Connection connection, String subject) throws Exception {
        Subscription subscription = connection.subscribe(subject);
        flush(connection);
        return subscription;
    }

    private static Message next(Subscription subscription) throws Exception {
        Message message = subscription.nextMessage(PATIENCE);
        expect(message != null, "no message came");
        return message;
    }

    private static void expectText(Subscription subscription, String expected) throws Exception {
        String got = text(next(subscription).getData());
        expect(got.equals(expected), "got " + got + ", not " + expected);
    }

    private static void publishSubscribe(String url, String locked) throws Exception {
        try (Connection publisher = connect(url); Connection subscriber = connect(url)) {
            Subscription subscription = subscribe(subscriber, "java.plain");
            for (int i = 0; i < ORDERED_MESSAGES; i++) {
                publisher.publish("java.plain", "java.reply", bytes(Integer.toString(i)));
            }
            for (int i = 0; i < ORDERED_MESSAGES; i++) {
                Message message = next(subscription);
                expect(text(message.getData()).equals(Integer.toString(i)), "message " + i + " is " + message);
                expect("java.reply".equals(message.getReplyTo()), "reply of " + message);
            }
        }
    }

    private static void wildcards(String url, String locked) throws Exception {
        try (Connection connection = connect(url)) {
            Subscription star = subscribe(connection, "java.wild.*.c");
            Subscription tail = subscribe(connection, "java.wild.>");
            List<String> subjects = List.of("java.wild.b", "java.wild.b.c", "java.wild.b.c.d", "java.wild.end.c");
            for (String subject : subjects) connection.publish(subject, bytes(subject));
            for (String subject : List.of("java.wild.b.c", "java.wild.end.c")) expectText(star, subject);
            for (String subject : subjects) expectText(tail, subject);
        }
    }

    private static void queueGroup(String url, String locked) throws Exception {
        AtomicIntegerArray counts = new AtomicIntegerArray(2);
        CountDownLatch all = new CountDownLatch(QUEUE_MESSAGES);
        try (Connection publisher = connect(url); Connection first = connect(url); Connection second = connect(url)) {
            List<Connection> members = List.of(first, second);
            for (int i = 0; i < members.size(); i++) {
                int member = i;
                members.get(i).createDispatcher(message -> {
                    counts.incrementAndGet(member);
                    all.countDown();
                }).subscribe("java.queue", "workers");
                flush(members.get(i));
            }
            for (int i = 0; i < QUEUE_MESSAGES; i++) publisher.publish("java.queue", new byte[0]);
            expect(all.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "only " + counts);
            for (Connection member : members) flush(member);
        }
        for (int i = 0; i < 2; i++) expect(counts.get(i) > QUEUE_MESSAGES / 6, "shared as " + counts);
        expect(counts.get(0) + counts.get(1) == QUEUE_MESSAGES, "some came twice");
    }

    private static void headers(String url, String locked) throws Exception {
        try (Connection connection = connect(url)) {
            Subscription subscription = subscribe(connection, "java.headers");
            Headers headers = new Headers().add("fruit", "apple", "pear");
            connection.publish("java.headers", headers, bytes("body"));
            Message message = next(subscription);
            expect(List.of("apple", "pear").equals(message.getHeaders().get("fruit")), "headers of " + message);
            expect(text(message.getData()).equals("body"), "body of " + message);
        }
    }

    private static void request(String url, String locked) throws Exception {
        for (boolean oldStyle : new boolean[] {false, true}) {
            Options.Builder options = options(url);
            if (oldStyle) options.oldRequestStyle();
            try (Connection responder = connect(url); Connection connection = Nats.connect(options.build())) {
                responder.createDispatcher(message -> responder.publish(
                        message.getReplyTo(), bytes(text(message.getData()).toUpperCase(Locale.ROOT))))
                    .subscribe("java.upper");
                flush(responder);
                for (int i = 0; i < 100; i++) {
                    Message answer = connection.request("java.upper", bytes("n" + i), PATIENCE);
                    expect(answer != null && text(answer.getData()).equals("N" + i), "answer is " + answer);
                }
            }
        }
    }

    private static void expectNoResponders(String url, String subject) throws Exception {
        try (Connection connection = Nats.connect(options(url).reportNoResponders().build())) {
            Message answer = connection.request(subject, new byte[0]).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            throw new AssertionError("answered with " + answer);
        } catch (ExecutionException error) {
            expect(error.getMessage().contains("503"), "failed with " + error);
        }
    }

    private static void noResponders(String url, String locked) throws Exception {
        expectNoResponders(url, "java.nobody");
    }

    private static void autoUnsubscribe(String url, String locked) throws Exception {
        try (Connection connection = connect(url)) {
            Subscription subscription = subscribe(connection, "java.limited");
            subscription.unsubscribe(2);
            for (String text : List.of("1", "2")) connection.publish("java.limited", bytes(text));
            flush(connection);
            expectText(subscription, "1");
            expectText(subscription, "2");
            expectNoResponders(url, "java.limited");
        }
    }

    private static void maxPayload(String url, String locked) throws Exception {
        try (Connection connection = connect(url)) {
            Subscription subscription = subscribe(connection, "java.large");
            byte[] payload = new byte[(int) connection.getMaxPayload()];
            for (int i = 0; i < payload.length; i++) payload[i] = (byte) (i * 31 >> 3);
            connection.publish("java.large", payload);
            expect(Arrays.equals(next(subscription).getData(), payload), "payload changed");
            try {
                connection.publish("java.large", new byte[payload.length + 1]);
            } catch (IllegalArgumentException expected) {
                return;
            }
            throw new AssertionError("more than max_payload was accepted");
        }
    }

    private static void drain(String url, String locked) throws Exception {
        try (Connection publisher = connect(url); Connection worker = connect(url)) {
            Subscription answers = subscribe(publisher, "java.drained");
            worker.createDispatcher(message -> worker.publish("java.drained", message.getData())).subscribe("java.drain");
            flush(worker);
            for (int i = 0; i < 100; i++) publisher.publish("java.drain", bytes(Integer.toString(i)));
            flush(publisher);
            expect(worker.drain(PATIENCE).get(PATIENCE.toSeconds(), TimeUnit.SECONDS), "not drained");
            for (int i = 0; i < 100; i++) expectText(answers, Integer.toString(i));
        }
    }

    private static void auth(String open, String url) throws Exception {
        try (Connection connection = Nats.connect(options(url).userInfo("ann", "secret").build())) {
            flush(connection);
        }
        for (Options wrong : List.of(
                options(url).noReconnect().build(),
                options(url).noReconnect().userInfo("ann", "wrong").build(),
                options(url).noReconnect().token("secret".toCharArray()).build())) {
            try (Connection connection = Nats.connect(wrong)) {
                throw new AssertionError("let in: " + connection);
            } catch (io.nats.client.AuthenticationException expected) {
                expect(expected.getMessage().contains("Authorization Violation"), "refused with " + expected);
            }
        }
    }

    private static void reconnect(String url, String locked) throws Exception {
        CountDownLatch disconnected = new CountDownLatch(1);
        Options options = options(url).reconnectWait(Duration.ofMillis(10)).maxReconnects(-1)
            .connectionListener((connection, event) -> {
                if (event == Events.DISCONNECTED) disconnected.countDown();
            }).build();
        try (Connection connection = Nats.connect(options)) {
            Subscription subscription = subscribe(connection, "java.again");
            System.out.println("stop");
            expect(disconnected.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "still connected");
            connection.publish("java.again", bytes("during"));
            System.out.println("start");
            expectText(subscription, "during");
            connection.publish("java.again", bytes("after"));
            expectText(subscription, "after");
        }
    }

    private static Map<String, Check> messaging() {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("publish-subscribe", Checks::publishSubscribe);
        checks.put("wildcards", Checks::wildcards);
        checks.put("queue-group", Checks::queueGroup);
        checks.put("headers", Checks::headers);
        checks.put("request", Checks::request);
        checks.put("no-responders", Checks::noResponders);
        checks.put("auto-unsubscribe", Checks::autoUnsubscribe);
        checks.put("max-payload", Checks::maxPayload);
        checks.put("drain", Checks::drain);
        checks.put("auth", Checks::auth);
        checks.put("reconnect", Checks::reconnect);
        return checks;
    }

    public static void main(String[] arguments) {
        boolean isMessaging = arguments[0].equals("messaging");
        String locked = isMessaging ? arguments[2] : "";
        (isMessaging ? messaging() : JetStreamChecks.all()).forEach((name, check) -> {
            try {
                check.run(arguments[1], locked);
                System.out.println("ok " + name);
            } catch (Throwable fault) {
                System.out.println("not ok " + name + ": " + fault);
                fault.printStackTrace();
                System.exit(1);
            }
        });
        System.exit(0);
    }
}
