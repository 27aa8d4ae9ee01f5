"""PATH -> records: resolves what the user named, reads its rows, grounds gold, gives guids.

In: a file, a folder, or a Hub dataset `org/name[@revision][:config]`.  Out: Items, one a row: a record
(its guid still without ordinal) or a dropped outcome, with the file and row that it came from and the
findings about it.  Never holds more than one row of a file in memory (a dialect may say otherwise).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nercot.corpus.benchmarks import benchmark_at, license_of
from nercot.corpus.labels import fold_label, match_label
from nercot.corpus.licenses import license_of_row
from nercot.corpus.recipe_source import SourceSpec
from nercot.corpus.records import Entity, Outcome, Record, content_guid, unreadable_guid
from nercot.corpus.storage import fetch, is_remote
from nercot.corpus.whereabouts import corpus_meant
from nercot.errors import InputError
from nercot.formats import DataFile, Format, format_named, format_of
from nercot.formats.detection import refuse_others
from nercot.formats.files import PACKED, folder_of, refuse_doubles, split_named, split_of_file
from nercot.formats.instructuie import LABELS_FILE
from nercot.formats.joining import AUTO
from nercot.formats.notices import say
from nercot.formats.registry import suffixes
from nercot.formats.relabel import Relabel
from nercot.formats.rows import MAX_TYPES, BadRow, ReadOptions, SourceRow, unique
from nercot.formats.tag_names import NOT_DATA
from nercot.formats.tags import OUTSIDE, PLAIN, labels_of_tags, scheme_of
from nercot.validation.grounding import ground_gold

_USUAL_SUFFIXES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".jsonlines",
    ".parquet",
    ".arrow",
    ".txt",
    ".tsv",
    ".conll",
    ".conllu",
    ".bio",
    ".iob",
    ".iob2",
    ".iobes",
)
DATA_SUFFIXES = (*_USUAL_SUFFIXES, *suffixes())
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
MAX_INPUT = 2000
_NO_SCHEMA = "the row has no schema and no entities to take one from"


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a source: kept record or dropped outcome (of the `step`), and where it stands."""

    outcome: Outcome
    file: str
    row: int
    findings: tuple[str, ...] = ()
    raw: bytes = b""
    step: str = "source"


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that decides how a source is read."""

    files: tuple[DataFile, ...]
    format: Format
    options: ReadOptions = field(default_factory=ReadOptions)
    license: str = "unknown"
    split: str | None = None
    relabel: Relabel | None = None

    @property
    def types(self) -> Mapping[str, tuple[str, ...]]:
        """The types of each data set whose rows bring none, as its files show them; none where the user states them."""
        if self.options.stated:
            return {}
        known = {file.dataset: file.schema for file in self.files if file.dataset and file.schema}
        closed = {name: schema for name, schema in known.items() if len(schema) <= MAX_TYPES}
        rows = [SourceRow("", 0, name, name, schema) for name, schema in closed.items()]
        return {row.dataset: row.schema for row in map(self.relabel or (lambda row: row), rows) if row.schema}


def open_source(
    where: str,
    form: str | None = None,
    options: ReadOptions | None = None,
    license: str = "unknown",
    split: str | None = None,
    relabel: Relabel | None = None,
    files: tuple[DataFile, ...] | None = None,
) -> Source:
    """A source from a path or Hub id, or of `files`; missing, empty or unknown input is an InputError."""
    files = find_files(where) if files is None else files
    chosen = format_named(form) if form else _common_format(files)
    asked = options or ReadOptions()
    for file in files if form else ():
        refuse_others(file.path, chosen)
    _say_unused(chosen, asked)
    surveyed = chosen.survey(files, asked) if chosen.survey else files
    surveyed = tuple(_spelled(file, asked.schema or ()) for file in surveyed)
    if relabel:
        surveyed = tuple(_widened(file, relabel.schema_of(file.dataset)) for file in surveyed)
    for name in {file.split for file in surveyed if file.split and not asked.dataset}:
        refuse_doubles((folder_of(file.path), file.dataset) for file in surveyed if file.split == name and file.dataset)
    return Source(surveyed, chosen, asked, license, split_named(split) if split else None, relabel)


def _say_unused(form: Format, asked: ReadOptions) -> None:
    """Tells of what the user says of tokens and sentences, and no reader of this format listens to."""
    said = {"join": asked.join != AUTO, "column": asked.column, "sentences": asked.sentences, "names": asked.names}
    unused = [name for name, given in said.items() if given and name not in form.takes]
    if unused:
        names = ", ".join("labels as names of tags" if name == "names" else f"source.{name}" for name in unused)
        say(f"{names}: without effect, as files of the format {form.name} are not read by it")


def _spelled(file: DataFile, stated: tuple[str, ...]) -> DataFile:
    """A file whose types are spelled as the user states them, where they are the same but for case and signs."""
    known = set(map(fold_label, stated))
    if not file.schema or not known:
        return file
    return replace(
        file, schema=tuple(label for label in file.schema if label in stated or fold_label(label) not in known)
    )


def _widened(file: DataFile, types: tuple[str, ...]) -> DataFile:
    """A file whose rows take their schema from the data set, with the types that the recipe states for it."""
    return replace(file, schema=unique((*types, *(_spelled(file, types).schema or ())))) if types else file


def options_of(spec: SourceSpec) -> ReadOptions:
    """What a recipe's source tells the readers; labels that are tags (O, B-PER, ...) name tags that are numbers."""
    read = reading(spec.labels)
    return replace(read, join=spec.join or read.join, column=spec.column, sentences=spec.sentences)


def reading(labels: Sequence[str] | None, tags: Sequence[str] | None = None) -> ReadOptions:
    """What the types that a user states, or the names of numbered tags among or beside them, tell the readers."""
    listed = tuple(labels or ())
    if tags is None and not OUTSIDE.isdisjoint(listed):
        listed, tags = (), listed
    types = unique((*listed, *labels_of_tags(tags or (), scheme_of(dict.fromkeys(tags or (), 1)) or PLAIN)))
    return ReadOptions(schema=types or None, stated=bool(types), names=tuple(tags or ()))


def _common_format(files: tuple[DataFile, ...]) -> Format:
    """The one format of all files; two formats in a folder are an error that names both."""
    first = format_of(files[0].path)
    for file in files[1:]:
        form = format_of(file.path)
        if form is not first:
            raise InputError(
                f"{files[0].path} is {first.name}, {file.path} is {form.name}: "
                "one source has one format; name a single file, or say the format with --from"
            )
    return first


def find_files(where: str) -> tuple[DataFile, ...]:
    """The data files behind a PATH: an existing file or folder first, else objects of a storage, else a Hub dataset."""
    if is_remote(where):
        url, config = _with_config(where)
        where = f"{fetch(url)}:{config}" if config else str(fetch(url))
    where = corpus_meant(where)
    path = Path(where).expanduser()
    if path.is_file():
        return (DataFile(path, path.name, split_of_file(path)),)
    if path.is_dir():
        return _folder_files(path)
    base, colon, config = where.rpartition(":")
    if colon and Path(base).is_dir():
        return corpus_files(Path(base), config)
    name = base if colon else where
    if _is_hub_id(name) and not _looks_local(where):
        from nercot.formats.hub import download

        chosen = config if colon else None
        try:
            folder = download(name.partition("@")[0], name.partition("@")[2] or None, chosen)
        except InputError as error:
            if "@" in name:
                raise
            raise InputError(f"{where}: no file or folder of that name here, and on the Hub: {error}") from error
        return corpus_files(folder, chosen) if chosen or _configs(folder / "README.md") else _folder_files(folder)
    raise InputError(f"{where}: no such file or folder; check the path")


def corpus_folder(where: str) -> Path:
    """The whole folder of a corpus: itself, a copy from a storage, or of a Hub dataset `org/name[@revision]`."""
    if is_remote(where):
        return fetch(where)
    where = corpus_meant(where)
    path = Path(where).expanduser()
    if path.exists() or not _is_hub_id(where) or _looks_local(where):
        return path
    from nercot.formats.hub import download_whole

    return download_whole(where)


def _with_config(url: str) -> tuple[str, str]:
    """A storage's URL and the config that stands behind a last colon, if one does."""
    base, _, config = url.rpartition(":")
    return (url, "") if "/" in config else (base, config)


def _is_hub_id(name: str) -> bool:
    """Whether this can be `org/name[@revision]`."""
    return bool(_HUB_ID.fullmatch(name.partition("@")[0])) and not name.startswith((".", "/", "~"))


def _looks_local(where: str) -> bool:
    """Whether a name that does not exist was meant as a file (it ends like one, or its folder exists)."""
    folders = ("build/", "releases/", "hydrated/")
    return where.endswith(DATA_SUFFIXES + PACKED) or where.startswith(folders) or Path(where).parent.is_dir()


def _folder_files(folder: Path) -> tuple[DataFile, ...]:
    if _configs(folder / "README.md"):
        return corpus_files(folder, None)
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_data(path))
    if not files:
        files = _tree_files(folder)
    if not files:
        raise InputError(
            f"{folder}: a folder without data files ({', '.join(DATA_SUFFIXES)}); name a file, or another folder"
        )
    empty = [str(path) for path in files if not path.stat().st_size]
    if empty:
        raise InputError(f"{', '.join(empty)}: empty; fetch {'it' if len(empty) == 1 else 'them'} again, or delete")
    return tuple(DataFile(path, path.relative_to(folder).as_posix(), split_of_file(path)) for path in files)


def _tree_files(folder: Path) -> list[Path]:
    """The data files in all folders below; one that lists labels but has no data is an InputError."""
    visible = [path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(folder))]
    files = sorted(path for path in visible if is_data(path))
    bare = {path.parent for path in visible if _unpacked(path) == LABELS_FILE} - {path.parent for path in files}
    if files and bare:
        listed = ", ".join(map(str, sorted(bare)))
        raise InputError(f"{listed}: {LABELS_FILE} without a data file beside it; add train.json, or delete the folder")
    return files


def _is_hidden(path: Path) -> bool:
    """Whether a file lies in a folder of some tool: .git, .ipynb_checkpoints, __MACOSX."""
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def is_data(path: Path) -> bool:
    """Whether a file's name is that of data."""
    name = _unpacked(path)
    if name.startswith((".", "cache-")) or name in ("manifest.json", *NOT_DATA):
        return False
    return name.endswith(DATA_SUFFIXES)


def _unpacked(path: Path) -> str:
    """A file's name in lower case, without the suffix that says how it is packed."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name


def corpus_configs(folder: Path) -> list[str]:
    """The names of the configs that a data set's card lists, in its order; none without a card."""
    return [str(item.get("config_name")) for item in _configs(folder / "README.md")]


def corpus_files(folder: Path, config: str | None) -> tuple[DataFile, ...]:
    """The files of one config of a corpus folder (its default config where none is named)."""
    configs = _configs(folder / "README.md")
    names = [str(item.get("config_name")) for item in configs]
    if not configs and config and (folder / config).is_dir():
        return _folder_files(folder / config)
    if config is None and configs:
        config = str(next((item for item in configs if item.get("default")), configs[0]).get("config_name"))
    chosen = next((item for item in configs if item.get("config_name") == config), None)
    if chosen is None:
        raise InputError(f"{folder}: no config {config!r}; there are {', '.join(names) or 'none'}")
    files = tuple(_config_files(folder, chosen))
    if not files:
        raise InputError(f"{folder}: the files of config {config!r} are missing")
    return files


def _config_files(folder: Path, config: Mapping[str, object]) -> Iterator[DataFile]:
    data = config.get("data_files")
    if data is None:
        yield from _folder_files(folder / str(config.get("data_dir") or config.get("config_name")))
        return
    entries = data if isinstance(data, list) else [{"split": "train", "path": data}]
    for entry in entries:
        patterns = entry.get("path") if isinstance(entry, dict) else entry
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            for path in sorted(folder.glob(str(pattern))):
                split = str(entry.get("split")) if isinstance(entry, dict) else None
                yield DataFile(path, path.relative_to(folder).as_posix(), split)


def _configs(readme: Path) -> list[dict[str, object]]:
    """The configs that a dataset card lists; none where there is no card."""
    if not readme.exists():
        return []
    import yaml

    text = readme.read_text(encoding="utf-8", errors="replace")
    head = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|\Z)", text, re.DOTALL)
    if not head:
        return []
    try:
        data = yaml.safe_load(head[1])
    except yaml.YAMLError as error:
        raise InputError(f"{readme}: the block of YAML at its top cannot be read; mend it or take it out") from error
    configs = data.get("configs") if isinstance(data, dict) else None
    return [item for item in configs if isinstance(item, dict)] if isinstance(configs, list) else []


def file_hashes(files: tuple[DataFile, ...]) -> list[dict[str, str]]:
    """Name and sha256 of every file, for the manifest and to see whether a source changed."""
    return [{"name": file.name, "sha256": sha256_of(file.path)} for file in files]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def rows(source: Source) -> Iterator[SourceRow | BadRow]:
    """The rows of all files of a source, of the split asked for, with the labels that the recipe wants."""
    for file in source.files:
        for row in file_rows(source, file):
            yield row if isinstance(row, BadRow) else with_split(row, file)


def with_split(row: SourceRow, file: DataFile) -> SourceRow:
    """The row with the split of its file, where it names none."""
    return row if row.split or not file.split else replace(row, split=file.split)


def file_rows(source: Source, file: DataFile, only: frozenset[int] | None = None) -> Iterator[SourceRow | BadRow]:
    """The rows of one file as they are, of the split asked for, with the labels that the recipe wants.

    `only`: those with these numbers (a dialect may give more).
    """
    options, folder = replace(file.options(source.options), only=only), folder_of(file.path)
    for row in source.format.read(file.path, file.name, options):
        if isinstance(row, SourceRow):
            split = row.split or file.split
            if source.split and split and split != source.split:
                continue
            row = source.relabel(row) if source.relabel else row
        yield _licensed(row, folder)


def _licensed(row: SourceRow | BadRow, folder: Path) -> SourceRow | BadRow:
    """The row with the licence that the registry knows by the place of its file, where its own name tells none."""
    if row.license or license_of(row.dataset):
        return row
    known = benchmark_at(row.dataset, folder)
    return replace(row, license=known.license) if known else row


def items(source: Source) -> Iterator[Item]:
    """Records and dropped outcomes of a source, in the order of its files."""
    for row in rows(source):
        yield bad_item(row, source.license) if isinstance(row, BadRow) else to_item(row, source.license)


def bad_item(row: BadRow, license: str) -> Item:
    """A row that could not be read, as a dropped outcome."""
    known = (row.license and license_of_row(row.license)) or license_of(row.dataset) or license
    record = Record(unreadable_guid(row.raw, row.dataset), row.dataset, "", (), license=known)
    return Item(Outcome(record, "unreadable", row.detail), row.file, row.row, raw=row.raw)


def to_item(row: SourceRow, license: str) -> Item:
    """A row as a record: gold grounded, labels in the schema's spelling, guid from its content."""
    findings = list(row.findings)
    schema = row.schema
    if not schema:
        raw = row.sentence.encode("utf-8", "surrogatepass")
        return bad_item(
            BadRow(row.file, row.row, row.dataset, _NO_SCHEMA, raw, row.license),
            license,
        )
    listed = row.gold if row.gold is not None else row.entities
    gold = None if listed is None else _gold(row.sentence, schema, listed, findings)
    record = Record(
        guid=content_guid(row.sentence, schema, row.dataset),
        dataset=row.dataset,
        sentence=row.sentence,
        schema=schema,
        schema_descriptions=row.descriptions,
        gold=gold,
        source_id=row.source_id,
        split=row.split,
        license=(row.license and license_of_row(row.license)) or license_of(row.dataset) or license,
    )
    return Item(Outcome(record), row.file, row.row, tuple(findings))


def with_answer(item: Item, row: SourceRow) -> Item:
    """The item with the answer that its row brings along: trace and entities, apart from the gold."""
    if item.outcome.reason or (row.cot is None and row.entities is None):
        return item
    record, findings = item.outcome.record, list(item.findings)
    entities = record.gold if row.gold is None else None
    if row.gold is not None and row.entities is not None:
        entities = _gold(record.sentence, record.schema, row.entities, findings)
    gold = record.gold if row.gold is not None else None
    record = replace(record, gold=gold, cot=row.cot, entities=entities)
    return replace(item, outcome=Outcome(record), findings=tuple(findings))


def _gold(
    sentence: str, schema: tuple[str, ...], listed: tuple[Entity, ...], findings: list[str]
) -> tuple[Entity, ...]:
    """The source's entities with offsets; what is not there is a finding."""
    known = []
    for entity in listed:
        label = match_label(entity.label, schema)
        if label is None:
            findings.append("type_not_in_schema")
        else:
            known.append(entity if label == entity.label else replace(entity, label=label))
    grounded, kinds = ground_gold(sentence, known)
    findings.extend(kinds.elements())
    rank = {label: place for place, label in enumerate(schema)}
    return tuple(sorted(grounded, key=lambda entity: (entity.start, -(entity.end or 0), rank[entity.label])))
