"""The work folder of one corpus: where the files of its stages lie, what a file says of itself, what is counted.

In: rows of a stage.  Out: one Parquet file a stage, partition and round (`2-raw/3-1.parquet`: partition 3, round 1)
with the guid and what the stage adds, and its drops beside it in `dropped/`.  A file carries the key of everything
that it was made from, and how many records went in and what became of them.  Knows nothing of models or rules.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from nercot import __version__
from nercot.corpus.records import Outcome
from nercot.corpus.tables import entity_rows, meta_of, read_rows, reading_row, record_row
from nercot.errors import ConservationError

Row = dict[str, Any]
Report = Callable[[str, int, int | None], None]


def quiet(step: str, done: int, total: int | None) -> None:
    """A report that says nothing."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of records so far: kept by the last step, dropped anywhere; USD of this run (None: unknown)."""

    kept: int
    dropped: int
    spent: float | None = None

    @property
    def share(self) -> float:
        """Of the records whose fate is known, how many were dropped."""
        return self.dropped / max(1, self.kept + self.dropped)


@runtime_checkable
class Telling(Protocol):
    """A report that also says what became of records."""

    def figures(self, figures: Figures) -> None:
        """Takes what the next lines are to say."""


def content_key(*parts: Any) -> str:
    """A hash of JSON values and of the version of this tool: equal keys mean equal results."""
    text = json.dumps([__version__, *parts], ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(slots=True)
class Tally:
    """How many records went into a step and what became of them."""

    entered: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    pending: int = 0

    def check(self, where: str) -> None:
        """Stops the build where a record vanished or came from nowhere."""
        out = self.kept + self.dropped.total() + self.pending
        if self.entered != out:
            raise ConservationError(
                f"{where}: {self.entered} records in, {out} out; this is a defect of nercot, please report it"
            )


@dataclass(frozen=True, slots=True)
class Done:
    """A finished file of one step, partition and round: the key for whoever reads it, and its tally."""

    key: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Work:
    """The work folder of one corpus."""

    root: Path

    def file(self, stage: str, part: str, attempt: int | None = None) -> Path:
        """Where a step's rows of a partition (and round) lie."""
        name = part if attempt is None else f"{part}-{attempt}"
        return self.root / stage / f"{name}.parquet"

    def dropped(self, step: str, part: str, attempt: int | None = None) -> Path:
        """Where the drops of a step, partition (and round) lie."""
        name = f"{step}-{part}" if attempt is None else f"{step}-{part}-{attempt}"
        return self.root / "dropped" / f"{name}.parquet"

    def source(self, part: str) -> Iterator[Row]:
        """The source rows of a partition."""
        return read_rows(self.file("1-source", part))

    def attempts(self, stage: str, part: str, rounds: int, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows of a stage over all rounds, sorted by guid and attempt."""
        files = (self.file(stage, part, attempt) for attempt in range(1, rounds + 1))
        return merge(*(read_rows(path, columns) for path in files if path.exists()), key=place_of)

    def drops(
        self, part: str, steps: Sequence[str], rounds: int, columns: Sequence[str] | None = None
    ) -> Iterator[Row]:
        """The dropped rows of some steps over all rounds, sorted by guid and attempt."""
        files = [self.dropped(step, part, attempt) for step in steps for attempt in range(1, rounds + 1)]
        files += [self.dropped(step, part) for step in steps]
        return merge(*(read_rows(path, columns) for path in files if path.exists()), key=place_of)


def place_of(row: Row) -> tuple[str, int]:
    """Where an attempt stands among those of a partition."""
    return row["guid"], row["attempt"] or 0


def dropped_row(outcome: Outcome, step: str, attempt: int | None) -> Row:
    """The row of a dropped record, with what is known of its answer."""
    record = outcome.record
    return {
        **record_row(record),
        **(reading_row(record.reading) if record.reading is not None else {}),
        "broken": None if outcome.broken is None else list(outcome.broken),
        "cot": record.cot,
        "entities": entity_rows(record.entities),
        "attempt": attempt,
        "step": step,
        "reason": outcome.reason,
        "detail": outcome.detail,
    }


def step_meta(key: str, tally: Tally) -> Row:
    """What a step's file says of itself."""
    return {
        "key": key,
        "in": tally.entered,
        "kept": tally.kept,
        "dropped": dict(tally.dropped),
        "pending": tally.pending,
    }


def done_before(path: Path, key: str) -> Done | None:
    """What an earlier run left at `path`, if it was made from the same things."""
    meta = meta_of(path)
    if meta is None or meta.get("key") != key:
        return None
    tally = Tally(meta["in"], meta["kept"], Counter(meta["dropped"]), meta["pending"])
    return Done(reader_key(key, tally), tally)


def reader_key(key: str, tally: Tally) -> str:
    """The key for later steps: more answers to the same requests are another input."""
    return content_key(key, tally.pending)
