"""The record step that keeps valid records: raw -> valid.

In: records with an answer (or with a trace and entities).  Out: one outcome each; a kept one carries the trace
and the grounded entities, a dropped one the first broken rule as its reason, and all violations.  Never asks a
model and never reads gold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from nercot.corpus.recipe import Recipe
from nercot.corpus.records import Outcome, Record
from nercot.corpus.tables import entity_rows
from nercot.corpus.work import Row
from nercot.steps.stage import RecordStage, Turn
from nercot.validation.rules import Verdict, validate

# What a server says of an answer that it did not finish, and the reason code of such a record.
_UNFINISHED = {
    "length": ("truncated", "the answer was cut off at the token limit: raise teacher.max_tokens"),
    "content_filter": ("content_filter", "the server's content filter stopped the answer"),
    "refusal": ("refused", "the model refused to answer"),
}


def stage(recipe: Recipe, prompts: Mapping[str, str], turn: Turn) -> RecordStage:
    """The stage after the teacher's: answers are read and held against the rules."""

    read = "read" in recipe.steps

    def step(records: Iterator[Record]) -> Iterator[Outcome]:
        return validate_step(records, recipe.rules, recipe.trace, read)

    settings = [recipe.rules, recipe.trace, read]
    return RecordStage("validate", "3-valid", _row, settings, step, turn=turn)


def _row(outcome: Outcome) -> Row:
    record = outcome.record
    return {"cot": record.cot, "entities": entity_rows(record.entities), "broken": list(outcome.broken or ())}


def validate_step(
    records: Iterator[Record], rules: Collection[str] | None = None, trace: str = "required", read: bool = False
) -> Iterator[Outcome]:
    """Judges each record by the rules named (None: all); `trace` and `read` as in rules.validate."""
    for record in records:
        yield _judge(record, rules, trace, read)


def _judge(record: Record, rules: Collection[str] | None, trace: str, read: bool) -> Outcome:
    verdict = validate(record, rules, trace, read)
    known = replace(record, cot=verdict.cot, entities=verdict.entities)
    broken = _broken(record, verdict, rules, trace, read)
    if record.answer is not None and (unfinished := _UNFINISHED.get(record.answer.finish_reason or "")):
        reason, detail = unfinished
        return Outcome(known, reason, detail, violations=verdict.violations, broken=(reason, *broken))
    if verdict.valid:
        return Outcome(known, broken=broken)
    first = verdict.violations[0]
    return Outcome(known, first.rule, _detail(verdict), violations=verdict.violations, broken=broken)


def _broken(record: Record, verdict: Verdict, rules: Collection[str] | None, trace: str, read: bool) -> tuple[str, ...]:
    """All rules for shape that an answer breaks, whichever of them this recipe goes by."""
    every = verdict if rules is None and not read else validate(record, None, trace)
    return tuple(dict.fromkeys(violation.rule for violation in every.violations))


def _detail(verdict: Verdict) -> str:
    first, others = verdict.violations[0], len(verdict.violations) - 1
    return first.detail + (f" (and {others} more)" if others else "")
