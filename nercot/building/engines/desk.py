"""Who runs which partition: handed out one by one, taken back from workers that die, until all are through.

In: partitions with their keys.  Out: what came of each, the first error, and how far every worker is.  Methods may be
called from any thread; a proxy of a Desk serves workers in other processes.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nercot.building.engines.job import Job, Ran
from nercot.building.progress import Position
from nercot.errors import NercotError, ShortfallError

# Workers that die on one partition before the build gives up.
DEATHS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A partition to run, and the key of its source rows."""

    part: str
    key: str


class Desk:
    """The partitions of one build."""

    def __init__(self, job: Job, partitions: Mapping[str, str]) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._waiting = deque(Task(part, partitions[part]) for part in sorted(partitions))
        self._taken: dict[str, Task] = {}
        self._deaths: Counter[str] = Counter()
        self.wanted = len(self._waiting)
        self.ran: dict[str, Ran] = {}
        self.error: NercotError | None = None

    def job(self) -> Job:
        """What every worker is given."""
        return self._job

    def take(self, worker: str) -> Task | None:
        """The next partition for a worker; None when there is nothing (more) to do."""
        with self._lock:
            if self.error is not None or not self._waiting:
                return None
            task = self._taken[worker] = self._waiting.popleft()
            return task

    def done(self, worker: str, ran: Ran) -> None:
        """A worker's partition is through."""
        with self._lock:
            if (task := self._taken.pop(worker, None)) is not None:
                self.ran[task.part] = ran

    def fail(self, worker: str, error: NercotError) -> None:
        """What the user has to change, met by a worker: nobody is given anything more."""
        with self._lock:
            self._taken.pop(worker, None)
            self.error = self.error or error

    def died(self, worker: str) -> None:
        """Takes back what a dead worker had; the same partition kills only so many."""
        with self._lock:
            task = self._taken.pop(worker, None)
            if task is None:
                return
            self._deaths[task.part] += 1
            if self._deaths[task.part] >= DEATHS:
                message = f"partition {task.part}: {DEATHS} workers died on it (memory?); the same command goes on"
                self.error = self.error or ShortfallError(message)
            self._waiting.appendleft(task)

    @property
    def has_waiting(self) -> bool:
        """Whether a partition waits for a worker."""
        with self._lock:
            return self.error is None and bool(self._waiting)

    @property
    def finished(self) -> bool:
        """Whether every partition is through, or nothing more will be."""
        with self._lock:
            return len(self.ran) == self.wanted or (self.error is not None and not self._taken)


def together(told: Mapping[str, Position], ended: Iterable[Position] = ()) -> Position | None:
    """How far all workers are together with the partitions that have ended: sums of each step, and a line a worker."""
    positions = [*ended, *told.values()]
    if not positions:
        return None
    sums = Position(workers=tuple(_line(name, each) for name, each in told.items()))
    for each in positions:
        for step, along in each.steps.items():
            sums.at(step).merge(along)
        sums.step = each.step or sums.step
        sums.spent = None if None in (sums.spent, each.spent) else (sums.spent or 0.0) + (each.spent or 0.0)
    return sums


def _line(name: str, position: Position) -> str:
    along = position.steps.get(position.step)
    return f"{name}: {position.step} {along.done} of {along.entered}" if along else f"{name}: begins"
