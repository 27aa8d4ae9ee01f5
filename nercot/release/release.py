"""Candidate -> release: frozen, numbered, never changed again.

In: the candidate of a corpus, and the releases made of it before.  Out: `releases/<corpus>/<version>/` with the
candidate's configs, README.md, manifest.json and CHANGELOG.md, made whole or not at all.  The version follows
from what changed: columns or label meaning -> major, rows -> minor, card or metadata -> patch.  Never changes
a release, and never makes a second one of the same content.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from nercot.building.builder import alone
from nercot.building.candidate import replace_folder
from nercot.corpus.manifest import NAME, Manifest, configs_of, read_manifest, splits_of
from nercot.corpus.removed import Removal, collapsed, read_guids, read_removed, sentence_hash, write_removed
from nercot.corpus.tables import COLUMNS, write_text, writing
from nercot.corpus.work import Report, quiet
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.formats.sources import sha256_of
from nercot.release.changelog import changelog, first_section, intact, section
from nercot.release.diff import Diff, compare
from nercot.release.rebuild import rebuild, rows_of
from nercot.release.seal import CHANGELOG, seal, stats_of
from nercot.release.standoff import withhold

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Released:
    """What came of a release.

    `made`: False where the newest release has this very content; `version` and `folder` are then its own.
    `kind`: first, major, minor, patch or same.  `previous`: the version that it was compared with.
    `removed`: sentences that this call took down.  `without_text`: rows whose text may not be passed on.
    """

    corpus: str
    version: str
    folder: Path
    fingerprint: str
    rows: int
    made: bool
    kind: str
    previous: str | None = None
    changes: list[str] = field(default_factory=list)
    removed: int = 0
    without_text: int = 0

    def as_json(self) -> dict[str, Any]:
        """The release as JSON."""
        return {**asdict(self), "folder": str(self.folder)}


def freeze(
    corpus: str,
    out: Path = Path("build"),
    releases: Path | None = None,
    version: str | None = None,
    remove: Path | None = None,
    report: Report = quiet,
    internal: bool = False,
) -> Released:
    """Releases the candidate `out/<corpus>/candidate`.

    `releases`: folder of all releases (None: `releases` beside `out`).  `version`: X.Y.Z in place of the one
    that follows from what changed.  `remove`: a file of guids (and reasons) that this release, and every later
    build, leaves out.  `internal`: whole, with text that may not be passed on: for oneself, never published.

    Raises InputError (no candidate, a partial or damaged one, a version that does not fit), ShortfallError
    (records wait for answers, or none is left), BusyError (it is being built), OutputError (disk).
    """
    folder = releases or out.parent / "releases"
    candidate = out / corpus / "candidate"
    asked = None if version is None else parse_version(version)
    if not (candidate / NAME).is_file():
        raise InputError(f"{candidate}: there is no candidate; build it first: nercot build {corpus}")
    with alone(out / corpus):
        _check_complete(candidate)
        # Builds look for what was taken down beside their own folder, wherever the releases are.
        places = tuple(dict.fromkeys((folder, out.parent / "releases")))
        taken = _take_down(remove, candidate, places, corpus, out / "ledger.sqlite") if remove else 0
        _leave_out_removed(candidate, places, corpus, report)
        return _freeze(candidate, folder / corpus, asked, taken, report, internal)


def parse_version(text: str) -> Version:
    """X.Y.Z as numbers; InputError for anything else."""
    match = _VERSION.fullmatch(text)
    if not match:
        raise InputError(f"--version {text}: not a version; write it as X.Y.Z, for example 1.0.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def versions(folder: Path) -> list[str]:
    """The versions that a corpus has in `releases/<corpus>`, oldest first."""
    found = [path.name for path in folder.iterdir() if _VERSION.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=parse_version)


def _check_complete(candidate: Path) -> None:
    manifest = read_manifest(candidate)
    if "key" not in manifest:
        raise InputError(f"{candidate}: a release, not a candidate; build the corpus again")
    if manifest["partial"]:
        raise InputError(f"{candidate}: built with --limit, so it is only a part; build it whole, then release it")
    if manifest.get("stage") == "draw":
        raise InputError(f"{candidate}: only a draw to train a policy on; build it with that policy as teacher first")
    waiting = sum(step["pending"] for step in manifest["steps"])
    if waiting:
        raise ShortfallError(f"{candidate}: {waiting} records wait for an answer; run the same build again")
    if not manifest["steps"][-1]["kept"]:
        raise ShortfallError(f"{candidate}: no record is left in it; nercot stats {candidate}:dropped says why")


def _freeze(
    candidate: Path, folder: Path, asked: Version | None, taken: int, report: Report, internal: bool
) -> Released:
    known = versions(folder)
    newest = folder / known[-1] if known else None
    with _staged(folder) as stage:
        manifest = _copy(candidate, stage, report, internal)
        stats = stats_of(stage, manifest, report)
        old = None if newest is None else read_manifest(newest)
        diffs = _differences(newest, old, stage, manifest, report) if newest and old else {}
        if newest and old and not diffs and _same(seal(stage, manifest, old["version"], stats), old):
            return _released(newest, old, made=False, kind="same", previous=old["version"], removed=taken)
        kind = kind_of_change(diffs, old, manifest) if old else "first"
        version = _choose(asked, known, kind)
        sealed = seal(stage, manifest, version, stats)
        text = _write_changelog(stage, sealed, newest, old, diffs, kind)
        target = folder / version
        _freeze_files(stage)
        if target.exists():
            raise OutputError(f"{target}: is there and never changes; run the same command again")
        os.replace(stage, target)
    report("release", 1, 1)
    previous = old["version"] if old else None
    return _released(target, sealed, made=True, kind=kind, previous=previous, changes=text, removed=taken)


def _released(folder: Path, manifest: Manifest, **more: Any) -> Released:
    rows = sum(file["rows"] for file in next(iter(configs_of(manifest).values())))
    more |= {"without_text": manifest.get("standoff", {}).get("rows", 0)}
    return Released(manifest["corpus"], manifest["version"], folder, manifest["fingerprint"], rows, **more)


# --- the folder -----------------------------------------------------------------------------------


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder beside the releases that is gone afterwards, unless it became one; so are folders made for it."""
    stage = folder / ".new"
    with writing(folder):
        shutil.rmtree(stage, ignore_errors=True)
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        stage.mkdir(parents=True)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            with suppress(OSError):  # one that is not empty holds a release
                for path in made:
                    path.rmdir()


def _copy(candidate: Path, stage: Path, report: Report, internal: bool) -> dict[str, Any]:
    """Copies the configs and the card of a candidate; returns its manifest without what is the candidate's own."""
    manifest = read_manifest(candidate)
    for number, file in enumerate(manifest["files"]):
        report("release", number, len(manifest["files"]))
        path = stage / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if (candidate / file["path"]).is_file():
            shutil.copyfile(candidate / file["path"], path)
        if not path.exists() or sha256_of(path) != file["sha256"]:
            raise InputError(f"{candidate / file['path']}: changed since it was built; build the corpus again")
    if (candidate / "README.md").is_file():
        shutil.copyfile(candidate / "README.md", stage / "README.md")
    bare = {key: value for key, value in manifest.items() if key != "key"}
    return {**bare, "internal": True, "restricted_text": True} if internal else withhold(stage, bare)


def _same(new: Manifest, old: Manifest) -> bool:
    """Whether two sealed manifests speak of the same files and the same making."""
    beside = ("digest", "card_writer")
    return all(new.get(key) == old.get(key) for key in {**new, **old} if key not in beside)


def _freeze_files(folder: Path) -> None:
    """Takes the right to write away from every file; the folders stay as they are, so they can be deleted."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)


# --- what changed ---------------------------------------------------------------------------------


def _differences(newest: Path, old: Manifest, stage: Path, new: Manifest, report: Report) -> dict[str, Diff]:
    """Config -> how its rows or columns differ; configs that do not differ are left out."""
    mine, yours = configs_of(old), configs_of(new)
    diffs = {}
    for config in {**yours, **mine}:
        report(f"compare {config}", 0, 1)
        if [file["sha256"] for file in mine.get(config, ())] == [file["sha256"] for file in yours.get(config, ())]:
            continue
        before, after = splits_of(newest, old, config), splits_of(stage, new, config)
        found = compare(before, after)
        if not before or not after:
            found.columns = {}  # a config without rows has no file, and so no columns to compare
        if found.differs:
            diffs[config] = found
    return diffs


def kind_of_change(diffs: Mapping[str, Diff], old: Manifest, new: Manifest) -> str:
    """major, minor or patch, by the differences of all configs.

    A type that is described otherwise than before means something else, whatever its name; and so do the types of
    rows whose labels the recipe maps otherwise.  Who loads the default config gets other columns where it is another.
    """
    if any(found.columns or "schema_descriptions" in found.changed_columns() for found in diffs.values()):
        return "major"
    if next(iter(configs_of(old))) != next(iter(configs_of(new))):
        return "major"
    if diffs and _maps(old, new) != _maps(new, old):
        return "major"
    return "minor" if diffs else "patch"


def _maps(manifest: Manifest, other: Manifest) -> dict[str, Any]:
    """The label maps of a recipe, of all rows and of the datasets that another recipe names as well."""
    source, datasets = manifest["recipe"]["source"], other["recipe"]["source"].get("datasets", {})
    listed = {"": source, **{name: own for name, own in source.get("datasets", {}).items() if name in datasets}}
    return {name: own["labels"] for name, own in listed.items() if isinstance(own.get("labels"), Mapping)}


def _choose(asked: Version | None, known: list[str], kind: str) -> str:
    """The version of this release; InputError for an asked one that is there, is older, or understates."""
    newest = parse_version(known[-1]) if known else None
    version = asked or (_next(newest, kind) if newest else (1, 0, 0))
    text = ".".join(map(str, version))
    if text in known:
        raise InputError(f"--version {text}: is released already and never changes; leave --version out")
    if newest and version <= newest:
        raise InputError(f"--version {text}: {known[-1]} is newer; leave --version out")
    if newest and kind != "patch" and version < _next(newest, kind):
        least = ".".join(map(str, _next(newest, kind)))
        raise InputError(f"--version {text}: what changed since {known[-1]} is {kind}, so at least {least}")
    return text


def _next(version: Version, kind: str) -> Version:
    major, minor, patch = version
    return {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}[kind]


def _write_changelog(
    stage: Path, new: Manifest, newest: Path | None, old: Manifest | None, diffs: Mapping[str, Diff], kind: str
) -> list[str]:
    """Writes CHANGELOG.md; returns the lines of its newest section."""
    text = section(old, new, diffs, kind) if old else first_section(new)
    older = b""
    if newest:
        path = newest / CHANGELOG
        older = path.read_bytes() if path.is_file() else b""
        if not intact(older):
            raise InputError(f"{path}: missing or changed since it was released; restore it")
    write_text(stage / CHANGELOG, changelog(new["corpus"], text, older.decode()))
    return [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]


# --- takedown -------------------------------------------------------------------------------------


def _take_down(guids: Path, candidate: Path, places: Sequence[Path], corpus: str, ledger: Path) -> int:
    """Adds the sentences of these guids to what is taken down from the corpus; returns how many are new."""
    asked = read_guids(guids)
    removed = _removed(places, corpus)
    folders = (candidate, *(places[0] / corpus / version for version in reversed(versions(places[0] / corpus))))
    found = _sentences(asked, folders)
    known = {guid for item in removed.values() for guid in item.guids}
    if missing := sorted(asked.keys() - found.keys() - known):
        raise InputError(f"{guids}: {missing[0]} is in no row of {candidate} nor of its releases; check the guid")
    new = {found[guid]: asked[guid] for guid in asked if guid in found and found[guid] not in removed}
    named = _guids_of(new, folders, ledger)
    for sentence, reason in new.items():
        removed[sentence] = Removal(sentence, reason, tuple(sorted(named[sentence])))
    for place in places if new else ():
        write_removed(place, corpus, removed)
    return len(new)


def _removed(places: Iterable[Path], corpus: str) -> dict[str, Removal]:
    """What was taken down from a corpus, whichever folder of releases it was taken down in."""
    return {sentence: removal for place in places for sentence, removal in read_removed(place, corpus).items()}


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(guid, sentence) of every row of a candidate or release that has one, or the start of an unreadable row."""
    manifest = read_manifest(folder)
    for config in configs_of(manifest):
        columns = [name for name in ("sentence", "input") if name in COLUMNS[config].names]
        for row in rows_of(folder, manifest, config, columns) if columns else ():
            if text := row["sentence"] or row.get("input"):
                yield row["guid"], text


def _sentences(guids: Mapping[str, Any], folders: Iterable[Path]) -> dict[str, str]:
    """guid -> hash of its sentence, as far as the first of the folders that know it says."""
    found: dict[str, str] = {}
    for folder in folders:
        if len(found) < len(guids):
            found = {guid: sentence_hash(text) for guid, text in _texts(folder) if guid in guids} | found
    return found


def _guids_of(sentences: Collection[str], folders: Iterable[Path], ledger: Path) -> dict[str, set[str]]:
    """Hash -> the guids of all records with that sentence, under whatever types, here or in an answer of the ledger."""
    found: dict[str, set[str]] = {sentence: set() for sentence in sentences}
    texts: dict[str, str] = {}
    for guid, text in chain.from_iterable(map(_texts, folders)) if sentences else ():
        if (known := sentence_hash(text)) in found:
            found[known].add(guid)
            texts[collapsed(text)] = known
    for guid, prompt in _asked(ledger) if texts else ():
        for text, known in texts.items():
            if text in prompt:
                found[known].add(guid)
    return found


def _asked(path: Path) -> Iterator[tuple[str, str]]:
    """(guid, what a model was told) of every answer in a ledger: those of earlier builds go into an export too."""
    if not path.is_file():
        return
    from nercot.llm.ledger import Ledger

    with Ledger(path) as ledger:
        for entry in ledger.final_entries(("guid", "request")):
            messages = json.loads(entry["request"]).get("messages") or ()
            yield entry["guid"], collapsed(" ".join(str(message["content"]) for message in messages))


def _leave_out_removed(candidate: Path, places: Iterable[Path], corpus: str, report: Report) -> None:
    """Makes the candidate again without what was taken down since it was built."""
    removed = _removed(places, corpus)
    if not removed or not any(sentence_hash(text) in removed for _, text in _texts(candidate)):
        return
    if "sample" in read_manifest(candidate):  # a draw has other rows in place of those that are gone
        raise InputError(f"{candidate}: holds rows that were taken down; build {corpus} again, it leaves them out")
    with writing(candidate), tempfile.TemporaryDirectory(dir=candidate.parent, prefix=".removing-") as root:
        replace_folder(rebuild(candidate, Path(root), removed, report), candidate)
    _check_complete(candidate)
