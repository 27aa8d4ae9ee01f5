"""How time and memory of a whole build grow with its rows, and what workers bring: one process a figure, one machine.

    python tests/bench/bench_scale.py [--rows 50000,1000000] [--workers 1,2] [--engine local|ray] [--digits 2]

Makes rows, answers and judgements (traces of about 1,500 characters, one row of twenty a near-duplicate), builds a
corpus from them (source, rules, select with near-duplicates, candidate), releases and verifies it, and prints one JSON
line a run: seconds and peak memory (of the largest process) of each command.  Ratios of one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nercot.corpus.recordings import template_hash
from nercot.corpus.records import Entity, Record, content_guid
from nercot.llm.prompts import default_template
from nercot.llm.recorded import asked_about

SCHEMA = ["person", "ship", "port"]
WORDS = [f"{first}{second}" for first in ("ka", "lo", "mi", "ne", "ru", "ta", "ve", "zo") for second in "abcdefghijklm"]
PARTS = ("grounding", "boundary", "type", "completeness", "coherence", "score")
RECIPE = """steps = ["annotate", "validate", "score", "select"]
[corpus]
name = "scale"
license = "cc0-1.0"
[source]
path = "rows.jsonl"
[partition]
digits = {digits}
[teacher]
url = "recorded"
[judge]
url = "recorded"
[recorded]
teacher = "teacher.jsonl"
judge = "judge.jsonl"
"""


def main() -> None:
    """Makes the data of each size and runs the commands in processes of their own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="5000,50000")
    parser.add_argument("--workers", default="0")
    parser.add_argument("--engine", default="local")
    parser.add_argument("--digits", type=int, default=2)
    given = parser.parse_args()
    for rows in map(int, given.rows.split(",")):
        with tempfile.TemporaryDirectory(prefix="nercot-bench-") as name:
            make(Path(name), rows, given.digits)
            for workers in map(int, given.workers.split(",")):
                print(json.dumps(measured(Path(name), rows, workers, given.engine)), flush=True)


def measured(folder: Path, rows: int, workers: int, engine: str) -> dict[str, Any]:
    """One build, release and verification."""
    out = f"build-{workers}"
    shared = ["--engine", engine, *(["--workers", str(workers)] if workers else [])] if workers else []
    commands = {
        "build": ["build", "recipe.toml", "--out", out, "--json", *shared],
        "release": ["release", "scale", "--out", out, "--releases", f"releases-{workers}", "--json"],
        "verify": ["verify", f"releases-{workers}/scale/1.0.0", "--json"],
    }
    found: dict[str, Any] = {"rows": rows, "workers": workers}
    for name, command in commands.items():
        found[name] = timed(folder, command)
    return found


def timed(folder: Path, command: list[str]) -> dict[str, float]:
    """Wall seconds, CPU seconds and the peak memory (MB) of the largest process of a command."""
    code = (
        "import resource, sys; from nercot.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally:\n"
        " own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        " print(max(own.ru_maxrss, theirs.ru_maxrss), file=open('peak', 'w'))\n"
    )
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ran = subprocess.run([sys.executable, "-c", code, *command], cwd=folder, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{command}: {ran.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = int((folder / "peak").read_text()) / 1024
    return {"s": round(time.monotonic() - start, 1), "cpu_s": round(cpu, 1), "mb": round(peak)}


def make(folder: Path, rows: int, digits: int) -> None:
    """Writes the recipe, the rows, and what teacher and judge say of them."""
    (folder / "recipe.toml").write_text(RECIPE.format(digits=digits))
    with (
        (folder / "rows.jsonl").open("w") as source,
        (folder / "teacher.jsonl").open("w") as teacher,
        (folder / "judge.jsonl").open("w") as judge,
    ):
        for role, prompt, file in (("teacher", "annotate", teacher), ("judge", "judge", judge)):
            head = {"role": role, "model": "made", "prompt": template_hash(default_template(prompt))}
            file.write(json.dumps(head) + "\n")
        for sentence, entities in sentences(rows):
            answered = record(sentence, entities)
            source.write(json.dumps({"sentence": sentence, "schema": SCHEMA, "dataset": "made"}) + "\n")
            content = json.dumps({"entities": {label: [text] for label, text in entities}})
            said = {"guid": answered.guid, "reasoning": answered.cot, "content": content}
            teacher.write(json.dumps(said) + "\n")
            verdict = {**dict.fromkeys(PARTS, 9.5), "reason": "made"}
            judge.write(json.dumps({"guid": answered.guid, "of": asked_about(answered)[0], **verdict}) + "\n")


def sentences(rows: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Made sentences with their mentions; one of twenty differs from the one before by a word."""
    draw = random.Random(1)
    words: list[str] = []
    for number in range(rows):
        fresh = not words or draw.random() >= 0.05
        words = draw.choices(WORDS, k=16) if fresh else [*words[:-1], draw.choice(WORDS)]
        person, ship = f"Mrs {words[0].title()}{number}", f"{words[1].title()} Star"
        sentence = f"{person} left on the {ship} with {' '.join(words)}."
        yield sentence, [("person", person), ("ship", ship)]


def record(sentence: str, entities: list[tuple[str, str]]) -> Record:
    """The record with its answer, as validation reads it."""
    draw = random.Random(sentence)
    thought = ". ".join(" ".join(draw.choices(WORDS, k=14)) for _ in range(30))
    cot = "".join(f'"{text}" is a {label} here. ' for label, text in entities) + thought
    found = tuple(
        Entity(text, label, sentence.index(text), sentence.index(text) + len(text), "exact") for label, text in entities
    )
    guid = content_guid(sentence, SCHEMA, "made")
    return Record(guid, "made", sentence, tuple(SCHEMA), cot=cot.strip(), entities=found)


if __name__ == "__main__":
    main()
