"""Seconds and peak memory of release, diff, verify and trace at any size: one process each, one machine.

    python tests/bench/bench_release.py [ROWS]

Makes two candidates of ROWS made-up records (traces of about 1,500 characters; the second lacks every 1,000th record
and has another licence in as many), releases both, and prints one JSON line a command.  At 1,000,000 rows none may
take more than 1.5 GB.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nercot.building.builder import BuildOptions, build
from nercot.building.candidate import CONFIGS, Shards, row_hash, sft_row
from nercot.corpus.recipe import load_recipe
from nercot.corpus.records import Entity, content_guid
from nercot.corpus.spool import fingerprint
from nercot.corpus.tables import entity_rows, write_json
from nercot.release.diff import diff
from nercot.release.release import freeze
from nercot.release.trace import trace
from nercot.release.verify import verify
from nercot.validation.answers import render_answer

SCHEMA = ["person", "location", "ship", "date", "product"]
SCORES = ("grounding", "boundary", "type", "completeness", "coherence", "score")
THOUGHT = "The words around it decide which of the types fits, so I read the sentence once more before I go on. "


def main() -> None:
    """Makes the candidates and measures each command in a process of its own."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="nercot-bench-") as folder:
        # This process stays small: what it holds would count as the peak of those that it starts.
        commands = [f"make a {rows} 0", f"make b {rows} 1000"]
        commands += ["release a", "release a", "release b", "diff", "verify", "trace"]
        for command in commands:
            subprocess.run([sys.executable, __file__, "--one", folder, *command.split()], check=True)


def one(folder: Path, command: str, side: str = "", rows: str = "0", every: str = "0") -> None:
    """Runs one command and prints what it took."""
    old, new = (folder / "releases/quickstart" / version for version in ("1.0.0", "1.1.0"))
    guid = next(rows_in_order(1))[1]["guid"]
    commands: dict[str, Callable[[], Any]] = {
        "make": lambda: make(folder / side / "build", int(rows), int(every)),
        "release": lambda: freeze("quickstart", folder / side / "build", folder / "releases").version,
        "diff": lambda: len(json.dumps(diff(str(old), str(new)).as_json())),
        "verify": lambda: verify(old).problems,
        "trace": lambda: trace(old, guid)["outcome"]["kept"],
    }
    began = time.perf_counter()
    said = commands[command]()
    taken = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "command": command,
        "said": said,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu": round(taken.ru_utime + taken.ru_stime, 1),
        "peak_mb": taken.ru_maxrss // 1024,
    }
    print(json.dumps(figures), flush=True)


def rows_in_order(rows: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Records by guid, with their place; the same ones on every call."""
    guids = sorted((content_guid(sentence(number), SCHEMA, "made"), number) for number in range(rows))
    for place, (guid, number) in enumerate(guids):
        yield place, row(guid, number)


def sentence(number: int) -> str:
    """The sentence of a record."""
    return f"Captain Mara {number} left the harbour of Oslo {number % 977} before the others woke and went north."


def row(guid: str, number: int) -> dict[str, Any]:
    """A record of the config `cot`, whose trace is drawn from its number."""
    text, draw = sentence(number), random.Random(number)
    entities = []
    for mention, label in ((f"Mara {number}", "person"), (f"Oslo {number % 977}", "location")):
        start = text.index(mention)
        entities.append(Entity(mention, label, start, start + len(mention), "exact"))
    thoughts = [THOUGHT if draw.random() < 0.7 else f"{draw.random()} is not what it says. " for _ in range(22)]
    return {
        **dict.fromkeys(("source_id", "split", "schema_descriptions", "judge_key")),
        "guid": guid,
        "dataset": "made",
        "license": "cc0-1.0",
        "sentence": text,
        "schema": SCHEMA,
        "gold": entity_rows(entities),
        "cot": "".join(thoughts),
        "entities": entity_rows(entities),
        "score": 9.5,
        "judge": "unknown",
        "judgement": {**dict.fromkeys(SCORES, 9.5), "reason": "Nothing to object."},
    }


def make(out: Path, rows: int, every: int) -> None:
    """A candidate in place of a real small one, whose manifest it takes over."""
    folder = build(load_recipe("quickstart"), BuildOptions(out)).candidate
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    shards = {config: Shards(folder, config) for config in CONFIGS}
    hashes = []
    for place, record in rows_in_order(rows):
        if every and place % every == 7:
            continue
        if every and place % every == 8:
            record["license"] = "cc-by-4.0"
        entities = [Entity(**item) for item in record["entities"]]
        answer = {"attempt": 1, "teacher": "t", "finish_reason": "stop"}
        completion = render_answer(record["cot"], entities, record["schema"])
        shards["cot"].add(record)
        shards["raw"].add({**record, **answer, "completion": completion})
        shards["sft"].add(sft_row(record, manifest["prompts"]["extract"]))
        hashes.append(row_hash(record))
    kept = len(hashes)
    for step in manifest["steps"]:
        step.update({"in": kept, "kept": kept, "dropped": {}})
    counts = {"attempts": {"1": kept}, "scores": {"9.5": kept}, "fingerprint": fingerprint(hashes)}
    files = [file for config in CONFIGS for file in shards[config].close()]
    write_json(folder / "manifest.json", {**manifest, **counts, "files": files})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]), *sys.argv[3:])
    else:
        main()
