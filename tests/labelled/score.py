"""Scores validation on the labelled answers beside this file: the rules, and what the recorded readings say.

    python tests/labelled/score.py            all rows, rules and readings
    python tests/labelled/score.py --rules    the rules alone
    python tests/labelled/score.py --part tuning | held_back
    python tests/labelled/score.py --json
    python tests/labelled/score.py --wrong    names each wrong row

Prints precision, recall and F1 of the decision to keep, recall per rule and what each rule was taken for, and the
share of expected entities that were found with their offsets.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nercot import Record, validate
from nercot.corpus.labels import fold_label
from nercot.corpus.records import Answer, Reading
from nercot.corpus.tables import to_reading
from nercot.validation.reading import compare
from nercot.validation.rules import Verdict

ANSWERS = Path(__file__).with_name("answers.jsonl")
READINGS = Path(__file__).with_name("readings.jsonl")


def load(path: Path) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(part: str | None = None) -> list[dict[str, Any]]:
    """The labelled rows: all, or only the tuning or the held-back part."""
    return [row for row in load(ANSWERS) if part is None or row["held_back"] == (part == "held_back")]


def readings(path: Path = READINGS) -> dict[str, Reading]:
    """The recorded readings by the guid of their row; none saw an answer."""
    return {row["guid"]: to_reading(row) for row in load(path)}


def verdict_of(row: dict[str, Any], read: Mapping[str, Reading] | None = None) -> Verdict:
    """What the rules say of one row, and, where they let it pass, its reading (`read`: None for the rules alone)."""
    answer = Answer("labelled", row["completion"], row["reasoning"])
    record = Record(row["guid"], row["dataset"], row["sentence"], tuple(row["schema"]), answer=answer)
    verdict = validate(record, read=read is not None)
    if read is None or not verdict.valid or not (verdict.cot or "").strip():
        return verdict
    found = compare(replace(record, cot=verdict.cot, entities=verdict.entities), read[row["guid"]])
    return Verdict(not found.violations, verdict.cot, found.entities, found.violations, verdict.relabelled)


def spans(entities: Any) -> Counter[tuple[int, int, str]]:
    """Offsets and folded types, as often as they are listed."""
    pairs = (
        item if isinstance(item, dict) else {"start": item.start, "end": item.end, "label": item.label}
        for item in entities
    )
    return Counter((item["start"], item["end"], fold_label(item["label"])) for item in pairs)


def score(answers: Sequence[dict[str, Any]], read: Mapping[str, Reading] | None) -> dict[str, Any]:
    """The figures over some rows."""
    kept_right = kept_wrong = lost = hits = slots = 0
    cases: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    named: Counter[str] = Counter()
    taken_for: dict[str, Counter[str]] = defaultdict(Counter)
    wrong = []
    for row in answers:
        verdict = verdict_of(row, read)
        rules = [violation.rule for violation in verdict.violations]
        keep = row["expected"] == "keep"
        kept_right += keep and verdict.valid
        kept_wrong += not keep and verdict.valid
        lost += keep and not verdict.valid
        if keep != verdict.valid:
            wrong.append(
                {
                    "guid": row["guid"],
                    "expected": row["reasons"] or ["keep"],
                    "got": rules or ["valid"],
                    "why": row["why"],
                }
            )
        if keep and verdict.valid:
            want, got = spans(row["entities"]), spans(verdict.entities or ())
            hits += (want & got).total()
            slots += max(want.total(), got.total())
        for code in row["reasons"]:
            cases[code] += 1
            caught[code] += not verdict.valid
            named[code] += code in rules
            taken_for[code][rules[0] if rules else "valid"] += 1
    precision = kept_right / max(1, kept_right + kept_wrong)
    recall = kept_right / max(1, kept_right + lost)
    return {
        "rows": len(answers),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
        "offsets": hits / max(1, slots),
        "rules": {
            code: {"rows": count, "dropped": caught[code], "named": named[code], "taken_for": dict(taken_for[code])}
            for code, count in sorted(cases.items())
        },
        "wrong": wrong,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["tuning", "held_back"])
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    options = parser.parse_args()
    found = score(rows(options.part), None if options.rules else readings())
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    figures = ", ".join(f"{name} {found[name]:.3f}" for name in ("precision", "recall", "f1", "offsets"))
    print(f"{found['rows']} answers, decision to keep: {figures}")
    print(f"{'rule':20} {'rows':>5} {'dropped':>8} {'named':>6}  first named as")
    for code, row in found["rules"].items():
        print(f"{code:20} {row['rows']:5} {row['dropped']:8} {row['named']:6}  {row['taken_for']}")
    for row in found["wrong"] if options.wrong else ():
        print(f"{row['guid']}: expected {row['expected']}, got {row['got']} ({row['why']})")


if __name__ == "__main__":
    main()
