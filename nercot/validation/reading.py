"""What a reader says of a trace, against the answer: which entities are justified, and what is wrong.

In: the reply of a reader, who saw types, sentence and trace but no answer; then the record with its answer.
Out: a Reading, what of it cannot be found (so that it is asked again), and the comparison: entities with their
evidence, violations, counts.  Compared are mention and type, as multisets, never places: the reader is shown no
offsets.  Never repairs an answer or a reading, and never raises on any reply.

The drafts of the answer in a trace (JSON objects with the key `entities`) are cut out before it is read, so
that what is reported is what the reasoning says and not what the answer will be.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, Reading, Record, Taken, Violation, span_order
from nercot.validation.evidence import evidence, lower
from nercot.validation.folding import FoldedText, Span, fold_mention
from nercot.validation.grounding import occurrences
from nercot.validation.meant import MAX_HINTED, meant_place

CUT = "[...]"
_START = re.compile(r'\{\s*"')
_TAG = re.compile("</?think>")
_KEY = '"entities"'
# Tries to decode a JSON object, and items of a reading: it bounds the time of a text made to be slow.
_MOST_TRIES, _MOST_ITEMS = 64, 2000
# A longer passage is no quotation that settles anything; it is looked for word for word only.
_MOST_QUOTED = 1000
_SHOWN = 80

# --- the trace as a reader sees it ----------------------------------------------------------------


def cut_drafts(cot: str) -> str:
    """The trace with `[...]` in the place of every draft of the answer."""
    pieces, at = [], 0
    for start, end in drafts(cot):
        pieces += [cot[at:start], CUT]
        at = end
    return "".join([*pieces, cot[at:]])


def drafts(cot: str) -> list[Span]:
    """The JSON objects with the key `entities` in a trace, the outermost ones."""
    found: list[Span] = []
    at = tries = 0
    while _KEY in cot[at:] and tries < _MOST_TRIES and (match := _START.search(cot, at)):
        tries += 1
        at = match.start() + 1
        try:
            _, end = json.JSONDecoder().raw_decode(cot, match.start())
        except (ValueError, RecursionError):
            continue
        if _KEY in cot[match.start() : end]:
            found.append((match.start(), end))
            at = end
    return found


# --- a reply as a reading -------------------------------------------------------------------------


def parse_reading(text: str) -> Reading | None:
    """A reader's report, None where there is no JSON object of its shape, or two that differ.

    Takes the object also in a fence, after a trace, or amid other text; never one inside the thinking.
    """
    found = {reading for reading in map(_reading, _objects(text)) if reading is not None}
    return found.pop() if len(found) == 1 else None


def _objects(text: str) -> list[Mapping[str, Any]]:
    """The outermost JSON objects of a text, outside of its thinking; tags within their strings are only text."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    found: list[Mapping[str, Any]] = []
    at = end = tries = 0
    thinking = False
    while tries < _MOST_TRIES and (match := _START.search(text, at)):
        tries += 1
        at = match.start() + 1
        try:
            value, stop = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        for tag in _TAG.findall(text, end, match.start()):
            thinking = tag == "<think>"
            found.clear()
        at = end = stop
        if not thinking:
            found.append(value)
    if "</think>" in text[end:]:
        found.clear()
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; keys said twice are left out, since either could be meant."""
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}


def _reading(found: Mapping[str, Any]) -> Reading | None:
    taken, refused = found.get("taken"), found.get("refused")
    given, sound = found.get("given"), found.get("sound")
    if not (isinstance(taken, list) and isinstance(refused, list) and isinstance(given, bool)):
        return None
    if not isinstance(sound, bool) or len(taken) + len(refused) > _MOST_ITEMS:
        return None
    items = [_taken(item) for item in taken]
    if None in items or not all(isinstance(text, str) for text in refused):
        return None
    known = tuple(item for item in items if item is not None)
    return Reading(known, tuple(map(_storable, refused)), given, sound)


def _taken(item: object) -> Taken | None:
    said = [item.get(name) for name in ("mention", "type", "because")] if isinstance(item, dict) else []
    texts = [_storable(text) for text in said if isinstance(text, str)]
    return Taken(*texts) if len(texts) == 3 else None


def _storable(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can escape and no file can hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# --- what of a reading cannot be found ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotFound:
    """What a reading names and the request does not have: it is told to the reader, who is asked again."""

    mentions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.mentions or self.types or self.quotes)


def not_found(record: Record, reading: Reading) -> NotFound:
    """Mentions that are not in the sentence, types that are not listed, passages that are not in the trace."""
    if not reading.sound:
        return NotFound()
    trace = _Trace(record.cot or "")
    types = {fold_label(label) for label in record.schema}
    named = dict.fromkeys(item.mention for item in reading.taken)
    mentions = [mention for mention in named if not occurrences(record.sentence, mention)]
    strange = [item.type for item in reading.taken if fold_label(item.type) not in types]
    quotes = [item.because for item in reading.taken if trace.find(item.because) is None]
    return NotFound(*(tuple(dict.fromkeys(texts)) for texts in (mentions, strange, quotes)))


class _Trace:
    """A trace, and where passages of it stand: outside its drafts first, word for word, then in another spelling."""

    def __init__(self, cot: str) -> None:
        self.cot = cot
        self._drafts = drafts(cot)
        self._found: dict[str, Span | None] = {}
        self._folded: FoldedText | None = None

    def find(self, passage: str) -> Span | None:
        """Offsets into the uncut trace, None where the passage is not there."""
        if passage not in self._found:
            self._found[passage] = self._find(passage) if passage.strip() else None
        return self._found[passage]

    def _find(self, passage: str) -> Span | None:
        first = start = self.cot.find(passage)
        while start >= 0 and any(begin <= start < end for begin, end in self._drafts):
            start = self.cot.find(passage, start + 1)
        start = start if start >= 0 else first
        if start >= 0:
            return start, start + len(passage)
        if len(passage) > _MOST_QUOTED:
            return None
        self._folded = self._folded or FoldedText(self.cot)
        return self._folded.find(passage)


# --- the comparison -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """What a reading says of an answer.

    `entities`: those of the answer by offset, with their evidence in the trace and at the occurrences that it
    means.  `boundary`: pairs of one type whose spans only overlap.  `unquoted`: items whose passage is not in the
    trace.  `left_out`: items whose mention is not (or not so often) in the sentence, or whose type is not listed.
    """

    entities: tuple[Entity, ...]
    violations: tuple[Violation, ...] = ()
    boundary: int = 0
    unquoted: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """A taken mention that is in the sentence, under a listed type."""

    said: Taken
    label: str
    text: str
    spans: tuple[Span, ...]


def compare(record: Record, reading: Reading, rules: Collection[str] | None = None) -> Compared:
    """What is wrong with the answer of a record (its `cot` and grounded `entities`), by the rules named (None: all)."""
    entities = record.entities or ()
    if not reading.sound and (rules is None or "degenerate" in rules):
        detail = "the reader finds no reasoning about this sentence"
        return Compared(_with_evidence(record, entities, {}), (Violation("degenerate", None, detail),))
    items = list(_items(record, reading))
    trace = _Trace(record.cot or "")
    pairs = _equal(entities, items)
    moved = _overlapping(entities, items, pairs)
    violations = [*_against(entities, items, {**pairs, **moved}, reading)]
    if reading.given:
        violations.append(Violation("leaks_annotation", None, "the trace leans on an answer that it was given"))
    placed = _placed(record, entities, items, pairs, trace)
    passages = {place: trace.find(items[item].said.because) for place, item in {**pairs, **moved}.items()}
    return Compared(
        entities=_with_evidence(record, placed, passages),
        violations=tuple(one for one in violations if rules is None or one.rule in rules),
        boundary=len(moved),
        unquoted=sum(trace.find(item.said.because) is None for item in items),
        left_out=len(reading.taken) - len(items),
    )


def moved_boundaries(record: Record, reading: Reading) -> dict[int, str]:
    """Number of an entity of the record -> the mention that the reader took instead, of its type but cut elsewhere."""
    entities, items = record.entities or (), list(_items(record, reading))
    moved = _overlapping(entities, items, _equal(entities, items))
    return {place: items[number].said.mention for place, number in sorted(moved.items())}


def _items(record: Record, reading: Reading) -> Iterator[_Item]:
    """What of a reading can be compared; of one name no more than the sentence has places."""
    labels = {fold_label(label) for label in record.schema}
    counts: Counter[tuple[str, str]] = Counter()
    known: dict[str, tuple[Span, ...]] = {}
    for said in reading.taken:
        label = fold_label(said.type)
        if said.mention not in known:
            known[said.mention] = tuple(occurrences(record.sentence, said.mention))
        spans = known[said.mention] if label in labels else ()
        if not spans:
            continue
        text = fold_mention(record.sentence[spans[0][0] : spans[0][1]])
        counts[label, text] += 1
        if counts[label, text] <= len(spans):
            yield _Item(said, label, text, spans)


def _equal(entities: Sequence[Entity], items: Sequence[_Item]) -> dict[int, int]:
    """Listed -> taken: pairs of one type and one text, each used once."""
    waiting: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        waiting[item.label, item.text].append(number)
    pairs = {}
    for place, entity in enumerate(entities):
        if numbers := waiting.get((fold_label(entity.label), fold_mention(entity.text))):
            pairs[place] = numbers.pop(0)
    return pairs


def _overlapping(entities: Sequence[Entity], items: Sequence[_Item], pairs: Mapping[int, int]) -> dict[int, int]:
    """Listed -> taken of what is left: pairs of one type whose spans overlap, the longest overlap first."""
    taken = set(pairs.values())
    rest = _Rest([number for number in range(len(items)) if number not in taken], items)
    choices = [
        (-shared, place, number)
        for place, entity in enumerate(entities)
        if place not in pairs
        for number, shared in rest.beside(entity)
        if items[number].label == fold_label(entity.label)
    ]
    found: dict[int, int] = {}
    used: set[int] = set()
    for _, place, number in sorted(choices):
        if place not in found and number not in used:
            found[place] = number
            used.add(number)
    return found


class _Rest:
    """Taken mentions that no listed one equals, found by their places."""

    def __init__(self, numbers: Sequence[int], items: Sequence[_Item]) -> None:
        self._same: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            self._same[items[number].text].append(number)
        firsts = [items[numbers[0]] for numbers in self._same.values()]
        self._spans = sorted((start, end, item.text) for item in firsts for start, end in item.spans)
        self._longest = max((end - start for start, end, _ in self._spans), default=0)

    def beside(self, entity: Entity) -> Iterator[tuple[int, int]]:
        """Those with an occurrence that overlaps the entity, in order, and how many characters they share at most."""
        if entity.start is None or entity.end is None:
            return
        shared: dict[str, int] = {}
        for at in range(bisect_left(self._spans, (entity.start - self._longest,)), len(self._spans)):
            start, end, text = self._spans[at]
            if start >= entity.end:
                break
            if end > entity.start:
                shared[text] = max(shared.get(text, 0), min(entity.end, end) - max(entity.start, start))
        yield from sorted((number, shared[text]) for text in shared for number in self._same[text])


def _against(
    entities: Sequence[Entity], items: Sequence[_Item], pairs: Mapping[int, int], reading: Reading
) -> Iterator[Violation]:
    """What the reading says against the answer: listed mentions that are not taken, and taken ones not listed."""
    used = set(pairs.values())
    rest = _Rest([number for number in range(len(items)) if number not in used], items)
    spoken = {item.text.casefold() for item in items}
    refused = {fold_mention(text).casefold() for text in reading.refused} - spoken
    answered: set[int] = set()
    for place, entity in enumerate(entities):
        if place in pairs:
            continue
        others = [number for number, _ in rest.beside(entity)]
        answered.update(others)
        name = _show(entity.text)
        if others:
            detail = f"the trace takes {name} as {_show(items[others[0]].said.type)}, not as {_show(entity.label)}"
            yield Violation("contradicted", entity, detail)
        elif fold_mention(entity.text).casefold() in refused:
            yield Violation("contradicted", entity, f"the trace considers {name} and does not take it")
        else:
            yield Violation("not_justified", entity, f"the trace does not argue that {name} is {_show(entity.label)}")
    for number, item in enumerate(items):
        if number not in used and number not in answered:
            start, end = item.spans[0]
            missing = Entity(item.said.mention, item.said.type, start, end)
            detail = f"the trace takes {_show(item.said.mention)} as {_show(item.said.type)}, the answer lacks it"
            yield Violation("missing_from_answer", missing, detail)


def _show(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


# --- places and evidence --------------------------------------------------------------------------


def _placed(
    record: Record, entities: Sequence[Entity], items: Sequence[_Item], pairs: Mapping[int, int], trace: _Trace
) -> list[Entity]:
    """The entities at the occurrences whose neighbouring words the reader's passages quote."""
    placed = list(entities)
    groups: dict[str, list[int]] = defaultdict(list)
    for place, entity in enumerate(entities):
        if entity.start is not None:
            groups[fold_mention(entity.text)].append(place)
    for places in groups.values():
        spans = occurrences(record.sentence, entities[places[0]].text)
        if not 1 < len(spans) <= MAX_HINTED:
            continue
        known: dict[int, Span] = {}
        for place in (place for place in places if place in pairs):
            if (span := _quoted(record.sentence, items[pairs[place]], spans)) is not None:
                known[place] = span
        for place in (place for place in places if place in pairs and place not in known):
            span = _of_line(record.sentence, items[pairs[place]], spans, trace)
            if span is not None and span not in known.values():
                known[place] = span
        if known:
            _move(record.sentence, placed, places, known, spans)
    return placed


def _quoted(sentence: str, item: _Item, spans: Sequence[Span]) -> Span | None:
    """The occurrence that the reader's passage means."""
    return meant_place(sentence, item.said.mention, item.said.because, spans)


def _of_line(sentence: str, item: _Item, spans: Sequence[Span], trace: _Trace) -> Span | None:
    """The occurrence that the line means in which the passage stands, up to the end of the passage."""
    found = trace.find(item.said.because)
    if found is None:
        return None
    begin = trace.cot.rfind("\n", 0, found[0]) + 1
    return meant_place(sentence, item.said.mention, trace.cot[begin : found[1]], spans)


def _move(
    sentence: str, placed: list[Entity], places: Sequence[int], known: Mapping[int, Span], spans: Sequence[Span]
) -> None:
    """Gives each known place to its entity, and to the others of that text what is left."""
    taken: set[tuple[str, Span]] = set()
    used: set[Span] = set()

    def put(place: int, span: Span) -> None:
        entity = placed[place]
        taken.add((entity.label, span))
        used.add(span)
        if (entity.start, entity.end) != span:
            text = sentence[span[0] : span[1]]
            match = entity.match if text == entity.text else "normalised"
            placed[place] = replace(entity, text=text, start=span[0], end=span[1], match=match)

    late = [place for place in places if place not in known]
    for place, span in known.items():
        if (placed[place].label, span) in taken:
            late.append(place)
        else:
            put(place, span)
    for place in late:
        own = (placed[place].start or 0, placed[place].end or 0)
        free = [span for span in (own, *spans) if (placed[place].label, span) not in taken]
        put(place, min(free, key=lambda span: (span in used, span != own), default=own))


def _with_evidence(
    record: Record, entities: Sequence[Entity], passages: Mapping[int, Span | None]
) -> tuple[Entity, ...]:
    """The entities in order, with the passages that were found, else with what stands nearest."""
    near = evidence(lower(record.cot or ""), [(entity.label, entity.text) for entity in entities])
    spans = [passages.get(place) or near[place] for place in range(len(entities))]
    shown = [
        replace(entity, cot_start=span[0] if span else None, cot_end=span[1] if span else None)
        for entity, span in zip(entities, spans, strict=True)
    ]
    return tuple(sorted(shown, key=lambda entity: span_order(entity, record.schema)))
