"""Tables with a header: CSV and TSV, of tokens and of texts, by the rules of the csv module."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.errors import InputError
from nercot.formats import format_of
from nercot.formats.json_files import json_rows
from nercot.formats.sources import items, open_source, reading

KAGGLE = [
    ["Sentence #", "Word", "POS", "Tag"],
    ["Sentence: 1", "Mara", "NNP", "B-per"],
    ["", "Lind", "NNP", "I-per"],
    ["", '"', "``", "O"],
    ["", ",", ",", "O"],
    ["Sentence: 2", "Oslo", "NNP", "B-geo"],
    ["", "rained", "VBD", "O"],
]
EXPECTED = [('Mara Lind " ,', [("Mara Lind", "per")]), ("Oslo rained", [("Oslo", "geo")])]


def table(path, rows, **how):
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, **how).writerows(rows)
    return path


def seen(path, form=None, schema=None):
    records = [item.outcome for item in items(open_source(str(path), form, reading(schema)))]
    assert all(outcome.reason is None for outcome in records), records
    return [(o.record.sentence, [(e.text, e.label) for e in o.record.gold or ()]) for o in records]


@pytest.mark.parametrize("how", [{}, {"delimiter": "\t"}, {"delimiter": ";"}, {"quoting": csv.QUOTE_ALL}])
def test_the_number_of_the_sentence_on_its_first_token(tmp_path, how):
    assert seen(table(tmp_path / "ner.csv", KAGGLE, **how)) == EXPECTED


def test_tabs_without_quoting(tmp_path):
    path = tmp_path / "ner.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in KAGGLE), encoding="utf-8")
    assert seen(path) == EXPECTED
    path.write_text("".join("\t".join(row) + "\n" for row in KAGGLE[1:]), encoding="utf-8")
    assert seen(path) == EXPECTED


def test_the_number_of_the_sentence_on_every_token_in_any_order_of_columns(tmp_path):
    rows = [["label", "sentence_id", "words"], ["B-per", "7", "Mara"], ["I-per", "7", "Lind"], ["B-geo", "8", "Oslo"]]
    assert seen(table(tmp_path / "ner.csv", rows)) == [
        ("Mara Lind", [("Mara Lind", "per")]),
        ("Oslo", [("Oslo", "geo")]),
    ]


def test_commas_without_a_header_and_blank_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('Mara,B-per\n",",O\n\nOslo,B-geo\nrained,O\n', encoding="utf-8")
    assert seen(path) == [("Mara ,", [("Mara", "per")]), ("Oslo rained", [("Oslo", "geo")])]


def test_a_row_with_a_missing_cell_drops_its_sentence(tmp_path):
    rows = [*KAGGLE, ["Sentence: 3", "half"], ["", "row", "NN", "O"], ["Sentence: 4", "Bonn", "NNP", "B-geo"]]
    found = [item.outcome for item in items(open_source(str(table(tmp_path / "x.csv", rows))))]
    assert [outcome.reason for outcome in found] == [None, None, "unreadable", None]
    assert found[2].detail == "line 8: 2 cells where the table has 4 columns"


def test_several_columns_of_tags_are_asked_for(tmp_path):
    rows = [["sentence_id", "word", "ner", "entity"], ["1", "Mara", "B-per", "O"], ["1", "Oslo", "O", "B-geo"]]
    path = table(tmp_path / "x.csv", rows)
    with pytest.raises(InputError, match=r"3 \(ner\) and 4 \(entity\) hold tags; choose one with --column"):
        seen(path)


def test_texts_with_quoted_cells_are_read_as_they_are(tmp_path):
    path = table(tmp_path / "x.csv", [["id", "text"], ["a", 'Mara "left",\r\nthen came'], ["b", "again"]])
    assert seen(path, schema=["person"]) == [('Mara "left",\r\nthen came', []), ("again", [])]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        (["text", "entities"], ["Mara left Oslo", '[[0, 4, "per"], [10, 14, "geo"]]']),
        (["tokens", "ner_tags"], ["['Mara', 'left', 'Oslo']", "['B-per', 'O', 'B-geo']"]),
        (["tokens", "ner_tags"], ["['Mara' 'left' 'Oslo']", "['B-per' 'O' 'B-geo']"]),
        (["text", "labels"], ["Mara left Oslo", "B-per O B-geo"]),
        (["Sentence #", "Sentence", "POS", "Tag"], ["1", "Mara left Oslo", "['N','V','N']", "['B-per', 'O', 'B-geo']"]),
    ],
)  # fmt: skip
def test_rows_with_lists_in_their_cells_are_rows(tmp_path, header, cells):
    path = table(tmp_path / "x.csv", [header, cells])
    assert seen(path) == [("Mara left Oslo", [("Mara", "per"), ("Oslo", "geo")])]


def test_a_text_with_commas_is_no_table(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("Well, text is what we have.\nIt goes on, and on, and on.\n")
    assert format_of(path).name == "text"


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5), st.sampled_from([",", ";", "\t"]))
def test_any_cells_come_back(tmp_path_factory, rows, delimiter):
    rows = [(f"x{a}", f"y{b}") for a, b in rows]
    path = table(
        tmp_path_factory.mktemp("t") / "x.csv", [("id", "text"), *rows], delimiter=delimiter, quoting=csv.QUOTE_ALL
    )
    assert [tuple(row.value.values()) for row in json_rows(path)] == rows


HEADERS = {
    "german.csv": "Satz;Wort;Etikett",
    "spanish.tsv": "oración\tpalabra\tetiqueta",
    "chinese.csv": "句子,词,标签",
    "unknown.csv": "alpha,beta,gamma",
    "unknown.tsv": "alpha\tbeta\tgamma",
    "mixed.csv": "номер;Word;Tag",
    "none.csv": "",
    "none.tsv": "",
}
ROWS = [("1", "Mara", "B-PER"), ("1", "left", "O"), ("2", "Oslo", "B-LOC"), ("2", "fell", "O"), ("3", "so", "O")]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", HEADERS)
def test_headers_in_other_words_and_none_at_all(tmp_path, name, sparse):
    parted = next((sign for sign in ";\t," if sign in HEADERS[name]), "\t" if name.endswith("tsv") else ",")
    rows = [("" if sparse and word in ("left", "fell") else number, word, tag) for number, word, tag in ROWS]
    lines = [HEADERS[name], *(parted.join(row) for row in rows)]
    path = tmp_path / name
    path.write_text("\n".join(filter(None, lines)) + "\n", encoding="utf-8")
    found = [item.outcome.record for item in items(open_source(str(path)))]
    assert [record.sentence for record in found] == ["Mara left", "Oslo fell", "so"]
    assert [[(e.text, e.label) for e in record.gold] for record in found] == [[("Mara", "PER")], [("Oslo", "LOC")], []]


@pytest.mark.parametrize("header", ["alpha\tbeta", "palabra\tetiqueta", "Wort\tEtikett"])
def test_a_header_above_columns_is_no_token(tmp_path, header):
    path = tmp_path / "x.tsv"
    path.write_text(f"{header}\nMara\tB-PER\nleft\tO\n\nOslo\tB-LOC\nfell\tO\n")
    found = [item.outcome.record for item in items(open_source(str(path)))]
    assert [record.sentence for record in found] == ["Mara left", "Oslo fell"]
    assert found[0].schema == ("PER", "LOC")


def test_a_broken_tag_on_a_first_line_is_no_header(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("Mara\tX-PER\nleft\tO\n\nMara\tB-LOC\nfell\tO\n\nOslo\tB-LOC\n")
    found = list(items(open_source(str(path))))
    assert [item.outcome.reason for item in found] == ["unreadable", None, None]
