"""Nothing waits in silence: lines off a terminal, an address that does not answer, a candidate that kept nothing."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from answered_corpus import script, source_row, source_rows
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


def test_lines_say_what_was_kept_dropped_and_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "FIRST", 0.0)
    monkeypatch.setattr(shell, "AGAIN", 0.0)
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in source_rows(("Mara",)) if row))
    with FaultServer(script) as server:
        who = [option for role in ("teacher", "reader", "judge") for option in (f"--{role}-url", server.url)]
        who += [option for role in ("teacher", "reader", "judge") for option in (f"--{role}-model", role)]
        for role in ("teacher", "reader", "judge"):
            who += ["--set", f"{role}.price.input=1000", "--set", f"{role}.price.output=1000"]
        done = run(tmp_path, "build", "ner-cot", "--input", "rows.jsonl", *who)
    assert done.code in (0, 1), done.err
    told = re.search(r"; (\d+) kept, (\d+) dropped \((\d+)%\)", done.err)
    assert told, done.err
    assert int(told[2]) > 0
    assert re.search(r"; [0-9.]+ USD spent", done.err)


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


def test_refused_rows_alone_are_not_what_load_dataset_gets(tmp_path: Path) -> None:
    from datasets import load_dataset

    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(source_row('Ada Refused'))}\n")
    with FaultServer(script) as server:
        who = ("--teacher-url", server.url, "--teacher-model", "teacher")
        done = run(tmp_path, "build", "--input", "rows.jsonl", "--name", "mine", *who)
    assert done.code == 1
    assert done.out.rstrip().endswith("Next:\n  nercot dropped build/mine/candidate")
    folder = str(tmp_path / "build/mine/candidate")
    with pytest.raises(ValueError, match=r"Config name is missing(.|\n)*'dropped', 'refused'"):
        load_dataset(folder)
    assert load_dataset(folder, "dropped")["train"].num_rows == 1


def test_a_limit_that_nothing_can_count_to_is_none(tmp_path: Path) -> None:
    done = run(tmp_path, "build", "--limit", 10**23)
    assert done.code == 0, done.err
    assert "201 rows read" in done.out
    assert run(tmp_path, "dropped", "build/quickstart", "--limit", 10**23).code == 0


def test_the_public_names_are_listed() -> None:
    assert set(nercot.__all__) <= set(dir(nercot))


def test_a_line_of_brackets_is_no_table_of_tags(tmp_path: Path) -> None:
    """Its last cell of 50,000 signs was matched against the patterns of tags in quadratic time."""
    row = '{"sentence": "a", "schema": ["x"], "entities": ' + "[" * 50_000 + "]" * 50_000 + "}\n"
    (tmp_path / "deep.jsonl").write_text(row)
    done = run(tmp_path, "stats", "deep.jsonl")
    assert done.code in (1, 2)
    assert len(done.told) == 1


def test_without_network_a_plan_ends_at_once_and_says_whom_it_asks(tmp_path: Path) -> None:
    """huggingface_hub tries a connection that is refused six times, for half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    known = {**os.environ, "HF_ENDPOINT": nowhere, "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", _COUNTED, "plan", "ner-cot"]
    done = subprocess.run(command, env=known, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    asked, refused = done.stderr.splitlines()
    assert asked == "asking the Hub at 127.0.0.1"
    assert "no connection to the Hub (ConnectError)" in refused
    # The seconds that the clients slept between tries.
    assert float(done.stdout) < 3


_COUNTED = """
import time, sys
slept, sleep = [0.0], time.sleep
time.sleep = lambda seconds: slept.append(seconds) or sleep(min(seconds, 0.01))
from nercot.cli import main
try:
    main(sys.argv[1:])
finally:
    print(sum(slept))
"""
