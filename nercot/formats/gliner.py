"""GLiNER's training rows: tokens, and spans whose end is inclusive.

Read: {tokenized_text, ner: [[start, end, label], ...]}, token positions in any order, overlapping or not;
also {text, ner | entities | label | spans: [{start, end, label}, ...]} and other spellings of spans.py, character
positions with end exclusive.  The schema of a row is its `schema`, or else its own types and `ner_negatives`; a row
without any takes those of the dataset, the 50 most frequent.  Written: GLiNER's rows with `schema`, and with `text`
where the tokens joined by one space are not the sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nercot.corpus.records import Entity, Record
from nercot.formats.files import DataFile, JsonRow, dataset_of, json_rows, raw_bytes
from nercot.formats.joining import is_telling
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
    unique,
    valid_text,
)
from nercot.formats.spans import is_span, positions, types
from nercot.formats.words import Offsets, borders, joined, located, span_entity, token_span, words

# Types of a dataset that are asked of a row which names none: more would be no schema that one can ask.
_MAX_TYPES = 50
_SPAN_KEYS = ("ner", "entities", "label", "labels", "spans", "mentions", "entity_mentions", "annotations")


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of GLiNER, or a text with spans in characters."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("tokenized_text"), list):
        return isinstance(value.get("ner"), list)
    return isinstance(value.get("text"), str) and not _are_words(value.get("tokens")) and _spans_key(value) is not None


def _are_words(tokens: Any) -> bool:
    """Whether a row's tokens are words, not objects beside the text that they are of."""
    return isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)


def _spans_key(value: dict[str, Any]) -> str | None:
    """The key under which a row lists its spans; where several can be, the first that holds any."""
    keys = [key for key in _SPAN_KEYS if isinstance(value.get(key), list) and all(map(is_span, value[key]))]
    return next((key for key in keys if value[key]), keys[0] if keys else None)


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with dataset and the types of the dataset, for rows that name none."""
    counts: dict[str, Counter[str]] = {}
    named = [(file, asked.dataset or dataset_of(file.path)) for file in files]
    for file, dataset in named:
        counts.setdefault(dataset, Counter()).update(_labels(file.path))
    return tuple(
        replace(file, dataset=dataset, schema=asked.schema or _most_frequent(counts[dataset]), dialect=True)
        for file, dataset in named
    )


def _labels(path: Path) -> Iterator[str]:
    for row in json_rows(path):
        key = _spans_key(row.value) if isinstance(row.value, dict) else None
        for span in row.value[key] if key else ():
            yield from _types(span)


def _most_frequent(counts: Counter[str]) -> tuple[str, ...] | None:
    kept = {label for label, _ in counts.most_common(_MAX_TYPES)}
    return tuple(label for label in counts if label in kept) or None


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
    key = _spans_key(value)
    if key is None:
        raise RowError("ner is not a list of [start, end, label]")
    findings: list[str] = []
    gold = [entity for span in value[key] for entity in _entities(span, sentence, offsets, findings)]
    own = labels_of(value.get("schema"), "schema") or labels_of(value.get("ner_labels"), "ner_labels") or ()
    negative = labels_of(value.get("ner_negatives"), "ner_negatives") or ()
    return SourceRow(
        file=file,
        row=row.row,
        dataset=optional_text(value.get("dataset"), "dataset") or dataset,
        sentence=sentence,
        schema=unique((*own, *labels_used(gold), *negative)) or options.schema,
        gold=tuple(gold),
        source_id=id_of(value.get("id")),
        split=optional_text(value.get("split"), "split"),
        license=optional_text(value.get("license"), "license"),
        findings=tuple(findings),
    )


def _sentence(value: dict[str, Any]) -> tuple[str, Offsets | None]:
    """The sentence, and where its tokens lie; no tokens where the spans count characters."""
    text = optional_text(value.get("text"), "text")
    tokens = value.get("tokenized_text")
    if tokens is None:
        return text_of(text, "text"), None
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


def _entities(span: Any, sentence: str, offsets: Offsets | None, findings: list[str]) -> Iterator[Entity]:
    """The entities of a span, one a type; what is wrong with it goes into findings."""
    labels = _types(span)
    if not labels:
        findings.append("not_label")
    text = span.get("text") if isinstance(span, dict) else None
    text = valid_text(text, "a text") if isinstance(text, str) and text.strip() else None
    place = _place(positions(span, characters=offsets is None), sentence, offsets)
    for label in labels:
        valid_text(label, "a label")
        if text and (offsets is None or not place):
            yield Entity(text, label, *(place or (None, None)))
        elif place and (entity := span_entity(sentence, *place, label)):
            yield entity
        else:
            findings.append("empty_mention" if place else "out_of_range")


def _place(found: tuple[Any, Any] | None, sentence: str, offsets: Offsets | None) -> tuple[int, int] | None:
    """Where a span lies in the sentence, in characters; None where it cannot lie in it."""
    start, end = found or (None, None)
    if type(start) is not int or type(end) is not int:
        return None
    if offsets is None:
        return (start, end) if 0 <= start < end <= len(sentence) else None
    return (offsets[start][0], offsets[end][1]) if 0 <= start <= end < len(offsets) else None


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """GLiNER's rows, one a record; `ner_negatives` are the types of the schema without a mention."""
    for record in records:
        listed = (record.gold if record.entities is None else record.entities) or ()
        offsets = words(record.sentence, borders(listed))
        tokens = [record.sentence[start:end] for start, end in offsets]
        spans = [(span, entity.label) for entity in listed if (span := token_span(offsets, entity))]
        used = {entity.label for entity in listed}
        yield identity(record) | {
            "tokenized_text": tokens,
            **(
                {}
                if " ".join(tokens) == record.sentence and not is_telling(record.sentence)
                else {"text": record.sentence}
            ),
            "ner": [[start, end - 1, label] for (start, end), label in spans],
            "ner_negatives": [label for label in record.schema if label not in used],
            "schema": list(record.schema),
        }


def identity(record: Record) -> dict[str, Any]:
    """Where a record comes from, as far as it is known: keys that the trainers of this format ignore."""
    known = {"id": record.source_id, "dataset": record.dataset, "split": record.split}
    license = None if record.license == "unknown" else record.license
    return {key: value for key, value in (known | {"license": license}).items() if value is not None}
