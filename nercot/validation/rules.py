"""The validation rules, one ordered list: which answers are a sample, and why the others are not.

In: a record with its answer, or with its trace and entities.  Out: a Verdict, with offsets and evidence for
every entity and one Violation for everything that is wrong.  Never changes the meaning of an answer: labels
get the schema's spelling and mentions the sentence's, nothing is added, removed or repaired.

"A sample is retained only if its reasoning trace explicitly justifies every entity in E, and E is well
formatted and compliant with S" (the paper, section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from nercot.corpus.labels import match_label
from nercot.corpus.records import RULES, Entity, Record, Violation, span_order
from nercot.justification import Justification, degeneration, justify, leak
from nercot.validation.answers import carries, parse_answer
from nercot.validation.grounding import ground, ground_entities, occurrences, suggest

# The paper trains on at most 8,192 tokens; at four characters a token no longer trace fits.
MAX_TRACE = 4 * 8192
# A sentence of Pile-NER is a passage; more mentions than this are no longer an annotation of one.
MAX_MENTIONS = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one record.

    `entities`: None where the answer cannot be read; else by offset, with the schema's labels, evidence in the
    trace and, for the grounded ones, the sentence's own text.  `relabelled`: labels brought to the schema's
    spelling.  `notes`: what could not be judged.
    """

    valid: bool
    cot: str | None
    entities: tuple[Entity, ...] | None
    violations: tuple[Violation, ...] = ()
    relabelled: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at: the record's question, and its answer as far as it can be read."""

    sentence: str
    schema: tuple[str, ...]
    cot: str | None
    entities: tuple[Entity, ...] = ()
    problem: str | None = None
    justification: Justification | None = None


Rule = Callable[[Case], Iterator[Violation]]


def validate(record: Record, rules: Collection[str] | None = None, trace: str = "required") -> Verdict:
    """Judges a record by the rules named (None: all).

    `trace`: "required" reports a missing trace as not_justified; "optional" skips what speaks of traces then.
    """
    case, relabelled = _read(record)
    active = list(_RULES.values()) if rules is None else [rule for name, rule in _RULES.items() if name in rules]
    if case.cot is None and trace == "optional":
        active = [rule for rule in active if rule not in _ABOUT_TRACES]
    argues = case.cot is not None and 0 < len(case.cot) <= MAX_TRACE
    if argues and case.problem is None and not _ARGUED.isdisjoint(active):
        case = _argue(case)
    violations = tuple(violation for rule in active for violation in rule(case))
    entities = None
    if case.problem is None:
        entities = case.entities
        if len(entities) > 1:
            entities = tuple(sorted(entities, key=lambda entity: span_order(entity, case.schema)))
    notes = case.justification.notes if case.justification else ()
    return Verdict(not violations, case.cot, entities, violations, relabelled, notes)


def malformed(case: Case) -> Iterator[Violation]:
    """The answer cannot be read, or its trace cannot be written back."""
    if case.problem is not None:
        yield Violation("malformed", None, case.problem)
    elif not carries(case.cot):
        yield Violation("malformed", None, "the trace contains a think tag")


def too_long(case: Case) -> Iterator[Violation]:
    """No model of the paper's could be trained on it."""
    if case.cot is not None and len(case.cot) > MAX_TRACE:
        yield Violation("too_long", None, f"the trace has {len(case.cot)} characters, the limit is {MAX_TRACE}")
    if len(case.entities) > MAX_MENTIONS:
        yield Violation("too_long", None, f"{len(case.entities)} mentions are listed, the limit is {MAX_MENTIONS}")


def type_not_in_schema(case: Case) -> Iterator[Violation]:
    """A label that was not offered, or that two of the offered ones could be."""
    for entity in case.entities:
        if entity.label not in case.schema:
            yield Violation("type_not_in_schema", entity, f"{entity.label!r} is not one type of the schema")


def not_in_sentence(case: Case) -> Iterator[Violation]:
    """A mention that does not stand in the sentence in one piece."""
    for entity in _lost(case):
        if not occurrences(case.sentence, entity.text):
            near = suggest(case.sentence, entity.text)
            detail = f"{entity.text!r} is not in the sentence"
            yield Violation("not_in_sentence", entity, detail + (f"; nearest: {near!r}" if near else ""))


def duplicate(case: Case) -> Iterator[Violation]:
    """A mention listed more often under one type than it occurs."""
    for entity in _lost(case):
        if places := occurrences(case.sentence, entity.text):
            detail = f"{entity.text!r} is listed under {entity.label!r} more often than it occurs ({len(places)})"
            yield Violation("duplicate", entity, detail)


def _lost(case: Case) -> list[Entity]:
    return [entity for entity in case.entities if entity.start is None]


def degenerate(case: Case) -> Iterator[Violation]:
    """The trace is no reasoning about this sentence: empty, looping, a refusal, something else, or the prompt."""
    if case.cot is not None and (detail := degeneration(case.cot, case.sentence, case.schema, case.entities)):
        yield Violation("degenerate", None, detail)


def leaks_annotation(case: Case) -> Iterator[Violation]:
    """The trace speaks of an answer that it was given."""
    if case.cot is not None and (detail := leak(case.cot, case.sentence)):
        yield Violation("leaks_annotation", None, detail)


def not_justified(case: Case) -> Iterator[Violation]:
    """The trace does not argue that the mention is of its type."""
    if case.problem is None and not (case.cot and case.cot.strip()):
        for entity in case.entities:
            yield Violation("not_justified", entity, "there is no trace")
        if not case.entities:
            yield Violation("not_justified", None, "there is no trace")
    yield from _argued("not_justified", case)


def contradicted(case: Case) -> Iterator[Violation]:
    """The last word of the trace is another type, or that it is no mention."""
    return _argued("contradicted", case)


def missing_from_answer(case: Case) -> Iterator[Violation]:
    """The last word of the trace is that something is a mention, and the answer lacks it."""
    return _argued("missing_from_answer", case)


_RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        malformed,
        too_long,
        type_not_in_schema,
        not_in_sentence,
        duplicate,
        degenerate,
        leaks_annotation,
        not_justified,
        contradicted,
        missing_from_answer,
    )
}
if tuple(_RULES) != RULES:
    raise AssertionError("rules.py and records.RULES name different rules: mend one of them")

_ARGUED = frozenset((not_justified, contradicted, missing_from_answer))
_ABOUT_TRACES = _ARGUED | {degenerate, leaks_annotation}


def _read(record: Record) -> tuple[Case, int]:
    """The case of a record, and how many labels were brought to the schema's spelling."""
    sentence, schema = record.sentence, record.schema
    if record.answer is not None:
        parsed = parse_answer(record.answer.completion, record.answer.reasoning)
        labels = {label: match_label(label, schema) or label for label, _ in parsed.mentions}
        listed = [(labels[label], mention) for label, mention in parsed.mentions]
        relabelled = sum(labels[label] != label for label, _ in parsed.mentions)
        return Case(
            sentence, schema, parsed.cot, tuple(ground(sentence, listed, parsed.cot)), parsed.problem
        ), relabelled
    if record.entities is None:
        return Case(sentence, schema, record.cot, (), "the record has neither an answer nor entities"), 0
    labels = {entity.label: match_label(entity.label, schema) or entity.label for entity in record.entities}
    known = [replace(entity, label=labels[entity.label]) for entity in record.entities]
    relabelled = sum(labels[entity.label] != entity.label for entity in record.entities)
    return Case(sentence, schema, record.cot, tuple(ground_entities(sentence, known, record.cot))), relabelled


def _argue(case: Case) -> Case:
    """The case with what its trace argues, and the evidence in its entities."""
    justification = justify(case.sentence, case.schema, case.cot or "", case.entities)
    entities = tuple(
        entity if span is None else replace(entity, cot_start=span[0], cot_end=span[1])
        for entity, span in zip(justification.entities, justification.evidence, strict=True)
    )
    return replace(case, entities=entities, justification=justification)


def _argued(rule: str, case: Case) -> Iterator[Violation]:
    if case.justification is not None:
        yield from (finding for finding in case.justification.findings if finding.rule == rule)
