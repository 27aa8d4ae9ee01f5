"""Commands on data of any format: stats, convert."""

from __future__ import annotations

from pathlib import Path

import click

from nercot.cli.shell import COUNT, command, print_json, print_table, progress, split_schema


@command("stats")
@click.argument("path")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--top", type=COUNT, default=20, show_default=True, help="How many types and datasets to list.")
def stats_command(path: str, form: str | None, schema: str | None, top: int, as_json: bool) -> None:
    """Count what is in a corpus: rows, entities, types, lengths, scores."""
    from nercot.measure.check import summarise

    with progress(as_json) as report:
        summary = summarise(path, form, split_schema(schema), report)
    if as_json:
        print_json(summary)
        return
    for name, value in summary.items():
        if isinstance(value, dict):
            if value:
                print_table(
                    [name.replace("_", " "), "count"],
                    [[key, count] for key, count in list(value.items())[:top]],
                    len(value) - top,
                )
        else:
            click.echo(f"{name.replace('_', ' ')}: {value}")


@command("convert")
@click.argument("path")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where to write.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--to-format", metavar="FMT", help="Format of FILE; default by its name, else nercot.")
@click.option("--split", metavar="NAME", help="Read only this split.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--labels", "tags", metavar="O,B-A,I-A", help="Names of tags that are numbers, from 0.")
@click.option(
    "--join", type=click.Choice(["auto", "space", "none"]), help="How tokens become a sentence; auto: as they show."
)
@click.option("--column", metavar="NAME", help="The column of tags (name, or number from 1), or the key of tags.")
@click.option(
    "--sentences", type=click.Choice(["blank", "line", "document", "stop"]), help="What ends a sentence in columns."
)
@click.option("--license", metavar="ID", help="Licence of rows that name none, as SPDX or people write it.")
@click.option("--ignore-labels", metavar="A,B,C", help="Types to leave out, counted.")
@click.option("--force", is_flag=True, help="Write over FILE where it exists.")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be read.")
def convert_command(
    path: str,
    target: Path,
    form: str | None,
    to_format: str | None,
    split: str | None,
    schema: str | None,
    tags: str | None,
    join: str | None,
    column: str | None,
    sentences: str | None,
    license: str | None,
    ignore_labels: str | None,
    force: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Turn NER data of any format into another."""
    from nercot.corpus.licenses import license_id
    from nercot.formats.convert import convert

    done = convert(
        path,
        target,
        form=form,
        to_format=to_format,
        split=split,
        schema=split_schema(schema),
        tags=split_schema(tags),
        join=join,
        column=column,
        sentences=sentences,
        license=license_id(license) if license else "unknown",
        ignore_labels=split_schema(ignore_labels) or (),
        force=force,
        strict=strict,
    )
    if as_json:
        print_json(done.as_json())
        return
    click.echo(f"{done.rows} rows read, {done.kept} written to {target}")
    for title, counts in (
        ("dropped", done.dropped),
        ("not held by the target format", done.lost),
        ("found in the source", done.findings),
    ):
        if counts:
            print_table([title, "count"], [[name, count] for name, count in counts.items()])
    for problem in done.problems:
        click.echo(f"dropped: {problem}")
    if (more := sum(done.dropped.values()) - len(done.problems)) > 0:
        click.echo(f"... and {more} more")
