"""Comes in with the credentials given as JSON, hears itself, and prints `in`; prints `out: <why>` where it is refused."""

import asyncio
import json
import ssl
import sys

import nats

PATIENCE_SECONDS = 10


async def ignore(_error: Exception) -> None:
    """nats-py prints what nobody listens to."""


def options_of(given: dict) -> dict:
    names = {"user": "user", "pass": "password", "token": "token", "seedFile": "nkeys_seed", "credsFile": "user_credentials"}
    options = {names[key]: value for key, value in given.items() if key in names}
    tls = given.get("tls")
    if tls:
        context = ssl.create_default_context(cafile=tls["caFile"])
        if "certFile" in tls:
            context.load_cert_chain(tls["certFile"], tls["keyFile"])
        options |= {"tls": context, "tls_handshake_first": tls.get("isFirst", False)}
    return options


async def try_one(url: str, given: dict) -> str:
    try:
        nc = await nats.connect(url, error_cb=ignore, allow_reconnect=False, **options_of(given))
        # A stream that just ends is no error to nats-py before somebody wants something of it.
        await nc.flush(PATIENCE_SECONDS)
        sub = await nc.subscribe("a")
        await nc.publish("a", b"in")
        message = await sub.next_msg(PATIENCE_SECONDS)
        await nc.close()
        return message.data.decode()
    except Exception as error:
        return f"out: {error!r}"


async def main(url: str, all_given: list) -> None:
    for given in all_given:
        print((await try_one(url, given)).replace("\n", " "), flush=True)


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
