"""Files of columns that are not the usual ones: several tag columns, headers, # lines, no blank lines."""

from dataclasses import replace

import pytest

from nercot.errors import InputError
from nercot.formats.sources import items, open_source, reading

GERMEVAL = (
    "#\thttp://example.org/1\t[2010-07-04]\t\n1\tDer\tO\tO\n2\tKestrel\tB-ORG\tO\n3\tOslo\tI-ORG\tB-LOC\n4\tVerein\tI-ORG\tO\n"
    "\n#\thttp://example.org/2\t[2010-07-05]\t\n1\tMara\tB-PER\tO\n2\tLind\tI-PER\tO\n\n\n"
)
HIPE = (
    "TOKEN\tNE-COARSE-LIT\tNE-COARSE-METO\tNEL-LIT\tMISC\n# hipe2022:document_id = a\n# language = de\n"
    "Mara\tB-pers\tO\tQ1\t_\nLind\tI-pers\tO\tQ1\tNoSpaceAfter\n.\tO\tO\t_\tEndOfSentence|EndOfLine\n"
    "# a remark\nBonn\tB-loc\tB-org\tQ2\t_\nschweigt\tO\tO\t_\tNoSpaceAfter\n.\tO\tO\t_\tEndOfSentence\n"
    "# hipe2022:document_id = b\nNichts\tO\tO\t_\t_\n"
)


def seen(tmp_path, text, name="x.tsv", **options):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    records = [item.outcome for item in items(open_source(str(path), options=replace(reading(None), **options)))]
    assert all(outcome.reason is None for outcome in records), records
    return [(o.record.sentence, [(e.text, e.label) for e in o.record.gold]) for o in records]


def test_of_several_tag_columns_one_is_asked_for(tmp_path):
    with pytest.raises(
        InputError, match=r"columns 3 and 4 look like tags: .* choose one with --column \(source\.column\)"
    ):
        seen(tmp_path, GERMEVAL)
    assert seen(tmp_path, GERMEVAL, column="3") == [
        ("Der Kestrel Oslo Verein", [("Kestrel Oslo Verein", "ORG")]),
        ("Mara Lind", [("Mara Lind", "PER")]),
    ]
    assert seen(tmp_path, GERMEVAL, column="4")[0][1] == [("Oslo", "LOC")]


def test_a_column_without_tags_is_refused_with_those_that_have_some(tmp_path):
    with pytest.raises(InputError, match=r"column '2' holds no tags .* those that do: 3, 4"):
        seen(tmp_path, GERMEVAL, column="2")


def test_hipe_is_read_by_the_name_of_its_column(tmp_path):
    with pytest.raises(InputError, match=r"2 \(NE-COARSE-LIT\) and 3 \(NE-COARSE-METO\)"):
        seen(tmp_path, HIPE)
    expected = [("Mara Lind.", [("Mara Lind", "pers")]), ("Bonn schweigt.", [("Bonn", "loc")]), ("Nichts", [])]
    assert seen(tmp_path, HIPE, column="NE-COARSE-LIT") == expected
    assert seen(tmp_path, HIPE, column="ne-coarse-meto")[1][1] == [("Bonn", "org")]


def test_underscores_stand_for_no_tag(tmp_path):
    text = "Mara\tB-PER\t_\nleft\t_\t_\nBonn\tB-LOC\t_\n\n"
    assert seen(tmp_path, text) == [("Mara left Bonn", [("Mara", "PER"), ("Bonn", "LOC")])]


def test_comments_inside_a_sentence_are_none_of_it(tmp_path):
    text = "Mara\tB-PER\n# a remark of the annotator\nLind\tI-PER\n#\tO\n#tag\tO\n\n"
    assert seen(tmp_path, text) == [("Mara Lind # #tag", [("Mara Lind", "PER")])]


def test_no_blank_lines_but_marks_of_documents(tmp_path):
    text = "-DOCSTART-\tO\nMara\tB-PER\nleft\tO\n-DOCSTART-\tO\nBonn\tB-LOC\n"
    assert seen(tmp_path, text) == [("Mara left", [("Mara", "PER")]), ("Bonn", [("Bonn", "LOC")])]


def test_no_blank_lines_at_all_is_said_and_can_be_cut(tmp_path, caplog):
    text = "Mara\tB-PER\nleft\tO\n.\tO\n" * 80
    assert len(seen(tmp_path, text)) == 1
    assert "no blank line parts the sentences" in caplog.text
    assert "--sentences" in caplog.text
    assert len(seen(tmp_path, text, sentences="stop")) == 80
    with pytest.raises(InputError, match="no mark of a document"):
        seen(tmp_path, text, sentences="document")


def test_the_last_sentence_is_there_without_a_blank_line(tmp_path):
    assert seen(tmp_path, "Mara\tB-PER\nleft\tO\n\n@\tO") == [("Mara left", [("Mara", "PER")]), ("@", [])]
    assert seen(tmp_path, "Mara\tB-PER\nleft\tO\n\n#\tO\n\n@x\tB-PER")[1:] == [("#", []), ("@x", [("@x", "PER")])]


@pytest.mark.parametrize("header", ["word\ttag", "Token\tNER", "text\tlabel", "tokens\tner_tags"])
def test_a_header_is_no_sentence(tmp_path, header):
    assert seen(tmp_path, f"{header}\nMara\tB-PER\nleft\tO\n\n") == [("Mara left", [("Mara", "PER")])]


def test_a_data_set_of_open_types_asks_each_row_for_a_draw(tmp_path):
    text = "".join(f"w{n}\tB-t{n}\nx\tO\n\n" for n in range(60))
    path = tmp_path / "open.tsv"
    path.write_text(text)
    records = [item.outcome.record for item in items(open_source(str(path)))]
    assert {len(record.schema) for record in records} == {25}
    assert all(record.gold[0].label in record.schema for record in records)
    assert len({record.schema for record in records}) > 1
    again = [item.outcome.record for item in items(open_source(str(path)))]
    assert [record.guid for record in again] == [record.guid for record in records]
    stated = items(open_source(str(path), options=reading(["t0", "other"])))
    assert {len(item.outcome.record.schema) for item in stated} == {61}
