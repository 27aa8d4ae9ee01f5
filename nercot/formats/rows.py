"""What every reader gives: a SourceRow as it stands in the file, or a BadRow that says what is wrong.

A reader never grounds, folds or drops: mentions are as the file lists them, with offsets where the
file has them.  sources.py makes records of rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nercot.corpus.records import Entity

MAX_ROW_BYTES = 4_000_000

# A data set with more types has open ones: a row is asked for its own and a draw of others, so many in all.
MAX_TYPES, DRAWN_TYPES = 50, 25


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader is told: the schema for rows that have none, and the name for rows that name no dataset.

    `stated`: the user gave the schema, so rows are asked for all of it.
    `dialect`: what the format's own survey of the file found out (columns, conventions); only that
    format reads it, and without it the reader surveys the file itself.  `only`: the numbers of the rows that
    are wanted; a reader may give others too.
    `join`: how tokens become a sentence (space, none, auto); `column`: which column or key holds the tags, where
    several do; `sentences`: what parts them in a file without blank lines (line, document); `names`: of tags that are
    numbers.
    """

    schema: tuple[str, ...] | None = None
    dataset: str | None = None
    dialect: Any = None
    only: frozenset[int] | None = None
    stated: bool = False
    join: str = "auto"
    column: str | None = None
    sentences: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a source file.

    `row`: its number in the file, from 1 (line or list item).  `gold`: the source's own entities;
    `cot`, `entities`, `completion`, `reasoning`: an answer that the row brings along.  `findings`:
    kinds of things that could not be taken over, one item an occurrence.  `extra`: what else a row of ours says
    of itself (score, step, reason, drift).
    """

    file: str
    row: int
    dataset: str
    sentence: str
    schema: tuple[str, ...] | None = None
    descriptions: tuple[str, ...] | None = None
    gold: tuple[Entity, ...] | None = None
    source_id: str | None = None
    guid: str | None = None
    split: str | None = None
    license: str | None = None
    cot: str | None = None
    entities: tuple[Entity, ...] | None = None
    completion: str | None = None
    reasoning: str | None = None
    findings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: where it stands, why, and its bytes."""

    file: str
    row: int
    dataset: str
    detail: str
    raw: bytes
    license: str | None = None


class RowError(ValueError):
    """Raised inside a reader for one row; becomes a BadRow, never reaches the user as an error."""


def text_of(value: Any, key: str) -> str:
    """`value` as a non-empty string of valid Unicode, or a RowError that names the key."""
    if not isinstance(value, str):
        raise RowError(f"{key} is {kind_of(value)}, not a string")
    if not value.strip():
        raise RowError(f"{key} is empty")
    return valid_text(value, key)


def valid_text(value: str, key: str) -> str:
    """`value`, unless it holds half a surrogate pair, which no UTF-8 file can carry."""
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowError(f"{key} holds half a surrogate pair at character {error.start}") from error
    return value


def optional_text(value: Any, key: str) -> str | None:
    """`value` as a string of valid Unicode, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise RowError(f"{key} is {kind_of(value)}, not a string")
    return valid_text(value, key)


def labels_of(value: Any, key: str) -> tuple[str, ...] | None:
    """A list of types without repetitions, or None where the row has none."""
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        raise RowError(f"{key} is {kind_of(value)}, not a list of types")
    return unique(text_of(label, f"a type of {key}") for label in value)


def unique(labels: Any) -> tuple[str, ...]:
    """Labels in order of first sight, each once."""
    return tuple(dict.fromkeys(labels))


def id_of(value: Any) -> str | None:
    """A row's own id as text: strings and whole numbers count, all else is no id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return valid_text(str(value), "id")


def kind_of(value: Any) -> str:
    """What a JSON value is, in the words of JSON."""
    names = {dict: "an object", list: "a list", tuple: "a list", str: "a string", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")


def raw_of(value: Any) -> bytes:
    """The bytes of a row that was not read from text."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def labels_used(entities: Sequence[Entity] | None) -> tuple[str, ...]:
    """The types of the entities, in order of first sight."""
    return unique(entity.label for entity in entities or ())


def types_asked(
    schema: tuple[str, ...] | None, entities: Sequence[Entity], sentence: str, stated: bool = False
) -> tuple[str, ...] | None:
    """The schema of a row that brings none: that of its data set, whole, or with open types a draw from it.

    The draw takes the types whose hash with the sentence is smallest, so that a data set that grows changes few
    rows; it is the same on every machine.  `stated`: the user gave the schema, so it is asked for whole.
    """
    if schema is None or stated or len(schema) <= MAX_TYPES:
        return schema
    own = labels_used(entities)
    others = sorted((label for label in schema if label not in own), key=lambda label: type_rank(sentence, label))
    chosen = {*own, *others[: max(0, DRAWN_TYPES - len(own))]}
    return tuple(label for label in schema if label in chosen)


def type_rank(sentence: str, label: str) -> bytes:
    """The place of a type in the draws for a sentence, the same on every machine."""
    return hashlib.blake2b(f"{label}\0{sentence}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
