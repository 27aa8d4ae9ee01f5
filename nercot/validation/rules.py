"""The rules for shape, one ordered list: which answers can be a sample, and why the others cannot.

In: a record with its answer, or with its trace and entities.  Out: a Verdict, with offsets for every entity and
one Violation for everything that is wrong.  The rules know no language and ask no model; what a trace means is
read by a model, and reading.py compares what it says with the answer.  Never changes the meaning of an answer:
labels get the schema's spelling and mentions the sentence's, nothing is added, removed or repaired.

"A sample is retained only if its reasoning trace explicitly justifies every entity in E, and E is well
formatted and compliant with S" (the paper, section 3.1).  Where no reading is asked for, a mention of which the
trace never speaks is not justified, and no more can be said; with one (`read`) the reading alone decides that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import NamedTuple

from nercot.corpus.labels import fold_label
from nercot.corpus.records import READ_RULES, RULES, Entity, Record, Violation, placed
from nercot.validation.answers import carries, parse_answer
from nercot.validation.evidence import evidence, lower, unspoken
from nercot.validation.folding import Span
from nercot.validation.grounding import ground, ground_entities, occurrences, simply_placed, starts_of_simple, suggest
from nercot.validation.shape import degeneration

# The paper trains on at most 8,192 tokens; at four characters a token no longer trace fits.
MAX_TRACE = 4 * 8192
# A sentence of Pile-NER is a passage; more mentions than this are no longer an annotation of one.
MAX_MENTIONS = 1000
_SHOWN = 80
_FEW = 10
_START = attrgetter("start")


class Verdict(NamedTuple):
    """What the rules say of one record.

    `entities`: None where the answer cannot be read; else by offset, with the schema's labels and, for the
    grounded ones, the sentence's own text and (where no reading follows) the passage of the trace that stands
    as evidence.  `relabelled`: labels brought to the schema's spelling.
    """

    valid: bool
    cot: str | None
    entities: tuple[Entity, ...] | None
    violations: tuple[Violation, ...] = ()
    relabelled: int = 0


class Case(NamedTuple):
    """What a rule looks at: the record's question, and its answer as far as it can be read.

    `strange`: labels that are no type of the schema.  `lost`: entities without a place of their own.
    `low`: the trace in lower case where nobody reads it and every entity has its evidence, else None.
    """

    sentence: str
    schema: tuple[str, ...]
    cot: str | None
    entities: Sequence[Entity] = ()
    problem: str | None = None
    strange: frozenset[str] = frozenset()
    lost: Sequence[Entity] = ()
    relabelled: int = 0
    low: str | None = None


Rule = Callable[[Case], Iterable[Violation]]


def validate(
    record: Record, rules: Collection[str] | None = None, trace: str = "required", read: bool = False
) -> Verdict:
    """Judges a record by the rules named (None: all that need no reading).

    `trace`: "required" reports a missing trace as not_justified; "optional" skips what speaks of traces then.
    `read`: a reading follows, which decides what is justified and gives the evidence.
    """
    chosen = _ALL if rules is None else _chosen(tuple(rules))
    case = _read(record, chosen.about_traces and not read)
    active = chosen.rules if case.strange or case.lost else chosen.of_clean_lists
    if case.cot is None and trace == "optional":
        active = tuple(rule for rule in active if rule not in _ABOUT_TRACES)
    violations = tuple([violation for rule in active for violation in rule(case)])
    if case.problem is not None:
        return Verdict(not violations, case.cot, None, violations)
    return Verdict(not violations, case.cot, _in_order(case), violations, case.relabelled)


def malformed(case: Case) -> Sequence[Violation]:
    """The answer cannot be read, or its trace cannot be written back."""
    if case.problem is not None:
        return (Violation("malformed", None, case.problem),)
    return () if carries(case.cot) else (Violation("malformed", None, "the trace contains a think tag"),)


def too_long(case: Case) -> Sequence[Violation]:
    """No model of the paper's could be trained on it."""
    trace, mentions = len(case.cot or ""), len(case.entities)
    if trace <= MAX_TRACE and mentions <= MAX_MENTIONS:
        return ()
    seen = []
    if trace > MAX_TRACE:
        seen.append(f"the trace has {trace} characters, the limit is {MAX_TRACE}")
    if mentions > MAX_MENTIONS:
        seen.append(f"{mentions} mentions are listed, the limit is {MAX_MENTIONS}")
    return [Violation("too_long", None, detail) for detail in seen]


def type_not_in_schema(case: Case) -> Sequence[Violation]:
    """A label that was not offered, or that two of the offered ones could be."""
    return [
        Violation("type_not_in_schema", entity, f"{_show(entity.label)} is not one type of the schema")
        for entity in case.entities
        if entity.label in case.strange
    ]


def not_in_sentence(case: Case) -> Iterator[Violation]:
    """A mention that does not stand in the sentence in one piece."""
    for entity in case.lost:
        if not occurrences(case.sentence, entity.text):
            near = suggest(case.sentence, entity.text)
            detail = f"{_show(entity.text)} is not in the sentence"
            yield Violation("not_in_sentence", entity, detail + (f"; nearest: {_show(near)}" if near else ""))


def duplicate(case: Case) -> Iterator[Violation]:
    """A mention listed more often under one type than it occurs."""
    for entity in case.lost:
        if places := occurrences(case.sentence, entity.text):
            listed = f"{_show(entity.text)} is listed under {_show(entity.label)}"
            yield Violation("duplicate", entity, f"{listed} more often than it occurs ({len(places)})")


def degenerate(case: Case) -> Iterator[Violation]:
    """The trace is no reasoning: it loops, or repeats the sentence, or has no words."""
    if case.cot is None:
        return
    mentions = [entity.text for entity in case.entities[:MAX_MENTIONS]]
    if detail := degeneration(case.cot[:MAX_TRACE], case.sentence, case.schema, mentions):
        yield Violation("degenerate", None, detail)


def not_justified(case: Case) -> Iterator[Violation]:
    """There is no trace; or, where nobody reads it, it never speaks of a mention."""
    if case.problem is not None:
        return
    if case.cot is None or not case.cot.strip():
        for entity in case.entities or (None,):
            yield Violation("not_justified", entity, "there is no trace")
    elif case.low is not None:
        for entity in unspoken(case.low, case.sentence, case.entities):
            yield Violation("not_justified", entity, f"the trace does not speak of {_show(entity.text)}")


_RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (malformed, too_long, type_not_in_schema, not_in_sentence, duplicate, degenerate, not_justified)
}
if (*_RULES, *READ_RULES) != RULES:
    raise AssertionError("rules.py and records.RULES name different rules: mend one of them")

_ABOUT_TRACES = frozenset((not_justified, degenerate))
# What they find has a label that is strange or a mention without a place.
_ABOUT_LISTS = frozenset((type_not_in_schema, not_in_sentence, duplicate))


class _Chosen(NamedTuple):
    """Some of the rules, in order; those of them that a list without fault can break."""

    rules: tuple[Rule, ...]
    of_clean_lists: tuple[Rule, ...]
    about_traces: bool


@lru_cache(maxsize=64)
def _chosen(names: tuple[str, ...]) -> _Chosen:
    """The rules of these names."""
    chosen = {name: rule for name, rule in _RULES.items() if name in names}
    others = tuple(rule for rule in chosen.values() if rule not in _ABOUT_LISTS)
    if "not_in_sentence" in chosen and "duplicate" not in chosen:
        # Every kept entity has a place: without the rule for it, a listing too many is not in the sentence.
        chosen["not_in_sentence"] = _without_place
    return _Chosen(tuple(chosen.values()), others, not _ABOUT_TRACES.isdisjoint(others))


_ALL = _chosen(tuple(_RULES))


def _without_place(case: Case) -> Iterator[Violation]:
    yield from not_in_sentence(case)
    for surplus in duplicate(case):
        yield Violation("not_in_sentence", surplus.entity, surplus.detail)


def _show(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def _read(record: Record, search: bool) -> Case:
    """The case of a record: its answer parsed, its labels spelled as the schema does, its mentions grounded.

    `search`: look for their evidence in the trace.
    """
    sentence, schema, answer = record.sentence, record.schema, record.answer
    if answer is None:
        return _of_entities(record, search)
    cot, listed, problem, labels = parse_answer(answer.completion, answer.reasoning)
    if problem is not None:
        return Case(sentence, schema, cot, (), problem)
    strange, relabelled = _NONE, 0
    if not _has_all(schema, labels):
        spelled, strange = _labels(schema, {label for label, _ in listed})
        relabelled = sum(label in spelled for label, _ in listed)
        listed = tuple([(spelled.get(label, label), mention) for label, mention in listed])
    if len(listed) > MAX_MENTIONS:  # of far too many none is looked for
        unplaced = [Entity(mention, label) for label, mention in listed]
        return Case(sentence, schema, cot, unplaced, None, strange, (), relabelled)
    starts = starts_of_simple(sentence, listed)
    if starts is None:
        return _case(record, cot, ground(sentence, listed, cot), strange, relabelled, search)
    low = lower(cot) if search and listed and cot and len(cot) <= MAX_TRACE else None
    entities = simply_placed(listed, starts, evidence(low, listed) if low else repeat(None))
    return Case(sentence, schema, cot, entities, None, strange, (), relabelled, low)


def _of_entities(record: Record, search: bool) -> Case:
    """The case of a record that brings its trace and its entities."""
    if record.entities is None:
        return Case(record.sentence, record.schema, record.cot, (), "the record has neither an answer nor entities")
    spelled, strange = _labels(record.schema, {entity.label for entity in record.entities})
    relabelled = sum(entity.label in spelled for entity in record.entities)
    known = [replace(entity, label=spelled.get(entity.label, entity.label)) for entity in record.entities]
    if len(known) > MAX_MENTIONS:
        return Case(record.sentence, record.schema, record.cot, known, None, strange, (), relabelled)
    grounded = ground_entities(record.sentence, known, record.cot)
    return _case(record, record.cot, grounded, strange, relabelled, search)


def _case(
    record: Record,
    cot: str | None,
    entities: Sequence[Entity],
    strange: frozenset[str],
    relabelled: int,
    search: bool,
) -> Case:
    """The case of entities some of which may have no place of their own."""
    lost = [entity for entity in entities if entity.start is None]
    low = lower(cot) if search and entities and cot and len(cot) <= MAX_TRACE else None
    if low:
        passages = evidence(low, [(entity.label, entity.text) for entity in entities])
        entities = [_shown(entity, passage) for entity, passage in zip(entities, passages, strict=True)]
    return Case(record.sentence, record.schema, cot, entities, None, strange, lost, relabelled, low)


def _shown(entity: Entity, passage: Span | None) -> Entity:
    """The entity with its evidence."""
    return placed(entity.text, entity.label, entity.start, entity.end, entity.match, passage) if passage else entity


_NONE: frozenset[str] = frozenset()


def _has_all(schema: tuple[str, ...], labels: Sequence[str]) -> bool:
    """Whether every label is one of the schema's own: to look through a few costs less than to make a set of them."""
    if len(labels) > _FEW:
        return frozenset(schema).issuperset(labels)
    return all(map(schema.__contains__, labels))


@lru_cache(maxsize=64)
def _by_fold(schema: tuple[str, ...]) -> dict[str, str | None]:
    """Folded label -> the one schema label that folds so, None where there are several."""
    found: dict[str, str | None] = {}
    for label in dict.fromkeys(schema):
        folded = fold_label(label)
        found[folded] = None if folded in found else label
    return found


def _labels(schema: tuple[str, ...], labels: set[str]) -> tuple[dict[str, str], frozenset[str]]:
    """The schema's spelling of those labels that it spells otherwise, and those that are no type of it."""
    if labels <= (known := frozenset(schema)):
        return {}, _NONE
    folded = {label: _by_fold(schema).get(fold_label(label)) for label in labels - known}
    spelled = {label: spelling for label, spelling in folded.items() if spelling is not None}
    return spelled, frozenset(folded.keys() - spelled.keys())


def _in_order(case: Case) -> tuple[Entity, ...]:
    """By offset, the longer first, then in schema order; those without a place last (records.span_order)."""
    entities = case.entities
    if len(entities) < 2:
        return tuple(entities)
    if not case.lost and len(entities) <= MAX_MENTIONS and len({entity.start for entity in entities}) == len(entities):
        return tuple(sorted(entities, key=_START))
    ranks = {label: rank for rank, label in reversed(list(enumerate(case.schema)))}

    def place(entity: Entity) -> tuple[int, int, int]:
        rank = ranks.get(entity.label, len(case.schema))
        if entity.start is None or entity.end is None:
            return (1 << 62, 0, rank)
        return (entity.start, -entity.end, rank)

    return tuple(sorted(entities, key=place))
