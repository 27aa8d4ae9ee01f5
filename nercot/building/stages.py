"""A build is a list of stages: this is what such a list is.

    source                 whole       the rows that are read, in partitions
    rounds                 partition   annotate, validate, ... for the records that earlier rounds did not keep
    select                 whole       where a judge's scores decide
    ending                 whole       the candidate: which configs it has, and how they are made

lists.py makes a list from a recipe; runner.py runs it, plan.py, status and the funnel read it.  Each stage names its
step, what it reads and writes in the work folder, what decides its results besides (its key is the hash of that and
of the keys of what it reads), and its place in the funnel.  Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nercot.building.candidate import Contents
from nercot.corpus.disputed import Disputed
from nercot.corpus.work import Row, Work
from nercot.steps.select import Checker, Selected, Selection
from nercot.steps.stage import RecordStage, Turn

SOURCE, SELECTED = "1-source", "6-selected"


@dataclass(frozen=True, slots=True)
class Round:
    """The stages that a partition's records go through in one round, in order.

    A record needs no further round when it has a row in the folder `settles`, with at least `threshold` as its score
    where that is not None.  `since`: the first attempt that counts for this (of the same teacher, where each is asked
    about every record).
    """

    turn: Turn
    stages: tuple[RecordStage, ...]
    settles: str
    threshold: float | None = None
    since: int = 1

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the stages write."""
        return tuple(stage.writes for stage in self.stages)


@dataclass(frozen=True, slots=True)
class SelectStage:
    """Selection over the whole corpus.

    `scored`: the folder with scores, `answered`: those with what was read of each answer.  `against`: the hashes of
    the test sets that `checker` knows; it is made only where there is something to select.  `told`: findings that are
    known without looking.
    """

    selection: Selection
    scored: str
    answered: tuple[str, ...]
    against: Any = None
    checker: Callable[[], Checker | None] = field(default=lambda: None)
    told: Mapping[str, Any] = field(default_factory=dict)
    name: str = "select"

    @property
    def settings(self) -> Any:
        """What decides the selection besides what it reads."""
        from dataclasses import asdict

        return [asdict(self.selection), self.against]


@dataclass(frozen=True, slots=True)
class Made:
    """What an ending makes a candidate of; `prompts` are the texts by name, `disputed` answers still to leave out."""

    work: Work
    parts: Sequence[str]
    prompts: Mapping[str, str]
    rounds: tuple[Round, ...]
    threshold: float
    selected: Selected
    agreement: int = 1
    disputed: Disputed = frozenset()


@dataclass(frozen=True, slots=True)
class Ending:
    """The last stage: what the candidate is made of.

    `tables` writes the configs into a folder.  `told`: what the manifest says besides what every one says.
    `next`: what comes next, a line each, `{folder}` being the candidate.
    """

    tables: Callable[[Made, Path], Contents]
    next: tuple[str, ...]
    told: Mapping[str, Any] = field(default_factory=dict)
    name: str = "candidate"


@dataclass(frozen=True, slots=True)
class StageList:
    """All stages of a build in order; `funnel` are the steps that take records away, `until` ends a record's rounds.

    `disputed`: answers that people have called wrong, where no selection leaves them out.
    """

    rounds: tuple[Round, ...]
    select: SelectStage | None
    ending: Ending
    funnel: tuple[str, ...]
    until: str = "valid"
    disputed: Disputed = frozenset()

    def without(self, disputed: Collection[tuple[str, str]]) -> StageList:
        """The same list, which leaves out the answers (guid, hash) that people have called wrong."""
        if not disputed:
            return self
        if self.select is None:
            return replace(self, disputed=frozenset(disputed))
        selection = replace(self.select.selection, disputed=tuple(sorted(disputed)))
        return replace(self, select=replace(self.select, selection=selection))

    def record_stages(self) -> Iterator[RecordStage]:
        """The stages whose unit is the partition."""
        for turn in self.rounds:
            yield from turn.stages

    @property
    def kinds(self) -> tuple[RecordStage, ...]:
        """One record stage of each step, in order."""
        return self.rounds[0].stages if self.rounds else ()

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that can drop a record, in the order in which they come."""
        named = (*("source", "stratify"), *(stage.name for stage in self.kinds))
        return (*named, self.select.name) if self.select else named

    def expected(self, work: Work, parts: Mapping[str, Collection[int]]) -> set[Path]:
        """The files of a finished build, whose partitions went through these rounds."""
        files = {work.file(SOURCE, part) for part in parts} | {work.dropped("source", part) for part in parts}
        if self.select is not None:
            files |= {work.file(SELECTED, part) for part in parts}
            files |= {work.dropped(self.select.name, part) for part in parts}
        for stage in self.record_stages():
            attempt = stage.turn.attempt
            for part in (part for part, taken in parts.items() if attempt in taken):
                files |= {work.file(stage.writes, part, attempt), work.dropped(stage.name, part, attempt)}
        return files

    def folders(self) -> tuple[str, ...]:
        """Every folder of a work folder that a list may write to."""
        return (SOURCE, "2-raw", "3-valid", "4-read", "5-scored", SELECTED, "dropped", "4-scored", "5-selected")


@dataclass(frozen=True, slots=True)
class Funnel:
    """One step of the funnel: records in = kept + dropped + not drawn + pending."""

    step: str
    entered: int
    kept: int
    dropped: dict[str, int]
    pending: int = 0
    not_drawn: int = 0

    def row(self) -> Row:
        """As `--json` and the manifest hold it."""
        return {
            "step": self.step,
            "in": self.entered,
            "kept": self.kept,
            "dropped": self.dropped,
            "not_drawn": self.not_drawn,
            "pending": self.pending,
        }


def funnel(
    steps: Sequence[str],
    read: int,
    dropped: Mapping[str, Mapping[str, int]],
    pending: Mapping[str, int],
    not_drawn: Mapping[str, int],
) -> list[Funnel]:
    """The funnel of a corpus from the number of rows read and what each step took away."""
    out = []
    left = read
    for step in steps:
        lost = dropped.get(step, {})
        waiting, left_out = pending.get(step, 0), not_drawn.get(step, 0)
        kept = left - sum(lost.values()) - waiting - left_out
        by_count = dict(sorted(lost.items(), key=lambda item: -item[1]))
        out.append(Funnel(step, left, kept, by_count, waiting, left_out))
        left = kept
    return out
