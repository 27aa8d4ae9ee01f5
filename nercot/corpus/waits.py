"""What is going on where nothing can be seen: lines about waits, through the logger `nercot`.

In: what is waited for.  Out: a log line after two seconds, and one every half minute after that; the command line
shows them on stderr, a program that imports nercot has them where its own log goes.  Nothing is said of what is
quick.  Never waits itself, and never says an address with a key in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

LOG = logging.getLogger("nercot")
FIRST, AGAIN = 2.0, 30.0


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Says what is waited for as long as the block runs: after FIRST seconds, then every AGAIN seconds."""
    done = Event()
    teller = Thread(target=_tell, args=(what, done), name="nercot-waiting", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(what: str, done: Event) -> None:
    begun = time.monotonic()
    if done.wait(FIRST):
        return
    LOG.info("waiting for %s", what)
    while not done.wait(AGAIN):
        LOG.info("still waiting for %s: %d s", what, time.monotonic() - begun)
