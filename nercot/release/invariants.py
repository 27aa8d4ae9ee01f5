"""What must hold of every row of a corpus, checked in one pass over all its configs side by side.

In: a folder whose files are as its manifest says.  Out: (file, problem) pairs; the problem names the row,
counted from 1, and its guid.  Offsets, labels, guids, order, the requests behind the answers, the training rows,
conservation, fingerprint.  Streams: a row group of every config, and 32 bytes a row for the fingerprint.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import Any

from pyarrow.parquet import read_schema

from nercot import __version__
from nercot.building.candidate import grpo_row, row_hash, sft_row
from nercot.building.pairs import PairCounts, pair_row
from nercot.corpus.manifest import NAME, Manifest, configs_of, split_of
from nercot.corpus.records import MATCHES, REASONS, content_guid
from nercot.corpus.spool import Hashes
from nercot.corpus.tables import COLUMNS, read_rows
from nercot.corpus.work import Report, Row
from nercot.errors import InputError
from nercot.release.rebuild import Requests, asked_for
from nercot.release.standoff import restricted

Problem = tuple[str, str]
_ORDINAL = re.compile(r"-([2-9]|[1-9]\d+)")
_EVERY = 1000
# What a kept row has of its answer.
_OF_ANSWER = tuple(name for name in COLUMNS["cot"].names if name in COLUMNS["raw"].names)
# Rows of a corpus with a judge have these too.
_JUDGED = ("score", "judge", "judgement")
# Steps whose drops, in a corpus that is merged with gold, are answers: their rows are kept without them.
_ANSWERS = ("annotate", "validate", "merge")
# Columns that no row of a config may lack.
_NEVER_NULL = {
    "cot": ("guid", "dataset", "license", "sentence", "schema", "entities"),
    "re": ("guid", "dataset", "license", "sentence", "schema"),
    "grpo": ("guid", "dataset", "license", "schema", "prompt", "gold"),
    "raw": ("guid", "dataset", "license", "sentence", "schema", "attempt", "teacher", "completion"),
    "dropped": ("guid", "dataset", "license", "schema", "step", "reason"),
    "sft": ("guid", "dataset", "license", "prompt", "completion"),
    "preference": ("guid", "dataset", "license", "prompt", "chosen", "rejected", "rejected_step", "rejected_reason"),
}


def is_answer(raw: Row, kept: Row) -> bool:
    """Whether a kept row was made of this raw row."""
    return all(raw.get(name) == kept.get(name) for name in _OF_ANSWER)


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and where it stands."""

    config: str
    file: str
    number: int
    row: Row

    def problem(self, what: str) -> Problem:
        """A problem of this row."""
        return self.file, f"row {self.number} ({self.row['guid']}): {what}"


def row_problems(folder: Path, manifest: Manifest, report: Report) -> Iterator[Problem]:
    """Everything that is wrong with the rows of a corpus."""
    seen = _Seen(manifest, tuple(configs_of(manifest)))
    # Another version of nercot may put requests together in another way.
    another = manifest["tool"] != __version__ or has_other_columns(folder, manifest)
    requests = None if another else Requests(manifest)
    total = sum(file.get("rows", 0) for file in manifest["files"])
    done = 0
    try:
        for _, rows in groupby(_by_guid(folder, manifest), key=lambda placed: str(placed.row["guid"])):
            group = list(rows)
            if done // _EVERY != (done := done + len(group)) // _EVERY:
                report("rows", done, total)
            for placed in group:
                yield from _own_problems(placed, manifest, requests)
            yield from seen.add(group)
    except _OutOfOrderError as error:
        yield error.problem
        return
    except InputError as error:
        yield NAME, str(error)
        return
    yield from seen.problems()


def has_other_columns(folder: Path, manifest: Manifest) -> bool:
    """Whether rows have not the columns of today: an earlier version of nercot made them, by other steps."""
    files = [(config, file) for config, listed in configs_of(manifest).items() for file in listed]
    return any(not read_schema(folder / file["path"]).equals(COLUMNS[config]) for config, file in files)


# --- reading --------------------------------------------------------------------------------------


class _OutOfOrderError(Exception):
    """Rows that are not sorted: nothing after them can be put side by side."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def _by_guid(folder: Path, manifest: Manifest) -> Iterator[Placed]:
    """The rows of all configs, those of one guid together."""
    streams = [
        _sorted(folder, config, list(files))
        for config, listed in configs_of(manifest).items()
        for _, files in groupby(listed, key=lambda file: split_of(file["path"]))
    ]
    return merge(*streams, key=lambda placed: str(placed.row["guid"]))


def _sorted(folder: Path, config: str, files: Sequence[Mapping[str, Any]]) -> Iterator[Placed]:
    """The rows of one split of a config; stops at the first that is out of order, or comes twice."""
    last = ("", 0)
    for file in files:
        for number, row in enumerate(read_rows(folder / file["path"]), 1):
            placed = Placed(config, file["path"], number, row)
            key = (row["guid"] or "", row.get("attempt") or 0)
            # A record has as many pairs as it has failed answers.
            if key < last or (key == last and config != "preference"):
                raise _OutOfOrderError(placed.problem(f"comes after {last[0]}; the rows are not sorted by guid"))
            last = key
            yield placed


# --- one row --------------------------------------------------------------------------------------


def _own_problems(placed: Placed, manifest: Manifest, requests: Requests | None) -> Iterator[Problem]:
    """What is wrong with a row by itself."""
    row, config = placed.row, placed.config
    judged = config == "cot" and "merge" not in manifest["recipe"]["steps"]
    if manifest.get("standoff") and restricted(row):
        yield from map(placed.problem, _standoff_problems(row, config, manifest["restricted_text"]))
        if row.get("sentence") is None:
            return
    for name in (*_NEVER_NULL.get(config, ("guid",)), *(_JUDGED if judged else ())):
        if row[name] is None:
            yield placed.problem(f"{name} is null")
            return
    if row.get("sentence") is not None:
        yield from map(placed.problem, _identity_problems(row))
        yield from map(placed.problem, _entity_problems(row, config))
    if judged:
        yield from map(placed.problem, _score_problems(row, manifest["recipe"]["select"]["threshold"]))
    if config == "dropped" and (row["reason"] not in REASONS or row["step"] not in _steps(manifest)):
        yield placed.problem(f"{row['step']} / {row['reason']} is no step and reason of this corpus")
    if config == "raw" and requests:
        yield from map(placed.problem, _request_problems(row, requests))


def _standoff_problems(row: Row, config: str, hydrated: bool) -> Iterator[str]:
    """Text where it may not be passed on: in a release everywhere, in a hydrated one its trace."""
    mentions = [entity["text"] for column in ("gold", "entities") for entity in _listed(row, column)]
    texts = [row.get("sentence"), *mentions, row.get("detail"), row.get("input")]
    if config in ("raw", "preference") or (config in ("sft", "grpo") and not hydrated):
        yield f"its text may not be passed on ({row['dataset']}), but it is in {config}"
    elif row.get("cot") is not None or (not hydrated and any(text is not None for text in texts)):
        yield f"its text may not be passed on ({row['dataset']})"


def _listed(row: Row, column: str) -> list[Row]:
    listed = row.get(column)
    return listed if isinstance(listed, list) else []


def _steps(manifest: Manifest) -> list[str]:
    return [step["step"] for step in manifest["steps"]] + list(manifest["recipe"]["steps"])


def _identity_problems(row: Row) -> Iterator[str]:
    guid = content_guid(row["sentence"], row["schema"], row["dataset"])
    rest = row["guid"].removeprefix(guid)
    if rest == row["guid"] or (rest and not _ORDINAL.fullmatch(rest)):
        yield f"its guid is not that of its sentence, schema and dataset ({guid})"
    described = row["schema_descriptions"]
    if described is not None and len(described) != len(row["schema"]):
        yield f"{len(described)} schema_descriptions for {len(row['schema'])} types"


def _entity_problems(row: Row, config: str) -> Iterator[str]:
    """Offsets and labels: of gold always, of entities where a step has kept them."""
    strict = config not in ("raw", "dropped")
    for column in ("gold", "entities"):
        for entity in row.get(column) or ():
            if strict or column == "gold" or entity["start"] is not None:
                yield from _span_problems(row, column, entity)
            if (strict or column == "gold") and entity["label"] not in row["schema"]:
                yield f"the label {entity['label']!r} of {column} is not in the schema"
            if entity["cot_start"] is not None and not _within(entity["cot_start"], entity["cot_end"], row.get("cot")):
                yield f"the evidence for {entity['text']!r} lies outside the trace"


def _span_problems(row: Row, column: str, entity: Row) -> Iterator[str]:
    start, end = entity["start"], entity["end"]
    if entity["match"] not in MATCHES or not _within(start, end, row["sentence"]):
        yield f"{entity['text']!r} of {column} has no place in the sentence ({start}, {end}, {entity['match']})"
    elif row["sentence"][start:end] != entity["text"]:
        found = row["sentence"][start:end]
        yield f"sentence[{start}:{end}] is {found!r}, {column} says {entity['text']!r}"


def _within(start: int | None, end: int | None, text: str | None) -> bool:
    return start is not None and end is not None and text is not None and 0 <= start < end <= len(text)


def _score_problems(row: Row, threshold: float) -> Iterator[str]:
    if row["score"] != row["judgement"]["score"]:
        yield f"score is {row['score']}, its judgement says {row['judgement']['score']}"
    if not threshold <= row["score"] <= 10:
        yield f"score {row['score']} is kept at a threshold of {threshold}"


def _request_problems(row: Row, requests: Requests) -> Iterator[str]:
    """Keys of requests that are not those of the manifest's prompts and settings."""
    asked = requests.teacher(row)
    if asked and asked_for(row["request_key"], asked) is None:
        yield "request_key is not that of the request made of the manifest's prompt and settings"
    judged = requests.judge(row) if row["judgement"] is not None else []
    if judged and asked_for(row["judge_key"], judged) is None:
        yield "judge_key is not that of a request made of the manifest's prompt and settings"


# --- all rows -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Seen:
    """What has to add up over the whole corpus; `default` is its default config."""

    manifest: Manifest
    configs: tuple[str, ...]
    hashes: Hashes = field(default_factory=Hashes)
    kept: int = 0
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    scores: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    pairs: PairCounts = field(default_factory=PairCounts)

    @property
    def default(self) -> str:
        """The config whose rows are the corpus."""
        return self.configs[0]

    @property
    def standoff(self) -> Mapping[str, Any] | None:
        """What the manifest says of rows whose text may not be passed on."""
        found: Mapping[str, Any] | None = self.manifest.get("standoff")
        return found

    @property
    def merged(self) -> bool:
        """Whether every row is kept, with an answer that says what gold says, or without."""
        return "merge" in self.manifest["recipe"]["steps"]

    def add(self, group: Sequence[Placed]) -> Iterator[Problem]:
        """Takes the rows of one guid; what is wrong between them."""
        rows: dict[str, list[Placed]] = {config: [] for config in ("raw", "dropped", *self.configs)}
        for item in group:
            rows[item.config].append(item)
        kept, drops = rows[self.default], rows["dropped"]
        # Of a merged corpus an answer may be discarded whose row stays.
        discarded = [item for item in drops if self.merged and kept and item.row["step"] in _ANSWERS]
        self._count(kept, [item for item in drops if item not in discarded], rows["raw"])
        if len(kept) > 1:
            yield kept[0].problem(f"is kept in {' and in '.join(item.file for item in kept)}")
        if kept and len(drops) > len(discarded):
            yield group[0].problem("is both kept and dropped")
        if rows["raw"] and not kept and not drops:
            yield group[0].problem("has an answer, but is neither kept nor dropped")
        for item in kept if self.default == "cot" else ():
            if not (self.standoff and restricted(item.row)):
                yield from self._kept_problems(item, rows["raw"])
        whole = [item for item in kept if item.row.get("sentence", "") is not None]
        for config in ("sft", "grpo"):
            yield from self._made_problems(config, whole, rows.get(config, []))
        yield from self._pair_problems(whole, rows["raw"], rows.get("preference", []))

    def _count(self, kept: Sequence[Placed], dropped: Sequence[Placed], raw: Sequence[Placed]) -> None:
        self.kept += len(kept)
        for item in kept:
            self.hashes.add(row_hash(item.row))
        for item in dropped:
            self.dropped.setdefault(item.row["step"], Counter())[item.row["reason"]] += 1
        self.scores.update(f"{item.row['score']:g}" for item in raw if item.row["score"] is not None)

    def _kept_problems(self, kept: Placed, raw: Sequence[Placed]) -> Iterator[Problem]:
        """A kept row has to be one of the teacher's answers, or gold where it may be without one."""
        source = next((item for item in raw if is_answer(item.row, kept.row)), None)
        if source is not None:
            self.attempts[str(source.row["attempt"])] += 1
        elif not self.merged or kept.row["cot"] is not None:
            yield kept.problem("none of its answers in the config raw says what it says")
        elif kept.row["entities"] != kept.row["gold"]:
            yield kept.problem("has no trace, and its entities are not its gold")

    def _made_problems(self, config: str, kept: Sequence[Placed], made: Sequence[Placed]) -> Iterator[Problem]:
        """A row for training has to be a kept row, rendered."""
        if config not in self.configs:
            return
        if len(kept) != len(made) and (made or config == "sft"):
            yield (*kept, *made)[0].problem(f"{len(kept)} rows in {self.default}, {len(made)} in {config}")
        for item, training in zip(kept, made, strict=False):
            if split_of(item.file) != split_of(training.file):
                yield training.problem(f"is of the split {split_of(training.file)}, but comes from {item.file}")
            if training.row != _rendered(config, item.row, self.manifest):
                yield training.problem(f"is not what the row of the config {self.default} gives")

    def _pair_problems(
        self, kept: Sequence[Placed], raw: Sequence[Placed], pairs: Sequence[Placed]
    ) -> Iterator[Problem]:
        """A pair has to be a kept row beside another answer to it, each once and in order."""
        answers = iter([item.row for item in raw if not (kept and is_answer(item.row, kept[0].row))])
        for pair in pairs:
            self.pairs.add(pair.row)
            if not kept or not any(pair.row == _paired(kept[0].row, row, pair.row, self.manifest) for row in answers):
                yield pair.problem("is not what a kept row and another answer in the config raw give")
            elif split_of(kept[0].file) != split_of(pair.file):
                yield pair.problem(f"is of the split {split_of(pair.file)}, but comes from {kept[0].file}")

    def problems(self) -> Iterator[Problem]:
        """What does not add up at the end."""
        manifest = self.manifest
        yield from _funnel_problems(manifest, self.dropped, self.kept)
        if self.standoff and (self.standoff["traces"] or not manifest["restricted_text"]):
            return  # what is not passed on counts too, and cannot be seen here
        found = {"attempts": dict(self.attempts), "scores": dict(self.scores)}
        for name, counts in found.items():
            if manifest[name] != counts:
                yield NAME, f"{name} are {manifest[name]}, the rows give {counts}"
        if self.pairs.rows and manifest.get("preference") != self.pairs.summary():
            yield NAME, f"preference is {manifest.get('preference')}, the rows give {self.pairs.summary()}"
        if (given := self.hashes.digest()) != manifest["fingerprint"]:
            yield NAME, f"the fingerprint is {manifest['fingerprint']}, the rows give {given}"


def _rendered(config: str, row: Row, manifest: Manifest) -> Row | None:
    """The row for training that a kept row gives; None where it gives none."""
    prompts = manifest["prompts"]
    try:
        return sft_row(row, prompts) if config == "sft" else grpo_row(row, prompts)
    except (ValueError, TypeError):
        return None


def _paired(kept: Row, failed: Row, pair: Row, manifest: Manifest) -> Row | None:
    """The pair that a kept row and another answer give, which failed as `pair` says."""
    sft = _rendered("sft", kept, manifest)
    return sft and pair_row(sft, kept, failed, pair["rejected_step"], pair["rejected_reason"])


def _funnel_problems(manifest: Manifest, dropped: Mapping[str, Counter[str]], kept: int) -> Iterator[Problem]:
    """Records in = kept + dropped + not drawn + pending, step after step."""
    steps = manifest["steps"]
    for number, step in enumerate(steps):
        out = step["kept"] + sum(step["dropped"].values()) + step["not_drawn"] + step["pending"]
        if step["in"] != out or (number and step["in"] != steps[number - 1]["kept"]):
            yield NAME, f"the step {step['step']} does not add up: {step['in']} in, {out} out"
        if step["pending"]:
            yield NAME, f"{step['pending']} records wait for an answer at the step {step['step']}"
        if step["dropped"] != dict(dropped.get(step["step"], {})):
            told = dict(dropped.get(step["step"], {}))
            yield NAME, f"the step {step['step']} dropped {step['dropped']}, the config dropped holds {told}"
    if steps[-1]["kept"] != kept:
        yield NAME, f"the last step kept {steps[-1]['kept']} records, the default config holds {kept}"
