"""The checks of ../README.md with nats-py."""

import asyncio

from harness import PATIENCE_SECONDS, connect, expect, run
from nats import errors

QUEUE_MESSAGES = 300
ORDERED_MESSAGES = 1000


async def settle(nc) -> None:
    """Waits until the server has dealt with all that was sent: the PING of nats-py's own flush can overtake it."""
    await expect_no_responders(nc, "py.settle")


async def expect_text(sub, text: str) -> None:
    got = (await sub.next_msg(PATIENCE_SECONDS)).data.decode()
    expect(got == text, f"got {got!r}, not {text!r}")


async def publish_subscribe(url: str, _locked: str) -> None:
    publisher, subscriber = await connect(url), await connect(url)
    sub = await subscriber.subscribe("py.plain")
    await settle(subscriber)
    for i in range(ORDERED_MESSAGES):
        await publisher.publish("py.plain", str(i).encode(), reply="py.reply")
    await settle(publisher)
    for i in range(ORDERED_MESSAGES):
        message = await sub.next_msg(PATIENCE_SECONDS)
        expect(message.data == str(i).encode() and message.reply == "py.reply", f"message {i} is {message}")
    await publisher.close()
    await subscriber.close()


async def wildcards(url: str, _locked: str) -> None:
    nc = await connect(url)
    star, tail = await nc.subscribe("py.wild.*.c"), await nc.subscribe("py.wild.>")
    subjects = ["py.wild.b", "py.wild.b.c", "py.wild.b.c.d", "py.wild.end.c"]
    for subject in subjects:
        await nc.publish(subject, subject.encode())
    for subject in ["py.wild.b.c", "py.wild.end.c"]:
        await expect_text(star, subject)
    for subject in subjects:
        await expect_text(tail, subject)
    await nc.close()


async def queue_group(url: str, _locked: str) -> None:
    publisher = await connect(url)
    members = [await connect(url) for _ in range(2)]
    counts = [0, 0]
    complete = asyncio.Event()

    def counter(i: int):
        async def count(_message) -> None:
            counts[i] += 1
            if sum(counts) == QUEUE_MESSAGES:
                complete.set()

        return count

    for i, member in enumerate(members):
        await member.subscribe("py.queue", queue="workers", cb=counter(i))
        await settle(member)
    for _ in range(QUEUE_MESSAGES):
        await publisher.publish("py.queue")
    await complete.wait()
    for member in members:
        await settle(member)
        await member.close()
    expect(min(counts) > QUEUE_MESSAGES / 6 and sum(counts) == QUEUE_MESSAGES, f"shared as {counts}")
    await publisher.close()


async def headers(url: str, _locked: str) -> None:
    nc = await connect(url)
    sub = await nc.subscribe("py.headers")
    await nc.publish("py.headers", b"body", headers={"fruit": "apple", "colour": "red: dark"})
    message = await sub.next_msg(PATIENCE_SECONDS)
    expect(message.headers == {"fruit": "apple", "colour": "red: dark"}, f"headers are {message.headers}")
    expect(message.data == b"body", f"body is {message.data}")
    await nc.close()


async def request(url: str, _locked: str) -> None:
    responder, nc = await connect(url), await connect(url)

    async def upper(message) -> None:
        await message.respond(message.data.upper())

    await responder.subscribe("py.upper", cb=upper)
    await settle(responder)
    for old_style in [False, True]:
        for i in range(100):
            answer = await nc.request("py.upper", f"n{i}".encode(), timeout=PATIENCE_SECONDS, old_style=old_style)
            expect(answer.data == f"N{i}".encode(), f"answer is {answer.data}")
    await responder.close()
    await nc.close()


async def no_responders(url: str, _locked: str) -> None:
    nc = await connect(url)
    await expect_no_responders(nc, "py.nobody")
    await nc.close()


async def expect_no_responders(nc, subject: str) -> None:
    try:
        await nc.request(subject, timeout=PATIENCE_SECONDS)
    except errors.NoRespondersError:
        return
    raise AssertionError(f"somebody answered on {subject}")


async def auto_unsubscribe(url: str, _locked: str) -> None:
    nc = await connect(url)
    sub = await nc.subscribe("py.limited")
    await sub.unsubscribe(limit=2)
    for text in [b"1", b"2"]:
        await nc.publish("py.limited", text)
    await settle(nc)
    await expect_text(sub, "1")
    await expect_text(sub, "2")
    await expect_no_responders(nc, "py.limited")
    await nc.close()


async def max_payload(url: str, _locked: str) -> None:
    nc = await connect(url)
    sub = await nc.subscribe("py.large")
    payload = b"0123456789abcdef" * (nc.max_payload // 16)
    await nc.publish("py.large", payload)
    expect((await sub.next_msg(PATIENCE_SECONDS)).data == payload, "payload changed")
    try:
        await nc.publish("py.large", payload + b"x")
    except errors.MaxPayloadError:
        await nc.close()
        return
    raise AssertionError("more than max_payload was accepted")


async def drain(url: str, _locked: str) -> None:
    publisher, worker = await connect(url), await connect(url)
    answers = await publisher.subscribe("py.drained")

    async def answer(message) -> None:
        await worker.publish("py.drained", message.data)

    await worker.subscribe("py.drain", cb=answer)
    await settle(worker)
    for i in range(100):
        await publisher.publish("py.drain", str(i).encode())
    await settle(publisher)
    await worker.drain()
    for i in range(100):
        await expect_text(answers, str(i))
    await publisher.close()


async def auth(_open: str, url: str) -> None:
    nc = await connect(url, user="ann", password="secret")
    await settle(nc)
    await nc.close()
    for wrong in [{}, {"user": "ann", "password": "wrong"}, {"token": "secret"}]:
        said: list[str] = []

        async def remember(error: Exception) -> None:
            said.append(str(error))

        try:
            await connect(url, error_cb=remember, allow_reconnect=False, max_reconnect_attempts=0, **wrong)
        except (errors.Error, OSError) as error:
            said.append(str(error))
        else:
            raise AssertionError(f"{wrong} was let in")
        expect(any("authorization violation" in text.lower() for text in said), f"refused with {said}")


async def reconnect(url: str, _locked: str) -> None:
    disconnected = asyncio.Event()

    async def note() -> None:
        disconnected.set()

    nc = await connect(url, disconnected_cb=note, reconnect_time_wait=0.01, max_reconnect_attempts=-1)
    sub = await nc.subscribe("py.again")
    await settle(nc)
    print("stop", flush=True)
    await disconnected.wait()
    await nc.publish("py.again", b"during")
    print("start", flush=True)
    await expect_text(sub, "during")
    await nc.publish("py.again", b"after")
    await expect_text(sub, "after")
    await nc.close()


run(
    [
        publish_subscribe,
        wildcards,
        queue_group,
        headers,
        request,
        no_responders,
        auto_unsubscribe,
        max_payload,
        drain,
        auth,
        reconnect,
    ]
)
