"""What every command shares: the group, its look in a terminal and in `--json`, progress, lists of types.

Results go to stdout, progress and errors to stderr.
"""

from __future__ import annotations

import csv
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from nercot import __version__
from nercot.corpus.waits import AGAIN, FIRST

if TYPE_CHECKING:
    from nercot.corpus.work import Figures, Report

_READING = ("build", "convert")
_COLUMNS = (
    ("sentence", "the text; every row has it"),
    ("schema", "list of the types that are asked for; else --schema, else the types of its data set"),
    ("completion", "a model's reply as it came, with reasoning beside it where the model gave one"),
    ("cot, entities", "in place of completion: the trace, and a list of {text, label, start, end}"),
    ("guid or id", "how the verdict names the row; else it has file and row number alone"),
    ("dataset, source", "what the row belongs to"),
)
_AUTHORS = "The rows that the paper's authors released (sentence, schema, cot, entities) are taken as they are."
_FURTHER = {
    "build": (
        ("nercot recipe RECIPE", "every key that --set takes, with its value and what it means"),
        ("nercot plan RECIPE", "what it would cost, before any call"),
        ("README.md", "own data, teachers and readers, from a corpus to a model"),
    ),
    "convert": (
        ("nercot stats PATH", "what was read of a file, before it is converted"),
        ("nercot build --input PATH", "a corpus of the same files"),
        ("README.md", "what can be done with rows: validate, view, train"),
    ),
}
_EPILOGS = {
    "build": "nercot build ner-cot --input pile.json --teacher-url http://127.0.0.1:8000/v1 --teacher-model my-model",
    "plan": "nercot plan ner-cot --input pile.json",
    "status": "nercot status ner-cot",
    "recipe": "nercot recipe ner-cot --new mine.toml",
    "convert": "nercot convert pile.json --to rows.jsonl",
    "validate": "nercot validate answers.jsonl --out verdicts",
    "agreement": "nercot agreement ann.jsonl bo.jsonl",
    "audit": "nercot audit build/quickstart/candidate --sample 200 --out audit.html",
    "view": "nercot view build/quickstart/candidate --out view.html",
    "report": "nercot report org/ner-cot --out report",
    "release": "nercot release quickstart",
    "diff": "nercot diff releases/quickstart/1.0.0 releases/quickstart/1.1.0",
    "verify": "nercot verify releases/quickstart/1.0.0 --rebuild",
    "dropped": "nercot dropped build/quickstart/candidate --reason duplicate_record",
    "trace": "nercot trace quickstart 02f2ae",
    "hydrate": "nercot hydrate releases/re-subset/1.0.0 --input IE_INSTRUCTIONS/NER",
    "publish": "nercot publish releases/quickstart/1.0.0 org/quickstart --dry-run",
    "score": "nercot score build/quickstart/candidate --out judgements",
    "evaluate": "nercot evaluate --url http://127.0.0.1:8000/v1 --model my-model --benchmarks IE_INSTRUCTIONS/NER",
    "extract": "nercot extract notes.txt --schema person,ship,port --url http://127.0.0.1:8000/v1 --model ner "
    "--to spans.jsonl",
    "stats": "nercot stats build/quickstart/candidate",
    "calibrate": "nercot calibrate build/quickstart/candidate --out build/quickstart",
}


class _Count(click.IntRange):
    """A number of rows, records or processes, from 1; what nothing could count to is as much as can be counted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return min(int(super().convert(value, param, ctx)), sys.maxsize)


COUNT = _Count(min=1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="nercot")
def cli() -> None:
    """Builds NER-CoT: a named-entity corpus in which a reasoning trace justifies every entity.

    Start with: nercot build
    """


class _Verb(click.Command):
    """A verb whose help lists what it reads, formats or columns, and where to read on."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, what is read, and where more is said."""
        super().format_epilog(ctx, formatter)
        if self.name == "validate":
            with formatter.section("Columns of PATH"):
                formatter.write_dl(_COLUMNS)
                formatter.write_text(_AUTHORS)
        if self.name in _READING:
            from nercot.formats.registry import described

            with formatter.section("Formats, told by content"):
                formatter.write_dl(described())
        if self.name in _FURTHER:
            with formatter.section("Read on"):
                formatter.write_dl(_FURTHER[self.name])


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A verb of the command line, with --json and an example in its help."""

    def decorate(function: Callable[..., None]) -> click.Command:
        wrapped = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(function)
        return cli.command(name, cls=_Verb, epilog=f"Example: {_EPILOGS[name]}")(wrapped)

    return decorate


class _Shown(logging.Handler):
    """Log lines of nercot as lines on stderr, above the bars where there are some; one marked `once` is shown once."""

    def __init__(self) -> None:
        super().__init__()
        self._once: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """One line; an error of writing it is nobody's concern."""
        line = " ".join(record.getMessage().split())
        if line in self._once:
            return
        if getattr(record, "once", False):
            self._once.add(line)
        if _BARS:
            _BARS[-1](line)
        else:
            click.echo(line, err=True)


# How a line is written while bars are drawn.
_BARS: list[Callable[[str], None]] = []


@contextmanager
def shown_log() -> Iterator[None]:
    """Has what nercot says of waits and odd input shown on stderr."""
    log, shown = logging.getLogger("nercot"), _Shown()
    level = log.level
    log.addHandler(shown)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(shown)
        log.setLevel(level)


def one_or_many(urls: Sequence[str]) -> str | list[str] | None:
    """Addresses as a recipe holds them: None, one, or a list of replicas."""
    return None if not urls else urls[0] if len(urls) == 1 else list(urls)


def split_schema(schema: str | None) -> list[str] | None:
    """`a,b,c` as a list of types; one that has a comma stands in quotes (`"time (hour, minute)",place`)."""
    if schema is None:
        return None
    fields = next(csv.reader([schema], skipinitialspace=True), [])
    labels = [label.strip() for label in fields if label.strip()]
    if not labels:
        raise click.UsageError("--schema: give at least one type, for example --schema person,place")
    return labels


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], left_out: int = 0, width: int = 160) -> None:
    """A table on stdout, numbers to the right and never folded; as wide as the terminal, or `width` in a pipe."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, head in enumerate(heads):
        numeric = bool(rows) and all(isinstance(row[place], int | float) for row in rows)
        table.add_column(head, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        table.add_row(*(Text(_one_line(item)) for item in row))
    console = Console(width=None if terminal else width, highlight=False)
    with console.capture() as drawn:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))
    if left_out > 0:
        click.echo(f"... and {left_out} more")


def _one_line(item: Any) -> str:
    text = f"{item:g}" if isinstance(item, float) else str(item)
    return "".join(char if char.isprintable() else " " for char in text)


class _Lines:
    """Progress as lines on stderr: of what takes longer than two seconds, each step once, then every half minute."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()
        self._steps: dict[str, float] = {}
        self._figures: Figures | None = None

    def figures(self, figures: Figures) -> None:
        """What a line says that follows at once: of records that are through, and of money."""
        self._figures = figures

    def __call__(self, step: str, done: int, total: int | None) -> None:
        known, self._figures = self._figures, None
        now = time.monotonic()
        new = step not in self._steps
        begun = self._steps.setdefault(step, now)
        if now - self._begun < FIRST or not (new or now - self._told >= AGAIN):
            return
        self._told = now
        left = "" if total is None else f" of {total}, {total - done} left"
        pace = "" if new or now - begun < 1 or not done else f", {done / (now - begun):.3g} a second"
        click.echo(f"{step}: {done} done{left}{pace}{_said(known)} ({now - self._begun:.0f} s)", err=True)


def _said(known: Figures | None) -> str:
    """What is known of records that are through, and what was spent."""
    if known is None:
        return ""
    fell = f"; {known.kept} kept, {known.dropped} dropped ({known.share:.0%})" if known.kept or known.dropped else ""
    return fell + (f"; {known.spent:.4f} USD spent" if known.spent else "")


@contextmanager
def progress(as_json: bool) -> Iterator[Report]:
    """A report that draws bars on a terminal, and elsewhere writes a line at each step and every half minute."""
    if not sys.stderr.isatty() or as_json:
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def report(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        _BARS.append(lambda line: bars.console.print(line, markup=False, highlight=False))
        try:
            yield report
        finally:
            _BARS.pop()
