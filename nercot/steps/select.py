"""Selection, a corpus step: which records are published, and from which attempt.

In: source rows, scored attempts.  Out: `5-selected/<partition>.parquet` with guid and attempt, and drops
(below_threshold, duplicate_record).  The first attempt whose score reaches the threshold is taken.  Exact
duplicates (same text after NFC with white space collapsed, case kept; same set of folded types; any
dataset) are those of an earlier guid that was taken.  Never changes a record.  Memory: 16 bytes a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from unicodedata import normalize

from nercot.labels import fold_label
from nercot.pipeline import Done, Row, Tally, Work, beside, reader_key, step_meta
from nercot.tables import table


@dataclass(frozen=True, slots=True)
class Selection:
    """The recipe's choices."""

    threshold: float
    duplicates: str


def duplicate_key(sentence: str, schema: Iterable[str]) -> bytes:
    """16 bytes that are equal for records with the same text and the same set of types."""
    text = " ".join(normalize("NFC", sentence).split())
    labels = sorted({fold_label(label) for label in schema})
    return hashlib.blake2b("\0".join((text, *labels)).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Duplicates:
    """The texts seen so far, each with the first guid that had it."""

    def __init__(self) -> None:
        self._first: dict[bytes, bytes] = {}

    def first_of(self, row: Row) -> str | None:
        """The guid that this row repeats, or None (the row is then remembered)."""
        key = duplicate_key(row["sentence"], row["schema"])
        known = self._first.get(key)
        if known is None:
            self._first[key] = row["guid"].encode()
        return None if known is None else known.decode()


def select_partition(work: Work, part: str, rounds: int, key: str, selection: Selection, seen: Duplicates) -> Done:
    """Selects among the scored records of one partition; partitions must come in order."""
    tally = Tally()
    scores = work.attempts("4-scored", part, rounds, ["guid", "attempt", "score"])
    path = work.file("5-selected", part)
    with (
        table(path, "5-selected", lambda: step_meta(key, tally)) as kept,
        table(work.dropped("select", part), "work-dropped") as dropped,
    ):
        for row, (attempts, valid) in beside(work.source(part), scores, work.attempts("3-valid", part, rounds)):
            if not attempts:
                continue
            tally.entered += 1
            chosen = next((item for item in attempts if item["score"] >= selection.threshold), None)
            twin = seen.first_of(row) if chosen and selection.duplicates != "off" else None
            if chosen is None:
                best = max(attempts, key=lambda item: item["score"])
                _drop(
                    dropped.add,
                    row,
                    valid,
                    best,
                    "below_threshold",
                    f"score {best['score']:g}, {selection.threshold:g} asked",
                )
                tally.dropped["below_threshold"] += 1
            elif twin and selection.duplicates == "drop":
                _drop(dropped.add, row, valid, chosen, "duplicate_record", f"same text and types as {twin}")
                tally.dropped["duplicate_record"] += 1
            else:
                kept.add({"guid": row["guid"], "attempt": chosen["attempt"], "near_duplicate_of": twin})
                tally.kept += 1
        tally.check(f"select, partition {part}")
    return Done(reader_key(key, tally), tally)


def _drop(add: Callable[[Row], None], row: Row, valid: list[Row], chosen: Row, reason: str, detail: str) -> None:
    """A drop of selection, with the answer of the attempt that it speaks of."""
    answer = next(item for item in valid if item["attempt"] == chosen["attempt"])
    add({**row, **answer, "step": "select", "reason": reason, "detail": detail})
