"""Streams of rows side by side: what is known of each record, guid by guid, attempt by attempt.

In: files of a work folder or of a corpus, all sorted by guid.  Out: rows put together, records that a stage reads,
and what became of each record.  Memory: a row group of each file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby

from nercot.corpus.records import Record
from nercot.corpus.tables import read_rows, to_record
from nercot.corpus.work import Row, Work, place_of


def beside(rows: Iterable[Row], *others: Iterable[Row]) -> Iterator[tuple[Row, list[list[Row]]]]:
    """Each row with the rows of the same guid from each other stream; all sorted by guid."""
    streams = [Groups(other) for other in others]
    for row in rows:
        yield row, [stream.take(row["guid"]) for stream in streams]


class Groups:
    """A stream sorted by guid, read guid by guid."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._head = next(self._rows, None)

    def take(self, guid: str) -> list[Row]:
        """The rows of this guid; those of smaller ones are passed over."""
        group = []
        while self._head is not None and self._head["guid"] <= guid:
            if self._head["guid"] == guid:
                group.append(self._head)
            self._head = next(self._rows, None)
        return group


def joined(rows: Iterable[Row], others: Iterable[Row]) -> Iterator[Row]:
    """Rows that have a partner of the same guid, put together with each partner."""
    for row, (group,) in beside(rows, others):
        for other in group:
            yield {**row, **other}


def answers_of(work: Work, part: str, rounds: int, folders: Sequence[str]) -> Iterator[Row]:
    """What some stages added to each attempt, put together, a later one's word before an earlier one's."""
    streams = [work.attempts(folder, part, rounds) for folder in folders]
    for _, group in groupby(merge(*streams, key=place_of), key=place_of):
        row: Row = {}
        for more in group:
            row.update(more)
        yield row


def source_records(work: Work, part: str, without: frozenset[str]) -> Iterator[Record]:
    """The records of a partition that earlier rounds did not keep."""
    return (to_record(row) for row in work.source(part) if row["guid"] not in without)


def stage_records(work: Work, folders: Sequence[str], part: str, attempt: int) -> Iterator[Record]:
    """The records of a partition that the last of these stages kept in a round, with what all of them added."""
    *earlier, last = (read_rows(work.file(folder, part, attempt)) for folder in folders)
    for row, groups in beside(work.source(part), last, *earlier):
        if groups[0]:
            more: Row = {}
            for group in (*groups[1:], groups[0]):
                more.update(*group)
            yield to_record({**row, **more})


def kept_guids(work: Work, stage: str, part: str, rounds: Iterable[int], threshold: float | None) -> frozenset[str]:
    """The records that these rounds settled: they have a row of a stage, with at least `threshold` as its score."""
    columns = ["guid"] if threshold is None else ["guid", "score"]
    paths = [path for attempt in rounds if (path := work.file(stage, part, attempt)).exists()]
    rows = chain.from_iterable(read_rows(path, columns) for path in paths)
    return frozenset(row["guid"] for row in rows if threshold is None or row["score"] >= threshold)


def fates(work: Work, part: str, rounds: int, steps: Sequence[str]) -> dict[str, tuple[str, int, str]]:
    """For each dropped record of a partition: the step that its best attempt reached, that attempt, the reason.

    The best attempt is the one that came furthest, the first of those.  Records that were kept, or are
    pending, may stand here with attempts that failed; the caller knows them.  `steps`: in their order.
    """
    order = {step: place for place, step in enumerate(steps)}
    best: dict[str, tuple[str, int, str]] = {}
    for row in work.drops(part, steps, rounds, ["guid", "attempt", "step", "reason"]):
        known = best.get(row["guid"])
        if known is None or order[row["step"]] > order[known[0]]:
            best[row["guid"]] = (row["step"], row["attempt"] or 0, row["reason"])
    return best
