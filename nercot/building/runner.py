"""Runs the record stages of a list over the partitions: what is run, resumed and marked complete.

In: a list of stages, a work folder whose source stage is done, and the models.  Out: one file a stage, partition and
round, each with the key of everything that it was made from; a file whose key still holds is never made again.  Knows
nothing of models' words, prompts or rules.

Every partition goes its own way, one stage after the other: as soon as a model has answered about a partition it is
put through the next stages, while the models are asked about others.  No stage looks beyond its partition, so what
finishes first changes no byte.

The seam for engines: `run_stage` is one stage of one partition with its answers at hand.  It reads and writes the work
folder, asks nobody, and gives the same bytes wherever it runs; `Runner.rounds` is all stages of some partitions, and
can be given to another process or machine a partition at a time; `Runner.finish` puts together what came of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nercot.building.models import Models
from nercot.building.progress import Position, note, say_figures
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
from nercot.errors import NercotError
from nercot.steps.stage import Answers, Asking, RecordStage

if TYPE_CHECKING:
    from nercot.llm.asking import Progress

_TELL_SECONDS = 0.5
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Job:
    """One stage of one partition: its key, and the records that earlier rounds have settled."""

    stage: RecordStage
    part: str
    key: str
    without: frozenset[str]


class Beside(Protocol):
    """What runs jobs beside the event loop (worker.py)."""

    async def run(self, job: Job) -> Done:
        """What `run_stage` gives."""

    async def close(self) -> None:
        """Nothing more comes."""


def run_stage(work: Work, job: Job, answers: Answers | None) -> Done:
    """Runs one stage on one partition, unless a file with this key is already there.

    The drops are written first: the stage's own file, which carries the key, marks both complete.  A file with
    pending records is made again by the next run.
    """
    stage, attempt = job.stage, job.stage.turn.attempt
    path = work.file(stage.writes, job.part, attempt)
    known = done_before(path, job.key)
    if known and known.tally.pending == 0:
        return known
    tally = Tally()
    with (
        table(path, stage.writes, lambda: step_meta(job.key, tally)) as kept,
        table(work.dropped(stage.name, job.part, attempt), "work-dropped") as dropped,
    ):
        records = _counted(stage_input(work, job), tally)
        for outcome in stage.outcomes(records, answers):
            _settle(outcome, stage, tally, kept.add, dropped.add)
        tally.check(f"{stage.name}, partition {job.part}, round {attempt}")
    return Done(reader_key(job.key, tally), tally)


def stage_input(work: Work, job: Job) -> Iterator[Record]:
    """The records of a partition that a stage reads: those that the stage before it kept, or the source's."""
    if not job.stage.reads:
        return source_records(work, job.part, job.without)
    return stage_records(work, job.stage.reads, job.part, job.stage.turn.attempt)


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
    """Runs the rounds of a build.

    `beside`: what runs stages beside the event loop (None: they run in it).  `tell` is told how far the run is (None:
    it is noted in the work folder).  `together`: a model is asked about all partitions at once, stage after stage, as
    batch jobs want it.  `position`: where the run has come to, if it goes on.
    """

    def __init__(
        self,
        stages: StageList,
        work: Work,
        models: Models,
        report: Report,
        tell: Callable[[Position], None] | None = None,
        beside: Beside | None = None,
        together: bool = False,
        position: Position | None = None,
    ) -> None:
        self._stages, self._work, self._models, self._report = stages, work, models, report
        self._tell = tell or partial(note, work)
        self._beside, self._together = beside, together
        self._position = position or Position()
        self._told = 0.0
        # USD of this run by model, None where a price is unknown.
        self._spent: dict[str, float | None] = {}

    def rounds(self, partitions: Mapping[str, str]) -> dict[str, Went]:
        """Runs all rounds over partitions (name -> key of its source rows)."""
        parts = sorted(partitions)
        live = any(stage.asking and self._models.is_live(stage.asking) for stage in self._stages.kinds)
        if self._together:
            return self._stages_together(parts, partitions)
        if not live:
            return {part: _at_once(self._part(part, partitions[part])) for part in parts}
        return _in_a_loop(self._all(parts, partitions))

    def finish(self, went: Mapping[str, Went]) -> str:
        """Clears away what these partitions do not have; returns the key of what came of them.

        A changed recipe leaves files of partitions and rounds that this build does not have.
        """
        expected = self._stages.expected(self._work, {part: each.rounds for part, each in went.items()})
        found = ((self._work.root / folder).glob("*.parquet") for folder in self._stages.folders())
        for path in chain.from_iterable(found):
            if path not in expected:
                path.unlink()
        return content_key({part: each.history for part, each in went.items()})

    # --- partitions side by side ----------------------------------------------------------------

    async def _all(self, parts: list[str], partitions: Mapping[str, str]) -> dict[str, Went]:
        """Every partition on its way at once; each model takes them in order."""
        ways = [asyncio.create_task(self._part(part, partitions[part])) for part in parts]
        try:
            went = await asyncio.gather(*ways)
            await self._models.close()
        finally:  # also on Ctrl-C, which cancels this task: what is paid for is waited for
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await self._models.cancel()
            if self._beside is not None:
                await self._beside.close()
            self._note(at_once=True)
        return dict(zip(parts, went, strict=True))

    async def _part(self, part: str, key: str) -> Went:
        """The rounds of a partition: each for what the earlier ones did not settle."""
        history, taken = [key], set[int]()
        for turn in self._stages.rounds:
            settled = self._settled(turn, part, taken)
            if taken and not self._is_open(part, settled):
                continue
            read: object = history
            for stage in turn.stages:
                done = await self._stage(Job(stage, part, content_key(stage.name, stage.settings, read), settled))
                read = done.key
            history.append(content_key(done.key, turn.threshold))
            taken.add(turn.turn.attempt)
        return Went(history, frozenset(taken))

    def _settled(self, turn: Round, part: str, taken: Collection[int]) -> frozenset[str]:
        """The records of a partition that need no answer in this round."""
        earlier = [attempt for attempt in sorted(taken) if attempt >= turn.since]
        return kept_guids(self._work, turn.settles, part, earlier, turn.threshold)

    def _is_open(self, part: str, settled: frozenset[str]) -> bool:
        """Whether a partition has records that are not settled."""
        return any(row["guid"] not in settled for row in read_rows(self._work.file(SOURCE, part), ["guid"]))

    async def _stage(self, job: Job) -> Done:
        """One stage of one partition: asked where somebody is to be asked, and put through."""
        known = self._known(job)
        if known is not None:
            return known
        asking = job.stage.asking
        if asking is None:
            return await self._run(job)
        done = None
        for ask in range(1, asking.asks + 1):
            requests = asking.asker.requests(stage_input(self._work, job), self._models.ledger, ask)
            asked = await self._ask(asking, requests)
            if done is None or asked:
                done = await self._run(job, again=done)
            if not done.tally.pending or (ask > 1 and not asked):
                break
        assert done is not None
        return done

    def _known(self, job: Job) -> Done | None:
        """What an earlier run left of a stage, if it is complete; else the stage is begun."""
        stage = job.stage
        known = done_before(self._work.file(stage.writes, job.part, stage.turn.attempt), job.key)
        along = self._position.at(stage.name)
        if known is not None and not known.tally.pending:
            along.add(known.tally, known=True)
            return known
        folder = stage.reads[-1] if stage.reads else SOURCE
        path = self._work.file(folder, job.part, stage.turn.attempt if stage.reads else None)
        along.entered += sum(row["guid"] not in job.without for row in read_rows(path, ["guid"]))
        self._note()
        return None

    async def _ask(self, asking: Asking, requests: Iterator[Any]) -> int:
        """Has the requests answered; returns how many there were."""
        counted = _Counting(requests)
        try:
            if self._models.is_live(asking):
                return await self._models.ask(asking, requests, partial(self._see, asking))
            self._models.ask_now(asking, counted, partial(self._see, asking))
        except NercotError:
            self._position.step = self._step_of(asking)
            raise
        return counted.count

    def _step_of(self, asking: Asking) -> str:
        """The step in which a model of this role is asked."""
        return next(each.name for each in self._stages.kinds if each.asking and each.asking.role == asking.role)

    def _see(self, asking: Asking, seen: Progress) -> None:
        """Says how far a model is."""
        along = self._position.at(self._step_of(asking))
        along.asked = max(along.asked, seen.done + seen.found)
        self._spent[asking.place or asking.role] = None if seen.unpriced else seen.cost
        self._say_figures()
        self._report(f"{asking.role} {asking.model.model}", along.done, along.entered)
        self._note()

    async def _run(self, job: Job, again: Done | None = None) -> Done:
        """Puts a partition through a stage; `again`: what came of it before it was asked about once more."""
        if self._beside is None:
            done = run_stage(self._work, job, self._models.ledger if job.stage.asking is not None else None)
        else:
            done = await self._beside.run(job)
        along = self._position.at(job.stage.name)
        along.add(done.tally, known=False)
        if again is not None:
            along.through -= again.tally.entered - again.tally.pending
            along.kept -= again.tally.kept
            along.dropped -= again.tally.dropped.total()
        if job.stage.asking is None:
            self._say_figures()
            self._report(job.stage.name, along.done, along.entered)
        self._note()
        return done

    def _say_figures(self) -> None:
        """Hands the report what became of records, and what the models took."""
        costs = self._spent.values()
        self._position.spent = None if None in costs else sum(cost or 0.0 for cost in costs)
        say_figures(self._report, self._position.figures(self._stages.kinds[-1].name))

    def _note(self, at_once: bool = False) -> None:
        """Tells where the run is, not too often."""
        now = time.monotonic()
        if (at_once and self._told) or now - self._told >= _TELL_SECONDS:
            self._told = now
            self._tell(self._position)

    # --- all partitions together ----------------------------------------------------------------

    def _stages_together(self, parts: list[str], partitions: Mapping[str, str]) -> dict[str, Went]:
        """Stage after stage, each for all partitions before the next begins."""
        history = {part: [partitions[part]] for part in parts}
        taken: dict[str, set[int]] = {part: set() for part in parts}
        for turn in self._stages.rounds:
            settled = {part: self._settled(turn, part, taken[part]) for part in parts}
            open_parts = [part for part in parts if not taken[part] or self._is_open(part, settled[part])]
            read: dict[str, object] = {part: history[part] for part in open_parts}
            for stage in turn.stages:
                jobs = [
                    Job(stage, part, content_key(stage.name, stage.settings, read[part]), settled[part])
                    for part in open_parts
                ]
                read = dict(zip(open_parts, self._stage_together(stage, jobs), strict=True))
            for part in open_parts:
                history[part].append(content_key(read[part], turn.threshold))
                taken[part].add(turn.turn.attempt)
        return {part: Went(history[part], frozenset(taken[part])) for part in parts}

    def _stage_together(self, stage: RecordStage, jobs: list[Job]) -> list[str]:
        """One stage of all partitions, after its model has been asked about all; returns the keys for the next."""
        to_do = [job for job in jobs if self._known(job) is None]
        for ask in range(1, stage.asking.asks + 1) if stage.asking and to_do else ():
            assert stage.asking is not None
            records = chain.from_iterable(stage_input(self._work, job) for job in to_do)
            requests = stage.asking.asker.requests(records, self._models.ledger, ask)
            self._models.ask_now(stage.asking, requests, partial(self._see, stage.asking))
        return [_at_once(self._run(job)).key for job in jobs]


class _Counting(Iterator[Any]):
    """Requests, counted as they are drawn."""

    def __init__(self, requests: Iterator[Any]) -> None:
        self._requests = requests
        self.count = 0

    def __next__(self) -> Any:
        request = next(self._requests)
        self.count += 1
        return request


def _at_once(way: Coroutine[Any, Any, _Result]) -> _Result:
    """Runs what never waits for anything: no event loop is needed, and one may be running."""
    try:
        way.send(None)
    except StopIteration as end:
        result: _Result = end.value
        return result
    raise AssertionError("a stage waits where nobody is asked")


def _in_a_loop(way: Coroutine[Any, Any, _Result]) -> _Result:
    """Runs it in an event loop of its own; where one is running, as in a notebook, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(way)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, way).result()
