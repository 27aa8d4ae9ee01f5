"""Any label is data: brackets, signs, digits, other scripts and markup pass through every room unharmed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from answered_corpus import build_corpus
from commands import run
from fault_server import Act, Call, FaultServer, answer

from nercot.corpus.tables import read_rows
from nercot.validation.answers import parse_answer

LABELS = (
    "organization (company)",
    "person (PER)",
    "C++",
    "C#",
    "R&D",
    "year (4 digits)",
    ".*",
    "a|b",
    "<b>type</b>",
    "$x_1$ {{ y }} {% z %}",
    "50% off?",
    'the "quoted" one',
    "back\\slash",
    "comma, and; more",
    "人物",
    "शहर",
    "مدينة",
    "../up",
    "entities",
    "a/b",
    "#hash",
    "`tick`",
    "None",
    "null",
    "B-PER",
    "O",
    "label: with colon",
)
MENTIONS = tuple(f"Name{number:02d}" for number in range(len(LABELS)))
SENTENCE = f"They met {', '.join(MENTIONS)} in one room."


def script(call: Call) -> Act:
    if call.body["model"] == "judge":
        names = ("grounding", "boundary", "type", "completeness", "coherence", "score")
        return answer(json.dumps({"reason": "plain", **dict.fromkeys(names, 9.5)}))
    if call.body["model"] == "reader":
        taken = [
            {"mention": name, "type": label, "because": f"{name} is taken as {label}"}
            for label, name in zip(LABELS, MENTIONS, strict=True)
        ]
        return answer(json.dumps({"taken": taken, "refused": [], "given": False, "sound": True}))
    entities = {label: [name] for label, name in zip(LABELS, MENTIONS, strict=True)}
    thought = " ".join(f"{name} is taken as {label}, as the list says." for label, (name,) in entities.items())
    return answer(json.dumps({"entities": entities}, ensure_ascii=False), reasoning=thought)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    gold = [{"text": name, "label": label} for label, name in zip(LABELS, MENTIONS, strict=True)]
    row = {"sentence": SENTENCE, "schema": list(LABELS), "gold": gold, "dataset": "odd", "license": "cc0-1.0"}
    with FaultServer(script) as server:
        build_corpus(folder, [row], server)
        asked = [call.prompt for call in server.calls]
    assert all(label in asked[0] or json.dumps(label, ensure_ascii=False) in asked[0] for label in LABELS)
    return folder


def test_no_row_is_lost(built: Path) -> None:
    (row,) = read_rows(built / "build/ner-cot/candidate/cot/train-00000-of-00001.parquet")
    assert [(entity["label"], entity["text"]) for entity in row["entities"]] == list(zip(LABELS, MENTIONS, strict=True))
    assert all(entity["cot_start"] is not None for entity in row["entities"])


def test_the_sft_answer_reads_back(built: Path) -> None:
    (row,) = read_rows(built / "build/ner-cot/candidate/sft/train-00000-of-00001.parquet")
    answered = parse_answer(row["completion"][0]["content"])
    assert answered.mentions == tuple(zip(LABELS, MENTIONS, strict=True))


def test_releases_stats_and_pictures_take_them(built: Path) -> None:
    assert run(built, "release", "ner-cot").code == 0
    checked = run(built, "verify", "releases/ner-cot/1.0.0", "--rebuild")
    assert checked.code == 0, checked.out
    stats = json.loads(run(built, "stats", "releases/ner-cot/1.0.0", "--json").out)
    assert set(stats["types"]) == set(LABELS)
    picture = ElementTree.parse(built / "releases/ner-cot/1.0.0/pictures/types.svg")
    shown = {node.text for node in picture.iter()}
    assert len(shown & set(LABELS)) >= 12
    card = (built / "releases/ner-cot/1.0.0/README.md").read_text()
    assert "<b>type</b>" not in card
    assert "| 人物 | 1 |" in card
    ran = run(built, "view", "releases/ner-cot/1.0.0", "--out", "page.html")
    assert ran.code == 0, ran.err
    assert "<b>type</b>" not in (built / "page.html").read_text()


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.parquet"])
def test_they_convert_and_come_back(built: Path, name: str) -> None:
    done = run(built, "convert", "build/ner-cot/candidate", "--to", name, "--force")
    assert done.code == 0, done.err
    back = run(built, "convert", name, "--to", f"{name}.back.jsonl", "--force")
    assert back.code == 0, back.err
    (row,) = [json.loads(line) for line in (built / f"{name}.back.jsonl").read_text().splitlines()]
    assert row["schema"] == list(LABELS)
    assert {item["label"] for item in row["entities"]} == set(LABELS)
