"""Tags that are numbers get their names from features, a file beside them, a card, or the user; or are refused."""

import json

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

from nercot.errors import InputError
from nercot.formats.sources import items, open_source, reading

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
ROWS = [{"tokens": ["Mara", "Lind", "left", "Oslo"], "tags": [1, 2, 0, 3]}, {"tokens": ["Nothing"], "tags": [0]}]
EXPECTED = [("Mara Lind left Oslo", [("Mara Lind", "PER"), ("Oslo", "LOC")]), ("Nothing", [])]


def rows_at(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def seen(path, tags=None):
    records = [item.outcome.record for item in items(open_source(str(path), options=reading(None, tags)))]
    assert all(record.schema == ("PER", "LOC") for record in records)
    return [(record.sentence, [(e.text, e.label) for e in record.gold]) for record in records]


def test_numbers_without_names_are_refused_with_ways_to_name_them(tmp_path):
    with pytest.raises(InputError, match=r"--labels O,B-PER,I-PER \(source\.labels\)"):
        seen(rows_at(tmp_path / "train.json"))


def test_the_user_names_them(tmp_path):
    assert seen(rows_at(tmp_path / "train.json"), NAMES) == EXPECTED
    source = open_source(str(tmp_path / "train.json"), options=reading(NAMES))
    assert [item.outcome.record.schema for item in items(source)] == [("PER", "LOC")] * 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("label.json", dict(zip(NAMES, range(5), strict=True))),
        ("id2label.json", {str(number): name for number, name in enumerate(NAMES)}),
        ("labels.json", NAMES),
        ("config.json", {"model_type": "bert", "id2label": {str(n): name for n, name in enumerate(NAMES)}}),
        ("dataset_info.json", {"features": {"tags": {"feature": {"names": NAMES, "_type": "ClassLabel"}}}}),
    ],
)
def test_a_file_beside_them_names_them(tmp_path, name, content):
    rows_at(tmp_path / "dataset" / "train.json")
    (tmp_path / "dataset" / name).write_text(json.dumps(content))
    assert seen(tmp_path / "dataset") == EXPECTED
    assert seen(tmp_path) == EXPECTED


def test_a_list_and_a_card_name_them(tmp_path):
    rows_at(tmp_path / "a" / "train.json")
    (tmp_path / "a" / "labels.txt").write_text("\n".join(NAMES) + "\n")
    assert seen(tmp_path / "a") == EXPECTED
    rows_at(tmp_path / "b" / "train.jsonl")
    names = "".join(f"          '{number}': {name}\n" for number, name in enumerate(NAMES))
    feature = f"  - name: tags\n    sequence:\n      class_label:\n        names:\n{names}"
    card = f"---\ndataset_info:\n  features:\n{feature}---\n# b\n"
    (tmp_path / "b" / "README.md").write_text(card)
    assert seen(tmp_path / "b" / "train.jsonl") == EXPECTED


def saved(features=None):
    features = Features({"tokens": Sequence(Value("string")), "tags": features or Sequence(ClassLabel(names=NAMES))})
    return Dataset.from_list(ROWS, features=features)


def test_saved_data_sets_are_read_with_their_splits_and_names(tmp_path):
    DatasetDict({"train": saved(), "test": saved()}).save_to_disk(tmp_path / "mine")
    found = list(items(open_source(str(tmp_path / "mine"))))
    assert {item.outcome.record.split for item in found} == {"train", "test"}
    assert {item.outcome.record.dataset for item in found} == {"mine"}
    assert seen(tmp_path / "mine") == EXPECTED * 2
    saved().save_to_disk(tmp_path / "one")
    assert seen(tmp_path / "one") == EXPECTED


def test_parquet_names_them(tmp_path):
    saved().to_parquet(tmp_path / "x.parquet")
    assert seen(tmp_path / "x.parquet") == EXPECTED


@pytest.mark.parametrize("key", ["entities", "iob", "my_tags", "NER", "labels", "gold"])
def test_tags_by_name_under_any_key(tmp_path, key):
    rows = [
        {"tokens": row["tokens"], key: [NAMES[tag] for tag in row["tags"]], "pos": ["X"] * len(row["tags"])}
        for row in ROWS
    ]
    assert seen(rows_at(tmp_path / "x.jsonl", rows)) == EXPECTED


def test_two_layers_of_tags_are_asked_for(tmp_path):
    rows = [{"tokens": ["Mara", "left"], "ner_tags": ["B-PER", "O"], "fine_ner_tags": ["B-PER-artist", "O"]}]
    path = rows_at(tmp_path / "x.jsonl", rows)
    with pytest.raises(InputError, match=r"ner_tags and fine_ner_tags both hold tags; choose one with --column"):
        list(items(open_source(str(path))))


def test_names_are_preferred_to_the_numbers_beside_them(tmp_path):
    rows = [row | {"ner_tags": [NAMES[tag] for tag in row["tags"]]} for row in ROWS]
    assert seen(rows_at(tmp_path / "x.jsonl", rows)) == EXPECTED
