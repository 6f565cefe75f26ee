"""What the checks with nats-py have in common."""

import asyncio
import sys

import nats

# Used up only when something is lost.
PATIENCE_SECONDS = 20
# Of one check.
CHECK_SECONDS = 60


def expect(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def expect_equal(got, wanted) -> None:
    expect(got == wanted, f"got {got!r}, not {wanted!r}")


async def ignore(_error: Exception) -> None:
    """nats-py prints what nobody listens to."""


async def connect(url: str, **options):
    return await nats.connect(url, error_cb=options.pop("error_cb", ignore), **options)


def run(checks) -> None:
    """Runs functions that take the addresses which the program was started with, and reports each."""
    asyncio.run(run_all(checks))


async def run_all(checks) -> None:
    for check in checks:
        name = check.__name__.replace("_", "-")
        try:
            await asyncio.wait_for(check(*sys.argv[1:]), CHECK_SECONDS)
        except Exception as error:
            print(f"not ok {name}: {error!r}", flush=True)
            raise
        print(f"ok {name}", flush=True)
