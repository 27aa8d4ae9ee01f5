"""The command that reports on any corpus: report."""

from __future__ import annotations

from pathlib import Path

import click

from nercot.cli.answers import a_reader, reader_recipe
from nercot.cli.shell import COUNT, command, print_json, progress


@command("report")
@click.argument("path")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/report.md, report.json and report.html."
)
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option(
    "--benchmarks",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of test sets to look for in the rows.",
)
@click.option("--sample", type=COUNT, default=200, show_default=True, help="Traces for the reader.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@a_reader
def report_command(
    path: str,
    out: Path | None,
    form: str | None,
    benchmarks: Path | None,
    sample: int,
    seed: int,
    reader_url: tuple[str, ...],
    reader_model: str | None,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Report how good a corpus with traces is: rules, duplicates, test sets, labels, openings, and a blind reading."""
    from nercot.corpus.tables import write_json, write_text
    from nercot.measure.check import Whom
    from nercot.measure.described import sections_of, title_of
    from nercot.measure.quality import assess
    from nercot.report.document import markdown, page
    from nercot.report.view import write_page

    recipe = reader_recipe(reader_url, reader_model, settings)
    whom = None if recipe is None else Whom(recipe, ledger)
    with progress(as_json) as report:
        found = assess(path, form, benchmarks, sample, seed, whom, report)
    title, sections = title_of(found), sections_of(found)
    if out is not None:
        write_json(out / "report.json", found)
        write_text(out / "report.md", markdown(title, sections))
        write_page(out / "report.html", page(title, sections))
    if as_json:
        print_json(found)
    elif out is None:
        click.echo(markdown(title, sections))
    else:
        click.echo("\n".join(f"{name:<12} {out / name}" for name in ("report.md", "report.json", "report.html")))
    if found["reading"] and found["reading"]["pending"]:
        raise SystemExit(1)
