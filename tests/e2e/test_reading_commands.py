"""status, ledger and plan only read: a running build, a read-only folder, corpora without a recipe of their name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from answered_corpus import build_corpus, script, source_rows
from commands import run
from fault_server import FaultServer

from nercot.building.builder import alone
from nercot.llm.ledger import Ledger
from nercot.llm.messages import Reply, Request


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_corpus(folder, source_rows(("Mara",)), server)
    shutil.copytree(folder / "build/ner-cot", folder / "build/letters")
    return folder


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path with size and time of change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.name.endswith("-shm")
    }


PLAN = ("plan", "ner-cot", "--input", "rows.jsonl", "--set", "reader.model=reader", "--set", "judge.model=judge")


@pytest.mark.parametrize(
    "command",
    [("status",), ("status", "ner-cot"), ("status", "letters"), ("status", "build/letters"), ("ledger",), PLAN],
)
def test_nothing_is_written(built: Path, command: tuple[str, ...]) -> None:
    before = state(built)
    with alone(built / "build/ner-cot"), alone(built / "build/letters"):
        held = state(built)
        done = run(built, *command)
        assert done.code == 0, done.err
        assert state(built) == held
    assert set(state(built)) == set(before)
    assert "done" in done.out or "calls" in done.out or "records" in done.out


def test_all_corpora_are_listed(built: Path) -> None:
    done = run(built, "status", "--json")
    assert done.code == 0, done.err
    listed = json.loads(done.out)["corpora"]
    assert [one["corpus"] for one in listed] == ["letters", "ner-cot"]
    assert all(one["candidate"] for one in listed)
    assert all(len(line) <= 80 for line in run(built, "status").out.splitlines())


def test_a_ledger_in_a_folder_that_cannot_be_written(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "build", tmp_path / "build")
    for path in sorted((tmp_path / "build").rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (tmp_path / "build").chmod(0o555)
    try:
        for command in (("ledger",), ("status", "letters"), ("status",)):
            done = run(tmp_path, *command)
            assert done.code == 0, done.err
    finally:
        for path in [tmp_path / "build", *(tmp_path / "build").rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)


def test_nothing_there_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, "status")
    assert done.code == 0
    assert "nothing built yet" in done.out
    assert not (tmp_path / "build").exists()
    assert run(tmp_path, "ledger").code == 0
    assert not (tmp_path / "build").exists()


def test_totals_of_long_names_and_millions_fit_80_columns(tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "who?"}]}
    with Ledger(tmp_path / "build/ledger.sqlite") as ledger:
        for step in ("annotate", "read", "score"):
            asked = Request(
                "my-letters-of-1890", step, "f" * 32, "openai", "some-org/Some-Model-7B-Instruct-v2", body, 1
            )
            reply = Reply(asked.key, "answer", "yes", "why", "stop", 18_123_456, 1_234_567, 9_876_543, "m", None, 1.0)
            ledger.append(asked, reply, b"{}", 123.456).result(10)
    done = run(tmp_path, "ledger")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    assert all(number in done.out for number in ("18123456", "1234567", "9876543", "123.456"))
    assert json.loads(run(tmp_path, "ledger", "--json").out)["totals"][0]["failed"] == 0


def test_verdicts_name_the_row_of_the_input(tmp_path: Path) -> None:
    bad = {"sentence": "Ada left.", "schema": ["person"], "cot": "So.", "entities": [{"text": "Bo", "label": "person"}]}
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(bad)}\nno row\n{json.dumps({**bad, 'schema': ['ship']})}\n")
    done = run(tmp_path, "validate", "rows.jsonl", "--out", "said")
    assert "rows.jsonl row 1" in done.out
    assert "rows.jsonl row 2" in done.out
    verdicts = [json.loads(line) for line in (tmp_path / "said/verdicts.jsonl").read_text().splitlines()]
    assert [(row["file"], row["row"]) for row in verdicts] == [("rows.jsonl", number) for number in (1, 2, 3)]
    summary = json.loads(run(tmp_path, "validate", "rows.jsonl", "--json").out)
    assert summary["rules"]["unreadable"]["examples"][0]["row"] == 2


def test_help_says_what_is_read_and_where_to_read_on(tmp_path: Path) -> None:
    said = run(tmp_path, "validate", "--help").out
    assert all(name in said for name in ("sentence", "schema", "completion", "reasoning", "cot, entities", "authors"))
    assert "nercot recipe" in run(tmp_path, "build", "--help").out.partition("Read on")[2]
    assert "nercot stats" in run(tmp_path, "convert", "--help").out.partition("Read on")[2]
