// The checks of JetStream's streams in ../README.md with nats.go's package for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	maximumMessages    = 10077
	subjectsOverlap    = 10065
	wrongLastMessageID = 10070
	wrongLastSequence  = 10071
	streamMismatch     = 10060
)

var jetStreamChecks = []check{
	{"streams", withJetStream(streams)},
	{"publish", withJetStream(publish)},
	{"publish-async", withJetStream(publishAsync)},
	{"messages", withJetStream(messages)},
	{"pull", withJetStream(pull)},
	{"push", withJetStream(push)},
	{"ordered", withJetStream(ordered)},
	{"acks", withJetStream(acks)},
	{"retention", withJetStream(retention)},
	{"key-value", withJetStream(keyValue)},
	{"object-store", withJetStream(objectStore)},
	{"mirrors-sources", withJetStream(mirrorsSources)},
	{"restart", withJetStream(restart)},
}

// world is a connection with JetStream, and a context in which nothing takes longer than patience.
type world struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	ctx context.Context
}

func withJetStream(run func(w world)) func(urls []string) {
	return func(urls []string) {
		nc := connect(urls[0], nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
		defer nc.Close()
		js := get(jetstream.New(nc, jetstream.WithDefaultTimeout(patience)))
		ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
		defer cancel()
		run(world{nc, js, ctx})
	}
}

// get is a result that must have come without an error.
func get[T any](value T, err error) T {
	must(err)
	return value
}

func expectEqual[T any](got, want T) {
	expect(fmt.Sprint(got) == fmt.Sprint(want), "got %v, not %v", got, want)
}

// expectCode wants an error of the API with this number.
func expectCode(err error, code jetstream.ErrorCode) {
	var fault jetstream.JetStreamError
	expect(errors.As(err, &fault) && fault.APIError() != nil && fault.APIError().ErrorCode == code, "error is %v, not %d", err, code)
}

func expectError(err, want error) {
	expect(errors.Is(err, want), "error is %v, not %v", err, want)
}

// numbers publishes the numbers from 1 to n as text, by turns to the subjects.
func (w world) numbers(n int, subjects ...string) {
	for i := range n {
		get(w.js.Publish(w.ctx, subjects[i%len(subjects)], []byte(strconv.Itoa(i+1))))
	}
}

func (w world) stream(config jetstream.StreamConfig) jetstream.Stream {
	return get(w.js.CreateStream(w.ctx, config))
}

func (w world) state(stream jetstream.Stream) jetstream.StreamState {
	return get(stream.Info(w.ctx)).State
}

func streams(w world) {
	config := jetstream.StreamConfig{Name: "STREAMS", Subjects: []string{"streams.a"}, Description: "before",
		Metadata: map[string]string{"owner": "ann"}}
	stream := w.stream(config)
	expectEqual(stream.CachedInfo().Config.Metadata["owner"], "ann")
	w.stream(config) // The same again is no error.
	other := config
	other.Storage = jetstream.MemoryStorage
	_, err := w.js.CreateStream(w.ctx, other)
	expectError(err, jetstream.ErrStreamNameAlreadyInUse)
	_, err = w.js.CreateStream(w.ctx, jetstream.StreamConfig{Name: "OVERLAP", Subjects: []string{"streams.*"}})
	expectCode(err, subjectsOverlap)
	_, err = w.js.Stream(w.ctx, "NONE")
	expectError(err, jetstream.ErrStreamNotFound)
	_, err = w.js.UpdateStream(w.ctx, jetstream.StreamConfig{Name: "NONE"})
	expectError(err, jetstream.ErrStreamNotFound)
	config.Description, config.Subjects = "after", []string{"streams.a", "streams.b.*"}
	expectEqual(get(w.js.UpdateStream(w.ctx, config)).CachedInfo().Config.Description, "after")
	expectEqual(get(w.js.StreamNameBySubject(w.ctx, "streams.b.c")), "STREAMS")
	w.numbers(6, "streams.a", "streams.b.1", "streams.b.2")
	info := get(stream.Info(w.ctx, jetstream.WithSubjectFilter("streams.b.>")))
	expectEqual(info.State.Subjects, map[string]uint64{"streams.b.1": 2, "streams.b.2": 2})
	for i := range 3 {
		w.stream(jetstream.StreamConfig{Name: fmt.Sprintf("MORE%d", i), Storage: jetstream.MemoryStorage})
	}
	var names []string
	for name := range w.js.StreamNames(w.ctx).Name() {
		names = append(names, name)
	}
	slices.Sort(names)
	expectEqual(names, []string{"MORE0", "MORE1", "MORE2", "STREAMS"})
	for info := range w.js.ListStreams(w.ctx, jetstream.WithStreamListSubject("streams.>")).Info() {
		expectEqual(info.Config.Name, "STREAMS")
	}
	expect(get(w.js.AccountInfo(w.ctx)).Streams == 4, "the account has not 4 streams")
	for _, name := range names {
		must(w.js.DeleteStream(w.ctx, name))
	}
	expectError(w.js.DeleteStream(w.ctx, "STREAMS"), jetstream.ErrStreamNotFound)
}

func publish(w world) {
	w.stream(jetstream.StreamConfig{Name: "PUBLISH", Subjects: []string{"publish.*"}, AllowMsgTTL: true, MaxMsgSize: 1000})
	for i := range 20 {
		ack := get(w.js.Publish(w.ctx, "publish.a", nil))
		expect(ack.Stream == "PUBLISH" && ack.Sequence == uint64(i+1) && !ack.Duplicate, "ack is %v", ack)
	}
	expect(!get(w.js.Publish(w.ctx, "publish.b", nil, jetstream.WithMsgID("one"))).Duplicate, "new is a duplicate")
	again := get(w.js.Publish(w.ctx, "publish.b", nil, jetstream.WithMsgID("one")))
	expect(again.Duplicate && again.Sequence == 21, "the duplicate's ack is %v", again)
	for code, option := range map[jetstream.ErrorCode]jetstream.PublishOpt{
		streamMismatch:     jetstream.WithExpectStream("OTHER"),
		wrongLastMessageID: jetstream.WithExpectLastMsgID("two"),
		wrongLastSequence:  jetstream.WithExpectLastSequence(20),
	} {
		_, err := w.js.Publish(w.ctx, "publish.a", nil, option)
		expectCode(err, code)
	}
	get(w.js.Publish(w.ctx, "publish.a", nil, jetstream.WithExpectLastSequence(21), jetstream.WithExpectLastMsgID("one")))
	get(w.js.Publish(w.ctx, "publish.c", nil, jetstream.WithExpectLastSequencePerSubject(0)))
	_, err := w.js.Publish(w.ctx, "publish.c", nil, jetstream.WithExpectLastSequencePerSubject(0))
	expectCode(err, wrongLastSequence)
	_, err = w.js.Publish(w.ctx, "publish.a", make([]byte, 2000))
	expectError(err, jetstream.ErrStreamMessageExceedsMaximum)
	_, err = w.js.Publish(w.ctx, "nobody.a", nil)
	expectError(err, jetstream.ErrNoStreamResponse)
	get(w.js.Publish(w.ctx, "publish.ttl", nil, jetstream.WithMsgTTL(time.Second)))
	stream := get(w.js.Stream(w.ctx, "PUBLISH"))
	for w.state(stream).NumSubjects == 4 {
		time.Sleep(50 * time.Millisecond)
	}
	_, err = stream.GetLastMsgForSubject(w.ctx, "publish.ttl")
	expectError(err, jetstream.ErrMsgNotFound)
}

func publishAsync(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "ASYNC", Subjects: []string{"async"}})
	futures := make([]jetstream.PubAckFuture, orderedMessages)
	for i := range futures {
		futures[i] = get(w.js.PublishAsync("async", []byte(strconv.Itoa(i))))
	}
	<-w.js.PublishAsyncComplete()
	for i, future := range futures {
		expectEqual((<-future.Ok()).Sequence, uint64(i+1))
	}
	future := get(w.js.PublishAsync("async", nil, jetstream.WithExpectLastSequence(3)))
	expectCode(<-future.Err(), wrongLastSequence)
	expectError(<-get(w.js.PublishAsync("nobody", nil)).Err(), jetstream.ErrNoStreamResponse)
	expectEqual(w.state(stream).Msgs, orderedMessages)
}

func messages(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "MESSAGES", Subjects: []string{"messages.*"}, AllowDirect: true})
	indirect := w.stream(jetstream.StreamConfig{Name: "INDIRECT", Subjects: []string{"indirect.*"}})
	for name, stream := range map[string]jetstream.Stream{"messages": stream, "indirect": indirect} {
		message := nats.NewMsg(name + ".0")
		message.Header.Add("fruit", "apple")
		message.Header.Add("fruit", "pear")
		get(w.js.PublishMsg(w.ctx, message))
		w.numbers(9, name+".1", name+".2", name+".3")
		first := get(stream.GetMsg(w.ctx, 1))
		expectEqual(first.Header.Values("fruit"), []string{"apple", "pear"})
		expect(first.Subject == name+".0" && time.Since(first.Time) < patience, "the first is %v", first)
		expectEqual(string(get(stream.GetMsg(w.ctx, 5)).Data), "4")
		expectEqual(get(stream.GetMsg(w.ctx, 3, jetstream.WithGetMsgSubject(name+".1"))).Sequence, 5)
		expectEqual(string(get(stream.GetLastMsgForSubject(w.ctx, name+".2")).Data), "8")
		_, err := stream.GetMsg(w.ctx, 99)
		expectError(err, jetstream.ErrMsgNotFound)
		_, err = stream.GetLastMsgForSubject(w.ctx, name+".none")
		expectError(err, jetstream.ErrMsgNotFound)
		must(stream.DeleteMsg(w.ctx, 2))
		must(stream.SecureDeleteMsg(w.ctx, 3))
		expectError(stream.DeleteMsg(w.ctx, 3), jetstream.ErrMsgDeleteUnsuccessful)
		info := get(stream.Info(w.ctx, jetstream.WithDeletedDetails(true)))
		expectEqual(info.State.Deleted, []uint64{2, 3})
		must(stream.Purge(w.ctx, jetstream.WithPurgeSubject(name+".3"), jetstream.WithPurgeKeep(1)))
		expectEqual(w.state(stream).Msgs, 6)
		must(stream.Purge(w.ctx, jetstream.WithPurgeSequence(9)))
		state := w.state(stream)
		expect(state.FirstSeq == 9 && state.Msgs == 2, "state is %v", state)
		must(stream.Purge(w.ctx))
		state = w.state(stream)
		expect(state.FirstSeq == 11 && state.LastSeq == 10 && state.Msgs == 0, "state is %v", state)
	}
}

func retention(w world) {
	w.stream(jetstream.StreamConfig{Name: "FULL", Subjects: []string{"full"}, MaxMsgs: 3, Discard: jetstream.DiscardNew})
	w.numbers(3, "full")
	_, err := w.js.Publish(w.ctx, "full", nil)
	expectCode(err, maximumMessages)
	subjects := w.stream(jetstream.StreamConfig{Name: "LAST", Subjects: []string{"last.*"}, MaxMsgsPerSubject: 2})
	w.numbers(9, "last.a", "last.b", "last.c")
	expectEqual(w.state(subjects).Msgs, 6)
	queue := w.stream(jetstream.StreamConfig{Name: "WORK", Subjects: []string{"work"}, Retention: jetstream.WorkQueuePolicy})
	w.numbers(10, "work")
	worker := get(queue.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "worker"}))
	for range 4 {
		must(w.next(worker).DoubleAck(w.ctx))
	}
	expectEqual(w.state(queue).Msgs, 6)
	_, err = queue.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "second"})
	expectCode(err, 10099)
	interest := w.stream(jetstream.StreamConfig{Name: "INTEREST", Subjects: []string{"interest"}, Retention: jetstream.InterestPolicy})
	w.numbers(1, "interest")
	expectEqual(w.state(interest).Msgs, 0)
	a := get(interest.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "a"}))
	b := get(interest.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "b"}))
	w.numbers(1, "interest")
	must(w.next(a).DoubleAck(w.ctx))
	expectEqual(w.state(interest).Msgs, 1)
	must(w.next(b).DoubleAck(w.ctx))
	expectEqual(w.state(interest).Msgs, 0)
	aged := w.stream(jetstream.StreamConfig{Name: "AGED", Subjects: []string{"aged"}, MaxAge: 200 * time.Millisecond})
	w.numbers(3, "aged")
	for w.state(aged).Msgs > 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

func mirrorsSources(w world) {
	for _, origin := range []string{"north", "south"} {
		w.stream(jetstream.StreamConfig{Name: origin, Subjects: []string{origin + ".*"}})
		w.numbers(6, origin+".a", origin+".b", origin+".c")
	}
	mirror := w.stream(jetstream.StreamConfig{Name: "MIRROR", Mirror: &jetstream.StreamSource{Name: "north"}, MirrorDirect: true})
	sourced := w.stream(jetstream.StreamConfig{Name: "SOURCED", Sources: []*jetstream.StreamSource{
		{Name: "north", FilterSubject: "north.b"},
		{Name: "south", SubjectTransforms: []jetstream.SubjectTransformConfig{{Source: "south.*", Destination: "moved.{{wildcard(1)}}"}}},
	}})
	w.untilMessages(mirror, 6)
	w.untilMessages(sourced, 8)
	expectEqual(get(mirror.GetMsg(w.ctx, 4)).Subject, "north.a")
	info := get(sourced.Info(w.ctx, jetstream.WithSubjectFilter(">")))
	expectEqual(info.State.Subjects, map[string]uint64{"north.b": 2, "moved.a": 2, "moved.b": 2, "moved.c": 2})
	expectEqual(len(info.Sources), 2)
	get(w.js.Publish(w.ctx, "north.b", nil))
	w.untilMessages(mirror, 7)
	w.untilMessages(sourced, 9)
	_, err := w.js.Publish(w.ctx, "mirror", nil)
	expectError(err, jetstream.ErrNoStreamResponse)
}

func (w world) untilMessages(stream jetstream.Stream, count uint64) {
	for w.state(stream).Msgs != count {
		time.Sleep(20 * time.Millisecond)
	}
}

func restart(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "RESTART", Subjects: []string{"restart.*"}, MaxMsgsPerSubject: 30})
	consumer := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "d", AckWait: time.Hour}))
	bucket := get(w.js.CreateKeyValue(w.ctx, jetstream.KeyValueConfig{Bucket: "restart", History: 5}))
	get(bucket.PutString(w.ctx, "key", "value"))
	w.numbers(90, "restart.a", "restart.b", "restart.c")
	for range 40 {
		must(w.next(consumer).DoubleAck(w.ctx))
	}
	w.next(consumer) // Not acknowledged, and not again before an hour has passed.
	get(w.js.Publish(w.ctx, "restart.id", nil, jetstream.WithMsgID("kept")))
	reconnected := make(chan struct{}, 1)
	w.nc.SetReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} })
	fmt.Println("stop")
	fmt.Println("start")
	<-reconnected
	expect(get(w.js.Publish(w.ctx, "restart.id", nil, jetstream.WithMsgID("kept"))).Duplicate, "the message's id is forgotten")
	state := w.state(stream)
	expect(state.Msgs == 91 && state.FirstSeq == 1 && state.NumSubjects == 4, "state is %v", state)
	info := get(consumer.Info(w.ctx))
	expect(info.AckFloor.Stream == 40 && info.NumAckPending == 1 && info.NumPending == 50, "the consumer's state is %v", info)
	expectEqual(string(w.next(consumer).Data()), "42")
	entry := get(bucket.Get(w.ctx, "key"))
	expect(string(entry.Value()) == "value" && entry.Revision() == 1, "the entry is %v", entry)
}
