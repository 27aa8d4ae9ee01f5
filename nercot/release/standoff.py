"""Rows whose text may not be passed on: left without it in a release, and given it back by who has the source.

In: the configs of a release in the making, and later the release and a user's own copy of its sources.  Out: configs
in which such rows stand in the default config alone, as guid, schema, offsets and labels without sentence, trace or
mention (what a step refused stays in `dropped`, without text); and a local folder in which they are whole again, but
for their traces.  A sentence is known by the guid, which is a hash of it.  Never guesses: what the registry does not
know to allow is not passed on.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nercot.building.candidate import CONFIGS, Shards, grpo_row, replace_folder, row_hash, sft_row
from nercot.building.merged import MERGED, SUBSET
from nercot.corpus.benchmarks import text_may_be_passed_on
from nercot.corpus.disputed import REASON
from nercot.corpus.manifest import Manifest, configs_of, read_manifest, splits_of
from nercot.corpus.records import content_guid
from nercot.corpus.removed import removed_guids
from nercot.corpus.spool import Hashes
from nercot.corpus.tables import read_rows, to_record, writing
from nercot.corpus.work import Report, Row
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.formats.relabel import Relabel, same_dataset
from nercot.formats.sources import Source, items, open_source, options_of
from nercot.release.rebuild import recipe_of, rows_of
from nercot.release.seal import seal, stats_of
from nercot.report.view import PAGE
from nercot.steps.merge import CategoryDraw
from nercot.steps.roster import tree_roster

# Steps whose drops are records; in a merged corpus the others' are discarded answers, but for disputed gold.
_SOURCE = ("source", "stratify")
# So many schemas of one dataset are tried on a sentence whose copy lists other types.
_SCHEMAS = 50


def restricted(row: Mapping[str, Any]) -> bool:
    """Whether the text of a row may not be passed on."""
    return not text_may_be_passed_on(row["dataset"], row["license"])


def withheld_guids(out: Path, releases: Path) -> frozenset[str]:
    """The guids whose text no export may hold: taken down, or of a source that does not allow it."""
    files = [path for stage in ("1-source", "dropped") for path in out.glob(f"*/{stage}/*.parquet")]
    rows = (row for path in files for row in read_rows(path, ("guid", "dataset", "license")))
    return removed_guids(releases) | frozenset(row["guid"] for row in rows if restricted(row))


# --- without text ---------------------------------------------------------------------------------


def withhold(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Takes the text of rows that may not be passed on out of the configs in `folder`; returns the new manifest.

    Nothing happens where there are no such rows.
    """
    configs = list(configs_of(manifest))
    columns = ("dataset", "license")
    if not any(restricted(row) for config in configs for row in rows_of(folder, manifest, config, columns)):
        return manifest
    found, traces = Counter[str](), 0
    for row in rows_of(folder, manifest, configs[0], ("dataset", "license", *_trace_column(configs[0]))):
        if restricted(row):
            found[row["dataset"]] += 1
            traces += row.get("cot") is not None
    merged = "merge" in manifest["recipe"]["steps"]

    def bare(config: str, row: Row) -> Row | None:
        return _bare(row, config, configs[0], merged) if restricted(row) else row

    files = _rewrite(folder, manifest, bare)
    standoff = {"rows": found.total(), "traces": traces, "datasets": dict(sorted(found.items()))}
    return {**manifest, "restricted_text": False, "standoff": standoff, "files": files}


def _trace_column(config: str) -> tuple[str, ...]:
    return ("cot",) if config == "cot" else ()


def _bare(row: Row, config: str, default: str, merged: bool) -> Row | None:
    """What is left of a row in a config, None for nothing."""
    if config == "dropped":
        whole = not merged or row["step"] in _SOURCE or (row["reason"] == REASON and row["cot"] is None)
        return {**_without_text(row), "detail": None, "input": None} if whole else None
    # Without a default config of rows (a draw alone) nothing can stand for them.
    return _without_text(row) if config == default and config not in ("grpo", "raw", "sft", "preference") else None


def _without_text(row: Row) -> Row:
    told: Row = {name: _without_mentions(row[name]) for name in ("gold", "entities") if name in row}
    said = {"judgement": row["judgement"] and {**row["judgement"], "reason": None}} if "judgement" in row else {}
    cot = {"cot": None} if "cot" in row else {}
    return {**row, **told, **said, **cot, "sentence": None}


def _without_mentions(entities: list[Row] | None) -> list[Row] | None:
    """Offsets and labels, which say nothing without the sentence; evidence lay in the trace."""
    return entities and [{**item, "text": None, "cot_start": None, "cot_end": None} for item in entities]


def _rewrite(folder: Path, manifest: Manifest, change: Callable[[str, Row], Row | None]) -> list[dict[str, Any]]:
    """Writes every config anew, row by row (None: the row is left out); returns the files, others as they were."""
    made = folder / ".rewritten"
    files: list[dict[str, Any]] = []
    for config in configs_of(manifest):
        for split, paths in splits_of(folder, manifest, config).items():
            shards = Shards(made, config, split)
            for row in (row for path in paths for row in read_rows(path)):
                changed = change(config, row)
                if changed is not None:
                    shards.add(changed)
            files += shards.close()
        shutil.rmtree(folder / config)
        if (made / config).exists():
            os.replace(made / config, folder / config)
    shutil.rmtree(made, ignore_errors=True)
    return files


# --- with text again ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hydrated:
    """What hydration did: `rows` got their text back; of `without_trace` the trace was not passed on."""

    corpus: str
    version: str
    folder: Path
    rows: int
    without_trace: int
    fingerprint: str

    def as_json(self) -> dict[str, Any]:
        """The result as JSON."""
        return {**asdict(self), "folder": str(self.folder)}


def hydrate(release: Path, source: str, out: Path | None = None, report: Report | None = None) -> Hydrated:
    """Writes `out` (None: `hydrated/<corpus>/<version>`): the release with the text of its bare rows put back.

    `source`: the user's own copy, a path or Hub id, in any format; each sentence is checked by hash.

    Raises InputError (no release, nothing to put back, `out` exists), ShortfallError that lists the datasets whose
    text is missing or differs, OutputError.
    """
    manifest = read_manifest(release)
    if "version" not in manifest or not manifest.get("standoff") or manifest.get("restricted_text"):
        raise InputError(f"{release}: no release with rows without text; there is nothing to put back")
    target = out or Path("hydrated") / manifest["corpus"] / manifest["version"]
    if target.exists():
        raise OutputError(f"{target}: exists; name another folder with --out, or delete it")
    sentences = _sentences(release, manifest, source, report or (lambda step, done, total: None))
    stage = target.with_name(f".{target.name}.new")
    with writing(target):
        shutil.rmtree(stage, ignore_errors=True)
        shutil.copytree(release, stage, ignore=shutil.ignore_patterns(".*"), copy_function=_copy_writable)
    sealed = _restore(stage, manifest, sentences)
    replace_folder(stage, target)
    traces = manifest["standoff"]["traces"]
    return Hydrated(manifest["corpus"], manifest["version"], target, len(sentences), traces, sealed["fingerprint"])


def _copy_writable(source: str, target: str) -> str:
    """A copy that may be written to: the files of a release may not."""
    return str(shutil.copyfile(source, target))


def _sentences(release: Path, manifest: Manifest, source: str, report: Report) -> dict[str, str]:
    """guid -> sentence of every bare row, from the user's copy; a ShortfallError where any is missing."""
    default = next(iter(configs_of(manifest)))
    columns = ("guid", "dataset", "schema", "sentence")
    wanted = {row["guid"]: row for row in rows_of(release, manifest, default, columns) if row["sentence"] is None}
    bare = {guid.partition("-")[0] for guid in wanted}
    schemas = _schemas(wanted.values())
    found: dict[str, str] = {}
    for number, item in enumerate(items(_copy_of(source, manifest, tuple(schemas))), 1):
        if number % 1000 == 0:
            report("hydrate", number, None)
        record = item.outcome.record
        if item.outcome.kept:
            known = bare & {record.guid} or bare & set(_guids(record.sentence, record.dataset, schemas))
            found.update(dict.fromkeys(known, record.sentence))
    missing = Counter(row["dataset"] for guid, row in wanted.items() if guid.partition("-")[0] not in found)
    if missing:
        whole = Counter(row["dataset"] for row in wanted.values())
        listed = ", ".join(f"{name} ({count} of {whole[name]} rows)" for name, count in sorted(missing.items()))
        raise ShortfallError(
            f"{source}: text is missing there, or differs from what the release was made of: {listed}; "
            "give the copy that has these datasets, all in one folder"
        )
    return {guid: found[guid.partition("-")[0]] for guid in wanted}


def _copy_of(where: str, manifest: Manifest, datasets: tuple[str, ...]) -> Source:
    """The user's copy, read as the build read its source; of a tree only the datasets that are needed."""
    spec, path, files = recipe_of(manifest).source, Path(where).expanduser(), None
    if path.is_dir() and not (path / "README.md").exists():
        files = tree_roster(datasets, path, spec.split or "train")[1] or None
    return open_source(where, spec.format, options_of(spec), relabel=Relabel(spec), files=files)


def _schemas(rows: Iterable[Row]) -> dict[str, list[tuple[str, ...]]]:
    """The schemas of each dataset's bare rows, the commonest first, where they are few."""
    counts: dict[str, Counter[tuple[str, ...]]] = {}
    for row in rows:
        counts.setdefault(row["dataset"], Counter())[tuple(row["schema"])] += 1
    return {name: [schema for schema, _ in found.most_common(_SCHEMAS)] for name, found in counts.items()}


def _guids(sentence: str, dataset: str, schemas: Mapping[str, list[tuple[str, ...]]]) -> Iterator[str]:
    """The guids that this sentence would have with the dataset's name and types as the release has them."""
    for name, listed in schemas.items():
        if name == dataset or same_dataset(name, dataset):
            yield from (content_guid(sentence, schema, name) for schema in listed)


def _restore(folder: Path, manifest: Manifest, sentences: Mapping[str, str]) -> dict[str, Any]:
    """Puts the text into the configs of a copied release and seals it; returns its new manifest."""

    default, *others = _family(manifest)
    rows = _Whole(folder, manifest, default, sentences)
    made, prompts, drawn = folder / ".rewritten", manifest["prompts"], rows.draw()
    derived = [config for config in others if config in ("sft", "grpo")]
    shards = {(config, split): Shards(made, config, split) for config in (default, *derived) for split in rows.splits}
    hashes = Hashes()
    for split, row in rows:
        shards[default, split].add(row)
        hashes.add(row_hash(row))
        if "sft" in derived:
            shards["sft", split].add(sft_row(row, prompts))
        if "grpo" in derived and row["gold"] is not None and (drawn is None or row["guid"] in drawn):
            shards["grpo", split].add(grpo_row(row, prompts))
    restored = hashes.digest()
    if not manifest["standoff"]["traces"] and restored != manifest["fingerprint"]:
        raise ShortfallError(f"{folder}: with its text it is not what was released; nercot verify says more")
    files = {config: [file for split in rows.splits for file in shards[config, split].close()] for config in derived}
    files[default] = [file for split in rows.splits for file in shards[default, split].close()]
    for config in files:
        _replace(made / config, folder / config)
    files = {**configs_of(manifest), **files}
    listed = [file for config in (default, *others) for file in files.get(config, ())]
    new = {key: value for key, value in manifest.items() if key not in ("digest", "version")}
    new |= {"restricted_text": True, "files": listed}
    (folder / PAGE).unlink(missing_ok=True)  # seal makes one that has the text
    return seal(folder, new, manifest["version"], stats_of(folder, new, lambda step, done, total: None))


def _replace(new: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if new.exists():
        os.replace(new, folder)


def _family(manifest: Manifest) -> tuple[str, ...]:
    """The configs that a corpus of these steps has, also where none of its rows may be in them."""
    steps = manifest["recipe"]["steps"]
    if "merge" in steps:
        return tuple(config for config in MERGED if config != "grpo" or "draw" in steps)
    return CONFIGS if "duplicates" in manifest else SUBSET


@dataclass(frozen=True, slots=True)
class _Whole:
    """The rows of the default config with their text, by split."""

    folder: Path
    manifest: Manifest
    config: str
    sentences: Mapping[str, str]

    @property
    def splits(self) -> list[str]:
        return list(splits_of(self.folder, self.manifest, self.config))

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        for split, paths in splits_of(self.folder, self.manifest, self.config).items():
            for row in (row for path in paths for row in read_rows(path)):
                yield split, row if row["sentence"] is not None else self._whole(row)

    def _whole(self, row: Row) -> Row:
        sentence = self.sentences[row["guid"]]
        told: Row = {name: _with_mentions(row[name], sentence) for name in ("gold", "entities") if name in row}
        return {**row, **told, "sentence": sentence}

    def draw(self) -> frozenset[str] | None:
        """The guids of the draw for GRPO; None where every row is in it."""
        if "draw" not in self.manifest["recipe"]["steps"]:
            return None
        sample = self.manifest["recipe"]["sample"]
        draw = CategoryDraw(int(sample["size"]), sample["seed"])
        for _, row in self:
            draw.add(to_record(row))
        return draw.result()[0]


def _with_mentions(entities: list[Row] | None, sentence: str) -> list[Row] | None:
    return entities and [{**item, "text": sentence[item["start"] : item["end"]]} for item in entities]
