"""The command line: one command a verb; parses, calls, prints.

Results go to stdout, progress and errors to stderr; `--json` prints one document.  Exit codes: 0 done, 1 the
data fell short, 2 the user has to change something, 130 Ctrl-C.  No traceback for what is the user's to mend.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nercot import __version__
from nercot.errors import NercotError

if TYPE_CHECKING:
    from nercot.build import BuildOptions, BuildResult
    from nercot.pipeline import Report
    from nercot.recipe import Recipe

_EPILOGS = {
    "build": "nercot build ner-cot --input pile.json --teacher-url http://127.0.0.1:8000/v1 --teacher-model my-model",
    "plan": "nercot plan ner-cot --input pile.json",
    "status": "nercot status ner-cot",
    "convert": "nercot convert pile.json --to rows.jsonl",
    "validate": "nercot validate answers.jsonl --out verdicts",
    "release": "nercot release quickstart",
    "diff": "nercot diff releases/quickstart/1.0.0 releases/quickstart/1.1.0",
    "verify": "nercot verify releases/quickstart/1.0.0 --rebuild",
    "trace": "nercot trace releases/quickstart/1.0.0 02f2ae9e36609f001e5cae483d6d5e63",
    "hydrate": "nercot hydrate releases/re-subset/1.0.0 --input IE_INSTRUCTIONS/NER",
    "publish": "nercot publish releases/quickstart/1.0.0 org/quickstart --dry-run",
    "score": "nercot score build/quickstart/candidate --out judgements",
    "evaluate": "nercot evaluate --url http://127.0.0.1:8000/v1 --model my-model --benchmarks IE_INSTRUCTIONS/NER",
    "stats": "nercot stats build/quickstart/candidate",
    "calibrate": "nercot calibrate build/quickstart/candidate --out build/quickstart",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="nercot")
def cli() -> None:
    """Builds NER-CoT: a named-entity corpus in which a reasoning trace justifies every entity.

    Start with: nercot build
    """


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A verb of the command line, with --json and an example in its help."""

    def decorate(function: Callable[..., None]) -> click.Command:
        wrapped = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(function)
        return cli.command(name, epilog=f"Example: {_EPILOGS[name]}")(wrapped)

    return decorate


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line (of this process, or `arguments`) and raises SystemExit with its exit code."""
    try:
        code = cli.main(arguments, prog_name="nercot", standalone_mode=False)
    except NercotError as error:
        click.echo(f"nercot: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"nercot: {error.format_message()}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nnercot: stopped; what was done is kept, the same command goes on from there", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


# --- build ----------------------------------------------------------------------------------------


def build_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that decide what is built."""
    options = (
        click.argument("recipe", default="quickstart"),
        click.option(
            "--input",
            "input_path",
            metavar="PATH",
            help="Source: a file, a folder or a Hub id, in place of the recipe's.",
        ),
        click.option("--input-format", metavar="FMT", help="Format of the source, where content alone does not tell."),
        click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none (plain text)."),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            default=Path("build"),
            show_default=True,
            help="Folder of corpora and ledger.",
        ),
        click.option(
            "--limit", type=click.IntRange(min=1), help="Only the first N records; the candidate is marked partial."
        ),
        click.option(
            "--teacher-url",
            metavar="URL",
            multiple=True,
            help="OpenAI-compatible address (again for replicas), or embedded.",
        ),
        click.option("--teacher-model", metavar="NAME", help="Model to ask the teacher's server for."),
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
    """Build a corpus: RECIPE is quickstart, ner-cot, re-subset, hybrid, few-shot, or a TOML file."""
    from nercot.build import build

    recipe, options = _recipe_and_options(**given)
    with progress(as_json) as report:
        result = build(recipe, options, report)
    _print_build(result, as_json)
    if result.shortfall:
        click.echo(f"nercot: {result.shortfall}", err=True)
        raise SystemExit(1)


def _recipe_and_options(
    recipe: str,
    input_path: str | None,
    input_format: str | None,
    schema: str | None,
    out: Path,
    limit: int | None,
    teacher_url: tuple[str, ...],
    teacher_model: str | None,
    judge_url: tuple[str, ...],
    judge_model: str | None,
    max_cost: float | None,
    settings: tuple[str, ...],
    batch: bool,
    strict: bool,
) -> tuple[Recipe, BuildOptions]:
    """The recipe with everything that the command line says put in."""
    from nercot.build import BuildOptions
    from nercot.recipe import load_recipe, parse_override

    given = {
        "teacher.url": _one_or_many(teacher_url),
        "teacher.model": teacher_model,
        "judge.url": _one_or_many(judge_url),
        "judge.model": judge_model,
        "budget.max_cost": max_cost,
        "source.labels": split_schema(schema),
    }
    overrides = [parse_override(text) for text in settings]
    overrides += [(key, value) for key, value in given.items() if value is not None]
    loaded = load_recipe(recipe, overrides)
    return loaded, BuildOptions(out, input_path, input_format, limit, strict, batch=batch)


def _one_or_many(urls: Sequence[str]) -> str | list[str] | None:
    return None if not urls else urls[0] if len(urls) == 1 else list(urls)


def split_schema(schema: str | None) -> list[str] | None:
    """`a,b,c` as a list of types."""
    if schema is None:
        return None
    labels = [label.strip() for label in schema.split(",") if label.strip()]
    if not labels:
        raise click.UsageError("--schema: give at least one type, for example --schema person,place")
    return labels


def _print_build(result: BuildResult, as_json: bool) -> None:
    if as_json:
        print_json(result.as_json())
        return
    click.echo(f"{result.corpus}: {result.rows_read} rows read, {result.records} records")
    print_funnel(result.steps)
    if any(result.calls.values()):
        cost = "cost unknown (no price in the recipe)" if result.cost is None else f"{result.cost:.4f} USD"
        click.echo(f"calls of this run: teacher {result.calls['teacher']}, judge {result.calls['judge']}; {cost}")
    state = "" if result.changed else " (unchanged)"
    click.echo(f"candidate    {result.candidate}{state}\nfingerprint  {result.fingerprint}\n")
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


@command("plan")
@build_options
def plan_command(as_json: bool, **given: Any) -> None:
    """Say what a build would ask of models: calls, tokens, dollars, hours. Makes no call."""
    from nercot.plan import plan

    recipe, options = _recipe_and_options(**given)
    with progress(as_json) as report:
        found = plan(recipe, options, report)
    if as_json:
        print_json(found)
        return
    cost = "unknown: set teacher.price and judge.price" if found["cost"] is None else f"{found['cost']:.2f} USD"
    calls, tokens = found["calls"], found["tokens"]
    click.echo(f"{found['corpus']}: {found['records']} records")
    click.echo(f"calls        teacher {calls['teacher']}, judge at most {calls['judge']}")
    click.echo(f"tokens       about {tokens['input']} in, {tokens['output']} out")
    click.echo(f"cost         {cost}\nhours        about {found['hours']:g}")
    click.echo("Answers that the ledger holds cost nothing; each further attempt adds its own calls.")


@command("status")
@click.argument("recipe", default="quickstart")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder of corpora and ledger.",
)
def status_command(recipe: str, out: Path, as_json: bool) -> None:
    """Show where a running or stopped build stands: done, left, spent, last error."""
    from nercot.plan import status
    from nercot.recipe import load_recipe

    found = status(load_recipe(recipe), out)
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
    if found["last_error"]:
        click.echo(f"last error   {found['last_error']['step']}: {found['last_error']['detail']}")
    click.echo(f"candidate    {found['candidate'] or 'none yet'}")


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
    """Show what models were asked: calls, tokens, dollars by corpus, model and step."""
    context.obj = out / "ledger.sqlite"
    if context.invoked_subcommand is None:
        _print_totals(context.obj, as_json)


def _print_totals(path: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from nercot.llm.ledger import Ledger

    rows = []
    if path.exists():
        with Ledger(path) as ledger:
            rows = [asdict(total) for total in ledger.totals()]
    if as_json:
        print_json({"ledger": str(path), "totals": rows})
    elif not rows:
        click.echo(f"{path}: no answers yet")
    else:
        print_table([name.replace("_", " ") for name in rows[0]], [list(row.values()) for row in rows])


@ledger_command.command("export", epilog="Example: nercot ledger export answers.parquet")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def ledger_export(path: Path, file: Path) -> None:
    """Write every final answer to FILE, to publish or to build elsewhere without a call.

    Answers about text that may not be passed on stay here.
    """
    from nercot.errors import InputError
    from nercot.llm.exchange import export_parquet
    from nercot.llm.ledger import Ledger
    from nercot.standoff import withheld_guids

    if not path.exists():
        raise InputError(f"{path}: there is no ledger; build with a teacher first, or say --out")
    withheld = withheld_guids(path.parent, path.parent.parent / "releases")
    with Ledger(path) as ledger:
        click.echo(f"{export_parquet(ledger, file, withheld)} answers written to {file}")
    if withheld:
        click.echo(f"left out: answers about {len(withheld)} records whose text may not be passed on")


@ledger_command.command("import", epilog="Example: nercot ledger import answers.parquet")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def ledger_import(path: Path, file: Path) -> None:
    """Take the answers of FILE in; those that are known are left as they are."""
    from nercot.llm.exchange import import_parquet
    from nercot.llm.ledger import Ledger
    from nercot.tables import writing

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with Ledger(path) as ledger:
        click.echo(f"{import_parquet(ledger, file)} answers taken in from {file}")


# --- convert, validate, stats -----------------------------------------------------------------------


@command("validate")
@click.argument("path")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/verdicts.jsonl, one verdict a row."
)
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option(
    "--trace",
    type=click.Choice(["required", "optional"]),
    default="required",
    show_default=True,
    help="Whether a row must have a trace.",
)
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be read.")
def validate_command(
    path: str, out: Path | None, form: str | None, schema: str | None, trace: str, strict: bool, as_json: bool
) -> None:
    """Judge answers by the rules: which are a sample, and why the others are not."""
    from nercot.check import check

    labels = split_schema(schema)
    with progress(as_json) as report:
        summary = check(path, out, form, labels, trace, strict, report)
    if as_json:
        print_json(summary)
    else:
        _print_check(summary, out)
    if summary["kept"] < summary["rows"]:
        raise SystemExit(1)


def _print_check(summary: Mapping[str, Any], out: Path | None) -> None:
    click.echo(f"{summary['rows']} rows: {summary['kept']} valid, {summary['rows'] - summary['kept']} not")
    rows = [
        [rule, found["rows"], found["examples"][0]["detail"] if found["examples"] else ""]
        for rule, found in summary["rules"].items()
    ]
    if rows:
        print_table(["rule", "rows", "for example"], rows)
    for note, count in summary["notes"].items():
        click.echo(f"note: {note} ({count} rows)")
    if out is not None:
        click.echo(f"verdicts     {out / 'verdicts.jsonl'}")


@command("score")
@click.argument("path")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/judgements.jsonl, one a row.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--judge-url", metavar="URL", multiple=True, help="OpenAI-compatible address, or embedded (default).")
@click.option("--judge-model", metavar="NAME", help="Model to ask the judge's server for.")
@click.option("--ledger", type=click.Path(path_type=Path), default=Path("build/ledger.sqlite"), show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of a recipe, for example judge.rpm=60."
)
def score_command(
    path: str,
    out: Path | None,
    form: str | None,
    schema: str | None,
    judge_url: tuple[str, ...],
    judge_model: str | None,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Have a judge score the traces of PATH, 0-10 with five sub-scores."""
    from nercot.judging import judge_path
    from nercot.recipe import load_recipe, parse_override

    given = {"judge.url": _one_or_many(judge_url), "judge.model": judge_model}
    overrides = [parse_override(text) for text in settings]
    overrides += [(key, value) for key, value in given.items() if value is not None]
    recipe = load_recipe("quickstart", [("corpus.name", "score"), *overrides])
    with progress(as_json) as report:
        found = judge_path(path, recipe, out, ledger, form, split_schema(schema), report)
    if as_json:
        print_json(found)
    else:
        click.echo(
            f"{found['rows']} rows: {found['judged']} judged, {found['at_threshold']} at {found['threshold']:g} or more"
        )
        print_table(["score", "rows"], [[score, count] for score, count in found["scores"].items()])
        if found["dropped"]:
            print_table(["not judged", "rows"], [[reason, count] for reason, count in found["dropped"].items()])
    if found["dropped"]:
        raise SystemExit(1)


@command("evaluate")
@click.option(
    "--url", "urls", metavar="URL", multiple=True, required=True, help="OpenAI-compatible address, again for replicas."
)
@click.option("--model", "name", metavar="NAME", required=True, help="Model to ask the server for.")
@click.option(
    "--benchmarks", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Folder of benchmark files."
)
@click.option(
    "--suite", type=click.Choice(["seven", "twenty"]), help="Only the paper's zero-shot seven, or its twenty."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N records of each dataset.")
@click.option("--prompt", type=click.Path(path_type=Path), metavar="FILE", help="Prompt in place of the corpus' own.")
@click.option("--trace/--no-trace", default=True, help="Ask the model to reason first, or to answer at once.")
@click.option("--b2ner", "processed", is_flag=True, help="The files are B2NER's processed test sets.")
@click.option(
    "--retry-seconds",
    type=click.FloatRange(min=0.1),
    default=600.0,
    show_default=True,
    help="How long one request is tried.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/evaluation.json and evaluation.md."
)
@click.option("--ledger", type=click.Path(path_type=Path), default=Path("build/ledger.sqlite"), show_default=True)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Of the model: temperature=0, max_tokens=4096, rpm=60, ...",
)
def evaluate_command(
    urls: tuple[str, ...],
    name: str,
    benchmarks: Path,
    suite: str | None,
    limit: int | None,
    prompt: Path | None,
    trace: bool,
    processed: bool,
    retry_seconds: float,
    out: Path | None,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure a model on benchmarks: micro-F1 for each dataset, beside the paper's figures."""
    from nercot.evaluate import Evaluation, evaluate, markdown
    from nercot.recipe import load_recipe, parse_override
    from nercot.tables import write_json, write_text

    overrides = [(f"teacher.{key}", value) for key, value in map(parse_override, settings)]
    model = load_recipe("quickstart", [("teacher.url", list(urls)), ("teacher.model", name), *overrides]).teacher
    plan = Evaluation(model, benchmarks, suite, limit, prompt, trace, processed, retry_seconds)
    with progress(as_json) as report:
        result = evaluate(plan, ledger, report)
    if out is not None:
        write_json(out / "evaluation.json", result)
        write_text(out / "evaluation.md", markdown(result))
    if as_json:
        print_json(result)
        return
    click.echo(markdown(result))
    for lacking in result["missing"]:
        click.echo(f"missing: {lacking}")


@command("calibrate")
@click.argument("path")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/calibration.json, for the card.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="Records to draw from PATH.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw and of what is made wrong.")
@click.option("--judge-url", metavar="URL", multiple=True, help="OpenAI-compatible address, or embedded (default).")
@click.option("--judge-model", metavar="NAME", help="Model to ask the judge's server for.")
@click.option("--ledger", type=click.Path(path_type=Path), default=Path("build/ledger.sqlite"), show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of a recipe, for example judge.rpm=60."
)
def calibrate_command(
    path: str,
    out: Path | None,
    form: str | None,
    schema: str | None,
    limit: int,
    seed: int,
    judge_url: tuple[str, ...],
    judge_model: str | None,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make answers of PATH wrong on purpose, and count what rules and judge catch."""
    from nercot.calibrate import calibrate
    from nercot.recipe import load_recipe, parse_override

    given = {"judge.url": _one_or_many(judge_url), "judge.model": judge_model}
    overrides = [parse_override(text) for text in settings]
    overrides += [(key, value) for key, value in given.items() if value is not None]
    recipe = load_recipe("quickstart", [("corpus.name", "calibrate"), *overrides])
    with progress(as_json) as report:
        found = calibrate(path, recipe, out, ledger, limit, seed, form, split_schema(schema), report)
    if as_json:
        print_json(found)
    else:
        _print_calibration(found, out)


def _print_calibration(found: Mapping[str, Any], out: Path | None) -> None:
    right, judge = found["rules"]["right"], found["judge"]
    click.echo(f"{right['made']} records taken as right, {right['lost']} of them lost to the rules")
    rows = []
    for kind, made in found["rules"]["faults"].items():
        seen = judge["faults"][kind]
        auc = "-" if seen["auc"] is None else f"{seen['auc']:.2f}"
        rules = ", ".join(f"{rule} {count}" for rule, count in made["by_rule"].items())
        rows.append(
            [kind.replace("_", " "), made["made"], made["caught"], seen["kept"], auc, seen["kept_and_valid"], rules]
        )
    print_table(["made wrong", "answers", "caught", "kept by judge", "AUC", "kept by both", "rules"], rows)
    click.echo(
        f"judge {judge['model']} keeps {judge['right']['kept']} of {judge['right']['judged']} right ones at "
        f"{judge['threshold']:g}; AUC {judge['auc']}, variance over {judge['repeats']} repeats {judge['variance']}, "
        f"correlation with length {judge['length_correlation']}"
    )
    if judge["unjudged"]:
        click.echo(f"not judged   {judge['unjudged']}")
    if out is not None:
        click.echo(f"calibration  {out / 'calibration.json'}; the next build puts it into the card")


@command("stats")
@click.argument("path")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option(
    "--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many types and datasets to list."
)
def stats_command(path: str, form: str | None, schema: str | None, top: int, as_json: bool) -> None:
    """Count what is in a corpus: rows, entities, types, lengths, scores."""
    from nercot.check import summarise

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
@click.option("--ignore-labels", metavar="A,B,C", help="Types to leave out, counted.")
@click.option("--force", is_flag=True, help="Write over FILE where it exists.")
def convert_command(
    path: str,
    target: Path,
    form: str | None,
    to_format: str | None,
    split: str | None,
    schema: str | None,
    ignore_labels: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Turn NER data of any format into another."""
    from nercot.convert import convert

    done = convert(
        path,
        target,
        form=form,
        to_format=to_format,
        split=split,
        schema=split_schema(schema),
        ignore_labels=split_schema(ignore_labels) or (),
        force=force,
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


# --- printing -------------------------------------------------------------------------------------


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], left_out: int = 0) -> None:
    """A table on stdout, numbers to the right; cut to the width of a terminal, whole in a pipe."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, head in enumerate(heads):
        numeric = bool(rows) and all(isinstance(row[place], int | float) for row in rows)
        table.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_one_line(item)) for item in row))
    Console(width=None if terminal else 160, highlight=False).print(table)
    if left_out > 0:
        click.echo(f"... and {left_out} more")


def _one_line(item: Any) -> str:
    text = f"{item:g}" if isinstance(item, float) else str(item)
    return "".join(char if char.isprintable() else " " for char in text)


@contextmanager
def progress(as_json: bool) -> Iterator[Report]:
    """A report that draws bars on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty() or as_json:
        yield lambda step, done, total: None
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

        yield report


from nercot import cli_release  # noqa: E402, F401  (its commands join the group)
