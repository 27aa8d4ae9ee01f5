"""What `nercot evaluate` found, as tables: ours, then the paper's own with ours as their last row.

In: the figures of each dataset.  Out: the paper's tables that speak of them, as JSON values, and Markdown.  Never
measures anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from nercot.corpus.benchmarks import PaperTable, load_paper_results, suite
from nercot.corpus.labels import PAPER_IGNORED


def paper_tables(rows: Mapping[str, Any], processed: bool) -> list[dict[str, Any]]:
    """The paper's tables that speak of our datasets, on the same kind of test sets (JSON values)."""
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


_HEADS = ("dataset", "rows", "exact", "95 %", "paper's matching")
_MORE = ("unreadable", "tokens", "seconds")


def markdown(result: Mapping[str, Any]) -> str:
    """The result as tables of Markdown: ours, then the paper's with ours as the last row."""
    other = _other(result)
    beside = (f"{_LABELS[other]}: exact", f"{_LABELS[other]}: paper's matching")
    lines = [f"# {result['model']}", "", f"{_head(result)} F1 in per cent.", ""]
    lines += [_line((*_HEADS, *beside, *_MORE)), "|---|" + "--:|" * 9]
    lines += [_line(_cells(name, row, other)) for name, row in result["datasets"].items()]
    average = result["average"]
    both = [_percent(average["labels"][other][mode]) for mode in ("exact", "paper")]
    lines.append(_line(["average", "", _percent(average["exact"]), "", _percent(average["paper"]), *both, "", "", ""]))
    if notes := list(_notes(result)):
        lines += ["", *(f"- {note}" for note in notes)]
    for table in result["paper"]:
        lines += ["", *_paper_lines(table, result)]
    return "\n".join(lines) + "\n"


_LABELS = {"paper": "the paper's labels", "all": "all labels"}


def _other(result: Mapping[str, Any]) -> str:
    return "all" if result["labels"] == "paper" else "paper"


def _cells(name: str, row: Mapping[str, Any], other: str) -> list[object]:
    exact, beside = row["exact"], row["labels"][other]
    return [
        _named(name, row["split"]),
        row["rows"],
        _percent(exact["f1"]),
        f"{_percent(exact['low'])}-{_percent(exact['high'])}",
        _percent(row["paper"]["f1"]),
        _percent(beside["exact"]["f1"]),
        _percent(beside["paper"]["f1"]),
        row["unreadable"],
        row["answer_tokens"] or "-",
        row["latency_seconds"] or "-",
    ]


def _head(result: Mapping[str, Any]) -> str:
    """What was asked of whom, in one line."""
    asked = result["asked"]
    ignored = ", ".join(PAPER_IGNORED)
    labels = f"not asked for the types {ignored}" if result["labels"] == "paper" else "asked for all types"
    mode = "to reason first" if asked["trace"] else "to answer at once, without a trace"
    heat = "as the server has it" if asked["temperature"] is None else f"{asked['temperature']:g}"
    most = "as the server has it" if asked["max_tokens"] is None else f"at most {asked['max_tokens']:,}"
    partial = " Only the first records of each (--limit)." if result["partial"] else ""
    return (
        f"Test sets: {result['test_sets']}.{partial} Asked {mode} ({asked['prompt']}), {labels}; "
        f"temperature {heat}, answer tokens {most}."
    )


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
    """What was not measured, and why."""
    for name, row in result["datasets"].items():
        if row["dropped"]:
            counts = ", ".join(f"{reason} {count}" for reason, count in sorted(row["dropped"].items()))
            yield f"{name}: {sum(row['dropped'].values())} rows of the file are not among these ({counts})"
        if row["conflicting"]:
            yield f"{name}: {row['conflicting']} rows repeat a sentence with other gold; no answer is right on both"
        yield from _type_notes(name, row, result["labels"])
    yield from (f"not read: {line}" for line in result["not_read"])
    if result["missing"]:
        yield f"missing: {'; '.join(result['missing'])}"


def _type_notes(name: str, row: Mapping[str, Any], labels: str) -> Iterator[str]:
    """Where the files ask for fewer types than the original has, and what the choice of labels leaves out."""
    types = row["types"]
    if types["original"] and types["asked"] < types["original"]:
        lacking = f" (not by name: {', '.join(types['not_by_name'])})" if types["not_by_name"] else ""
        yield f"{name}: these files ask for {types['asked']} of its {types['original']} types{lacking}"
    if row["ignored_mentions"] and labels == "paper":
        left_out = f"{row['ignored_mentions']} mentions of types that the paper's code leaves out"
        yield f"{name}: {left_out} count under all labels only"


def _paper_lines(table: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    columns = table["columns"]
    yield f"## {table['title']} of the paper: {table['setting']}"
    yield ""
    yield _line(["model", *columns, "average"])
    yield "|---|" + "--:|" * (len(columns) + 1)
    for row in table["rows"]:
        scores = [_given(row["scores"][column]) for column in columns]
        yield _line([row["model"], *scores, _given(row["average"])])
    # Whatever was asked for: the paper's figures are of the paper's labels.
    ours = [result["datasets"][name]["labels"]["paper"]["paper"]["f1"] for name in table["ours"]]
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
