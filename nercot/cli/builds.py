"""Commands that build: build, plan, status, and the ledger of what models were asked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nercot.cli.places import local_copy, out_option, place_of
from nercot.cli.shell import COUNT, cli, command, one_or_many, print_json, print_table, progress, split_schema

if TYPE_CHECKING:
    from nercot.building.options import BuildOptions, BuildResult
    from nercot.corpus.recipe import Recipe
    from nercot.llm.ledger import Ledger


def build_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that decide what is built."""
    options = (
        click.argument("recipe", required=False),
        click.option("--name", metavar="NAME", help="Name of the corpus; of your own data by default the file's."),
        click.option("--license", metavar="ID", help="Licence of rows that name none, as SPDX or people write it."),
        click.option(
            "--types",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Types and what they mean: lines of `type: meaning` (or tab), or JSON {type: meaning}.",
        ),
        click.option("--force", is_flag=True, help="Also in place of a candidate of another source, or of more rows."),
        click.option(
            "--input",
            "input_path",
            metavar="PATH",
            help="Source: a file, a folder or a Hub id, in place of the recipe's.",
        ),
        click.option("--input-format", metavar="FMT", help="Format of the source, where content alone does not tell."),
        click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none (plain text)."),
        out_option,
        click.option(
            "--ledger",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="The ledger, on this machine's own disk [default: ledger.sqlite in --out].",
        ),
        click.option("--workers", type=COUNT, metavar="N", help="Run partitions in N processes."),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            help="Where partitions run: this machine, or a Ray cluster.",
        ),
        click.option("--address", metavar="ADDRESS", help="The Ray cluster's [default: the one of this machine]."),
        click.option(
            "--limit",
            type=COUNT,
            help="Only the first N records; the candidate is marked partial.",
        ),
        click.option(
            "--teacher-url",
            metavar="URL",
            multiple=True,
            help="OpenAI-compatible address (again for replicas), or local, or recorded.",
        ),
        click.option("--teacher-model", metavar="NAME", help="Model to ask the teacher's server for."),
        click.option("--reader-url", metavar="URL", multiple=True, help="The same for the reader of traces."),
        click.option("--reader-model", metavar="NAME", help="Model to ask the reader's server for."),
        click.option("--judge-url", metavar="URL", multiple=True, help="The same for the judge."),
        click.option("--judge-model", metavar="NAME", help="Model to ask the judge's server for."),
        click.option(
            "--max-cost", type=click.FloatRange(min=0), metavar="USD", help="What this corpus may cost in all."
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Any key of the recipe, for example select.threshold=8.",
        ),
        click.option("--batch", is_flag=True, help="Ask by the provider's batch jobs: cheaper, within a day."),
        click.option("--strict", is_flag=True, help="Stop at the first bad row of the source."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command("build")
@build_options
def build_command(as_json: bool, **given: Any) -> None:
    """Build a corpus: RECIPE is quickstart, ner-cot, re-subset, hybrid, few-shot, or a TOML file.

    Without RECIPE, --input builds a corpus of your own data, named after the file.
    """
    from nercot.building.builder import build
    from nercot.corpus.tables import own_process

    if click.get_current_context().obj:
        own_process()
    recipe, options = _recipe_and_options(**given)
    with progress(as_json) as report:
        result = build(recipe, options, report)
    for note in result.notes:
        click.echo(f"nercot: {note}", err=True)
    _print_build(result, as_json)
    if result.shortfall:
        click.echo(f"nercot: {result.shortfall}", err=True)
        raise SystemExit(1)


def _recipe_and_options(
    recipe: str | None,
    name: str | None,
    license: str | None,
    types: Path | None,
    force: bool,
    input_path: str | None,
    input_format: str | None,
    schema: str | None,
    out: Path | str,
    ledger: Path | None,
    workers: int | None,
    engine: str,
    address: str | None,
    limit: int | None,
    teacher_url: tuple[str, ...],
    teacher_model: str | None,
    reader_url: tuple[str, ...],
    reader_model: str | None,
    judge_url: tuple[str, ...],
    judge_model: str | None,
    max_cost: float | None,
    settings: tuple[str, ...],
    batch: bool,
    strict: bool,
) -> tuple[Recipe, BuildOptions]:
    """The recipe with everything that the command line says put in."""
    from nercot.building.options import BuildOptions
    from nercot.cli.own import described, own_recipe
    from nercot.corpus.licenses import license_id
    from nercot.corpus.recipe import load_recipe
    from nercot.corpus.recipe_keys import parse_override

    meanings = described(types) if types else {}
    given = {
        "corpus.name": name,
        "corpus.license": None if license is None else license_id(license),
        "source.descriptions": {label: text for label, text in meanings.items() if text} or None,
        "teacher.url": one_or_many(teacher_url),
        "teacher.model": teacher_model,
        "reader.url": one_or_many(reader_url),
        "reader.model": reader_model,
        "judge.url": one_or_many(judge_url),
        "judge.model": judge_model,
        "budget.max_cost": max_cost,
        "source.labels": split_schema(schema) or list(meanings) or None,
    }
    overrides = [parse_override(text) for text in settings]
    overrides += [(key, value) for key, value in given.items() if value is not None]
    if recipe is None and input_path is not None:
        loaded = own_recipe(input_path, overrides)
    else:
        loaded = load_recipe(recipe or "quickstart", overrides)
    folder, storage = place_of(out)
    _warn_of_mount(ledger or folder)
    options = BuildOptions(folder, input_path, input_format, limit, strict, batch=batch, force=force)
    return loaded, replace(options, workers=workers, engine=engine, address=address, storage=storage, ledger=ledger)


def _warn_of_mount(path: Path) -> None:
    from nercot.corpus.storage import mount_warning

    if (warning := mount_warning(path)) is not None:
        click.echo(f"nercot: {warning}", err=True)


def _print_build(result: BuildResult, as_json: bool) -> None:
    if as_json:
        print_json(result.as_json())
        return
    click.echo(f"{result.corpus}: {result.rows_read} rows read, {result.records} records")
    print_funnel(result.steps)
    if result.teachers:
        click.echo("")
        print_teachers(result.teachers)
    if any(result.calls.values()):
        cost = "cost unknown (no price in the recipe)" if result.cost is None else f"{result.cost:.4f} USD"
        calls = ", ".join(f"{role} {count}" for role, count in result.calls.items() if count)
        click.echo(f"calls of this run: {calls}; {cost}")
    if any(result.recorded.values()):
        told = ", ".join(f"{role} {count}" for role, count in result.recorded.items() if count)
        click.echo(f"recorded answers taken in: {told}; they cost nothing")
    state = "" if result.changed else " (unchanged)"
    click.echo(f"candidate    {result.where}{state}\nfingerprint  {result.fingerprint}\n")
    click.echo("Next:")
    for line in result.next:
        click.echo(f"  {line}")


def print_funnel(steps: Sequence[Mapping[str, Any]]) -> None:
    """The funnel as a table: what came in, what was kept, and why the rest was not."""
    rows = []
    for step in steps:
        reasons = ", ".join(f"{reason} {count}" for reason, count in step["dropped"].items())
        waiting = f"{step['pending']} pending" if step["pending"] else ""
        rows.append(
            [
                step["step"],
                step["in"],
                step["kept"],
                sum(step["dropped"].values()),
                step["not_drawn"],
                ", ".join(filter(None, (reasons, waiting))),
            ]
        )
    print_table(["step", "in", "kept", "dropped", "not drawn", "reasons"], rows)


def print_teachers(rows: Sequence[Mapping[str, Any]]) -> None:
    """What each teacher of a cascade brought: what it was asked, and what became of its answers."""
    names = [name for name in rows[0] if name in ("teacher", "asked", "kept") or any(row[name] for row in rows)]
    heads = [_HEADS.get(name, name.replace("_", " ")) for name in names]
    print_table(heads, [[row[name] for name in names] for row in rows])


_HEADS = {"rules": "refused by rules", "reading": "refused by reading"}


@command("plan")
@build_options
def plan_command(as_json: bool, **given: Any) -> None:
    """Say what a build would ask of models: calls, tokens, dollars, hours. Makes no call."""
    from nercot.building.plan import plan

    recipe, options = _recipe_and_options(**given)
    with progress(as_json) as report:
        found = plan(recipe, options, report)
    if as_json:
        print_json(found)
        return
    unknown = "unknown: set the price of every model that is asked (teacher.price, ...)"
    cost = unknown if found["cost"] is None else f"{found['cost']:.2f} USD"
    calls, tokens = found["calls"], found["tokens"]
    click.echo(f"{found['corpus']}: {found['records']} records")
    most = ", ".join(f"{role} at most {calls[role]}" for role in ("reader", "judge") if calls[role] or role == "judge")
    about = "about " if found.get("ladder") else ""
    click.echo(f"calls        teacher {about}{calls['teacher']}, {most}")
    for rung in found.get("ladder", ()):
        goes_on = ""
        if "goes_on" in rung:
            known = "a guess" if rung["guessed"] else "as the ledger has seen"
            goes_on = f"; {rung['goes_on']:.0%} go on ({known})"
        price = "unknown" if rung["cost"] is None else f"{rung['cost']:.2f} USD"
        click.echo(f"  {rung['teacher']}: about {rung['calls']} calls, {price}{goes_on}")
    click.echo(f"tokens       about {tokens['input']} in, {tokens['output']} out")
    click.echo(f"cost         {cost}\nhours        about {found['hours']:g}")
    for fact in found.get("recorded", ()):
        click.echo(f"recorded     {fact['role']} {fact['model']}: {fact['answers']} answers in {fact['file']}")
    for note in found.get("notes", ()):
        click.echo(f"nercot: {note}", err=True)
    click.echo("Answers that the ledger holds cost nothing; each further attempt adds its own calls.")


@command("status")
@click.argument("recipe", required=False)
@out_option
def status_command(recipe: str | None, out: Path | str, as_json: bool) -> None:
    """Show where a running or stopped build stands: done, left, spent, last error; without RECIPE all of them."""
    from nercot.building.status import corpora, recipe_named, status

    if recipe is None:
        here = place_of(out)[0]
        _print_all([status(recipe_named(name, here), here) for name in corpora(here)], here, as_json)
        return
    loaded = recipe_named(recipe, place_of(out)[0])
    found = status(loaded, local_copy(out, loaded.name))
    if as_json:
        print_json(found)
        return
    if found["records"] is None:
        click.echo(f"{found['corpus']}: nothing built yet in {out}; start with: nercot build {recipe}")
        return
    click.echo(f"{found['corpus']}: {'running' if found['running'] else 'not running'}, {found['records']} records")
    print_table(
        ["step", "done", "left", "kept"],
        [[row["step"], row["done"], row["left"], row["kept"]] for row in found["steps"]],
    )
    if found["spent"]:
        spent = found["spent"]
        unknown = (
            f" and {spent['calls_of_unknown_price']} calls of unknown price" if spent["calls_of_unknown_price"] else ""
        )
        click.echo(
            f"spent        {spent['calls']} calls ({spent['failed_calls']} failed), {spent['cost']:.4f} USD{unknown}"
        )
    for line in found.get("workers", ()):
        click.echo(f"  {line}")
    if found["last_error"]:
        click.echo(f"last error   {found['last_error']['step']}: {found['last_error']['detail']}")
    click.echo(f"candidate    {found['candidate'] or 'none yet'}")


def _print_all(found: Sequence[Mapping[str, Any]], out: Path, as_json: bool) -> None:
    """A line for each corpus of a folder."""
    if as_json:
        print_json({"corpora": list(found)})
        return
    if not found:
        click.echo(f"{out}: nothing built yet; start with: nercot build")
        return
    rows = []
    for one in found:
        left = sum(step["left"] for step in one["steps"][:1])
        state = "running" if one["running"] else f"{left} left" if left else "done" if one["candidate"] else "stopped"
        rows.append([one["corpus"], state, one["records"] or 0, (one["candidate"] or "none yet")[:12]])
    print_table(["corpus", "state", "records", "candidate"], rows)
    click.echo("One of them: nercot status NAME")


@cli.group("ledger", invoke_without_command=True, epilog="Example: nercot ledger export answers.parquet")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder of corpora and ledger.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.pass_context
def ledger_command(context: click.Context, out: Path, as_json: bool) -> None:
    """Show what models were asked: calls, tokens (in, cached, out), dollars by corpus, step and model."""
    context.obj = out / "ledger.sqlite"
    if context.invoked_subcommand is None:
        _print_totals(context.obj, as_json)


def _print_totals(path: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from nercot.llm.ledger import Ledger

    rows = []
    if path.exists():
        with Ledger(path, read=True) as ledger:
            rows = [asdict(total) for total in ledger.totals()]
    if as_json:
        print_json({"ledger": str(path), "totals": rows})
    elif not rows:
        click.echo(f"{path}: no answers yet")
    else:
        names = [name for name in rows[0] if name not in _RARE or any(row[name] for row in rows)]
        heads = [_TOTALS.get(name, name) for name in names]
        print_table(heads, [[row[name] for name in names] for row in rows], width=80)


# Short heads, and columns that are left out where all is 0, so that a row of millions fits 80 columns.
_TOTALS = {"tokens_in": "in", "tokens_cached": "cached", "tokens_out": "out", "cost": "USD", "unpriced": "no price"}
_RARE = ("failed", "tokens_cached", "unpriced")


@ledger_command.command(
    "export", epilog="Example: nercot ledger export answers.parquet, or ledger export --recorded answers --corpus mine"
)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--recorded",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write one corpus' answers as recorded files, for recipes that need no model.",
)
@click.option("--corpus", metavar="NAME", help="Whose answers (with --recorded).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.pass_obj
def ledger_export(path: Path, file: Path | None, recorded: Path | None, corpus: str | None, as_json: bool) -> None:
    """Write every final answer to FILE, to publish or to build elsewhere without a call.

    Answers about text that may not be passed on stay here.
    """
    from nercot.errors import InputError
    from nercot.llm.ledger import Ledger
    from nercot.release.standoff import withheld_guids

    if (file is None) == (recorded is None) or (recorded is None) != (corpus is None):
        raise click.UsageError(
            "say FILE.parquet for all answers, or --recorded DIR --corpus NAME for those of one corpus"
        )
    if not path.exists():
        raise InputError(f"{path}: there is no ledger; build with a teacher first, or say --out")
    withheld = withheld_guids(path.parent, path.parent.parent / "releases")
    with Ledger(path) as ledger:
        written, options = _exported(ledger, file, recorded, corpus, withheld)
    if as_json:
        print_json({**written, "file": str(file or recorded), "withheld_records": len(withheld)})
        return
    told = ", ".join(f"{count} {name}" for name, count in written.items())
    click.echo(f"{told} written to {file or recorded}")
    if withheld:
        click.echo(f"left out: answers about {len(withheld)} records whose text may not be passed on")
    if options:
        click.echo(f"to build from them: nercot build RECIPE {shlex.join(options)}")


def _exported(
    ledger: Ledger, file: Path | None, recorded: Path | None, corpus: str | None, withheld: frozenset[str]
) -> tuple[dict[str, int], list[str]]:
    """How many answers were written, all to a file, or those of one corpus as recorded files, by role.

    Of recorded files also the options that build from them.
    """
    if file is not None:
        from nercot.llm.exchange import export_parquet

        return {"answers": export_parquet(ledger, file, withheld)}, []
    from nercot.release.recordings import options_for, write_recordings

    assert recorded is not None
    candidate = ledger.path.parent / str(corpus) / "candidate"
    written = write_recordings(candidate, ledger, recorded, withheld)
    counts: dict[str, int] = {}
    for made in written:
        counts[made.role] = counts.get(made.role, 0) + made.answers
    return counts, options_for(candidate, written)


@ledger_command.command("import", epilog="Example: nercot ledger import answers.parquet")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.pass_obj
def ledger_import(path: Path, file: Path, as_json: bool) -> None:
    """Take the answers of FILE in; those that are known are left as they are."""
    from nercot.corpus.tables import writing
    from nercot.llm.exchange import import_parquet
    from nercot.llm.ledger import Ledger

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with Ledger(path) as ledger:
        count = import_parquet(ledger, file)
    if as_json:
        print_json({"answers": count, "file": str(file)})
    else:
        click.echo(f"{count} answers taken in from {file}")
