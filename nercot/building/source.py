"""The first stage of a build, from the recipe: which source is read, and what is drawn of it.

In: a recipe and what the command line adds.  Out: a Reading, and what `steps/ingest.py` made of it.  Wrong files,
formats and draws are errors here, before anything is written.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from nercot.building.options import BuildOptions
from nercot.building.stages import SOURCE
from nercot.corpus.benchmarks import text_may_be_passed_on
from nercot.corpus.recipe import Recipe
from nercot.corpus.removed import read_removed
from nercot.corpus.tables import read_rows
from nercot.corpus.waits import LOG
from nercot.corpus.work import Report, Work
from nercot.errors import RecipeError
from nercot.formats import DataFile
from nercot.formats.relabel import Relabel
from nercot.formats.sources import Source, open_source, options_of
from nercot.steps.ingest import Ingested, ingest
from nercot.steps.roster import tree_roster
from nercot.steps.stratify import Draw

# Datasets that are named one by one.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What a build reads: a source, and what is drawn of it (None: it is read whole)."""

    source: Source
    draw: Draw | None = None


def source_of(recipe: Recipe, options: BuildOptions) -> Reading:
    """What a build reads: what the command line names, else the recipe's path or Hub dataset."""
    spec, where = recipe.source, _where(recipe, options)
    draw, files = _draw_of(recipe, options, where)
    form, read = options.input_format or spec.format, options_of(spec)
    return Reading(open_source(where, form, read, recipe.license, spec.split, Relabel(spec), files), draw)


def resolved(recipe: Recipe, options: BuildOptions) -> tuple[Recipe, Reading]:
    """The recipe as it holds for the source that is read, and that source.

    A recipe whose source is replaced says nothing of the new one.  A local copy of Pile-NER is known by its format.
    """
    reading = source_of(recipe, options)
    if options.input is None:
        return recipe, reading
    own = recipe.source.path or recipe.source.hub
    copied = reading.source.format.name == "pile_ner" and "pile-ner" in str(own).lower()
    if own and not copied:
        recipe = recipe.of_another_source()
        reading = replace(reading, source=replace(reading.source, license=recipe.license))
    return replace(recipe, source=recipe.source.instead(options.input)), reading


def refuse_replacing(folder: Path, reading: Reading, options: BuildOptions) -> None:
    """A RecipeError where the candidate in `folder` is of another source, or of more rows than `limit` allows."""
    try:
        there = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        known = {str(file["name"]) for file in there["source"]["files"]}
        rows = int(there["steps"][0]["in"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return
    if options.force:
        return
    more = "give the corpus another name (--name), or --force to replace it"
    names = {file.name for file in reading.source.files}
    if known and not known & names:
        listed = ", ".join(sorted(known)[:3])
        raise RecipeError(f"{folder}: made from another source ({listed}); {more}")
    if options.limit is not None and options.limit < rows:
        raise RecipeError(f"{folder}: made from {rows} rows, --limit {options.limit} would leave fewer; {more}")


def say_without_text(work: Work, ingested: Ingested) -> None:
    """Tells beforehand which rows a release would hold without their text, and why."""
    found: Counter[tuple[str, str]] = Counter()
    for part in ingested.partitions:
        for row in read_rows(work.file(SOURCE, part), ["dataset", "license"]):
            if not text_may_be_passed_on(row["dataset"], row["license"]):
                found[row["dataset"], row["license"]] += 1
    for (dataset, license), rows in found.most_common(_SHOWN):
        why = "no licence is known" if license == "unknown" else f"the licence {license} is not known to allow it"
        LOG.info(
            "%s: %d rows would be released without their text: %s (say --license, or release --internal for yourself)",
            dataset,
            rows,
            why,
        )


def _draw_of(recipe: Recipe, options: BuildOptions, where: str) -> tuple[Draw | None, tuple[DataFile, ...] | None]:
    """What is drawn of a source, and the files to draw from where a tree has them; wrong ones are an error here."""
    stratified = "stratify" in recipe.steps
    if not stratified and "merge" not in recipe.steps:
        return None, None
    if stratified and options.limit:
        raise RecipeError(f"{recipe.name} is a draw, not the first rows: use --set sample.size={options.limit}")
    if recipe.duplicates == "flag" and "select" not in recipe.steps:
        raise RecipeError("select.duplicates: only the step select can flag; drop them before the draw, or say off")
    wanted, allow = tuple(recipe.source.datasets), recipe.sample.allow_missing
    path = Path(where).expanduser()
    seen, files = None, None
    if wanted and path.is_dir() and not (path / "README.md").exists():
        seen, files = tree_roster(wanted, path, recipe.source.split or "train")
        seen.check(where, allow)
    step = "stratify" if stratified else "source"
    repeated = recipe.duplicates == "drop" and "select" not in recipe.steps
    return Draw(recipe.sample if stratified else None, where, wanted, seen, allow, repeated, step), files


def _where(recipe: Recipe, options: BuildOptions) -> str:
    """The path or Hub id of the source."""
    spec = recipe.source
    where = options.input
    if where is None and spec.path is not None:
        where = str(recipe.folder / Path(spec.path).expanduser())
    if where is None and spec.hub is not None:
        name, colon, config = spec.hub.partition(":")
        where = f"{name}@{spec.revision}{colon}{config}" if spec.revision else spec.hub
    if where is None:
        raise RecipeError(f"{recipe.name}: no source; give --input PATH (recipe key source.path or source.hub)")
    return where


def read_source(reading: Reading, recipe: Recipe, options: BuildOptions, work: Work, report: Report) -> Ingested:
    """The source stage of a build, without what was taken down."""
    removed = read_removed(options.releases or options.out.parent / "releases", recipe.name)
    source, draw = reading.source, reading.draw
    return ingest(work, source, recipe.digits, options.limit, options.strict, report, removed, draw)
