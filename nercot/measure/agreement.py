"""`nercot agreement`: how far two annotations of one source agree, and where they differ most.

In: two PATHs of any format (two teachers' corpora, exports of two people), or one corpus twice for two attempts of its
raw answers.  Out: JSON values: span F1, exact and overlapping, also by type; Cohen's kappa on tokens and on rows with
the base rates it rests on (null where it is not defined); the rows that differ most.  Rows belong together by guid,
else by their text.  Who says nothing about a row says that it has no entities: silence counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import Any

import numpy as np

from nercot.corpus.labels import fold_label
from nercot.errors import InputError, ShortfallError
from nercot.measure.intervals import kappa
from nercot.report.shown import Corpus, open_rows

_TOKEN = re.compile(r"\w+|[^\w\s]")
_RESAMPLES, _SHOWN, _RATES = 500, 20, 12
_NONE = "(none)"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A mention: offsets in code points (end exclusive), folded type, and the words and type as they are written."""

    start: int
    end: int
    folded: str
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Annotated:
    """One row as one side has it; `silent`: it has no answer that can be read."""

    guid: str
    sentence: str
    spans: tuple[Span, ...]
    silent: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """A row as both have it, with the spans that both have and those that overlap in one type."""

    one: Annotated
    two: Annotated
    exact: int
    overlapping: int

    @property
    def apart(self) -> int:
        """Spans of either side that the other does not have."""
        return len(self.one.spans) + len(self.two.spans) - 2 * self.exact


def agreement(a: str, b: str, form: str | None = None, attempts: tuple[int, int] | None = None) -> dict[str, Any]:
    """Compares the annotations at `a` and `b`.

    `attempts`: which attempt of each record to take, from 1; for one corpus given twice the first and the second.
    Raises ShortfallError where they share no row.
    """
    same = Path(a).resolve() == Path(b).resolve() if Path(a).exists() else a == b
    numbers = attempts or ((1, 2) if same else None)
    one = list(_annotated(a, form, numbers[0] if numbers else None))
    two = list(_annotated(b, form, numbers[1] if numbers else None))
    pairs, alone = _paired(one, two)
    if not pairs:
        raise ShortfallError(f"{a} and {b} share no row, by guid or by text: name two annotations of one source")
    return {
        "a": a,
        "b": b,
        **({"attempts": list(numbers)} if numbers else {}),
        "rows": {
            "both": len(pairs),
            "only_a": alone[0],
            "only_b": alone[1],
            "silent_a": sum(pair.one.silent for pair in pairs),
            "silent_b": sum(pair.two.silent for pair in pairs),
            "same": sum(pair.apart == 0 for pair in pairs),
        },
        "exact": _f1([(pair.exact, len(pair.one.spans), len(pair.two.spans)) for pair in pairs]),
        "overlapping": _f1([(pair.overlapping, len(pair.one.spans), len(pair.two.spans)) for pair in pairs]),
        "types": _types(pairs),
        "token_kappa": _tokens(pairs),
        "row_kappa": kappa([(_some(pair.one), _some(pair.two)) for pair in pairs]),
        "differing": [_difference(pair) for pair in nlargest(_SHOWN, pairs, key=lambda pair: pair.apart) if pair.apart],
    }


# --- rows ---------------------------------------------------------------------------------------------


def _annotated(where: str, form: str | None, number: int | None) -> Iterator[Annotated]:
    base = where.removesuffix(":raw")
    rows = open_rows(base if base != where and Path(base).is_dir() else where, form)
    if number is not None and not isinstance(rows, Corpus):
        raise InputError(f"{where}: attempts are known of a candidate or a release; name two files to compare")
    for row in rows.rows():
        if row.get("sentence") is None:
            continue
        tried = row["attempts"]
        if number is None:
            attempt = tried[row["first"]] if tried else {}
        else:
            attempt = next((item for item in tried if item.get("attempt") == number), None)
            if attempt is None:
                continue
        entities = attempt.get("entities")
        yield Annotated(row["guid"], row["sentence"], tuple(sorted(_spans(entities or ()))), entities is None)


def _spans(entities: Sequence[Mapping[str, Any]]) -> Iterator[Span]:
    for item in entities:
        if item["start"] is not None:
            yield Span(item["start"], item["end"], fold_label(item["label"]), item["text"], item["label"])


def _paired(one: Sequence[Annotated], two: Sequence[Annotated]) -> tuple[list[Pair], tuple[int, int]]:
    """Rows that belong together, by guid, and what is left by the text; and how many are left on each side."""
    by_guid: dict[str, list[Annotated]] = {}
    for row in two:
        by_guid.setdefault(row.guid, []).append(row)
    pairs, rest = [], []
    for row in one:
        match = next((other for other in by_guid.get(row.guid, ()) if _text(other) == _text(row)), None)
        if match is None:
            rest.append(row)
        else:
            by_guid[row.guid].remove(match)
            pairs.append(_pair(row, match))
    by_text: dict[str, list[Annotated]] = {}
    for row in (row for rows in by_guid.values() for row in rows):
        by_text.setdefault(_text(row), []).append(row)
    left = 0
    for row in rest:
        found = by_text.get(_text(row))
        if found and found[0].sentence == row.sentence:
            pairs.append(_pair(row, found.pop(0)))
        else:
            left += 1
    return pairs, (left, sum(map(len, by_text.values())))


def _text(row: Annotated) -> str:
    return " ".join(unicodedata.normalize("NFC", row.sentence).split())


def _pair(one: Annotated, two: Annotated) -> Pair:
    mine, yours = (Counter((span.start, span.end, span.folded) for span in row.spans) for row in (one, two))
    return Pair(one, two, (mine & yours).total(), _overlapping(one.spans, two.spans))


def _overlapping(one: Sequence[Span], two: Sequence[Span]) -> int:
    """How many spans can be paired with one of their type that they overlap, the longest overlap first."""
    choices = [
        (-shared, place, other)
        for place, mine in enumerate(one)
        for other, yours in enumerate(two)
        if mine.folded == yours.folded and (shared := min(mine.end, yours.end) - max(mine.start, yours.start)) > 0
    ]
    left, right = set[int](), set[int]()
    for _, place, other in sorted(choices):
        if place not in left and other not in right:
            left.add(place)
            right.add(other)
    return len(left)


# --- figures ------------------------------------------------------------------------------------------


def _f1(counts: Sequence[tuple[int, int, int]]) -> dict[str, Any]:
    """F1 of (matched, of a, of b) over rows with a 95 % bootstrap interval over rows; None where nobody has a span."""
    table = np.array(counts, dtype=np.int64).reshape(-1, 3)
    matched, of_a, of_b = (int(value) for value in table.sum(axis=0))
    found: dict[str, Any] = {"matched": matched, "a": of_a, "b": of_b, "f1": None}
    if not of_a + of_b:
        return found
    rng = np.random.default_rng(0)
    values = []
    for _ in range(_RESAMPLES):
        sums = table[rng.integers(0, len(table), len(table))].sum(axis=0)
        values.append(2 * sums[0] / (sums[1] + sums[2]) if sums[1] + sums[2] else 0.0)
    low, high = np.quantile(values, (0.025, 0.975))
    return found | {
        "f1": round(2 * matched / (of_a + of_b), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def _types(pairs: Sequence[Pair]) -> dict[str, Any]:
    """By type: spans of both sides, the shared ones, F1, and kappa on whether a row has the type at all."""
    counts: dict[str, list[int]] = {}
    written: dict[str, str] = {}
    for pair in pairs:
        sides = [Counter((span.start, span.end, span.folded) for span in row.spans) for row in (pair.one, pair.two)]
        for side, spans in enumerate(sides):
            for (_, _, label), count in spans.items():
                counts.setdefault(label, [0, 0, 0])[side + 1] += count
        for (_, _, label), count in (sides[0] & sides[1]).items():
            counts[label][0] += count
        for span in (*pair.one.spans, *pair.two.spans):
            written.setdefault(span.folded, span.label)
    ranked = sorted(counts, key=lambda label: (-sum(counts[label][1:]), label))
    return {
        written[label]: {
            "matched": counts[label][0],
            "a": counts[label][1],
            "b": counts[label][2],
            "f1": round(2 * counts[label][0] / sum(counts[label][1:]), 4),
        }
        for label in ranked
    }


def _tokens(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Kappa on the type of every token (words and signs), `(none)` for those of no mention."""
    labels = [
        (mine, yours)
        for pair in pairs
        for mine, yours in zip(_token_labels(pair.one), _token_labels(pair.two), strict=True)
    ]
    found = kappa(labels)
    ranked = sorted(found["base_rates"].items(), key=lambda item: -sum(item[1]))
    return found | {"base_rates": dict(ranked[:_RATES])}


def _token_labels(row: Annotated) -> list[str]:
    """The type of each token: that of the shortest mention that covers it, the inner one of nested ones."""
    tokens = [match.span() for match in _TOKEN.finditer(row.sentence)]
    labels = [_NONE] * len(tokens)
    for span in sorted(row.spans, key=lambda span: span.start - span.end):
        for place, (start, end) in enumerate(tokens):
            if start < span.end and end > span.start:
                labels[place] = span.folded
    return labels


def _some(row: Annotated) -> str:
    return "entities" if row.spans else "none"


def _difference(pair: Pair) -> dict[str, Any]:
    mine, yours = ({(span.start, span.end, span.folded): span for span in row.spans} for row in (pair.one, pair.two))
    return {
        "guid": pair.one.guid,
        "sentence": pair.one.sentence[:200],
        "apart": pair.apart,
        "only_a": [f"{span.text} ({span.label})" for key, span in mine.items() if key not in yours],
        "only_b": [f"{span.text} ({span.label})" for key, span in yours.items() if key not in mine],
    }
