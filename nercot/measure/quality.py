"""`nercot report`: how good a published corpus with traces is, whoever made it.

In: any PATH whose rows carry answers, test sets to look for, and whom to have read a sample.  Out: JSON values, and
sections for Markdown and a page: the rules and the paper's way of checking, duplicates, test sets, labels, lengths,
scripts, repeated openings of traces, and what a reader who sees no answer makes of a seeded sample, with its interval.
Of a corpus of ours the kept rows are looked at.  Never writes into the corpus.

One pass over the rows; of each its sentence and the opening of its trace stay in memory.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from heapq import nsmallest
from pathlib import Path
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, Record
from nercot.corpus.work import Report
from nercot.errors import ShortfallError
from nercot.measure.asking import Asker
from nercot.measure.check import Whom
from nercot.measure.intervals import proportion
from nercot.report.shown import Corpus, open_rows
from nercot.report.stats import Stats
from nercot.steps.duplicates import duplicate_key, near_duplicates
from nercot.steps.read import Reader
from nercot.validation.rules import validate

# What the paper says that it checked (section 3.1), by the names of our rules.
PAPER = ("malformed", "type_not_in_schema", "not_in_sentence", "not_justified")
_OPENING, _EXAMPLES, _EVERY = 8, 3, 500


@dataclass(slots=True)
class _Seen:
    """What is counted in the one pass."""

    rows: int = 0
    unreadable: int = 0
    valid: int = 0
    paper: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    stats: Stats = field(default_factory=Stats)
    keys: Counter[bytes] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)
    openings: Counter[str] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    sample: list[tuple[bytes, Record]] = field(default_factory=list)


def assess(
    where: str,
    form: str | None = None,
    benchmarks: Path | None = None,
    sample: int = 200,
    seed: int = 0,
    whom: Whom | None = None,
    report: Report = lambda step, done, total: None,
) -> dict[str, Any]:
    """Everything about the corpus at PATH.

    `benchmarks`: folder of test sets to look for.  `sample`: rows that the reader (`whom`) reads, drawn with `seed`.
    Raises ShortfallError where there is no row.
    """
    seen = _Seen()
    drawn = sample if whom is not None else 0
    for record, violations in _records(where, form, seen):
        _count(record, violations, seen)
        if drawn:
            _keep(record, seen, drawn, seed)
        if seen.rows % _EVERY == 0:
            report("report", seen.rows, None)
    if not seen.rows:
        raise ShortfallError(f"{where}: there are no rows to report on")
    return {
        "path": where,
        "rows": seen.rows,
        "unreadable": seen.unreadable,
        "rules": {
            "valid": _share(seen.valid, seen.rows),
            "paper": _share(seen.paper, seen.rows),
            "by_rule": {
                rule: {"rows": count, "examples": seen.examples[rule]} for rule, count in seen.rules.most_common()
            },
        },
        "duplicates": _duplicates(seen),
        "contamination": _contamination(seen, benchmarks),
        "labels": _labels(seen.stats),
        "stats": seen.stats.summary(),
        "scripts": dict(seen.scripts.most_common()),
        "openings": _openings(seen.openings),
        "reading": None if whom is None else _read(_drawn(seen, sample), whom, seed),
    }


def _drawn(seen: _Seen, size: int) -> list[Record]:
    return [record for _, record in nsmallest(size, seen.sample, key=lambda item: item[0])]


def _records(where: str, form: str | None, seen: _Seen) -> Iterator[tuple[Record, list[dict[str, Any]]]]:
    """Each published row as a record, and what the rules say of it; unreadable ones are counted."""
    rows = open_rows(where, form)
    for row in rows.rows():
        if isinstance(rows, Corpus) and row["kept"] != "kept":
            continue
        seen.rows += 1
        if row.get("sentence") is None:
            seen.unreadable += 1
            seen.rules["unreadable"] += 1
            seen.examples.setdefault("unreadable", []).append(row["guid"])
            continue
        attempt = row["attempts"][row["first"]] if row["attempts"] else {}
        yield _record(row, attempt), attempt.get("violations", [])


def _record(row: Mapping[str, Any], attempt: Mapping[str, Any]) -> Record:
    entities = attempt.get("entities")
    return Record(
        guid=row["guid"],
        dataset=row.get("dataset") or "unknown",
        sentence=row["sentence"],
        schema=tuple(row["schema"]),
        license=row.get("license") or "unknown",
        cot=attempt.get("cot"),
        entities=None if entities is None else tuple(Entity(**item) for item in entities),
    )


def _count(record: Record, violations: Sequence[Mapping[str, Any]], seen: _Seen) -> None:
    broken = list(dict.fromkeys(item["rule"] for item in violations))
    if not broken and record.entities is not None:
        broken = list(dict.fromkeys(item.rule for item in validate(record).violations))
    seen.valid += not broken
    seen.paper += not set(PAPER) & set(broken)
    seen.rules.update(broken)
    for rule in broken:
        found = seen.examples.setdefault(rule, [])
        if len(found) < _EXAMPLES:
            found.append(record.guid)
    seen.stats.add(_mapping(record))
    seen.keys[duplicate_key(record.sentence, record.schema)] += 1
    seen.sentences.append(record.sentence)
    seen.scripts.update(_scripts(record.sentence))
    if record.cot is not None:
        seen.openings[" ".join(record.cot.split()[:_OPENING])] += 1


def _mapping(record: Record) -> dict[str, Any]:
    from nercot.corpus.tables import entity_rows

    named = ("dataset", "license", "sentence", "schema", "cot")
    return {**{name: getattr(record, name) for name in named}, "entities": entity_rows(record.entities)}


def _keep(record: Record, seen: _Seen, size: int, seed: int) -> None:
    """Keeps the rows with the smallest hashes among those that a reader can be asked about."""
    if not record.cot or record.entities is None or not validate(record, read=True).valid:
        return
    rank = hashlib.sha256(f"{seed} {record.guid}".encode("utf-8", "surrogatepass")).digest()
    seen.sample.append((rank, record))
    if len(seen.sample) >= 2 * size + 100:
        seen.sample = nsmallest(size, seen.sample, key=lambda item: item[0])


def _share(count: int, of: int) -> dict[str, Any]:
    share = proportion(count, of)
    return {"rows": count, **(share.as_json() if share else {})}


def _duplicates(seen: _Seen) -> dict[str, int]:
    likes = near_duplicates(lambda: seen.sentences)
    exact = sum(count - 1 for count in seen.keys.values())
    texts = len(seen.sentences) - len(set(seen.sentences))
    return {"exact": exact, "same_text": texts, "near": len(likes)}


def _contamination(seen: _Seen, folder: Path | None) -> dict[str, Any] | None:
    """Rows whose sentence is in a test set, or nearly; None where nobody named any."""
    if folder is None:
        return None
    from nercot.steps.contamination import Contamination, find_benchmark_files

    checker = Contamination(find_benchmark_files(folder))
    counts: Counter[str] = Counter()
    rows = 0
    for names in checker.find({"sentence": sentence} for sentence in seen.sentences):
        rows += bool(names)
        counts.update(names)
    told = checker.describe()
    return {"rows": rows, "benchmarks": dict(counts.most_common()), "looked_at": told["sentences"]}


def _labels(stats: Stats) -> dict[str, Any]:
    """How mentions spread over types, and types that differ only in how they are written."""
    total = stats.types.total()
    folded: dict[str, list[str]] = {}
    for label in stats.types:
        folded.setdefault(fold_label(label), []).append(label)
    top = stats.types.most_common(10)
    return {
        "used": len(stats.types),
        "asked": len(stats.asked),
        "mentions": total,
        "top_10_share": round(sum(count for _, count in top) / total, 4) if total else None,
        "seen_once": sum(count == 1 for count in stats.types.values()),
        "spelled_in_several_ways": sum(len(ways) > 1 for ways in folded.values()),
    }


def _openings(openings: Counter[str]) -> dict[str, Any]:
    repeated = sum(count for count in openings.values() if count > 1)
    shown = {opening: count for opening, count in openings.most_common(10) if count > 1}
    return {
        "words": _OPENING,
        "traces": openings.total(),
        "different": len(openings),
        "repeated": repeated,
        "top": shown,
    }


def _scripts(text: str) -> set[str]:
    """The scripts of a text's letters, as Unicode names them (LATIN, CYRILLIC, HAN, ...): a hint at its language."""
    found = set()
    for char in set(text[:2000]):
        if char.isascii():
            found |= {"LATIN"} if char.isalpha() else set()
        elif char.isalpha():
            found.add(unicodedata.name(char, "UNKNOWN").split()[0].replace("CJK", "HAN"))
    return found


def _read(records: Sequence[Record], whom: Whom, seed: int) -> dict[str, Any]:
    """What a blind reader makes of the sample: the share that it bears out, and why not the rest."""
    with ExitStack() as stack:
        asker = Asker(whom.recipe, whom.ledger, stack)
        reader = Reader(whom.recipe.name, whom.recipe.reader, asker.template("reading"))
        attempts = whom.recipe.reader.attempts
        asker.ask("reader", lambda ask: reader.requests(iter(records), asker.answers, ask), attempts)
        outcomes = list(reader.outcomes(iter(records), asker.answers))
    pending = sum(outcome.pending for outcome in outcomes)
    kept = sum(outcome.kept for outcome in outcomes)
    reasons = Counter(str(outcome.reason) for outcome in outcomes if outcome.reason)
    return {
        "reader": whom.recipe.reader.model,
        "seed": seed,
        "sample": len(records),
        "pending": pending,
        "calls": asker.calls.get("reader", 0),
        "borne_out": _share(kept, len(outcomes) - pending),
        "reasons": dict(reasons.most_common()),
    }
