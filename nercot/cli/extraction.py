"""The command that uses a trained model: extract."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from nercot.cli.answers import asked_model, trained_model
from nercot.cli.shell import COUNT, command, print_json, print_table, progress, split_schema


@command("extract")
@click.argument("path")
@trained_model
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where to write.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--to-format", metavar="FMT", help="Format of FILE; default by its name, else nercot.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--split", metavar="NAME", help="Read only this split.")
@click.option("--limit", type=COUNT, metavar="N", help="Only the first N records.")
@click.option(
    "--trace/--no-trace", default=True, help="Ask the model to reason first (its trace is kept), or to answer at once."
)
@click.option("--force", is_flag=True, help="Write over FILE where it exists.")
def extract_command(
    path: str,
    urls: tuple[str, ...],
    name: str,
    target: Path,
    form: str | None,
    to_format: str | None,
    schema: str | None,
    split: str | None,
    limit: int | None,
    prompt: Path | None,
    trace: bool,
    force: bool,
    retry_seconds: float,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find entities in PATH with a trained model: spans with offsets, in any format.

    Temperature 0 and 4,096 tokens an answer; --set temperature=none leaves it to the server.
    """
    from nercot.llm.local import served
    from nercot.measure.extract import Extraction, extract
    from nercot.measure.prompted import MAX_TOKENS, TEMPERATURE, Prompted

    model = asked_model(urls, name, settings, {"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS})
    plan = Extraction(path, target, form, to_format, split_schema(schema), split, limit, force)
    with ExitStack() as stack, progress(as_json) as report:
        whom = Prompted("extract", served(model, stack), prompt, trace, retry_seconds)
        found = extract(plan, whom, ledger, report)
    if as_json:
        print_json(found)
    else:
        _print_found(found, target)


def _print_found(found: Mapping[str, Any], target: Path) -> None:
    click.echo(
        f"{found['rows']} rows read, {found['kept']} written to {target}: {found['entities']} entities, "
        f"{found['with_trace']} rows with a trace, {found['calls']} calls"
    )
    for title, kind in (
        ("mentions left out", "left_out"),
        ("rows dropped", "dropped"),
        ("not held by the target format", "not_held"),
    ):
        if found[kind]:
            print_table([title, "count"], [[key.replace("_", " "), count] for key, count in found[kind].items()])
    if found["dropped_file"]:
        click.echo(f"dropped      {found['dropped_file']}")
