"""Rows as a page shows them: what is known of one sentence, its attempts, and what became of it.

In: the folder of a candidate or a release (all its configs), files of any format that carries answers, or a file of
verdicts beside the rows that it judges.  Out: one JSON object a row, in a fixed order, the text as it stands there;
what has no text (stand-off) is shown without.  Streams, two passes at most: `strata` says what there is,
`rows` gives those that are wanted.  Never changes what it reads, and never repairs a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import merge
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from nercot.corpus.benchmarks import text_may_be_passed_on
from nercot.corpus.manifest import Manifest, configs_of, read_manifest
from nercot.corpus.records import Answer, Record, answer_hash, content_guid, unreadable_guid
from nercot.corpus.tables import entity_rows, read_rows
from nercot.errors import InputError
from nercot.formats.json_files import json_rows
from nercot.formats.rows import BadRow, SourceRow
from nercot.formats.sources import MAX_INPUT, Source, corpus_configs, corpus_folder, open_source, rows
from nercot.report.attempts import TOLD, attempt_of, boundary_of, corpus_row, finished, question_of, verdict_of
from nercot.validation.rules import validate

Row = dict[str, Any]
# Where a row stands in what is read, and the layer that a sample draws it from.
Key = tuple[str, str]

_TRAINING = frozenset(("sft", "grpo", "preference"))


class Answered(NamedTuple):
    """An answer that people can judge: the key of its row, what became of it, its data set, and its score if any.

    `answer`: the hash of it where that is known without reading the row; `bare`: whether it stands without text, so
    that nobody can judge it.
    """

    key: str
    kept: bool
    dataset: str
    score: float | None
    answer: str | None = None
    bare: bool = False


class Rows(Protocol):
    """What can be shown: its name, what it says of itself, its rows."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def manifest(self) -> Manifest | None:
        """What a corpus of ours says of itself."""

    def strata(self) -> Iterator[Key]:
        """(key, layer) of every row, in order; a layer is what became of a row, and its data set."""

    def rows(self, wanted: Collection[str] | None = None) -> Iterator[Row]:
        """The rows whose keys are wanted (None: all), in order."""

    def answers(self) -> Iterator[Answered]:
        """The rows with an answer that can be read, in order."""

    def withholds(self, row: Row) -> bool:
        """Whether the text of a row must not stand in a page: it may not be passed on."""


def open_rows(where: str, form: str | None = None, beside: str | None = None) -> Rows:
    """What stands at PATH: a corpus with all its configs, a file of any format, or (`beside`) verdicts on its rows.

    Raises InputError for what is not there or cannot be read.
    """
    if beside is not None:
        return Judged(Path(where).name, _verdicts(Path(where)), open_rows(beside, form))
    folder = corpus_folder(where)
    if form is None and folder.is_dir() and (folder / "manifest.json").is_file():
        return Corpus.of(folder)
    names = corpus_configs(folder) if folder.is_dir() and form is None else []
    if len(names) > 1:
        return Listed(where, tuple(_config_sources(folder, names)))
    return Listed(Path(where).name, (open_source(where if form or not folder.is_dir() else str(folder), form),))


def _config_sources(folder: Path, names: Sequence[str]) -> Iterator[Source]:
    """The configs of a data set that hold sentences; those for training repeat them."""
    problems = []
    for name in names:
        try:
            yield open_source(f"{folder}:{name}")
        except InputError as error:
            problems.append(error)
    if len(problems) == len(names):
        raise problems[0]


# --- a corpus of ours ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corpus:
    """A candidate or a release: the configs side by side, each sorted by guid."""

    name: str
    folder: Path
    manifest: Manifest

    @classmethod
    def of(cls, folder: Path) -> Corpus:
        """The corpus in that folder."""
        manifest = read_manifest(folder)
        return cls(manifest["corpus"], folder, manifest)

    def strata(self) -> Iterator[Key]:
        """(guid, layer) of every record."""
        for guid, group in self._groups(("guid", "dataset", "step", "reason", "attempt")):
            known = dict(group)
            drop = known.get("dropped")
            fate = "kept" if "kept" in known else f"{drop['step']}: {drop['reason']}" if drop else "pending"
            yield guid, f"{fate} / {next(iter(known.values()))['dataset']}"

    def rows(self, wanted: Collection[str] | None = None) -> Iterator[Row]:
        """Each record with its attempts and its fate."""
        recipe = self.manifest["recipe"]
        threshold = recipe["select"]["threshold"] if "select" in recipe["steps"] else None
        validating = {**recipe.get("validate", {}), "read": "read" in recipe["steps"], "threshold": threshold}
        for guid, group in self._groups(None):
            if wanted is None or guid in wanted:
                yield corpus_row(guid, group, validating)

    def answers(self) -> Iterator[Answered]:
        """The records with an answer: the one that was kept, or the one that the last step refused."""
        columns = ("guid", "dataset", "license", "sentence", "entities", "score", "attempt")
        for guid, group in self._groups(columns):
            known = {kind: row for kind, row in group if row.get("entities") is not None}
            kept, last = known.get("kept"), known.get("dropped")
            if row := kept or last:
                score = (kept or known.get("raw") or {}).get("score")
                bare = not row.get("sentence") or self.withholds(row)
                yield Answered(guid, kept is not None, row["dataset"], score, bare=bare)

    def withholds(self, row: Row) -> bool:
        """As a release does, but where the corpus is for its owner alone (internal, or hydrated)."""
        if self.manifest.get("internal") or self.manifest.get("restricted_text"):
            return False
        return not text_may_be_passed_on(row["dataset"], row["license"])

    def _groups(self, columns: Iterable[str] | None) -> Iterator[tuple[str, list[tuple[str, Row]]]]:
        streams = [self._stream(kind, config, columns) for kind, config in self._kinds().items()]
        merged = merge(*streams, key=lambda item: str(item[1]["guid"]))
        for guid, group in groupby(merged, key=lambda item: str(item[1]["guid"])):
            yield guid, list(group)

    def _kinds(self) -> dict[str, str]:
        """kept, raw, dropped -> the config that says so."""
        configs = configs_of(self.manifest)
        default = next((name for name in configs if name not in _TRAINING), None)
        named = {"kept": default, "raw": "raw", "dropped": "dropped"}
        return {kind: name for kind, name in named.items() if name in configs and (kind == "kept" or name != default)}

    def _stream(self, kind: str, config: str, columns: Iterable[str] | None) -> Iterator[tuple[str, Row]]:
        def one(path: Path) -> Iterator[tuple[str, Row]]:
            wanted = None if columns is None else _present(path, columns)
            return ((kind, row) for row in read_rows(path, wanted))

        files = configs_of(self.manifest)[config]
        return merge(*(one(self.folder / file["path"]) for file in files), key=lambda item: str(item[1]["guid"]))


def _present(path: Path, columns: Iterable[str]) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: missing or damaged; build it again") from error
    return [name for name in columns if name in names]


# --- files of any format ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """Rows of files: the rules say of each whether it is kept, where the rows do not say so themselves."""

    name: str
    sources: tuple[Source, ...]
    manifest: Manifest | None = None

    @cached_property
    def traced(self) -> bool:
        """Whether any row has a trace: then a row without one is not justified."""
        return any(isinstance(row, SourceRow) and _has_answer(row) for row in self._read())

    def strata(self) -> Iterator[Key]:
        """(number, data set) of every row: what became of it is only known after it was judged."""
        for number, row in enumerate(self._read()):
            yield str(number), row.dataset

    def rows(self, wanted: Collection[str] | None = None) -> Iterator[Row]:
        """Each row with its answer."""
        trace = "required" if self.traced else "optional"
        for number, row in enumerate(self._read()):
            if wanted is None or str(number) in wanted:
                yield _bad_row(row) if isinstance(row, BadRow) else _listed_row(row, trace)

    def answers(self) -> Iterator[Answered]:
        """The rows whose answer can be read."""
        for number, row in enumerate(self.rows()):
            yield from _answered(str(number), row)

    def withholds(self, row: Row) -> bool:
        """Nothing: the files are the user's own."""
        return False

    def _read(self) -> Iterator[SourceRow | BadRow]:
        return chain.from_iterable(rows(source) for source in self.sources)


def _answered(key: str, row: Row) -> Iterator[Answered]:
    attempts = row["attempts"]
    first = attempts[row["first"]] if attempts else {}
    if row.get("sentence") and first.get("entities") is not None:
        yield Answered(key, row["kept"] == "kept", row["dataset"], row.get("score"), first["answer"])


def _has_answer(row: SourceRow) -> bool:
    return row.cot is not None or row.completion is not None


def record_of(row: SourceRow) -> Record:
    """A row with the answer that it brings along: a completion, or a trace and entities, or gold in their place."""
    schema = row.schema or ()
    entities = row.entities if row.entities is not None or row.completion is not None else row.gold
    return Record(
        guid=row.guid or row.source_id or content_guid(row.sentence, schema, row.dataset),
        dataset=row.dataset,
        sentence=row.sentence,
        schema=schema,
        schema_descriptions=row.descriptions,
        gold=row.gold,
        source_id=row.source_id,
        split=row.split,
        license=row.license or "unknown",
        cot=row.cot,
        entities=entities,
        answer=None if row.completion is None else Answer("unknown", row.completion, row.reasoning),
    )


def _listed_row(row: SourceRow, trace: str) -> Row:
    record = record_of(row)
    verdict = verdict_of(validate(record, trace=trace))
    told = row.extra.get("reason")
    reason = told or next((item["rule"] for item in verdict["violations"]), None)
    question = {
        **{name: getattr(record, name) for name in TOLD},
        "sentence": record.sentence,
        "schema": record.schema,
        "schema_descriptions": record.schema_descriptions and list(record.schema_descriptions),
        "gold": entity_rows(record.gold if row.entities is not None or row.completion is not None else None),
    }
    shown = question_of(record.guid, question, "dropped" if reason else "kept")
    if reason:
        detail = next((item["detail"] for item in verdict["violations"]), None)
        shown |= {"step": row.extra.get("step", "validate"), "reason": reason, "detail": detail}
    answered: Row = {"completion": row.completion, "reasoning": row.reasoning, "score": row.extra.get("score")}
    attempt = {name: value for name, value in answered.items() if value is not None}
    found = entity_rows(record.entities) if verdict["entities"] is None else verdict["entities"]
    attempt |= {"cot": verdict["cot"], "entities": found}
    shown["attempts"] = [attempt_of(attempt, question, (not reason, reason, verdict))]
    shown |= {"drift": row.extra.get("drift")}
    return finished(shown)


def _bad_row(row: BadRow) -> Row:
    """A row that could not be read, with the beginning of it."""
    shown = question_of(
        unreadable_guid(row.raw, row.dataset), {"dataset": row.dataset, "license": row.license}, "dropped"
    )
    shown |= {"step": "source", "reason": "unreadable", "detail": row.detail, "attempts": []}
    shown |= {"source_file": row.file, "source_row": row.row}
    return finished({**shown, "input": row.raw[:MAX_INPUT].decode("utf-8", "replace")})


# --- verdicts beside their rows -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows with what `verdicts.jsonl` says of them; verdicts of rows that are not there are counted."""

    name: str
    verdicts: Mapping[str, Row]
    inner: Rows
    manifest: Manifest | None = None
    seen: set[str] = field(default_factory=set)

    def strata(self) -> Iterator[Key]:
        """As the rows themselves say."""
        return self.inner.strata()

    def rows(self, wanted: Collection[str] | None = None) -> Iterator[Row]:
        """Each row, its fate as the verdict has it; a row without a verdict is pending."""
        for row in self.inner.rows(wanted):
            yield self._judged(row)

    def answers(self) -> Iterator[Answered]:
        """The rows whose answer can be read."""
        for (key, _), row in zip(self.inner.strata(), self.rows(), strict=True):
            yield from _answered(key, row)

    def withholds(self, row: Row) -> bool:
        """As the rows themselves say."""
        return self.inner.withholds(row)

    def _judged(self, row: Row) -> Row:
        said = self.verdicts.get(row["guid"]) or self.verdicts.get(row.get("source_id") or "")
        if said is None:
            return row if row.get("reason") == "unreadable" else {**row, "kept": "pending"}
        self.seen.add(said["guid"])
        violations = said.get("violations") or []
        reason = next((item["rule"] for item in violations), None)
        row = {name: value for name, value in row.items() if name not in ("step", "reason", "detail")}
        row |= {"kept": "kept" if said["valid"] else "dropped"}
        if reason:
            row |= {"step": "validate", "reason": reason, "detail": violations[0].get("detail")}
        attempts = [dict(item) for item in row["attempts"]] or [{"cot": None, "entities": None, "gold": []}]
        told = {"violations": violations, "kept": said["valid"], "reason": reason}
        read = {name: said[name] for name in ("reading", "reader") if said.get(name) is not None}
        entities = said.get("entities")
        given = {} if entities is None else {"entities": entities, "answer": answer_hash(attempts[-1]["cot"], entities)}
        attempts[-1] |= {**told, **read, **given}
        last = attempts[-1]
        if last.get("cot") and last.get("entities") and last.get("reading"):
            last["boundary"] = boundary_of(row, last["cot"], last["entities"], last["reading"])
        return {**row, "attempts": attempts}


def _verdicts(path: Path) -> dict[str, Row]:
    """guid -> the last verdict on it; a line that is none is an InputError that names it."""
    found: dict[str, Row] = {}
    if not path.is_file():
        raise InputError(f"{path}: no such file; nercot validate PATH --out DIR writes DIR/verdicts.jsonl")
    for line in json_rows(path):
        value = line.value
        if not isinstance(value, dict) or not isinstance(value.get("guid"), str) or "valid" not in value:
            raise InputError(f"{path}: line {line.row}: no verdict (guid, valid, violations); name a verdicts.jsonl")
        found[value["guid"]] = value
    return found
