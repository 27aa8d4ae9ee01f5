"""`nercot convert`: NER data of any format -> any other.

In: a PATH as sources.py takes it.  Out: one file (or InstructUIE's folder), written whole or not at all, and
the counts of what was read, dropped, found odd in the source, and lost because the target cannot hold it.
Never renames a type, never writes over a file without being told to.  Memory is that of one record, and of the
different schemas where the target holds one schema for all rows.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nercot.corpus.benchmarks import license_of
from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, Record, content_guid
from nercot.corpus.tables import Table, replacing, writing
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.formats import FORMATS, Format, format_named
from nercot.formats.conll import apart
from nercot.formats.files import PACKED
from nercot.formats.joining import AUTO
from nercot.formats.rows import BadRow, SourceRow, labels_used
from nercot.formats.sources import Item, Source, bad_item, open_source, reading, rows, to_item, with_answer
from nercot.validation.grounding import ground_entities

if TYPE_CHECKING:
    import pyarrow as pa

_LINES = (".jsonl", ".ndjson", ".jsonlines")
_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did.

    `rows` = `kept` + all of `dropped` (by reason).  `lost`: what the target cannot hold, by kind; `findings`:
    what was odd in the source, by kind.  `problems`: the first dropped rows, each with its file and row.
    """

    rows: int
    kept: int
    dropped: dict[str, int]
    lost: dict[str, int]
    findings: dict[str, int]
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as one JSON document."""
        return {
            "rows": self.rows,
            "kept": self.kept,
            "dropped": self.dropped,
            "lost": self.lost,
            "findings": self.findings,
            "problems": list(self.problems),
        }


def convert(
    where: str,
    to: Path,
    *,
    form: str | None = None,
    to_format: str | None = None,
    split: str | None = None,
    schema: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    join: str | None = None,
    column: str | None = None,
    sentences: str | None = None,
    license: str = "unknown",
    ignore_labels: Sequence[str] = (),
    force: bool = False,
    strict: bool = False,
) -> Converted:
    """Reads PATH `where` and writes `to`.

    `to_format`: by default what the name of `to` says (.conll, .tsv, .txt: conll), else nercot.
    `tags`: the names of tags that are numbers, in order; `join`, `column`, `sentences`: how files of tokens are read
    (ReadOptions).  `license`: of rows that name none.
    `ignore_labels`: types (folded) that are left out of schema and entities; their mentions are counted
    as the finding `ignored_label`.  Raises InputError, OutputError (also where `to` exists and not
    `force`), and ShortfallError where no row could be used; then nothing is written.
    """
    target = _target(to, to_format)
    _refuse_existing(to, target, force)
    read = replace(reading(schema, tags), join=join or AUTO, column=column, sentences=sentences)
    source = open_source(where, form, read, license, split)
    tally = _Tally(target)
    records = _records(source, frozenset(map(fold_label, ignore_labels)), tally, strict)
    if target.tree:
        _write_folder(records, to, target.form)
    else:
        _write_file(records, to, target)
    return tally.result()


# --- where to, and in which format ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """The format to write, and as what: `lines` of text, `list` or `rows` of JSON, `parquet`, `file` or `tree`."""

    form: Format
    kind: str

    @property
    def tree(self) -> bool:
        return self.kind == "tree"

    @property
    def tree_holds(self) -> frozenset[str]:
        """What a folder holds beyond that of its rows: dataset, split, types."""
        return self.form.tree_holds if self.tree else frozenset()

    @property
    def holds(self) -> frozenset[str]:
        """What of a record survives; plain lines of text hold nothing but the sentence."""
        return frozenset() if self.kind == "lines" and not self.form.lines else self.form.holds


def _target(to: Path, to_format: str | None) -> _Target:
    suffix = Path(_unpacked(to.name)).suffix.lower()
    form = format_named(to_format or _by_name(suffix))
    if not form.written:
        raise OutputError(f"{form.name} is only read; to write, name one of {', '.join(_written_names())}")
    kind = _kind(form, suffix)
    if not kind:
        raise OutputError(f"{to}: {form.name} is not written to such a file; name one that ends in {_endings(form)}")
    return _Target(form, kind)


def _by_name(suffix: str) -> str:
    """The format that a file's ending alone speaks of, else ours."""
    return "conll" if suffix in FORMATS["conll"].endings else "nercot"


def _kind(form: Format, suffix: str) -> str:
    """As what a format is written to a file of that ending; '' where it is not."""
    if form.write_tree and not suffix:
        return "tree"
    if suffix in form.endings:
        return "file" if form.write_file else "lines"
    kind = {".json": "list", ".parquet": "parquet"}.get(suffix, "rows" if suffix in _LINES else "")
    return "" if form.rows is None or (kind == "parquet" and form.name not in _arrow_names()) else kind


def _written_names() -> list[str]:
    return [name for name, form in FORMATS.items() if form.written]


def _endings(form: Format) -> str:
    listed = [*((*_LINES[:1], ".json") if form.rows else ()), *((".parquet",) if form.name in _arrow_names() else ())]
    listed += form.endings
    return ", ".join(listed) + (" (or a folder)" if form.write_tree else "")


def _unpacked(name: str) -> str:
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name


def _refuse_existing(to: Path, target: _Target, force: bool) -> None:
    if not os.path.lexists(to):
        return
    if not force:
        raise OutputError(f"{to} exists; name another or say --force to replace it")
    if to.is_dir() != target.tree or (target.form.is_tree and target.tree and not target.form.is_tree(to)):
        kind = "a folder of other files" if to.is_dir() else "a file"
        raise OutputError(f"{to} is {kind}, which --force does not replace; name another")


@dataclass(frozen=True, slots=True)
class Writing:
    """A file (or folder) of some format that records go to: made before the records are, so that it can refuse."""

    to: Path
    target: _Target

    def write(self, records: Iterator[Record]) -> dict[str, int]:
        """Writes the records, whole or not at all; returns what the format cannot hold of them, by kind."""
        tally = _Tally(self.target)

        def taken() -> Iterator[Record]:
            for record in records:
                tally.take(record)
                yield record

        if self.target.tree:
            _write_folder(taken(), self.to, self.target.form)
        else:
            _write_file(taken(), self.to, self.target)
        return tally.result().lost


def writing_to(to: Path, to_format: str | None = None, force: bool = False) -> Writing:
    """Where records go and in which format, as `convert` takes it.

    Raises OutputError where `to` exists and not `force`, or cannot be of that format.
    """
    target = _target(to, to_format)
    _refuse_existing(to, target, force)
    return Writing(to, target)


# --- what is read ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Tally:
    """The counts of a conversion, filled while records pass."""

    target: _Target
    rows: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    groups: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)
    labels: dict[str, set[str]] = field(default_factory=dict)
    datasets: set[str] = field(default_factory=set)
    splits: set[str | None] = field(default_factory=set)

    def refuse(self, item: Item) -> None:
        """Counts a row that is not used."""
        self.dropped[item.outcome.reason or ""] += 1
        if len(self.problems) < _PROBLEMS:
            self.problems.append(_problem(item.file, item.row, item.outcome.detail or ""))

    def take(self, record: Record) -> None:
        """Counts a record that is written, and what of it is not."""
        self.kept += 1
        self.lost.update(_losses(record, self.target))
        self.datasets.add(record.dataset)
        self.splits.add(record.split)
        if "schema" not in self.target.holds:
            group = record.dataset if "dataset" in self.target.tree_holds else ""
            self.groups[group, frozenset(record.schema)] += 1
            self.labels.setdefault(group, set()).update(_shown(record, self.target))

    def result(self) -> Converted:
        """The counts at the end, with what only shows when all records are seen."""
        holds = self.target.holds | self.target.tree_holds
        self.lost["schema"] += sum(
            count for (group, schema), count in self.groups.items() if schema != self.labels[group]
        )
        for kind, names in (("dataset", self.datasets), ("split", self.splits)):
            if kind not in holds and len(names) > 1:
                self.lost[kind] += self.kept
        return Converted(
            self.rows, self.kept, dict(self.dropped), dict(+self.lost), dict(self.findings), tuple(self.problems)
        )


def _problem(file: str, row: int, detail: str) -> str:
    return f"{file}: {detail}" if detail.startswith("line ") else f"{file}: row {row}: {detail}"


def _records(source: Source, ignored: frozenset[str], tally: _Tally, strict: bool) -> Iterator[Record]:
    """The records to write; everything else is counted."""
    for row in rows(source):
        tally.rows += 1
        if isinstance(row, BadRow):
            item = bad_item(row, source.license)
        else:
            item = with_answer(to_item(row, source.license), row)
        if item.outcome.reason:
            if strict:
                raise InputError(_problem(item.file, item.row, item.outcome.detail or ""))
            tally.refuse(item)
            continue
        tally.findings.update(item.findings)
        tally.lost["completion"] += isinstance(row, SourceRow) and row.completion is not None
        record, left_out = _without(item.outcome.record, ignored)
        tally.findings.update({"ignored_label": left_out} if left_out else {})
        tally.take(record)
        yield record
    if not tally.kept:
        first = f" (the first: {tally.problems[0]})" if tally.problems else ""
        raise ShortfallError(f"no usable row: {tally.rows} read, {sum(tally.dropped.values())} unreadable{first}")


def _without(record: Record, ignored: frozenset[str]) -> tuple[Record, int]:
    """The record without the types to ignore, and how many mentions that took."""
    if not any(fold_label(label) in ignored for label in record.schema):
        return record, 0
    places = [place for place, label in enumerate(record.schema) if fold_label(label) not in ignored]
    schema = tuple(record.schema[place] for place in places)
    descriptions = record.schema_descriptions
    gold, entities = (_kept(listed, schema) for listed in (record.gold, record.entities))
    before, after = (sum(map(len, filter(None, pair))) for pair in ((record.gold, record.entities), (gold, entities)))
    left = replace(
        record,
        guid=content_guid(record.sentence, schema, record.dataset),
        schema=schema,
        schema_descriptions=tuple(descriptions[place] for place in places) if descriptions else None,
        gold=gold,
        entities=entities,
    )
    return left, before - after


def _kept(listed: tuple[Entity, ...] | None, schema: Sequence[str]) -> tuple[Entity, ...] | None:
    return None if listed is None else tuple(entity for entity in listed if entity.label in schema)


# --- what is lost ---------------------------------------------------------------------------------


def _losses(record: Record, target: _Target) -> Counter[str]:
    """What the target cannot hold of a record, by kind."""
    lost: Counter[str] = Counter()
    holds = target.holds
    listed = record.gold if record.entities is None else record.entities
    if "entities" not in holds:
        lost["entities"] += len(listed or ())
    elif "offsets" not in holds:
        in_order = (
            listed or () if "order" in holds else sorted(listed or (), key=lambda e: record.schema.index(e.label))
        )
        lost["offsets"] += _moved(record.sentence, in_order)
    if "cot" not in holds:
        lost["cot"] += record.cot is not None
    if "descriptions" not in holds:
        lost["descriptions"] += record.schema_descriptions is not None
    if "gold" not in holds and "entities" in holds:
        lost["gold"] += record.entities is not None and record.gold is not None and record.gold != record.entities
        lost["unlabelled"] += listed is None
    if "source_id" not in holds:
        lost["source_id"] += record.source_id is not None
    if "license" not in holds:
        # That of a known dataset goes with its name.
        lost["license"] += record.license not in ("unknown", license_of(record.dataset))
    if target.form.losses:
        lost.update(target.form.losses(record))
    elif "white_space" not in holds:
        lost["white_space"] += _plain(record.sentence) != record.sentence
    return +lost


def _moved(sentence: str, listed: Sequence[Entity]) -> int:
    """How many entities would be found at another place if only their texts were known."""
    bare = [Entity(entity.text, entity.label) for entity in listed]
    places = Counter((entity.start, entity.end, entity.label) for entity in ground_entities(sentence, bare))
    return sum((Counter((entity.start, entity.end, entity.label) for entity in listed) - places).values())


def _shown(record: Record, target: _Target) -> tuple[str, ...]:
    """The types of a record that a reader of the target sees, where rows have no schema of their own."""
    if "types" in target.tree_holds:
        return record.schema
    if target.form.lines:
        return labels_used(apart(record))
    listed = record.gold if record.entities is None else record.entities
    return labels_used(listed) if "entities" in target.holds else ()


# --- what is written ------------------------------------------------------------------------------


def _write_file(records: Iterator[Record], to: Path, target: _Target) -> None:
    with replacing(to) as temporary:
        if target.kind == "parquet":
            _write_parquet(records, temporary, target.form)
            return
        if target.form.write_file and target.kind == "file":
            target.form.write_file(records, temporary)
            return
        with _text(temporary, to.suffix.lower()) as handle:
            for piece in _pieces(records, target):
                handle.write(piece)


def _pieces(records: Iterator[Record], target: _Target) -> Iterator[str]:
    """The text of a file, piece by piece."""
    form = target.form
    if target.kind == "lines":
        lines = form.lines(records) if form.lines else (_plain(record.sentence) for record in records)
        yield from (line + "\n" for line in lines)
        return
    values = form.rows(records) if form.rows else iter(())
    if target.kind == "rows":
        yield from (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        return
    for number, value in enumerate(values):
        yield (",\n" if number else "[\n") + json.dumps(value, ensure_ascii=False)
    yield "\n]\n"


def _plain(sentence: str) -> str:
    """A sentence on one line."""
    return re.sub(r"[\r\n]+", " ", sentence).strip()


@contextmanager
def _text(path: Path, packed: str) -> Iterator[IO[str]]:
    """A text file in UTF-8, packed as the suffix says; the same text gives the same bytes."""
    with ExitStack() as stack:
        raw: Any = stack.enter_context(path.open("wb"))
        if packed == ".gz":
            raw = stack.enter_context(gzip.GzipFile("", "wb", 6, raw, mtime=0))
        elif packed == ".zst":
            import pyarrow as pa

            raw = stack.enter_context(pa.CompressedOutputStream(raw, "zstd"))
        yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"))


def _write_parquet(records: Iterator[Record], path: Path, form: Format) -> None:
    out = Table(path, _arrow()[form.name])
    try:
        for value in form.rows(records) if form.rows else ():
            out.add(value)
    finally:
        out.close()


def _write_folder(records: Iterable[Record], to: Path, form: Format) -> None:
    temporary, old = (to.with_name(f".{to.name}.{os.getpid()}.{kind}") for kind in ("tmp", "old"))
    with writing(to):
        try:
            temporary.mkdir(parents=True)
            if form.write_tree:
                form.write_tree(records, temporary)
            if to.exists():
                os.replace(to, old)
            os.replace(temporary, to)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def _arrow_names() -> frozenset[str]:
    return frozenset(("nercot", "reasoningner", "pile_ner", "tokens", "text"))


def _arrow() -> dict[str, pa.Schema]:
    """The columns of the formats that Parquet can hold, with explicit types."""
    import pyarrow as pa

    text, number = pa.string(), pa.int32()
    labels = pa.list_(pa.field("element", text))

    def listed(**fields: Any) -> Any:
        return pa.list_(pa.field("element", pa.struct(list(fields.items()))))

    entities = listed(text=text, label=text, start=number, end=number)
    argued = listed(text=text, label=text, start=number, end=number, cot_start=number, cot_end=number)
    mentions = listed(text=text, entity_type=text, start=number, end=number)
    ours = dict.fromkeys(("guid", "dataset", "source_id", "split", "license", "sentence"), text)
    known = dict.fromkeys(("id", "dataset", "split", "license"), text)
    return {
        "nercot": pa.schema(
            ours | {"schema": labels, "schema_descriptions": labels, "gold": entities, "cot": text, "entities": argued}
        ),
        "reasoningner": pa.schema(
            dict.fromkeys(("guid", "source", "sentence"), text)
            | {"schema": labels, "cot": text, "entities": listed(text=text, label=text)}
        ),
        "pile_ner": pa.schema({"id": text, "conversations": listed(**{"from": text, "value": text})}),
        "tokens": pa.schema(known | {"tokens": labels, "text": text, "entity_mentions": mentions, "schema": labels}),
        "text": pa.schema({"id": text, "text": text, "schema": labels}),
    }
