"""The draw, a corpus step: which rows of which dataset are taken, exactly as many as asked.

In: a source and the recipe's `sample`.  Out: the items that were drawn or dropped, and the table of shares.  Shares
are proportional to a dataset's rows (at most `cap` of them count), rounded by largest remainder, or, for a size
below 1, that share of each dataset.  Within a dataset rows are ranked by a hash of (seed, content), so a draw does
not depend on the order of files and rows, and a smaller one lies inside a larger one.  Rows that are not drawn are
counted and written nowhere.  Memory: 16 bytes a row, and about as many rows as are drawn; where it cannot be known
while reading which these are (a share, duplicates to drop, or all of them) the source is read twice.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from heapq import heappop, heappush, heapreplace
from typing import Any

from nercot.corpus.recipe import Sample
from nercot.corpus.records import Outcome, Record, content_guid
from nercot.errors import InputError
from nercot.formats import BadRow, DataFile, SourceRow
from nercot.formats.sources import Item, Source, bad_item, file_rows, to_item, with_split
from nercot.steps.duplicates import duplicate_key
from nercot.steps.roster import Roster, roster

_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class Draw:
    """What is asked: `sample` (None: every row is taken), the datasets `wanted` (none: all that there are).

    `roster`: what the source has of them, where its folders have told.  `drop_duplicates`: rows that repeat
    others are dropped before the draw, at the step named.
    """

    sample: Sample | None
    where: str
    wanted: tuple[str, ...] = ()
    roster: Roster | None = None
    allow_missing: bool = False
    drop_duplicates: bool = False
    step: str = "stratify"


@dataclass(slots=True)
class Drawn:
    """What came of it; `table` has a row for each dataset: name, rows to draw from, those that count, drawn."""

    rows: int = 0
    table: list[dict[str, Any]] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    not_listed: tuple[str, ...] = ()

    @property
    def not_drawn(self) -> int:
        """Rows that were there and not taken."""
        return sum(row["rows"] - row["drawn"] for row in self.table)

    def written(self, sample: Sample | None) -> dict[str, Any]:
        """As the manifest holds it."""
        asked = {} if sample is None else {"size": sample.size, "seed": sample.seed, "cap": sample.cap}
        return {
            **asked,
            "datasets": self.table,
            "missing": list(self.missing),
            "empty": list(self.empty),
            "not_listed": list(self.not_listed),
        }


def shares(rows: Mapping[str, int], sample: Sample) -> dict[str, int]:
    """How many rows of each dataset are drawn, by its number of rows.

    Largest remainder: each gets the whole part of its exact share, and what is left goes, one row each, to those
    with the largest remainders (of equal ones the first by name).  Nobody gets more than it has.
    """
    if sample.size < 1:
        part = Fraction(str(sample.size))
        return {name: min(count, max(1, int(part * count + Fraction(1, 2)))) for name, count in rows.items()}
    left, weights = int(sample.size), {name: min(count, sample.cap) for name, count in rows.items()}
    given: dict[str, int] = {}
    while full := [name for name, weight in weights.items() if left * weight > rows[name] * sum(weights.values())]:
        given.update({name: rows[name] for name in full})
        left -= sum(rows[name] for name in full)
        weights = {name: weight for name, weight in weights.items() if name not in given}
    return given | _largest_remainder(weights, left)


def _largest_remainder(weights: Mapping[str, int], size: int) -> dict[str, int]:
    total = sum(weights.values())
    whole = {name: size * weight // total for name, weight in weights.items()}
    ranked = sorted(weights, key=lambda name: (-(size * weights[name] % total), name))
    over = ranked[: size - sum(whole.values())]
    return {name: count + (name in over) for name, count in whole.items()}


class Ranking:
    """Ranks content by a hash that the seed decides."""

    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()

    def __call__(self, content: Iterable[str]) -> int:
        """A number of 64 bits, the same for the same content on every machine."""
        text = "\0".join(content).encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest())


def content_of(row: SourceRow | Record) -> list[str]:
    """What a row is ranked by: sentence, id and gold."""
    content = [row.sentence, row.source_id or ""]
    for entity in row.gold or ():
        content += (entity.label, entity.text)
    return content


class _Dataset:
    """The rows of a dataset that can be drawn: rank and place (file and row) of each."""

    def __init__(self, most: int = 0) -> None:
        self.ranks, self.places = array("Q"), array("Q")
        self.kept: list[tuple[int, int, SourceRow]] = []
        self.most = most

    def add(self, rank: int, place: int) -> None:
        self.ranks.append(rank)
        self.places.append(place)

    def keep(self, rank: int, place: int, row: SourceRow) -> None:
        """Holds a row among the `most` with the smallest ranks."""
        if len(self.kept) < self.most:
            heappush(self.kept, (-rank, -place, row))
        elif -rank > self.kept[0][0]:
            heapreplace(self.kept, (-rank, -place, row))

    def trim(self, most: int) -> None:
        """From now on no more than so many rows are held."""
        self.most = most
        while len(self.kept) > most:
            heappop(self.kept)

    def smallest(self, count: int) -> Iterator[int]:
        """The places of so many rows with the smallest ranks."""
        order = sorted(range(len(self.ranks)), key=self.ranks.__getitem__)
        return (self.places[number] for number in order[:count])


def draw(
    source: Source, asked: Draw, drawn: Drawn, leave: Callable[[str], bool], report: Callable[[int], None]
) -> Iterator[Item]:
    """The rows that are drawn, after those that cannot be; `drawn` is complete at the end.

    `leave`: whether a sentence cannot be drawn (it was taken down); its item is given like a dropped one.
    Raises InputError, all in one line, for datasets that are not there and for a size that is too large.
    """
    pool = _Pool(asked, source)
    for number, file in _files(source):
        for row in file_rows(source, file):
            drawn.rows += 1
            if drawn.rows % _EVERY == 0:
                report(drawn.rows)
            if isinstance(row, BadRow):
                yield bad_item(row, source.license)
            elif not row.schema or leave(row.sentence):
                yield to_item(with_split(row, file), source.license)
            elif not pool.add(row, number):
                drawn.rows -= 1
    twins = pool.take_out_twins()
    chosen = pool.choose(drawn)
    if pool.holds:
        yield from (to_item(with_split(row, source.files[file]), source.license) for file, row in pool.held(chosen))
        return
    for number, file in _files(source):
        wanted = chosen.get(number, set()) | twins.get(number, {}).keys()
        for row in file_rows(source, file, frozenset(wanted)) if wanted else ():
            if row.row in wanted and isinstance(row, SourceRow):
                item = to_item(with_split(row, file), source.license)
                first = twins.get(number, {}).get(row.row)
                yield item if first is None else _twin(item, first, asked.step)


def _files(source: Source) -> Iterator[tuple[int, DataFile]]:
    """The files that can hold rows of the split, numbered."""
    for number, file in enumerate(source.files):
        if not (source.split and file.split and file.split != source.split):
            yield number, file


def _twin(item: Item, first: str, step: str) -> Item:
    """A row that repeats another one, which comes first by guid."""
    outcome = Outcome(item.outcome.record, "duplicate_record", f"same text and types as {first}")
    return replace(item, outcome=outcome, step=step)


class _Pool:
    """The rows to draw from, by dataset, and which of them repeat others."""

    def __init__(self, asked: Draw, source: Source) -> None:
        self._asked = asked
        self._rank = Ranking(asked.sample.seed if asked.sample else 0)
        self._datasets: dict[str, _Dataset] = {}
        self._listed: dict[str, bool] = {}
        self._wanted = tuple(asked.roster.found.values()) if asked.roster else asked.wanted
        self._first: dict[bytes, tuple[str, int, str, int]] = {}
        self._twins: dict[tuple[str, int], bytes] = {}
        sample = asked.sample
        self.holds = bool(sample and sample.size >= 1 and not asked.drop_duplicates)
        self._rows = 0

    def add(self, row: SourceRow, file: int) -> bool:
        """Takes a row; False where its dataset is not wanted."""
        if row.dataset not in self._listed:
            self._listed[row.dataset] = not self._wanted or bool(roster(self._wanted, {row.dataset: 1}).found)
        if not self._listed[row.dataset]:
            return False
        rank, place = self._rank(content_of(row)), file << 32 | row.row
        if row.dataset not in self._datasets:
            self._datasets[row.dataset] = _Dataset()
            self._bound()
        dataset = self._datasets[row.dataset]
        dataset.add(rank, place)
        if self.holds:
            dataset.keep(rank, place, row)
            self._rows += 1
            if self._rows % _EVERY == 0:
                self._bound()
        if self._asked.drop_duplicates:
            self._compare(row, rank, place)
        return True

    def _bound(self) -> None:
        """Lets go of rows that cannot be drawn any more: the share of a dataset only falls while others grow."""
        sample = self._asked.sample
        if not (self.holds and sample):
            return
        size = int(sample.size)
        counts = {name: min(len(dataset.ranks), sample.cap) for name, dataset in self._datasets.items()}
        total = sum(counts.values())
        for name, dataset in self._datasets.items():
            largest = size * sample.cap // (total - counts[name] + sample.cap) + 1
            dataset.trim(size if total < size else min(size, largest))

    def held(self, chosen: Mapping[int, set[int]]) -> Iterator[tuple[int, SourceRow]]:
        """The rows that are held and chosen, each with its file."""
        for dataset in self._datasets.values():
            for _, place, row in dataset.kept:
                if row.row in chosen.get(-place >> 32, ()):
                    yield -place >> 32, row

    def _compare(self, row: SourceRow, rank: int, place: int) -> None:
        """Remembers which of the rows with the same text and types comes first by guid."""
        assert row.schema
        key = duplicate_key(row.sentence, row.schema)
        mine = (content_guid(row.sentence, row.schema, row.dataset), rank, row.dataset, place)
        known = self._first.get(key)
        self._first[key] = mine if known is None else min(known, mine)
        if known is not None:
            later = max(known, mine)
            self._twins[later[2], later[3]] = key

    def take_out_twins(self) -> dict[int, dict[int, str]]:
        """Leaves out rows that repeat others; returns file -> row -> guid of the one that is kept."""
        found: dict[int, dict[int, str]] = {}
        for (_, place), key in self._twins.items():
            found.setdefault(place >> 32, {})[place & 0xFFFFFFFF] = self._first[key][0]
        for name in {name for name, _ in self._twins}:
            whole, left = self._datasets[name], _Dataset()
            for rank, place in zip(whole.ranks, whole.places, strict=True):
                if (name, place) not in self._twins:
                    left.add(rank, place)
            self._datasets[name] = left
        return found

    def choose(self, drawn: Drawn) -> dict[int, set[int]]:
        """The rows that are drawn, by file; fills in the table."""
        rows = {name: len(dataset.ranks) for name, dataset in sorted(self._datasets.items())}
        self._check(rows, drawn)
        sample = self._asked.sample
        counts = rows if sample is None else shares(rows, sample)
        drawn.table = [_share(name, count, counts[name], sample) for name, count in rows.items()]
        chosen: dict[int, set[int]] = {}
        for name, count in counts.items():
            for place in self._datasets[name].smallest(count):
                chosen.setdefault(place >> 32, set()).add(place & 0xFFFFFFFF)
        return chosen

    def _check(self, rows: Mapping[str, int], drawn: Drawn) -> None:
        """An InputError where what was wanted is not there."""
        asked = self._asked
        if asked.wanted:
            seen = asked.roster.without(rows) if asked.roster else roster(asked.wanted, self._counts(rows))
            seen.check(asked.where, asked.allow_missing)
            drawn.missing, drawn.empty, drawn.not_listed = seen.missing, seen.empty, seen.not_listed
        total = sum(rows.values())
        if asked.sample and asked.sample.size > total:
            size = int(asked.sample.size)
            raise InputError(
                f"{asked.where}: {total} usable rows, {size} asked for; set sample.size to at most {total}"
            )

    def _counts(self, rows: Mapping[str, int]) -> dict[str, int]:
        """Rows by dataset, also of those that are not wanted."""
        return {**dict.fromkeys(self._listed, 0), **rows}


def _share(name: str, rows: int, drawn: int, sample: Sample | None) -> dict[str, Any]:
    counted = rows if sample is None or sample.size < 1 else min(rows, sample.cap)
    return {"name": name, "rows": rows, "counted": counted, "drawn": drawn}


def total_row(table: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The sums of a table of shares."""
    sums: Counter[str] = Counter()
    for row in table:
        sums.update({key: row[key] for key in ("rows", "counted", "drawn")})
    return dict(sums)
