"""The registry of formats: which there are, how to tell them apart by content, what each can hold.

A dialect is one file of this folder with `read`; JSON dialects have `detect(value)`.  Detection looks at
the content of a file, never at its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats import conll, gliner, instructuie, nercot, pile_ner, text, tokens
from nercot.formats.files import DataFile, first_character, is_parquet, json_rows
from nercot.formats.rows import BadRow, ReadOptions, RowError, SourceRow

__all__ = ["FORMATS", "BadRow", "DataFile", "Format", "ReadOptions", "SourceRow", "format_named", "format_of"]

_HEAD_ROWS = 50
# Rows that two formats share (a sentence without entities) are passed over, but not for ever.
_UNDECIDED_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Format:
    """One dialect.

    `read(path, file, options)` gives the rows of one file; `survey(files, options)` looks at all files of a
    source before that, where their schema or layout is only found in all of them.  `rows(records)` gives
    the JSON values of a file of this dialect, `lines(records)` its lines, `write_tree(records, folder)` a
    folder.  `holds`: what of a record survives being written: entities, their offsets or at least their order,
    cot, schema (of each row),
    descriptions, white_space, source_id, dataset, split, license, gold (beside other entities, or that there
    is none).  `losses(record)`: what else of a record gets lost, by kind.
    """

    name: str
    read: Callable[[Path, str, ReadOptions], Iterator[SourceRow | BadRow]]
    rows: Callable[[Iterable[Record]], Iterator[dict[str, Any]]] | None = None
    detect: Callable[[Any], bool] | None = None
    holds: frozenset[str] = frozenset()
    survey: Callable[[Sequence[DataFile], ReadOptions], tuple[DataFile, ...]] | None = None
    lines: Callable[[Iterable[Record]], Iterator[str]] | None = None
    write_tree: Callable[[Iterable[Record], Path], None] | None = None
    losses: Callable[[Record], Counter[str]] | None = None


_ENTITIES = frozenset({"entities", "offsets"})
_ROW = frozenset({"schema", "white_space", "source_id"})
_ORIGIN = frozenset({"dataset", "split", "license"})

# In the order in which they may claim a row that several of them know.
FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "pile_ner",
            pile_ner.read,
            pile_ner.write,
            pile_ner.detect,
            _ROW | {"entities"},
            losses=pile_ner.losses,
        ),
        Format(
            "instructuie",
            instructuie.read,
            instructuie.rows,
            instructuie.detect,
            _ENTITIES | {"white_space", "source_id"},
            survey=instructuie.survey,
            write_tree=instructuie.write_tree,
        ),
        Format(
            "conll",
            conll.read,
            holds=_ENTITIES,
            survey=conll.survey,
            lines=conll.lines,
            losses=conll.losses,
        ),
        Format("gliner", gliner.read, gliner.rows, gliner.detect, _ENTITIES | _ROW | _ORIGIN, gliner.survey),
        Format("tokens", tokens.read, tokens.rows, tokens.detect, _ENTITIES | _ROW | _ORIGIN, tokens.survey),
        Format(
            "nercot",
            nercot.read,
            nercot.write,
            nercot.detect,
            _ENTITIES | _ROW | _ORIGIN | {"cot", "descriptions", "gold"},
        ),
        Format("reasoningner", nercot.read, nercot.write_authors, None, _ROW | {"entities", "order", "cot", "dataset"}),
        Format("text", text.read, text.write, text.detect, _ROW),
    )
}


def format_named(name: str) -> Format:
    """The format of that name; InputError lists the names there are."""
    form = FORMATS.get(name)
    if form is None:
        raise InputError(f"unknown format {name!r}; there are {', '.join(FORMATS)}")
    return form


def format_of(path: Path) -> Format:
    """The format of a file by its content; an empty, unknown or ambiguous one is an InputError."""
    if is_parquet(path):
        return _json_format(path)
    start = first_character(path)
    if not start:
        raise InputError(f"{path}: the file is empty")
    if start in "[{" and _begins_with_object(path):
        return _json_format(path)
    if conll.detect(path):
        return FORMATS["conll"]
    if start in "[{":
        return _json_format(path)
    conll.refuse(path)
    return FORMATS["text"]


def _begins_with_object(path: Path) -> bool:
    """Whether the first row is a JSON object: its strings may look like columns, a bracket may be a token of them."""
    try:
        first = next(json_rows(path), None)
    except InputError:
        return False
    return first is not None and isinstance(first.value, dict)


def _json_format(path: Path) -> Format:
    seen: list[Any] = []
    likely: Format | None = None
    for row in islice(json_rows(path), _UNDECIDED_ROWS):
        claims = [form for form in FORMATS.values() if form.detect and form.detect(row.value)]
        if len(claims) == 1:
            return claims[0]
        likely = likely or next(iter(claims), None)
        seen.append(row.value)
        if len(seen) >= _HEAD_ROWS and likely is None:
            break
    if likely:
        return likely
    raise InputError(_unknown(path, seen[:_HEAD_ROWS]))


def _unknown(path: Path, values: list[Any]) -> str:
    if not values:
        return f"{path}: the file holds no rows"
    if isinstance(values[0], dict) and {"prompt", "completion"} <= values[0].keys():
        return f"{path}: prompts and completions for training (config sft), without sentences; name another config"
    problem = next((value for value in values if isinstance(value, RowError)), None)
    found = f"; its first row: {problem}" if problem else _keys(values)
    return f"{path}: rows of no known format{found}; say which with --from, one of {', '.join(FORMATS)}"


def _keys(values: list[Any]) -> str:
    first = next((value for value in values if isinstance(value, dict)), None)
    return f" (keys: {', '.join(map(str, list(first)[:8]))})" if first is not None else ""
