"""The checks of JetStream in ../README.md with nats-py."""

import asyncio
import functools
import io
import time
from datetime import datetime, timedelta, timezone

from harness import PATIENCE_SECONDS, connect, expect, expect_equal, run
from nats import errors
from nats.js import api
from nats.js import errors as js_errors

ORDERED_MESSAGES = 1000
CONSUMED_MESSAGES = 300
MANY_KEYS = 300

STREAM_NOT_FOUND = 10059
STREAM_NAME_IN_USE = 10058
SUBJECTS_OVERLAP = 10065
CONSUMER_NOT_FOUND = 10014
MAXIMUM_MESSAGES = 10077
MESSAGE_TOO_LARGE = 10054
WRONG_LAST_SEQUENCE = 10071
WRONG_LAST_MESSAGE_ID = 10070
STREAM_MISMATCH = 10060
NO_MESSAGE = 10037
SECOND_WORKER = 10099


def with_jetstream(check):
    """Makes a check of a function that wants a connection and its JetStream."""

    @functools.wraps(check)
    async def checked(url: str) -> None:
        nc = await connect(url, reconnect_time_wait=0.01, max_reconnect_attempts=-1)
        await check(nc, nc.jetstream(timeout=PATIENCE_SECONDS))
        await nc.close()

    return checked


async def refused(code: int, request) -> None:
    """Wants an error of the API with this number."""
    try:
        await request
    except js_errors.APIError as error:
        expect_equal(error.err_code, code)
        return
    raise AssertionError(f"not refused with {code}")


async def fails(kind, request) -> None:
    try:
        await request
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


async def publish_numbers(js, count: int, *subjects: str) -> None:
    """Publishes the numbers from 1 to `count` as text, by turns to the subjects."""
    for i in range(count):
        await js.publish(subjects[i % len(subjects)], str(i + 1).encode())


async def state(js, stream: str):
    return (await js.stream_info(stream)).state


async def until_messages(js, stream: str, count: int) -> None:
    while (await state(js, stream)).messages != count:
        await asyncio.sleep(0.02)


async def texts(messages) -> list[str]:
    """The texts of messages, which are acknowledged."""
    for message in messages:
        await message.ack()
    return [message.data.decode() for message in messages]


def numbers(first: int, last: int, step: int = 1) -> list[str]:
    return [str(i) for i in range(first, last + 1, step)]


@with_jetstream
async def streams(_nc, js) -> None:
    info = await js.add_stream(name="STREAMS", subjects=["streams.a"], description="before", metadata={"owner": "ann"})
    expect_equal(info.config.metadata["owner"], "ann")
    await refused(STREAM_NAME_IN_USE, js.add_stream(name="STREAMS", subjects=["streams.a"], storage="memory"))
    await refused(SUBJECTS_OVERLAP, js.add_stream(name="OVERLAP", subjects=["streams.*"]))
    await refused(STREAM_NOT_FOUND, js.stream_info("NONE"))
    await refused(STREAM_NOT_FOUND, js.update_stream(name="NONE"))
    config = info.config.evolve(description="after", subjects=["streams.a", "streams.b.*"])
    expect_equal((await js.update_stream(config)).config.description, "after")
    expect_equal(await js.find_stream_name_by_subject("streams.b.c"), "STREAMS")
    await publish_numbers(js, 6, "streams.a", "streams.b.1", "streams.b.2")
    info = await js.stream_info("STREAMS", subjects_filter="streams.b.>")
    expect_equal(info.state.subjects, {"streams.b.1": 2, "streams.b.2": 2})
    for i in range(3):
        await js.add_stream(name=f"MORE{i}", storage="memory")
    names = sorted(info.config.name for info in await js.streams_info())
    expect_equal(names, ["MORE0", "MORE1", "MORE2", "STREAMS"])
    expect_equal((await js.account_info()).streams, 4)
    for name in names:
        expect(await js.delete_stream(name), f"{name} is not deleted")
    await refused(STREAM_NOT_FOUND, js.delete_stream("STREAMS"))


@with_jetstream
async def publish(_nc, js) -> None:
    await js.add_stream(name="PUBLISH", subjects=["publish.*"], allow_msg_ttl=True, max_msg_size=1000)
    for i in range(20):
        ack = await js.publish("publish.a")
        expect_equal((ack.stream, ack.seq, ack.duplicate), ("PUBLISH", i + 1, None))
    await js.publish("publish.b", headers={"Nats-Msg-Id": "one"})
    again = await js.publish("publish.b", headers={"Nats-Msg-Id": "one"})
    expect_equal((again.seq, again.duplicate), (21, True))
    for code, header, value in [
        (STREAM_MISMATCH, "Nats-Expected-Stream", "OTHER"),
        (WRONG_LAST_MESSAGE_ID, "Nats-Expected-Last-Msg-Id", "two"),
        (WRONG_LAST_SEQUENCE, "Nats-Expected-Last-Sequence", "20"),
        (WRONG_LAST_SEQUENCE, "Nats-Expected-Last-Subject-Sequence", "0"),
    ]:
        await refused(code, js.publish("publish.a", headers={header: value}))
    await js.publish("publish.a", headers={"Nats-Expected-Last-Sequence": "21", "Nats-Expected-Last-Msg-Id": "one"})
    await refused(MESSAGE_TOO_LARGE, js.publish("publish.a", bytes(2000)))
    await fails(js_errors.NoStreamResponseError, js.publish("nobody.a"))
    await js.publish("publish.ttl", msg_ttl=1)
    await until_messages(js, "PUBLISH", 22)
    await refused(NO_MESSAGE, js.get_last_msg("PUBLISH", "publish.ttl"))


@with_jetstream
async def publish_async(_nc, js) -> None:
    await js.add_stream(name="ASYNC", subjects=["async"])
    futures = [await js.publish_async("async", str(i).encode()) for i in range(ORDERED_MESSAGES)]
    await asyncio.wait_for(js.publish_async_completed(), PATIENCE_SECONDS)
    expect_equal([(await future).seq for future in futures], list(range(1, ORDERED_MESSAGES + 1)))
    await fails(js_errors.NoStreamResponseError, await js.publish_async("nobody"))
    expect_equal((await state(js, "ASYNC")).messages, ORDERED_MESSAGES)


@with_jetstream
async def messages(_nc, js) -> None:
    for name, direct in [("direct", True), ("indirect", False)]:
        await js.add_stream(name=name, subjects=[f"{name}.*"], allow_direct=direct)
        await js.publish(f"{name}.0", headers={"fruit": "apple"})
        await publish_numbers(js, 9, f"{name}.1", f"{name}.2", f"{name}.3")
        first = await js.get_msg(name, 1, direct=direct)
        expect_equal((first.subject, first.seq), (f"{name}.0", 1))
        expect_equal(first.headers["fruit"], "apple")
        expect_equal((await js.get_msg(name, 5, direct=direct)).data, b"4")
        expect_equal((await js.get_msg(name, 3, subject=f"{name}.1", next=True, direct=direct)).seq, 5)
        expect_equal((await js.get_last_msg(name, f"{name}.2", direct=direct)).data, b"8")
        await fails(js_errors.NotFoundError, js.get_msg(name, 99, direct=direct))
        await fails(js_errors.NotFoundError, js.get_last_msg(name, f"{name}.none", direct=direct))
        expect(await js.delete_msg(name, 2), "not deleted")
        await fails(js_errors.APIError, js.delete_msg(name, 2))
        expect_equal((await state(js, name)).num_deleted, 1)
        expect(await js.purge_stream(name, subject=f"{name}.3", keep=1), "not purged")
        expect_equal((await state(js, name)).messages, 7)
        await js.purge_stream(name, seq=9)
        now = await state(js, name)
        expect_equal((now.first_seq, now.messages), (9, 2))
        await js.purge_stream(name)
        now = await state(js, name)
        expect_equal((now.first_seq, now.last_seq, now.messages), (11, 10, 0))


@with_jetstream
async def pull(_nc, js) -> None:
    await js.add_stream(name="PULL", subjects=["pull.*"])
    await publish_numbers(js, CONSUMED_MESSAGES, "pull.a", "pull.b")
    sub = await js.pull_subscribe("pull.*", "d")
    expect_equal(await texts(await sub.fetch(3)), numbers(1, 3))
    expect_equal(await texts(await sub.fetch(1, heartbeat=1)), numbers(4, 4))
    got = await texts(await sub.fetch(CONSUMED_MESSAGES, timeout=1))
    expect_equal(got, numbers(5, CONSUMED_MESSAGES))
    await fails(errors.TimeoutError, sub.fetch(1, timeout=0.3))
    info = await sub.consumer_info()
    expect_equal((info.num_pending, info.delivered.stream_seq), (0, CONSUMED_MESSAGES))
    waiting = asyncio.create_task(sub.fetch(1, timeout=PATIENCE_SECONDS))
    await asyncio.sleep(0.1)
    await js.publish("pull.a", b"late")
    expect_equal(await texts(await waiting), ["late"])
    config = api.ConsumerConfig(filter_subjects=["pull.b", "pull.c"])
    await js.add_consumer("PULL", config, name="filtered")
    filtered = await js.pull_subscribe_bind("filtered", "PULL")
    expect_equal(await texts(await filtered.fetch(100)), numbers(2, 200, 2))
    await starts(js)
    await managed(js)


async def starts(js) -> None:
    """Where consumers begin."""
    for wanted, config in [
        ("1", {}),
        ("late", {"deliver_policy": "last"}),
        (str(CONSUMED_MESSAGES), {"deliver_policy": "last_per_subject"}),
        ("30", {"deliver_policy": "by_start_sequence", "opt_start_seq": 30}),
        (
            "1",
            {
                "deliver_policy": "by_start_time",
                "opt_start_time": datetime.now(timezone.utc) - timedelta(hours=1),
            },
        ),
    ]:
        sub = await js.pull_subscribe("pull.*", config=api.ConsumerConfig(ack_policy="none", **config))
        expect_equal((await sub.fetch(1))[0].data.decode(), wanted)
    fresh = await js.pull_subscribe("pull.*", config=api.ConsumerConfig(deliver_policy="new", headers_only=True))
    await js.publish("pull.a", b"fresh")
    message = (await fresh.fetch(1))[0]
    expect_equal((message.data, message.headers["Nats-Msg-Size"]), (b"", "5"))


async def managed(js) -> None:
    """Requests about consumers."""
    await refused(CONSUMER_NOT_FOUND, js.consumer_info("PULL", "none"))
    await js.add_consumer("PULL", durable_name="m", metadata={"a": "b"})
    info = await js.add_consumer("PULL", durable_name="m", description="changed", metadata={"a": "b"})
    expect_equal((info.config.description, info.config.metadata["a"]), ("changed", "b"))
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    expect((await js.pause_consumer("PULL", "m", until.isoformat())).paused, "not paused")
    sub = await js.pull_subscribe_bind("m", "PULL")
    await fails(errors.TimeoutError, sub.fetch(1, timeout=0.3))
    expect(not (await js.resume_consumer("PULL", "m")).paused, "still paused")
    expect_equal(await texts(await sub.fetch(2)), ["1", "2"])
    expect_equal((await js.reset_consumer("PULL", "m", 7)).reset_seq, 7)
    expect_equal(await texts(await sub.fetch(1)), ["7"])
    names = {info.name for info in await js.consumers_info("PULL")}
    expect(len(names) == 9 and {"d", "filtered", "m"} <= names, f"the consumers are {names}")
    expect(await js.delete_consumer("PULL", "m"), "not deleted")
    await refused(CONSUMER_NOT_FOUND, js.delete_consumer("PULL", "m"))


@with_jetstream
async def push(_nc, js) -> None:
    await js.add_stream(name="PUSH", subjects=["push"])
    await publish_numbers(js, CONSUMED_MESSAGES, "push")
    sub = await js.subscribe("push", durable="p", flow_control=True, idle_heartbeat=1)
    got = [await sub.next_msg(PATIENCE_SECONDS) for _ in range(CONSUMED_MESSAGES)]
    expect_equal(await texts(got), numbers(1, CONSUMED_MESSAGES))
    counts = {"a": 0, "b": 0}
    complete = asyncio.Event()

    def member(name: str):
        async def count(_message) -> None:
            counts[name] += 1
            if sum(counts.values()) == CONSUMED_MESSAGES:
                complete.set()

        return count

    config = api.ConsumerConfig(deliver_policy="new")
    for name in counts:
        await js.subscribe("push", queue="workers", cb=member(name), config=config)
    await publish_numbers(js, CONSUMED_MESSAGES, "push")
    await asyncio.wait_for(complete.wait(), PATIENCE_SECONDS)
    expect(min(counts.values()) > 0, f"shared as {counts}")
    await fails(js_errors.NotFoundError, js.subscribe("nobody"))


@with_jetstream
async def ordered(_nc, js) -> None:
    await js.add_stream(name="ORDERED", subjects=["ordered.*"])
    await publish_numbers(js, CONSUMED_MESSAGES, "ordered.a", "ordered.b")
    sub = await js.subscribe("ordered.*", ordered_consumer=True, idle_heartbeat=0.5)
    for i in range(CONSUMED_MESSAGES):
        if i == 100:  # It makes another, and goes on where it was.
            await js.delete_consumer("ORDERED", (await sub.consumer_info()).name)
            await js.publish("ordered.a", str(CONSUMED_MESSAGES + 1).encode())
        expect_equal((await sub.next_msg(PATIENCE_SECONDS)).data.decode(), str(i + 1))
    expect_equal((await sub.next_msg(PATIENCE_SECONDS)).data.decode(), str(CONSUMED_MESSAGES + 1))
    await sub.unsubscribe()
    sub = await js.subscribe("ordered.b", ordered_consumer=True, deliver_policy=api.DeliverPolicy.LAST)
    expect_equal((await sub.next_msg(PATIENCE_SECONDS)).data.decode(), str(CONSUMED_MESSAGES))


@with_jetstream
async def acks(_nc, js) -> None:
    await js.add_stream(name="ACKS", subjects=["acks"])
    await publish_numbers(js, 4, "acks")
    sub = await js.pull_subscribe("acks", "d", config=api.ConsumerConfig(ack_wait=1, max_ack_pending=1, max_deliver=5))

    async def delivery(*wanted: int):
        message = (await sub.fetch(1, timeout=PATIENCE_SECONDS))[0]
        meta = message.metadata
        expect_equal((meta.sequence.stream, meta.num_delivered, meta.num_pending), wanted)
        return message

    message = await delivery(1, 1, 3)
    await message.nak()
    await fails(errors.MsgAlreadyAckdError, message.ack())
    message = await delivery(1, 2, 3)
    started = time.monotonic()
    await message.nak(delay=0.3)
    message = await delivery(1, 3, 3)
    expect(time.monotonic() - started >= 0.3, "redelivered too early")
    for _ in range(5):  # More than its time to be acknowledged.
        await asyncio.sleep(0.3)
        await message.in_progress()
    await message.ack_sync(PATIENCE_SECONDS)
    await delivery(2, 1, 2)
    message = await delivery(2, 2, 2)  # Since the acknowledgement did not come in time.
    await message.term()
    message = await delivery(3, 1, 1)
    await message.ack()
    message = await delivery(4, 1, 0)
    await message.ack_sync(PATIENCE_SECONDS)
    info = await sub.consumer_info()
    expect_equal((info.ack_floor.stream_seq, info.num_ack_pending, info.delivered.consumer_seq), (4, 0, 7))
    backoff = await js.pull_subscribe("acks", "b", config=api.ConsumerConfig(max_deliver=3, backoff=[0.1, 0.2]))
    for i in range(3):
        for _ in range(4):
            message = (await backoff.fetch(1, timeout=PATIENCE_SECONDS))[0]
            expect_equal(message.metadata.num_delivered, i + 1)
    await fails(errors.TimeoutError, backoff.fetch(1, timeout=0.5))


@with_jetstream
async def retention(_nc, js) -> None:
    await js.add_stream(name="FULL", subjects=["full"], max_msgs=3, discard="new")
    await publish_numbers(js, 3, "full")
    await refused(MAXIMUM_MESSAGES, js.publish("full"))
    await js.add_stream(name="LAST", subjects=["last.*"], max_msgs_per_subject=2)
    await publish_numbers(js, 9, "last.a", "last.b", "last.c")
    expect_equal((await state(js, "LAST")).messages, 6)
    await js.add_stream(name="WORK", subjects=["work"], retention="workqueue")
    await publish_numbers(js, 10, "work")
    worker = await js.pull_subscribe("work", "worker")
    for message in await worker.fetch(4):
        await message.ack_sync(PATIENCE_SECONDS)
    expect_equal((await state(js, "WORK")).messages, 6)
    await refused(SECOND_WORKER, js.add_consumer("WORK", durable_name="second"))
    await js.add_stream(name="INTEREST", subjects=["interest"], retention="interest")
    await js.publish("interest")
    expect_equal((await state(js, "INTEREST")).messages, 0)
    both = [await js.pull_subscribe("interest", name) for name in ["a", "b"]]
    await js.publish("interest")
    for left, sub in zip([1, 0], both):
        await (await sub.fetch(1))[0].ack_sync(PATIENCE_SECONDS)
        expect_equal((await state(js, "INTEREST")).messages, left)
    await js.add_stream(name="AGED", subjects=["aged"], max_age=0.2)
    await publish_numbers(js, 3, "aged")
    await until_messages(js, "AGED", 0)


@with_jetstream
async def key_value(_nc, js) -> None:
    bucket = await js.create_key_value(bucket="kv", history=5, limit_marker_ttl=1, max_value_size=1000)
    await fails(js_errors.KeyNotFoundError, bucket.get("none"))
    await fails(js_errors.BucketNotFoundError, js.key_value("none"))
    expect_equal(await bucket.put("a", b"1"), 1)
    expect_equal(await bucket.update("a", b"2", last=1), 2)
    await fails(js_errors.KeyWrongLastSequenceError, bucket.update("a", b"x", last=1))
    await fails(js_errors.KeyWrongLastSequenceError, bucket.create("a", b"x"))
    expect_equal(await bucket.create("b.c", b"3"), 3)
    entry = await bucket.get("a")
    expect_equal((entry.value, entry.revision, entry.operation), (b"2", 2, None))
    expect_equal((await bucket.get("a", revision=1)).value, b"1")
    await refused(MESSAGE_TOO_LARGE, bucket.put("large", bytes(2000)))
    watcher = await bucket.watchall()

    async def updates(*wanted) -> None:
        for one in wanted:
            entry = await watcher.updates(PATIENCE_SECONDS)
            got = entry and (entry.operation, entry.key, entry.value, entry.revision)
            expect_equal(got, one)

    await updates((None, "a", b"2", 2), (None, "b.c", b"3", 3), None)
    await bucket.delete("a")
    await bucket.purge("b.c")
    await updates(("DEL", "a", b"", 4), ("PURGE", "b.c", b"", 5))
    await fails(js_errors.KeyNotFoundError, bucket.get("a"))
    expect_equal(await bucket.create("a", b"again"), 6)
    await updates((None, "a", b"again", 6))
    history = [(entry.value, entry.revision) for entry in await bucket.history("a")]
    expect_equal(history, [(b"1", 1), (b"2", 2), (b"", 4), (b"again", 6)])
    await bucket.create("ttl", b"short", msg_ttl=1)
    await updates((None, "ttl", b"short", 7))
    gone = await watcher.updates(PATIENCE_SECONDS)
    expect_equal((gone.key, gone.revision), ("ttl", 8))
    await watcher.stop()
    await until_messages(js, "KV_kv", 5)
    await bucket.purge_deletes(olderthan=0)
    for i in range(MANY_KEYS):
        await bucket.put(f"many.{i}", str(i).encode())
    expect_equal(len(await bucket.keys(filters=["many."])), MANY_KEYS)
    status = await bucket.status()
    expect_equal((status.bucket, status.history, status.marker_ttl), ("kv", 5, 1))
    expect(await js.delete_key_value("kv"), "not deleted")


@with_jetstream
async def object_store(_nc, js) -> None:
    store = await js.create_object_store("objects", config=api.ObjectStoreConfig(description="of all sizes"))
    large = bytes(i * 31 >> 5 & 255 for i in range(1_000_001))
    meta = api.ObjectMeta(headers={"fruit": "apple"}, options=api.ObjectMetaOptions(max_chunk_size=50_000))
    info = await store.put("large", io.BytesIO(large), meta=meta)
    expect_equal((info.size, info.chunks), (len(large), 21))
    expect_equal((await store.get("large")).data, large)
    await store.put("a.txt", b"small")
    await store.put("a.txt", b"replaced")
    expect_equal((await store.get("a.txt")).data, b"replaced")
    expect_equal(sorted(info.name for info in await store.list()), ["a.txt", "large"])
    await store.update_meta("a.txt", api.ObjectMeta(name="a.txt", description="described"))
    expect_equal((await store.get_info("a.txt")).description, "described")
    await store.delete("large")
    await fails(js_errors.ObjectNotFoundError, store.get("large"))
    expect_equal([info.name for info in await store.list(ignore_deletes=True)], ["a.txt"])
    watcher = await store.watch(ignore_deletes=True)
    expect_equal((await watcher.updates(PATIENCE_SECONDS)).name, "a.txt")
    expect_equal(await watcher.updates(PATIENCE_SECONDS), None)
    await watcher.stop()
    await store.seal()
    await fails(js_errors.APIError, store.put("late", b""))
    status = await store.status()
    expect_equal((status.sealed, status.description), (True, "of all sizes"))
    expect(status.size < 10_000, f"{status.size} bytes are left")
    expect(await js.delete_object_store("objects"), "not deleted")


@with_jetstream
async def mirrors_sources(_nc, js) -> None:
    for origin in ["north", "south"]:
        await js.add_stream(name=origin, subjects=[f"{origin}.*"])
        await publish_numbers(js, 6, f"{origin}.a", f"{origin}.b", f"{origin}.c")
    await js.add_stream(name="MIRROR", mirror=api.StreamSource(name="north"))
    moved = api.SubjectTransform(src="south.*", dest="moved.{{wildcard(1)}}")
    sources = [
        api.StreamSource(name="north", filter_subject="north.b"),
        api.StreamSource(name="south", subject_transforms=[moved]),
    ]
    await js.add_stream(name="SOURCED", sources=sources)
    await until_messages(js, "MIRROR", 6)
    await until_messages(js, "SOURCED", 8)
    expect_equal((await js.get_msg("MIRROR", 4)).subject, "north.a")
    info = await js.stream_info("SOURCED", subjects_filter=">")
    expect_equal(info.state.subjects, {"north.b": 2, "moved.a": 2, "moved.b": 2, "moved.c": 2})
    expect_equal(len(info.sources), 2)
    await js.publish("north.b")
    await until_messages(js, "MIRROR", 7)
    await until_messages(js, "SOURCED", 9)


@with_jetstream
async def restart(nc, js) -> None:
    await js.add_stream(name="RESTART", subjects=["restart.*"])
    config = api.ConsumerConfig(ack_wait=3600)
    sub = await js.pull_subscribe("restart.*", "d", config=config)
    bucket = await js.create_key_value(bucket="restart", history=5)
    await bucket.put("key", b"value")
    await publish_numbers(js, 90, "restart.a", "restart.b", "restart.c")
    for message in await sub.fetch(40):
        await message.ack_sync(PATIENCE_SECONDS)
    await sub.fetch(1)  # Not acknowledged, and not again before an hour has passed.
    await js.publish("restart.id", headers={"Nats-Msg-Id": "kept"})
    disconnected = asyncio.Event()
    reconnected = asyncio.Event()

    async def on_disconnected() -> None:
        disconnected.set()

    async def on_reconnected() -> None:
        reconnected.set()

    nc._disconnected_cb, nc._reconnected_cb = on_disconnected, on_reconnected
    print("stop", flush=True)
    await asyncio.wait_for(disconnected.wait(), PATIENCE_SECONDS)
    print("start", flush=True)
    await asyncio.wait_for(reconnected.wait(), PATIENCE_SECONDS)
    again = await js.publish("restart.id", headers={"Nats-Msg-Id": "kept"})
    expect(again.duplicate, "the message's id is forgotten")
    now = await state(js, "RESTART")
    expect_equal((now.messages, now.first_seq), (91, 1))
    info = await sub.consumer_info()
    expect_equal((info.ack_floor.stream_seq, info.num_ack_pending, info.num_pending), (40, 1, 50))
    expect_equal(await texts(await sub.fetch(1)), ["42"])
    entry = await bucket.get("key")
    expect_equal((entry.value, entry.revision), (b"value", 1))


run(
    [
        streams,
        publish,
        publish_async,
        messages,
        pull,
        push,
        ordered,
        acks,
        retention,
        key_value,
        object_store,
        mirrors_sources,
        restart,
    ]
)
