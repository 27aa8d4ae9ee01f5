"""InstructUIE folders: datasets, splits, labels and positions as they are found."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError, OutputError
from nercot.formats import BadRow, SourceRow, format_of, instructuie
from nercot.formats.rows import ReadOptions
from nercot.formats.sources import items, open_source

DATA = Path(os.environ.get("NERCOT_TEST_DATA", "/nonexistent"))


def row(sentence, *entities):
    return {"sentence": sentence, "entities": [{"name": n, "type": t, "pos": p} for n, t, p in entities]}


ADA = row("Ada met Ada in Rome", ("Ada", "person", [8, 11]), ("Rome", "place", [15, 19]))
NONE = row("Nothing to see here")


def dataset(root, name, labels=("person", "place"), **files):
    folder = root / name
    folder.mkdir(parents=True)
    for split, rows in files.items():
        (folder / f"{split}.json").write_text(json.dumps(rows), encoding="utf-8")
    if labels is not None:
        (folder / "labels.json").write_text(json.dumps(list(labels)), encoding="utf-8")
    return folder


def read_all(path, form=None):
    return list(items(open_source(str(path), form)))


def test_a_tree_gives_every_dataset_and_split(tmp_path):
    dataset(tmp_path, "Broad Tweet Corpus", train=[ADA, NONE], dev=[NONE], test=[ADA])
    dataset(tmp_path, "CoNLL 2003_sample_15000", labels=["place", "person", "misc"], train=[ADA])
    found = read_all(tmp_path)
    where = Counter((r.dataset, r.split, r.schema) for r in (item.outcome.record for item in found))
    assert where == {
        ("Broad Tweet Corpus", "train", ("person", "place")): 2,
        ("Broad Tweet Corpus", "validation", ("person", "place")): 1,
        ("Broad Tweet Corpus", "test", ("person", "place")): 1,
        ("CoNLL 2003", "train", ("place", "person", "misc")): 1,
    }
    assert {item.file for item in found} == {
        "Broad Tweet Corpus/train.json",
        "Broad Tweet Corpus/dev.json",
        "Broad Tweet Corpus/test.json",
        "CoNLL 2003_sample_15000/train.json",
    }


def test_a_dataset_folder_and_a_single_file_are_read_alike(tmp_path):
    folder = dataset(tmp_path, "mit-movie", train=[ADA])
    for path in (folder, folder / "train.json"):
        record = read_all(path)[0].outcome.record
        assert (record.dataset, record.split, record.schema) == ("mit-movie", "train", ("person", "place"))
        assert [(e.text, e.start, e.end) for e in record.gold] == [("Ada", 8, 11), ("Rome", 15, 19)]


def test_positions_are_passed_on_and_mended_later(tmp_path):
    wrong = row("Ada met Bob", ("Bob", "person", [0, 3]), ("Ada", "person", [-1, -1]), ("met", "place", [1, 1]))
    wrong["entities"].append({"name": "Bob", "type": "place"})
    folder = dataset(tmp_path, "x", train=[wrong])
    read = next(instructuie.read(folder / "train.json", "train.json", ReadOptions()))
    assert [(e.text, e.start) for e in read.gold] == [("Bob", 0), ("Ada", None), ("met", None), ("Bob", None)]
    item = read_all(folder)[0]
    assert [(e.text, e.start, e.end) for e in item.outcome.record.gold] == [
        ("Ada", 0, 3),
        ("met", 4, 7),
        ("Bob", 8, 11),
        ("Bob", 8, 11),
    ]
    assert Counter(item.findings) == {"regrounded": 1, "located": 3}


def test_a_used_label_that_is_not_listed_joins_the_schema_of_the_whole_dataset(tmp_path):
    folder = dataset(tmp_path, "x", labels=["place"], train=[NONE, ADA], dev=[NONE])
    found = read_all(folder)
    assert {item.outcome.record.schema for item in found} == {("place", "person")}
    assert [item.findings for item in found] == [(), (), ("label_not_listed",)]


def test_without_labels_json_the_used_labels_are_the_schema(tmp_path):
    folder = dataset(tmp_path, "x", labels=None, train=[NONE, ADA])
    found = read_all(folder)
    assert {item.outcome.record.schema for item in found} == {("person", "place")}
    assert not any(item.findings for item in found)


def test_a_type_in_the_text_is_no_label(tmp_path):
    folder = dataset(tmp_path, "x", train=[row('he wrote "type": "verb" there')])
    assert read_all(folder)[0].outcome.record.schema == ("person", "place")


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_labels_may_be_packed_like_the_rows(tmp_path, packed):
    folder = dataset(tmp_path, "a", train=[ADA], labels=["person", "place", "ship"])
    for name in ("train.json", "labels.json"):
        plain = folder / name
        compressed = gzip.compress(plain.read_bytes()) if packed == ".gz" else pa.compress(plain.read_bytes(), "zstd")
        (folder / f"{name}{packed}").write_bytes(compressed)
        plain.unlink()
    record = read_all(tmp_path)[0].outcome.record
    assert (record.dataset, record.split, record.schema) == ("a", "train", ("person", "place", "ship"))


@pytest.mark.parametrize("content", ["[", '"person"', "[1]", '[""]', "[null]", '["\\ud800"]'])
def test_a_labels_file_that_is_no_list_is_one_error(tmp_path, content):
    folder = dataset(tmp_path, "x", labels=None, train=[ADA])
    (folder / "labels.json").write_text(content)
    with pytest.raises(InputError, match=r"labels\.json") as error:
        read_all(folder)
    assert "\n" not in str(error.value)


def test_two_folders_of_one_dataset_are_refused_with_both(tmp_path):
    dataset(tmp_path, "ncbi", train=[ADA])
    dataset(tmp_path, "ncbi_sample_100", train=[ADA])
    dataset(tmp_path / "more", "bc2gm", train=[ADA])
    dataset(tmp_path / "other", "bc2gm", train=[ADA])
    with pytest.raises(InputError) as error:
        read_all(tmp_path)
    for part in ("ncbi_sample_100", "more/bc2gm", "other/bc2gm"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([1], "a list, not an object"),
        ({"entities": []}, "sentence is null"),
        ({"sentence": " ", "entities": []}, "sentence is empty"),
        ({"sentence": "x", "entities": {"name": "x"}}, "entities is an object"),
        ({"sentence": "x"}, "entities is null"),
        ({"sentence": "x", "entities": ["x"]}, "an item of entities is a string"),
        ({"sentence": "x", "entities": [{"name": "x", "type": 3}]}, "the type of an entity is a number"),
        ({"sentence": "x", "entities": [{"name": "\ud800", "type": "t"}]}, "half a surrogate pair"),
    ],
)
def test_rows_of_another_shape_are_dropped_with_the_reason(tmp_path, bad, why):
    folder = dataset(tmp_path, "x", train=[ADA, bad, NONE])
    first, second, third = read_all(folder)
    assert (first.outcome.kept, second.outcome.reason, third.outcome.kept) == (True, "unreadable", True)
    assert why in second.outcome.detail
    assert second.row == 2


def test_a_name_that_is_no_text_is_left_out_and_counted(tmp_path):
    folder = dataset(tmp_path, "x", train=[row("Ada here", (["Ada"], "person", [0, 3]), ("Ada", "person", [0, 3]))])
    item = read_all(folder)[0]
    assert item.findings == ("not_string",)
    assert [e.text for e in item.outcome.record.gold] == ["Ada"]


def test_sentences_without_entities_do_not_decide_the_format(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([NONE] * 60 + [{"sentence": "Ada", "entities": [{"text": "Ada", "label": "p"}]}]))
    assert format_of(path).name == "nercot"
    path.write_text(json.dumps([NONE] * 60 + [ADA]))
    assert format_of(path).name == "instructuie"
    path.write_text(json.dumps([NONE] * 60))
    assert format_of(path).name == "instructuie"


def test_what_is_written_comes_back(tmp_path):
    def record(dataset, split, schema, *gold):
        return Record("0", dataset, "Ada (ADA) in Roma", schema, gold=gold, split=split, source_id="7")

    entities = (Entity("Ada", "p", 0, 3), Entity("Ada", "q", 0, 3), Entity("ADA", "p", 5, 8))
    written = [
        record("one two", "train", ("p", "q"), *entities),
        record("one two", "validation", ("p", "q")),
        record("one two", "test", ("p", "q")),
        record("other", "section-b", ("p",)),
    ]
    folder = tmp_path / "tree"
    folder.mkdir()
    instructuie.write_tree(iter(written), folder)
    assert instructuie.is_tree(folder)
    back = [item.outcome.record for item in read_all(folder)]
    key = lambda r: (r.dataset, r.schema, r.sentence, r.source_id, [(e.text, e.label, e.start) for e in r.gold])  # noqa: E731
    assert sorted(map(key, back)) == sorted(map(key, written))
    assert {r.split for r in back} == {"train", "validation", "test", None}


@pytest.mark.parametrize("name", ["a/b", "..", "", "x" * 300])
def test_a_dataset_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match="cannot be the name of a folder"):
        instructuie.write_tree([Record("0", name, "x", ("p",))], tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ENTITY = st.fixed_dictionaries({}, optional={"name": JSON, "type": JSON, "pos": JSON})


@settings(deadline=None)
@given(
    st.lists(st.fixed_dictionaries({}, optional={"sentence": JSON, "entities": JSON | st.lists(ENTITY)}), max_size=4)
)
def test_no_json_makes_the_reader_fail(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(json.dumps(rows))
    found = list(instructuie.read(path, "x.json", ReadOptions()))
    assert len(found) == len(rows)
    assert all(isinstance(row, SourceRow | BadRow) for row in found)


@pytest.mark.skipif(not DATA.is_dir(), reason="NERCOT_TEST_DATA is not set")
def test_the_real_layout_arrives_whole():
    tree = DATA / "instructuie_layout" / "NER"
    found = read_all(tree)
    assert not [item for item in found if item.outcome.reason or item.findings]
    expected = Counter()
    for path in tree.glob("*/*.json"):
        if path.name != "labels.json":
            rows = json.loads(path.read_text(encoding="utf-8"))
            expected[path.parent.name] += len(rows) + 1000 * sum(len(row["entities"]) for row in rows)
    got = Counter()
    for item in found:
        got[item.outcome.record.dataset] += 1 + 1000 * len(item.outcome.record.gold)
    assert got == expected
    assert len(got) == 9
