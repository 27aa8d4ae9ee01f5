"""Runs the record stages of a list over the partitions: what is run, resumed and marked complete.

In: a list of stages, a work folder whose source stage is done, and the models.  Out: one file a stage, partition and
round, each with the key of everything that it was made from; a file whose key still holds is never made again.  Knows
nothing of models' words, prompts or rules.

The seam for engines is `run_stage`: one stage of one partition, with the answers that it needs at hand.  It reads and
writes the work folder, asks nobody, and gives the same bytes wherever it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from nercot.building.models import Models
from nercot.building.progress import Position, note
from nercot.building.stages import SOURCE, Round, StageList
from nercot.corpus.records import Outcome, Record
from nercot.corpus.streams import kept_guids, source_records, stage_records
from nercot.corpus.tables import read_rows, table
from nercot.corpus.work import (
    Done,
    Report,
    Row,
    Tally,
    Work,
    content_key,
    done_before,
    dropped_row,
    reader_key,
    step_meta,
)
from nercot.steps.stage import Answers, Asking, RecordStage

if TYPE_CHECKING:
    from nercot.llm.asking import Progress


def run_stage(
    work: Work, stage: RecordStage, part: str, key: str, without: frozenset[str], answers: Answers | None
) -> Done:
    """Runs one stage on one partition, unless a file with this key is already there.

    `without`: the records that earlier rounds have settled.  The drops are written first: the stage's own file,
    which carries the key, marks both complete.  A file with pending records is made again by the next run.
    """
    attempt, path = stage.turn.attempt, work.file(stage.writes, part, stage.turn.attempt)
    known = done_before(path, key)
    if known and known.tally.pending == 0:
        return known
    tally = Tally()
    with (
        table(path, stage.writes, lambda: step_meta(key, tally)) as kept,
        table(work.dropped(stage.name, part, attempt), "work-dropped") as dropped,
    ):
        records = _counted(stage_input(work, stage, part, without), tally)
        for outcome in stage.outcomes(records, answers):
            _settle(outcome, stage, tally, kept.add, dropped.add)
        tally.check(f"{stage.name}, partition {part}, round {attempt}")
    return Done(reader_key(key, tally), tally)


def stage_input(work: Work, stage: RecordStage, part: str, without: frozenset[str]) -> Iterator[Record]:
    """The records of a partition that a stage reads: those that the stage before it kept, or the source's."""
    if not stage.reads:
        return source_records(work, part, without)
    return stage_records(work, stage.reads, part, stage.turn.attempt)


def _counted(records: Iterator[Record], tally: Tally) -> Iterator[Record]:
    for record in records:
        tally.entered += 1
        yield record


def _settle(
    outcome: Outcome, stage: RecordStage, tally: Tally, keep: Callable[[Row], None], drop: Callable[[Row], None]
) -> None:
    attempt = stage.turn.attempt
    if outcome.pending:
        tally.pending += 1
    elif outcome.reason is None:
        tally.kept += 1
        keep({**stage.row(outcome), "guid": outcome.record.guid, "attempt": attempt})
    else:
        tally.dropped[outcome.reason] += 1
        drop(dropped_row(outcome, stage.name, attempt))


@dataclass(frozen=True, slots=True)
class Went:
    """How a partition went: the keys of its source rows and of each round, and the rounds that it took."""

    history: list[str]
    rounds: frozenset[int]


class Runner:
    """Runs the rounds of a build, stage after stage; `tell` is told how far it is (None: the work folder is)."""

    def __init__(
        self,
        stages: StageList,
        work: Work,
        models: Models,
        report: Report,
        tell: Callable[[Position], None] | None = None,
    ) -> None:
        self._stages, self._work, self._models, self._report = stages, work, models, report
        self._tell = tell or partial(note, work)

    def finish(self, went: Mapping[str, Went]) -> str:
        """Clears away what these partitions do not have; returns the key of what came of them."""
        self._clean({part: each.rounds for part, each in went.items()})
        return content_key({part: each.history for part, each in went.items()})

    def rounds(self, partitions: Mapping[str, str]) -> dict[str, Went]:
        """Runs all rounds over partitions (name -> key of its source rows)."""
        history = {part: [partitions[part]] for part in sorted(partitions)}
        taken: dict[str, set[int]] = {part: set() for part in history}
        for turn in self._stages.rounds:
            settled = {part: self._settled(turn, part, taken[part]) for part in history}
            without = {part: guids for part, guids in settled.items() if not taken[part] or self._is_open(part, guids)}
            done = self._round(turn, without, history)
            for part in without:
                history[part].append(content_key(done[part].key, turn.threshold))
                taken[part].add(turn.turn.attempt)
        return {part: Went(history[part], frozenset(taken[part])) for part in history}

    def _settled(self, turn: Round, part: str, taken: Collection[int]) -> frozenset[str]:
        """The records of a partition that need no answer in this round."""
        earlier = [attempt for attempt in sorted(taken) if attempt >= turn.since]
        return kept_guids(self._work, turn.settles, part, earlier, turn.threshold)

    def _is_open(self, part: str, settled: frozenset[str]) -> bool:
        """Whether a partition has records that are not settled."""
        return any(row["guid"] not in settled for row in read_rows(self._work.file(SOURCE, part), ["guid"]))

    def _clean(self, taken: Mapping[str, Collection[int]]) -> None:
        """Removes files of partitions and rounds that this build does not have (a changed recipe leaves them)."""
        expected = self._stages.expected(self._work, taken)
        found = ((self._work.root / folder).glob("*.parquet") for folder in self._stages.folders())
        for path in chain.from_iterable(found):
            if path not in expected:
                path.unlink()

    def _round(
        self, turn: Round, without: Mapping[str, frozenset[str]], history: Mapping[str, Sequence[str]]
    ) -> dict[str, Done]:
        """One round of the partitions that it is for."""
        inputs: Mapping[str, object] = {part: history[part] for part in without}
        done: dict[str, Done] = {}
        for stage in turn.stages:
            keys = {part: content_key(stage.name, stage.settings, inputs[part]) for part in without}
            done = self._stage(stage, keys, without)
            inputs = {part: done[part].key for part in without}
        return done

    def _stage(
        self, stage: RecordStage, keys: Mapping[str, str], without: Mapping[str, frozenset[str]]
    ) -> dict[str, Done]:
        """One stage of one round on every partition, after its model has been asked."""
        work, attempt = self._work, stage.turn.attempt
        found = {part: done_before(work.file(stage.writes, part, attempt), key) for part, key in keys.items()}
        whole = {part: each for part, each in found.items() if each is not None and not each.tally.pending}
        to_do = [part for part in keys if part not in whole]
        entered = sum(1 for part in to_do for _ in stage_input(work, stage, part, without[part]))
        position = Position(stage.name, attempt, entered + _settled(whole.values())[0], _settled(whole.values())[0])
        if stage.asking is not None and to_do:
            self._ask(stage.asking, lambda: self._records(stage, to_do, without), position)
        answers = self._models.ledger if stage.asking is not None else None
        done: dict[str, Done] = {}
        for number, part in enumerate(keys, 1):
            done[part] = run_stage(work, stage, part, keys[part], without[part], answers)
            self._report(stage.name, number, len(keys))
            if to_do:
                settled, kept = _settled(done.values())
                self._tell(replace(position, done=settled, kept=kept))
        return done

    def _records(
        self, stage: RecordStage, parts: Sequence[str], without: Mapping[str, frozenset[str]]
    ) -> Iterator[Record]:
        return chain.from_iterable(stage_input(self._work, stage, part, without[part]) for part in parts)

    def _ask(self, asking: Asking, records: Callable[[], Iterator[Record]], position: Position) -> None:
        label = f"{asking.role} {asking.model.model}"

        def progress(seen: Progress) -> None:
            done = min(position.done + seen.done + seen.found, position.entered)
            self._report(label, done, position.entered)
            self._tell(replace(position, done=done))

        self._tell(position)
        for ask in range(1, asking.asks + 1):
            requests = asking.asker.requests(records(), self._models.ledger, ask)
            self._models.ask(asking, requests, progress)


def _settled(done: Iterable[Done]) -> tuple[int, int]:
    """How many records some files of a step have settled, and how many of them it kept."""
    tallies = [each.tally for each in done]
    return sum(tally.entered - tally.pending for tally in tallies), sum(tally.kept for tally in tallies)
