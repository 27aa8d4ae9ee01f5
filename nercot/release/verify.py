"""Whether a release is what it says it is: every checksum, the card, the columns, and what must hold of every row.

In: a release folder.  Out: a Verified with one line for every problem, which names the file (and the row,
counted from 1).  A flipped byte is found in any file: data and card stand in the manifest with their hash,
manifest.json and CHANGELOG.md carry their own.  With `rebuild` the corpus is made again from its own raw
rows and compared.  Never changes the release.  Streams: of every file a few thousand rows are in memory.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nercot.building.candidate import WRITER
from nercot.corpus.manifest import NAME, Manifest, configs_of, manifest_problems, read_manifest, splits_of
from nercot.corpus.tables import COLUMNS, columns_known, declared
from nercot.corpus.work import Report, Row, quiet
from nercot.errors import InputError
from nercot.formats.sources import sha256_of
from nercot.release.changelog import intact, is_of
from nercot.release.diff import Diff, compare
from nercot.release.invariants import has_other_columns, row_problems
from nercot.release.rebuild import rebuild as make_again
from nercot.release.seal import CHANGELOG, seal, stats_of

_OF_DOWNLOADS = (".git", ".gitattributes", ".cache")
# Lines about one file; what is beyond is counted.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Verified:
    """What verification found: `problems` (none: the release is what it says), and `notes` that are none.

    `files` were checked, and `rows` of all configs; `rebuilt`: whether the corpus was made again.
    """

    release: str
    version: str | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    files: int = 0
    rows: int = 0
    rebuilt: bool = False

    def as_json(self) -> dict[str, Any]:
        """The result as JSON."""
        return asdict(self)


def verify(release: Path, rebuild: bool = False, report: Report = quiet, *, shared: bool = False) -> Verified:
    """Checks a release; `rebuild`: also makes the corpus again from it.

    `shared`: the folder of a repo on the Hub, in which files of others may lie: a note, where they load nothing.

    Raises InputError only where there is no release to check.
    """
    if (damage := _damage(release)) is not None:
        return Verified(str(release), None, (damage,))
    manifest = read_manifest(release)
    problems = list(manifest_problems(release))
    strangers = list(_strangers(release, manifest))
    beside = [name for name in strangers if shared and name.partition("/")[0] not in configs_of(manifest)]
    problems += _file_problems(release, manifest, report)
    problems += [f"{name}: not part of the release" for name in strangers if name not in beside]
    # What is in a file is looked at only while all are as they were written: damaged ones can hold anything.
    if not problems:
        problems += [*_card_problems(release, manifest), *_column_problems(release, manifest)]
    if not problems:
        problems += _shortened(row_problems(release, manifest, report))
    again = _Rebuilt()
    if rebuild and not problems:
        again = _rebuild(release, manifest, report)
    return Verified(
        release=str(release),
        version=manifest.get("version"),
        problems=(*problems, *again.problems),
        notes=(*_hidden(release), *(f"{name}: not part of the release" for name in beside), *again.notes),
        files=len(manifest["files"]) + 2,
        rows=sum(file.get("rows", 0) for file in manifest["files"]),
        rebuilt=again.made,
    )


def _damage(release: Path) -> str | None:
    """Why nothing of a release can be checked: its manifest cannot be used.  InputError where it is no release."""
    if not (release / NAME).is_file():
        raise InputError(f"{release}: not a release (it has no {NAME}); name a folder releases/<corpus>/<version>")
    try:
        manifest = read_manifest(release)
    except InputError as error:
        return str(error).removeprefix(f"{release}/")
    if "version" not in manifest:
        raise InputError(
            f"{release}: a candidate, not a release; release it first: nercot release {manifest['corpus']}"
        )
    return None


def _shortened(problems: Iterator[tuple[str, str]]) -> list[str]:
    """(file, problem) as lines; of a file with many the first ones, and how many more there are."""
    counts: dict[str, int] = {}
    lines = []
    for file, problem in problems:
        counts[file] = counts.get(file, 0) + 1
        if counts[file] <= _MOST:
            lines.append(f"{file}: {problem}")
    return lines + [f"{file}: {count - _MOST} more problems" for file, count in counts.items() if count > _MOST]


# --- files ----------------------------------------------------------------------------------------


def _file_problems(release: Path, manifest: Manifest, report: Report) -> Iterator[str]:
    """Files that are missing or changed."""
    files = {file["path"]: file for file in manifest["files"]}
    for number, (name, file) in enumerate(files.items()):
        report("checksums", number, len(files))
        path = release / name
        if not path.is_file():
            yield f"{name}: missing"
        elif (found := sha256_of(path)) != file["sha256"]:
            yield f"{name}: changed since it was released (sha256 {found}, {file['sha256']} in the manifest)"
    if not (release / CHANGELOG).is_file():
        yield f"{CHANGELOG}: missing"
    elif not intact((release / CHANGELOG).read_bytes()):
        yield f"{CHANGELOG}: changed since it was released, it does not fit its last line"
    elif not is_of((release / CHANGELOG).read_bytes(), manifest):
        yield f"{CHANGELOG}: is not that of {manifest['corpus']} {manifest['version']}"


def _strangers(release: Path, manifest: Manifest) -> Iterator[str]:
    """Files that the manifest does not list."""
    files = {file["path"] for file in manifest["files"]} | {NAME, CHANGELOG}
    for path in sorted(release.rglob("*")):
        name = path.relative_to(release)
        if path.is_file() and not any(part.startswith(".") for part in name.parts) and name.as_posix() not in files:
            yield name.as_posix()


def _hidden(release: Path) -> Iterator[str]:
    """Hidden files, which are never published; those that a clone or download has are as they should be."""
    for path in sorted(release.rglob("*")):
        name = path.relative_to(release)
        if path.is_file() and name.parts[0] not in _OF_DOWNLOADS and any(part.startswith(".") for part in name.parts):
            yield f"{name.as_posix()}: hidden, so no part of the release, and not published"


def _card_problems(release: Path, manifest: Manifest) -> Iterator[str]:
    """Where the card declares other configs, files, columns or counts than there are."""
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    try:
        card = metadata_load(release / "README.md") or {}
        yield from _declared_problems(release, manifest, card)
    except (ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
        yield f"README.md: the block of YAML at its top is not that of a release ({type(error).__name__})"


def _declared_problems(release: Path, manifest: Manifest, card: Mapping[str, Any]) -> Iterator[str]:
    listed = {item["config_name"]: item for item in card.get("configs") or ()}
    infos = {item["config_name"]: item for item in card.get("dataset_info") or ()}
    configs = configs_of(manifest)
    if list(listed) != list(configs) or list(infos) != list(configs):
        yield f"README.md: lists the configs {', '.join(listed)}; there are {', '.join(configs)}"
        return
    if [name for name, item in listed.items() if item.get("default")] != [next(iter(configs))]:
        yield f"README.md: the default config is not {next(iter(configs))}"
    for name, files in configs.items():
        found = sorted(path.relative_to(release).as_posix() for path in _globbed(release, listed[name]))
        if found != sorted(file["path"] for file in files):
            yield f"README.md: the config {name} loads other files than the manifest lists"
        said = sum(split["num_examples"] for split in infos[name]["splits"])
        if said != sum(file["rows"] for file in files):
            yield f"README.md: declares {said} rows for the config {name}"
        known = [declared(columns) for columns in (columns_known(name) if name in COLUMNS else ())]
        if known and infos[name]["features"] not in known:
            yield f"README.md: declares other columns for the config {name} than it has"


def _globbed(release: Path, config: Mapping[str, Any]) -> Iterator[Path]:
    for entry in config["data_files"]:
        yield from release.glob(entry["path"])


def _column_problems(release: Path, manifest: Manifest) -> Iterator[str]:
    """Where a data file has other columns or another number of rows than it should have."""
    for config, files in configs_of(manifest).items():
        if config not in COLUMNS:
            yield f"{NAME}: the config {config} is unknown to this version of nercot; upgrade it"
            continue
        for file in files:
            try:
                with pq.ParquetFile(release / file["path"]) as stored:
                    schema, rows = stored.schema_arrow, stored.metadata.num_rows
            except (pa.ArrowException, OSError) as error:
                yield f"{file['path']}: cannot be read as Parquet ({type(error).__name__})"
                continue
            if not any(schema.equals(columns) for columns in columns_known(config)):
                yield f"{file['path']}: its columns are not those of the config {config}"
            if rows != file["rows"]:
                yield f"{file['path']}: has {rows} rows, {file['rows']} in the manifest"


# --- again ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rebuilt:
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    made: bool = False


def _rebuild(release: Path, manifest: Manifest, report: Report) -> _Rebuilt:
    """Makes the corpus again and compares: bytes with the same writer, rows with another."""
    if withheld := _withheld(manifest):
        return _Rebuilt(notes=(f"not made again: {withheld}",))
    maker = f"nercot {manifest['tool']}"
    if has_other_columns(release, manifest):
        return _Rebuilt(notes=(f"not made again: this version has other steps than {maker}, which made it",))
    with tempfile.TemporaryDirectory(prefix="nercot-verify-") as root:
        made = make_again(release, Path(root), report=report)
        new = {key: value for key, value in read_manifest(made).items() if key != "key"}
        new |= {key: manifest[key] for key in ("internal", "restricted_text", "standoff") if key in manifest}
        shutil.copyfile(release / "README.md", made / "README.md")
        new = seal(made, new, manifest["version"], stats_of(made, new, report))
        problems = [
            f"{file}: made again it is another: {what}" for file, what in _differences(release, manifest, made, new)
        ]
    if problems and manifest["tool"] != new["tool"]:
        said = f"made again by this version it differs: made by {maker}, install that one to compare"
        return _Rebuilt(notes=(said, *problems[:_MOST]), made=True)
    if problems:
        return _Rebuilt(tuple(problems), made=True)
    notes = []
    if manifest["writer"] != new["writer"]:
        notes.append(f"same rows, other bytes: written by {manifest['writer']}, this is {WRITER}")
    if manifest["card_writer"] != new["card_writer"]:
        notes.append(f"the card is not compared: written by {manifest['card_writer']}, this is {new['card_writer']}")
    return _Rebuilt(notes=tuple(notes), made=True)


def _withheld(manifest: Manifest) -> str | None:
    """What a release lacks that it was made of, since it may not be passed on; None: nothing."""
    bare = manifest.get("standoff")
    if bare and "annotate" in manifest["recipe"]["steps"]:
        return f"the answers for {bare['rows']} rows are not passed on"
    if bare and not manifest["restricted_text"]:
        return f"{bare['rows']} rows are without the text that it would take (nercot hydrate puts it back)"
    return None


def _differences(release: Path, old: Manifest, made: Path, new: Manifest) -> Iterator[tuple[str, str]]:
    """(file, what) that differs between a release and the same made again."""
    same_writer = old["writer"] == new["writer"]
    mine, yours = configs_of(old), configs_of(new)
    for config in {**mine, **yours}:
        if [file["sha256"] for file in mine.get(config, ())] == [file["sha256"] for file in yours.get(config, ())]:
            continue
        found = compare(splits_of(release, old, config), splits_of(made, new, config))
        if found.differs or same_writer:
            yield f"{config}/", _said(found)
    bytes_differ = ("files", "digest", "writer", "card_writer")
    for key in {**old, **new}:
        if key not in bytes_differ and old.get(key) != new.get(key):
            yield NAME, f"{key} differs"
    pages = [{file["path"]: file["sha256"] for file in side["files"] if "config" not in file} for side in (old, new)]
    same_card = same_writer and old["card_writer"] == new["card_writer"]
    for page in sorted(pages[0].keys() | pages[1].keys()) if same_card else ():
        if pages[0].get(page) != pages[1].get(page):
            yield page, "other bytes"


def _said(found: Diff) -> str:
    """The first rows that differ, and how many there are."""
    rows: list[Row] = [{"guid": guid, "how": "only when made again"} for guid in found.added]
    rows += [{"guid": guid, "how": "only in the release"} for guid in found.removed]
    rows += [{"guid": guid, "how": ", ".join(columns)} for guid, columns in found.changed.items()]
    if not rows:
        return "the same rows in other bytes"
    more = f" (and {len(rows) - 1} more rows)" if len(rows) > 1 else ""
    return f"row {rows[0]['guid']}: {rows[0]['how']}{more}"
