"""Takedown on real builds: what was taken down is gone from every later file, and is never asked about again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from answered_corpus import build_corpus, script, source_row, source_rows
from fault_server import FaultServer

from nercot.building.builder import BuildOptions, build
from nercot.corpus.recipe import load_recipe
from nercot.corpus.records import content_guid
from nercot.corpus.removed import read_guids, read_removed, removed_guids, sentence_hash
from nercot.corpus.tables import read_rows
from nercot.errors import InputError, ShortfallError
from nercot.llm.exchange import export_parquet
from nercot.llm.ledger import Ledger
from nercot.release.release import Released, freeze
from nercot.release.verify import verify

SCHEMA = ["person", "location", "ship"]
GONE = "Mara Twin moved to Oslo."


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_corpus(folder, rows(), server)
    freeze("ner-cot", folder / "build")
    return folder


@pytest.fixture
def place(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "place")
    return tmp_path / "place"


def rows() -> list[object]:
    """All fates, and the sentence that is to go once more with other white space."""
    return [*source_rows(("Mara", "Ines")), source_row("Mara  Twin", source_id="spaced")]


def guid(sentence: str, dataset: str = "made") -> str:
    return content_guid(sentence, SCHEMA, dataset)


def remove(place: Path, *lines: str) -> Released:
    path = place / "guids.txt"
    path.write_text("\n".join(lines))
    return freeze("ner-cot", place / "build", remove=path)


def texts(folder: Path) -> str:
    """Everything that stands in the files of a folder, Parquet unpacked."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            found.append(json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False))
        else:
            found.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(found)


def dropped(folder: Path, reason: str) -> list[dict]:
    rows = [row for path in sorted((folder / "dropped").glob("*.parquet")) for row in read_rows(path)]
    return [row for row in rows if row["reason"] == reason]


def test_a_takedown_is_in_no_file_of_the_next_release(place: Path) -> None:
    assert "Twin moved" in texts(place / "releases/ner-cot/1.0.0")
    done = remove(place, f"{guid(GONE)} asked by the person")
    assert (done.version, done.kind, done.removed) == ("1.1.0", "minor", 1)
    for folder in (done.folder, place / "build/ner-cot/candidate", place / "releases/ner-cot/1.1.0"):
        assert "Mara Twin" not in texts(folder)
        assert "Ines Twin" in texts(folder)
    gone = dropped(done.folder, "removed")
    assert {row["guid"] for row in gone} == {guid(GONE), guid(GONE, "other"), guid("Mara  Twin moved to Oslo.")}
    for row in gone:
        assert (row["step"], row["detail"]) == ("source", "asked by the person")
        told = {name: value for name, value in row.items() if value not in (None, [])}
        assert told.keys() == {"guid", "dataset", "license", "step", "reason", "detail"}
    assert not verify(done.folder, rebuild=True).problems


def test_what_is_recorded_is_hash_and_reason(place: Path) -> None:
    remove(place, f"{guid(GONE)}, asked by the person")
    text = (place / "releases/ner-cot/removed.jsonl").read_text()
    row = json.loads(text)
    assert row.keys() == {"sentence", "reason", "guids"}
    assert (row["sentence"], row["reason"]) == (sentence_hash(GONE), "asked by the person")
    assert "Twin" not in text
    assert guid(GONE, "other") in row["guids"]


def test_a_later_build_neither_holds_nor_asks(place: Path, tmp_path: Path) -> None:
    done = remove(place, guid(GONE))
    with FaultServer(script) as fresh:
        (place / "build/ledger.sqlite").rename(tmp_path / "ledger.sqlite")
        result = build_corpus(place, rows(), fresh)
        assert fresh.calls
        assert b"Mara Twin" not in fresh.everything_seen()
    assert result.changed
    assert result.steps[0]["dropped"] == {"removed": 3, "unreadable": 2}
    for folder in ("1-source", "2-raw", "3-valid", "5-scored", "6-selected", "dropped", "candidate"):
        assert "Mara Twin" not in texts(place / "build/ner-cot" / folder), folder
    again = freeze("ner-cot", place / "build")
    assert (again.made, again.version, again.fingerprint) == (False, "1.1.0", done.fingerprint)


def test_a_build_is_not_made_again_for_what_was_taken_down_before(place: Path, server: FaultServer) -> None:
    remove(place, guid(GONE))
    assert build_corpus(place, rows(), server).changed
    assert not build_corpus(place, rows(), server).changed


def test_strict_is_about_bad_rows_not_about_removed_ones(place: Path, server: FaultServer) -> None:
    remove(place, guid(GONE))
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows() if not isinstance(row, str)))
    settings = [("teacher.url", server.url), ("teacher.model", "teacher"), ("judge.url", server.url)]
    settings += [("judge.model", "judge"), ("reader.url", server.url), ("reader.model", "reader")]
    recipe = load_recipe("ner-cot", settings)
    with pytest.raises(InputError, match="sentence"):
        build(recipe, BuildOptions(place / "build", str(place / "rows.jsonl"), strict=True))
    good = [row for row in rows() if isinstance(row, dict) and row["sentence"]]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in good))
    result = build(recipe, BuildOptions(place / "build", str(place / "rows.jsonl"), strict=True))
    assert result.steps[0]["dropped"] == {"removed": 3}


def test_an_export_of_the_ledger_leaves_it_out(place: Path) -> None:
    remove(place, guid(GONE))
    with Ledger(place / "build/ledger.sqlite") as ledger:
        whole = export_parquet(ledger, place / "whole.parquet")
        some = export_parquet(ledger, place / "some.parquet", removed_guids(place / "releases"))
    assert 0 < some < whole
    assert "Mara Twin" in json.dumps(pq.read_table(place / "whole.parquet").to_pylist())
    assert "Mara Twin" not in json.dumps(pq.read_table(place / "some.parquet").to_pylist())
    assert removed_guids(place / "nowhere") == frozenset()


def test_answers_of_earlier_builds_are_left_out_of_an_export_too(place: Path, server: FaultServer) -> None:
    """The same sentence was asked about under other types, in a build that came before and was never released."""
    build_corpus(place, rows(), server, ("source.labels", {"ship": "vessel"}))
    build_corpus(place, rows(), server)
    remove(place, guid(GONE))
    with Ledger(place / "build/ledger.sqlite") as ledger:
        assert export_parquet(ledger, place / "some.parquet", removed_guids(place / "releases"))
    left = json.dumps(pq.read_table(place / "some.parquet").to_pylist())
    assert "vessel" in left
    assert "Mara Twin" not in left


def test_a_guid_of_an_older_release_can_still_be_taken_down(place: Path, server: FaultServer) -> None:
    build_corpus(place, [row for row in rows() if "Twin" not in str(row)], server)
    assert freeze("ner-cot", place / "build").version == "1.1.0"
    assert remove(place, guid(GONE)).kind == "same"
    assert read_removed(place / "releases", "ner-cot").keys() == {sentence_hash(GONE)}
    assert "removed" in build_corpus(place, rows(), server).steps[0]["dropped"]


def test_a_row_that_cannot_be_read_can_be_taken_down(place: Path, server: FaultServer) -> None:
    long = "Mara Voss, 12 Harbour Row, " + "tel. 555 0101, " * 200
    build_corpus(place, [*rows(), f"{long}\n"], server)
    candidate = place / "build/ner-cot/candidate"
    (row,) = [row for row in dropped(candidate, "unreadable") if "Harbour" in (row["input"] or "")]
    done = remove(place, row["guid"])
    assert done.removed == 1
    assert "Harbour" not in texts(done.folder)
    build_corpus(place, [*rows(), f"{long}\n"], server)
    assert "Harbour" not in texts(place / "build/ner-cot")
    assert [found["guid"] for found in dropped(candidate, "removed")] == [row["guid"]]


def test_a_takedown_from_releases_elsewhere_holds_in_builds_too(place: Path, server: FaultServer) -> None:
    elsewhere = place / "elsewhere"
    (place / "guids.txt").write_text(guid(GONE))
    done = freeze("ner-cot", place / "build", elsewhere, remove=place / "guids.txt")
    assert (done.removed, done.folder) == (1, elsewhere / "ner-cot/1.0.0")
    assert "Mara Twin" not in texts(done.folder)
    assert read_removed(elsewhere, "ner-cot") == read_removed(place / "releases", "ner-cot")
    assert build_corpus(place, rows(), server).steps[0]["dropped"]["removed"] == 3
    assert not freeze("ner-cot", place / "build", elsewhere).made


def test_the_same_takedown_again_changes_nothing(place: Path) -> None:
    remove(place, guid(GONE))
    before = (place / "releases/ner-cot/removed.jsonl").read_bytes()
    again = remove(place, f"{guid(GONE)} another reason")
    assert (again.made, again.removed) == (False, 0)
    assert (place / "releases/ner-cot/removed.jsonl").read_bytes() == before


def test_an_unknown_guid_is_named_and_nothing_is_done(place: Path) -> None:
    with pytest.raises(InputError, match="f" * 32):
        remove(place, guid(GONE), "f" * 32)
    assert not (place / "releases/ner-cot/removed.jsonl").exists()
    assert "Mara Twin" in texts(place / "build/ner-cot/candidate")


def test_a_corpus_of_which_nothing_is_left_is_not_released(tmp_path: Path, server: FaultServer) -> None:
    build_corpus(tmp_path, [source_row("Mara Kept")], server)
    with pytest.raises(ShortfallError, match="no record is left"):
        remove(tmp_path, guid("Mara Kept moved to Oslo."))
    assert "Mara Kept" not in texts(tmp_path / "build/ner-cot/candidate")


def test_a_damaged_list_stops_the_build(place: Path, server: FaultServer) -> None:
    remove(place, guid(GONE))
    path = place / "releases/ner-cot/removed.jsonl"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InputError, match=r"removed\.jsonl: line 1 is damaged"):
        build_corpus(place, rows(), server)


def test_lists_of_guids(tmp_path: Path) -> None:
    path = tmp_path / "guids.txt"
    one, two = "a" * 32, "b" * 32 + "-2"
    path.write_text(f"\ufeff# asked in May\n\n{one}\n{two},  by law \n")
    assert read_guids(path) == {one: None, two: "by law"}
    for wrong, message in ((f"{one}\nabc", "line 2"), ("", "names no guid"), (f"{one}x", "line 1")):
        path.write_text(wrong)
        with pytest.raises(InputError, match=message):
            read_guids(path)
    with pytest.raises(InputError, match="check the path"):
        read_guids(tmp_path / "nowhere.txt")


def test_hashes_of_sentences() -> None:
    assert sentence_hash("Zoë  left.\n") == sentence_hash("Zoe\u0308 left.")
    assert sentence_hash("Zoë left.") != sentence_hash("zoë left.")
