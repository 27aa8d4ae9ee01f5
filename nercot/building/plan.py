"""`nercot plan`: what a build would cost.  No model is called.

In: a recipe, its work folder, the ledger as far as there is one.  Out: calls, tokens, dollars and hours as
JSON values.  What the ledger holds costs nothing; an unknown price is said to be unknown.  Of a cascade the later
teachers' share is what the ledger has seen of the earlier ones, or a guess that is called one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nercot.building.lists import prompts_of, stages_of
from nercot.building.models import same_models
from nercot.building.options import BuildOptions
from nercot.building.source import read_source, resolved
from nercot.building.stages import Round, StageList
from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.recordings import said_of_prompts
from nercot.corpus.records import Record
from nercot.corpus.streams import source_records
from nercot.corpus.work import Report, Work
from nercot.llm.asking import ROLES
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request
from nercot.llm.pacing import cost_of
from nercot.llm.recorded import recorded_facts
from nercot.steps.stage import Answers, Asking, RecordStage

# Before a model's own figures are in the ledger: bytes of a prompt for a token, tokens of an answer with its
# trace (the paper's corpus: about 500), of a reading and of a judgement, and tokens a second of one request.
_BYTES_A_TOKEN = 4
_USUAL = {"annotate": 500, "read": 250, "score": 300}
# The share of records that a teacher does not get kept, as long as fewer than _ENOUGH of its answers are known.
_UNKEPT, _ENOUGH = 0.3, 20
_TOKENS_A_SECOND = 40
_BATCH = 200


@dataclass(slots=True)
class Estimate:
    """Calls and tokens that one model would still take."""

    role: str
    model: Model
    answer_tokens: float
    calls: float = 0
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

    def expect(self, calls: float, like: Estimate) -> None:
        """Counts calls to come, with prompts as long as those of another estimate."""
        if self.model.is_recorded:
            return
        self.calls += calls
        self.tokens_in += calls * (like.tokens_in / like.calls if like.calls else 0.0)
        self.tokens_out += calls * self.answer_tokens

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
    """What `build` with the same options would ask of models: first attempts, readings and judgements at most."""
    path = options.ledger_path
    with ExitStack() as stack:
        work = Work(stack.enter_context(_looked_at(options.out / recipe.name)))
        recipe, source = resolved(recipe, options)
        ingested = read_source(source, recipe, options, work, report)
        ledger = stack.enter_context(Ledger(path, read=True)) if path.exists() else None
        prompts = prompts_of(recipe)
        stages = stages_of(recipe, prompts)
        counting = _Counting(stages, ledger, _estimates(recipe, ledger))
        parts = sorted(ingested.partitions) if stages.rounds else []
        records = chain.from_iterable(source_records(work, part, frozenset()) for part in parts)
        _count(counting, records, ingested.kept, report)
    ladder = counting.ladder(recipe) if len(recipe.teachers) > 1 else []
    facts = recorded_facts(recipe, prompts)
    notes = [*said_of_prompts(facts), *same_models(recipe)]
    return {
        "corpus": recipe.name,
        "records": ingested.kept,
        **_told(list(counting.estimates.values())),
        **({"ladder": ladder} if ladder else {}),
        **({"recorded": facts} if facts else {}),
        **({"notes": notes} if notes else {}),
    }


@contextmanager
def _looked_at(root: Path) -> Iterator[Path]:
    """A folder that shows what is in the work folder `root`; what is written stays in it, and goes with it."""
    with TemporaryDirectory(prefix="nercot-plan-") as made:
        for path in root.glob("*/*") if root.is_dir() else ():
            if path.is_file() and path.parent.name != "candidate":
                beside = Path(made) / path.parent.name / path.name
                beside.parent.mkdir(exist_ok=True)
                beside.symlink_to(path.absolute())
        yield Path(made)


def _told(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """Calls by role, tokens, dollars (None where a price is unknown) and hours."""
    costs = [estimate.cost for estimate in estimates]
    calls = dict.fromkeys(ROLES.values(), 0.0)
    for estimate in estimates:
        calls[estimate.role] += estimate.calls
    return {
        "calls": {role: round(number) for role, number in calls.items()},
        "tokens": {
            "input": round(sum(estimate.tokens_in for estimate in estimates)),
            "output": round(sum(estimate.tokens_out for estimate in estimates)),
        },
        "cost": None if None in costs else round(sum(cost or 0.0 for cost in costs), 4),
        "hours": round(sum(estimate.hours for estimate in estimates), 3),
    }


def _estimates(recipe: Recipe, ledger: Ledger | None) -> dict[str, Estimate]:
    """An estimate for each model that the recipe asks, by its key in the recipe."""
    steps = {role: step for step, role in ROLES.items()}
    found = {}
    for place, model in recipe.models():
        role = place.partition(".")[0]
        found[place] = Estimate(role, model, _usual(ledger, model, steps[role]))
    return found


def _usual(ledger: Ledger | None, model: Model, step: str) -> float:
    """Output tokens of a call in this step, from what its model has said before."""
    seen = [row for row in ledger.totals() if row.step == step and row.model == model.model] if ledger else []
    calls, tokens = sum(row.calls for row in seen), sum(row.tokens_out for row in seen)
    return tokens / calls if calls and tokens else _USUAL[step]


class _Nothing:
    """What answers where there is no ledger yet."""

    def replies_to(self, requests: Sequence[Request]) -> list[Reply | None]:
        return [None] * len(requests)


@dataclass(slots=True)
class _Rung:
    """What is known of one teacher: records that went through, those it did not get kept, those not known yet."""

    known: int = 0
    unkept: int = 0
    waiting: int = 0

    @property
    def guessed(self) -> bool:
        return self.known < _ENOUGH

    @property
    def share(self) -> float:
        """Of the records that it is asked about, how many go on to the next teacher."""
        return _UNKEPT if self.guessed else self.unkept / self.known


class _Counting:
    """Counts the requests of a build that the ledger does not answer, as far as its answers tell what they are."""

    def __init__(self, stages: StageList, ledger: Ledger | None, estimates: Mapping[str, Estimate]) -> None:
        self.estimates = estimates
        self._stages = stages
        self._answers: Answers = ledger or _Nothing()
        self._rungs: dict[int, _Rung] = {}
        # Requests that were counted: equal records are asked about once.
        self._counted: set[str] = set()

    def batch(self, records: list[Record]) -> None:
        """Goes through the rounds until no record needs another one, or its answer is not known yet."""
        every, teacher = records, 0
        for turn in self._stages.rounds:
            if self._stages.until == "all" and turn.turn.teacher != teacher:
                records, teacher = every, turn.turn.teacher
            rung = self._rungs.setdefault(turn.turn.teacher, _Rung())
            settled, waiting = self._round(turn, records)
            rung.known += len(records) - len(waiting)
            rung.unkept += len(records) - len(waiting) - len(settled)
            rung.waiting += len(waiting)
            records = [record for record in records if record.guid not in settled and record.guid not in waiting]

    def _round(self, turn: Round, records: list[Record]) -> tuple[set[str], set[str]]:
        """The records that need no further round, and those of which it is not known yet."""
        settled: set[str] = set()
        waiting: set[str] = set()
        for place, stage in enumerate(turn.stages):
            kept = []
            for item in stage.outcomes(iter(records), self._answers):
                if item.pending:
                    self._pending(turn.stages[place:], item.record)
                    waiting.add(item.record.guid)
                elif item.kept:
                    kept.append(item.record)
            if stage.writes == turn.settles:
                settled = {record.guid for record in kept if _reaches(record, turn.threshold)}
            records = kept
        return settled, waiting

    def _pending(self, stages: Sequence[RecordStage], record: Record) -> None:
        """Counts the request that a stage waits for, and those that its answer may lead to."""
        first, *later = (stage.asking for stage in stages if stage.asking is not None)
        for ask in range(1, first.asks + 1):
            request = next(iter(first.asker.requests(iter((record,)), self._answers, ask)), None)
            if request is not None and self._answers.replies_to([request]) == [None]:
                break
        if request is None or not self._add(first, request):
            return
        for asking in later:
            usual = replace(record, cot=self._trace(), entities=())
            asked = next(iter(asking.asker.requests(iter((usual,)), _Nothing(), 1)))
            self._estimate(asking).add(len(asked.payload))

    def _trace(self) -> str:
        """A trace of the length that is usual."""
        teacher = next(estimate for estimate in self.estimates.values() if estimate.role == "teacher")
        return "." * round(teacher.answer_tokens * _BYTES_A_TOKEN)

    def _estimate(self, asking: Asking) -> Estimate:
        return self.estimates[asking.place or asking.role]

    def _add(self, asking: Asking, request: Request) -> bool:
        """Counts a request, unless an equal one was counted."""
        if request.key in self._counted:
            return False
        self._counted.add(request.key)
        self._estimate(asking).add(len(request.payload))
        return True

    def ladder(self, recipe: Recipe) -> list[dict[str, Any]]:
        """A row a teacher: its calls to come and their cost, and the share that goes on, known or guessed.

        Where every teacher is asked about everything, nothing depends on what goes on, and nothing is said of it.

        What an earlier teacher is still to say is added to the later ones' calls by that share.
        """
        rows, arriving, everybody = [], 0.0, recipe.teacher.until == "all"
        checks = [estimate for estimate in self.estimates.values() if estimate.role != "teacher"]
        for number, teacher in enumerate(recipe.teachers, 1):
            own = self.estimates[f"teacher.{number}"]
            for estimate in checks:
                estimate.expect(arriving, estimate)
            own.expect(arriving, own if own.calls else self.estimates["teacher.1"])
            rung = self._rungs.get(number - 1, _Rung())
            cost = own.cost
            rows.append(
                {
                    "teacher": teacher.model,
                    "calls": round(own.calls),
                    "cost": None if cost is None else round(cost, 4),
                    **({} if everybody else {"goes_on": round(rung.share, 3), "guessed": rung.guessed}),
                }
            )
            arriving = 0.0 if everybody else (rung.waiting + arriving) * rung.share
        return rows


def _reaches(record: Record, threshold: float | None) -> bool:
    judgement = record.judgement
    return threshold is None or (judgement is not None and judgement.score >= threshold)


def _count(counting: _Counting, records: Iterator[Record], total: int, report: Report) -> None:
    done = 0
    while batch := list(islice(records, _BATCH)):
        counting.batch(batch)
        done += len(batch)
        report("plan", done, total)
