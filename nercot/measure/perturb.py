"""Valid records made wrong, one fault each, for calibration.

In: a record whose trace justifies its entities, and other records to take strange names and traces from.  Out: the
same record with a trace or entities that are wrong for certain, or None where this fault cannot be made of it.
The same seed gives the same fault.  Never looks at gold, and knows nothing of the rules that it is to test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, Record

Fault = Callable[[Record, Sequence[Record], Random], Record | None]

# Words that may stand before or after a name without changing what it names.
_LIGHT = frozenset(
    ("a", "an", "the", "this", "that", "his", "her", "its", "their", "our", "my", "your", "of", "and", "or", "in", "on")
) | {"at", "for", "to", "by", "from", "mr", "mrs", "ms", "dr"}
_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"[^.!?\n]*(?:[.!?]+(?=\s|$)|\n|$|[.!?])\s*")
_SHORT = 3  # letters; shorter words of a mention stand elsewhere too

_RETRACTIONS = (
    'Wait, "{mention}" is not a {label} after all, so I leave it out.',
    'On second thought I drop "{mention}": it does not name a {label} here.',
    'Hmm, no: "{mention}" does not count as a {label}, I will not list it.',
)
_ADDITIONS = (
    'There is also "{mention}", which is a {label}.',
    '"{mention}" is named as well, and it is a {label}.',
)


def perturb(record: Record, others: Sequence[Record], kind: str, seed: int) -> Record | None:
    """The record with the fault `kind` (a key of FAULTS), or None where it cannot have it."""
    return FAULTS[kind](record, others, Random(f"{seed} {kind} {record.guid}"))


def label_swapped(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """A mention is listed under a type of another sort than the one that the trace gives it."""
    choices = [(text, label, strange) for text, label in _listed(record) for strange in _strange_labels(record, text)]
    if not choices:
        return None
    text, label, strange = draw.choice(choices)
    return _with(record, [
        replace(entity, label=strange) if (entity.text, entity.label) == (text, label) else entity
        for entity in _entities(record)
    ])  # fmt: skip


def entity_removed(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """The answer lacks a mention that the trace argues for."""
    texts = sorted({entity.text for entity in _entities(record) if entity.cot_start is not None})
    if not texts:
        return None
    text = draw.choice(texts)
    return _with(record, [entity for entity in _entities(record) if entity.text != text])


def removed_from_trace(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """The trace does not speak of a listed mention: every sentence with a word of it is taken out."""
    texts = sorted({entity.text for entity in _entities(record)})
    draw.shuffle(texts)
    for text in texts:
        cot = _without(record.cot or "", text)
        if cot.strip():
            return replace(record, cot=cot)
    return None


def boundary_moved(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """A mention takes in a word of the sentence that is no part of it, or loses one that is."""
    entities = _entities(record)
    taken = {entity.text for entity in entities}
    choices = [
        (number, start, end)
        for number, entity in enumerate(entities)
        for start, end in _moved(record.sentence, entity)
        if record.sentence[start:end] not in taken
    ]
    if not choices:
        return None
    number, start, end = draw.choice(choices)
    moved = replace(entities[number], text=record.sentence[start:end], start=start, end=end)
    return _with(record, [*entities[:number], moved, *entities[number + 1 :]])


def trace_contradicting(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """The trace takes back at its end what the answer lists."""
    listed = _listed(record)
    if not listed:
        return None
    mention, label = draw.choice(listed)
    return replace(record, cot=f"{record.cot}\n{draw.choice(_RETRACTIONS).format(mention=mention, label=label)}")


def hallucinated_mention(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """Trace and answer have a mention that is not in the sentence."""
    words = set(_words(record.sentence))
    strange = sorted({
        entity.text for other in others for entity in _entities(other) if words.isdisjoint(_words(entity.text))
    })  # fmt: skip
    if not strange or not record.schema:
        return None
    mention, label = draw.choice(strange), draw.choice(record.schema)
    cot = f"{record.cot}\n{draw.choice(_ADDITIONS).format(mention=mention, label=label)}"
    return replace(record, cot=cot, entities=(*_entities(record), Entity(mention, label)))


def foreign_trace(record: Record, others: Sequence[Record], draw: Random) -> Record | None:
    """The trace is that of another sentence, which shares no mention with this one."""
    mentions = {entity.text.lower() for entity in _entities(record)}
    traces = [
        other.cot
        for other in others
        if other.cot and other.sentence != record.sentence and not any(text in other.cot.lower() for text in mentions)
    ]
    return replace(record, cot=draw.choice(traces)) if traces else None


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        label_swapped,
        entity_removed,
        removed_from_trace,
        boundary_moved,
        trace_contradicting,
        hallucinated_mention,
        foreign_trace,
    )
}


def _entities(record: Record) -> tuple[Entity, ...]:
    return record.entities or ()


def _with(record: Record, entities: Sequence[Entity]) -> Record:
    return replace(record, entities=tuple(entities))


def _listed(record: Record) -> list[tuple[str, str]]:
    """The different (mention, label) of a record."""
    return sorted({(entity.text, entity.label) for entity in _entities(record)})


def _strange_labels(record: Record, text: str) -> list[str]:
    """Types of the schema that have nothing to do with any that the answer gives this mention."""
    own = [entity.label for entity in _entities(record) if entity.text == text]
    return [label for label in record.schema if not any(_akin(label, other) for other in own)]


def _akin(label: str, other: str) -> bool:
    """Whether two types may be two names of one: alike when folded, or with a word in common."""
    return fold_label(label) == fold_label(other) or not {*_words(label)}.isdisjoint(_words(other))


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text.replace("_", " "))]


def _without(cot: str, mention: str) -> str:
    """The trace without the sentences that have a word of the mention."""
    words = _words(mention)
    telling = {word for word in words if len(word) >= _SHORT} or set(words)
    if not telling:
        return ""
    return "".join(piece for piece in _PIECE.findall(cot) if telling.isdisjoint(_words(piece)))


def _moved(sentence: str, entity: Entity) -> list[tuple[int, int]]:
    """Other spans for an entity: one word more on a side, or one less, words that matter only."""
    start, end = entity.start, entity.end
    if start is None or end is None:
        return []
    before, after = re.search(r"(?<!\w)(\w+) $", sentence[:start]), re.match(r" (\w+)(?!\w)", sentence[end:])
    inner = [(match.start() + start, match.end() + start, match[0]) for match in _WORD.finditer(entity.text)]
    spans = []
    if before and _matters(before[1]):
        spans.append((before.start(1), end))
    if after and _matters(after[1]):
        spans.append((start, end + after.end(1)))
    if len(inner) > 1 and _matters(inner[0][2], inner[1][2]) and sentence[inner[0][1]] == " ":
        spans.append((inner[1][0], end))
    if len(inner) > 1 and _matters(inner[-1][2], inner[-2][2]) and sentence[inner[-1][0] - 1] == " ":
        spans.append((start, inner[-2][1]))
    return spans


def _matters(*words: str) -> bool:
    return all(word.lower() not in _LIGHT for word in words)
