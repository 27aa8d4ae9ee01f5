"""Which statement of a trace counts for each listed mention, and what the answer lacks.

In: the listed entities, the schema, the statements.  Out: evidence and findings.  The last stance counts: a type
that is taken, then refused, is refused; one that is taken after a doubt is taken.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from nercot.corpus.records import Entity, Violation
from nercot.justification.cues import Polarity
from nercot.justification.events import EVERY, Event, Statements
from nercot.justification.lexicon import is_common, label_words
from nercot.justification.mentions import Reference, Surface
from nercot.justification.places import ANY
from nercot.justification.trace import Span, Trace, word_set
from nercot.validation.grounding import occurrences


class Stance(Enum):
    """The last word of a trace on one mention and one type."""

    SILENT = 0
    OPEN = 1
    TAKEN = 2
    REFUSED = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Listing:
    """How the answer lists one string: under which types, and whether the sentence has more places of it."""

    labels: frozenset[int]
    spare: bool


def stance(events: Sequence[Event], label: int, listing: Listing) -> tuple[Stance, Event | None]:
    """The last word on a mention as `label`, and the event that says it."""
    several = len(listing.labels) > 1
    before: tuple[Stance, Event | None] = (Stance.SILENT, None)
    state, decisive = before
    for event in events:
        if state is Stance.OTHER and decisive is not None and _takes_back(event, decisive):
            state, decisive = before
            continue
        firmly = decisive is not None and decisive.firm
        after = _after(event, state, label, listing, several, firmly)
        if after is not None:
            before = (state, decisive) if state is not Stance.OTHER else before
            state, decisive = after, event
    return state, decisive


def _takes_back(event: Event, other: Event) -> bool:
    """Whether an event refuses the other type that was taken before."""
    return event.kind is Polarity.NO and event.label == other.label


def _after(event: Event, state: Stance, label: int, listing: Listing, several: bool, firmly: bool) -> Stance | None:
    """What an event makes of the state, which was reached `firmly` or not; None: nothing."""
    taken = state is Stance.TAKEN
    if event.faint:
        return None
    if event.kind is Polarity.OPEN and event.label == EVERY:
        return Stance.OPEN
    if event.kind is Polarity.OPEN:
        return Stance.OPEN if event.label == label and (state is Stance.SILENT or event.again) else None
    if event.kind is Polarity.YES:
        if event.label == label:
            if state is Stance.OPEN and not (event.named or event.direct):
                return None
            if state is Stance.REFUSED and event.double and not (event.firm or event.direct):
                return None  # it is said of several, of which this one was left out
            return (
                None
                if state in (Stance.REFUSED, Stance.OTHER) and not (event.firm or event.named) and not event.direct
                else Stance.TAKEN
            )
        if event.label == EVERY and state in (Stance.REFUSED, Stance.OPEN):
            return Stance.TAKEN
        if (
            several
            or not (event.firm and (event.direct or event.again))
            or event.label == EVERY
            or event.label in listing.labels
        ):
            return None
        return None if taken and (event.double or (listing.spare and not event.again)) else Stance.OTHER
    if event.label == label:
        if not event.firm:
            return None
        return None if taken and several and firmly and not event.again else Stance.REFUSED
    if event.label != EVERY or several:
        return None
    return None if taken and ((event.soft and firmly) or listing.spare) else Stance.REFUSED


def judge(
    sentence: str,
    trace: Trace,
    schema: Sequence[str],
    entities: Sequence[Entity],
    surfaces: Sequence[Surface],
    references: Sequence[Reference],
    statements: Statements,
) -> tuple[list[Entity], list[Span | None], list[Violation]]:
    """(the entities at the occurrences that the trace means, evidence of each, findings)."""
    ranks = {label: rank for rank, label in enumerate(schema)}
    numbers = {surface.text: number for number, surface in enumerate(surfaces)}
    spoken = {reference.mention: reference for reference in reversed(references)}
    entities = _place(entities, ranks, numbers, statements)
    listings = _listings(sentence, ranks, entities, statements, numbers)
    claims = _Claims(entities, ranks, numbers, statements)
    evidence: list[Span | None] = []
    findings: list[Violation] = []
    for entity in entities:
        span: Span | None = None
        if entity.label in ranks:
            number = numbers[entity.text]
            case = _Case(entity, ranks[entity.label], number, listings[entity.text], spoken.get(number))
            span, finding = _judge_one(trace, case, schema, statements)
            if finding is not None and finding.rule == "not_justified" and claims.covers(case):
                span, finding = claims.spent[case.label], None
            findings.extend([finding] if finding is not None else [])
        evidence.append(span)
    findings.extend(claims.short(schema))
    findings.extend(_missing(trace, schema, surfaces, references, listings, statements))
    return entities, evidence, findings


def _place(
    entities: Sequence[Entity], ranks: dict[str, int], numbers: dict[str, int], statements: Statements
) -> list[Entity]:
    """The entities, moved where the trace says that another occurrence than the one found first is meant."""
    placed = list(entities)
    used = {(entity.label, entity.start) for entity in entities}
    for index, entity in enumerate(entities):
        if entity.start is None or entity.end is None or entity.label not in ranks:
            continue
        points = _points(entity, ranks, numbers, statements)
        if points.get(entity.start, 0) >= 0:
            continue
        free = [start for start in points if points[start] > 0 and (entity.label, start) not in used]
        if free:
            start = max(free, key=lambda start: (points[start], -start))
            used.add((entity.label, start))
            placed[index] = replace(entity, start=start, end=start + entity.end - entity.start)
    return placed


def _points(entity: Entity, ranks: dict[str, int], numbers: dict[str, int], statements: Statements) -> dict[int, float]:
    """How much speaks for each occurrence."""
    label = ranks.get(entity.label)
    points: dict[int, float] = {}
    if entity.start is not None:
        points[entity.start] = 0.0
    for event in statements.events[numbers[entity.text]]:
        if event.place == ANY:
            continue
        own = event.label == label
        value = 0.0
        if event.kind is Polarity.YES and own:
            value = 2.0 if event.named else 1.0
        elif event.kind is Polarity.NO and (own or event.label == EVERY):
            value = -2.0
        elif event.kind is Polarity.YES and event.named and event.label != EVERY:
            value = -1.0
        points[event.place] = points.get(event.place, 0.0) + value
    return points


class _Claims:
    """What the trace says of types without naming the mention in the answer's words: it is resolved by the answer.

    "Marie Curie = person", "three names, so PER": where none of the mentions that are listed under a type is named,
    what the trace says of the type is said of them, one for each such statement.
    `spent`: the statement that covered a mention last.
    """

    def __init__(
        self, entities: Sequence[Entity], ranks: dict[str, int], numbers: dict[str, int], statements: Statements
    ) -> None:
        self._statements = statements
        self.spent: dict[int, Span] = {}
        own: dict[int, set[int]] = {}
        for entity in entities:
            if entity.label in ranks:
                own.setdefault(ranks[entity.label], set()).add(numbers[entity.text])
        self._listed = Counter(ranks[entity.label] for entity in entities if entity.label in ranks)
        self._open: dict[int, list[tuple[Span, bool]]] = {}
        for slot in statements.slots:
            listed = own.get(slot.label, set())
            if not any(statements.lines[mention] or _argued(statements, mention, slot.label) for mention in listed):
                self._open.setdefault(slot.label, []).append(((slot.start, slot.end), slot.many))

    def covers(self, case: _Case) -> bool:
        """Whether a statement is left that may be about a mention of which the trace does not speak by name."""
        if case.label in self._statements.blanket:
            self.spent[case.label] = self._statements.blanket[case.label]
            return True
        if not self._open.get(case.label):
            return False
        slots = self._open[case.label]
        index = next((number for number, (_, many) in enumerate(slots) if many), 0)
        span, many = slots[index]
        self.spent[case.label] = span
        if not many:
            slots.pop(index)
        return True

    def short(self, schema: Sequence[str]) -> Iterator[Violation]:
        """Types of which the answer has fewer mentions than the trace counts."""
        for label, number, start, _ in self._statements.counts:
            refused = any(
                event.start > start and event.kind is Polarity.NO and event.label in (label, EVERY)
                for events in self._statements.events
                for event in events
            )
            if self._listed[label] < number and not refused:
                detail = f"the trace counts {number} of {schema[label]!r}, the answer has {self._listed[label]}"
                yield Violation("missing_from_answer", None, detail)


def _argued(statements: Statements, mention: int, label: int) -> bool:
    return any(event.kind is Polarity.YES and event.label == label for event in statements.events[mention])


def _listings(
    sentence: str, ranks: dict[str, int], entities: Sequence[Entity], statements: Statements, numbers: dict[str, int]
) -> dict[str, Listing]:
    counts = Counter(entity.text for entity in entities)
    listings = {}
    for text, count in counts.items():
        labels = frozenset(ranks[e.label] for e in entities if e.text == text and e.label in ranks)
        spare = sentence.count(text) > count and len(occurrences(sentence, text)) > count
        unknown = any(e.text == text and e.label not in ranks for e in entities)
        listings[text] = Listing(labels | ({EVERY} if unknown else frozenset()), spare)
    return listings


@dataclass(frozen=True, slots=True)
class _Case:
    """One listed entity and what the trace has on it."""

    entity: Entity
    label: int
    number: int
    listing: Listing
    spoken: Reference | None


def _decided(trace: Trace, event: Event, label: int, statements: Statements) -> int | None:
    """Where a type that was weighed is named again without a doubt: on the same line, or of no other mention."""
    line = trace.low.find("\n", event.end)
    for place, one, grouped in statements.decisions:
        elsewhere = not grouped and event.label != EVERY
        if one == label and place >= event.end and (place < line or line < 0 or elsewhere):
            return place
    return None


def _of_place(events: Sequence[Event], case: _Case) -> Sequence[Event]:
    """The events that are about the occurrence that is listed; all, where none is."""
    if all(event.place == ANY for event in events):
        return events
    own = [event for event in events if event.place in (ANY, case.entity.start)]
    said = any(event.kind is Polarity.YES and event.label == case.label for event in own)
    return own if said or case.listing.spare or len(case.listing.labels) > 1 else events


def _judge_one(
    trace: Trace, case: _Case, schema: Sequence[str], statements: Statements
) -> tuple[Span | None, Violation | None]:
    text, label = repr(case.entity.text), repr(case.entity.label)
    events = _of_place(statements.events[case.number], case)
    state, event = stance(events, case.label, case.listing)
    emptied = statements.empty.get(case.label, -1)
    if state is Stance.TAKEN and event is not None:
        if emptied <= event.end:
            return (event.start, event.end), None
        return None, Violation("contradicted", case.entity, f"the trace ends with no {label} at all")
    if state is Stance.REFUSED:
        return None, Violation("contradicted", case.entity, f"the trace refuses {text} as {label}")
    if state is Stance.OTHER and event is not None:
        return None, Violation("contradicted", case.entity, f"the trace makes {text} {schema[event.label]!r}")
    if emptied > max((place for place, label_, _ in statements.decisions if label_ == case.label), default=-1):
        return None, Violation("contradicted", case.entity, f"the trace finds no {label} at all")
    if case.spoken is None:
        return None, Violation("not_justified", case.entity, f"the trace does not speak of {text}")
    if state is Stance.OPEN and event is not None:
        decided = _decided(trace, event, case.label, statements)
        if decided is not None:
            return (event.start, decided), None
        return None, Violation("not_justified", case.entity, f"the trace leaves open whether {text} is {label}")
    span = _support(trace, case, events, len(schema), statements)
    if span is not None:
        return span, None
    if any(event.kind is Polarity.NO and event.label == case.label for event in events):
        return None, Violation("contradicted", case.entity, f"the trace refuses {text} as {label}")
    return None, Violation("not_justified", case.entity, f"the trace does not say that {text} is {label}")


def _abbreviated(trace: Trace, label: str, spoken: Reference | None) -> Span | None:
    """Where the rest of the line has the label cut short: "algo", "pol."."""
    if spoken is None:
        return None
    stop = trace.low.find("\n", spoken.end)
    line = trace.low[spoken.end : stop if stop >= 0 else len(trace.low)]
    first = label_words(label)[0]
    cut = re.search(rf"[:=→>,.] ?({re.escape(first[:3])}[a-z]*)\b(?=\W*(?:$|[.,;)]))", line) if len(first) > 4 else None
    if cut is None or not first.startswith(cut[1]):
        return None
    return spoken.start, spoken.end + cut.end()


def _support(trace: Trace, case: _Case, events: Sequence[Event], types: int, statements: Statements) -> Span | None:
    """What speaks for a mention without saying so: the only type there is, or its type named beside it."""
    if types == 1 and case.spoken is not None and not case.spoken.quoted:
        return case.spoken.start, case.spoken.end
    if any(event.kind is Polarity.NO and event.firm and event.label in (case.label, EVERY) for event in events):
        return None
    if case.label in statements.blanket:
        return statements.blanket[case.label]
    lead = statements.leads[case.number]
    if lead is not None and set(label_words(case.entity.label)) & set(case.entity.text.lower().split()):
        return lead
    for event in events:
        if event.faint and event.kind is Polarity.YES and event.label == case.label:
            return event.start, event.end
    rule = next((place for place, label, grouped in statements.decisions if label == case.label and not grouped), None)
    if rule is not None and case.spoken is not None and statements.lines[case.number]:
        return case.spoken.start, case.spoken.end
    short = _abbreviated(trace, case.entity.label, case.spoken)
    if short is not None:
        return short
    for line in sorted(statements.lines[case.number]):
        if (line, case.label) in statements.named:
            return statements.named[line, case.label]
    return None


def _doubted(trace: Trace, references: Sequence[Reference], number: int, event: Event) -> bool:
    """Whether what follows, until the trace speaks of another mention, may take the event back."""
    after = (one.start for one in references if one.start >= event.end and one.mention != number)
    return trace.doubts(event.end, next(after, len(trace.low)))


_TAKES_BACK = re.compile(
    r"\b(?:skip\w*|leave|left|leaving|drop\w*|ignore\w*|exclude\w*|omit\w*|without|aside|reject\w*|scrap|inside|within|part of|n't|not|no (?:need|entry|mention))\b"
)


def _refused_loosely(trace: Trace, statements: Statements, event: Event) -> bool:
    """Whether the rest of the line refuses something in other words: "I leave the two build args out"."""
    index = bisect_left(statements.loose, event.end)
    if index == len(statements.loose):
        return False
    return trace.low.find("\n", event.end, statements.loose[index]) < 0


def _refused_later(trace: Trace, references: Sequence[Reference], number: int, event: Event) -> bool:
    """Whether the rest of the line, until the trace speaks of another mention, has a word that takes the event back."""
    after = (one.start for one in references if one.start >= event.end and one.mention != number)
    stop = next(after, len(trace.low))
    line = trace.low.find("\n", event.end, stop)
    return _TAKES_BACK.search(trace.low, event.end, line if line >= 0 else stop) is not None


# Types whose mentions are bare numbers.
_COUNTED = word_set(
    "year date number quantity age time price money cardinal ordinal percent percentage rating score count version "
    "amount size duration period code average ratings"
)
# What a trace asks for, in words that may stand in the sentence too.
_ROLES = word_set(
    "cause effect subject object verb result action place time people names name topic theme context setting list items "
    "rest others candidates source target agent patient"
)
_UNLISTED = Listing(frozenset(), False)


def _missing(
    trace: Trace,
    schema: Sequence[str],
    surfaces: Sequence[Surface],
    references: Sequence[Reference],
    listings: dict[str, Listing],
    statements: Statements,
) -> Iterator[Violation]:
    """What the trace takes for good and the answer lacks."""
    counted = frozenset(rank for rank, label in enumerate(schema) if _COUNTED & set(label_words(label)))
    for number, surface in enumerate(surfaces):
        listing = listings.get(surface.text, _UNLISTED)
        if not surface.listed and not _stands_out(trace, references, number, surface.text):
            continue
        shared = None if surface.listed else _shared(trace, number, surfaces, references, listings, statements)
        if shared is not None:
            detail = f"the trace takes {surface.text!r} as {schema[shared]!r}, with others that are listed"
            yield Violation("missing_from_answer", Entity(surface.text, schema[shared]), detail)
            continue
        if EVERY in listing.labels or not any(event.firm for event in statements.events[number]):
            continue
        word = surface.text.lower()
        plainly = " " not in word and surface.text == word and is_common(word)
        for label, name in enumerate(schema):
            if surface.text.isdigit() and label not in counted:
                continue
            if any(own.startswith(word) for own in label_words(name)):
                continue
            if word in _ROLES and not any(e.beside and e.label == label for e in statements.events[number]):
                continue
            if plainly and not any(e.beside and e.label == label for e in statements.events[number]):
                continue
            if label not in listing.labels and _taken_for_good(
                trace, references, statements, surface.text, number, label, listing
            ):
                detail = f"the trace takes {surface.text!r} as {name!r}"
                yield Violation("missing_from_answer", Entity(surface.text, name), detail)


_BREATH = re.compile(r"[\s\"')]*(?:\w+[\s\"')]*)?(?:,|;|\band\b)[\s\"'(]*(?:and[\s\"'(]+)?")
_NEXT = re.compile(r"[\s\"')]*(?:\w+[\s\"')]*)?(?:[,;.\n]|$|\band\b)")


def _shared(
    trace: Trace,
    number: int,
    surfaces: Sequence[Surface],
    references: Sequence[Reference],
    listings: dict[str, Listing],
    statements: Statements,
) -> int | None:
    """The type that a name gets in one breath with a mention that is listed under it, if nothing else is said of it."""
    events = [event for event in statements.events[number] if not event.faint]
    labels = {event.label for event in events if event.kind is Polarity.YES and event.named}
    if surfaces[number].text.islower() or len(labels) != 1 or any(event.label not in labels for event in events):
        return None
    if any(event.kind is not Polarity.YES for event in events):
        return None
    (label,) = labels
    for one, other in itertools.pairwise(references):
        ends = {one.mention, other.mention}
        if number not in ends or len(ends) < 2 or one.quoted or other.quoted or one.part or other.part:
            continue
        beside = surfaces[(ends - {number}).pop()]
        listed = beside.listed and label in listings[beside.text].labels
        covered = any(event.start <= one.start and other.end <= event.end for event in events)
        in_a_row = _BREATH.fullmatch(trace.low, one.end, other.start) and _NEXT.match(trace.low, other.end)
        if listed and covered and in_a_row:
            return label
    return None


_LINE_HEAD = re.compile(
    r"(?:[\W\d]*(?:(?:hmm|hm|so|ok|okay|now|then|next|first|finally|and|also|well|right|alright|oh|ah)\W+)?"
    r"(?:[\w ]{1,30}[:→] *[\W\d]*)?|.*[.!?;] [\"'(]*)"
)


def _stands_out(trace: Trace, references: Sequence[Reference], number: int, text: str) -> bool:
    """Whether the trace speaks of a string by itself, and not only within a longer quotation."""
    size = len(text)
    small = text[0].isupper() and is_common(text.lower())
    return any(
        one.mention == number
        and not one.quoted
        and (one.end - one.start >= size or not text[0].isupper())
        and not (small and trace.plain[one.start].islower())
        for one in references
    )


def _follows(trace: Trace, references: Sequence[Reference], at: int) -> bool:
    """Whether another mention comes before a place in the same sentence: a word there is what is said of that."""
    low = trace.low
    start = max(low.rfind(mark, max(0, at - 400), at) for mark in (". ", "? ", "! ", "; ", "\n"))
    index = bisect_left(references, (at,)) - 1
    return index >= 0 and references[index].start > max(start, at - 400) and '"' in low[references[index].end : at]


def _said_plainly(
    trace: Trace, references: Sequence[Reference], firm: Sequence[Event], text: str, number: int
) -> list[Event]:
    """Of a plain word: all that is said, where the trace makes it the head of a line, else what is said beside it."""
    low, size = trace.low, len(text)
    own = [one.start for one in references if one.mention == number and not _follows(trace, references, one.start)]
    for at in own:
        quoted = low[at - 1 : at] == '"' and low[at + size : at + size + 1] == '"'
        if quoted or _LINE_HEAD.fullmatch(low, max(low.rfind("\n", max(0, at - 200), at) + 1, at - 200), at):
            return list(firm)
    return [event for event in firm if _holds(event, own)]


def _holds(event: Event, places: Sequence[int]) -> bool:
    """Whether the words that an event stands for hold one of the places, which are in order."""
    index = bisect_left(places, event.start)
    return index < len(places) and places[index] < event.end


def _taken_for_good(
    trace: Trace,
    references: Sequence[Reference],
    statements: Statements,
    text: str,
    number: int,
    label: int,
    listing: Listing,
) -> bool:
    events = statements.events[number]
    firm = [e for e in events if e.firm and (e.direct or e.twice) and e.kind is Polarity.YES and e.label == label]
    if not listing.labels and text == text.lower():
        firm = _said_plainly(trace, references, firm, text, number)
    if not firm:
        return False
    doubts = [e for e in events if e.kind is not Polarity.YES and e.label in (label, EVERY)]
    if not listing.labels and not text.islower():
        if any(e.end > firm[-1].end for e in doubts):
            return False
        if _refused_later(trace, references, number, firm[-1]) or _refused_loosely(trace, statements, firm[-1]):
            return False
    else:
        if any(e.end > firm[0].end or (e.kind is Polarity.NO and not listing.labels) for e in doubts):
            return False
        if not listing.labels and all(_doubted(trace, references, number, e) for e in firm):
            return False
    state, event = stance(events, label, Listing(listing.labels | {label}, listing.spare))
    if state is not Stance.TAKEN or event is None or statements.empty.get(label, -1) > event.start:
        return False
    if not listing.labels:
        return True
    places = [one.start for one in references if one.mention == number]
    double = any(event.twice and _holds(event, places) for event in firm)
    return double or (listing.spare and not any(e.again for e in events))
