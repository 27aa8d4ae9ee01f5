"""Data of one's own: a recipe without a name, types with meanings, licences, and what is not replaced in silence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Ran, run
from fault_server import Act, Call, FaultServer, answer

from nercot.cli.own import described, name_of
from nercot.corpus.licenses import known_licenses, license_id
from nercot.corpus.tables import read_rows
from nercot.errors import InputError, RecipeError

NOTES = "Ada Reyes moved to Oslo.\nBo Lind moved to Rome.\n"


def script(call: Call) -> Act:
    if '"score"' in call.prompt or "grounding" in call.prompt:
        names = ("grounding", "boundary", "type", "completeness", "coherence", "score")
        return answer(json.dumps({"reason": "plain", **dict.fromkeys(names, 9.5)}))
    name, city = re.findall(r"([A-Z]\w+ [A-Z]\w+) moved to (\w+)\.", call.prompt)[-1]
    entities = json.dumps({"entities": {"person": [name], "city": [city]}})
    return answer(entities, reasoning=f'"{name}" is a person who moves; "{city}" is the city where to.')


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "My notes.txt").write_text(NOTES)
    return tmp_path


def build(folder: Path, server: FaultServer, *more: str, source: str = "My notes.txt") -> Ran:
    who = ("--teacher-url", server.url, "--teacher-model", "m")
    return run(folder, "build", "--input", source, "--schema", "person,city", *who, *more)


def test_own_data_speak_for_themselves(notes: Path, server: FaultServer) -> None:
    done = build(notes, server)
    assert done.code == 0, done.err
    assert "2 rows would be released without their text: no licence is known" in done.err
    candidate = notes / "build/My-notes/candidate"
    card = (candidate / "README.md").read_text()
    assert "# My-notes" in card
    assert not re.search("Pile|zhou2024|UniversalNER|cc-by-nc", card)
    again = build(notes, server, "--name", "letters", "--license", "CC BY 4.0")
    assert again.code == 0, again.err
    assert "without their text" not in again.err
    manifest = json.loads((notes / "build/letters/candidate/manifest.json").read_text())
    assert (manifest["corpus"], manifest["license"]) == ("letters", "cc-by-4.0")


def test_nobody_is_asked_who_was_not_named(notes: Path) -> None:
    done = run(notes, "build", "--input", "My notes.txt", "--schema", "person")
    assert done.code == 2
    assert "--teacher-url" in done.err
    assert len(done.told) == 1


def test_a_recipe_whose_source_is_replaced_does_not_speak_for_it(notes: Path, server: FaultServer) -> None:
    who = ("--judge-url", server.url, "--judge-model", "m", "--set", 'steps=["annotate","validate","score","select"]')
    url = ("--teacher-url", server.url, "--teacher-model", "m", "--schema", "person,city")
    done = run(notes, "build", "ner-cot", "--input", "My notes.txt", *url, *who)
    assert done.code == 0, done.err
    card = (notes / "build/ner-cot/candidate/README.md").read_text()
    assert not re.search("Pile-NER|zhou2024|cc-by-nc", card)
    kept = run(notes, "build", "ner-cot", "--input", "My notes.txt", *url, *who, "--set", "corpus.title=Mine")
    assert kept.code == 0, kept.err
    assert "# Mine" in (notes / "build/ner-cot/candidate/README.md").read_text()


def test_another_source_or_fewer_rows_do_not_take_its_place(notes: Path, server: FaultServer) -> None:
    assert build(notes, server, "--name", "mine").code == 0
    whole = (notes / "build/mine/candidate/manifest.json").read_bytes()
    (notes / "other.txt").write_text("Cy Poe moved to Bern.\n")
    foreign = build(notes, server, "--name", "mine", source="other.txt")
    assert foreign.code == 2
    assert "made from another source (My notes.txt)" in foreign.err
    fewer = build(notes, server, "--name", "mine", "--limit", "1")
    assert fewer.code == 2
    assert "made from 2 rows, --limit 1 would leave fewer" in fewer.err
    assert (notes / "build/mine/candidate/manifest.json").read_bytes() == whole
    (notes / "My notes.txt").write_text(NOTES + "Cy Poe moved to Bern.\n")
    assert build(notes, server, "--name", "mine").code == 0
    assert build(notes, server, "--name", "mine", "--force", source="other.txt").code == 0


def test_types_have_meanings(notes: Path, server: FaultServer) -> None:
    (notes / "types.txt").write_text("# what we look for\nperson: a named human being\ncity\n")
    who = ("--teacher-url", server.url, "--teacher-model", "m")
    done = run(notes, "build", "--input", "My notes.txt", "--types", "types.txt", *who)
    assert done.code == 0, done.err
    assert any("a named human being" in call.prompt for call in server.calls)
    row = next(read_rows(notes / "build/My-notes/candidate/cot/train-00000-of-00001.parquet"))
    assert row["schema"] == ["person", "city"]
    assert row["schema_descriptions"] == ["a named human being", "city"]


def test_an_internal_release_is_whole_and_stays_at_home(notes: Path, server: FaultServer) -> None:
    assert build(notes, server, "--name", "mine").code == 0
    bare = run(notes, "release", "mine")
    assert "2 rows stand without their text" in bare.out
    card = (notes / "releases/mine/1.0.0/README.md").read_text()
    assert "## Training" not in card
    assert "config `sft`" not in card
    whole = run(notes, "release", "mine", "--internal")
    assert whole.code == 0, whole.err
    folder = notes / "releases/mine" / json.loads(run(notes, "release", "mine", "--internal", "--json").out)["version"]
    assert all(row["sentence"] for row in read_rows(folder / "cot/train-00000-of-00001.parquet"))
    assert "Not to be passed on" in (folder / "README.md").read_text()
    assert run(notes, "verify", str(folder), "--rebuild").code == 0
    refused = run(notes, "publish", str(folder), "org/mine", "--dry-run")
    assert refused.code == 2
    assert "released with --internal" in refused.err


def test_convert_takes_a_licence(notes: Path) -> None:
    (notes / "a.jsonl").write_text(json.dumps({"sentence": "Ada.", "schema": ["person"], "entities": []}) + "\n")
    done = run(notes, "convert", "a.jsonl", "--to", "b.jsonl", "--license", "cc0")
    assert done.code == 0, done.err
    assert json.loads((notes / "b.jsonl").read_text())["license"] == "cc0-1.0"
    assert run(notes, "convert", "a.jsonl", "--to", "c.jsonl", "--license", "banana").code == 2


@pytest.mark.parametrize(
    ("said", "meant"),
    [("CC BY 4.0", "cc-by-4.0"), ("cc0-1.0", "cc0-1.0"), ("Our archive's terms", "Our archive's terms"), ("", "mit")],
)
def test_what_rows_say_of_their_licence_is_read_as_people_write_it(notes: Path, said: str, meant: str) -> None:
    row = {"sentence": "Ada.", "schema": ["person"], "entities": [], "license": said}
    (notes / "a.jsonl").write_text(f"{json.dumps(row)}\n")
    done = run(notes, "convert", "a.jsonl", "--to", "b.jsonl", "--license", "mit")
    assert done.code == 0, done.err
    assert json.loads((notes / "b.jsonl").read_text())["license"] == meant


def test_a_damaged_candidate_is_made_again(notes: Path, server: FaultServer) -> None:
    assert build(notes, server).code == 0
    candidate = notes / "build/My-notes/candidate"
    path = next(candidate.glob("cot/*.parquet"))
    whole, written = path.read_bytes(), path.stat()
    for broken in (whole[:4] + bytes(len(whole) - 12) + whole[-8:], whole[: len(whole) // 2], b""):
        path.write_bytes(broken)
        assert "(unchanged)" not in build(notes, server).out
        assert path.read_bytes() == whole
    path.write_bytes(whole[:-8])
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert "(unchanged)" not in build(notes, server).out
    assert path.read_bytes() == whole
    path.touch()
    assert "(unchanged)" in build(notes, server).out


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("cc0", "cc0-1.0"),
        ("Creative Commons Attribution-NonCommercial 4.0 International", "cc-by-nc-4.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("MIT License", "mit"),
        ("GPL-3.0-only", "gpl-3.0"),
        ("proprietary", "other"),
        ("All rights reserved", "other"),
        *((name, name) for name in known_licenses()),
    ],
)
def test_licences_are_known_as_people_write_them(said: str, meant: str) -> None:
    assert license_id(said) == meant


def test_the_nearest_licence_is_named() -> None:
    with pytest.raises(RecipeError, match="did you mean apache"):
        license_id("apach-2.0")


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("mine.txt", "mine"),
        ("a/b/My notes.jsonl.gz", "My-notes"),
        ("data/Größe (1).csv", "Große-1".replace("ß", "")),
        ("org/name@main:config", "name"),
        ("人物.txt", "own"),
        ("folder/", "folder"),
        ("s3://bucket/rows.parquet", "rows"),
    ],
)
def test_a_corpus_is_named_after_its_file(where: str, name: str) -> None:
    assert name_of(where) == name


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 1}', "# only a comment\n"])
def test_a_file_of_types_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "types").write_text(text)
    with pytest.raises(InputError):
        described(tmp_path / "types")


@pytest.mark.parametrize(
    "text",
    [
        "person: a human\nC++: a language",
        "person\ta human\nC++\ta language",
        '{"person": "a human", "C++": "a language"}',
        '[{"label": "person", "description": "a human"}, {"name": "C++", "description": "a language"}]',
    ],
)
def test_types_in_any_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "types").write_text(text)
    assert described(tmp_path / "types") == {"person": "a human", "C++": "a language"}
