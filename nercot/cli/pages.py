"""Commands that show a corpus to people: view."""

from __future__ import annotations

from pathlib import Path

import click

from nercot.cli.shell import command, print_json, progress


@command("view")
@click.argument("path")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("view.html"),
    show_default=True,
    metavar="FILE.html",
    help="Where to write the page.",
)
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="At most N rows, drawn evenly.  [default: 20000]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@click.option("--rows", "beside", metavar="PATH", help="The rows that the verdicts at PATH (verdicts.jsonl) judge.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
def view_command(
    path: str, out: Path, sample: int | None, seed: int, beside: str | None, form: str | None, as_json: bool
) -> None:
    """Make one HTML page of a corpus: each sentence beside its trace, kept and dropped; it works without a server."""
    from nercot.report.view import view

    with progress(as_json) as report:
        done = view(path, out, sample, seed, beside, form, report)
    if as_json:
        print_json(done.as_json())
        return
    of = f" of {done.of}, a sample" if done.rows < done.of else ""
    click.echo(f"{done.rows} rows{of}")
    for note in done.notes:
        click.echo(f"note: {note}")
    click.echo(f"page         {done.page} ({done.bytes / 1e6:.1f} MB); open it in a browser")
