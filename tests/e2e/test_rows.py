"""Single rows from the command line: why they fell, the whole way of one, and names that nearly hit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from answered_corpus import build_corpus, script, source_rows
from commands import run
from fault_server import FaultServer

from nercot.corpus.tables import read_rows

CORPUS = "build/ner-cot/candidate"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    folder = tmp_path_factory.mktemp("built")
    result = build_corpus(folder, source_rows(("Mara", "Ines")), server)
    assert result.next[0] == f"nercot dropped {result.candidate}"
    assert run(folder, "release", "ner-cot").code == 0
    return folder


def rows(folder: Path, config: str) -> list[dict[str, object]]:
    return list(read_rows(folder / CORPUS / config / "train-00000-of-00001.parquet"))


@pytest.mark.parametrize("path", [CORPUS, "ner-cot", "build/ner-cot", "releases/ner-cot", f"{CORPUS}/README.md"])
def test_every_dropped_row_is_there_with_its_answer(built: Path, path: str) -> None:
    done = run(built, "dropped", path, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [row["guid"] for row in found["rows"]] == [row["guid"] for row in rows(built, "dropped")]
    fell = Counter(f"{row['step']}: {row['reason']}" for row in found["rows"])
    assert found["reasons"] == dict(fell)
    last = {row["guid"]: row["completion"] for row in rows(built, "raw")}
    assert all(row["answer"] == last.get(row["guid"]) for row in found["rows"])
    assert all(row["next"] for row in found["rows"])


def test_one_reason_alone(built: Path) -> None:
    done = run(built, "dropped", "ner-cot", "--reason", "below_threshold")
    assert done.code == 0
    assert "Below" in done.out
    assert "Malformed" not in done.out
    assert "select.threshold" in done.out
    wrong = run(built, "dropped", "ner-cot", "--reason", "nonsense")
    assert wrong.code == 2
    assert "there is: below_threshold" in wrong.err


def test_a_row_is_found_by_guid_beginning_or_words(built: Path) -> None:
    row = next(row for row in rows(built, "dropped") if row["reason"] == "below_threshold")
    guid, sentence = str(row["guid"]), str(row["sentence"])
    for wanted in ([guid], [guid[:10]], [sentence], sentence.split()[:2], [sentence.upper()]):
        done = run(built, "trace", "ner-cot", *wanted)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0].startswith("dropped at score, below_threshold") or done.out.startswith(
            "dropped at select, below_threshold"
        )
        assert f"guid      {guid}" in done.out
        assert "You" not in done.out.split("Next:")[0].split("judge")[0]
    assert json.loads(run(built, "trace", "ner-cot", guid[:10], "--json").out)["guid"] == guid


def test_prompts_are_shown_when_asked_for(built: Path) -> None:
    guid = str(rows(built, "cot")[0]["guid"])
    short, full = (run(built, "trace", CORPUS, guid, *more).out for more in ((), ("--full",)))
    assert short.startswith("kept, from attempt ")
    assert full.startswith("kept, from attempt ")
    assert "messages" in full
    assert "messages" not in short


def test_several_rows_or_none_are_told(built: Path) -> None:
    many = run(built, "trace", "ner-cot", "moved to")
    assert many.code == 2
    assert "say more" in many.err
    assert len(many.told) == 1
    none = run(built, "trace", "ner-cot", "no such words")
    assert none.code == 2


@pytest.mark.parametrize("path", ["ner-cot", "build/ner-cot", "releases/ner-cot", "build/ner-cot:dropped"])
def test_near_misses_find_the_corpus(built: Path, path: str) -> None:
    done = run(built, "stats", path, "--json")
    assert done.code == 0, done.err
    plain = run(built, "stats", f"{CORPUS}:dropped" if path.endswith("dropped") else CORPUS, "--json")
    assert json.loads(done.out) == json.loads(plain.out)


def test_a_path_that_is_not_there_is_no_hub_id(built: Path) -> None:
    for path in ("build/none", "releases/none/1.0.0", "./none/x", "none/rows.jsonl", "build/ner-cot/nothing"):
        done = run(built, "stats", path)
        assert done.code == 2
        assert "no such file or folder" in done.err
