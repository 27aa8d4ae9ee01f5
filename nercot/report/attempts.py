"""One row of a page: its question, its attempts with what rules, reader and judge said of each, and what became of it.

In: the rows of a corpus that have one guid, or what a file says of one.  Out: one JSON object, the text as it stands
there.  Never changes an answer; what is computed (verdicts, differences from gold, moved boundaries) stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nercot.corpus.records import Entity, Record, Violation, answer_hash
from nercot.corpus.tables import entity_rows, to_reading, to_record
from nercot.validation.reading import compare as read_against
from nercot.validation.reading import moved_boundaries
from nercot.validation.rules import Verdict, validate
from nercot.validation.spans import compare

Row = dict[str, Any]

TOLD = ("dataset", "split", "license", "source_id")
_OF_ATTEMPT = (
    "attempt",
    "teacher",
    "request_key",
    "completion",
    "reasoning",
    "finish_reason",
    "tokens_in",
    "tokens_out",
    "score",
    "judge",
    "judge_key",
    "judgement",
    "reader",
    "reader_key",
    "reading",
)


def corpus_row(guid: str, group: Sequence[tuple[str, Row]], validating: Mapping[str, Any]) -> Row:
    """One record of a corpus, from its rows in the configs (kept, raw, dropped).

    `validating`: the recipe's rules and threshold.
    """
    kept = next((row for kind, row in group if kind == "kept"), None)
    drop = next((row for kind, row in group if kind == "dropped"), None)
    raw = [row for kind, row in group if kind == "raw"]
    question = kept or drop or raw[0]
    fate = "kept" if kept else "dropped" if drop else "pending"
    shown = question_of(guid, question, fate)
    shown["attempts"] = [attempt_of(row, question, _fate_of(row, kept, drop, raw, validating)) for row in raw]
    answered = kept or drop or {}
    if kept and not raw and "entities" not in kept:  # a subset: gold stands in for entities
        answered = {**kept, "entities": kept["gold"]}
    # A merged row that no answer gave has gold for its own.
    alone = not any(item["kept"] for item in shown["attempts"]) if kept else not raw
    if alone and (answered.get("entities") is not None or answered.get("cot")):
        reason = drop["reason"] if drop and not kept else None
        shown["attempts"].append(attempt_of(answered, question, (bool(kept), reason, _no_verdict())))
    for row in (kept, drop):
        shown |= {name: row[name] for name in _FATE if row and row.get(name) is not None}
    if kept:
        shown |= {"score": kept.get("score")}
    return finished(shown)


_FATE = (
    "step",
    "reason",
    "detail",
    "source_file",
    "source_row",
    "input",
    "drift",
    "near_duplicate_of",
    "contaminated_by",
)


def _fate_of(
    row: Row, kept: Row | None, drop: Row | None, raw: Sequence[Row], validating: Mapping[str, Any]
) -> tuple[bool, str | None, Row]:
    """Whether an attempt was kept, why not, and what the rules say of it."""
    if kept is not None and _same_answer(row, kept):
        return (
            True,
            None,
            _no_verdict() | {"passed": {"rules": True} | ({"reading": True} if row.get("reading") else {})},
        )
    record = to_record(row)
    rules = validating.get("rules")
    verdict = verdict_of(validate(record, rules, validating.get("trace", "required"), validating["read"]))
    verdict["passed"] = {"rules": not verdict["violations"]}
    if record.reading is not None:
        against = _violations(read_against(record, record.reading, rules).violations)
        verdict["passed"]["reading"] = not against
        verdict["violations"] += against
    reason = next((item["rule"] for item in verdict["violations"]), None)
    if drop is not None and row is raw[-1]:
        reason = drop["reason"]
    elif reason is None and _below(row.get("score"), validating.get("threshold")):
        reason = "below_threshold"
    return False, reason, verdict


def _below(score: float | None, threshold: float | None) -> bool:
    return score is not None and threshold is not None and score < threshold


def _same_answer(one: Row, other: Row) -> bool:
    return one.get("cot") == other.get("cot") and one.get("entities") == other.get("entities")


def question_of(guid: str, row: Row, kept: str) -> Row:
    """What was asked: sentence, schema, gold, and where they come from; `kept`: kept, dropped or pending."""
    return {
        "guid": guid,
        "kept": kept,
        **{name: row.get(name) for name in TOLD},
        "sentence": row.get("sentence"),
        "schema": list(row.get("schema") or ()),
        "descriptions": row.get("schema_descriptions"),
        "gold": row.get("gold"),
    }


def attempt_of(row: Row, question: Row, fate: tuple[bool, str | None, Row]) -> Row:
    """One answer; `fate`: whether it was kept, why not, and what the rules say of it."""
    kept, reason, verdict = fate
    cot, entities = row.get("cot"), row.get("entities")
    if entities is None:
        cot, entities = verdict.get("cot", cot), verdict.get("entities")
    told = {name: row[name] for name in _OF_ATTEMPT if row.get(name) is not None}
    if cot and entities and told.get("reading"):
        told["boundary"] = boundary_of(question, cot, entities, told["reading"])
    return {
        **told,
        "kept": kept,
        "reason": reason,
        "violations": verdict["violations"],
        "passed": verdict.get("passed", {"rules": not verdict["violations"]}),
        "cot": cot,
        "entities": entities,
        "answer": answer_hash(cot, entities),
        "gold": _differences(question.get("gold"), entities),
    }


def _no_verdict() -> Row:
    return {"violations": []}


def verdict_of(verdict: Verdict) -> Row:
    """What the rules say, as a page holds it."""
    return {
        "cot": verdict.cot,
        "entities": entity_rows(verdict.entities),
        "violations": _violations(verdict.violations),
    }


def _violations(found: Iterable[Violation]) -> list[Row]:
    return [{"rule": item.rule, "entity": _plain(item.entity), "detail": item.detail} for item in found]


def boundary_of(question: Row, cot: str, entities: Sequence[Row], reading: Row) -> list[Row]:
    """Where the reader took a mention of the same type that is cut elsewhere."""
    listed = tuple(Entity(**item) for item in entities)
    sentence, schema = question.get("sentence") or "", tuple(question.get("schema") or ())
    record = Record("", "", sentence, schema, cot=cot, entities=listed)
    moved = moved_boundaries(record, to_reading(reading))
    return [{"entity": place, "taken": taken} for place, taken in moved.items()]


def _differences(gold: Sequence[Row] | None, entities: Sequence[Row] | None) -> list[Row]:
    """How the entities differ from gold: what is not the same, each with both sides."""
    if gold is None or entities is None:
        return []
    pairs = compare([Entity(**item) for item in gold], [Entity(**item) for item in entities])
    return [
        {"kind": pair.kind, "gold": _plain(pair.gold), "found": _plain(pair.found)}
        for pair in pairs
        if pair.kind != "same"
    ]


def _plain(entity: Entity | None) -> Row | None:
    if entity is None:
        return None
    return {"text": entity.text, "label": entity.label, "start": entity.start, "end": entity.end}


def finished(shown: Row) -> Row:
    """The row with the attempt that is shown first: the kept one, else the last."""
    attempts = shown["attempts"]
    first = next((place for place, item in enumerate(attempts) if item["kept"]), len(attempts) - 1)
    shown["first"] = max(first, 0)
    if shown.get("score") is None and attempts:
        shown["score"] = attempts[shown["first"]].get("score")
    return {name: value for name, value in shown.items() if value is not None}
