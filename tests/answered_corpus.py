"""A small corpus as a teacher, a reader and a judge of flesh and blood leave it: real HTTP, every kind of fate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fault_server import Act, Call, FaultServer, answer, error

from nercot.building.builder import BuildOptions, BuildResult, build
from nercot.corpus.recipe import load_recipe

# The family name says what becomes of the sentence.
FATES = ("Kept", "Second", "Malformed", "Refused", "Truncated", "Unscored", "Below", "Twin", "Same")


def source_row(name: str, city: str = "Oslo", **more: Any) -> dict[str, Any]:
    sentence = f"{name} moved to {city}."
    gold = [{"text": name, "label": "person"}, {"text": city, "label": "location"}]
    return {"sentence": sentence, "schema": ["person", "location", "ship"], "gold": gold, "dataset": "made", **more}


def source_rows(names: Iterable[str] = ("Mara", "Ines", "Odd")) -> list[Any]:
    """Rows of all fates, one that cannot be read, and some that come twice."""
    rows: list[Any] = [source_row(f"{name} {fate}") for name in names for fate in FATES]
    rows += [source_row("Mara Twin", dataset="other"), source_row("Mara Same"), source_row("Mara Same", source_id="x")]
    return [*rows, "not a row\n", {"sentence": "", "schema": ["person"]}]


def script(call: Call) -> Act:
    return {"judge": _judge, "reader": _reader}.get(call.body["model"], _teacher)(call)


def _reader(call: Call) -> Act:
    """What the trace concludes: the two of whom it says that they are something."""
    name, city = re.findall(r'"([^"\n]+)" is a (?:person|location)', call.prompt)[-2:]
    taken = [
        {"mention": name, "type": "person", "because": f'"{name}" is a person'},
        {"mention": city, "type": "location", "because": f'"{city}" is a location'},
    ]
    return answer(json.dumps({"taken": taken, "refused": [], "given": False, "sound": True}))


def _teacher(call: Call) -> Act:
    sentence = next(line for line in call.prompt.splitlines() if " moved to " in line)
    name, city = sentence.rstrip(".").split(" moved to ")
    if name.endswith("Malformed") or (name.endswith("Second") and call.tries == 1):
        return answer("There are no entities that I can find.")
    if name.endswith("Refused"):
        return error(400, "this text cannot be processed")
    entities = json.dumps({"entities": {"person": [name], "location": [city]}})
    thought = (
        f'"{name}" is a person: the verb "moved" tells of somebody who acts. '
        f'"{city}" is a location, since "moved to" is followed by a place.'
    )
    return answer(entities, reasoning=thought, finish="length" if name.endswith("Truncated") else "stop")


def _judge(call: Call) -> Act:
    score = 5 if "Below" in call.prompt else 9.5
    names = ("grounding", "boundary", "type", "completeness", "coherence", "score")
    said = json.dumps({"reason": "plain", **dict.fromkeys(names, score)})
    return answer("I would rather not say." if "Unscored" in call.prompt else said)


def build_corpus(folder: Path, rows: Iterable[Any], server: FaultServer, *overrides: tuple[str, Any]) -> BuildResult:
    """Builds `folder/build/ner-cot` of rows (a string is written as it is)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.jsonl"
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    settings = [
        ("corpus.license", "cc-by-nc-4.0"),
        ("teacher.url", server.url),
        ("teacher.model", "teacher"),
        ("teacher.attempts", 2),
        ("reader.url", server.url),
        ("reader.model", "reader"),
        ("judge.url", server.url),
        ("judge.model", "judge"),
        ("judge.attempts", 2),
        *overrides,
    ]
    return build(load_recipe("ner-cot", settings), BuildOptions(folder / "build", str(path)))
