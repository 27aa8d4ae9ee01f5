"""The words of the project as types: Entity, Record, Answer, Reading, Judgement, Outcome, reason codes, guid.

A record is the quadruple (X, S, C, E) of the paper's section 3.1: sentence, schema, chain of thought,
entities, plus where it came from and what the models said about it.  All types are frozen; a step
makes a new record with `dataclasses.replace`.  This file knows nothing of files or models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What only a reading of the trace can find (validation/reading.py).
READ_RULES = ("contradicted", "missing_from_answer", "leaks_annotation")

# The validation rules, in the order in which they are reported; the others are for shape (validation/rules.py).
RULES = (
    "malformed",
    "too_long",
    "type_not_in_schema",
    "not_in_sentence",
    "duplicate",
    "degenerate",
    "not_justified",
    *READ_RULES,
)

# The paper's own: the answer can be read, its labels are in the schema, every mention is in the sentence and is named
# in the trace (section 3.1, "strict structural integrity").
PAPER_RULES = ("malformed", "type_not_in_schema", "not_in_sentence", "not_justified")

# Every reason for which a record can be dropped.
REASONS = frozenset(
    (
        *RULES,
        "unreadable",
        "duplicate_record",
        "near_duplicate",
        "conflicting_gold",
        "contaminated",
        "empty_answer",
        "truncated",
        "content_filter",
        "unread",
        "unscored",
        "below_threshold",
        "refused",
        "removed",
        "not_gold",
        "disputed",
        "disagreed",
    )
)

# How a mention was found in its sentence; the last only ever for a source's gold.
MATCHES = ("exact", "normalised", "whitespace", "case", "fuzzy")

_SAID = ("text", "label", "start", "end")


@dataclass(frozen=True, slots=True)
class Entity:
    """One mention and its type.

    `start`, `end`: character offsets (code points, end exclusive) into the sentence, where
    `sentence[start:end] == text`; None where the mention was not found.  `match`: how it was found
    (MATCHES).  `cot_start`, `cot_end`: where the trace argues for it; None without a trace.
    """

    text: str
    label: str
    start: int | None = None
    end: int | None = None
    match: str | None = None
    cot_start: int | None = None
    cot_end: int | None = None


class _Unfrozen:
    """An Entity while it is filled."""

    __slots__ = ("cot_end", "cot_start", "end", "label", "match", "start", "text")

    def __init__(
        self,
        text: str,
        label: str,
        start: int | None,
        end: int | None,
        match: str | None,
        cot_start: int | None,
        cot_end: int | None,
    ) -> None:
        self.text = text
        self.label = label
        self.start = start
        self.end = end
        self.match = match
        self.cot_start = cot_start
        self.cot_end = cot_end


def placed(
    text: str,
    label: str,
    start: int | None,
    end: int | None,
    match: str | None,
    evidence: tuple[int, int] | None = None,
) -> Entity:
    """The Entity of these fields, for where many are made: one filled and then frozen costs less than half."""
    cot_start, cot_end = evidence or _NOWHERE
    made: Any = _Unfrozen(text, label, start, end, match, cot_start, cot_end)
    made.__class__ = Entity
    entity: Entity = made
    return entity


_NOWHERE = (None, None)


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt of a teacher: its text as it came, and where it came from.

    `teacher`: the model as the reply names it.  `request_key`: the ledger key, None where it is
    not known.  `reasoning`: the trace where the server gives it apart.
    """

    teacher: str
    completion: str
    reasoning: str | None = None
    attempt: int = 1
    request_key: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a trace takes as an entity, as its reader says: the mention, its type, and the passage that settles it."""

    mention: str
    type: str
    because: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader, who does not see the answer, says that a trace concludes; as it said it.

    `taken`: once for each occurrence that the trace means.  `refused`: what it discusses and does not take.
    `given`: it leans on an answer that was given to it.  `sound`: it is reasoning about this sentence.
    `reader`: the model as the reply names it.  `reader_key`: the ledger key.
    """

    taken: tuple[Taken, ...] = ()
    refused: tuple[str, ...] = ()
    given: bool = False
    sound: bool = True
    reader: str = "unknown"
    reader_key: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of a trace: five sub-scores and a score, each 0-10 (10 = nothing to object).

    The sub-scores are None where the rubric asks for none (judge.rubric = "paper").
    """

    grounding: float | None
    boundary: float | None
    type: float | None
    completeness: float | None
    coherence: float | None
    score: float
    reason: str
    judge: str = "unknown"
    judge_key: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A sentence with its schema, and what is known of it so far.

    `gold`: the source's own entities, None where it has none.  `cot`, `entities`: C and E, set by
    validation.  `answer`, `reading`, `judgement`: set by annotation, reading and scoring.
    """

    guid: str
    dataset: str
    sentence: str
    schema: tuple[str, ...]
    schema_descriptions: tuple[str, ...] | None = None
    gold: tuple[Entity, ...] | None = None
    source_id: str | None = None
    split: str | None = None
    license: str = "unknown"
    cot: str | None = None
    entities: tuple[Entity, ...] | None = None
    answer: Answer | None = None
    reading: Reading | None = None
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: which, by which entity (None: the answer as a whole), and what was seen."""

    rule: str
    entity: Entity | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a record step made of one record: kept, dropped (reason) or pending (asked again next time).

    `broken`: where an answer was held against the rules, all that it breaks, whether they count here or not.
    """

    record: Record
    reason: str | None = None
    detail: str | None = None
    pending: bool = False
    violations: tuple[Violation, ...] = field(default=())
    broken: tuple[str, ...] | None = None

    @property
    def kept(self) -> bool:
        """Whether the record goes on to the next step."""
        return self.reason is None and not self.pending


def content_guid(sentence: str, schema: Sequence[str], dataset: str) -> str:
    """The identity of a record: 32 hex digits over (sentence, sorted schema, dataset)."""
    content = json.dumps([sentence, sorted(schema), dataset], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unreadable_guid(raw: bytes, dataset: str) -> str:
    """The identity of a row that could not be read: 32 hex digits over its bytes and its dataset."""
    return hashlib.sha256(raw + b"\0" + dataset.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def answer_hash(cot: str | None, entities: Sequence[Mapping[str, Any]] | None) -> str:
    """The identity of an answer: 32 hex digits over its trace and its entities (text, label, place), as rows hold them.

    Evidence and the way a mention was found are no part of it: they are what we make of an answer.
    """
    listed = None if entities is None else [[item.get(name) for name in _SAID] for item in entities]
    content = json.dumps([cot, listed], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def span_order(entity: Entity, schema: Sequence[str]) -> tuple[int, int, int]:
    """Sort key of entities: by offset, the longer first, then in schema order; unfound ones last."""
    rank = schema.index(entity.label) if entity.label in schema else len(schema)
    if entity.start is None or entity.end is None:
        return (1 << 62, 0, rank)
    return (entity.start, -entity.end, rank)
