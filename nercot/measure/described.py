"""A quality report in words and tables: the sections of its Markdown and its page.

In: what quality.py found.  Out: Sections (report/document.py).  Says of everything that was not looked at that it was
not, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nercot.report.charts import scores
from nercot.report.document import Section

Found = Mapping[str, Any]

_TOP = 20
_PAPER = (
    "The paper keeps a sample only if its trace justifies every entity and the answer is well formed and compliant "
    "with the schema. Its own check is not released; by program, this is its four rules."
)
_UNREAD = (
    "Nobody read the traces: whether a trace argues for its entities is not known here. Name a reader with "
    "--reader-url to have a sample read by a model that does not see the answer."
)


def title_of(found: Found) -> str:
    """The heading of a report."""
    return f"Quality report: {found['path']}"


def sections_of(found: Found) -> list[Section]:
    """The report, section by section."""
    return [
        _rules(found["rules"], found["rows"]),
        _reading(found["reading"]),
        _contents(found["stats"], found),
        _repeats(found["duplicates"], found["rows"]),
        _tests(found["contamination"], found["rows"]),
        _labels(found["labels"], found["stats"]),
        _lengths(found["stats"]),
        _scripts(found["scripts"], found["rows"]),
        _openings(found["openings"]),
    ]


def interval(share: Found | None) -> str:
    """A share with its interval and number, for a reader."""
    if not share or "value" not in share:
        return "not defined"
    return f"{share['value']:.3f} ({share['low']:.3f} to {share['high']:.3f}, n = {share['n']})"


def _contents(stats: Found, found: Found) -> Section:
    rows = (
        ("rows", found["rows"]),
        ("rows that cannot be read", found["unreadable"]),
        ("rows with a trace", stats["rows_with_trace"]),
        ("rows without an entity", stats["rows_without_entities"]),
        ("entities", stats["entities"]),
        ("entities with evidence in the trace", stats["entities_with_evidence"]),
        *((f"rows of {name}", count) for name, count in _first(stats["datasets"])),
        *((f"licence {name}", count) for name, count in _first(stats["licenses"])),
    )
    return Section("What is in it", (), ("what", "count"), rows, scores(stats["scores"], None))


def _first(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    return list(counts.items())[:_TOP]


def _rules(rules: Found, rows: int) -> Section:
    lines = (
        f"By all rules {rules['valid']['rows']:,} of {rows:,} rows are valid: {interval(rules['valid'])}.",
        f"By the paper's four, {rules['paper']['rows']:,}: {interval(rules['paper'])}.",
        _PAPER,
    )
    table = tuple((rule, each["rows"], ", ".join(each["examples"])) for rule, each in rules["by_rule"].items())
    return Section("Rules", lines, ("rule", "rows that break it", "for example"), table)


def _reading(read: Found | None) -> Section:
    if read is None:
        return Section("Meaning", (_UNREAD,))
    lines = [
        f"{read['reader']} read {read['sample']} traces without their answers (a sample with seed {read['seed']} of "
        f"the rows that pass the rules). It bears out {read['borne_out']['rows']}: {interval(read['borne_out'])}."
    ]
    if read["pending"]:
        lines.append(f"{read['pending']} were not answered in time and are not counted; run the same command again.")
    return Section("Meaning", tuple(lines), ("what it objects to", "rows"), tuple(read["reasons"].items()))


def _repeats(found: Found, rows: int) -> Section:
    table = (
        ("the same text and types as an earlier row", found["exact"]),
        ("the same text as an earlier row", found["same_text"]),
        ("almost the words of an earlier row", found["near"]),
    )
    return Section("Duplicates", (f"Of {rows:,} rows:",), ("repeats", "rows"), table)


def _tests(found: Found | None, rows: int) -> Section:
    if found is None:
        line = "No test set was looked for. Name a folder of them with --benchmarks to see which rows they touch."
        return Section("Test sets", (line,))
    line = f"{found['rows']:,} of {rows:,} rows are, or are almost, a sentence of a test set."
    looked = tuple((name, found["benchmarks"].get(name, 0), count) for name, count in found["looked_at"].items())
    return Section("Test sets", (line,), ("test set", "rows that touch it", "its sentences"), looked)


def _labels(found: Found, stats: Found) -> Section:
    share = "-" if found["top_10_share"] is None else f"{found['top_10_share']:.1%}"
    lines = (
        f"{found['used']:,} types are used of {found['asked']:,} that are asked for; the ten commonest hold {share} of "
        f"the mentions, {found['seen_once']:,} occur once.",
        f"{found['spelled_in_several_ways']:,} types are spelled in several ways (case, spaces, underscores).",
    )
    return Section("Types", lines, ("type", "mentions"), tuple(_first(stats["types"])))


def _lengths(stats: Found) -> Section:
    names = (("sentences", "sentence_characters"), ("traces", "trace_characters"))
    rows = tuple((name, *(stats[key][figure] for figure in ("mean", "p50", "p90", "p99"))) for name, key in names)
    return Section("Lengths in characters", (), ("", "mean", "median", "90 %", "99 %"), rows)


def _scripts(counts: Mapping[str, int], rows: int) -> Section:
    line = f"Rows of {rows:,} with letters of each script, as a hint at their languages."
    return Section("Scripts", (line,), ("script", "rows"), tuple(_first(counts)))


def _openings(found: Found) -> Section:
    line = (
        f"{found['repeated']:,} of {found['traces']:,} traces begin with the same {found['words']} words as another: "
        "text that a template or a habit wrote."
    )
    return Section("Openings of traces", (line,), ("begins", "traces"), tuple(found["top"].items()))
