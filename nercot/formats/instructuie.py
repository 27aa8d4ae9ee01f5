"""InstructUIE's folders, which B2NERD shares: `<dataset>/{train,dev,test}.json` and `labels.json`.

Read: JSON lists or lines of {sentence, entities: [{name, type, pos: [start, end]}]}, a file, a dataset's
folder or a tree of them.  The dataset is the folder's name without `_sample_N`; its schema is labels.json
and every type used beside it (finding `label_not_listed`).  `pos` is passed on as it stands: what does not
match `name` is found anew later.  Written: such a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError, OutputError
from nercot.formats.files import PACKED, DataFile, dataset_of, folder_of, is_parquet, open_bytes, refuse_doubles
from nercot.formats.json_files import JsonRow, json_rows, raw_bytes
from nercot.formats.rows import (
    BadRow,
    ReadOptions,
    RowError,
    SourceRow,
    id_of,
    kind_of,
    labels_of,
    text_of,
    types_asked,
    unique,
    valid_text,
)

LABELS_FILE = "labels.json"

_SAMPLE = re.compile(r"_sample_\d+$")
_OTHER_FORMATS = frozenset(("schema", "gold", "cot", "completion"))
_FILES = {"train": "train.json", "validation": "dev.json", "test": "test.json", None: "train.json"}
# The types of a file in its bytes: a look that is much faster than to parse it, and may see too much.
_TYPE = re.compile(rb'"type"\s*:\s*("(?:[^"\\]|\\.)*")')
_CHUNK, _OVERLAP = 1 << 22, 1 << 12


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of InstructUIE; a sentence without entities may be one."""
    if not isinstance(value, dict) or not isinstance(value.get("sentence"), str):
        return False
    entities = value.get("entities")
    if not isinstance(entities, list) or _OTHER_FORMATS & value.keys():
        return False
    return not entities or any(isinstance(item, dict) and "name" in item for item in entities)


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with dataset and schema; two folders of one dataset are an InputError that lists them."""
    groups: dict[tuple[Path, str], list[DataFile]] = {}
    for file in files:
        folder = folder_of(file.path)
        name = folder.name if _labels_file(folder) else dataset_of(file.path)
        groups.setdefault((folder, asked.dataset or _SAMPLE.sub("", name) or name), []).append(file)
    if not asked.dataset:
        refuse_doubles(groups)
    schemas = {key: _schema(key[0], members, asked) for key, members in groups.items()}
    found = {
        file.path: replace(file, dataset=key[1], schema=schemas[key], dialect=_listed(key[0]))
        for key, members in groups.items()
        for file in members
    }
    return tuple(found[file.path] for file in files)


def _labels_file(folder: Path) -> Path | None:
    """The labels.json of a folder, plain or packed."""
    paths = (folder / f"{LABELS_FILE}{packed}" for packed in ("", *PACKED))
    return next((path for path in paths if path.is_file()), None)


def _listed(folder: Path) -> tuple[str, ...]:
    """The types of labels.json; none where there is no such file."""
    path = _labels_file(folder)
    if path is None:
        return ()
    with open_bytes(path) as handle:
        content = handle.read()
    try:
        labels = json.loads(content.decode("utf-8-sig"))
        return labels_of(list(labels) if isinstance(labels, dict) else labels, LABELS_FILE) or ()
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); write it as a JSON list of types") from error


def _schema(folder: Path, files: Sequence[DataFile], asked: ReadOptions) -> tuple[str, ...] | None:
    """Every type of a dataset: listed, or used in one of its files."""
    listed = unique((*_listed(folder), *(asked.schema or ())))
    used: list[str] = []
    for file in files:
        if is_parquet(file.path) or not _mentioned(file.path) <= set(listed):
            used.extend(_used(file.path))
    return unique((*listed, *used)) or None


def _mentioned(path: Path) -> set[str]:
    """What stands as a type in the bytes of a file; "" among it where they cannot be read."""
    found: set[bytes] = set()
    with open_bytes(path) as handle:
        tail = b""
        while chunk := handle.read(_CHUNK):
            found.update(_TYPE.findall(tail + chunk))
            tail = chunk[-_OVERLAP:]
    try:
        return {json.loads(label, strict=False) for label in found}
    except ValueError:
        return {""}


def _used(path: Path) -> Iterator[str]:
    """The types of a file's entities, in order of first sight, each once."""
    seen: set[str] = set()
    for row in json_rows(path):
        entities = row.value.get("entities") if isinstance(row.value, dict) else None
        for item in entities if isinstance(entities, list) else ():
            label = item.get("type") if isinstance(item, dict) else None
            if isinstance(label, str) and label not in seen:
                seen.add(label)
                with suppress(RowError):
                    yield text_of(label, "the type of an entity")


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The rows of one file."""
    if options.dialect is None:
        options = survey((DataFile(path, file),), options)[0].options(options)
    dataset = options.dataset or dataset_of(path)
    for row in json_rows(path):
        if options.only is not None and row.row not in options.only:
            continue
        try:
            yield _parse(row, file, dataset, options)
        except RowError as error:
            yield BadRow(file, row.row, dataset, str(error), raw_bytes(row))


def _parse(row: JsonRow, file: str, dataset: str, options: ReadOptions) -> SourceRow:
    value = row.value
    if isinstance(value, RowError):
        raise value
    if not isinstance(value, dict):
        raise RowError(f"the row is {kind_of(value)}, not an object with sentence and entities")
    sentence = text_of(value.get("sentence"), "sentence")
    entities = value.get("entities")
    if not isinstance(entities, list):
        raise RowError(f"entities is {kind_of(entities)}, not a list")
    findings: list[str] = []
    gold = [_entity(item, options.dialect, findings) for item in entities]
    found = tuple(entity for entity in gold if entity)
    return SourceRow(
        file=file,
        row=row.row,
        dataset=dataset,
        sentence=sentence,
        schema=types_asked(options.schema, found, sentence, stated=options.stated or bool(options.dialect)),
        gold=found,
        source_id=id_of(value.get("id")),
        findings=tuple(findings),
    )


def _entity(item: Any, listed: Sequence[str], findings: list[str]) -> Entity | None:
    if not isinstance(item, dict):
        raise RowError(f"an item of entities is {kind_of(item)}, not an object with name and type")
    kind: Any = item.get("type")
    label: str = kind if kind in listed else text_of(kind, "the type of an entity")
    name = item.get("name")
    if not isinstance(name, str) or not name.strip():
        findings.append("not_string")
        return None
    if listed and label not in listed:
        findings.append("label_not_listed")
    valid_text(name, "the name of an entity")
    start, end = _pos(item.get("pos"))
    return Entity(name, label, start, end)


def _pos(value: Any) -> tuple[int | None, int | None]:
    """Offsets where there are two whole numbers that can be some, else none."""
    if isinstance(value, list) and len(value) == 2:
        start, end = value
        if type(start) is int and type(end) is int and 0 <= start < end:
            return start, end
    return None, None


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """The rows of one file; the schema stands in labels.json."""
    for record in records:
        listed = record.gold if record.entities is None else record.entities
        row: dict[str, Any] = {
            "sentence": record.sentence,
            "entities": [
                {"name": item.text, "type": item.label, "pos": [item.start, item.end]} for item in listed or ()
            ],
        }
        yield row if record.source_id is None else {"id": record.source_id} | row


def write_tree(records: Iterable[Record], folder: Path) -> None:
    """A folder for each dataset in an empty folder: a file a split (a record without split: train) and its labels."""
    labels: dict[str, dict[str, None]] = {}
    handles: dict[Path, IO[str]] = {}
    with ExitStack() as stack:
        for record in records:
            path = folder / _folder_name(record.dataset) / _file_name(record.split)
            begin = ",\n" if path in handles else "[\n"
            if path not in handles:
                path.parent.mkdir(exist_ok=True)
                handles[path] = stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
            handles[path].write(begin + json.dumps(next(rows((record,))), ensure_ascii=False))
            labels.setdefault(record.dataset, {}).update(dict.fromkeys(record.schema))
        for handle in handles.values():
            handle.write("\n]\n")
    for dataset, schema in labels.items():
        text = json.dumps(list(schema), ensure_ascii=False)
        (folder / _folder_name(dataset) / LABELS_FILE).write_text(text + "\n", encoding="utf-8")


def is_tree(folder: Path) -> bool:
    """Whether a folder holds nothing but what `write_tree` writes."""
    for path in folder.rglob("*"):
        depth = len(path.relative_to(folder).parts)
        if depth != (1 if path.is_dir() else 2) or (path.is_file() and path.suffix != ".json"):
            return False
    return True


def _folder_name(dataset: str) -> str:
    if not dataset.strip(". ") or "/" in dataset or "\0" in dataset or len(dataset.encode()) > 255:
        raise OutputError(f"the dataset {dataset[:60]!r} cannot be the name of a folder; name another with --to-format")
    return dataset


def _file_name(split: str | None) -> str:
    return _FILES.get(split) or f"{re.sub(r'[^A-Za-z0-9]+', '_', split or '')}.json"
