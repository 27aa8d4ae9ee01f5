"""GLiNER's training rows: tokens, and spans whose end is inclusive.

Read: {tokenized_text, ner: [[start, end, label], ...]}, token positions in any order, overlapping or not.  The schema
of a row is its `schema`, or else its own types and `ner_negatives`; a row with neither takes the types of the data
set.  Written: such rows with `schema`, and with `text` where the tokens joined by one space are not the sentence.
GLiNER asks for a row's own types and its `ner_negatives`, shuffled, and cuts the list off at `max_types`: only so
many negatives are written as leave every type of the row among those (a draw by hash, the same each time).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nercot.corpus.records import Entity, Record
from nercot.formats.files import DataFile, dataset_of
from nercot.formats.joining import is_telling
from nercot.formats.json_files import JsonRow, json_rows, raw_bytes
from nercot.formats.rows import (
    BadRow,
    ReadOptions,
    RowError,
    SourceRow,
    id_of,
    kind_of,
    labels_of,
    labels_used,
    optional_text,
    text_of,
    type_rank,
    types_asked,
    unique,
    valid_text,
)
from nercot.formats.spans import is_span, positions, types
from nercot.formats.words import Offsets, borders, joined, located, span_entity, token_span, words

# GLiNER's own `max_types`: of more types in a row it leaves out any.
_MAX_ASKED = 25


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of GLiNER."""
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in ("tokenized_text", "ner"))


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with dataset and the types of the dataset, for rows that name none."""
    labels: dict[str, dict[str, None]] = {}
    named = [(file, asked.dataset or dataset_of(file.path)) for file in files]
    for file, dataset in named:
        labels.setdefault(dataset, dict.fromkeys(asked.schema or ())).update(dict.fromkeys(_labels(file.path)))
    return tuple(
        replace(file, dataset=dataset, schema=tuple(labels[dataset]) or None, dialect=True) for file, dataset in named
    )


def _labels(path: Path) -> Iterator[str]:
    for row in json_rows(path):
        for span in row.value["ner"] if detect(row.value) else ():
            yield from _types(span)


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The rows of one file."""
    if options.dialect is None:
        options = survey((DataFile(path, file),), options)[0].options(options)
    dataset = options.dataset or dataset_of(path)
    for row in json_rows(path):
        try:
            yield _parse(row, file, dataset, options)
        except RowError as error:
            yield BadRow(file, row.row, dataset, str(error), raw_bytes(row))


def _parse(row: JsonRow, file: str, dataset: str, options: ReadOptions) -> SourceRow:
    value = row.value
    if isinstance(value, RowError):
        raise value
    if not isinstance(value, dict):
        raise RowError(f"the row is {kind_of(value)}, not an object")
    sentence, offsets = _sentence(value)
    listed = value.get("ner")
    if not isinstance(listed, list) or not all(map(is_span, listed)):
        raise RowError("ner is not a list of [start, end, label]")
    findings: list[str] = []
    gold = [entity for span in listed for entity in _entities(span, sentence, offsets, findings)]
    own = labels_of(value.get("schema"), "schema") or labels_of(value.get("ner_labels"), "ner_labels") or ()
    negative = labels_of(value.get("ner_negatives"), "ner_negatives") or ()
    return SourceRow(
        file=file,
        row=row.row,
        dataset=optional_text(value.get("dataset"), "dataset") or dataset,
        sentence=sentence,
        schema=unique((*own, *labels_used(gold), *negative))
        if own or negative
        else types_asked(options.schema, gold, sentence, stated=options.stated),
        gold=tuple(gold),
        source_id=id_of(value.get("id")),
        split=optional_text(value.get("split"), "split"),
        license=optional_text(value.get("license"), "license"),
        findings=tuple(findings),
    )


def _sentence(value: dict[str, Any]) -> tuple[str, Offsets]:
    """The sentence, and where its tokens lie."""
    text = optional_text(value.get("text"), "text")
    tokens = value.get("tokenized_text")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise RowError("tokenized_text is not a list of strings")
    offsets = located(tokens, text) if text else None
    if text and offsets is not None:
        return text, offsets
    sentence, offsets = joined(tokens)
    return text_of(sentence, "tokenized_text"), offsets


def _types(span: Any) -> tuple[str, ...]:
    """The types of a span; one that is no text is left out."""
    return tuple(label for label in types(span) if isinstance(label, str) and label.strip())


def _entities(span: Any, sentence: str, offsets: Offsets, findings: list[str]) -> Iterator[Entity]:
    """The entities of a span, one a type; what is wrong with it goes into findings."""
    labels = _types(span)
    if not labels:
        findings.append("not_label")
    text = span.get("text") if isinstance(span, dict) else None
    text = valid_text(text, "a text") if isinstance(text, str) and text.strip() else None
    place = _place(positions(span), offsets)
    for label in labels:
        valid_text(label, "a label")
        if text and not place:
            yield Entity(text, label)
        elif place and (entity := span_entity(sentence, *place, label)):
            yield entity
        else:
            findings.append("empty_mention" if place else "out_of_range")


def _place(found: tuple[Any, Any] | None, offsets: Offsets) -> tuple[int, int] | None:
    """Where a span lies in the sentence, in characters; None where it cannot lie in it."""
    start, end = found or (None, None)
    if type(start) is not int or type(end) is not int:
        return None
    return (offsets[start][0], offsets[end][1]) if 0 <= start <= end < len(offsets) else None


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """GLiNER's rows, one a record; `ner_negatives` are types of the schema without a mention."""
    for record in records:
        listed = (record.gold if record.entities is None else record.entities) or ()
        offsets = words(record.sentence, borders(listed))
        tokens = [record.sentence[start:end] for start, end in offsets]
        spans = [(span, entity.label) for entity in listed if (span := token_span(offsets, entity))]
        yield identity(record) | {
            "tokenized_text": tokens,
            **(
                {}
                if " ".join(tokens) == record.sentence and not is_telling(record.sentence)
                else {"text": record.sentence}
            ),
            "ner": [[start, end - 1, label] for (start, end), label in spans],
            "ner_negatives": negatives(record, listed),
            "schema": list(record.schema),
        }


def negatives(record: Record, listed: Sequence[Entity]) -> list[str]:
    """Types of the schema without a mention, in its order, as many as GLiNER asks for beside those with one."""
    used = {entity.label for entity in listed}
    others = [label for label in record.schema if label not in used]
    chosen = sorted(others, key=lambda label: type_rank(record.sentence, label))[: max(0, _MAX_ASKED - len(used))]
    return [label for label in others if label in set(chosen)]


def identity(record: Record) -> dict[str, Any]:
    """Where a record comes from, as far as it is known: keys that the trainers of this format ignore."""
    known = {"id": record.source_id, "dataset": record.dataset, "split": record.split}
    license = None if record.license == "unknown" else record.license
    return {key: value for key, value in (known | {"license": license}).items() if value is not None}
