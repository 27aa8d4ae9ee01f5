"""The candidate: a folder that `datasets.load_dataset` takes, made of a build's work folder.

In: the work folder after selection.  Out: `candidate/` with the configs cot, raw, dropped, sft and preference
as Parquet, manifest.json and README.md; replaced whole, never in part.  Holds nothing of a run: no dates, no paths, no
host names, no cost.  Streams: memory is that of a few row groups.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from nercot.building.pairs import PairCounts, pair_rows
from nercot.building.tallied import Tallied
from nercot.corpus.spool import Hashes
from nercot.corpus.streams import beside, fates
from nercot.corpus.tables import COLUMNS, Table, read_rows, to_record, writing
from nercot.corpus.work import Row
from nercot.formats.sources import sha256_of
from nercot.llm.prompts import extract_messages
from nercot.report.stats import Stats
from nercot.steps.agreed import apart
from nercot.validation.answers import render_answer

if TYPE_CHECKING:
    from nercot.building.stages import Made

# A row with its attempts, its columns if it was kept, its drop if it was not, and all that was refused.
_Fate = tuple[Row, list[Row], Row | None, Row | None, Sequence[Row]]

CONFIGS = ("cot", "raw", "dropped", "sft", "preference")
SPLITS = ("train", "validation", "test")
# Reasons of selection after which a record waits for no further answer: none would change them, or (disputed) the
# rounds hold it for settled.
_REPEATED = frozenset(("disputed", "duplicate_record", "near_duplicate", "contaminated"))
# What a drop says of how an answer was read.
_OF_DROPS = ("cot", "entities", "reading", "reader", "reader_key", "broken")
SHARD_ROWS = 200_000
WRITER = f"pyarrow {pa.__version__}"


class Shards:
    """One split of a config being written: `<config>/<split>-00000-of-0000N.parquet`, N known at the end."""

    def __init__(self, folder: Path, config: str, split: str = "train") -> None:
        self.rows: list[int] = []
        self._folder = folder / config
        self._config = config
        self._split = split
        self._table: Table | None = None

    def add(self, row: Row) -> None:
        """Takes one row of the config's columns."""
        if self._table is None or self._table.rows == SHARD_ROWS:
            self._next()
        assert self._table
        self._table.add(row)

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._split}-{number}.part"

    def _next(self) -> None:
        self._finish()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._table = Table(self._path(len(self.rows)), COLUMNS[self._config])

    def _finish(self) -> None:
        if self._table is not None:
            self._table.close()
            self.rows.append(self._table.rows)
            self._table = None

    def close(self) -> list[dict[str, Any]]:
        """Gives the files their names; returns path, rows and sha256 of each (none for an empty split)."""
        self._finish()
        files = []
        for number, rows in enumerate(self.rows):
            path = self._folder / f"{self._split}-{number:05d}-of-{len(self.rows):05d}.parquet"
            self._path(number).rename(path)
            name = path.relative_to(self._folder.parent).as_posix()
            files.append({"path": name, "rows": rows, "sha256": sha256_of(path), "config": self._config})
        return files


@dataclass(slots=True)
class Contents:
    """What went into a candidate; `draw` and `traces` say by dataset what was drawn, and where a trace was kept.

    `disputed`: the answers that were left out of a merged corpus, since a person called them wrong.
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    pending: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    scores: Counter[float] = field(default_factory=Counter)
    teachers: Counter[str] = field(default_factory=Counter)
    readers: Counter[str] = field(default_factory=Counter)
    judges: Counter[str] = field(default_factory=Counter)
    stats: Stats = field(default_factory=Stats)
    draw: list[dict[str, Any]] = field(default_factory=list)
    traces: list[dict[str, Any]] = field(default_factory=list)
    disputed: list[dict[str, str]] = field(default_factory=list)
    tally: Tallied | None = None
    pairs: PairCounts = field(default_factory=PairCounts)


def write_tables(made: Made, folder: Path, pairs: bool) -> Contents:
    """Writes the configs of a corpus that a judge has selected into `folder`; with `pairs` also preference."""
    contents = Contents(tally=Tallied(made))
    shards = {(config, split): Shards(folder, config, split) for config in CONFIGS for split in SPLITS}
    hashes = Hashes()
    for part in made.parts:
        for row, raw, kept, drop, refused in _fated(made, part, contents):
            for attempt in raw:
                shards["raw", "train"].add(attempt)
                _count_attempt(attempt, contents)
            if drop is not None:
                shards["dropped", "train"].add(drop)
            if kept is not None:
                cot = {**row, **kept}
                split = made.selected.splits.get(row["guid"], "train")
                shards["cot", split].add(cot)
                sft = sft_row(cot, made.prompts)
                shards["sft", split].add(sft)
                alone = apart(raw, [turn.turn.teacher for turn in made.rounds], made.agreement)
                for pair in pair_rows(sft, cot, raw, refused, made.threshold, alone) if pairs else ():
                    shards["preference", split].add(pair)
                    contents.pairs.add(pair)
                contents.stats.add(cot)
                contents.attempts[kept["attempt"]] += 1
                hashes.add(row_hash(cot))
    for shard in shards.values():
        contents.files += shard.close()
    contents.fingerprint = hashes.digest()
    return contents


def _count_attempt(row: Row, contents: Contents) -> None:
    contents.teachers[row["teacher"]] += 1
    if row.get("reader") is not None:
        contents.readers[row["reader"]] += 1
    if row.get("score") is not None:
        contents.scores[row["score"]] += 1
        contents.judges[row["judge"]] += 1


def _fated(made: Made, part: str, contents: Contents) -> Iterator[_Fate]:
    """Each row of a partition, by guid, with its fate."""
    refused = (_refused(row, contents) for row in made.work.drops(part, ("source",), 0))
    return merge(refused, _asked(made, part, contents), key=lambda fate: str(fate[0]["guid"]))


def _refused(row: Row, contents: Contents) -> _Fate:
    """A row that the source stage dropped."""
    _count_drop(row, contents)
    return row, [], None, row, ()


def _asked(made: Made, part: str, contents: Contents) -> Iterator[_Fate]:
    """The rows of a partition that the teacher was asked about."""
    work, rounds, stages = made.work, len(made.rounds), made.rounds[0].stages
    steps = (*(stage.name for stage in stages), "select")
    best = fates(work, part, rounds, ("source", "stratify", *steps))
    tally = contents.tally
    assert tally is not None
    streams = [work.attempts(stage.writes, part, rounds) for stage in stages]
    ends = (read_rows(work.file("6-selected", part)), work.drops(part, steps, rounds))
    for row, (*written, selected, drops) in beside(work.source(part), *streams, *ends):
        known = _known(written, drops)
        tally.add(row["gold"], written, drops, known)
        attempts = [{**row, **known[item["attempt"]]} for item in written[0]]
        if selected:
            yield row, attempts, {**known[selected[0]["attempt"]], **selected[0]}, None, drops
            continue
        fate = best.get(row["guid"])
        drop = next((item for item in drops if fate and (item["step"], item["attempt"] or 0) == fate[:2]), None)
        waiting = _waiting(made, written, drops)
        if waiting:
            contents.pending[waiting] += 1
            yield row, attempts, None, None, drops
        elif drop is None:
            raise AssertionError(f"{row['guid']}: neither kept, dropped nor pending; report it")
        else:
            _count_drop(drop, contents)
            yield (
                row,
                attempts,
                None,
                {**drop, "source_file": row["source_file"], "source_row": row["source_row"]},
                drops,
            )


def _known(written: Sequence[list[Row]], drops: Sequence[Row]) -> dict[int, Row]:
    """What the stages of a round added to each answered attempt, and how a refused one was read."""
    known: dict[int, Row] = {item["attempt"]: {**item, "cot": None, "entities": None} for item in written[0]}
    for drop in drops:
        if drop["attempt"] in known:
            known[drop["attempt"]].update({name: drop[name] for name in _OF_DROPS})
    for rows in written[1:]:
        for item in rows:
            known[item["attempt"]].update(item)
    return known


def _waiting(made: Made, written: Sequence[list[Row]], drops: Sequence[Row]) -> str | None:
    """The step at which a record that was not kept waits for an answer, if it does."""
    first, refused = made.rounds[0], {row["attempt"] for row in drops}
    stages = first.stages
    for before, after, stage in zip(written, written[1:], stages[1:], strict=False):
        settled = {row["attempt"] for row in after} | refused
        if any(row["attempt"] not in settled for row in before):
            return stage.name
    if any(row["reason"] in _REPEATED for row in drops):
        return None
    far = next(rows for stage, rows in zip(stages, written, strict=True) if stage.writes == first.settles)
    done = [row["attempt"] for row in far if first.threshold is None or row["score"] >= first.threshold]
    answered = {*refused, *(row["attempt"] for row in written[0])}
    asks = (turn for turn in made.rounds if turn.turn.attempt not in answered)
    open_to = (turn for turn in asks if not any(turn.since <= attempt < turn.turn.attempt for attempt in done))
    return stages[0].name if any(True for _ in open_to) else None


def _count_drop(row: Row, contents: Contents) -> None:
    contents.dropped.setdefault(row["step"], Counter())[row["reason"]] += 1


def sft_row(row: Row, prompts: Mapping[str, str]) -> Row:
    """Prompt and completion of a record, each one message, content as a model should see and say it.

    A record without trace is asked for by the prompt `answer`, one with by `extract`: a model that is told to reason
    and shown an answer at once learns not to do as it is told.  Of `prompts`, which lacks `answer` in releases of
    0.1.0, `extract` stands in.
    """
    record = to_record(row)
    template = prompts.get("extract") if record.cot else prompts.get("answer", prompts.get("extract"))
    answer = render_answer(record.cot, record.entities or (), record.schema)
    return {
        "guid": row["guid"],
        "dataset": row["dataset"],
        "license": row["license"],
        "prompt": extract_messages(record.sentence, record.schema, record.schema_descriptions, template),
        "completion": [{"role": "assistant", "content": answer}],
    }


def grpo_row(row: Row, prompts: Mapping[str, str]) -> Row:
    """Prompt and gold of a record with gold, each in a column of its own, as reward functions take them."""
    record = to_record(row)
    return {
        "guid": row["guid"],
        "dataset": row["dataset"],
        "license": row["license"],
        "schema": row["schema"],
        "prompt": extract_messages(record.sentence, record.schema, record.schema_descriptions, prompts.get("extract")),
        "gold": render_answer(None, record.gold or (), record.schema),
    }


def row_hash(row: Mapping[str, Any]) -> bytes:
    """The hash of what makes a row of the default config: guid, sentence, schema, trace, entities.

    A column that the config lacks counts as null; gold stands in for entities.
    """
    listed = row["entities"] if "entities" in row else row["gold"]
    entities = listed and [[item["text"], item["label"], item["start"], item["end"]] for item in listed]
    content = [row["guid"], row["sentence"], row["schema"], row.get("cot"), entities]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).digest()


def tidy(folder: Path) -> None:
    """Clears away what a killed run left around a candidate; one that was being replaced is put back first."""
    old, new = folder.with_name(f".{folder.name}.old"), folder.with_name(f".{folder.name}.new")
    with writing(folder):
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        for left in (old, new):
            shutil.rmtree(left, ignore_errors=True)
        for half in folder.parent.rglob(".*.tmp"):
            half.unlink(missing_ok=True)


def replace_folder(new: Path, folder: Path) -> None:
    """Puts a finished folder in place of the old one, whole."""
    old = folder.with_name(f".{folder.name}.old")
    with writing(folder):
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
        shutil.rmtree(old, ignore_errors=True)
