"""What a model is to be asked, as it comes: the requests of one portion after the other, each portion awaited.

In: iterators of requests, put in while the model is being asked about earlier ones.  Out: requests in the order in
which they were put in, and for each portion the moment from which all its requests are settled: answered on disk, or
left for another run.  Requests are drawn lazily, so that a portion in the queue costs no memory.  Belongs to one
event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from nercot.llm.messages import Request


class Portion:
    """Some requests, and how many of them are not settled."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self.requests: Iterator[Request] = iter(requests)
        self.asked = 0
        self._open = 0
        self._drawn = False
        self._over = asyncio.Event()

    def draw(self, most: int) -> list[Request]:
        """The next requests; fewer than `most` at the end."""
        some = list(islice(self.requests, most))
        self.asked += len(some)
        self._open += len(some)
        self._drawn = len(some) < most
        self._look()
        return some

    def settle(self) -> None:
        """One request less."""
        self._open -= 1
        self._look()

    def end(self) -> None:
        """Nothing more comes of this portion."""
        self._over.set()

    async def over(self) -> None:
        """Returns when every request is settled, or nothing more comes of them."""
        await self._over.wait()

    def _look(self) -> None:
        if self._drawn and not self._open:
            self._over.set()

    @property
    def drawn(self) -> bool:
        """Whether there is nothing left to draw."""
        return self._drawn


class Feed:
    """Portions in a queue; the requests of the first that is not drawn come first."""

    def __init__(self) -> None:
        self._queue: deque[Portion] = deque()
        self._more = asyncio.Event()
        self._closed = False
        # The portions that wait for each request: equal records are asked about once.
        self._waiting: dict[str, list[Portion]] = {}

    @classmethod
    def of(cls, requests: Iterable[Request]) -> Feed:
        """A feed of these requests alone."""
        feed = cls()
        feed.put(requests)
        feed.close()
        return feed

    def put(self, requests: Iterable[Request]) -> Portion:
        """Puts requests in behind all others."""
        portion = Portion(requests)
        self._queue.append(portion)
        self._more.set()
        return portion

    def close(self) -> None:
        """Nothing more will be put in; who waits for it is told."""
        self._closed = True
        self._more.set()

    async def draw(self, most: int) -> list[Request]:
        """The next requests, at most so many; none at the end of all."""
        while True:
            while self._queue:
                portion = self._queue[0]
                some = portion.draw(most)
                for request in some:
                    self._waiting.setdefault(request.key, []).append(portion)
                if portion.drawn:
                    self._queue.popleft()
                if some:
                    return some
            if self._closed:
                return []
            self._more.clear()
            await self._more.wait()

    @property
    def ready(self) -> bool:
        """Whether `draw` has something to say at once."""
        return self._closed or bool(self._queue)

    def settle(self, key: str) -> None:
        """A request has its answer on disk, or will have none in this run."""
        for portion in self._waiting.pop(key, ()):
            portion.settle()

    def end(self) -> None:
        """The model is asked no further: nothing more comes of what was put in."""
        self._closed = True
        for portion in (*self._queue, *(one for waiting in self._waiting.values() for one in waiting)):
            portion.end()
        self._queue.clear()
        self._waiting.clear()
        self._more.set()
