// The checks of consumers in ../README.md with nats.go.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const consumedMessages = 500

func (w world) next(consumer jetstream.Consumer) jetstream.Msg {
	return get(consumer.Next(jetstream.FetchMaxWait(patience)))
}

// texts are the messages of a batch, acknowledged.
func texts(batch jetstream.MessageBatch, err error) []string {
	must(err)
	all := []string{}
	for msg := range batch.Messages() {
		all = append(all, string(msg.Data()))
		must(msg.Ack())
	}
	return all
}

// expectNumber wants one of the messages that numbers published.
func expectNumber(msg jetstream.Msg, number int) {
	expectEqual(string(msg.Data()), strconv.Itoa(number))
}

func pull(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "PULL", Subjects: []string{"pull.*"}})
	w.numbers(consumedMessages, "pull.a", "pull.b")
	consumer := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "d", MaxRequestBatch: 200, MaxAckPending: 10_000}))
	expectEqual(texts(consumer.Fetch(3)), []string{"1", "2", "3"})
	expectEqual(texts(consumer.FetchNoWait(2)), []string{"4", "5"})
	large := get(consumer.Fetch(201, jetstream.FetchMaxWait(patience)))
	expectEqual(texts(large, nil), []string{})
	expect(large.Error() != nil, "more than the largest batch was taken")
	expectEqual(get(consumer.Info(w.ctx)).NumPending, consumedMessages-5)
	iterator := get(consumer.Messages(jetstream.PullMaxMessages(50)))
	for i := range 100 {
		msg := get(iterator.Next())
		expectNumber(msg, 6+i)
		must(msg.Ack())
	}
	iterator.Stop()
	free := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{}))
	few := len(texts(free.FetchBytes(1000)))
	expect(few > 0 && few < 50, "%d messages for 1000 bytes", few)
	received := make(chan jetstream.Msg, consumedMessages)
	consuming := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{FilterSubjects: []string{"pull.b", "pull.c"}}))
	handling := get(consuming.Consume(func(msg jetstream.Msg) { must(msg.Ack()); received <- msg }, jetstream.PullMaxMessages(100)))
	for i := range consumedMessages / 2 {
		expectNumber(<-received, 2*i+2)
	}
	get(w.js.Publish(w.ctx, "pull.c", []byte("late")))
	expectEqual(string((<-received).Data()), "late")
	handling.Drain()
	<-handling.Closed()
	empty := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{FilterSubject: "pull.none"}))
	expectEqual(texts(empty.FetchNoWait(1)), []string{})
	expectEqual(texts(empty.Fetch(1, jetstream.FetchMaxWait(300*time.Millisecond))), []string{})
	starts(w, stream)
	managed(w, stream)
}

// starts checks where consumers begin.
func starts(w world, stream jetstream.Stream) {
	since := get(stream.GetMsg(w.ctx, 40)).Time
	for want, config := range map[string]jetstream.ConsumerConfig{
		"1":    {},
		"late": {DeliverPolicy: jetstream.DeliverLastPolicy},
		"499":  {DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubject: "pull.*"},
		"30":   {DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 30},
		"40":   {DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since},
	} {
		config.AckPolicy = jetstream.AckNonePolicy
		expectEqual(string(w.next(get(stream.CreateConsumer(w.ctx, config))).Data()), want)
	}
	fresh := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy, HeadersOnly: true}))
	get(w.js.Publish(w.ctx, "pull.a", []byte("fresh")))
	msg := w.next(fresh)
	expect(len(msg.Data()) == 0 && msg.Headers().Get("Nats-Msg-Size") == "5", "headers only: %v", msg)
}

// managed checks the requests about consumers.
func managed(w world, stream jetstream.Stream) {
	_, err := stream.Consumer(w.ctx, "none")
	expectError(err, jetstream.ErrConsumerNotFound)
	_, err = stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "d", MaxDeliver: 9})
	expectError(err, jetstream.ErrConsumerExists)
	_, err = stream.UpdateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "none"})
	expectError(err, jetstream.ErrConsumerDoesNotExist)
	_, err = stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{FilterSubjects: []string{"pull.*", "pull.a"}})
	expectError(err, jetstream.ErrOverlappingFilterSubjects)
	_, err = stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{FilterSubjects: []string{"pull.a", ""}})
	expectError(err, jetstream.ErrEmptyFilter)
	consumer := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "m", Metadata: map[string]string{"a": "b"}}))
	expectEqual(consumer.CachedInfo().Config.Metadata["a"], "b")
	get(stream.UpdateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "m", Description: "changed"}))
	expectEqual(get(consumer.Info(w.ctx)).Config.Description, "changed")
	until := time.Now().Add(time.Hour)
	expect(get(stream.PauseConsumer(w.ctx, "m", until)).Paused, "not paused")
	expectEqual(texts(consumer.Fetch(1, jetstream.FetchMaxWait(200*time.Millisecond))), []string{})
	expect(!get(stream.ResumeConsumer(w.ctx, "m")).Paused, "still paused")
	expectEqual(texts(consumer.Fetch(2)), []string{"1", "2"})
	expectEqual(get(stream.ResetConsumerToSequence(w.ctx, "m", 7)).ResetSeq, 7)
	expectEqual(texts(consumer.Fetch(1)), []string{"7"})
	names := 0
	for range stream.ConsumerNames(w.ctx).Name() {
		names++
	}
	for range stream.ListConsumers(w.ctx).Info() {
		names--
	}
	expect(names == 0, "lists of different lengths")
	must(stream.DeleteConsumer(w.ctx, "m"))
	expectError(stream.DeleteConsumer(w.ctx, "m"), jetstream.ErrConsumerNotFound)
	_, err = consumer.Next(jetstream.FetchMaxWait(patience))
	expectError(err, nats.ErrNoResponders)
	priorities(w, stream)
}

// priorities checks the groups that share a consumer by rank.
func priorities(w world, stream jetstream.Stream) {
	config := jetstream.ConsumerConfig{Durable: "pinned", PriorityPolicy: jetstream.PriorityPolicyPinned,
		PinnedTTL: time.Hour, PriorityGroups: []string{"g"}}
	consumer := get(stream.CreateConsumer(w.ctx, config))
	first := texts(consumer.Fetch(2, jetstream.FetchPriorityGroup("g")))
	expectEqual(first, []string{"1", "2"})
	info := get(consumer.Info(w.ctx))
	expect(len(info.PriorityGroups) == 1 && info.PriorityGroups[0].PinnedClientID != "", "groups are %v", info.PriorityGroups)
	must(stream.UnpinConsumer(w.ctx, "pinned", "g"))
	overflow := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "overflow",
		PriorityPolicy: jetstream.PriorityPolicyOverflow, PriorityGroups: []string{"g"}}))
	batch := get(overflow.Fetch(1, jetstream.FetchPriorityGroup("g"), jetstream.FetchMinPending(100_000),
		jetstream.FetchMaxWait(200*time.Millisecond)))
	expectEqual(texts(batch, nil), []string{})
	expectEqual(texts(overflow.Fetch(1, jetstream.FetchPriorityGroup("g"), jetstream.FetchMinPending(100))), []string{"1"})
}

func push(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push"}})
	w.numbers(consumedMessages, "push")
	consumer := get(stream.CreatePushConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "p", DeliverSubject: "deliver.p",
		FlowControl: true, IdleHeartbeat: time.Second}))
	received := make(chan jetstream.Msg, consumedMessages)
	consuming := get(consumer.Consume(func(msg jetstream.Msg) { must(msg.Ack()); received <- msg }))
	for i := range consumedMessages {
		expectNumber(<-received, i+1)
	}
	consuming.Stop()
	// The older interface: a queue group, and what a subscription without a durable name does.
	js := get(w.nc.JetStream(nats.MaxWait(patience)))
	counts := make(chan string, consumedMessages)
	for _, member := range []string{"a", "b"} {
		get(js.QueueSubscribe("push", "workers", func(msg *nats.Msg) { counts <- member; must(msg.Ack()) }, nats.ManualAck(), nats.DeliverNew()))
	}
	w.numbers(consumedMessages, "push")
	shares := map[string]int{}
	for range consumedMessages {
		shares[<-counts]++
	}
	expect(shares["a"] > 0 && shares["b"] > 0, "shared as %v", shares)
	sub := get(js.SubscribeSync("push", nats.DeliverLast(), nats.AckNone()))
	expectEqual(string(next(sub).Data), strconv.Itoa(consumedMessages))
	must(sub.Unsubscribe())
	pulled := get(js.PullSubscribe("push", "old"))
	expectEqual(len(get(pulled.Fetch(20))), 20)
	_, err := js.SubscribeSync("nobody")
	expectError(err, nats.ErrNoMatchingStream)
}

func ordered(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "ORDERED", Subjects: []string{"ordered.*"}})
	w.numbers(consumedMessages, "ordered.a", "ordered.b")
	consumer := get(stream.OrderedConsumer(w.ctx, jetstream.OrderedConsumerConfig{}))
	iterator := get(consumer.Messages(jetstream.PullMaxMessages(100)))
	for i := range consumedMessages {
		if i == consumedMessages/2 { // It makes another, and goes on where it was.
			must(stream.DeleteConsumer(w.ctx, get(consumer.Info(w.ctx)).Name))
		}
		expectNumber(get(iterator.Next()), i+1)
	}
	iterator.Stop()
	filtered := get(stream.OrderedConsumer(w.ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{"ordered.b"},
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 101}))
	expectEqual(texts(filtered.Fetch(2)), []string{"102", "104"})
	js := get(w.nc.JetStream(nats.MaxWait(patience)))
	sub := get(js.SubscribeSync("ordered.*", nats.OrderedConsumer()))
	for i := range consumedMessages {
		expectEqual(string(next(sub).Data), strconv.Itoa(i+1))
	}
	must(sub.Unsubscribe())
}

func acks(w world) {
	stream := w.stream(jetstream.StreamConfig{Name: "ACKS", Subjects: []string{"acks"}})
	w.numbers(4, "acks")
	consumer := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "d", AckWait: time.Second, MaxAckPending: 1, MaxDeliver: 5}))
	deliveries := func(msg jetstream.Msg) string {
		meta := get(msg.Metadata())
		return fmt.Sprint(meta.Sequence.Stream, meta.NumDelivered, meta.NumPending)
	}
	msg := w.next(consumer)
	expectEqual(deliveries(msg), "1 1 3")
	must(msg.Nak())
	expectError(msg.Ack(), jetstream.ErrMsgAlreadyAckd)
	msg = w.next(consumer)
	expectEqual(deliveries(msg), "1 2 3")
	started := time.Now()
	must(msg.NakWithDelay(300 * time.Millisecond))
	msg = w.next(consumer)
	expect(time.Since(started) >= 300*time.Millisecond, "redelivered after %v", time.Since(started))
	expectEqual(deliveries(msg), "1 3 3")
	for range 5 { // More than its time to be acknowledged.
		time.Sleep(300 * time.Millisecond)
		must(msg.InProgress())
	}
	must(msg.DoubleAck(w.ctx))
	msg = w.next(consumer)
	expectEqual(deliveries(msg), "2 1 2")
	msg = w.next(consumer) // Since the acknowledgement did not come in time.
	expectEqual(deliveries(msg), "2 2 2")
	must(msg.TermWithReason("enough"))
	msg = w.next(consumer)
	expectEqual(deliveries(msg), "3 1 1")
	must(msg.Term())
	msg = w.next(consumer)
	expectEqual(deliveries(msg), "4 1 0")
	must(msg.DoubleAck(w.ctx))
	info := get(consumer.Info(w.ctx))
	expect(info.AckFloor.Stream == 4 && info.NumAckPending == 0 && info.Delivered.Consumer == 7, "the state is %v", info)
	backoff := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "b", MaxDeliver: 3,
		BackOff: []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}}))
	for i := range 3 {
		seen := 0
		for msg := range get(backoff.Fetch(4, jetstream.FetchMaxWait(patience))).Messages() {
			expectEqual(get(msg.Metadata()).NumDelivered, uint64(i+1))
			seen++
		}
		expectEqual(seen, 4)
	}
	_, err := backoff.Next(jetstream.FetchMaxWait(500 * time.Millisecond))
	expect(errors.Is(err, nats.ErrTimeout), "a fifth delivery: %v", err)
	all := get(stream.CreateConsumer(w.ctx, jetstream.ConsumerConfig{Durable: "all", AckPolicy: jetstream.AckAllPolicy}))
	var last jetstream.Msg
	for msg := range get(all.Fetch(3)).Messages() {
		last = msg
	}
	must(last.DoubleAck(w.ctx))
	expectEqual(get(all.Info(w.ctx)).AckFloor.Stream, 3)
}
