"""What a record stage is: one step of one round, as a build's list of stages holds it.

In: records.  Out: one outcome each: kept, dropped with a reason, or pending.  A stage says what it reads and writes,
what decides its results besides what it reads, and whom it asks; a step itself knows nothing of files, engines or
progress.  A new kind of step is a file in this folder whose `stage` makes one of these, and a line in
building/lists.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nercot.corpus.recipe import Model
from nercot.corpus.records import Outcome, Record
from nercot.corpus.work import Row
from nercot.llm.messages import Reply, Request

RecordStep = Callable[[Iterator[Record]], Iterator[Outcome]]


class Answers(Protocol):
    """Where final replies are found: the ledger, or what stands for it elsewhere."""

    def replies_to(self, requests: Sequence[Request]) -> list[Reply | None]:
        """The final reply to each request, None while there is none."""


class Asker(Protocol):
    """A step that takes what a model says from where it was written down, by the key of the request."""

    def requests(self, records: Iterator[Record], answers: Answers, ask: int) -> Iterator[Request]:
        """What is asked for the `ask`th time, of records that the earlier replies left without a readable one."""

    def outcomes(self, records: Iterator[Record], answers: Answers) -> Iterator[Outcome]:
        """The record step."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked in a stage, and how often at most about one record; `role` is teacher, reader or judge.

    `place`: the model's key in the recipe, where it is one of a cascade: the others go on if it cannot be asked.
    """

    role: str
    model: Model
    asker: Asker
    asks: int = 1
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One round of a build.

    `attempt`: its number, as rows have it, over all teachers.  `ask`: the attempt in the ledger's keys, which counts
    the requests to the same provider and model with the same settings.  `teacher`: which of the recipe's, from 0.
    """

    attempt: int = 1
    ask: int = 1
    teacher: int = 0


FIRST = Turn()


@dataclass(frozen=True, slots=True)
class RecordStage:
    """One step of one round; its unit is the partition.

    `name`: the step, in `dropped`, in the funnel and in recipes.  `reads`: the folders of the earlier stages whose
    rows it needs (none: it reads the source).  `writes`: its folder, whose columns corpus/tables.py lists.
    `row`: what it adds to a record.  `settings`: what decides its results besides what it reads (JSON values).
    Either `step`, or `asking`: a model has to be asked first.
    """

    name: str
    writes: str
    row: Callable[[Outcome], Row]
    settings: Any
    step: RecordStep | None = None
    asking: Asking | None = None
    turn: Turn = FIRST
    reads: tuple[str, ...] = ()

    def outcomes(self, records: Iterator[Record], answers: Answers | None) -> Iterator[Outcome]:
        """What becomes of the records; `answers` where a model was asked."""
        if self.step is not None:
            return self.step(records)
        assert self.asking is not None, f"{self.name}: a stage has a step, or asks"
        assert answers is not None
        return self.asking.asker.outcomes(records, answers)
