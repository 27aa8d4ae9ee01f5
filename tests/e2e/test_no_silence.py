"""Nothing waits in silence: lines off a terminal, an address that does not answer, a candidate that kept nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from answered_corpus import source_row
from commands import run
from fault_server import Act, Call, FaultServer, answer

import nercot
from nercot.cli import shell


def test_steps_and_half_minutes_are_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    monkeypatch.setattr(shell.time, "monotonic", lambda: now[0])
    lines = shell._Lines()
    lines("source", 0, 10)
    assert capsys.readouterr().err == ""
    now[0] += 3
    lines("annotate", 5, 100)
    lines("annotate", 6, 100)
    assert capsys.readouterr().err == "annotate: 5 done of 100, 95 left (3 s)\n"
    now[0] += 30
    lines("annotate", 36, 100)
    assert capsys.readouterr().err == "annotate: 36 done of 100, 64 left, 1.2 a second (33 s)\n"


def test_an_address_that_does_not_answer_is_said(tmp_path: Path) -> None:
    def dead(call: Call) -> Act:
        return Act(cut="before")

    (tmp_path / "mine.txt").write_text("".join(f"Ada Reyes wrote letter {number}.\n" for number in range(8)))
    with FaultServer(dead) as server:
        who = ("--teacher-url", server.url, "--teacher-model", "m", "--set", "retry.max_seconds=3")
        done = run(tmp_path, "build", "--input", "mine.txt", "--schema", "person", *who)
    assert done.code in (1, 2)
    assert "no answer from" in done.err


def test_refused_answers_are_nobodys_default(tmp_path: Path) -> None:
    def useless(call: Call) -> Act:
        return answer("I would rather not say.")

    (tmp_path / "rows.jsonl").write_text(json.dumps(source_row("Ada Reyes")) + "\n")
    with FaultServer(useless) as server:
        who = ("--teacher-url", server.url, "--teacher-model", "m")
        assert run(tmp_path, "build", "--input", "rows.jsonl", "--name", "mine", *who).code == 1
    card = (tmp_path / "build/mine/candidate/README.md").read_text()
    assert "config_name: raw" in card
    assert "default: true" not in card


def test_the_public_names_are_listed() -> None:
    assert set(nercot.__all__) <= set(dir(nercot))


def test_a_line_of_brackets_is_no_table_of_tags(tmp_path: Path) -> None:
    """Its last cell of 50,000 signs was matched against the patterns of tags in quadratic time."""
    row = '{"sentence": "a", "schema": ["x"], "entities": ' + "[" * 50_000 + "]" * 50_000 + "}\n"
    (tmp_path / "deep.jsonl").write_text(row)
    done = run(tmp_path, "stats", "deep.jsonl")
    assert done.code in (1, 2)
    assert len(done.err.splitlines()) == 1
