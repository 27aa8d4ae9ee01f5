"""`nercot plan` and `nercot status`: what a build would cost, and where it stands.  No model is called.

In: a recipe, its work folder, the ledger as far as there is one.  Out: calls, tokens, dollars and hours as
JSON values.  What the ledger holds costs nothing; an unknown price is said to be unknown.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nercot.building.builder import BuildOptions, alone, is_annotated, is_judged, prompts_of, read_source, source_of
from nercot.building.pipeline import STAGES, Position, Report, Work, source_records
from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.recordings import said_of_prompts
from nercot.corpus.records import Outcome, Record
from nercot.corpus.tables import meta_of
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Request
from nercot.llm.pacing import cost_of
from nercot.llm.recorded import recorded_facts
from nercot.steps.annotate import Teacher
from nercot.steps.score import Judge
from nercot.steps.validate import validate_step

# Before a model's own figures are in the ledger: bytes of a prompt for a token, tokens of an answer with its
# trace (the paper's corpus: about 500), tokens of a judgement, and tokens a second of one request.
_BYTES_A_TOKEN = 4
_ANSWER_TOKENS = 500
_JUDGEMENT_TOKENS = 300
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
        teacher = Estimate(recipe.teacher, _mean_out(ledger, recipe, "annotate", _ANSWER_TOKENS))
        judge = Estimate(recipe.judge, _mean_out(ledger, recipe, "score", _JUDGEMENT_TOKENS))
        parts = sorted(ingested.partitions) if is_annotated(recipe) else []
        records = chain.from_iterable(source_records(work, part, frozenset()) for part in parts)
        if parts and recipe.teacher.embedded:
            from nercot.embedded import require_gold

            require_gold(chain.from_iterable(source_records(work, part, frozenset()) for part in parts))
        _count(_Asking(recipe, ledger, teacher, judge), records, ingested.kept, report)
    costs = (teacher.cost, judge.cost)
    facts = recorded_facts(recipe, prompts_of(recipe))
    return {
        "corpus": recipe.name,
        "records": ingested.kept,
        "calls": {"teacher": teacher.calls, "judge": judge.calls},
        "tokens": {
            "input": round(teacher.tokens_in + judge.tokens_in),
            "output": round(teacher.tokens_out + judge.tokens_out),
        },
        "cost": None if None in costs else round(sum(cost or 0.0 for cost in costs), 4),
        "hours": round(teacher.hours + judge.hours, 3),
        **({"recorded": facts, "notes": said_of_prompts(facts)} if facts else {}),
    }


def _mean_out(ledger: Ledger | None, recipe: Recipe, step: str, usual: int) -> float:
    """Output tokens of a call of this step, from what its model has said before."""
    model = recipe.teacher if step == "annotate" else recipe.judge
    seen = [row for row in ledger.totals() if row.step == step and row.model == model.model] if ledger else []
    calls, tokens = sum(row.calls for row in seen), sum(row.tokens_out for row in seen)
    return tokens / calls if calls and tokens else usual


class _Asking:
    """Counts the requests of a build that the ledger does not answer, as far as its answers tell what they are."""

    def __init__(self, recipe: Recipe, ledger: Ledger | None, teacher: Estimate, judge: Estimate) -> None:
        prompts = prompts_of(recipe)
        self.recipe, self.ledger, self.teacher, self.judge = recipe, ledger, teacher, judge
        self._teacher = Teacher(recipe.name, recipe.teacher, prompts.get("annotate", ""))
        self._judge = Judge(recipe.name, recipe.judge, prompts.get("judge", ""))
        self._usual_trace = "." * round(teacher.answer_tokens * _BYTES_A_TOKEN)
        # Requests that were counted: equal records are asked about once.
        self._counted: set[str] = set()

    def batch(self, records: list[Record]) -> None:
        """Goes through the attempts until no record needs another one, or its answer is not known yet."""
        for attempt in range(1, (1 if self.recipe.teacher.embedded else self.recipe.teacher.attempts) + 1):
            kept = {record.guid for record in self._round(records, attempt)}
            records = [record for record in records if record.guid not in kept]

    def _round(self, records: list[Record], attempt: int) -> Iterator[Record]:
        """The records that need no further attempt, or of which it is not known yet."""
        answered = []
        for item in self._annotated(records, attempt):
            if item.pending:
                self._ask_teacher(item.record, attempt)
                yield item.record
            elif item.kept:
                answered.append(item.record)
        valid = [
            item.record for item in validate_step(iter(answered), self.recipe.rules, self.recipe.trace) if item.kept
        ]
        yield from self._judged(valid) if is_judged(self.recipe) else valid

    def _annotated(self, records: list[Record], attempt: int) -> Iterable[Outcome]:
        if self.recipe.teacher.embedded:
            from nercot.embedded import annotate

            return annotate(iter(records))
        if self.ledger is None:
            return (Outcome(record, pending=True) for record in records)
        return self._teacher.outcomes(iter(records), self.ledger, attempt)

    def _judged(self, records: list[Record]) -> Iterator[Record]:
        """Counts the judgements to come; gives the records that may stand."""
        recipe = self.recipe
        for item in self._scored(records):
            if item.pending:
                self._add(self.judge, self._judge.request(item.record, 1))
            judgement = item.record.judgement
            if item.pending or recipe.teacher.until == "valid" or (judgement and judgement.score >= recipe.threshold):
                yield item.record

    def _scored(self, records: list[Record]) -> Iterable[Outcome]:
        if self.recipe.judge.embedded:
            from nercot.embedded import score

            # What it says decides only whether there is another attempt.
            return score(iter(records)) if self.recipe.teacher.until == "selected" else map(Outcome, records)
        if self.ledger is None:
            return (Outcome(record, pending=True) for record in records)
        return self._judge.outcomes(iter(records), self.ledger)

    def _ask_teacher(self, record: Record, attempt: int) -> None:
        """Counts a call of the teacher, and the judgement that its answer may need."""
        new = self._add(self.teacher, self._teacher.request(record, attempt))
        if new and is_judged(self.recipe) and not self.recipe.judge.embedded:
            usual = replace(record, cot=self._usual_trace, entities=())
            self.judge.add(len(self._judge.request(usual, 1).payload))

    def _add(self, estimate: Estimate, request: Request) -> bool:
        """Counts a request, unless an equal one was counted."""
        if request.key in self._counted:
            return False
        self._counted.add(request.key)
        estimate.add(len(request.payload))
        return True


def _count(asking: _Asking, records: Iterator[Record], total: int, report: Report) -> None:
    done = 0
    while batch := list(islice(records, _BATCH)):
        asking.batch(batch)
        done += len(batch)
        report("plan", done, total)


# --- status ----------------------------------------------------------------------------------------


def status(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Where the build of a recipe stands: done and left by step, spent, last error, whether it is running."""
    work = Work(out / recipe.name)
    path = out / "ledger.sqlite"
    source = _source_state(work)
    position = work.position()
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
        "steps": list(_steps(work, source.get("partitions", {}), position, _taken(recipe))),
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


def _taken(recipe: Recipe) -> list[str]:
    """The steps that work through records, of those that there are: a corpus may only be drawn, or have no judge."""
    steps = STAGES if is_judged(recipe) else ("annotate", "validate") if is_annotated(recipe) else ()
    return list(steps)


def _steps(
    work: Work, parts: Iterable[str], position: Position | None, taken: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """For each step the records that it has settled, those that are left as far as is known, and those it kept."""
    carried = 0
    for step in taken:
        files = [path for part in parts for path in sorted((work.root / STAGES[step]).glob(f"{part}*.parquet"))]
        metas = [meta for path in files if _of_this_run(step, path, position) and (meta := meta_of(path))]
        kept, pending = sum(meta["kept"] for meta in metas), sum(meta["pending"] for meta in metas)
        done, left = sum(meta["in"] for meta in metas) - pending, pending + carried
        carried = left
        if position is not None and step == position.step:
            done, left = done + position.done, left + position.entered - position.done
            kept += position.kept or 0
            carried = left + (position.done if position.kept is None else position.kept)
        yield {"step": step, "done": done, "left": left, "kept": kept}


def _of_this_run(step: str, path: Path, position: Position | None) -> bool:
    """Whether a step's file is what the last run left, and not of an older run that it has not come to again."""
    if position is None:
        return True
    order = list(STAGES)
    attempt = path.stem.partition("-")[2]
    return bool(attempt) and (int(attempt), order.index(step)) < (position.attempt, order.index(position.step))


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
