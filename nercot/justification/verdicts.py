"""Which statement of a trace counts for each listed mention, and what the answer lacks.

In: the listed entities, the schema, the statements.  Out: evidence and findings.  The last stance counts: a type
that is taken, then refused, is refused; one that is taken after a doubt is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from nercot.justification.cues import Polarity
from nercot.justification.mentions import Reference, Surface
from nercot.justification.statements import EVERY, Event, Statements
from nercot.justification.trace import Span
from nercot.records import Entity, Violation


class Stance(Enum):
    """The last word of a trace on one mention and one type."""

    SILENT = 0
    OPEN = 1
    TAKEN = 2
    REFUSED = 3
    OTHER = 4


def stance(events: Sequence[Event], label: int, allowed: frozenset[int]) -> tuple[Stance, Event | None]:
    """The last word on a mention as `label`; `allowed`: the types that the answer gives it as well."""
    state, decisive = Stance.SILENT, None
    for event in events:
        if event.kind is Polarity.YES and event.label == label:
            state, decisive = Stance.TAKEN, event
        elif event.kind is Polarity.OPEN and event.label == label and state is Stance.SILENT:
            state, decisive = Stance.OPEN, event
        elif event.kind is Polarity.YES and event.firm and event.label not in allowed and event.label != EVERY:
            if not (event.double and state is Stance.TAKEN):
                state, decisive = Stance.OTHER, event
        elif event.kind is Polarity.NO and event.label in (label, EVERY):
            if (event.soft and event.label == EVERY and state is Stance.TAKEN) or (not event.firm and state is Stance.TAKEN):
                continue
            state, decisive = Stance.REFUSED, event
    return state, decisive


def judge(
    schema: Sequence[str], entities: Sequence[Entity], surfaces: Sequence[Surface],
    references: Sequence[Reference], statements: Statements,
) -> tuple[list[Span | None], list[Violation]]:
    """(evidence of each entity, findings)."""
    numbers = {surface.text: number for number, surface in enumerate(surfaces)}
    evidence: list[Span | None] = []
    findings: list[Violation] = []
    for entity in entities:
        label = schema.index(entity.label) if entity.label in schema else None
        if label is None:
            evidence.append(None)
            continue
        span, finding = _judge_one(entity, label, schema, entities, numbers[entity.text], references, statements)
        evidence.append(span)
        if finding is not None:
            findings.append(finding)
    findings.extend(_missing(schema, entities, surfaces, statements))
    return evidence, findings


def _judge_one(
    entity: Entity, label: int, schema: Sequence[str], entities: Sequence[Entity], number: int,
    references: Sequence[Reference], statements: Statements,
) -> tuple[Span | None, Violation | None]:
    events = statements.events[number]
    allowed = frozenset(schema.index(e.label) for e in entities if e.text == entity.text and e.label in schema)
    state, event = stance(events, label, allowed)
    if len(allowed) > 1 and state is not Stance.TAKEN:
        taken = next((e for e in events if e.kind is Polarity.YES and e.label == label), None)
        state, event = (Stance.TAKEN, taken) if taken is not None else (state, event)
    spoken = [reference for reference in references if reference.mention == number]
    emptied = statements.empty.get(label, -1)
    if not spoken and emptied < 0:
        return None, Violation("not_justified", entity, f"the trace does not speak of {entity.text!r}")
    if state is Stance.TAKEN and event is not None:
        if emptied > event.end and event.label == label:
            return None, Violation("contradicted", entity, f"the trace ends with no {entity.label!r} at all")
        return (event.start, event.end), None
    if state is Stance.REFUSED:
        return None, Violation("contradicted", entity, f"the trace refuses {entity.text!r} as {entity.label!r}")
    if state is Stance.OTHER and event is not None:
        return None, Violation("contradicted", entity, f"the trace makes {entity.text!r} {schema[event.label]!r}")
    if emptied >= 0:
        return None, Violation("contradicted", entity, f"the trace finds no {entity.label!r} at all")
    if len(schema) == 1 and any(not reference.quoted for reference in spoken):
        return (spoken[0].start, spoken[0].end), None
    if state is Stance.SILENT:
        for line in sorted(statements.lines[number]):
            if (line, label) in statements.named:
                return statements.named[line, label], None
    if state is Stance.OPEN:
        return None, Violation("not_justified", entity, f"the trace leaves open whether {entity.text!r} is {entity.label!r}")
    return None, Violation("not_justified", entity, f"the trace does not say that {entity.text!r} is {entity.label!r}")


def _missing(
    schema: Sequence[str], entities: Sequence[Entity], surfaces: Sequence[Surface], statements: Statements
) -> Iterator[Violation]:
    """What the trace takes for good and the answer lacks."""
    for number, surface in enumerate(surfaces):
        listed = frozenset(schema.index(e.label) for e in entities if e.text == surface.text and e.label in schema)
        if any(e.text == surface.text and e.label not in schema for e in entities):
            continue
        for label in range(len(schema)):
            if label in listed or not _taken_for_good(statements, number, label, listed):
                continue
            entity = Entity(surface.text, schema[label])
            yield Violation("missing_from_answer", entity, f"the trace takes {surface.text!r} as {schema[label]!r}")


def _taken_for_good(statements: Statements, number: int, label: int, listed: frozenset[int]) -> bool:
    events = statements.events[number]
    state, event = stance(events, label, listed)
    if state is not Stance.TAKEN or event is None or not any(e.firm and e.kind is Polarity.YES and e.label == label for e in events):
        return False
    if statements.empty.get(label, -1) > event.start:
        return False
    return not listed or any(e.double and e.firm and e.kind is Polarity.YES and e.label == label for e in events)
