"""Commands about answers: validate, score, evaluate, calibrate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nercot.cli.shell import COUNT, command, one_or_many, print_json, print_table, progress, split_schema

if TYPE_CHECKING:
    from nercot.corpus.recipe import Model, Recipe
    from nercot.measure.evaluate import Labels


def a_reader(command: Callable[..., None]) -> Callable[..., None]:
    """What commands take that can have a model read traces."""
    options = (
        click.option(
            "--reader-url", metavar="URL", multiple=True, help="Have a model read traces: its address, or local."
        ),
        click.option("--reader-model", metavar="NAME", help="Model to ask the reader's server for."),
        click.option(
            "--ledger", type=click.Path(path_type=Path), default=Path("build/ledger.sqlite"), show_default=True
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="A key of a recipe, for example reader.rpm=60.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


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
@a_reader
def validate_command(
    path: str,
    out: Path | None,
    form: str | None,
    schema: str | None,
    trace: str,
    strict: bool,
    reader_url: tuple[str, ...],
    reader_model: str | None,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Judge answers by the rules for shape, and with a reader by what their traces say."""
    from nercot.measure.check import Whom, check

    labels = split_schema(schema)
    recipe = reader_recipe(reader_url, reader_model, settings)
    whom = None if recipe is None else Whom(recipe, ledger)
    with progress(as_json) as report:
        summary = check(path, out, form, labels, trace, strict, report, whom)
    if as_json:
        print_json(summary)
    else:
        _print_check(summary, out)
    if summary["kept"] < summary["rows"]:
        raise SystemExit(1)


def reader_recipe(urls: tuple[str, ...], name: str | None, settings: tuple[str, ...]) -> Recipe | None:
    """The recipe that names the reader, None where nobody is to read."""
    from nercot.building.models import check_models
    from nercot.corpus.recipe import empty_recipe
    from nercot.corpus.recipe_keys import parse_override
    from nercot.errors import RecipeError

    overrides = [parse_override(text) for text in settings]
    if not urls and not any(key == "reader.url" for key, _ in overrides):
        if name is not None or overrides:
            raise RecipeError("where is the reader? give --reader-url URL as well, or leave --reader-model away")
        return None
    given = {"reader.url": one_or_many(urls), "reader.model": name}
    overrides += [(key, value) for key, value in given.items() if value is not None]
    recipe = empty_recipe("validate", overrides)
    check_models(recipe, ("reader",))
    return recipe


def _print_check(summary: Mapping[str, Any], out: Path | None) -> None:
    waiting = f", {summary['pending']} wait for their reading" if summary["pending"] else ""
    refused = summary["rows"] - summary["kept"] - summary["pending"]
    click.echo(f"{summary['rows']} rows: {summary['kept']} valid, {refused} not{waiting}")
    rows = [
        [rule, found["rows"], *_example(found["examples"][0] if found["examples"] else None)]
        for rule, found in summary["rules"].items()
    ]
    if rows:
        print_table(["rule", "rows", "first at", "for example"], rows)
    click.echo(_said_of_reading(summary))
    if out is not None:
        click.echo(f"verdicts     {out / 'verdicts.jsonl'}")


def _example(found: Mapping[str, Any] | None) -> tuple[str, str]:
    """Where the first row stands that breaks a rule, and what is said of it."""
    if found is None:
        return "", ""
    place = f"{found['file']} row {found['row']}"
    # What cannot be read says its place itself.
    return place, found["detail"].removeprefix(f"{found['file']}: row {found['row']}: ")


def _said_of_reading(summary: Mapping[str, Any]) -> str:
    if summary["reader"] is None:
        return (
            "meaning      was not read: these are the rules for shape alone; what a trace says is read by a model"
            " (--reader-url URL --reader-model NAME)"
        )
    noted = {"boundary": "spans that only overlap", "unquoted": "passages not found", "left_out": "items left out"}
    notes = ", ".join(f"{summary[name]} {text}" for name, text in noted.items() if summary[name])
    return f"reader       {summary['reader']}, {summary['calls']} calls" + (f"; {notes}" if notes else "")


@command("score")
@click.argument("path")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/judgements.jsonl, one a row.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--judge-url", metavar="URL", multiple=True, help="OpenAI-compatible address of the judge.")
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
    from nercot.corpus.recipe import empty_recipe
    from nercot.corpus.recipe_keys import parse_override
    from nercot.measure.judging import judge_path

    given = {"judge.url": one_or_many(judge_url), "judge.model": judge_model}
    overrides = [parse_override(text) for text in settings]
    overrides += [(key, value) for key, value in given.items() if value is not None]
    recipe = empty_recipe("score", overrides)
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


def trained_model(command: Callable[..., None]) -> Callable[..., None]:
    """What commands take that ask a trained model: where it is, and how it is asked."""
    options = (
        click.option(
            "--url",
            "urls",
            metavar="URL",
            multiple=True,
            required=True,
            help="OpenAI-compatible address (again for replicas), or local.",
        ),
        click.option(
            "--model",
            "name",
            metavar="NAME",
            required=True,
            help="Model to ask the server for; with --url local a GGUF file.",
        ),
        click.option(
            "--prompt", type=click.Path(path_type=Path), metavar="FILE", help="Prompt in place of the corpus' own."
        ),
        click.option(
            "--retry-seconds",
            type=click.FloatRange(min=0.1),
            default=600.0,
            show_default=True,
            help="How long one request is tried.",
        ),
        click.option(
            "--ledger", type=click.Path(path_type=Path), default=Path("build/ledger.sqlite"), show_default=True
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Of the model: max_tokens=8192, temperature=0.6, rpm=60, extra.top_p=0.95, ...",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@command("evaluate")
@trained_model
@click.option(
    "--benchmarks", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Folder of benchmark files."
)
@click.option(
    "--suite", type=click.Choice(["seven", "twenty"]), help="Only the paper's zero-shot seven, or its twenty."
)
@click.option("--limit", type=COUNT, metavar="N", help="Only the first N records of each dataset.")
@click.option("--trace/--no-trace", default=True, help="Ask the model to reason first, or to answer at once.")
@click.option(
    "--labels",
    type=click.Choice(["paper", "all"]),
    default="paper",
    show_default=True,
    help="Ask for all types, or not for misc, other, else, na, nan, as the paper's code.",
)
@click.option("--b2ner", "processed", is_flag=True, help="The files are B2NER's processed test sets.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/evaluation.json and evaluation.md."
)
def evaluate_command(
    urls: tuple[str, ...],
    name: str,
    benchmarks: Path,
    suite: str | None,
    limit: int | None,
    prompt: Path | None,
    trace: bool,
    labels: Labels,
    processed: bool,
    retry_seconds: float,
    out: Path | None,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure a model on benchmarks: micro-F1 for each dataset, beside the paper's figures.

    Temperature 0 and 4,096 tokens an answer, as in the paper's code; --set temperature=none leaves it to the server.
    """
    from nercot.corpus.tables import write_json, write_text
    from nercot.llm.local import served
    from nercot.measure.evaluate import Evaluation, evaluate
    from nercot.measure.figures import markdown
    from nercot.measure.prompted import MAX_TOKENS, TEMPERATURE

    model = asked_model(urls, name, settings, {"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS})
    with ExitStack() as stack, progress(as_json) as report:
        plan = Evaluation(
            served(model, stack), benchmarks, suite, limit, prompt, trace, processed, retry_seconds, labels
        )
        result = evaluate(plan, ledger, report)
    if out is not None:
        write_json(out / "evaluation.json", result)
        write_text(out / "evaluation.md", markdown(result))
    if as_json:
        print_json(result)
        return
    click.echo(markdown(result))


def asked_model(urls: tuple[str, ...], name: str, settings: tuple[str, ...], usual: Mapping[str, Any]) -> Model:
    """The model of a command that asks one: `usual` where --set says nothing; the value none clears a key."""
    from nercot.corpus.recipe import empty_recipe
    from nercot.corpus.recipe_keys import parse_override

    given = dict(map(parse_override, settings))
    values = {key: value for key, value in {**usual, **given}.items() if value not in ("none", None)}
    overrides = [(f"teacher.{key}", value) for key, value in values.items()]
    return empty_recipe("evaluate", [("teacher.url", list(urls)), ("teacher.model", name), *overrides]).teacher


@command("calibrate")
@click.argument("path")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/calibration.json, for the card.")
@click.option("--from", "form", metavar="FMT", help="Format of PATH, where content alone does not tell.")
@click.option("--schema", metavar="A,B,C", help="Entity types for rows that bring none.")
@click.option("--limit", type=COUNT, default=200, show_default=True, help="Records to draw from PATH.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw and of what is made wrong.")
@click.option("--reader-url", metavar="URL", multiple=True, help="Have a model read the traces, too.")
@click.option("--reader-model", metavar="NAME", help="Model to ask the reader's server for.")
@click.option("--judge-url", metavar="URL", multiple=True, help="OpenAI-compatible address of the judge.")
@click.option("--judge-model", metavar="NAME", help="Model to ask the judge's server for.")
@click.option("--plan", is_flag=True, help="Ask nobody: say how many calls it takes and what they cost.")
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
    reader_url: tuple[str, ...],
    reader_model: str | None,
    judge_url: tuple[str, ...],
    judge_model: str | None,
    plan: bool,
    ledger: Path,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make answers of PATH wrong on purpose, and count what rules, reader and judge catch."""
    from nercot.corpus.recipe import empty_recipe
    from nercot.corpus.recipe_keys import parse_override
    from nercot.measure.calibrate import calibrate

    given = {"judge.url": one_or_many(judge_url), "judge.model": judge_model}
    given |= {"reader.url": one_or_many(reader_url), "reader.model": reader_model}
    overrides = [parse_override(text) for text in settings]
    overrides += [(key, value) for key, value in given.items() if value is not None]
    recipe = empty_recipe("calibrate", overrides)
    reads = True if any(key == "reader.url" for key, _ in overrides) else None
    with progress(as_json) as report:
        found = calibrate(path, recipe, out, ledger, limit, seed, form, split_schema(schema), report, plan, reads)
    if as_json:
        print_json(found)
    elif plan:
        calls, cost = found["calls"], "unknown" if found["cost"] is None else f"${found['cost']:.2f}"
        click.echo(f"calls        {calls['reader']} of the reader, {calls['judge']} of the judge, at most")
        click.echo(f"tokens       {found['tokens']['input']} in, {found['tokens']['output']} out; cost {cost}")
    else:
        _print_calibration(found, out)


def _said_of_judge(judge: Mapping[str, Any] | None) -> str:
    if judge is None:
        return "judge        none was asked (--judge-url URL --judge-model NAME): these are the rules alone"
    return (
        f"judge {judge['model']} keeps {judge['right']['kept']} of {judge['right']['judged']} right ones at "
        f"{judge['threshold']:g}; AUC {judge['auc']}, variance over {judge['repeats']} repeats {judge['variance']}, "
        f"correlation with length {judge['length_correlation']}"
    )


def _print_calibration(found: Mapping[str, Any], out: Path | None) -> None:
    right, judge = found["rules"]["right"], found["judge"]
    click.echo(f"{right['made']} records taken as right, {right['lost']} of them lost to the rules")
    rows = []
    for kind, made in found["rules"]["faults"].items():
        seen = judge["faults"][kind] if judge else {"kept": "-", "auc": None, "kept_and_valid": "-"}
        auc = "-" if seen["auc"] is None else f"{seen['auc']:.2f}"
        rules = ", ".join(f"{rule} {count}" for rule, count in made["by_rule"].items())
        rows.append(
            [kind.replace("_", " "), made["made"], made["caught"], seen["kept"], auc, seen["kept_and_valid"], rules]
        )
    print_table(["made wrong", "answers", "caught", "kept by judge", "AUC", "kept by both", "rules"], rows)
    click.echo(_said_of_judge(judge))
    _print_together(found)
    if judge and judge["unjudged"]:
        click.echo(f"not judged   {judge['unjudged']}")
    if out is not None:
        click.echo(f"calibration  {out / 'calibration.json'}; the next build puts it into the card")


def _print_together(found: Mapping[str, Any]) -> None:
    """What reader and judge add to each other, what moves with the form alone, and where the threshold may stand."""
    parts = ("rules", "reader", "judge", "all")
    rows = [
        [kind.replace("_", " "), *("-" if shares[part] is None else _refused(shares[part]) for part in parts)]
        for kind, shares in found["together"]["kinds"].items()
    ]
    print_table(["refused", *parts], rows)
    if (adds := found["together"]["adds"]) and adds["faults"]:
        click.echo(
            f"of {adds['faults']} faults that both looked at, reader and judge catch {adds['both']}, the reader alone "
            f"{adds['reader_alone']}, the judge alone {adds['judge_alone']}, neither {adds['neither']}"
        )
    moved = ", ".join(
        f"{kind.replace('_', ' ')} {each['verdict_moved']} and {each['score_moved']} of {each['made']}"
        for kind, each in found["invariance"].items()
    )
    click.echo(f"verdicts and scores that move with the form alone: {moved}")
    if found["judge"]:
        print_table(["threshold", "kept", "equal to gold"], [_point(point) for point in found["curve"]["points"][8:]])
    if found["curve"]["proposed"] is not None:
        click.echo(f"threshold    {found['curve']['proposed']:g} is the lowest that keeps as much that equals gold")
    _print_choosing(found.get("choosing"))


def _print_choosing(found: Mapping[str, Any] | None) -> None:
    """What the judge and the agreement of teachers choose of the answers at hand, and what each takes."""
    if found is None:
        return
    named = [(f"judge, {point['threshold']:g}", point) for point in found["judge"] if point["threshold"] >= 7]
    named += [(f"{point['teachers']} teachers agree", point) for point in found["agreement"]]
    rows = [
        [
            name,
            f"{point['kept']['count']} of {point['kept']['of']}",
            _interval(point["equal_to_gold"]),
            *(point["calls"][role] for role in ("teacher", "judge")),
            "-" if point["usd"] is None else f"${point['usd']:.2f}",
        ]
        for name, point in named
    ]
    click.echo("rows could be chosen, of the answers at hand, by")
    print_table(["", "kept", "equal to gold", "teacher's calls", "judge's calls", "cost"], rows)
    if found["apart"]["records"]:
        equal = ", ".join(f"{each['teacher']} {each['records']}" for each in found["apart"]["equal_to_gold"])
        click.echo(f"of {found['apart']['records']} records on which no two teachers agree, equal to gold: {equal}")


def _refused(share: Mapping[str, Any]) -> str:
    inside = share["share"]
    return "-" if inside is None else f"{share['count']} ({inside['low']:.2f}-{inside['high']:.2f})"


def _point(point: Mapping[str, Any]) -> list[str]:
    kept = point["kept"]["share"]
    shown = "-" if kept is None else f"{kept['value']:.3f}"
    return [f"{point['threshold']:g}", shown, _interval(point["equal_to_gold"])]


def _interval(share: Mapping[str, Any] | None) -> str:
    return "-" if share is None else f"{share['value']:.3f} ({share['low']:.3f}-{share['high']:.3f})"
