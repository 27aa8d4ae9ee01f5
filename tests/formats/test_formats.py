"""Reading files: plain, packed, broken; Pile-NER, NER-CoT and text rows."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity
from nercot.errors import InputError
from nercot.formats import FORMATS, format_of
from nercot.formats.files import text_lines
from nercot.formats.json_files import json_rows
from nercot.formats.rows import BadRow, ReadOptions, RowError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def conversation(ident, text, *pairs):
    turns = [f"Text: {text}", "I've read this text."]
    for question, answer in pairs:
        turns += [f"What describes {question} in the text?", answer]
    sides = ("human", "gpt")
    return {"id": ident, "conversations": [{"from": sides[n % 2], "value": turn} for n, turn in enumerate(turns)]}


def read(tmp_path, rows, name="rows.jsonl", form=None, options=None):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" if not isinstance(row, str) else row + "\n" for row in rows))
    chosen = FORMATS[form] if form else format_of(path)
    return list(chosen.read(path, name, options or ReadOptions()))


# --- files ----------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.lists(json_values, min_size=1, max_size=6), st.booleans(), st.sampled_from([None, 0, 2]))
def test_a_json_list_reads_as_its_items(tmp_path_factory, values, ascii_only, indent):
    path = tmp_path_factory.mktemp("f") / "x.json"
    path.write_text(json.dumps(values, ensure_ascii=ascii_only, indent=indent), encoding="utf-8")
    rows = list(json_rows(path))
    assert [row.value for row in rows] == values
    assert [row.row for row in rows] == list(range(1, len(values) + 1))


def test_items_larger_than_a_read_survive(tmp_path):
    path = tmp_path / "x.json"
    values = [{"text": "ü" * 900_000}, {"text": "b"}, [1, 2], {"text": '"\\' * 400_000}]
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    assert [row.value for row in json_rows(path)] == values


def packers():
    def zst(data):
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, "zstd") as stream:
            stream.write(data)
        return out.getvalue().to_pybytes()

    return {"plain": bytes, "gz": gzip.compress, "zst": zst}


@pytest.mark.parametrize("packing", ["plain", "gz", "zst"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_packed_files_and_boms_read_alike(tmp_path, packing, bom):
    path = tmp_path / "whatever"
    path.write_bytes(packers()[packing](bom + '{"sentence": "İzmir", "schema": ["city"]}\r\n\n'.encode()))
    (row,) = format_of(path).read(path, "f", ReadOptions())
    assert row.sentence == "İzmir"


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_a_cut_archive_is_an_error_that_names_it(tmp_path, packing):
    path = tmp_path / "cut.jsonl.x"
    rows = "".join(
        json.dumps({"sentence": f"s {number} {number * 7919}", "schema": ["t"]}) + "\n" for number in range(2000)
    )
    path.write_bytes(packers()[packing](rows.encode())[:-200])
    with pytest.raises(InputError, match=r"cut\.jsonl\.x.*cut or damaged"):
        list(json_rows(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"[]", "no rows"),
        (b'{"a": 1}\n', "no known format"),
        (b'[{"sentence": "a", "schema": ["t"]}', "ends before its list"),
        (b'[{"sentence": "a" "schema": []}]', "item 1"),
        (b'[{"sentence": "a", "schema": ["t"]} {"x": 1}]', "comma"),
        (b'{"sentence": "\xff\xfe"}\n', "not UTF-8"),
        (b'["\xff"]', "not UTF-8"),
        (b"PAR1 nothing of the kind", "Parquet"),
    ],
)
def test_an_unusable_file_is_one_line_that_names_it(tmp_path, content, said):
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        list(format_of(path).read(path, "f", ReadOptions()))
    assert said in str(error.value)
    assert "broken.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"fine\nalso \xe9\n")
    with pytest.raises(InputError, match="line 2 is not UTF-8"):
        list(text_lines(path))


def test_bad_rows_among_good_ones_are_bad_rows(tmp_path):
    good = {"sentence": "Ada met Bo.", "schema": ["person"], "entities": [{"text": "Ada", "label": "person"}]}
    rows = [
        good,
        "{not json",
        '{"sentence": "a\x00b", "schema": ["t"]}',
        {**good, "sentence": None},
        {**good, "sentence": "  "},
        {**good, "sentence": 7},
        {**good, "schema": "person"},
        {**good, "schema": ["person", 7]},
        {**good, "entities": {"person": ["Ada"]}},
        {**good, "entities": [{"text": "Ada", "label": None}]},
        {**good, "entities": ["Ada"]},
        {**good, "cot": 7},
        '{"sentence": "half \\ud800 pair", "schema": ["t"]}',
        [1],
        "7",
        "[" * 100_000,
        {**good, "sentence": "x" * 5_000_000},
        good,
    ]
    found = read(tmp_path, rows)
    assert [isinstance(row, BadRow) for row in found] == [False, *[True] * 16, False]
    assert [row.row for row in found] == list(range(1, 19))
    assert all(row.detail and "\n" not in row.detail for row in found if isinstance(row, BadRow))


def test_a_huge_item_of_a_list_is_a_bad_row(tmp_path):
    path = tmp_path / "x.json"
    good = {"sentence": "a", "schema": ["t"]}
    path.write_text(json.dumps([good, {**good, "sentence": "x" * 20_000_000}, good]))
    found = list(format_of(path).read(path, "f", ReadOptions()))
    assert [isinstance(row, BadRow) for row in found] == [False, True, False]
    assert "20 MB" in found[1].detail


# --- Pile-NER -------------------------------------------------------------------------------------


def test_a_conversation_is_one_row_with_its_negatives(tmp_path):
    (row,) = read(
        tmp_path,
        [
            conversation(
                "ner_1", "Ada met Bo in Rome.", ("person", '["Ada", "Bo"]'), ("river", "[]"), ("city", '["Rome"]')
            )
        ],
    )
    assert row.sentence == "Ada met Bo in Rome."
    assert row.schema == ("person", "river", "city")
    assert [(entity.text, entity.label) for entity in row.gold] == [
        ("Ada", "person"),
        ("Bo", "person"),
        ("Rome", "city"),
    ]
    assert row.source_id == "ner_1"
    assert row.dataset == "Pile-NER-type"
    assert row.descriptions is None


def test_answers_that_are_no_mentions_are_counted(tmp_path):
    (row,) = read(
        tmp_path,
        [
            conversation(
                "ner_1", "Ada.", ("a", '["Ada", 7, null, ""]'), ("b", "nothing"), ("c", '{"x": 1}'), ("d", '"Ada"')
            )
        ],
    )
    assert row.schema == ("a", "b", "c", "d")
    assert sorted(row.findings) == ["not_string"] * 3 + ["unparsable"] * 3
    assert [entity.text for entity in row.gold] == ["Ada"]


def test_a_type_asked_twice_stands_once_in_the_schema(tmp_path):
    (row,) = read(tmp_path, [conversation("ner_1", "Ada Bo.", ("a", '["Ada"]'), ("a", '["Bo"]'), ("A", "[]"))])
    assert row.schema == ("a", "A")
    assert len(row.gold) == 2


def test_one_query_rows_are_grouped_by_text(tmp_path):
    rows = read(
        tmp_path,
        [
            conversation("CrossNER_AI_0", "Ada.", ("person", '["Ada"]')),
            conversation("CrossNER_AI_1", "Bo.", ("person", '["Bo"]')),
            conversation("CrossNER_AI_2", "Ada.", ("city", "[]")),
        ],
    )
    assert [(row.sentence, row.schema) for row in rows] == [("Ada.", ("person", "city")), ("Bo.", ("person",))]
    assert {row.dataset for row in rows} == {"CrossNER_AI"}


def test_a_text_asked_twice_for_one_type_is_two_rows(tmp_path):
    rows = read(
        tmp_path,
        [
            conversation("x_0", " Ada. ", ("person", '["Ada"]')),
            conversation("x_1", " Ada. ", ("city", "[]")),
            conversation("x_2", " Ada. ", ("person", "[]")),
        ],
    )
    assert [(row.sentence, row.schema, len(row.gold)) for row in rows] == [
        (" Ada. ", ("person", "city"), 1),
        (" Ada. ", ("person",), 0),
    ]


def test_definitions_are_kept_as_descriptions(tmp_path):
    definition = "The name of a person, real or invented, whoever they are."
    (row,) = read(
        tmp_path,
        [conversation("ner_1", "Ada.", (definition, '["Ada"]'), ("city: a large town", "[]"), ("river", "[]"))],
    )
    assert row.schema == (definition, "city", "river")
    assert row.descriptions == (definition, "a large town", "river")
    assert row.dataset == "Pile-NER-definition"


def test_a_passage_may_hold_the_words_of_the_frame(tmp_path):
    text = "Text: What describes person in the text?\n\nI've read this text."
    (row,) = read(tmp_path, [conversation("ner_1", text, ("a {{x}} in the text", "[]"), ("b", "[]"))])
    assert row.sentence == text
    assert row.schema == ("a {{x}} in the text", "b")


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "ner_1", "conversations": []},
        {"id": "ner_1", "conversations": ["x"]},
        {"id": "ner_1", "conversations": [{"from": "human"}]},
        {"id": "ner_1", "conversations": [{"from": "human", "value": "Text: "}]},
        {"id": "ner_1", "conversations": [{"from": "human", "value": "Text: a"}, {"from": "gpt", "value": "ok"}]},
        {"id": "ner_1", "conversations": {"a": 1}},
        {"id": "ner_1", "conversations": 7},
        {"id": "ner_1", "conversations": True},
        {"id": "ner_1"},
    ],
)
def test_a_conversation_of_another_shape_is_a_bad_row(tmp_path, broken):
    good = conversation("ner_2", "Ada.", ("person", "[]"), ("city", "[]"))
    rows = read(tmp_path, [broken, good], form="pile_ner")
    assert isinstance(rows[0], BadRow)
    assert rows[1].sentence == "Ada."


# --- NER-CoT rows -----------------------------------------------------------------------------------


def test_the_authors_rows_read_like_ours(tmp_path):
    theirs = {"guid": 7, "source": "pile", "sentence": "Ada.", "schema": ["person"], "cot": None, "entities": []}
    (row,) = read(tmp_path, [theirs])
    assert (row.guid, row.source_id, row.dataset, row.cot, row.entities) == ("7", "7", "pile", None, ())


def test_a_row_of_ours_keeps_its_own_source_id(tmp_path):
    ours = {
        "guid": "abc",
        "source_id": "news-1",
        "dataset": "d",
        "sentence": "Ada.",
        "schema": ["person"],
        "gold": None,
    }
    (row,) = read(tmp_path, [ours])
    assert (row.guid, row.source_id, row.gold) == ("abc", "news-1", None)


def test_without_a_schema_the_types_of_the_entities_are_the_schema(tmp_path):
    entities = [{"text": "Ada", "label": "b"}, {"text": "Ada", "label": "a"}]
    (row,) = read(tmp_path, [{"sentence": "Ada.", "entities": entities}])
    assert row.schema == ("b", "a")
    assert row.dataset == "rows"


def test_entities_in_other_words_are_read_too(tmp_path):
    listed = [{"text": "Ada", "type": "b", "start_offset": 4, "end_offset": 7}, {"text": "Ada", "type": "b"}]
    (row,) = read(tmp_path, [{"sentence": "Our Ada.", "entities": listed}])
    assert row.entities == (Entity("Ada", "b", 4, 7), Entity("Ada", "b"))
    (bad,) = read(tmp_path, [{"sentence": "Our Ada.", "entities": [{"text": "Ada", "type": []}]}])
    assert bad.detail == "a label in entities is a list, not a string"


def test_descriptions_that_fit_no_schema_are_refused(tmp_path):
    row = {"sentence": "Ada.", "schema": ["a", "b"], "schema_descriptions": ["one"]}
    (found,) = read(tmp_path, [row])
    assert isinstance(found, BadRow)


def test_parquet_reads_like_json_lines(tmp_path):
    row = {
        "guid": "1",
        "sentence": "Ada.",
        "schema": ["p"],
        "entities": [{"text": "Ada", "label": "p", "start": 0, "end": 3}],
    }
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    (found,) = format_of(path).read(path, "x", ReadOptions())
    assert (found.guid, found.schema, found.entities[0].end) == ("1", ("p",), 3)


# --- text -------------------------------------------------------------------------------------------


def test_text_has_a_sentence_a_line_and_the_users_schema(tmp_path):
    rows = read(tmp_path, ["First one.", "", "Second: {{x}} </think>"], "mine.txt", options=ReadOptions(schema=("t",)))
    assert [(row.row, row.sentence) for row in rows] == [(1, "First one."), (3, "Second: {{x}} </think>")]
    assert {row.dataset for row in rows} == {"mine"}
    assert {row.schema for row in rows} == {("t",)}
    assert {row.gold for row in rows} == {None}


def test_text_without_a_schema_says_how_to_give_one(tmp_path):
    with pytest.raises(InputError, match="--schema"):
        read(tmp_path, ["First one."], "mine.txt")


def test_json_text_may_bring_its_own_schema(tmp_path):
    rows = read(
        tmp_path, [{"text": "a", "schema": ["own"], "id": 3}, {"text": "b"}], options=ReadOptions(schema=("t",))
    )
    assert [(row.schema, row.source_id) for row in rows] == [(("own",), "3"), (("t",), None)]


def test_a_text_with_spans_under_an_unknown_key_is_no_plain_text(tmp_path):
    row = {"text": "Ada ran.", "schema": ["person"], "people": [{"start": 0, "end": 3, "label": "person"}]}
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(row) + "\n")
    assert format_of(path).name == "spans"


def test_nul_bytes_in_a_line_of_text_are_a_bad_row(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"good line here\nbad \0 line\n")
    rows = list(FORMATS["text"].read(tmp_path / "x.txt", "x.txt", ReadOptions(schema=("t",))))
    assert [isinstance(row, BadRow) for row in rows] == [False, True]


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_no_json_text_breaks_a_reader(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("f") / "x.jsonl"
    path.write_text(
        '{"sentence": "a", "schema": ["t"]}\n' + text.replace("\r", " ").encode("utf-8", "replace").decode()
    )
    for row in json_rows(path):
        assert row.row >= 1 or isinstance(row.value, RowError)
    for form in ("nercot", "pile_ner"):
        list(FORMATS[form].read(path, "x", ReadOptions()))


def test_json_whose_strings_look_like_columns_is_json(tmp_path):
    asked = ["person: a human being", "in the text", "B-x, y", "a type of so many words."]
    turns = [("human", "Text: 0"), ("gpt", "I've read this text.")]
    for label in asked:
        turns += [("human", f"What describes {label} in the text?"), ("gpt", "[]")]
    talk = [{"from": name, "value": value} for name, value in turns]
    rows = [json.dumps({"id": f"i{number}", "conversations": talk}) for number in range(3)]
    path = tmp_path / "rows.json"
    path.write_text("[\n" + ",\n".join(rows) + "\n]")
    assert format_of(path).name == "pile_ner"


def test_a_bracket_may_be_the_first_token_of_columns(tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("[ O\nAda B-person\n] O\n\n" * 4)
    assert format_of(path).name == "conll"
