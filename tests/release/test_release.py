"""Releases of real builds: what is frozen, under which version, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from answered_corpus import build_corpus, script, source_row, source_rows
from fault_server import FaultServer
from jsonschema import Draft202012Validator
from scripted import gold_models

from nercot.building.builder import BuildOptions, alone, build
from nercot.corpus.manifest import configs_of, read_manifest, write_sealed
from nercot.corpus.recipe import load_recipe
from nercot.corpus.resources import resource
from nercot.corpus.tables import COLUMNS, read_rows
from nercot.errors import BusyError, InputError, NercotError, ShortfallError
from nercot.formats.sources import sha256_of
from nercot.release.changelog import intact
from nercot.release.release import Released, freeze
from nercot.release.verify import verify


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    """A folder with a build of every fate, and its first release."""
    folder = tmp_path_factory.mktemp("built")
    build_corpus(folder, source_rows(), server)
    assert released(folder).made
    return folder


@pytest.fixture
def place(built: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    shutil.copytree(built, tmp_path / "place")
    return tmp_path / "place"


def released(folder: Path, **more: object) -> Released:
    return freeze("ner-cot", folder / "build", **more)


def validator(name: str, part: str | None = None) -> Draft202012Validator:
    schema = json.loads(resource("schemas", f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator({**schema, "$ref": f"#/$defs/{part}", "anyOf": [{}]} if part else schema)


def state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) for path in files}


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_release_is_the_candidate_with_a_version(built: Path) -> None:
    release = built / "releases/ner-cot/1.0.0"
    candidate = contents(built / "build/ner-cot/candidate")
    files = contents(release)
    assert {"CHANGELOG.md", "croissant.json"} <= files.keys() - candidate.keys()
    assert {name for name in candidate if files[name] != candidate[name]} == {"README.md", "manifest.json"}
    listed = {file["path"] for file in read_manifest(release)["files"]}
    assert listed == files.keys() - {"manifest.json", "CHANGELOG.md"}
    assert b"version: 1.0.0\n" in files["README.md"]
    assert files["CHANGELOG.md"].startswith(b"# Changelog of ner-cot\n\n## 1.0.0\n")
    assert all(not path.stat().st_mode & stat.S_IWUSR for path in release.rglob("*") if path.is_file())


def test_a_release_loads_with_its_own_columns(built: Path, hub: object) -> None:
    from datasets import load_dataset

    for config in ("cot", "raw", "dropped", "sft"):
        loaded = load_dataset(str(built / "releases/ner-cot/1.0.0"), config, split="train")
        assert loaded.column_names == COLUMNS[config].names
        assert len(loaded) > 0


def test_manifests_and_rows_of_real_builds_fit_their_public_schemas(built: Path) -> None:
    release = built / "releases/ner-cot/1.0.0"
    for folder in (built / "build/ner-cot/candidate", release):
        validator("manifest").validate(json.loads((folder / "manifest.json").read_text()))
    for config, files in configs_of(read_manifest(release)).items():
        whole, part = validator("record"), validator("record", config)
        for file in files:
            for row in read_rows(release / file["path"]):
                whole.validate(row)
                part.validate(row)


def test_the_record_schema_has_the_columns_of_the_tables_and_no_other() -> None:
    for config in ("cot", "raw", "dropped", "sft"):
        row = dict.fromkeys(COLUMNS[config].names)
        errors = list(validator("record", config).iter_errors(row))
        assert not [error for error in errors if "unevaluated" in error.validator or error.validator == "required"]
        strange = list(validator("record", config).iter_errors({**row, "strange": 1}))
        assert any("strange" in error.message for error in strange)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"fingerprint": "12"}, "fingerprint"),
        ({"steps": []}, "steps"),
        ({"files": [{"path": "../x", "sha256": "0" * 64}]}, "files.0.path"),
        ({"files": [{"path": "x", "sha256": "0" * 64, "rows": 3}]}, "files.0"),
        ({"version": "1.0"}, "version"),
        ({"key": "both a candidate and a release"}, "the document"),
    ],
)
def test_a_manifest_that_does_not_fit_its_schema_is_refused(place: Path, change: dict, where: str) -> None:
    path = place / "releases/ner-cot/1.0.0/manifest.json"
    path.chmod(0o644)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=where):
        read_manifest(path.parent)


def test_the_same_content_makes_nothing(place: Path) -> None:
    before = state(place / "releases")
    again = released(place)
    assert (again.made, again.kind, again.version) == (False, "same", "1.0.0")
    assert again.folder == place / "releases/ner-cot/1.0.0"
    assert not released(place, version="2.0.0").made
    assert state(place / "releases") == before
    assert sorted(path.name for path in (place / "releases/ner-cot").iterdir()) == ["1.0.0"]


def test_the_same_answers_give_the_same_bytes_elsewhere(built: Path, tmp_path: Path) -> None:
    with FaultServer(script) as other:
        build_corpus(tmp_path / "elsewhere", source_rows(), other, ("teacher.concurrency", 1))
    made = released(tmp_path / "elsewhere")
    assert contents(made.folder) == contents(built / "releases/ner-cot/1.0.0")
    for name, raw in contents(made.folder).items():
        for word in (str(tmp_path), str(built), "127.0.0.1", "localhost"):
            assert word.encode() not in raw, (name, word)


def test_rows_make_a_minor_version_and_the_card_a_patch(place: Path, server: FaultServer) -> None:
    build_corpus(place, [*source_rows(), source_row("Nora Kept")], server)
    minor = released(place)
    assert (minor.version, minor.kind, minor.previous) == ("1.1.0", "minor", "1.0.0")
    assert any(line.startswith("`cot`: rows 1 added;") for line in minor.changes)
    build_corpus(place, [*source_rows(), source_row("Nora Kept")], server, ("corpus.title", "Another title"))
    patch = released(place)
    assert (patch.version, patch.kind) == ("1.1.1", "patch")
    assert patch.fingerprint == minor.fingerprint
    assert patch.changes == ['`title` changed: "ner-cot" -> "Another title"']
    text = (patch.folder / "CHANGELOG.md").read_bytes()
    assert re.findall("(?m)^## (.*)$", text.decode()) == ["1.1.1", "1.1.0", "1.0.0"]
    assert intact(text)
    assert not intact(text.replace(b"1.1.0", b"1.2.0"))
    assert not verify(patch.folder, rebuild=True).problems


def test_a_raised_threshold_is_a_minor_version_that_says_so(place: Path, server: FaultServer) -> None:
    calls = len(server.calls)
    build_corpus(place, source_rows(), server, ("select.threshold", 4))
    minor = released(place)
    assert minor.version == "1.1.0"
    assert any("recipe.select.threshold" in line for line in minor.changes)
    assert len(server.calls) == calls


def test_types_that_mean_something_else_make_a_major_version(place: Path, server: FaultServer) -> None:
    described = [{**row, "schema_descriptions": ["a person", "a place", "a vessel"]} for row in source_rows()[:3]]
    build_corpus(place, [*described, *source_rows()[3:]], server)
    major = released(place)
    assert (major.version, major.kind) == ("2.0.0", "major")


def test_another_column_makes_a_major_version(place: Path) -> None:
    old = place / "releases/ner-cot/1.0.0"
    manifest = read_manifest(old)
    path = old / "cot/train-00000-of-00001.parquet"
    path.unlink()
    pq.write_table(pq.read_table(place / "build/ner-cot/candidate/cot").drop_columns(["drift"]), path)
    manifest["files"][0]["sha256"] = sha256_of(path)
    (old / "manifest.json").chmod(0o644)
    write_sealed(old, manifest)
    major = released(place)
    assert (major.version, major.kind) == ("2.0.0", "major")
    assert "`cot`: column `drift` added" in major.changes


def test_labels_that_are_mapped_otherwise_make_a_major_version(place: Path, server: FaultServer) -> None:
    build_corpus(place, source_rows(), server, ("source.labels", {"ship": "vessel"}))
    before = state(place / "releases")
    with pytest.raises(InputError, match=r"major, so at least 2\.0\.0"):
        released(place, version="1.1.0")
    assert state(place / "releases") == before
    assert (released(place).version, released(place).made) == ("2.0.0", False)
    # A map of a label that no row has changes nothing but the recipe.
    unused = {"ship": "vessel", "dragon": "beast"}
    build_corpus(place, source_rows(), server, ("source.labels", unused))
    assert released(place).version == "2.0.1"


def test_another_default_config_makes_a_major_version(tmp_path: Path) -> None:
    recipe, steps = tmp_path / "made.toml", 'steps = ["annotate", "validate", "score", "select"]\n'
    recipe.write_text(f'{steps}[corpus]\nname = "made"\nlicense = "cc0-1.0"\n')
    (tmp_path / "rows.jsonl").write_text(json.dumps(source_row("Mara Kept")) + "\n")
    options = BuildOptions(tmp_path / "build", str(tmp_path / "rows.jsonl"))
    settings = [("select.threshold", 0), ("validate.rules", ["malformed"]), *gold_models(tmp_path / "rows.jsonl")]
    build(load_recipe(str(recipe), settings), options)
    assert freeze("made", tmp_path / "build").version == "1.0.0"
    recipe.write_text(
        'steps = ["stratify"]\n[corpus]\nname = "made"\nlicense = "cc0-1.0"\n[select]\nduplicates = "off"\n'
    )
    build(load_recipe(str(recipe), [("sample.size", 1)]), options)
    drawn = freeze("made", tmp_path / "build")
    assert (drawn.version, drawn.kind) == ("2.0.0", "major")
    assert not verify(drawn.folder, rebuild=True).problems


@pytest.mark.parametrize("version", ["1", "v1.1.0", "1.1", "1.01.0", "1.1.0-rc1", "one", "", "1.1.0\n"])
def test_what_is_no_version_is_refused(built: Path, version: str) -> None:
    with pytest.raises(InputError, match=r"X\.Y\.Z"):
        released(built, version=version)


@pytest.mark.parametrize(
    ("version", "message"), [("1.0.0", "already"), ("0.9.0", "newer"), ("1.0.1", "minor, so at least 1.1.0")]
)
def test_a_version_that_does_not_fit_is_refused(place: Path, server: FaultServer, version: str, message: str) -> None:
    build_corpus(place, [*source_rows(), source_row("Nora Kept")], server)
    before = state(place / "releases")
    with pytest.raises(InputError, match=message):
        released(place, version=version)
    assert state(place / "releases") == before
    assert released(place, version="3.0.0").version == "3.0.0"


def test_what_is_no_whole_corpus_is_refused(tmp_path: Path, built: Path, server: FaultServer) -> None:
    with pytest.raises(InputError, match="nercot build ner-cot"):
        released(tmp_path)
    options = BuildOptions(tmp_path / "build", limit=3)
    build(load_recipe("quickstart"), options)
    with pytest.raises(InputError, match="--limit"):
        freeze("quickstart", tmp_path / "build")
    build_corpus(tmp_path, [source_row("Odd Malformed")], server)
    with pytest.raises(ShortfallError, match="no record is left"):
        released(tmp_path)
    assert not (tmp_path / "releases").exists()


def test_records_that_wait_cannot_be_released(tmp_path: Path, server: FaultServer) -> None:
    roles, ways = ("teacher", "reader", "judge"), ("input", "output")
    prices = [(f"{role}.price.{way}", 1) for role in roles for way in ways]
    build_corpus(tmp_path, [source_row("Mara Kept")], server, ("budget.max_cost", 0.0), *prices)
    with pytest.raises(ShortfallError, match="1 records wait"):
        released(tmp_path)


def test_a_candidate_that_is_being_built_cannot_be_released(place: Path) -> None:
    with alone(place / "build/ner-cot"), pytest.raises(BusyError):
        released(place)


def test_a_candidate_that_was_changed_by_hand_is_refused(place: Path) -> None:
    path = place / "build/ner-cot/candidate/cot/train-00000-of-00001.parquet"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"cot/train-00000-of-00001\.parquet: changed since it was built"):
        released(place)


def test_a_release_that_fails_leaves_nothing(place: Path, server: FaultServer) -> None:
    build_corpus(place, [*source_rows(), source_row("Nora Kept")], server)
    path = place / "releases/ner-cot/1.0.0/CHANGELOG.md"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("First", "Last"))
    with pytest.raises(NercotError, match=r"CHANGELOG\.md"):
        released(place)
    assert [item.name for item in (place / "releases/ner-cot").iterdir()] == ["1.0.0"]


def test_a_release_that_fails_leaves_no_folder(place: Path):
    shutil.rmtree(place / "releases")
    data = next((place / "build/ner-cot/candidate/cot").iterdir())
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(InputError, match="changed since it was built"):
        released(place)
    assert not (place / "releases").exists()
