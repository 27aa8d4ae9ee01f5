"""`nercot calibrate`: what rules, reader and judge catch, measured on records made wrong on purpose.

In: records with trace and entities, in any format that carries them.  A sample of them is taken to be right; of
those that the rules let pass, wrong ones are made (perturb.py), and the same ones in another form (variants.py).
Out: how many of each fault rules, reader, judge and all together catch, and how many right ones they lose; what a
judge keeps at each threshold, how its scores vary when asked again and with the length of the trace; how often a
verdict or score moves where only the form did; of a corpus with all its answers also what its own judge and the
agreement of its teachers choose, and what that takes (choosing.py).  A reading depends on the trace alone, so each
trace is read once, whatever the answer beside it; where no reader is asked, the readings that a corpus holds stand for
the traces that are as they were.  Memory is that of the sample and its faults.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import StatisticsError, correlation, fmean, pvariance
from typing import Any

from nercot.building.manifest import CALIBRATION
from nercot.building.models import check_models
from nercot.corpus.recipe import Model, Recipe
from nercot.corpus.records import Answer, Reading, Record
from nercot.corpus.tables import to_reading, write_json
from nercot.corpus.work import Report
from nercot.errors import ShortfallError
from nercot.formats.rows import BadRow
from nercot.measure.asking import Asker
from nercot.measure.caught import Case, Seen, Trace, curve, invariance, planned, reader_figures, together
from nercot.measure.check import answered_rows
from nercot.measure.choosing import choosing, fingerprint_of, raw_rows
from nercot.measure.perturb import FAULTS, perturb
from nercot.measure.variants import VARIANTS
from nercot.report.shown import record_of
from nercot.steps.read import Reader, has_trace
from nercot.validation.answers import carries, render_answer
from nercot.validation.rules import validate

# How often a judge is asked about the same trace.
REPEATS = 3
# Records that strange names and traces are drawn from.
STRANGERS = 50

Scorer = Callable[[Sequence[Record]], list[list[float]]]


def calibrate(
    path: str,
    recipe: Recipe,
    out: Path | None,
    ledger: Path,
    limit: int,
    seed: int,
    form: str | None,
    schema: Sequence[str] | None,
    report: Report,
    plan: bool = False,
    reads: bool | None = None,
) -> dict[str, Any]:
    """Calibrates the rules, the recipe's reader and its judge, if it has one, on at most `limit` records.

    `reads`: whether the reader is asked, too; None where the recipe has the step read.
    `out`/calibration.json holds the result.  With `plan` nobody is asked: calls, tokens and cost, at most.
    Raises ShortfallError where no record has a trace and entities.
    """
    reads = "read" in recipe.steps if reads is None else reads
    judges = not recipe.judge.absent
    check_models(recipe, [role for role, asked in (("reader", reads), ("judge", judges)) if asked])
    sample = _sample(_records(path, form, schema), limit, seed)
    if not sample:
        raise ShortfallError(f"{path}: no row has a trace and entities; name a corpus, for example a candidate")
    right = [_case("right", record) for record in sample]
    passed = [case for case in right if case.verdict.valid]
    cases = [*passed, *_faulty([case.record for case in passed], seed, report)]
    varied = list(_varied(passed))
    if plan:
        return planned(recipe, [case.record for case in (*cases, *varied) if case.readable], REPEATS, reads)
    with ExitStack() as stack:
        traces = [*cases, *varied]
        readings = _readings(recipe, ledger, stack, traces) if reads else _held(path, form, traces)
        scores = _scorer(recipe, ledger, stack, report)([case.record for case in (*cases, *varied) if case.readable])
    if not reads and (said := next(filter(None, readings.values()), None)):
        reads, recipe = True, replace(recipe, reader=Model(model=said.reader))
    found = iter(scores)
    seen = [Seen(case, readings.get(case.trace), next(found) if case.readable else []) for case in (*cases, *varied)]
    known, others = seen[: len(cases)], seen[len(cases) :]
    result = {
        **fingerprint_of(path),
        "records": len(right),
        "seed": seed,
        "rules": _rules(right, cases),
        "reader": reader_figures(recipe, known) if reads else None,
        "judge": _judge(recipe, cases, scores[: sum(case.readable for case in cases)]) if judges else None,
        "together": together(recipe, known, reads),
        "invariance": invariance(known, others),
        "curve": curve([item for item in known if item.case.kind == "right"], reads),
    }
    if out is not None:
        write_json(out / CALIBRATION, result)
    # What choosing costs is no part of a card.
    chosen = choosing(path, ledger) if form is None else None
    return result if chosen is None else {**result, "choosing": chosen}


def _readings(recipe: Recipe, ledger: Path, stack: ExitStack, cases: Sequence[Case]) -> dict[Trace, Reading | None]:
    """What the reader says of each trace; None where it said nothing that can be read."""
    traces = {case.trace: case.record for case in reversed(cases) if case.readable and has_trace(case.record)}
    asker = Asker(recipe, ledger, stack)
    reader = Reader(recipe.name, recipe.reader, asker.template("reading"))
    records = list(traces.values())
    asker.ask("reader", lambda ask: reader.requests(iter(records), asker.answers, ask), recipe.reader.attempts)
    outcomes = reader.outcomes(iter(records), asker.answers)
    return {trace: outcome.record.reading for trace, outcome in zip(traces, outcomes, strict=True)}


def _held(path: str, form: str | None, cases: Sequence[Case]) -> dict[Trace, Reading]:
    """What a corpus of ours holds of readings of these traces; nothing of any other file."""
    rows = (row for row in raw_rows(path, ("cot", "reading", "reader")) if row["reading"]) if form is None else ()
    wanted = {case.trace for case in cases}
    said = (((row["guid"], row["cot"] or ""), row) for row in rows)
    return {trace: to_reading(row["reading"], row["reader"]) for trace, row in said if trace in wanted}


# --- the sample and its faults --------------------------------------------------------------------


def _records(path: str, form: str | None, schema: Sequence[str] | None) -> Iterator[Record]:
    """The rows that can be calibrated on."""
    for row in answered_rows(path, form, schema):
        record = None if isinstance(row, BadRow) else record_of(row)
        if record is None or isinstance(row, BadRow):
            continue
        if record.answer is not None or (record.cot and record.entities is not None):
            own = record.answer is not None or row.entities is not None
            yield replace(record, gold=row.gold if own else None)


def _sample(records: Iterator[Record], limit: int, seed: int) -> list[Record]:
    """`limit` records, each as likely as any other, in their order."""
    draw = Random(seed)
    sample: list[tuple[int, Record]] = []
    for number, record in enumerate(records):
        if number < limit:
            sample.append((number, record))
        elif (place := draw.randrange(number + 1)) < limit:
            sample[place] = (number, record)
    return [record for _, record in sorted(sample, key=lambda item: item[0])]


def _case(kind: str, record: Record) -> Case:
    """The verdict on a record as a teacher would have answered it, and the record as a judge would see it."""
    if record.answer is None and carries(record.cot):
        text = render_answer(record.cot, record.entities or (), record.schema)
        record = replace(record, answer=Answer("calibration", text), cot=None, entities=None)
    verdict = validate(record)
    return Case(kind, replace(record, answer=None, cot=verdict.cot, entities=verdict.entities), verdict)


def _faulty(records: Sequence[Record], seed: int, report: Report) -> Iterator[Case]:
    for number, record in enumerate(records, 1):
        others = Random(f"{seed} {record.guid}").sample(records, min(STRANGERS, len(records)))
        for kind in FAULTS:
            wrong = perturb(record, others, kind, seed)
            if wrong is not None:
                yield _case(kind, wrong)
        report("faults", number, len(records))


def _varied(passed: Sequence[Case]) -> Iterator[Case]:
    """The right records in other forms."""
    for case in passed:
        for kind, vary in VARIANTS.items():
            yield _case(kind, vary(case.record))


# --- the rules ------------------------------------------------------------------------------------


def _rules(right: Sequence[Case], cases: Sequence[Case]) -> dict[str, Any]:
    kinds = {kind: [case for case in cases if case.kind == kind] for kind in FAULTS}
    return {
        "right": {"made": len(right), "lost": _caught(right), "by_rule": _by_rule(right)},
        "faults": {
            kind: {"made": len(made), "caught": _caught(made), "by_rule": _by_rule(made)}
            for kind, made in kinds.items()
        },
    }


def _caught(cases: Sequence[Case]) -> int:
    return sum(not case.verdict.valid for case in cases)


def _by_rule(cases: Sequence[Case]) -> dict[str, int]:
    """For each rule the cases that it objects to; several may object to one."""
    objections = (rule for case in cases for rule in {violation.rule for violation in case.verdict.violations})
    return dict(sorted(Counter(objections).items(), key=lambda item: (-item[1], item[0])))


# --- the judge ------------------------------------------------------------------------------------


def _scorer(recipe: Recipe, ledger: Path, stack: ExitStack, report: Report) -> Scorer:
    """Gives for each record its readable scores, REPEATS at most; none where nobody judges."""
    if recipe.judge.absent:
        return lambda records: [[] for _ in records]
    from nercot.llm.prompts import parse_judgement
    from nercot.steps.score import Judge

    asker = Asker(recipe, ledger, stack)
    asked = Judge(recipe.name, recipe.judge, asker.template("judge"))

    def scores(records: Sequence[Record]) -> list[list[float]]:
        found: list[list[float]] = [[] for _ in records]
        asker.ask("judge", lambda ask: (asked.request(record, ask) for record in records), REPEATS)
        for ask in range(1, REPEATS + 1):
            replies = asker.answers.replies_to([asked.request(record, ask) for record in records])
            for place, reply in enumerate(replies):
                said = reply and reply.kind == "answer"
                judgement = parse_judgement(reply.content, recipe.judge.rubric) if reply and said else None
                found[place] += [] if judgement is None else [judgement.score]
            report("judge", ask, REPEATS)
        return found

    return scores


def _judge(recipe: Recipe, cases: Sequence[Case], scores: Sequence[Sequence[float]]) -> dict[str, Any]:
    judged = list(zip((case for case in cases if case.readable), scores, strict=True))
    first = {kind: [found[0] for case, found in judged if case.kind == kind and found] for kind in ("right", *FAULTS)}
    wrong = [score for kind in FAULTS for score in first[kind]]
    lengths = [(len(case.record.cot or ""), found[0]) for case, found in judged if case.kind == "right" and found]
    slipped = Counter(
        case.kind for case, found in judged if case.verdict.valid and found and found[0] >= recipe.threshold
    )
    return {
        "model": recipe.judge.model,
        "threshold": recipe.threshold,
        "auc": _auc(first["right"], wrong),
        "right": {"judged": len(first["right"]), "kept": _kept(first["right"], recipe.threshold)},
        "faults": {
            kind: {
                "judged": len(first[kind]),
                "kept": _kept(first[kind], recipe.threshold),
                "auc": _auc(first["right"], first[kind]),
                "kept_and_valid": slipped[kind],
            }
            for kind in FAULTS
        },
        "unjudged": sum(not found for found in scores),
        "repeats": REPEATS,
        "variance": _rounded(fmean([pvariance(found) for _, found in judged if found] or [0.0])),
        "length_correlation": _correlation(lengths),
    }


def _kept(scores: Sequence[float], threshold: float) -> int:
    return sum(score >= threshold for score in scores)


def _auc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """The chance that a right record has a higher score than a wrong one, ties counted half; None without both."""
    if not right or not wrong:
        return None
    ranked = sorted(wrong)
    won = sum(bisect_left(ranked, score) + bisect_right(ranked, score) for score in right) / 2
    return _rounded(won / (len(right) * len(wrong)))


def _correlation(pairs: Sequence[tuple[int, float]]) -> float | None:
    """Pearson's r of length and score; None where one of them never varies."""
    try:
        return _rounded(correlation([length for length, _ in pairs], [score for _, score in pairs]))
    except StatisticsError:
        return None


def _rounded(value: float) -> float:
    return round(value, 4)
