// The checks of ../README.md with nats.go.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// patience is used up only when something is lost.
const patience = 20 * time.Second

const (
	queueMessages   = 300
	orderedMessages = 1000
)

func expect(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func connect(url string, options ...nats.Option) *nats.Conn {
	nc, err := nats.Connect(url, options...)
	must(err)
	return nc
}

func subscribe(nc *nats.Conn, subject string) *nats.Subscription {
	sub, err := nc.SubscribeSync(subject)
	must(err)
	must(nc.Flush())
	return sub
}

func next(sub *nats.Subscription) *nats.Msg {
	msg, err := sub.NextMsg(patience)
	must(err)
	return msg
}

func expectText(sub *nats.Subscription, text string) {
	got := string(next(sub).Data)
	expect(got == text, "got %q, not %q", got, text)
}

func publishSubscribe(url, _ string) {
	publisher, subscriber := connect(url), connect(url)
	defer publisher.Close()
	defer subscriber.Close()
	sub := subscribe(subscriber, "go.plain")
	for i := range orderedMessages {
		must(publisher.PublishRequest("go.plain", "go.reply", []byte(strconv.Itoa(i))))
	}
	for i := range orderedMessages {
		msg := next(sub)
		expect(string(msg.Data) == strconv.Itoa(i) && msg.Reply == "go.reply", "message %d is %q", i, msg.Data)
	}
}

func wildcards(url, _ string) {
	nc := connect(url)
	defer nc.Close()
	star, tail := subscribe(nc, "go.wild.*.c"), subscribe(nc, "go.wild.>")
	for _, subject := range []string{"go.wild.b", "go.wild.b.c", "go.wild.b.c.d", "go.wild.end.c"} {
		must(nc.Publish(subject, []byte(subject)))
	}
	for _, subject := range []string{"go.wild.b.c", "go.wild.end.c"} {
		expectText(star, subject)
	}
	for _, subject := range []string{"go.wild.b", "go.wild.b.c", "go.wild.b.c.d", "go.wild.end.c"} {
		expectText(tail, subject)
	}
}

func queueGroup(url, _ string) {
	publisher := connect(url)
	defer publisher.Close()
	var counts [2]atomic.Int64
	all := make(chan struct{}, queueMessages)
	for i := range counts {
		member := connect(url)
		defer member.Close()
		_, err := member.QueueSubscribe("go.queue", "workers", func(*nats.Msg) {
			counts[i].Add(1)
			all <- struct{}{}
		})
		must(err)
		must(member.Flush())
	}
	for range queueMessages {
		must(publisher.Publish("go.queue", nil))
	}
	for range queueMessages {
		<-all
	}
	for i := range counts {
		expect(counts[i].Load() > queueMessages/6, "member %d got %d", i, counts[i].Load())
	}
	expect(counts[0].Load()+counts[1].Load() == queueMessages, "some came twice")
}

func headers(url, _ string) {
	nc := connect(url)
	defer nc.Close()
	sub := subscribe(nc, "go.headers")
	msg := nats.NewMsg("go.headers")
	msg.Header.Add("fruit", "apple")
	msg.Header.Add("fruit", "pear")
	msg.Data = []byte("body")
	must(nc.PublishMsg(msg))
	got := next(sub)
	expect(fmt.Sprint(got.Header.Values("fruit")) == "[apple pear]", "headers are %v", got.Header)
	expect(string(got.Data) == "body", "body is %q", got.Data)
}

func request(url, _ string) {
	for _, options := range [][]nats.Option{{}, {nats.UseOldRequestStyle()}} {
		responder, nc := connect(url), connect(url, options...)
		_, err := responder.Subscribe("go.upper", func(msg *nats.Msg) { must(msg.Respond(bytes.ToUpper(msg.Data))) })
		must(err)
		must(responder.Flush())
		for i := range 100 {
			answer, err := nc.Request("go.upper", fmt.Appendf(nil, "n%d", i), patience)
			must(err)
			expect(string(answer.Data) == fmt.Sprintf("N%d", i), "answer is %q", answer.Data)
		}
		responder.Close()
		nc.Close()
	}
}

func noResponders(url, _ string) {
	nc := connect(url)
	defer nc.Close()
	_, err := nc.Request("go.nobody", nil, patience)
	expect(errors.Is(err, nats.ErrNoResponders), "error is %v", err)
}

func autoUnsubscribe(url, _ string) {
	nc := connect(url)
	defer nc.Close()
	sub := subscribe(nc, "go.limited")
	must(sub.AutoUnsubscribe(2))
	for _, text := range []string{"1", "2"} {
		must(nc.Publish("go.limited", []byte(text)))
	}
	must(nc.Flush())
	expectText(sub, "1")
	expectText(sub, "2")
	_, err := sub.NextMsg(patience)
	expect(errors.Is(err, nats.ErrMaxMessages), "error is %v", err)
	_, err = nc.Request("go.limited", nil, patience)
	expect(errors.Is(err, nats.ErrNoResponders), "the server still knows it: %v", err)
}

func maxPayload(url, _ string) {
	nc := connect(url)
	defer nc.Close()
	sub := subscribe(nc, "go.large")
	payload := bytes.Repeat([]byte("0123456789abcdef"), int(nc.MaxPayload())/16)
	must(nc.Publish("go.large", payload))
	expect(bytes.Equal(next(sub).Data, payload), "payload changed")
	err := nc.Publish("go.large", append(payload, 'x'))
	expect(errors.Is(err, nats.ErrMaxPayload), "error is %v", err)
}

func drain(url, _ string) {
	publisher := connect(url)
	defer publisher.Close()
	closed := make(chan struct{})
	worker := connect(url, nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	answers := subscribe(publisher, "go.drained")
	_, err := worker.Subscribe("go.drain", func(msg *nats.Msg) { must(worker.Publish("go.drained", msg.Data)) })
	must(err)
	must(worker.Flush())
	for i := range 100 {
		must(publisher.Publish("go.drain", []byte(strconv.Itoa(i))))
	}
	must(publisher.Flush())
	must(worker.Drain())
	<-closed
	for i := range 100 {
		expectText(answers, strconv.Itoa(i))
	}
}

func auth(_, url string) {
	nc := connect(url, nats.UserInfo("ann", "secret"))
	must(nc.Flush())
	nc.Close()
	for _, options := range [][]nats.Option{{}, {nats.UserInfo("ann", "wrong")}, {nats.Token("secret")}} {
		_, err := nats.Connect(url, options...)
		expect(errors.Is(err, nats.ErrAuthorization), "error is %v", err)
	}
}

func reconnect(url, _ string) {
	disconnected := make(chan struct{}, 1)
	nc := connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { disconnected <- struct{}{} }))
	defer nc.Close()
	sub := subscribe(nc, "go.again")
	fmt.Println("stop")
	<-disconnected
	must(nc.Publish("go.again", []byte("during")))
	fmt.Println("start")
	expectText(sub, "during")
	must(nc.Publish("go.again", []byte("after")))
	expectText(sub, "after")
}

// check gets the addresses that the program was started with.
type check struct {
	name string
	run  func(urls []string)
}

// messaging makes a check of a function that wants an open server and one that asks for a user and a password.
func messaging(name string, run func(url, lockedURL string)) check {
	return check{name, func(urls []string) { run(urls[0], urls[1]) }}
}

var messagingChecks = []check{
	messaging("publish-subscribe", publishSubscribe),
	messaging("wildcards", wildcards),
	messaging("queue-group", queueGroup),
	messaging("headers", headers),
	messaging("request", request),
	messaging("no-responders", noResponders),
	messaging("auto-unsubscribe", autoUnsubscribe),
	messaging("max-payload", maxPayload),
	messaging("drain", drain),
	messaging("auth", auth),
	messaging("reconnect", reconnect),
}

func main() {
	checks := map[string][]check{"messaging": messagingChecks, "jetstream": jetStreamChecks}[os.Args[1]]
	for _, check := range checks {
		func() {
			defer func() {
				if fault := recover(); fault != nil {
					fmt.Printf("not ok %s: %v\n", check.name, fault)
					os.Exit(1)
				}
			}()
			check.run(os.Args[2:])
		}()
		fmt.Println("ok", check.name)
	}
}
