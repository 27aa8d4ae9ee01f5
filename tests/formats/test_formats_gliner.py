"""GLiNER rows: spans with an inclusive end, in any order, nested and overlapping."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity, Record
from nercot.formats import BadRow, SourceRow, gliner
from nercot.formats.rows import ReadOptions
from nercot.formats.sources import items, open_source

DATA = Path(os.environ.get("NERCOT_TEST_DATA", "/nonexistent"))
TOKENS = ["Bank", "of", "England", "in", "London"]


def write(folder, *rows, name="rows.json"):
    path = folder / name
    text = json.dumps(rows) if name.endswith(".json") else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def read(path, **options):
    return list(gliner.read(path, path.name, ReadOptions(**options)))


def spans(row):
    return [(e.text, e.label, e.start, e.end) for e in row.gold]


def test_unsorted_nested_and_doubly_typed_spans_all_arrive(tmp_path):
    ner = [[4, 4, "city"], [0, 2, "bank"], [2, 2, "country"], [0, 2, "Bank"], [1, 4, "odd"]]
    row = read(write(tmp_path, {"tokenized_text": TOKENS, "ner": ner}))[0]
    assert row.sentence == "Bank of England in London"
    assert spans(row) == [
        ("London", "city", 19, 25),
        ("Bank of England", "bank", 0, 15),
        ("England", "country", 8, 15),
        ("Bank of England", "Bank", 0, 15),
        ("of England in London", "odd", 5, 25),
    ]
    assert row.schema == ("city", "bank", "country", "Bank", "odd")


@pytest.mark.parametrize("span", [[0, 5, "x"], [-1, 2, "x"], [3, 2, "x"], ["0", 2, "x"], [0, 1.0, "x"], [True, 2, "x"]])
def test_spans_outside_the_sentence_are_found_and_left_out(tmp_path, span):
    row = read(write(tmp_path, {"tokenized_text": TOKENS, "ner": [span, [0, 2, "bank"]]}))[0]
    assert row.findings == ("out_of_range",)
    assert [e.label for e in row.gold] == ["bank"]


def test_a_list_of_labels_is_one_entity_each(tmp_path):
    row = read(write(tmp_path, {"tokenized_text": TOKENS, "ner": [[0, 2, ["bank", "institution"]], [0, 0, None]]}))[0]
    assert [e.label for e in row.gold] == ["bank", "institution"]
    assert row.findings == ("not_label",)


def test_negatives_are_part_of_the_schema(tmp_path):
    row = read(write(tmp_path, {"tokenized_text": TOKENS, "ner": [[4, 4, "city"]], "ner_negatives": ["person"]}))[0]
    assert row.schema == ("city", "person")


def test_a_row_without_types_takes_those_of_the_dataset(tmp_path):
    empty = {"tokenized_text": ["nothing"], "ner": []}
    rows = read(write(tmp_path, empty, {"tokenized_text": TOKENS, "ner": [[4, 4, "city"], [0, 2, "bank"]]}))
    assert rows[0].schema == ("city", "bank")
    assert read(write(tmp_path, empty), schema=("person",))[0].schema == ("person",)


def test_of_very_many_types_a_row_is_asked_for_a_draw_that_stays_the_same(tmp_path):
    many = [{"tokenized_text": [f"a{n}"], "ner": [[0, 0, f"type {n}"]]} for n in range(70)]
    rows = read(write(tmp_path, *many, {"tokenized_text": ["nothing"], "ner": []}))
    assert [len(row.schema) for row in rows] == [25] * 71
    assert all(f"type {n}" in row.schema for n, row in enumerate(rows[:-1]))
    assert rows == read(write(tmp_path, *many, {"tokenized_text": ["nothing"], "ner": []}))


@pytest.mark.parametrize("types", [3, 25, 26, 60])
def test_gliner_asks_for_all_types_of_a_row_whatever_it_draws(types):
    labels = [f"type {n}" for n in range(60)]
    sentence = " ".join(f"w{n}" for n in range(types))
    gold = tuple(
        Entity(f"w{n}", labels[n], sentence.index(f"w{n}"), sentence.index(f"w{n}") + len(f"w{n}"))
        for n in range(types)
    )
    (row,) = gliner.rows([Record("1", "d", sentence, tuple(labels), gold=gold)])
    assert len({label for _, _, label in row["ner"]} | set(row["ner_negatives"])) == max(25, types)
    assert [row] == list(gliner.rows([Record("1", "d", sentence, tuple(labels), gold=gold)]))
    other = next(gliner.rows([Record("1", "d", sentence + " and more", tuple(labels), gold=gold)]))
    assert types >= 25 or row["ner_negatives"] != other["ner_negatives"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("x", "a string, not an object"),
        ({"tokenized_text": [], "ner": []}, "tokenized_text is empty"),
        ({"tokenized_text": "a b", "ner": []}, "not a list of strings"),
        ({"tokenized_text": ["a", 1], "ner": []}, "not a list of strings"),
        ({"tokenized_text": ["a"], "ner": {"a": 1}}, "ner is not a list"),
        ({"tokenized_text": ["a"], "ner": [[0, 0]]}, "ner is not a list"),
        ({"tokenized_text": ["a"]}, "ner is not a list"),
        ({"tokenized_text": ["\ud800"], "ner": []}, "half a surrogate pair"),
    ],
)
def test_rows_of_another_shape_are_dropped_with_the_reason(tmp_path, bad, why):
    good = {"tokenized_text": TOKENS, "ner": [[4, 4, "city"]]}
    first, second, third = read(write(tmp_path, good, bad, good, name="rows.jsonl"))
    assert (type(first), type(second), type(third)) == (SourceRow, BadRow, SourceRow)
    assert why in second.detail
    assert second.row == 2


SENTENCE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)


@st.composite
def records(draw):
    sentence = draw(SENTENCE)
    ends = draw(st.lists(st.tuples(st.integers(0, len(sentence)), st.integers(0, len(sentence))), max_size=5))
    cut = {(min(pair), max(pair)) for pair in ends}
    gold = [
        Entity(sentence[a:b], draw(st.sampled_from("xyz")), a, b)
        for a, b in sorted(cut)
        if sentence[a:b] and sentence[a:b] == sentence[a:b].strip()
    ]
    schema = tuple(draw(st.permutations("wxyz")))
    return Record("1", "d", sentence, schema, gold=tuple(gold), source_id="s", split="test", license="MIT")


@settings(deadline=None)
@given(records())
def test_everything_that_is_written_comes_back(tmp_path_factory, record):
    path = write(tmp_path_factory.mktemp("g"), *gliner.rows([record]), name="rows.jsonl")
    row = read(path)[0]
    assert (row.sentence, row.schema, row.source_id) == (record.sentence, record.schema, "s")
    assert (row.dataset, row.split, row.license) == ("d", "test", "MIT")
    assert sorted(row.gold, key=repr) == sorted(record.gold, key=repr)
    assert not row.findings


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPAN = st.tuples(JSON, JSON, JSON).map(list) | st.fixed_dictionaries(
    {"start": JSON}, optional={"end": JSON, "label": JSON}
)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "tokenized_text": JSON | st.lists(st.text(max_size=3), max_size=4),
        "text": JSON,
        "ner": JSON | st.lists(SPAN, max_size=3),
        "schema": JSON,
    },
)


@settings(deadline=None)
@given(st.lists(ROW | JSON, max_size=4))
def test_no_json_makes_the_reader_fail(tmp_path_factory, rows):
    found = read(write(tmp_path_factory.mktemp("json"), *rows))
    assert len(found) == len(rows)
    assert all(isinstance(row, SourceRow | BadRow) for row in found)


@pytest.mark.skipif(not DATA.is_dir(), reason="NERCOT_TEST_DATA is not set")
def test_the_real_file_arrives_whole():
    path = DATA / "gliner" / "sample_data.json"
    found = list(items(open_source(str(path))))
    records = [item.outcome.record for item in found]
    assert (len(records), sum(len(record.gold) for record in records)) == (64, 236)
    expected = Counter()
    for row in json.loads(path.read_text(encoding="utf-8")):
        for start, end, label in row["ner"]:
            expected[" ".join(row["tokenized_text"]), " ".join(row["tokenized_text"][start : end + 1]), label] += 1
    assert Counter((r.sentence, e.text, e.label) for r in records for e in r.gold) == expected
    assert not any(item.findings for item in found)
