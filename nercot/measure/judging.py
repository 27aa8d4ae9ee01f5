"""`nercot score`: what a judge says of the traces of any PATH.

In: rows with an answer, in any format that carries one.  Out: one judgement a row in DIR/judgements.jsonl, and a
summary.  Rows whose answer cannot be read are counted, not judged.  A judge that is a model is asked through the
ledger, so that judging again costs nothing.  Streams; a path is read once for each attempt.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from nercot.corpus.recipe import Recipe
from nercot.corpus.records import Outcome, Record
from nercot.corpus.tables import judgement_row, replacing
from nercot.corpus.work import Report
from nercot.errors import ShortfallError
from nercot.formats.rows import BadRow
from nercot.measure.check import answered_rows
from nercot.report.shown import record_of
from nercot.report.stats import Stats
from nercot.steps.stage import RecordStep
from nercot.validation.rules import validate


def judge_path(
    path: str,
    recipe: Recipe,
    out: Path | None,
    ledger: Path,
    form: str | None,
    schema: Sequence[str] | None,
    report: Report,
) -> dict[str, Any]:
    """Judges every readable row of PATH with the recipe's judge; returns rows, judged, dropped, scores, calls."""
    dropped: Counter[str] = Counter()

    def records(count: bool = False) -> Iterator[Record]:
        for row in answered_rows(path, form, schema):
            record = None if isinstance(row, BadRow) else _readable(record_of(row))
            if record is not None:
                yield record
            elif count:
                dropped["unreadable" if isinstance(row, BadRow) else "malformed"] += 1

    with ExitStack() as stack:
        action, calls = _judge(recipe, ledger, records, stack, report)
        stats = Stats()
        sink = _sink(out, stack)
        for outcome in action(records(count=True)):
            if outcome.kept:
                stats.add({"score": outcome.record.judgement.score if outcome.record.judgement else None})
            else:
                dropped["pending" if outcome.pending else str(outcome.reason)] += 1
            sink(outcome)
            report("score", stats.rows, None)
    if not stats.rows + dropped.total():
        raise ShortfallError(f"{path}: there are no rows to score")
    return {
        "rows": stats.rows + dropped.total(),
        "judged": stats.rows,
        "dropped": dict(dropped.most_common()),
        "scores": stats.summary()["scores"],
        "at_threshold": sum(count for score, count in stats.scores.items() if score >= recipe.threshold),
        "threshold": recipe.threshold,
        "calls": calls,
    }


def _readable(record: Record) -> Record | None:
    """The record with its trace and its grounded entities, whatever the rules say; None if it cannot be read."""
    verdict = validate(record, rules=("malformed",), trace="optional")
    if verdict.entities is None:
        return None
    return replace(record, cot=verdict.cot, entities=verdict.entities)


def _judge(
    recipe: Recipe, ledger: Path, records: Callable[[], Iterator[Record]], stack: ExitStack, report: Report
) -> tuple[RecordStep, int]:
    """The judge as a record step, after every request that it needs has been asked."""
    from nercot.building.models import check_models
    from nercot.measure.asking import Asker
    from nercot.steps.score import Judge

    check_models(recipe, ("judge",))
    asker = Asker(recipe, ledger, stack)
    judge = Judge(recipe.name, recipe.judge, asker.template("judge"))
    asker.ask("judge", lambda ask: judge.requests(records(), asker.answers, ask), recipe.judge.attempts)
    return (lambda rows: judge.outcomes(rows, asker.answers)), asker.calls["judge"]


def _sink(out: Path | None, stack: ExitStack) -> Callable[[Outcome], None]:
    """Where judgements go: DIR/judgements.jsonl, or nowhere."""
    if out is None:
        return lambda outcome: None
    temporary = stack.enter_context(replacing(out / "judgements.jsonl"))
    handle = stack.enter_context(temporary.open("w", encoding="utf-8"))

    def write(outcome: Outcome) -> None:
        judgement = outcome.record.judgement
        row: dict[str, Any] = {"guid": outcome.record.guid}
        row |= judgement_row(judgement) if judgement else {"score": None, "reason": outcome.reason}
        handle.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write
