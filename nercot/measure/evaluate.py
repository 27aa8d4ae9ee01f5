"""`nercot evaluate`: a model behind an endpoint, measured on benchmarks as the paper measures it.

In: a folder of benchmark files that the user has, an OpenAI-compatible endpoint.  Out: micro-F1 for each dataset and
on average, exact and as the paper's code counts, beside the paper's own figures; as JSON and as Markdown.  Every
answer goes through the ledger, so a killed run goes on and scoring again is free.  Answers that cannot be read,
their length and their latency are counted apart.  Never trains, never picks answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nercot.corpus.benchmarks import PaperTable, benchmark_at, find_benchmark, load_paper_results, suite
from nercot.corpus.recipe import Model
from nercot.corpus.records import Record
from nercot.corpus.work import Report
from nercot.errors import InputError, ShortfallError
from nercot.formats.files import folder_of
from nercot.formats.sources import Item, Source, is_data, items, open_source
from nercot.llm.address import api_key, provider_of
from nercot.llm.endpoint import Patience, Progress, ask_all, request_body
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request
from nercot.llm.prompts import default_template, extract_messages, read_template
from nercot.validation.spans import Score, bootstrap, error_kinds, micro_f1

_BATCH = 200
# Splits that may be measured on, in this order of preference; a file that names no split is taken as it is.
_SPLITS = ("test", None, "validation")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is asked of whom.

    `suite`: seven, twenty or None (all that is in the folder).  `limit`: the first so many records of each
    dataset.  `prompt`: a file in place of ours.  `trace`: whether the model is asked to reason.  `processed`:
    the files are B2NER's processed test sets, so the paper's figures on those stand beside ours.
    """

    model: Model
    benchmarks: Path
    suite: str | None = None
    limit: int | None = None
    prompt: Path | None = None
    trace: bool = True
    processed: bool = False
    retry_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset as found in the folder: where, its files, and the split that is measured.

    `dropped`: rows of that split that cannot be used, by reason; `findings`: what is odd in it, by kind.
    """

    name: str
    where: Path
    source: Source
    split: str | None
    dropped: Mapping[str, int]
    findings: Mapping[str, int]

    def records(self, limit: int | None) -> Iterator[Record]:
        """Its records with gold, the first `limit` of the split that is measured."""
        found = (item.outcome.record for item in items(self.source) if item.outcome.kept)
        return islice((record for record in found if record.gold is not None and record.split == self.split), limit)


def evaluate(plan: Evaluation, ledger: Path, report: Report) -> dict[str, Any]:
    """Asks for every record of every dataset and scores the answers; the result is a JSON value.

    Raises InputError where no benchmark is found, EndpointError for a server that cannot be used.
    """
    found = find_datasets(plan.benchmarks, plan.suite)
    datasets = found.datasets
    for url in plan.model.url:
        api_key(plan.model, url, "evaluate")
    asking = _Asking(plan, _template(plan))
    with Ledger(ledger) as opened:
        records = chain.from_iterable(dataset.records(plan.limit) for dataset in datasets)
        calls = _ask(asking, records, opened, report)
        rows = {dataset.name: _score(asking, dataset, opened) for dataset in datasets}
    return {
        "model": plan.model.model,
        "trace": plan.trace,
        "test_sets": "b2ner" if plan.processed else "original",
        "partial": plan.limit is not None,
        "calls": calls,
        "missing": list(found.missing),
        "not_read": list(found.not_read),
        "datasets": rows,
        "average": _average(list(rows.values())),
        "paper": _paper(rows, plan.processed),
    }


# --- datasets -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: datasets by name, what the suite lacks, and the files that could not be read, with why."""

    datasets: tuple[Dataset, ...]
    missing: tuple[str, ...]
    not_read: tuple[str, ...]


def find_datasets(folder: Path, only: str | None) -> Found:
    """The datasets in a folder: an InstructUIE tree, files, or a folder each.

    Raises InputError where there is none, or one of them in two places.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give the folder of your benchmark files with --benchmarks")
    wanted = suite(only) if only else None
    not_read: list[str] = []
    found: dict[str, Dataset] = {}
    for root, source in _sources(folder, not_read):
        for dataset in _datasets(root, source, not_read):
            if wanted is None or find_benchmark(dataset.name) in wanted:
                known = found.get(dataset.name)
                found[dataset.name] = dataset if known is None else _better(known, dataset)
    if not found:
        reasons = f" (not read: {'; '.join(not_read)})" if not_read else ""
        kind = only or "any kind"
        raise InputError(
            f"{folder}: no benchmark of {kind} with gold in a test or dev split; check the folder{reasons}"
        )
    names = {find_benchmark(name) for name in found}
    missing = tuple(f"{item.name} ({item.source})" for item in wanted or () if item not in names)
    return Found(tuple(found[name] for name in sorted(found)), missing, tuple(not_read))


def _better(one: Dataset, other: Dataset) -> Dataset:
    """The one of two files of a dataset whose split is preferred; two of the same split are an InputError."""
    if one.split == other.split:
        raise InputError(
            f"{one.name} is there more than once ({one.where}, {other.where}); keep one of them in the folder"
        )
    return min(one, other, key=lambda dataset: _SPLITS.index(dataset.split))


def _sources(folder: Path, not_read: list[str]) -> Iterator[tuple[Path, Source]]:
    """The folder as one source where it is one, else each file or folder in it; with the path of each."""
    try:
        yield folder, open_source(str(folder))
        return
    except InputError as error:
        if folder.is_file() or not any(folder.iterdir()):
            not_read.append(str(error))
            return
    for child in sorted(folder.iterdir()):
        if not child.name.startswith((".", "__MACOSX")) and (child.is_dir() or is_data(child)):
            yield from _sources(child, not_read)


def _datasets(root: Path, source: Source, not_read: list[str]) -> Iterator[Dataset]:
    """The datasets of a source, each with its files and the best split that it has."""
    if source.format.name == "text":
        not_read.append(f"{root}: plain text has no gold to compare with")
        return
    seen: dict[str, dict[str | None, _Seen]] = {}
    splits = {file.name: file.split for file in source.files}
    for item in items(source):
        record = item.outcome.record
        name = _name_of(record.dataset, root / item.file if root.is_dir() else root)
        split = record.split if item.outcome.kept else splits.get(item.file)
        seen.setdefault(name, {}).setdefault(split, _Seen()).add(item)
    for name, has in seen.items():
        best = next((split for split in _SPLITS if split in has and has[split].rows), "")
        if best in has:
            files = set().union(*(part.files for part in has.values()))
            mine = tuple(file for file in source.files if file.name in files)
            part = has[best]
            yield Dataset(name, root, replace(source, files=mine), best, dict(part.dropped), dict(part.findings))


@dataclass(slots=True)
class _Seen:
    """What was seen of one split of a dataset: rows with gold, the others by reason, findings, and in which files."""

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)

    def add(self, item: Item) -> None:
        self.files.add(item.file)
        self.findings.update(item.findings)
        if not item.outcome.kept:
            self.dropped[item.outcome.reason or ""] += 1
        elif item.outcome.record.gold is None:
            self.dropped["no_gold"] += 1
        else:
            self.rows += 1


def _name_of(dataset: str, path: Path) -> str:
    """The registry's name of a dataset, else its own."""
    known = benchmark_at(dataset, folder_of(path))
    return known.name if known else dataset


# --- asking ---------------------------------------------------------------------------------------


def _template(plan: Evaluation) -> str:
    if plan.prompt is not None:
        return read_template(plan.prompt)
    return default_template("extract" if plan.trace else "answer")


@dataclass(frozen=True, slots=True)
class _Asking:
    plan: Evaluation
    template: str

    def request(self, record: Record) -> Request:
        model = self.plan.model
        messages = extract_messages(record.sentence, record.schema, record.schema_descriptions, self.template)
        body = request_body(model, messages)
        return Request("evaluate", "evaluate", record.guid, provider_of(model), model.model, body)

    def replies(self, records: Iterator[Record], ledger: Ledger) -> Iterator[tuple[Record, Reply | None]]:
        while batch := list(islice(records, _BATCH)):
            yield from zip(batch, ledger.replies_to([self.request(record) for record in batch]), strict=True)


def _ask(asking: _Asking, records: Iterator[Record], ledger: Ledger, report: Report) -> int:
    def progress(seen: Progress) -> None:
        report("evaluate", seen.done + seen.found, None)

    patience = Patience(max_seconds=asking.plan.retry_seconds)
    requests = (asking.request(record) for record in records)
    asked = ask_all(requests, asking.plan.model, ledger, patience=patience, progress=progress)
    if asked.stopped or asked.progress.pending:
        why = asked.stopped or "their time for retries is used up"
        raise ShortfallError(
            f"{asked.progress.pending} answers are missing ({why}); the same command goes on from here"
        )
    return asked.progress.calls


# --- scoring --------------------------------------------------------------------------------------


def _score(asking: _Asking, dataset: Dataset, ledger: Ledger) -> dict[str, Any]:
    answers: list[str | None] = []
    golds: list[Record] = []
    replies: list[Reply] = []
    for record, reply in asking.replies(dataset.records(asking.plan.limit), ledger):
        golds.append(record)
        answers.append(reply.content if reply and reply.kind == "answer" else None)
        replies += [reply] if reply else []
    exact, paper = micro_f1(answers, golds), micro_f1(answers, golds, "paper")
    errors = error_kinds(answers, golds)
    interval = bootstrap(exact)
    return {
        "split": dataset.split,
        "rows": len(golds),
        "dropped": dict(dataset.dropped),
        "findings": dict(dataset.findings),
        "exact": {**_figures(exact), "low": interval.low, "high": interval.high},
        "paper": _figures(paper),
        "per_type": {label: _figures(score) for label, score in sorted(exact.per_type.items())},
        "errors": {name: getattr(errors, name) for name in ("correct", "missed", "spurious", "wrong_type", "boundary")},
        "unreadable": exact.unreadable,
        "without_answer": sum(answer is None for answer in answers),
        "cut_off": sum(reply.finish_reason == "length" for reply in replies),
        "answer_characters": _mean([len(reply.content) + len(reply.reasoning or "") for reply in replies]),
        "answer_tokens": _mean([reply.tokens_out for reply in replies if reply.tokens_out is not None]),
        "latency_seconds": _mean([reply.latency for reply in replies if reply.latency is not None]),
    }


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


def _average(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The unweighted mean of F1 over datasets, as the paper averages."""
    return {mode: sum(row[mode]["f1"] for row in rows) / len(rows) for mode in ("exact", "paper")}


def _paper(rows: Mapping[str, Any], processed: bool) -> list[dict[str, Any]]:
    """The paper's tables that speak of our datasets, on the same kind of test sets."""
    kind = "b2ner" if processed else "original"
    seven = {benchmark.name for benchmark in suite("seven")}
    return [
        _paper_table(table, rows, kind, seven)
        for table in load_paper_results()
        if _speaks(table, rows, seven) and any(row.test_sets == kind for row in table.rows)
    ]


def _speaks(table: PaperTable, rows: Mapping[str, Any], seven: Collection[str]) -> bool:
    """Whether a table is about what was measured: one of its datasets, all seven for averages, CoNLL03 for Figure 3."""
    if table.id == "figure3":
        return "CoNLL03" in rows
    return bool(set(table.columns) & set(rows)) if table.columns else set(seven) <= set(rows)


def _paper_table(table: PaperTable, rows: Mapping[str, Any], kind: str, seven: Collection[str]) -> dict[str, Any]:
    """One table with the columns that were measured; `ours` names the datasets that make our row."""
    ours = [name for name in table.columns or sorted(seven) if name in rows]
    columns = list(table.columns) if table.id == "figure3" else [name for name in table.columns if name in rows]
    complete = len(columns) == len(table.columns)
    return {
        "title": table.title,
        "setting": table.setting,
        "columns": columns,
        "complete": complete,
        "ours": ours,
        "rows": [
            {
                "model": " ".join(filter(None, (row.model, row.size))),
                "scores": {column: row.scores.get(column) for column in columns},
                "average": row.average if complete else None,
            }
            for row in table.rows
            if row.test_sets == kind
        ],
    }


def markdown(result: Mapping[str, Any]) -> str:
    """The result as tables of Markdown: ours, then the paper's with ours as the last row."""
    partial = " Only the first records of each (--limit)." if result["partial"] else ""
    lines = [f"# {result['model']}", "", f"Test sets: {result['test_sets']}.{partial} F1 in per cent.", ""]
    lines += [
        "| dataset | rows | exact | 95 % | paper's matching | unreadable | tokens | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, row in result["datasets"].items():
        exact = row["exact"]
        cells = [
            _named(name, row["split"]),
            row["rows"],
            _percent(exact["f1"]),
            f"{_percent(exact['low'])}-{_percent(exact['high'])}",
        ]
        cells += [
            _percent(row["paper"]["f1"]),
            row["unreadable"],
            row["answer_tokens"] or "-",
            row["latency_seconds"] or "-",
        ]
        lines.append(_line(cells))
    average = result["average"]
    lines.append(_line(["average", "", _percent(average["exact"]), "", _percent(average["paper"]), "", "", ""]))
    if notes := list(_notes(result)):
        lines += ["", *(f"- {note}" for note in notes)]
    for table in result["paper"]:
        lines += ["", *_paper_lines(table, result)]
    return "\n".join(lines) + "\n"


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
    """What was not measured, and why."""
    for name, row in result["datasets"].items():
        if row["dropped"]:
            counts = ", ".join(f"{reason} {count}" for reason, count in sorted(row["dropped"].items()))
            yield f"{name}: {sum(row['dropped'].values())} rows of the file are not among these ({counts})"
    yield from (f"not read: {line}" for line in result["not_read"])
    if result["missing"]:
        yield f"missing: {'; '.join(result['missing'])}"


def _paper_lines(table: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    columns = table["columns"]
    yield f"## {table['title']} of the paper: {table['setting']}"
    yield ""
    yield _line(["model", *columns, "average"])
    yield "|---|" + "--:|" * (len(columns) + 1)
    for row in table["rows"]:
        scores = [_given(row["scores"][column]) for column in columns]
        yield _line([row["model"], *scores, _given(row["average"])])
    ours = [result["datasets"][name]["paper"]["f1"] for name in table["ours"]]
    if ours:
        scores = [_percent(score) for score in ours] if columns else []
        average = _percent(sum(ours) / len(ours)) if table["complete"] else "-"
        yield _line([f"**{result['model']}**", *scores, average])


def _named(name: str, split: str | None) -> str:
    """A dataset, and its split where that is no test set."""
    return name if split in ("test", None) else f"{name} ({split})"


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"


def _given(score: float | None) -> str:
    return "-" if score is None else f"{score:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
