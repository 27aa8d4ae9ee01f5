"""JSON rows of tokens: nested mentions in the shapes of ACE and GENIA, and tags of the Hub."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats_gliner import JSON, records

from nercot.errors import InputError
from nercot.formats import BadRow, SourceRow, format_of, tokens
from nercot.formats.rows import ReadOptions
from nercot.formats.sources import items, open_source

TOKENS = ["Bank", "of", "England", "in", "London"]
# The same nested mentions in every shape: a bank with a country in it, and a city.
EXPECTED = {("Bank of England", "org", 0, 15), ("England", "loc", 8, 15), ("London", "loc", 19, 25)}


def mention(kind, start, end, **more):
    return {"entity_type": kind, "start": start, "end": end, **more}


EXCLUSIVE = [mention("org", 0, 3), mention("loc", 2, 3), mention("loc", 4, 5)]
INCLUSIVE = [mention("org", 0, 2), mention("loc", 2, 2), mention("loc", 4, 4)]


def spelled(kind, start, end):
    return [{kind: m["entity_type"], start: m["start"], end: m["end"]} for m in EXCLUSIVE]


SHAPES = {
    "OneIE": {"tokens": TOKENS, "entity_mentions": EXCLUSIVE},
    "with texts": {
        "tokens": TOKENS,
        "entity_mentions": [
            mention("org", 0, 3, text="Bank of England"),
            mention("loc", 2, 3, text="England"),
            mention("loc", 4, 5, text="London"),
        ],
    },
    "inclusive, as the texts show": {
        "tokens": TOKENS,
        "entity_mentions": [
            mention("org", 0, 2, text="Bank of England"),
            mention("loc", 2, 2, text="England"),
            mention("loc", 4, 4, text="London"),
        ],
    },
    "inclusive, as a single token shows": {"tokens": TOKENS, "entity_mentions": INCLUSIVE},
    "SpERT": {
        "tokens": TOKENS,
        "entities": [{"type": m["entity_type"], "start": m["start"], "end": m["end"]} for m in EXCLUSIVE],
    },
    "W2NER": {
        "sentence": TOKENS,
        "ner": [{"index": [0, 1, 2], "type": "org"}, {"index": [2], "type": "loc"}, {"index": [4], "type": "loc"}],
    },
    "ACE": {
        "words": TOKENS,
        "sentence": "Bank of England in London",
        "golden-entity-mentions": [
            {"entity-type": m["entity_type"], "start": m["start"], "end": m["end"]} for m in EXCLUSIVE
        ],
    },
    "lists": {"tokens": TOKENS, "ner": [[0, 2, "org"], [2, 2, "loc"], [4, 4, "loc"]]},
    "type first": {"tokens": TOKENS, "ner": [["org", 0, 2], ["loc", 2, 2], ["loc", 4, 4]]},
    "begin": {"tokens": TOKENS, "mentions": spelled("label", "begin", "end")},
    "start_token": {"tokens": TOKENS, "spans": spelled("label", "start_token", "end_token")},
    "start_idx": {"tokens": TOKENS, "entities": spelled("entity_label", "start_idx", "end_idx")},
    "span": {
        "tokens": TOKENS,
        "entities": [{"span": [m["start"], m["end"]], "type": m["entity_type"]} for m in EXCLUSIVE],
    },
    "characters beside tokens": {
        "tokens": TOKENS,
        "entities": [{**m, "start_char": 40, "end_char": 50, "start_offset": 7} for m in EXCLUSIVE],
    },
}


def write(folder, *rows, name="rows.jsonl"):
    path = folder / name
    text = json.dumps(rows) if name.endswith(".json") else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def read(path, **options):
    return list(tokens.read(path, path.name, ReadOptions(**options)))


def spans(row):
    return {(e.text, e.label, e.start, e.end) for e in row.gold}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_nested_entities(tmp_path, name):
    path = write(tmp_path, SHAPES[name])
    assert format_of(path).name == "tokens"
    row = read(path)[0]
    assert (row.sentence, spans(row), row.findings) == ("Bank of England in London", EXPECTED, ())
    assert set(row.schema) == {"org", "loc"}


@pytest.mark.parametrize("key", ["ner", "ners"])
def test_a_document_gives_its_sentences(tmp_path, key):
    shift = 2 if key == "ner" else 0
    second = [[0 + shift, 2 + shift, "org"], [2 + shift, 2 + shift, "loc"], [4 + shift, 4 + shift, "loc"]]
    rows = [
        {"doc_key": "d1", "sentences": [["Hello", "."], TOKENS, ["Bye"]], key: [[], second, []]},
        {"doc_key": "d2", "sentences": [["Bye"]], key: [[]]},
    ]
    path = write(tmp_path, *rows)
    assert format_of(path).name == "tokens"
    found = read(path)
    assert [row.sentence for row in found] == ["Hello .", "Bank of England in London", "Bye", "Bye"]
    assert spans(found[1]) == EXPECTED
    assert [row.source_id for row in found] == ["d1-0", "d1-1", "d1-2", "d2-0"]
    assert {row.schema for row in found} == {("org", "loc")}


def test_positions_of_the_document_under_the_other_name(tmp_path):
    row = {"sentences": [["Hello", "there", "."], ["London"]], "ners": [[], [[3, 3, "loc"]]]}
    assert spans(read(write(tmp_path, row))[1]) == {("London", "loc", 0, 6)}


def test_one_bad_sentence_leaves_the_rest_of_its_document(tmp_path):
    row = {"sentences": [["Hello"], [" "], ["London"]], "ners": [[], [], [[0, 0, "loc"]]]}
    assert [type(item) for item in read(write(tmp_path, row))] == [SourceRow, BadRow, SourceRow]


def test_the_text_of_the_row_is_the_sentence(tmp_path):
    row = {"tokens": ["It", "'s", "London", "!"], "text": "It's  London!", "entity_mentions": [mention("loc", 2, 3)]}
    found = read(write(tmp_path, row))[0]
    assert (found.sentence, spans(found)) == ("It's  London!", {("London", "loc", 6, 12)})
    row["text"] = "It is London"
    assert read(write(tmp_path, row))[0].sentence == "It 's London !"


def test_the_schema_is_every_type_of_the_dataset_unless_the_row_has_its_own(tmp_path):
    rows = [
        {"tokens": ["a"], "entity_mentions": []},
        {"tokens": ["b"], "entity_mentions": [mention("loc", 0, 1)]},
        {"tokens": ["c"], "entity_mentions": [mention("org", 0, 1)], "schema": ["org", "person"]},
    ]
    assert [row.schema for row in read(write(tmp_path, *rows))] == [("loc", "org"), ("loc", "org"), ("org", "person")]


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (mention("loc", 4, 9), "out_of_range"),
        (mention("loc", -1, 2), "out_of_range"),
        (mention("loc", "0", 2), "out_of_range"),
        ({"entity_type": "loc"}, "out_of_range"),
        (mention(None, 0, 1), "not_label"),
        (mention([], 0, 1), "not_label"),
        (mention(["loc", "org"], 0, 1), "not_label"),
        ([], "not_label"),
        ({"type": "loc", "index": [0, 2]}, "discontinuous"),
        (7, "not_label"),
    ],
)
def test_a_mention_that_cannot_be_placed_is_counted(tmp_path, bad, kind):
    row = read(write(tmp_path, {"tokens": TOKENS, "entity_mentions": [bad, mention("org", 0, 3)]}))[0]
    assert row.findings == (kind,)
    assert spans(row) == {("Bank of England", "org", 0, 15)}


def test_a_stray_empty_mention_does_not_change_how_the_others_are_read(tmp_path):
    rows = [{"tokens": TOKENS, "entity_mentions": [mention("org", 0, 3)]}] * 60
    stray = {"tokens": TOKENS, "entity_mentions": [mention("loc", 2, 2)]}
    found = read(write(tmp_path, *rows, stray))
    assert all(spans(row) == {("Bank of England", "org", 0, 15)} for row in found[:-1])
    assert found[-1].findings == ("out_of_range",)


def test_a_text_at_the_wrong_place_is_found_later(tmp_path):
    path = write(tmp_path, {"tokens": TOKENS, "entity_mentions": [mention("loc", 0, 1, text="London")]})
    item = next(items(open_source(str(path))))
    assert [(e.text, e.start) for e in item.outcome.record.gold] == [("London", 19)]
    assert item.findings == ("located",)


@pytest.mark.parametrize(("tokens_", "why"), [([], "tokens is empty"), (["Ada"], "1 tokens and 0 tags")])
def test_no_tags_at_all_are_no_mentions(tmp_path, tokens_, why):
    (bad,) = read(write(tmp_path, {"tokens": tokens_, "tags": []}))
    assert isinstance(bad, BadRow)
    assert bad.detail == why


@pytest.mark.parametrize("key", ["ner_tags", "tags", "labels", "ner"])
def test_one_tag_a_token(tmp_path, key):
    path = write(tmp_path, {"id": "3", "tokens": TOKENS, key: ["B-org", "I-org", "I-org", "O", "B-loc"]})
    assert format_of(path).name == "tokens"
    row = read(path)[0]
    assert spans(row) == {("Bank of England", "org", 0, 15), ("London", "loc", 19, 25)}
    assert (row.source_id, row.schema) == ("3", ("org", "loc"))


def test_tags_that_are_numbers_without_names_are_one_error(tmp_path):
    path = write(tmp_path, {"tokens": TOKENS, "ner_tags": [1, 2, 2, 0, 3]})
    with pytest.raises(InputError, match="row 1: the tags are numbers") as error:
        open_source(str(path))
    assert str(path) in str(error.value)


def test_the_hub_names_its_numbers_in_parquet(tmp_path):
    names = ["O", "B-org", "I-org", "B-loc"]
    info = {"info": {"features": {"ner_tags": {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}}}}
    table = pa.table({"tokens": [TOKENS, ["hi"]], "ner_tags": [[1, 2, 2, 0, 3], [0]]})
    path = tmp_path / "train.parquet"
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    found = [item.outcome.record for item in items(open_source(str(path)))]
    assert [(e.text, e.label) for e in found[0].gold] == [("Bank of England", "org"), ("London", "loc")]
    assert (found[1].sentence, found[1].gold, found[1].schema) == ("hi", (), ("org", "loc"))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"tokens": TOKENS, "ner_tags": ["O"]}, "5 tokens and 1 tags"),
        ({"tokens": TOKENS, "ner_tags": ["B-org", "O", "O", "O", "Q-org"]}, "'Q-org' is none of"),
        ({"tokens": [], "entity_mentions": []}, "tokens is empty"),
        ({"tokens": [1], "entity_mentions": []}, "not a list of strings"),
        ({"tokens": TOKENS}, "no list of entities or tags"),
        ({"entity_mentions": []}, "no list of tokens"),
        ({"sentences": [TOKENS], "ner": []}, "an item for each of the 1 sentences"),
        ([], "a list, not an object"),
    ],
)
def test_rows_of_another_shape_are_dropped_with_the_reason(tmp_path, bad, why):
    good = {"tokens": TOKENS, "ner_tags": ["B-org", "I-org", "I-org", "O", "B-loc"]}
    first, second, third = read(write(tmp_path, good, bad, good))
    assert (type(first), type(second), type(third)) == (SourceRow, BadRow, SourceRow)
    assert why in second.detail
    assert second.row == 2


@settings(deadline=None)
@given(records())
def test_everything_that_is_written_comes_back(tmp_path_factory, record):
    row = read(write(tmp_path_factory.mktemp("t"), *tokens.rows([record])))[0]
    assert (row.sentence, row.schema, row.source_id) == (record.sentence, record.schema, "s")
    assert (row.dataset, row.split, row.license) == ("d", "test", "MIT")
    assert sorted(row.gold, key=repr) == sorted(record.gold, key=repr)
    assert not row.findings


WORDS = st.lists(st.text(max_size=3), max_size=4)
MENTION = JSON | st.fixed_dictionaries(
    {"type": st.text(max_size=2)}, optional={"start": JSON, "end": JSON, "index": JSON}
)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "tokens": JSON | WORDS,
        "sentences": JSON | st.lists(WORDS, max_size=2),
        "ner": JSON | st.lists(st.lists(MENTION, max_size=2), max_size=2),
        "entity_mentions": JSON | st.lists(MENTION, max_size=3),
        "tags": st.lists(st.text(max_size=3), max_size=4),
        "text": JSON,
        "schema": JSON,
    },
)


@settings(deadline=None)
@given(st.lists(ROW | JSON, max_size=4))
def test_no_json_makes_the_reader_fail(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("json"), *rows, name="rows.json")
    found, message = [], None
    try:
        found = read(path)
    except InputError as error:
        message = str(error)
    assert message is None or "tags are" in message or "both hold tags" in message
    assert {row.row for row in found} <= set(range(1, len(rows) + 1))
    assert all(isinstance(row, SourceRow | BadRow) for row in found)
