"""NER-CoT rows: ours, and those that the paper's authors released.

Read: JSON, JSON lines or Parquet of objects with `sentence`; `schema`, `gold`, `cot`, `entities` (list of
{text, label, start, end}, or other words that spans.py knows), `completion`, `reasoning`, `dataset` or `source`,
`guid`, `id`, `source_id`, `split`, `license`, `schema_descriptions` where they are there.  A row without a schema takes
the types of its data set, in all files at hand.  Written: our rows, or the authors' own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nercot.corpus.records import MATCHES, Entity, Record
from nercot.formats.files import DataFile, first_character, is_arrow, is_parquet, lines
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
    types_asked,
    valid_text,
)
from nercot.formats.spans import positions, types

_EXTRA = ("score", "step", "reason", "drift")
_SCHEMA = re.compile(rb'"schema"\s*:\s*\[\s*"')
_SIGNS = ("schema", "entities", "gold", "cot", "completion")


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of ours or of the authors."""
    if not isinstance(value, dict) or not isinstance(value.get("sentence"), str):
        return False
    return any(key in value for key in _SIGNS) and all(_is_ours(value.get(key)) for key in ("entities", "gold"))


def _is_ours(entities: Any) -> bool:
    """Whether entities are objects with a text, or none; other tools have other words for them."""
    if entities is None:
        return True
    return isinstance(entities, list) and all(isinstance(item, dict) and "text" in item for item in entities)


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with the types of each data set, where a row of it brings no schema."""
    labels: dict[str, dict[str, None]] = {}
    for file in files:
        for row in () if _bring_schemas(file.path) else json_rows(file.path):
            if isinstance(row.value, dict):
                known = labels.setdefault(_dataset(row.value, file.path, asked), dict.fromkeys(asked.schema or ()))
                known.update(dict.fromkeys(_labels(row.value)))
    types = {dataset: tuple(found) for dataset, found in labels.items()}
    return tuple(replace(file, dialect=types) for file in files)


def _bring_schemas(path: Path) -> bool:
    """Whether every row of a file of lines says its schema, by a look that is much faster than to parse it."""
    if is_parquet(path) or is_arrow(path) or first_character(path) != "{":
        return False
    return all(_SCHEMA.search(line) for _, line in lines(path) if line.strip())


def _labels(value: dict[str, Any]) -> Iterator[str]:
    """The types that a row speaks of."""
    for listed in (value.get("schema"), value.get("gold"), value.get("entities")):
        for item in listed if isinstance(listed, list) else ():
            label = item.get("label", types(item)[0]) if isinstance(item, dict) else item
            if isinstance(label, str) and label.strip():
                yield label


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The rows of one file."""
    if not isinstance(options.dialect, dict):
        options = survey((DataFile(path, file),), options)[0].options(options)
    for row in json_rows(path):
        dataset = _dataset(row.value, path, options)
        try:
            yield _parse(row, file, dataset, options)
        except RowError as error:
            yield BadRow(file, row.row, dataset, str(error), raw_bytes(row))


def _dataset(value: Any, path: Path, options: ReadOptions) -> str:
    fields = value if isinstance(value, dict) else {}
    for key in ("dataset", "source"):
        name = fields.get(key)
        if isinstance(name, str) and name.strip():
            return name.encode("utf-8", "replace").decode()
    return options.dataset or path.name.split(".")[0]


def _parse(row: JsonRow, file: str, dataset: str, options: ReadOptions) -> SourceRow:
    value = row.value
    if isinstance(value, RowError):
        raise value
    if not isinstance(value, dict):
        raise RowError(f"the row is {kind_of(value)}, not an object")
    findings: list[str] = []
    sentence = text_of(value.get("sentence"), "sentence")
    entities = _entities(value.get("entities"), "entities", findings)
    gold = _entities(value.get("gold"), "gold", findings)
    listed = (*(gold or ()), *(entities or ()))
    known = options.dialect.get(dataset) or options.schema or labels_used(listed) or None
    schema = labels_of(value.get("schema"), "schema") or types_asked(known, listed, sentence, options.stated)
    guid = id_of(value.get("guid")) or id_of(value.get("id"))
    return SourceRow(
        file=file,
        row=row.row,
        dataset=dataset,
        sentence=sentence,
        schema=schema,
        descriptions=_descriptions(value.get("schema_descriptions"), value.get("schema")),
        gold=gold,
        source_id=id_of(value.get("source_id")) or guid,
        guid=guid,
        split=optional_text(value.get("split"), "split"),
        license=optional_text(value.get("license"), "license"),
        cot=optional_text(value.get("cot"), "cot"),
        entities=entities,
        completion=optional_text(value.get("completion"), "completion"),
        reasoning=optional_text(value.get("reasoning"), "reasoning"),
        findings=tuple(findings),
        extra={key: value[key] for key in _EXTRA if value.get(key) is not None},
    )


def _descriptions(value: Any, schema: Any) -> tuple[str, ...] | None:
    """One description a type; a list of another length belongs to no schema and is refused."""
    if value is None:
        return None
    if not isinstance(value, list) or not isinstance(schema, list) or len(value) != len(schema):
        raise RowError("schema_descriptions is not a list with one text for each type of the schema")
    if len(set(schema)) != len(schema):
        return None
    return tuple(text_of(text, "a text of schema_descriptions") for text in value)


def _entities(value: Any, key: str, findings: list[str]) -> tuple[Entity, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise RowError(f"{key} is {kind_of(value)}, not a list")
    return tuple(entity for entity in (_entity(item, key, findings) for item in value) if entity)


def _entity(item: Any, key: str, findings: list[str]) -> Entity | None:
    if not isinstance(item, dict):
        raise RowError(f"an item of {key} is {kind_of(item)}, not an object with text and label")
    label = text_of(item["label"] if "label" in item else types(item)[0], f"a label in {key}")
    text = item.get("text")
    if not isinstance(text, str) or not text.strip():
        findings.append("not_string")
        return None
    valid_text(text, f"a text in {key}")
    start, end = positions(item, characters=True) or (None, None)
    if type(start) is not int or type(end) is not int:
        return Entity(text, label)
    match = item.get("match") if key == "entities" and item.get("match") in MATCHES else None
    argued, until = item.get("cot_start"), item.get("cot_end")
    if type(argued) is not int or type(until) is not int:
        return Entity(text, label, start, end, match)
    return Entity(text, label, start, end, match, argued, until)


def write(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Our rows, one object a record."""
    for record in records:
        yield {
            "guid": record.guid,
            "dataset": record.dataset,
            "source_id": record.source_id,
            "split": record.split,
            "license": record.license,
            "sentence": record.sentence,
            "schema": list(record.schema),
            "schema_descriptions": list(record.schema_descriptions) if record.schema_descriptions else None,
            "gold": None if record.gold is None else [_written(item) for item in record.gold],
            "cot": record.cot,
            "entities": None if record.entities is None else [_argued(item) for item in record.entities],
        }


def _written(item: Entity) -> dict[str, Any]:
    return {"text": item.text, "label": item.label, "start": item.start, "end": item.end}


def _argued(item: Entity) -> dict[str, Any]:
    """An entity of an answer, of one shape in all rows: a reader that infers types sees the first rows alone."""
    return {**_written(item), "cot_start": item.cot_start, "cot_end": item.cot_end}


def write_authors(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """The authors' rows: guid, source, sentence, schema, cot, entities without offsets."""
    for record in records:
        entities = record.gold if record.entities is None else record.entities
        yield {
            "guid": record.source_id or record.guid,
            "source": record.dataset,
            "sentence": record.sentence,
            "schema": list(record.schema),
            "cot": record.cot,
            "entities": [{"text": item.text, "label": item.label} for item in entities or ()],
        }
