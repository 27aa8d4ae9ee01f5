"""Commands about single rows: dropped, trace."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import click

from nercot.cli.shell import COUNT, command, print_json

_SHOWN = 20
_WIDE = 600


@command("dropped")
@click.argument("path")
@click.option("--reason", metavar="R", help="Only rows that fell for this reason, for example not_in_sentence.")
@click.option("--limit", type=COUNT, default=_SHOWN, show_default=True, help="How many rows to print.")
def dropped_command(path: str, reason: str | None, limit: int, as_json: bool) -> None:
    """Show the rows that fell: sentence, answer, reason, and what comes next.

    PATH is a candidate, a release or a corpus' name. --json prints every row.
    """
    from nercot.corpus.manifest import read_manifest
    from nercot.formats.sources import corpus_folder
    from nercot.report.dropped import dropped, reasons

    folder = corpus_folder(path)
    counts = reasons(read_manifest(folder))
    rows = dropped(folder, reason)
    if as_json:
        listed = list(rows)
        found = {f"{step}: {name}": count for (step, name), count in counts.items()}
        print_json({"path": str(folder), "reasons": found, "rows": listed})
        return
    if not counts:
        click.echo(f"{folder}: nothing was dropped")
        return
    for row in islice(rows, limit):
        _print_dropped(row)
    for (step, name), count in counts.items():
        if reason in (None, name):
            click.echo(f"{count:>6}  {name} ({step})")
    click.echo(f"\nNext:\n  nercot dropped {folder} --reason {reason or next(iter(counts))[1]} --json")
    click.echo(f"  nercot trace {folder} GUID")


def _print_dropped(row: Mapping[str, Any]) -> None:
    place = f"{row['file']} row {row['row']}" if row["file"] else ""
    click.echo(f"{row['guid'][:12]}  {row['reason']} at {row['step']}" + (f"  ({place})" if place else ""))
    for name, value in (
        ("sentence", row["sentence"] or row["input"]),
        ("types", ", ".join(row["schema"] or ())),
        ("why", row["detail"]),
        ("answer", row["answer"]),
        ("next", row["next"]),
    ):
        if value:
            click.echo(f"  {name:<9} {_short(value)}")
    click.echo("")


def _short(text: Any) -> str:
    plain = "".join(char if char.isprintable() else " " for char in " ".join(str(text).split()))
    return plain if len(plain) <= _WIDE else f"{plain[:_WIDE]}..."


@command("trace")
@click.argument("path")
@click.argument("row", nargs=-1, required=True)
@click.option("--full", is_flag=True, help="With prompts and replies.")
def trace_command(path: str, row: tuple[str, ...], full: bool, as_json: bool) -> None:
    """Show the whole way of one row: the verdict first, then attempts, readings, judgements.

    PATH is a release, a candidate or a corpus' name; ROW a guid or its beginning, or words of the sentence.
    """
    from nercot.formats.sources import corpus_folder
    from nercot.release.trace import guid_of, trace

    folder = corpus_folder(path)
    found = trace(folder, guid_of(folder, " ".join(row)))
    if as_json:
        print_json(found)
        return
    click.echo(_verdict(found["outcome"]))
    if full:
        _print_tree({name: value for name, value in found.items() if name != "outcome"}, 0)
        return
    _print_short(found)
    click.echo(f"\nNext:\n  nercot trace {path} {found['guid'][:12]} --full")


def _verdict(outcome: Mapping[str, Any]) -> str:
    if outcome["kept"]:
        return "kept" + (f", from attempt {outcome['attempt']}" if outcome["attempt"] else "")
    if outcome["reason"] is None:
        return "pending: it waits for an answer; the same build goes on"
    from nercot.report.dropped import comes_next

    why = f": {_short(outcome['detail'])}" if outcome["detail"] else ""
    return f"dropped at {outcome['step']}, {outcome['reason']}{why}\n  next: {comes_next(outcome['reason'])}"


def _print_short(found: Mapping[str, Any]) -> None:
    source = found["source"]
    place = ", ".join(f"{name} {source[name]}" for name in ("file", "row") if source[name] is not None)
    click.echo(f"guid      {found['guid']}\ncorpus    {found['corpus']} {found['version'] or '(candidate)'}")
    click.echo(f"source    {source['dataset']}" + (f" ({place})" if place else ""))
    click.echo(f"sentence  {found['sentence'] or source['input'] or '- (not passed on)'}")
    click.echo(f"types     {', '.join(found['schema'] or ())}")
    if found["gold"] is not None:
        click.echo(f"gold      {_entities(found['gold'])}")
    for attempt in found["attempts"]:
        _print_attempt(attempt)


def _print_attempt(attempt: Mapping[str, Any]) -> None:
    verdict, judged, read = attempt["verdict"], attempt["judgement"], attempt["reading"]
    click.echo(f"attempt {attempt['attempt']} by {attempt['reply']['teacher']}")
    for violation in verdict["violations"]:
        click.echo(f"  {violation['rule']:<9} {_short(violation['detail'])}")
    if verdict["reason"] and not verdict["violations"]:
        click.echo(f"  {verdict['reason']:<9} {_short(verdict['detail'] or '')}")
    if verdict["valid"]:
        click.echo(f"  answer    {_entities(verdict['entities'])}")
    if read:
        click.echo(
            f"  reader    {read['reader']}: {len(read['taken'])} taken, refused {', '.join(read['refused']) or '-'}"
        )
    if judged:
        click.echo(f"  judge     {judged['judge']}: {judged['score']:g}, {_short(judged['reason'] or '')}")


def _entities(entities: Any) -> str:
    return ", ".join(f"{item['text']} ({item['label']})" for item in entities or ()) or "none"


def _print_tree(value: Any, depth: int) -> None:
    """Nested values as indented lines; several lines of text stand below their name."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value, 1)
    for name, item in pairs:
        lead = f"{'  ' * depth}{str(name).replace('_', ' ')}:"
        if isinstance(item, Mapping | list | tuple) and item:
            click.echo(lead)
            _print_tree(item, depth + 1)
        elif isinstance(item, str) and "\n" in item:
            click.echo(lead)
            for line in item.splitlines():
                click.echo(f"{'  ' * (depth + 1)}{line}")
        else:
            click.echo(f"{lead} {'-' if item in (None, [], {}, ()) else item}")
