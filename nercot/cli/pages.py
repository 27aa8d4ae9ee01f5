"""Commands that show a corpus to people, and take their verdicts back: view, audit, agreement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from nercot.cli.shell import COUNT, command, print_json, print_table, progress


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
@click.option("--sample", type=COUNT, metavar="N", help="At most N rows, drawn evenly.  [default: 20000]")
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


@command("audit")
@click.argument("path")
@click.option("--sample", type=COUNT, default=200, show_default=True, help="How many answers to draw.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write.  [default: audit.html, for the tools audit.json]",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["page", "labelstudio", "argilla"]),
    default="page",
    show_default=True,
    help="A page that works from a file, or tasks of a tool with the answers as suggestions.",
)
@click.option(
    "--verdicts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Read people's verdicts back: files saved from the page, or exports of Label Studio or Argilla.",
)
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
def audit_command(
    path: str,
    sample: int,
    seed: int,
    out: Path | None,
    target: str,
    verdicts: tuple[Path, ...],
    form: str | None,
    as_json: bool,
) -> None:
    """Have people judge a sample of answers, and read their verdicts back: precision, agreement, disputed answers."""
    from nercot.measure.audit import read_back, sample_page, sample_tasks

    if verdicts:
        found = read_back(path, verdicts, form)
        if as_json:
            print_json(found)
        else:
            _print_audit(found)
        return
    setup: Path | None = None
    if target == "page":
        with progress(as_json) as report:
            done = sample_page(path, out or Path("audit.html"), sample, seed, form, report)
    else:
        done, setup = sample_tasks(path, out or Path("audit.json"), sample, seed, form, target)
    if as_json:
        print_json(done.as_json())
        return
    click.echo(f"{done.rows} answers of {done.of}")
    for note in done.notes:
        click.echo(f"note: {note}")
    if setup is None:
        click.echo(f"page         {done.page}; open it in a browser, judge (keys 1 and 2), and press Save verdicts")
    elif target == "labelstudio":
        click.echo(f"tasks        {done.page}\ninterface    {setup} (Settings, Labeling Interface, Code)")
    else:
        click.echo(f"records      {done.page} (dataset.records.from_json)\nsettings     {setup} (Settings.from_json)")
        click.echo("Back:  json.dump(dataset.records.to_list(flatten=True), file), which says what was submitted")
    click.echo(f"Then:  nercot audit {path} --verdicts FILE")


def _print_audit(found: Mapping[str, Any]) -> None:
    people = ", ".join(f"{person} {count}" for person, count in found["people"].items())
    click.echo(f"{found['answers']} answers of {found['corpus']} were judged ({people})")
    print_table(
        ["", "judged", "right", "share, 95 %"],
        [
            [name, found[name]["answers"], found[name]["right"], interval(found[name]["share"])]
            for name in ("kept", "dropped")
        ],
    )
    click.echo(f"entities of kept answers that are right: {interval(found['entities'])}")
    click.echo(f"kept answers that are right, corrected by what the judge says of all: {interval(found['corrected'])}")
    if found["types"]:
        print_table(["type", "right"], [[name, interval(share)] for name, share in list(found["types"].items())[:20]])
    checks = [
        [name, interval(check["sensitivity"]), interval(check["specificity"]), check.get("auc") or "-"]
        for name, check in found["checks"].items()
        if check
    ]
    if checks:
        print_table(["check", "wrong ones it refuses", "right ones it passes", "AUC"], checks)
    for pair in found["agreement"]:
        value = "not defined" if pair["kappa"] is None else pair["kappa"]
        one, two = pair["people"]
        click.echo(
            f"{one} and {two}: agree on {pair['agree']} of {pair['n']}, kappa {value}, span F1 {pair['span_f1']}"
        )
    for note in found["notes"]:
        click.echo(f"note: {note}")
    for path in found["written"]:
        click.echo(f"written      {path}")
    if found["disputed"]:
        click.echo(f"{found['disputed']} kept answers are disputed; the next build leaves them out")


def interval(share: Mapping[str, Any] | None) -> str:
    """A share with its interval and number, for a reader."""
    if share is None:
        return "not defined"
    return f"{share['value']:.3f} ({share['low']:.3f}-{share['high']:.3f}, n {share['n']})"


@command("agreement")
@click.argument("a")
@click.argument("b")
@click.option("--from", "form", metavar="FMT", help="Format of both, where content alone does not tell.")
@click.option("--attempts", metavar="I,J", help="Which attempts to compare.  [default: 1,2 for one corpus given twice]")
def agreement_command(a: str, b: str, form: str | None, attempts: str | None, as_json: bool) -> None:
    """Show how far two annotations of one source agree: teachers, people, or attempts (one corpus given twice)."""
    from nercot.measure.agreement import agreement

    found = agreement(a, b, form, None if attempts is None else _two(attempts))
    if as_json:
        print_json(found)
    else:
        _print_agreement(found)


def _two(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() and int(part) for part in parts):
        raise click.UsageError(f"--attempts {text}: give two numbers from 1, for example 1,2")
    return int(parts[0]), int(parts[1])


def _print_agreement(found: Mapping[str, Any]) -> None:
    rows = found["rows"]
    click.echo(f"{rows['both']} rows in both, {rows['only_a']} only in A, {rows['only_b']} only in B")
    click.echo(
        f"the same entities in {rows['same']}; without an answer in A {rows['silent_a']}, in B {rows['silent_b']}"
    )
    print_table(
        ["spans", "in A", "in B", "in both", "F1", "95 %"],
        [
            [name, each["a"], each["b"], each["matched"], _figure(each["f1"]), f"{each.get('low')}-{each.get('high')}"]
            for name, each in (("exact", found["exact"]), ("overlapping", found["overlapping"]))
        ],
    )
    for name, each in (("tokens", found["token_kappa"]), ("rows", found["row_kappa"])):
        rates = ", ".join(f"{label} {one:g}/{two:g}" for label, (one, two) in list(each["base_rates"].items())[:6])
        click.echo(f"kappa on {name}: {_figure(each['kappa'])} (agree on {each['agree']} of {each['n']}; {rates})")
    types = list(found["types"].items())
    if types:
        shown = [[name, each["a"], each["b"], each["matched"], _figure(each["f1"])] for name, each in types[:20]]
        print_table(["type", "in A", "in B", "in both", "F1"], shown, len(types) - 20)
    for row in found["differing"][:5]:
        click.echo(f"{row['guid']}: only A {', '.join(row['only_a']) or '-'}; only B {', '.join(row['only_b']) or '-'}")


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
