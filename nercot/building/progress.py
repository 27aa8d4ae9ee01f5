"""Where a run is, as `nercot status` shows it from another terminal.

In: what a running build notes in its work folder, at most twice a second.  Out: a Position, as long as the build is
not through.  A note that cannot be written is no reason to stop a build.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import cast

from nercot.corpus.tables import write_json
from nercot.corpus.work import Figures, Report, Tally, Telling, Work
from nercot.errors import OutputError

_POSITION = ".position.json"


@dataclass(slots=True)
class Along:
    """How far a step is, in records over all partitions and rounds.

    `entered` came to it; `found` were done by an earlier run, `through` by this one, which kept `kept` of both;
    `dropped` ended here; `asked` are answered, whether put through or not.
    """

    entered: int = 0
    found: int = 0
    through: int = 0
    kept: int = 0
    dropped: int = 0
    asked: int = 0

    def add(self, tally: Tally, known: bool) -> None:
        """Counts a partition that is through the step, in this run or (`known`) in an earlier one."""
        settled = tally.entered - tally.pending
        if known:
            self.entered += tally.entered
            self.found += settled
        else:
            self.through += settled
        self.kept += tally.kept
        self.dropped += tally.dropped.total()

    def merge(self, other: Along) -> None:
        """Counts what another worker did of the step."""
        for name in ("entered", "found", "through", "kept", "dropped", "asked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def done(self) -> int:
        """Records that are through, or whose answer is there."""
        return min(self.entered, self.found + max(self.through, self.asked))

    @property
    def to_come(self) -> int:
        """Records that may still go on to the next step."""
        return max(0, self.entered - self.kept - self.dropped)


@dataclass(slots=True)
class Position:
    """Where an unfinished run is: how far each step is, the step that was last at work, and what stopped the run.

    `workers`: a line each, where there are several; `spent`: USD of this run (None: unknown).
    """

    steps: dict[str, Along] = field(default_factory=dict)
    step: str = ""
    error: str | None = None
    workers: tuple[str, ...] = ()
    spent: float | None = 0.0

    def at(self, step: str) -> Along:
        """How far a step is."""
        self.step = step
        return self.steps.setdefault(step, Along())

    def figures(self, last: str) -> Figures:
        """What became of records: kept by the step `last`, dropped by all."""
        kept = self.steps[last].kept if last in self.steps else 0
        return Figures(kept, sum(along.dropped for along in self.steps.values()), self.spent)


def say_figures(report: Report, figures: Figures) -> None:
    """Hands on what became of records, to a report that says it."""
    if isinstance(report, Telling):
        report.figures(figures)


def note(work: Work, position: Position | None) -> None:
    """Notes where the run is; None once it is through."""
    path = work.root / _POSITION
    with suppress(OutputError):
        if position is not None:
            write_json(path, asdict(position))
        elif path.exists():
            path.unlink()


def noted(work: Work) -> Position | None:
    """Where the last run is, or was stopped; None if it got through."""
    try:
        found: Mapping[str, object] = json.loads((work.root / _POSITION).read_text(encoding="utf-8"))
        steps = found["steps"]
        assert isinstance(steps, dict)
        return Position(
            {name: Along(**along) for name, along in steps.items()},
            str(found["step"]),
            None if found["error"] is None else str(found["error"]),
            tuple(map(str, cast(list[object], found.get("workers", ())))),
        )
    except (OSError, ValueError, TypeError, KeyError, AssertionError):
        return None
