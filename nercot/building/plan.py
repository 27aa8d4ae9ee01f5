"""`nercot plan` and `nercot status`: what a build would cost, and where it stands.  No model is called.

In: a recipe, its work folder, the ledger as far as there is one.  Out: calls, tokens, dollars and hours as
JSON values.  What the ledger holds costs nothing; an unknown price is said to be unknown.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nercot.building.builder import alone
from nercot.building.lists import prompts_of, stages_of
from nercot.building.options import BuildOptions
from nercot.building.progress import Position, noted
from nercot.building.source import read_source, source_of
from nercot.building.stages import SELECTED, Round, StageList
from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.recordings import said_of_prompts
from nercot.corpus.records import Record
from nercot.corpus.streams import source_records
from nercot.corpus.tables import meta_of
from nercot.corpus.work import Report, Work
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request
from nercot.llm.pacing import cost_of
from nercot.llm.recorded import recorded_facts
from nercot.steps.stage import Answers, Asking, RecordStage

# Before a model's own figures are in the ledger: bytes of a prompt for a token, tokens of an answer with its
# trace (the paper's corpus: about 500), tokens of a judgement, and tokens a second of one request.
_BYTES_A_TOKEN = 4
_USUAL = {"teacher": ("annotate", 500), "judge": ("score", 300)}
_TOKENS_A_SECOND = 40
_BATCH = 200


@dataclass(slots=True)
class Estimate:
    """Calls and tokens that one model would still take."""

    model: Model
    answer_tokens: float
    calls: int = 0
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    scale: float = field(default=1 / _BYTES_A_TOKEN)

    def add(self, payload_bytes: float) -> None:
        """Counts one call whose prompt has so many bytes; recorded answers are no calls."""
        if self.model.is_recorded:
            return
        self.calls += 1
        self.tokens_in += payload_bytes * self.scale
        self.tokens_out += self.answer_tokens

    @property
    def cost(self) -> float | None:
        """USD; 0 without calls, None where the price is unknown."""
        if not self.calls or self.model.is_recorded:
            return 0.0
        return cost_of(self.model.price, round(self.tokens_in), 0, round(self.tokens_out))

    @property
    def hours(self) -> float:
        """Time at the recipe's pace: requests in flight, requests and tokens per minute."""
        model = self.model
        flight = self.tokens_out / _TOKENS_A_SECOND / model.concurrency / 3600
        requests = self.calls / model.rpm / 60 if model.rpm else 0.0
        tokens = (self.tokens_in + self.tokens_out) / model.tpm / 60 if model.tpm else 0.0
        return max(flight, requests, tokens)


def plan(recipe: Recipe, options: BuildOptions, report: Report) -> dict[str, Any]:
    """What `build` with the same options would ask of models: first attempts, and judgements at most."""
    work = Work(options.out / recipe.name)
    path = options.out / "ledger.sqlite"
    with ExitStack() as stack:
        stack.enter_context(alone(work.root))
        source = source_of(recipe, options)
        ingested = read_source(source, recipe, options, work, report)
        ledger = stack.enter_context(Ledger(path)) if path.exists() else None
        stages = stages_of(recipe, prompts_of(recipe))
        estimates = {role: Estimate(getattr(recipe, role), _usual(ledger, recipe, role)) for role in _USUAL}
        parts = sorted(ingested.partitions) if stages.rounds else []
        records = chain.from_iterable(source_records(work, part, frozenset()) for part in parts)
        _count(_Counting(stages, ledger, estimates), records, ingested.kept, report)
    costs = [estimate.cost for estimate in estimates.values()]
    facts = recorded_facts(recipe, prompts_of(recipe))
    return {
        "corpus": recipe.name,
        "records": ingested.kept,
        "calls": {role: estimate.calls for role, estimate in estimates.items()},
        "tokens": {
            "input": round(sum(estimate.tokens_in for estimate in estimates.values())),
            "output": round(sum(estimate.tokens_out for estimate in estimates.values())),
        },
        "cost": None if None in costs else round(sum(cost or 0.0 for cost in costs), 4),
        "hours": round(sum(estimate.hours for estimate in estimates.values()), 3),
        **({"recorded": facts, "notes": said_of_prompts(facts)} if facts else {}),
    }


def _usual(ledger: Ledger | None, recipe: Recipe, role: str) -> float:
    """Output tokens of a call of this role, from what its model has said before."""
    step, usual = _USUAL[role]
    model = getattr(recipe, role)
    seen = [row for row in ledger.totals() if row.step == step and row.model == model.model] if ledger else []
    calls, tokens = sum(row.calls for row in seen), sum(row.tokens_out for row in seen)
    return tokens / calls if calls and tokens else usual


class _Nothing:
    """What answers where there is no ledger yet."""

    def replies_to(self, requests: Sequence[Request]) -> list[Reply | None]:
        return [None] * len(requests)


class _Counting:
    """Counts the requests of a build that the ledger does not answer, as far as its answers tell what they are."""

    def __init__(self, stages: StageList, ledger: Ledger | None, estimates: Mapping[str, Estimate]) -> None:
        self._stages, self._estimates = stages, estimates
        self._answers: Answers = ledger or _Nothing()
        # Requests that were counted: equal records are asked about once.
        self._counted: set[str] = set()

    def batch(self, records: list[Record]) -> None:
        """Goes through the rounds until no record needs another one, or its answer is not known yet."""
        for turn in self._stages.rounds:
            done = {record.guid for record in self._round(turn, records)}
            records = [record for record in records if record.guid not in done]

    def _round(self, turn: Round, records: list[Record]) -> Iterator[Record]:
        """The records that need no further round, or of which it is not known yet."""
        for place, stage in enumerate(turn.stages):
            kept = []
            for item in stage.outcomes(iter(records), self._answers):
                if item.pending:
                    self._pending(turn.stages[place:], item.record)
                    yield item.record
                elif item.kept:
                    kept.append(item.record)
            if stage.writes == turn.settles:
                yield from (record for record in kept if _reaches(record, turn.threshold))
            records = kept

    def _pending(self, stages: Sequence[RecordStage], record: Record) -> None:
        """Counts the request that a stage waits for, and those that its answer may lead to."""
        first, *later = (stage.asking for stage in stages if stage.asking is not None)
        requests = first.asker.requests(iter((record,)), self._answers, 1)
        if not self._add(first, next(requests)):
            return
        for asking in later:
            usual = replace(record, cot=self._trace(), entities=())
            request = next(asking.asker.requests(iter((usual,)), _Nothing(), 1))
            self._estimates[asking.role].add(len(request.payload))

    def _trace(self) -> str:
        return "." * round(self._estimates["teacher"].answer_tokens * _BYTES_A_TOKEN)

    def _add(self, asking: Asking, request: Request) -> bool:
        """Counts a request, unless an equal one was counted."""
        if request.key in self._counted:
            return False
        self._counted.add(request.key)
        self._estimates[asking.role].add(len(request.payload))
        return True


def _reaches(record: Record, threshold: float | None) -> bool:
    judgement = record.judgement
    return threshold is None or (judgement is not None and judgement.score >= threshold)


def _count(counting: _Counting, records: Iterator[Record], total: int, report: Report) -> None:
    done = 0
    while batch := list(islice(records, _BATCH)):
        counting.batch(batch)
        done += len(batch)
        report("plan", done, total)


# --- status ----------------------------------------------------------------------------------------


def status(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Where the build of a recipe stands: done and left by step, spent, last error, whether it is running."""
    work = Work(out / recipe.name)
    path = out / "ledger.sqlite"
    source = _source_state(work)
    position = noted(work)
    told: dict[str, Any] = {"spent": None, "last_error": None}
    if path.exists():
        with Ledger(path) as ledger:
            told = _told(ledger, recipe.name)
    if position is not None and position.error is not None:
        told["last_error"] = {"step": position.step, "guid": None, "detail": position.error}
    return {
        "corpus": recipe.name,
        "running": _running(work.root),
        "records": source.get("kept"),
        "steps": list(_steps(work, source.get("partitions", {}), position, stages_of(recipe, prompts_of(recipe)))),
        "spent": told["spent"],
        "last_error": told["last_error"],
        "candidate": _candidate(work.root / "candidate" / "manifest.json"),
    }


def _source_state(work: Work) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((work.root / "1-source" / "source.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state


def _told(ledger: Ledger, corpus: str) -> dict[str, Any]:
    rows = ledger.totals(corpus)
    error = ledger.last_error(corpus)
    return {
        "spent": {
            "calls": sum(row.calls for row in rows),
            "failed_calls": sum(row.failed for row in rows),
            "tokens": {"input": sum(row.tokens_in for row in rows), "output": sum(row.tokens_out for row in rows)},
            "cost": round(sum(row.cost for row in rows), 6),
            "calls_of_unknown_price": sum(row.unpriced for row in rows),
        },
        "last_error": None if error is None else {"step": error.step, "guid": error.guid, "detail": error.detail},
    }


def _steps(work: Work, parts: Iterable[str], position: Position | None, stages: StageList) -> Iterator[dict[str, Any]]:
    """For each step the records that it has settled, those that are left as far as is known, and those it kept."""
    carried = 0
    for place, stage in enumerate(stages.kinds):
        files = [path for part in parts for path in sorted((work.root / stage.writes).glob(f"{part}*.parquet"))]
        metas = [meta for path in files if _of_this_run(place, path, position, stages) and (meta := meta_of(path))]
        kept, pending = sum(meta["kept"] for meta in metas), sum(meta["pending"] for meta in metas)
        done, left = sum(meta["in"] for meta in metas) - pending, pending + carried
        carried = left
        if position is not None and stage.name == position.step:
            done, left = done + position.done, left + position.entered - position.done
            kept += position.kept or 0
            carried = left + (position.done if position.kept is None else position.kept)
        yield {"step": stage.name, "done": done, "left": left, "kept": kept}
    if stages.select is not None:
        yield _selected(work, parts, stages.select.name, carried)


def _selected(work: Work, parts: Iterable[str], name: str, carried: int) -> dict[str, Any]:
    metas = [meta for part in parts if (meta := meta_of(work.file(SELECTED, part)))]
    done, kept = sum(meta["in"] for meta in metas), sum(meta["kept"] for meta in metas)
    return {"step": name, "done": 0 if carried else done, "left": carried, "kept": 0 if carried else kept}


def _of_this_run(place: int, path: Path, position: Position | None, stages: StageList) -> bool:
    """Whether a step's file is what the last run left, and not of an older run that it has not come to again."""
    if position is None:
        return True
    order = [stage.name for stage in stages.kinds]
    attempt = path.stem.partition("-")[2]
    return bool(attempt) and (int(attempt), place) < (position.attempt, order.index(position.step))


def _running(root: Path) -> bool:
    """Whether a build holds the work folder just now."""
    try:
        with (root / ".lock").open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _candidate(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError):
        return None
