"""recipe -> the list of stages of its build.

In: a recipe and the texts of its prompts.  Out: a StageList: rounds of record steps, selection, and what the
candidate is made of.  Here, and only here, a recipe's steps become stages: a new kind of step is a file in steps/ and
a line in RECORD_STAGES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nercot.building.candidate import Contents, write_tables
from nercot.building.merged import write_draw, write_merged, write_subset
from nercot.building.stages import Ending, Made, Round, SelectStage, StageList
from nercot.corpus.recipe import Model, Recipe
from nercot.llm.address import content_of
from nercot.llm.prompts import default_template, read_template
from nercot.steps import annotate, read, score, validate
from nercot.steps.select import Checker, Selection
from nercot.steps.stage import RecordStage, Turn

# The record steps in the order in which they can stand in a recipe.
RECORD_STAGES: Mapping[str, Callable[[Recipe, Mapping[str, str], Turn], RecordStage]] = {
    "annotate": annotate.stage,
    "validate": validate.stage,
    "read": read.stage,
    "score": score.stage,
}

_LOAD = """python -c 'from datasets import load_dataset; print(load_dataset("{folder}")["train"][0])'"""
_TRAIN = (
    "train the policy on the config grpo of {folder}, and serve it",
    "then run the same command with --teacher-url URL --teacher-model NAME: it annotates every row",
)


def stages_of(recipe: Recipe, prompts: Mapping[str, str]) -> StageList:
    """The stages of a build of this recipe, in order."""
    rounds = _rounds(recipe, prompts) if is_annotated(recipe) else ()
    steps = set(recipe.steps)
    if "select" in steps:
        select, lines = _select(recipe, rounds), ("source", *recipe.steps)
        return StageList(rounds, select, _selected(recipe), lines, recipe.teacher.until)
    # Nobody is asked: of the steps only those of a draw, or of a merge with gold, are taken.
    taken = tuple(step for step in recipe.steps if rounds or step in ("stratify", "merge"))
    if "merge" not in steps:
        return StageList(rounds, None, _subset(recipe), ("source", *taken))
    if "draw" in steps and not rounds:
        return StageList(rounds, None, _drawn(recipe), ("source", *(step for step in taken if step != "merge"), "draw"))
    lines = ("source", *(step for step in taken if step != "draw"))
    return StageList(rounds, None, _merged(recipe, asked=bool(rounds)), lines)


def is_annotated(recipe: Recipe) -> bool:
    """Whether somebody annotates: not where a corpus is only drawn, nor while a policy is not named yet."""
    return "annotate" in recipe.steps and recipe.asks_somebody


def prompts_of(recipe: Recipe) -> dict[str, str]:
    """The texts of the prompts that this recipe uses; nobody is given none."""
    used = {
        "annotate": recipe.asks_somebody,
        "reading": "read" in recipe.steps,
        "judge": not recipe.judge.absent,
        "extract": True,
        "answer": recipe.trace == "optional",
    }
    return {name: _template(recipe, name) for name, use in used.items() if use}


def _template(recipe: Recipe, name: str) -> str:
    """The text of a prompt.  A policy whose traces are merged in is asked with the prompt that it was trained on."""
    path = recipe.prompts.get(name)
    if path is None and name == "annotate" and "merge" in recipe.steps:
        return _template(recipe, "extract")
    if path is None and name == "judge" and recipe.judge.rubric == "paper":
        return default_template("judge-paper")
    return default_template(name) if path is None else read_template(recipe.folder / Path(path).expanduser())


# --- rounds ---------------------------------------------------------------------------------------


def turns_of(teachers: Sequence[Model]) -> tuple[Turn, ...]:
    """The rounds through the teachers in order, each for its own attempts.

    The same model with the same settings, named twice, is asked on where it ended: its answers have one key each.
    """
    turns: list[Turn] = []
    said = [content_of(teacher) for teacher in teachers]
    for place, teacher in enumerate(teachers):
        for _ in range(teacher.attempts):
            ask = 1 + sum(said[turn.teacher] == said[place] for turn in turns)
            turns.append(Turn(len(turns) + 1, ask, place))
    return tuple(turns)


def _rounds(recipe: Recipe, prompts: Mapping[str, str]) -> tuple[Round, ...]:
    turns = turns_of(recipe.teachers)
    rounds = [_round(recipe, prompts, turn) for turn in turns]
    if recipe.teacher.until != "all":
        return tuple(rounds)
    first = {turn.teacher: turn.attempt for turn in reversed(turns)}
    return tuple(replace(each, since=first[each.turn.teacher]) for each in rounds)


def _round(recipe: Recipe, prompts: Mapping[str, str], turn: Turn) -> Round:
    """One round: each stage reads what was added since the answer was read, validation the answer itself."""
    made = [RECORD_STAGES[step](recipe, prompts, turn) for step in recipe.steps if step in RECORD_STAGES]
    folders = [stage.writes for stage in made]
    reads = [tuple(folders[min(1, place - 1) : place]) if place else () for place in range(len(made))]
    stages = tuple(replace(stage, reads=read) for stage, read in zip(made, reads, strict=True))
    valid = [stage for stage in stages if stage.name != "score"]
    if recipe.teacher.until == "selected" and len(valid) < len(stages):
        return Round(turn, stages, stages[-1].writes, recipe.threshold)
    return Round(turn, stages, valid[-1].writes)


# --- what is made of what was answered ------------------------------------------------------------


def _select(recipe: Recipe, rounds: Sequence[Round]) -> SelectStage:
    selection = Selection(
        recipe.threshold,
        recipe.duplicates,
        recipe.near_duplicates,
        recipe.contamination,
        recipe.validation,
        recipe.test,
        agreement=recipe.agreement,
        teachers=tuple(each.turn.teacher for each in rounds) if recipe.agreement > 1 else (),
    )
    *answered, scored = rounds[0].folders[1:]
    if recipe.benchmarks is None or recipe.contamination == "off":
        return SelectStage(selection, scored, tuple(answered))
    from nercot.steps.contamination import Contamination, find_benchmark_files

    found = find_benchmark_files(recipe.folder / Path(recipe.benchmarks).expanduser())
    if found is None:
        return SelectStage(selection, scored, tuple(answered))

    def checker() -> Checker:
        return Contamination(found)

    return SelectStage(selection, scored, tuple(answered), found.hashes(), checker)


def _selected(recipe: Recipe) -> Ending:
    def tables(made: Made, folder: Path) -> Contents:
        return write_tables(made, folder, recipe.pairs)

    return Ending(tables, _checked(recipe))


def _subset(recipe: Recipe) -> Ending:
    def tables(made: Made, folder: Path) -> Contents:
        return write_subset(made, folder)

    return Ending(tables, ("nercot stats {folder}", _LOAD))


def _drawn(recipe: Recipe) -> Ending:
    def tables(made: Made, folder: Path) -> Contents:
        return write_draw(made, folder, recipe.sample)

    return Ending(tables, _TRAIN, {"stage": "draw"})


def _merged(recipe: Recipe, asked: bool) -> Ending:
    sample = recipe.sample if "draw" in recipe.steps else None

    def tables(made: Made, folder: Path) -> Contents:
        contents = write_merged(made, folder, sample)
        contents.traces = contents.traces if asked else []
        return contents

    return Ending(tables, _checked(recipe))


def _checked(recipe: Recipe) -> tuple[str, ...]:
    optional = " --trace optional" if recipe.trace == "optional" else ""
    return "nercot stats {folder}", f"nercot validate {{folder}}{optional}", _LOAD
