"""A corpus made again from itself: its own raw and dropped rows go through the steps once more.

In: the folder of a candidate or a release.  Out: a candidate, made by the same code that builds one, in which
every answer and judgement is what the folder says it was.  No model is asked and no ledger opened.  What was
taken down since is left out.  Streams: memory is that of a build.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from heapq import merge
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from nercot.building.builder import Build
from nercot.building.lists import stages_of, turns_of
from nercot.building.models import Models
from nercot.building.options import BuildOptions
from nercot.building.stages import SelectStage, StageList
from nercot.corpus.manifest import Manifest, configs_of, read_manifest, splits_of
from nercot.corpus.recipe import Model, Recipe, Sample
from nercot.corpus.recipe_source import SourceSpec
from nercot.corpus.records import Answer, Judgement, Outcome, Record
from nercot.corpus.removed import Removal, sentence_hash, taken_down
from nercot.corpus.streams import Groups
from nercot.corpus.tables import read_rows, table, to_reading, to_record
from nercot.corpus.work import Report, Row, Work, dropped_row, quiet
from nercot.llm.messages import Request
from nercot.steps.annotate import Teacher
from nercot.steps.ingest import Ingested, partition_names
from nercot.steps.read import Reader, has_trace, read
from nercot.steps.score import Judge
from nercot.steps.select import TOUCHES
from nercot.steps.stage import RecordStage

# The steps whose drops no teacher is asked about.
_BEFORE = ("source", "stratify")
_ANSWER = [item.name for item in fields(Answer)]
_READING = ["reading", "reader", "reader_key"]
_Rules = Sequence[str] | None
_JUDGEMENT = ["score", "judge", "judgement", "judge_key"]


def rebuild(corpus: Path, root: Path, removed: Mapping[str, Removal] | None = None, report: Report = quiet) -> Path:
    """Makes the corpus in the folder `corpus` again in the empty folder `root`; returns `root/candidate`.

    `removed`: what was taken down, by the hash of its sentence.  Raises InputError for a folder that is no
    corpus, or is damaged.
    """
    manifest = read_manifest(corpus)
    recipe = recipe_of(manifest)
    work = Work(root)
    ingested = _Source(corpus, manifest, removed or {}).write(work, recipe.digits)
    prompts = manifest["prompts"]
    disputed = {(item["guid"], item["answer"]) for item in manifest.get("disputed", ())}
    stages = _replayed(stages_of(recipe, prompts).without(disputed), corpus, manifest)
    with ExitStack() as stack:
        models = Models(recipe, BuildOptions(), stack)
        run = Build(recipe, prompts, stages, work, models, report, manifest.get("calibration"))
        run.recorded = list(manifest.get("recorded", ()))
        run.audit = manifest.get("audit")
        return run.run(ingested).candidate


def recipe_of(manifest: Manifest) -> Recipe:
    """The recipe that a manifest speaks of, as far as it decides the content."""
    made = manifest["recipe"]
    rules = made["validate"]["rules"]
    return Recipe(
        name=manifest["corpus"],
        folder=Path(),
        steps=tuple(made["steps"]),
        title=manifest["title"],
        license=manifest["license"],
        language=tuple(manifest["language"]),
        about=manifest["about"],
        citation=manifest["citation"],
        source=SourceSpec.read(made["source"]),
        sample=Sample(**made.get("sample", {})),
        digits=made["partition"]["digits"],
        teachers=teachers_of(made),
        reader=model_of(made["reader"]) if "reader" in made else Model(),
        judge=model_of(made["judge"]),
        rules=None if rules is None else tuple(rules),
        trace=made["validate"]["trace"],
        threshold=made["select"]["threshold"],
        duplicates=made["select"]["duplicates"],
        near_duplicates=made["select"]["near_duplicates"],
        contamination=made["select"]["contamination"],
        agreement=made["select"].get("agreement", 1),
        pairs=made["select"].get("pairs", False),
        validation=made["split"]["validation"],
        test=made["split"]["test"],
    )


def teachers_of(made: Mapping[str, Any]) -> tuple[Model, ...]:
    """The teachers that a manifest's recipe names."""
    named = made["teacher"]
    return tuple(map(model_of, named if isinstance(named, list) else [named]))


def model_of(made: Mapping[str, Any]) -> Model:
    """A teacher, reader or judge as a manifest names it; it has no address, so it cannot be asked."""
    return Model(**made)


class Requests:
    """The requests behind a corpus' answers, made anew from the prompts and settings in its manifest."""

    def __init__(self, manifest: Manifest) -> None:
        recipe, self._prompts, self._name = manifest["recipe"], manifest["prompts"], manifest["corpus"]
        self._teachers = teachers_of(recipe)
        self._turns = turns_of(self._teachers)
        self._reader = model_of(recipe["reader"]) if "reader" in recipe else None
        self._judge = model_of(recipe["judge"]) if "judge" in self._prompts else None

    def teacher(self, row: Row) -> list[Request]:
        """What the teacher was asked for the answer of a raw row; nothing if there was no teacher."""
        if "annotate" not in self._prompts or not 1 <= row["attempt"] <= len(self._turns):
            return []
        turn = self._turns[row["attempt"] - 1]
        teacher = Teacher(self._name, self._teachers[turn.teacher], self._prompts["annotate"], turn)
        return [teacher.request(to_record(row))]

    def reader(self, row: Row) -> list[Request]:
        """What the reader was asked first about a raw row; what it was told of a first report is in no row."""
        if self._reader is None or not (row["cot"] or "").strip():
            return []
        return [self.reads().request(to_record(row), 1)]

    def reads(self) -> Reader:
        """Who read the traces of a corpus that was read."""
        assert self._reader is not None
        return Reader(self._name, self._reader, self._prompts["reading"])

    def judge(self, row: Row) -> list[Request]:
        """What the judge was asked about a raw row, try after try; nothing if there was no judge."""
        if self._judge is None:
            return []
        judge = Judge(self._name, self._judge, self._prompts["judge"])
        return [judge.request(to_record(row), number) for number in range(1, self._judge.attempts + 1)]


def asked_for(key: str | None, requests: Sequence[Request]) -> Request | None:
    """The request with this key, also as it goes to a server that refuses `response_format`."""
    forms = (form for request in requests for form in (request, request.plain()) if form is not None)
    return next((form for form in forms if form.key == key), None)


@dataclass(slots=True)
class _Source:
    """What a build read of a source and kept for the steps, taken from the rows of a corpus."""

    corpus: Path
    manifest: Manifest
    removed: Mapping[str, Removal]
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def write(self, work: Work, digits: int) -> Ingested:
        """The source stage of `work`, a partition after the other."""
        parts = groupby(self._records(), key=lambda row: row["guid"][:digits])
        part, rows = next(parts, ("", iter(())))
        for name in partition_names(digits):
            self._write(work, name, rows if name == part else ())
            if name == part:
                part, rows = next(parts, ("", iter(())))
        source, steps = self.manifest["source"], self.manifest["steps"]
        return Ingested(
            key="",
            partitions={name: name for name in partition_names(digits)},
            rows=steps[0]["in"],
            kept=self.kept,
            dropped=self.dropped,
            findings=source["findings"],
            files=source["files"],
            format=source["format"],
            partial=self.manifest["partial"],
            not_drawn=sum(step["not_drawn"] for step in steps if step["step"] == "stratify"),
            sample=self.manifest.get("sample"),
        )

    def _write(self, work: Work, part: str, rows: Iterable[Row]) -> None:
        with (
            table(work.file("1-source", part), "1-source", dict) as kept,
            table(work.dropped("source", part), "work-dropped") as dropped,
        ):
            for row in map(self._without_removed, rows):
                if row.get("step") in _BEFORE:
                    self.dropped[row["reason"]] += row["step"] == "source"
                    dropped.add(row)
                else:
                    self.kept += 1
                    kept.add(row)

    def _records(self) -> Iterator[Row]:
        """One row for each record, by guid: its drop where it has one, which says where in the source it stood."""
        default = next(iter(configs_of(self.manifest)))
        streams = [rows_of(self.corpus, self.manifest, config) for config in ("dropped", "raw", default)]
        # Of rows with the same guid a merge gives those of the first stream first.
        for _, group in groupby(merge(*streams, key=_guid), key=_guid):
            yield next(group)

    def _without_removed(self, row: Row) -> Row:
        if not self.removed:
            return row
        removal = self.removed.get(sentence_hash(row["sentence"] or row.get("input") or ""))
        if removal is None:
            return row
        outcome = taken_down(row["guid"], row["dataset"], self.manifest["license"], removal)
        return dropped_row(outcome, "source", None) | {"sentence": None}


def _guid(row: Row) -> str:
    return str(row["guid"])


def rows_of(corpus: Path, manifest: Manifest, config: str, columns: Iterable[str] | None = None) -> Iterator[Row]:
    """The rows of one config of a corpus, by guid, whatever their split; of the columns named and guid."""
    wanted = None if columns is None else list(dict.fromkeys(("guid", *columns)))
    splits = splits_of(corpus, manifest, config).values()
    streams = [chain.from_iterable(read_rows(path, wanted) for path in paths) for paths in splits]
    return streams[0] if len(streams) == 1 else merge(*streams, key=_guid)


def _replayed(stages: StageList, corpus: Path, manifest: Manifest) -> StageList:
    """A list of stages whose models say what they said before."""
    rounds = tuple(
        replace(turn, stages=tuple(_replay(stage, corpus, manifest) for stage in turn.stages)) for turn in stages.rounds
    )
    select = stages.select and _reselect(stages.select, corpus, manifest)
    return replace(stages, rounds=rounds, select=select)


def _replay(stage: RecordStage, corpus: Path, manifest: Manifest) -> RecordStage:
    said = _SAID.get(stage.name)
    if said is None:
        return stage
    columns, take, usual = said
    rules = manifest["recipe"]["validate"]["rules"]
    attempt = stage.turn.attempt
    rows = rows_of(corpus, manifest, "raw", dict.fromkeys(("attempt", *columns)))
    raw = Groups(row for row in rows if row["attempt"] == attempt)
    drops = Groups(rows_of(corpus, manifest, "dropped", ("guid", "step", "reason", "detail")))

    def step(records: Iterator[Record]) -> Iterator[Outcome]:
        for record in records:
            row = next(iter(raw.take(record.guid)), None)
            told = row and take(record, row, rules)
            yield told or _refused(record, drops.take(record.guid), stage.name, usual)

    return replace(stage, step=step, asking=None)


def _answered(record: Record, row: Row, rules: _Rules) -> Outcome | None:
    return Outcome(replace(record, answer=Answer(**{name: row[name] for name in _ANSWER})))


def _read(record: Record, row: Row, rules: _Rules) -> Outcome | None:
    if row["reading"] is None:
        return None if has_trace(record) else Outcome(record)
    return read(record, to_reading(row["reading"], row["reader"], row["reader_key"]), rules)


def _judged(record: Record, row: Row, rules: _Rules) -> Outcome | None:
    if not row["judgement"]:
        return None
    judgement = Judgement(**row["judgement"], judge=row["judge"], judge_key=row["judge_key"])
    return Outcome(replace(record, judgement=judgement))


# What a model said at a step: the columns of raw, what becomes of a record by it, the reason where there are none.
_SAID: Mapping[str, tuple[list[str], Callable[[Record, Row, _Rules], Outcome | None], str]] = {
    "annotate": (_ANSWER, _answered, "refused"),
    "read": (_READING, _read, "unread"),
    "score": (_JUDGEMENT, _judged, "unscored"),
}


def _reselect(stage: SelectStage, corpus: Path, manifest: Manifest) -> SelectStage:
    """Selection; what was found of test sets can only be found again by who has them."""
    if "contamination" not in manifest:
        return stage
    told = {"contamination": manifest["contamination"]}
    return replace(stage, checker=lambda: _Contaminated(corpus, manifest), told=told)


@dataclass(frozen=True, slots=True)
class _Contaminated:
    """Says of test sets what a corpus says itself: they are no part of it."""

    corpus: Path
    manifest: Manifest

    def find(self, rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
        """For each row the benchmark that its kept row names, or all those that its drop names, as one."""
        kept = Groups(rows_of(self.corpus, self.manifest, "cot", ("guid", "contaminated_by")))
        drops = Groups(rows_of(self.corpus, self.manifest, "dropped", ("guid", "reason", "detail")))
        for row in rows:
            named = [item["contaminated_by"] for item in kept.take(row["guid"])]
            dropped = [item["detail"] for item in drops.take(row["guid"]) if item["reason"] == "contaminated"]
            yield tuple(name for name in (*named, *(text.removeprefix(TOUCHES) for text in dropped)) if name)

    def describe(self) -> dict[str, Any]:
        """What was looked at is in the manifest."""
        return {}


def _refused(record: Record, drops: list[Row], step: str, usual: str) -> Outcome:
    """The drop of an attempt that has no answer or judgement.

    A corpus keeps the drop of the attempt that came furthest; the reason of another one is seen nowhere.
    """
    told = next((row for row in drops if row["step"] == step), None)
    return Outcome(record, told["reason"] if told else usual, told["detail"] if told else None)
