"""What annotation services export: gold is exact, or one line refuses the file and names what stands in the way."""

import json

import pytest

from nercot.errors import InputError
from nercot.formats.sources import items, open_source, reading

TEXT = "Mara Lind left Oslo."
GOLD = [("Mara Lind", "PER", 0), ("Oslo", "LOC", 15)]


def read(path, *types):
    """The sentences and entities of every row that is read."""
    found = [item.outcome.record for item in items(open_source(str(path), options=reading(types)))]
    return [(row.sentence, [(e.text, e.label, e.start) for e in row.gold or ()]) for row in found]


JSON_SHAPES = {
    "luis": {
        "luis_schema_version": "7.0.0",
        "intents": [{"name": "None"}],
        "entities": [{"name": "PER"}],
        "utterances": [
            {
                "text": TEXT,
                "intent": "None",
                "entities": [
                    {"entity": "PER", "startPos": 0, "endPos": 8},
                    {"entity": "LOC", "startPos": 15, "endPos": 18},
                ],
            }
        ],
    },
    "vertex": {
        "textSegmentAnnotations": [
            {"startOffset": 0, "endOffset": 9, "displayName": "PER"},
            {"startOffset": 15, "endOffset": 19, "displayName": "LOC"},
        ],
        "textContent": TEXT,
        "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": "training"},
    },
    "automl": {
        "annotations": [
            {"text_extraction": {"text_segment": {"start_offset": 0, "end_offset": 9}}, "display_name": "PER"},
            {"text_extraction": {"text_segment": {"start_offset": 15, "end_offset": 19}}, "display_name": "LOC"},
        ],
        "text_snippet": {"content": TEXT},
    },
    "kili": {
        "content": TEXT,
        "externalId": "7",
        "labels": [
            {
                "author": {"email": "a@example.org"},
                "jsonResponse": {
                    "JOB": {
                        "annotations": [
                            {"beginOffset": 0, "categories": [{"name": "PER"}], "content": "Mara Lind", "mid": "1"},
                            {"beginOffset": 15, "categories": [{"name": "LOC"}], "content": "Oslo", "mid": "2"},
                        ]
                    }
                },
            }
        ],
    },
    "flair": {
        "text": TEXT,
        "labels": [],
        "entities": [
            {"text": "Mara Lind", "start_pos": 0, "end_pos": 9, "labels": [{"value": "PER", "confidence": 0.9}]},
            {"text": "Oslo", "start_pos": 15, "end_pos": 19, "labels": [{"value": "LOC", "confidence": 0.9}]},
        ],
    },
}


@pytest.mark.parametrize("name", JSON_SHAPES)
def test_exports_of_services_are_exact(tmp_path, name):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(JSON_SHAPES[name]))
    assert read(path) == [(TEXT, GOLD)]


def test_a_list_of_one_object_in_a_cell_is_read(tmp_path):
    path = tmp_path / "spans.csv"
    path.write_text(f"text,entities\n\"{TEXT}\",\"[{{'start': 0, 'end': 9, 'label': 'PER'}}]\"\nNothing.,[]\n")
    assert read(path) == [(TEXT, GOLD[:1]), ("Nothing.", [])]


REFUSED = {
    "marks.jsonl": (json.dumps({"text": "<PER>Mara Lind</PER> left <LOC>Oslo</LOC>."}), "XML tags"),
    "links.jsonl": (json.dumps({"text": "[Mara Lind](PER) left."}), r"\[mention\]\(type\)"),
    "yedda.txt": ("[@Mara Lind#PER*] left.\n", r"\[@mention#type\*\]"),
    "slots.txt": ("wake [person : mara] at nine\n", r"\[type : mention\]"),
    "boson.txt": ("{{person_name:王小明}}在{{location:北京}}。\n", r"\{\{type:mention\}\}"),
    "pku.txt": ("王小明/nr 在/p [北京/ns 大学/n]nt 读书/v 。/w\n", "words with tags"),
    "masked.jsonl": (json.dumps({"text": TEXT, "cleaned": "[NAME] left [CITY]."}), "`cleaned`"),
    "listed.jsonl": (json.dumps({"text": TEXT, "entities": "PER: Mara Lind; LOC: Oslo"}), "`entities`"),
    "types.tsv": (f"text\tPER\tLOC\n{TEXT}\tMara Lind\tOslo\nNothing here.\t\t\n", "`PER` and `LOC`"),
    "nlu.yml": ("nlu:\n- intent: x\n  examples: |\n    - to [Oslo](city)\n", r"a file \.yml"),
    "nif.ttl": ('<http://x#char=0,9> nif:anchorOf "Mara Lind" .\n', r"a file \.ttl"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_types_that_the_user_states_make_no_plain_text_of_annotation(tmp_path, name):
    content, said = REFUSED[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read(path, "PER", "LOC")


def test_stand_off_of_another_tool_is_not_taken_for_that_of_brat(tmp_path):
    (tmp_path / "doc.txt").write_text(TEXT)
    (tmp_path / "doc.ann").write_text("[@Mara Lind#PER*] left Oslo.\n")
    with pytest.raises(InputError, match="line 1 is no annotation of brat"):
        read(tmp_path / "doc.txt", "PER")
    (tmp_path / "doc.ann").write_text(
        "T1\tPER 0 9\tMara Lind\n\nR1\tx Arg1:T1 Arg2:T1\n#1\tNotes T1\tx\n*\tEquiv T1 T1\n"
    )
    assert read(tmp_path / "doc.txt") == [(TEXT, GOLD[:1])]


def test_a_text_is_not_of_brat_for_a_stray_file_beside_it(tmp_path):
    (tmp_path / "other.ann").write_text("T1\tPER 0 9\tMara Lind\n")
    (tmp_path / "plain.txt").write_text("One.\nTwo.\n")
    assert len(read(tmp_path / "plain.txt", "PER")) == 2


def test_the_place_of_a_character_in_its_word_is_no_text(tmp_path):
    path = tmp_path / "weibo.conll"
    path.write_text("王0\tB-PER\n小1\tI-PER\n在0\tO\n北0\tB-LOC\n京1\tI-LOC\n。0\tO\n", encoding="utf-8")
    assert read(path) == [("王小在北京。", [("王小", "PER", 0), ("北京", "LOC", 3)])]
