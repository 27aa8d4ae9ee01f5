"""`nercot evaluate`: a model behind an endpoint, measured on benchmarks as the paper measures it.

In: a folder of benchmark files that the user has, an OpenAI-compatible endpoint.  Out: micro-F1 for each dataset and
on average, exact and as the paper's code counts, beside the paper's own figures; as JSON and as Markdown.  Every
answer goes through the ledger, so a killed run goes on and scoring again is free.  Answers that cannot be read,
their length and their latency are counted apart.  Never trains, never picks answers.

The paper's code leaves five types (misc, other, ...) out of schema and gold.  Under `labels` "paper" the model is not
asked for them either, under "all" it is; both figures are given, from the same answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from nercot.corpus.benchmarks import find_benchmark
from nercot.corpus.labels import PAPER_IGNORED, fold_label, ignored_by_paper
from nercot.corpus.recipe import Model
from nercot.corpus.records import Record
from nercot.corpus.work import Report
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply
from nercot.measure.figures import paper_tables
from nercot.measure.prompted import Prompted
from nercot.measure.testsets import Dataset, find_datasets
from nercot.validation.spans import Score, bootstrap, error_kinds, micro_f1

Labels = Literal["paper", "all"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is asked of whom.

    `suite`: seven, twenty or None (all that is in the folder).  `limit`: the first so many records of each
    dataset.  `prompt`: a file in place of ours.  `trace`: whether the model is asked to reason.  `processed`:
    the files are B2NER's processed test sets, so the paper's figures on those stand beside ours.  `labels`: whether
    the model is asked for every type or, as in the paper's code, not for those that it leaves out.
    """

    model: Model
    benchmarks: Path
    suite: str | None = None
    limit: int | None = None
    prompt: Path | None = None
    trace: bool = True
    processed: bool = False
    retry_seconds: float = 600.0
    labels: Labels = "paper"


def evaluate(plan: Evaluation, ledger: Path, report: Report) -> dict[str, Any]:
    """Asks for every record of every dataset and scores the answers; the result is a JSON value.

    Raises InputError where no benchmark is found, EndpointError for a server that cannot be used.
    """
    found = find_datasets(plan.benchmarks, plan.suite)
    datasets = found.datasets
    whom = Prompted("evaluate", plan.model, plan.prompt, plan.trace, plan.retry_seconds)
    whom.check_keys()
    with Ledger(ledger) as opened:
        records = chain.from_iterable(dataset.records(plan.limit) for dataset in datasets)
        calls = whom.ask(_as_asked(records, plan.labels), opened, report)
        rows = {dataset.name: _score(plan, whom, dataset, opened) for dataset in datasets}
    return {
        "model": plan.model.model,
        "trace": plan.trace,
        "labels": plan.labels,
        "asked": whom.asked(),
        "test_sets": "b2ner" if plan.processed else "original",
        "partial": plan.limit is not None,
        "calls": calls,
        "missing": list(found.missing),
        "not_read": list(found.not_read),
        "datasets": rows,
        "average": _average(list(rows.values())),
        "paper": paper_tables(rows, plan.processed),
    }


def _as_asked(records: Iterator[Record], labels: Labels) -> Iterator[Record]:
    """The records with the types that the model is asked for."""
    return (without_ignored(record) for record in records) if labels == "paper" else records


def without_ignored(record: Record) -> Record:
    """The record without the types that the paper's code leaves out, and without their mentions.

    A record that has no other type stays as it is: there would be nothing to ask.
    """
    kept = [place for place, label in enumerate(record.schema) if not ignored_by_paper(label)]
    if not kept or len(kept) == len(record.schema):
        return record
    described = record.schema_descriptions
    return replace(
        record,
        schema=tuple(record.schema[place] for place in kept),
        schema_descriptions=described and tuple(described[place] for place in kept),
        gold=record.gold and tuple(entity for entity in record.gold if not ignored_by_paper(entity.label)),
    )


# --- scoring --------------------------------------------------------------------------------------


def _score(plan: Evaluation, whom: Prompted, dataset: Dataset, ledger: Ledger) -> dict[str, Any]:
    answers: list[str | None] = []
    replies: list[Reply] = []
    golds = list(dataset.records(plan.limit))
    for _, reply in whom.replies(_as_asked(iter(golds), plan.labels), ledger):
        answers.append(reply.content if reply and reply.kind == "answer" else None)
        replies += [reply] if reply else []
    scores = _scores(answers, golds, plan.labels)
    mine = [without_ignored(record) for record in golds] if plan.labels == "paper" else golds
    exact = scores[plan.labels]["exact"]
    errors = error_kinds(answers, mine)
    interval = bootstrap(exact)
    return {
        "split": dataset.split,
        "rows": len(golds),
        "dropped": dict(dataset.dropped),
        "findings": dict(dataset.findings),
        "types": _types(dataset),
        "conflicting": _conflicting(mine),
        "ignored_mentions": scores["all"]["exact"].gold - scores["paper"]["exact"].gold,
        "exact": {**_figures(exact), "low": interval.low, "high": interval.high},
        "paper": _figures(scores[plan.labels]["paper"]),
        "labels": {
            labels: {mode: _figures(score) for mode, score in modes.items()} for labels, modes in scores.items()
        },
        "per_type": {label: _figures(score) for label, score in sorted(exact.per_type.items())},
        "errors": {name: getattr(errors, name) for name in ("correct", "missed", "spurious", "wrong_type", "boundary")},
        "unreadable": exact.unreadable,
        "without_answer": sum(answer is None for answer in answers),
        "cut_off": sum(reply.finish_reason == "length" for reply in replies),
        "answer_characters": _mean([len(reply.content) + len(reply.reasoning or "") for reply in replies]),
        "answer_tokens": _mean([reply.tokens_out for reply in replies if reply.tokens_out is not None]),
        "latency_seconds": _mean([reply.latency for reply in replies if reply.latency is not None]),
    }


def _scores(answers: Sequence[str | None], golds: Sequence[Record], asked: Labels) -> dict[str, dict[str, Score]]:
    """The same answers under both choices of labels, in both modes.

    Mentions of an ignored type count against the paper's labels only where the model was not asked for them.
    """
    fewer = [without_ignored(record) for record in golds]
    ignore = PAPER_IGNORED if asked == "all" else ()
    return {
        "paper": {
            "exact": micro_f1(answers, fewer, ignore=ignore),
            "paper": micro_f1(answers, fewer, "paper", ignore=ignore),
        },
        "all": {"exact": micro_f1(answers, golds), "paper": micro_f1(answers, golds, "paper")},
    }


def _conflicting(golds: Sequence[Record]) -> int:
    """Rows that ask the same as an earlier one and have other gold: no answer can be right on both."""
    first: dict[tuple[str, tuple[str, ...]], Counter[tuple[str, str]]] = {}
    count = 0
    for record in golds:
        gold = Counter((entity.text, entity.label) for entity in record.gold or ())
        count += first.setdefault((record.sentence, record.schema), gold) != gold
    return count


def _types(dataset: Dataset) -> dict[str, Any]:
    """How many types the files ask for, beside how many the original has, and which of those are not in the files."""
    known = find_benchmark(dataset.name)
    original = known.labels if known else ()
    here = set(map(fold_label, dataset.types))
    missing = [label for label in original if fold_label(label) not in here]
    return {"asked": len(here), "original": len(original) or None, "not_by_name": missing}


def _figures(score: Score) -> dict[str, float]:
    return {
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
        "gold": score.gold,
        "predicted": score.predicted,
        "matched": score.matched,
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _average(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The unweighted mean of F1 over datasets, as the paper averages: of the labels asked for, and of both choices."""

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    both = {
        labels: {mode: mean([row["labels"][labels][mode]["f1"] for row in rows]) for mode in ("exact", "paper")}
        for labels in ("paper", "all")
    }
    return {**{mode: mean([row[mode]["f1"] for row in rows]) for mode in ("exact", "paper")}, "labels": both}
