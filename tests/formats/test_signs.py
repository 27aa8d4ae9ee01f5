"""Nothing that looks like annotation is taken for plain text; plain text is."""

import json

import pytest

from nercot.errors import InputError
from nercot.formats import FORMATS, format_of
from nercot.formats.sources import items, open_source, reading

TEXT = "Mara Lind left Oslo."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("label", {"name": [["Mara Lind", "x", [0, 8, 1]]]}),
        ("people", ["Mara Lind"]),
        ("found", {"city": {"where": [15, 19]}}),
        ("notes", [{"who": "Mara Lind", "kind": "person"}]),
        ("gold", "B-PER I-PER O B-LOC O O"),
        ("output", "[{'x': 'Mara Lind'}]"),
        ("entity", "Mara Lind"),
    ],
)
def test_rows_with_an_unknown_shape_are_refused_by_name(tmp_path, key, value):
    path = tmp_path / "x.jsonl"
    rows = [{"text": "Nothing."}] * 60 + [{"text": TEXT, key: value}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if key == "entity" or not any(
        form.detect and form.detect(rows[-1]) for form in FORMATS.values() if form.name != "text"
    ):
        with pytest.raises(InputError, match=f"`{key}`.*--from text"):
            format_of(path)
    else:
        assert format_of(path).name != "text"
    found = list(items(open_source(str(path), "text", reading(["person"]))))
    assert len(found) == 61
    assert found[-1].findings == ("annotation_left_out",)


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": TEXT}],
        [{"text": TEXT, "label": "travel", "lang": "en", "id": 3}],
        [{"text": TEXT, "meta": {"title": "Mara Lind"}, "tokens": ["Mara", "Lind", "left", "Oslo."], "score": 0.3}],
        [{"text": TEXT, "embedding": [1, 2]}],
    ],
)
def test_rows_of_plain_text_are_text(tmp_path, rows):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert format_of(path).name == "text"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<PER>Mara Lind</PER> left <LOC>Oslo</LOC>.\nNothing here.\n", "XML tags"),
        ("<START:person> Mara Lind <END> left .\n", "<START:type>"),
        ("[Mara Lind](person) left [Oslo](city).\n", r"\[mention\]\(type\)"),
        ("[PER Mara Lind] left [LOC Oslo] .\n", r"\[TYPE mention\]"),
        ("Mara/B-PER Lind/I-PER left/O Oslo/B-LOC\n", "words with tags"),
        ("Mara/PERSON Lind/PERSON left/O Oslo/GPE ./O\n", "words with tags"),
        ("Mara Lind left Oslo\nB-PER I-PER O B-LOC\n", "lines of tags"),
        ("Mara Lind left Oslo|||B-PER I-PER O B-LOC\n", r"\|\|\|"),
        ("Mara Lind left Oslo.\t0,9,PERSON\nNothing.\t\n", "columns on every line"),
        ("Mara Lind left Oslo.####[(0, 9)]\n", "####"),
        ("T1\tPERSON 0 9\tMara Lind\n", "brat|T1"),
    ],
)
def test_lines_with_annotation_inside_are_refused(tmp_path, text, said):
    path = tmp_path / "x.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        format_of(path)
    assert list(items(open_source(str(path), "text", reading(["person"]))))


@pytest.mark.parametrize(
    "text",
    [
        "Mara Lind left Oslo.\n",
        "A <b>bold</b> word and 5 < 6 > 4.\n",
        "See [the page](https://example.org/x) and and/or more.\n",
        "I said: B-PER is a tag. O yes.\nAnother line.\n",
        "A line\twith a tab\nand one without\n",
        "Mail @mara [at] example.org {see below}\n",
    ],
)
def test_lines_of_text_are_text(tmp_path, text):
    path = tmp_path / "x.txt"
    path.write_text(text)
    assert format_of(path).name == "text"


def test_a_table_without_a_column_of_text_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('review,sentiment\n"Good, very",pos\nbad,neg\n')
    with pytest.raises(InputError, match=r"a table \(review,sentiment\) without a column called text"):
        format_of(path)


def test_annotation_beside_a_text_is_seen(tmp_path):
    (tmp_path / "seq.in").write_text("fly to boston\n")
    (tmp_path / "seq.out").write_text("O O B-city\n")
    with pytest.raises(InputError, match=r"seq\.out beside it"):
        format_of(tmp_path / "seq.in")
    (tmp_path / "doc.txt").write_text("Mara left.\n")
    (tmp_path / "doc.xml").write_text("<x/>")
    with pytest.raises(InputError, match=r"doc\.xml beside it"):
        format_of(tmp_path / "doc.txt")


@pytest.mark.parametrize("named", ["prodigy", "types", "spans", "doccano", "masked", "tokens", "labelstudio"])
@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "found": [{"who": [0, 9], "is": "person"}]},
        {"text": TEXT, "instances": {"x": [{"kind": "PER", "start": 0, "end": 9, "score": 1}]}},
        {"text": "<PER>Mara Lind</PER> left."},
        {"instruction": "List the names.", "input": TEXT, "output": '{"PER": ["Mara Lind"]}'},
    ],
)
def test_a_format_that_the_rows_are_not_of_is_refused(tmp_path, named, row):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(row) + "\n")
    if FORMATS[named].detect(row):
        (item,) = items(open_source(str(path), named, reading(["PER"])))
        assert item.outcome.record.gold
        return
    with pytest.raises(InputError, match=f"no row is of the format {named}"):
        open_source(str(path), named, reading(["PER"]))


def test_plain_rows_are_what_the_user_calls_them(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": TEXT}) + "\n")
    (item,) = items(open_source(str(path), "prodigy", reading(["PER"])))
    assert item.outcome.record.gold == ()
