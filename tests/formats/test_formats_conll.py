"""CoNLL columns: every dialect arrives whole, and what is broken is said with its line."""

import gzip
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.formats import BadRow, SourceRow, conll, format_of
from nercot.formats.files import DataFile
from nercot.formats.rows import ReadOptions
from nercot.formats.sources import items, open_source
from nercot.formats.tags import decode, encode, scheme_of, split_tag

DATA = Path(os.environ.get("NERCOT_TEST_DATA", "/nonexistent"))

# The same two sentences in every dialect: a person of two tokens beside another, a place of one.
PLAIN = [
    [("Ada", "B-person"), ("Lovelace", "I-person"), ("Babbage", "B-person"), ("met", "O")],
    [("in", "O"), ("Лондон", "B-place"), (".", "O")],
]
IOBES = {"Ada": "B-person", "Lovelace": "E-person", "Babbage": "S-person", "Лондон": "S-place"}
BILOU = {"Ada": "B-person", "Lovelace": "L-person", "Babbage": "U-person", "Лондон": "U-place"}
BMES = {"Ada": "B-person", "Lovelace": "E-person", "Babbage": "S-person", "Лондон": "S-place"}
IOB1 = {"Ada": "I-person", "Lovelace": "I-person", "Babbage": "B-person", "Лондон": "I-place"}
SUFFIX = {"Ada": "person-B", "Lovelace": "person-I", "Babbage": "person-B", "Лондон": "place-B"}
UNDERSCORE = {"Ada": "B_person", "Lovelace": "I_person", "Babbage": "B_person", "Лондон": "B_place"}
EXPECTED = [
    ("Ada Lovelace Babbage met", [("Ada Lovelace", "person", 0, 12), ("Babbage", "person", 13, 20)]),
    ("in Лондон .", [("Лондон", "place", 3, 9)]),
]


def render(line, between="\n\n", tags=None):
    blocks = []
    for sentence in PLAIN:
        retagged = [(token, (tags or {}).get(token, "O") if tags else tag) for token, tag in sentence]
        blocks.append("\n".join(line(number, token, tag) for number, (token, tag) in enumerate(retagged)))
    return between.join(blocks) + "\n"


UD = "{0}\t{1}\t{1}\tNOUN\t_\t_\t0\troot\t_\t{2}"

DIALECTS = {
    "CoNLL-U, tag in MISC": "# sent_id = a\n"
    + render(lambda n, token, tag: UD.format(n + 1, token, f"Lang=en|NER={tag}")),
    "CoNLL-U, no feature is O": render(
        lambda n, token, tag: UD.format(n + 1, token, "_" if tag == "O" else f"ner={tag}")
    ),
    "tabs": render(lambda n, token, tag: f"{token}\t{tag}"),
    "spaces": render(lambda n, token, tag: f"{token} {tag}"),
    "wide spaces": render(lambda n, token, tag: f"{token}    {tag} "),
    "tag first": render(lambda n, token, tag: f"{tag}\t{token}"),
    "tag first, spaces": render(lambda n, token, tag: f"{tag} {token}"),
    "index": render(lambda n, token, tag: f"{n}\t{token}\t{tag}"),
    "index from 1": render(lambda n, token, tag: f"{n + 1}\t{token}\t{tag}"),
    "four columns": render(lambda n, token, tag: f"{token} NNP B-NP {tag}"),
    "four columns, docstart": "-DOCSTART- -X- -X- O\n\n" + render(lambda n, token, tag: f"{token} NNP I-NP {tag}"),
    "docstart in one block": "-DOCSTART-\tO\n" + render(lambda n, token, tag: f"{token}\t{tag}"),
    "lemma": render(lambda n, token, tag: f"{token} {token.lower()} NNP B-NP {tag}"),
    "offsets": render(lambda n, token, tag: f"{token}\t{n * 7}\t{n * 7 + 3}\t{tag}"),
    "empty columns": "# id 0b5a domain=en\n" + render(lambda n, token, tag: f"{token} _ _ {tag}"),
    "trailing column": render(lambda n, token, tag: f"{n + 1}\t{token}\t{tag}\t-\tanna"),
    "inner layer without entities": render(lambda n, token, tag: f"{n + 1}\t{token}\t{tag}\tO"),
    "comments": "# a file\n\n# sent_id = 7\n" + render(lambda n, token, tag: f"{token}\t{tag}", "\n\n# next one\n"),
    "document marks": "###MEDLINE:9\n" + render(lambda n, token, tag: f"{token}\t{tag}", "\n\n###MEDLINE:10\n\n"),
    "header": "Token\tTag\n" + render(lambda n, token, tag: f"{token}\t{tag}"),
    "many blank lines": render(lambda n, token, tag: f"{token}\t{tag}", "\n\n\n \n\t\n"),
    "no final newline": render(lambda n, token, tag: f"{token}\t{tag}").rstrip("\n"),
    "CRLF": render(lambda n, token, tag: f"{token}\t{tag}").replace("\n", "\r\n"),
    "BOM": "\ufeff" + render(lambda n, token, tag: f"{token}\t{tag}"),
    "IOB1": render(lambda n, token, tag: f"{token}\t{tag}", tags=IOB1),
    "IOBES": render(lambda n, token, tag: f"{token}\t{tag}", tags=IOBES),
    "BILOU": render(lambda n, token, tag: f"{token}\t{tag}", tags=BILOU),
    "BMES": render(lambda n, token, tag: f"{token}\t{tag}", tags=BMES),
    "suffixes": render(lambda n, token, tag: f"{token}\t{tag}", tags=SUFFIX),
    "underscores": render(lambda n, token, tag: f"{token}\t{tag}", tags=UNDERSCORE),
}


def write(folder, text, name="corpus.txt"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


def read(path, **options):
    return list(conll.read(path, path.name, ReadOptions(**options)))


def seen(rows):
    return [(row.sentence, [(e.text, e.label, e.start, e.end) for e in row.gold]) for row in rows]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_sentences_and_entities(tmp_path, name):
    path = write(tmp_path, DIALECTS[name])
    assert format_of(path).name == "conll"
    rows = read(path)
    assert seen(rows) == EXPECTED
    assert {row.schema for row in rows} == {("person", "place")}


def test_a_packed_file_is_read_like_a_plain_one(tmp_path):
    path = tmp_path / "corpus.txt.gz"
    path.write_bytes(gzip.compress(DIALECTS["tabs"].encode()))
    assert format_of(path).name == "conll"
    assert seen(read(path)) == EXPECTED


def test_plain_types_are_one_entity_as_long_as_they_are_equal(tmp_path):
    path = write(tmp_path, "Ada\tPERS\nLovelace\tPERS\nsaw\tO\nthe\tO\nParis\tLOC\nOpera\tORG\n")
    assert seen(read(path)) == [
        (
            "Ada Lovelace saw the Paris Opera",
            [("Ada Lovelace", "PERS", 0, 12), ("Paris", "LOC", 21, 26), ("Opera", "ORG", 27, 32)],
        )
    ]


def test_tags_without_a_type_need_the_type(tmp_path):
    path = write(tmp_path, "the\tO\nBRCA1\tB\ngene\tI\nis\tO\n")
    with pytest.raises(InputError, match="--schema"):
        read(path)
    assert seen(read(path, schema=("gene",))) == [("the BRCA1 gene is", [("BRCA1 gene", "gene", 4, 14)])]


def test_an_inside_tag_of_another_type_begins_a_new_entity(tmp_path):
    path = write(tmp_path, "a\tI-x\nb\tI-x\nc\tI-y\nd\tB-y\ne\tO\nf\tI-x\n")
    assert [e[0] for e in seen(read(path))[0][1]] == ["a b", "c", "d", "f"]


def test_tokens_keep_their_inner_and_outer_spaces(tmp_path):
    path = write(tmp_path, "\tO\nke s\tO\nMH17 \tB-thing\nPray\tI-thing\n \tO\n")
    row = read(path)[0]
    assert row.sentence == " ke s MH17  Pray  "
    assert row.gold == (Entity("MH17  Pray", "thing", 6, 16),)


def test_a_no_break_space_is_no_column(tmp_path):
    path = write(tmp_path, "10\u00a0km B-length\nup O\n\u3000 O\n")
    assert seen(read(path)) == [("10\u00a0km up \u3000", [("10\u00a0km", "length", 0, 5)])]


def test_a_hash_can_be_a_token_and_a_comment(tmp_path):
    path = write(tmp_path, "# this is a comment\n#\tO\n1\tO\n#tag\tB-topic\n\n#tag\tB-topic\n# 5\tO\n")
    assert seen(read(path)) == [
        ("# 1 #tag", [("#tag", "topic", 4, 8)]),
        ("#tag # 5", [("#tag", "topic", 0, 4)]),
    ]


def test_the_text_of_a_comment_is_the_sentence(tmp_path):
    text = "# sent_id = s1\n# text = Ada's (young) friend.\n"
    tokens = ["Ada\tB-p", "'s\tO", "(\tO", "young\tO", ")\tO", "friend\tO", ".\tO"]
    body = "\n".join(f"{number}\t{token}" for number, token in enumerate(tokens, 1))
    row = read(write(tmp_path, f"{text}{body}\n"))[0]
    assert (row.sentence, row.source_id) == ("Ada's (young) friend.", "s1")
    assert row.gold == (Entity("Ada", "p", 0, 3),)


def test_a_text_that_is_not_its_tokens_is_not_used(tmp_path):
    row = read(write(tmp_path, "# text = something else\n1\tAda\tB-p\n2\truns\tO\n3\t.\tO\n"))[0]
    assert row.sentence == "Ada runs ."


def test_multiword_lines_of_conllu_are_no_tokens(tmp_path):
    for tag in ("O", "_", "B-place"):
        lines = f"1\tvoy\tO\n2-3\tal\t{tag}\n2\ta\tO\n3\tel\tO\n4\tPrado\tB-place\n4.1\tx\t{tag}\n"
        assert seen(read(write(tmp_path, lines))) == [("voy a el Prado", [("Prado", "place", 9, 14)])]


def test_empty_columns_after_the_last_are_none(tmp_path):
    path = write(tmp_path, "Ada\tB-p\t\t\nruns\tO\n\nto\tO\nRome\tB-q\n")
    assert seen(read(path)) == [("Ada runs", [("Ada", "p", 0, 3)]), ("to Rome", [("Rome", "q", 3, 7)])]


def test_a_line_of_any_white_space_ends_a_sentence(tmp_path):
    path = write(tmp_path, "Ada B-p\nruns O\n \u00a0\u3000\nto O\nRome B-q\n")
    assert [sentence for sentence, _ in seen(read(path))] == ["Ada runs", "to Rome"]


def test_line_ends_of_old_macs_are_named(tmp_path):
    (bad,) = read(write(tmp_path, "Ada\tB-p\rruns\tO\r"))
    assert "line 1: a carriage return" in bad.detail


def test_two_columns_of_tags_are_refused_with_both_readings(tmp_path):
    path = write(tmp_path, "1\tAachen\tB-LOC\tB-ORG\n2\tgewinnt\tO\tO\n3\t.\tO\tO\n")
    with pytest.raises(InputError) as error:
        open_source(str(path), "conll")
    message = str(error.value)
    assert "'Aachen' = 'B-LOC'" in message
    assert "'Aachen' = 'B-ORG'" in message
    assert str(path) in message
    assert "\n" not in message


def test_tokens_that_look_like_tags_are_refused_with_both_readings(tmp_path):
    path = write(tmp_path, "B-cell\tO\nS-phase\tO\nI-kappaB\tO\n")
    with pytest.raises(InputError) as error:
        read(path)
    assert "token 'O' = 'B-cell'" in str(error.value)
    assert "token 'B-cell' = 'O'" in str(error.value)


def test_prediction_beside_gold_is_refused_even_if_they_agree(tmp_path):
    path = write(tmp_path, "Ada B-PER B-PER\nruns O O\n. O O\n\n")
    with pytest.raises(InputError, match=r"columns 2 and 3 look like tags.*--column"):
        read(path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alone", "1 column where the file has 2"),
        ("three\tO\tO", "3 columns where the file has 2"),
        ("empty\t\tO", "3 columns where the file has 2"),
        ("inner\rend\tO", "carriage return"),
        ("spaced O", "parted by spaces"),
        ("what\tX-PER", "'X-PER' is none of"),
        ("what\t", "'' is none of"),
        ("what\tB-", "'B-' is none of"),
        ("#hashtag", "1 column where the file has 2"),
        ("what\tB-DNA|I-protein", "several tags"),
    ],
)
def test_a_broken_line_drops_its_sentence_and_is_named(tmp_path, line, why):
    path = write(tmp_path, f"good\tB-x\none\tO\n\nbad\tO\n{line}\n\nalso\tO\ngood\tO\n")
    first, bad, last = read(path)
    assert isinstance(bad, BadRow)
    assert bad.row == 5
    assert bad.detail.startswith("line 5: ")
    assert why in bad.detail
    assert (first.sentence, last.sentence, last.gold) == ("good one", "also good", ())


def test_a_hashtag_without_a_tag_at_the_start_is_no_comment(tmp_path):
    good, bad = read(write(tmp_path, "good\tB-x\none\tO\n\n#hashtag\nmore\tO\n"))
    assert good.sentence == "good one"
    assert (bad.row, type(bad)) == (4, BadRow)


def test_tabs_in_a_file_of_spaces_are_a_broken_line(tmp_path):
    rows = read(write(tmp_path, "good B-x\none O\nmore O\n\nbad\tO\n"))
    assert isinstance(rows[1], BadRow)
    assert "parted by tabs" in rows[1].detail


def test_half_tabs_and_half_spaces_are_one_error(tmp_path):
    path = write(tmp_path, "a\tB-x\nb O\nc\tO\nd O\ne O\nf\tO\n")
    for call in (lambda: format_of(path), lambda: read(path)):
        with pytest.raises(InputError, match="line 1 parts its columns by tabs, line 2 by spaces"):
            call()


def test_commas_between_columns_are_a_table_and_no_columns(tmp_path):
    path = write(tmp_path, "Sentence #,Word,POS,Tag\n" + "Sentence: 1,Ada,NNP,B-per\n,of,IN,O\n,Rome,NNP,B-geo\n" * 5)
    assert format_of(path).name == "table"
    with pytest.raises(InputError, match="line 1 parts its columns by commas"):
        read(path)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["B-cell-B", "B-cell-I", "DNA-B"], "suffixed"),
        (["B-cell-B", "B-cell-I", "B-cell-E"], "suffixed"),
        (["e-S", "c-S", "f-B"], "suffixed"),
        (["B-type-S", "I-type-S", "B-type-S"], "prefixed"),
        (["B-S", "I-S", "B-PER"], "prefixed"),
        (["B-B", "I-B"], "prefixed"),
    ],
)
def test_types_that_look_like_a_part_of_a_tag(tags, scheme):
    assert scheme_of({"O": 9, **dict.fromkeys(tags, 2)}) == scheme


@pytest.mark.parametrize("tag", ["B\u2013PER", "B:PER", "Q-PER"])
def test_a_prefix_that_nobody_knows_is_no_type(tmp_path, tag):
    bad, good = read(write(tmp_path, f"Ada\t{tag}\nruns\tO\n\nto\tO\nthe\tO\nsea\tO\n"))
    assert isinstance(bad, BadRow)
    assert f"line 1: the tag {tag!r} is none of" in bad.detail
    assert good.gold == ()


def test_a_sentence_of_empty_tokens_is_dropped(tmp_path):
    rows = read(write(tmp_path, "a\tB-x\nb\tO\n\n\tO\n\nc\tO\n"))
    assert [type(row) for row in rows] == [SourceRow, BadRow, SourceRow]
    assert rows[1].row == 4


def test_bytes_that_are_no_text_are_one_error(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"Ada\tB-x\nZo\xeb\tO\n")
    with pytest.raises(InputError, match="line 2 is not UTF-8"):
        open_source(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "The B-cell responded to it.\n",
        "One sentence here.\nAnother one there.\nA third one.\n",
        "Vitamin O\n",
        "hello world\n",
        "She took vitamin B\nand vitamin O\n",
    ],
)
def test_plain_text_is_no_columns(tmp_path, text):
    assert format_of(write(tmp_path, text)).name == "text"


@pytest.mark.parametrize("separator", ["\t", " "])
def test_columns_without_tags_are_never_read_as_text(tmp_path, separator):
    block = "".join(f"{word}{separator}{tag}\n" for word, tag in (("the", "DT"), ("cat", "NN"), ("sat", "VBD")))
    with pytest.raises(InputError, match="none of them holds tags"):
        format_of(write(tmp_path, "\n".join([block] * 4)))


def test_brackets_are_refused(tmp_path):
    line = "doc 0 0 Ada NNP (TOP* - - - - (PERSON) (0)\n"
    with pytest.raises(InputError, match="brackets"):
        format_of(write(tmp_path, f"#begin document (doc);\n{line}\n#end document\n"))


def test_a_file_that_begins_with_a_bracket_is_still_columns(tmp_path):
    path = write(tmp_path, "[\tO\nAda\tB-p\n]\tO\n")
    assert format_of(path).name == "conll"
    assert seen(read(path)) == [("[ Ada ]", [("Ada", "p", 2, 5)])]


def test_the_schema_is_that_of_all_files_of_the_dataset(tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    write(folder, "Ada\tB-p\nruns\tO\n", "train.txt")
    write(folder, "Rome\tB-q\nburns\tO\n", "dev.txt")
    found = list(items(open_source(str(folder))))
    assert {item.outcome.record.schema for item in found} == {("q", "p")}
    assert [(r.dataset, r.split) for r in (item.outcome.record for item in found)] == [
        ("news", "validation"),
        ("news", "train"),
    ]


def test_the_users_schema_comes_first_and_loses_no_type(tmp_path):
    path = write(tmp_path, "Ada\tB-p\nruns\tO\n")
    assert read(path, schema=("place", "q"))[0].schema == ("place", "q", "p")


@pytest.mark.parametrize(
    ("name", "dataset", "split"),
    [
        ("train.txt", "folder", "train"),
        ("dev.tsv.gz", "folder", "validation"),
        ("devel.tsv", "folder", "validation"),
        ("eng.testa", "eng", "validation"),
        ("en_ewt-ud-test.iob2", "en_ewt-ud", "test"),
        ("h.conll", "h", None),
        ("train-00000-of-00002.parquet", "folder", "train"),
    ],
)
def test_names_of_datasets_and_splits(tmp_path, name, dataset, split):
    from nercot.formats.files import dataset_of, split_of

    path = tmp_path / "folder" / name
    assert (dataset_of(path), split_of(name)) == (dataset, split)


def test_survey_leaves_the_files_in_order(tmp_path):
    paths = [write(tmp_path, "Ada\tB-p\nruns\tO\n", name) for name in ("b.txt", "a.txt")]
    surveyed = conll.survey([DataFile(path, path.name) for path in paths], ReadOptions())
    assert [file.path for file in surveyed] == paths


LABEL = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")), min_size=1).filter(
    lambda text: "|" not in text
)


@settings(deadline=None)
@given(st.data())
def test_tags_and_spans_are_inverse(data):
    cuts = sorted(data.draw(st.sets(st.integers(0, 12), min_size=2)))
    spans = [(start, end, data.draw(LABEL)) for start, end in pairwise(cuts) if data.draw(st.booleans())]
    tags = encode(12, spans)
    scheme = scheme_of({tag: tags.count(tag) for tag in tags})
    assert decode([split_tag(tag, scheme) for tag in tags]) == spans


WORD = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\f\v "), max_size=8)
ANCHOR = Record("0", "d", "an anchor of four", ("x",), gold=(Entity("anchor", "x", 3, 9),))


@st.composite
def records(draw):
    tokens = draw(st.lists(WORD, min_size=1, max_size=8))
    sentence = " ".join(tokens)
    starts = [sum(len(token) + 1 for token in tokens[:at]) for at in range(len(tokens) + 1)]
    gold, at = [], 0
    while at < len(tokens):
        length = draw(st.integers(0, 3))
        start, end = starts[at], starts[min(at + max(length, 1), len(tokens))] - 1
        text = sentence[start:end]
        if length and text and text == text.strip() and draw(st.booleans()):
            gold.append(Entity(text, draw(st.sampled_from("xyz")), start, end))
        at += max(length, 1)
    return Record("1", "d", sentence, ("x", "y", "z"), gold=tuple(gold))


@settings(deadline=None)
@given(st.lists(records(), max_size=3))
def test_what_columns_hold_comes_back(tmp_path_factory, listed):
    listed = [record for record in listed if record.sentence.strip() and not record.sentence.startswith("-DOCSTART-")]
    path = tmp_path_factory.mktemp("round") / "trip.txt"
    path.write_text("\n".join([*conll.lines([ANCHOR] * 20 + listed), ""]), encoding="utf-8", newline="\n")
    rows = read(path)[20:]
    assert [(row.sentence, row.gold) for row in rows] == [(record.sentence, record.gold) for record in listed]
    assert all(not conll.losses(record) for record in listed)


def test_what_columns_cannot_hold_is_counted():
    def lost(sentence, *spans):
        gold = tuple(Entity(sentence[a:b], label, a, b) for a, b, label in spans)
        return dict(conll.losses(Record("1", "d", sentence, ("x", "y"), gold=gold)))

    assert lost("New York based", (0, 8, "x"), (4, 8, "y"), (0, 8, "y")) == {"overlapping": 2}
    assert lost("a 5mg dose", (2, 3, "x")) == {"retokenised": 1}
    assert lost("a\ttab", (0, 1, "x")) == {"white_space": 1}
    assert lost("two  spaces", (0, 3, "x")) == {}
    assert lost("a type", (2, 6, "in two\nlines")) == {"white_space": 1}


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "x.txt"
    path.write_bytes(content)
    rows, message = [], None
    try:
        rows = read(path)
    except InputError as error:
        message = str(error)
    assert message is None or (str(path) in message and len(message.splitlines()) == 1)
    assert all(isinstance(row, SourceRow | BadRow) for row in rows)


# Rows and entities as the table of the data's README states them.
COUNTS = {
    "crossner/ai/train.txt": (100, 532),
    "crossner/ai/dev.txt": (350, 1549),
    "crossner/literature/train.txt": (100, 541),
    "crossner/literature/dev.txt": (400, 2130),
    "crossner/music/train.txt": (100, 648),
    "crossner/music/dev.txt": (380, 2679),
    "crossner/politics/train.txt": (200, 1304),
    "crossner/politics/dev.txt": (541, 3482),
    "crossner/science/train.txt": (200, 1075),
    "crossner/science/dev.txt": (450, 2538),
    "mit/movie/train.txt": (9775, 21295),
    "mit/restaurant/train.txt": (7660, 15363),
    "bio/BC5CDR-IOB/train.tsv.gz": (4560, 9385),
    "bio/BC5CDR-IOB/devel.tsv.gz": (4581, 9593),
    "bio/BC5CDR-IOBES/devel.tsv.gz": (4581, 9593),
    "bio/NCBI-disease-IOB/train.tsv.gz": (5424, 5134),
    "bio/NCBI-disease-IOB/devel.tsv.gz": (923, 787),
    "bio/AnatEM-IOB/train.tsv.gz": (5861, 6946),
    "bio/AnatEM-IOB/devel.tsv.gz": (2118, 2139),
    "bio/BC2GM-IOB/train.tsv.gz": (12574, 15197),
    "bio/BC2GM-IOB/devel.tsv.gz": (2519, 3061),
    "broad_twitter/a.conll": (1000, 521),
    "broad_twitter/b.conll": (2000, 1610),
    "broad_twitter/e.conll": (200, 325),
    "broad_twitter/g.conll": (2138, 4685),
    "broad_twitter/h.conll": (2001, 3368),
    "wikiann_en/train.conllu.gz": (20000, 27931),
    "wikiann_en/val.conllu.gz": (10000, 14146),
    "wikineural_en/val.conllu.gz": (11590, 19621),
}


@pytest.mark.skipif(not DATA.is_dir(), reason="NERCOT_TEST_DATA is not set")
@pytest.mark.parametrize("name", COUNTS)
def test_every_sentence_and_entity_of_the_real_files_arrives(name):
    source = open_source(str(DATA / name))
    assert source.format.name == "conll"
    found = list(items(source))
    bad = [item for item in found if item.outcome.reason]
    entities = [entity for item in found for entity in item.outcome.record.gold or ()]
    assert (len(found), len(entities)) == COUNTS[name]
    assert {entity.match for entity in entities} == {"exact"}
    # One tweet of section h is a single token without a character.
    assert [item.row for item in bad] == ([30879] if name.endswith("h.conll") else [])
    assert not any(item.findings for item in found)


# --- any dialect --------------------------------------------------------------------------------------

WORDS = ["the", "in", "Ada", "London", ",", ".", "3", "1.5", "U.S.", "B-52", "O", "Иван", "東京", "@user", "#tag", "'"]
WORDS += ["-", "I-95", "E-mail", "S-Bahn", "IL-2", "w1", "w2", "w3"]
LETTERS = {"IOBES": "BIES", "BILOU": "BILU", "BMES": "BMES", "BIO": "BIIB"}
COLUMNS = {
    "token tag": "{w}|{t}",
    "tag token": "{t}|{w}",
    "index token tag": "{n}|{w}|{t}",
    "index tag token": "{n}|{t}|{w}",
    "four": "{w}|NN|B-NP|{t}",
    "more after": "{n}|{w}|{t}|-|-",
}


@st.composite
def dialects(draw):
    """(text of a file, its sentences and entities) in some dialect."""
    begin, inside, end, single = LETTERS[draw(st.sampled_from(sorted(LETTERS)))]
    tabs, glue, lower = draw(st.booleans()), draw(st.sampled_from("-_")), draw(st.booleans())
    column = draw(st.sampled_from(sorted(COLUMNS.values()))).replace("|", "\t" if tabs else " ")
    blocks, expected = [], []
    for number in range(draw(st.integers(3, 9))):
        # The first one is what any real file has: many words, and an entity.
        tokens = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9)) if number else WORDS
        tags, spans, at = [], [], 0
        while at < len(tokens):
            size = min(draw(st.integers(0, 3)) if number or at else 2, len(tokens) - at)
            label = draw(st.sampled_from(["PER", "ORG_X"]))
            letters = single if size == 1 else begin + inside * (size - 2) + end if size else ""
            tags += [f"{letter.lower() if lower else letter}{glue}{label}" for letter in letters] or ["O"]
            spans += [(at, at + size, label)] if size else []
            at += max(size, 1)
        lines = [column.format(n=n, w=w, t=t) for n, (w, t) in enumerate(zip(tokens, tags, strict=True))]
        blocks.append("\n".join(lines))
        found = []
        for start, stop, label in spans:
            text, before = " ".join(tokens[start:stop]), len(" ".join([*tokens[:start], ""]))
            found.append((text, label, before, before + len(text)))
        expected.append((" ".join(tokens), found))
    text = draw(st.sampled_from(["", "\ufeff"])) + "\n\n".join(blocks)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))), expected


@settings(max_examples=40, deadline=None)
@given(dialects())
def test_any_dialect_arrives_whole_or_shows_both_readings(tmp_path_factory, dialect):
    text, expected = dialect
    path = tmp_path_factory.mktemp("dialect") / "corpus.txt"
    path.write_bytes(text.encode())
    try:
        assert format_of(path).name == "conll"
        rows = read(path)
    except InputError as error:
        assert "both look like tags" in str(error)  # noqa: PT017
        return
    assert seen(rows) == expected
