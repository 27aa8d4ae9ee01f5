"""Readings are paid for once: a build that dies behind them goes on, and a change asks only for what depends on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from answered_corpus import build_corpus, script, source_row
from fault_server import Act, Call, FaultServer

from nercot import llm

PROMPT = Path(next(iter(llm.__path__))) / "prompts" / "reading.md"
ROLES = ("teacher", "reader", "judge")
ROWS = [source_row(f"{name} Kept") for name in ("Mara", "Ines", "Odd", "Tove", "Per", "Liv", "Nils", "Siri")]


def asked(server: FaultServer) -> Counter[str]:
    """How often each model was asked."""
    return Counter(call.body["model"] for call in server.calls)


def test_a_build_killed_between_reading_and_scoring_pays_no_answer_twice(tmp_path: Path) -> None:
    dead = False

    def silent_judge(call: Call) -> Act:
        return Act(hang=True) if call.body["model"] == "judge" and not dead else script(call)

    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with FaultServer(silent_judge) as server:
        models = [word for role in ROLES for word in (f"--{role}-url", server.url, f"--{role}-model", role)]
        command = [sys.executable, "-m", "nercot", "build", "ner-cot", "--input", str(path), *models]
        command += ["--set", 'corpus.license="cc-by-4.0"', "--json"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(600):
                if asked(server)["judge"] >= len(ROWS) or process.poll() is not None:
                    break
                time.sleep(0.1)
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
        assert asked(server) == dict.fromkeys(ROLES, len(ROWS))
        dead = True
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
        assert f'"kept": {len(ROWS)}' in done.stdout
        # The judge had answered nothing.
        assert asked(server) == {"teacher": len(ROWS), "reader": len(ROWS), "judge": 2 * len(ROWS)}


@pytest.mark.parametrize("change", ["prompt", "model"])
def test_another_prompt_or_reader_asks_for_the_readings_alone(tmp_path: Path, change: str) -> None:
    prompt = tmp_path / "reading.md"
    prompt.write_text("Read with care.\n\n" + PROMPT.read_text(encoding="utf-8"))
    settings = {"prompt": ("prompts.reading", str(prompt)), "model": ("reader.model", "reader-2")}

    def as_reader(call: Call) -> Act:
        return script(replace(call, payload=call.payload.replace(b'"reader-2"', b'"reader"')))

    with FaultServer(as_reader) as server:
        build_corpus(tmp_path, ROWS, server)
        before = asked(server)
        assert before == dict.fromkeys(ROLES, len(ROWS))
        second = build_corpus(tmp_path, ROWS, server, settings[change])
        assert asked(server) - before == {settings[change][1] if change == "model" else "reader": len(ROWS)}
        third = build_corpus(tmp_path, ROWS, server, settings[change])
        assert asked(server).total() == before.total() + len(ROWS)
    assert second.fingerprint == third.fingerprint
