"""Tokens become the text that they were cut from: scripts without spaces, spaces as tokens, marks of pieces."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.errors import InputError
from nercot.formats.joining import Joining, is_telling, joining_of
from nercot.formats.sources import items, open_source, reading


def join(*sentences, asked="auto", glued=()):
    joining = joining_of(Counter(token for tokens in sentences for token in tokens), asked)
    return [joining.join(tokens, glued)[0] for tokens in sentences]


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (list("王小明在北京读书。"), "王小明在北京读书。"),
        (["王小明", "在", "北京", "读书", "。"], "王小明在北京读书。"),
        ([*"我用", "iPhone", "Pro", *"拍照。"], "我用iPhone Pro拍照。"),
        (list("東京タワーに行く。"), "東京タワーに行く。"),
        (list("조은 영 씨"), "조은 영 씨"),
        (["조", "은", "", "영", "씨", "", "가", "다"], "조은 영씨 가다"),
        (["ไป", " ", "กรุงเทพ"], "ไป กรุงเทพ"),
        (["Mara", " ", "Lind", " ", "left", "."], "Mara Lind left."),
        (["Ma", "##ra", "Lind", "left", "Os", "##lo"], "Mara Lind left Oslo"),
        (["Ma@@", "ra", "left"], "Mara left"),
        (["▁Mara", "▁Li", "nd", "▁left", "."], "Mara Lind left."),
        (["ĠMara", "ĠLi", "nd", "."], "Mara Lind."),
        (["ĠZ", "Ã¼", "rich"], "Zürich"),
        (["ma", "ra</w>", "left</w>"], "mara left"),
        (["Mara", "left", "\uffed."], "Mara left."),
        (["Mara", "Lind", "left", "."], "Mara Lind left ."),
    ],
)
def test_tokens_are_joined_as_they_show(tokens, text):
    assert join(tokens) == [text]


def test_a_few_odd_tokens_change_nothing():
    assert join(["a", " ", "word", "of", "many", "others", "here"]) == ["a   word of many others here"]
    assert join(["Mara", "said", "王小明", "in", "English"]) == ["Mara said 王小明 in English"]
    assert join(["##", "is", "no", "piece"]) == ["## is no piece"]


def test_what_is_asked_for_counts():
    assert join(list("王小"), asked="space") == ["王 小"]
    assert join(["Mara", "Lind"], asked="none") == ["MaraLind"]
    with pytest.raises(InputError, match="space, none"):
        joining_of(Counter("a"), "glue")


def test_tokens_that_the_file_says_are_glued():
    assert Joining().join(["Mara", "left", "."], [False, True, False])[0] == "Mara left."


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4), min_size=1, max_size=8)
)
def test_offsets_are_those_of_the_tokens_in_any_way(tokens):
    for asked in ("auto", "space", "none"):
        joining = joining_of(Counter(tokens), asked)
        text, offsets = joining.join(tokens)
        assert len(offsets) == len(tokens)
        assert all(0 <= start <= end <= len(text) for start, end in offsets)
        if joining.way in ("space", "none", "unspaced"):
            assert [text[start:end] for start, end in offsets] == tokens


def test_what_may_be_read_otherwise_is_told_apart():
    assert is_telling("王小明在")
    assert is_telling("a  b")
    assert is_telling("Ma ##ra")
    assert not is_telling("Mara Lind")


def texts(path, **options):
    from dataclasses import replace

    source = open_source(str(path), options=replace(reading(None), **options))
    return [item.outcome.record for item in items(source)]


def test_columns_gold_and_text_of_characters(tmp_path):
    path = tmp_path / "zh.txt"
    path.write_text("王\tB-PER\n小\tI-PER\n在\tO\n北\tB-LOC\n京\tI-LOC\n", encoding="utf-8")
    (record,) = texts(path)
    assert record.sentence == "王小在北京"
    assert [(e.text, e.start, e.end) for e in record.gold] == [("王小", 0, 2), ("北京", 3, 5)]
    assert texts(path, join="space")[0].sentence == "王 小 在 北 京"


def test_rows_of_characters(tmp_path):
    path = tmp_path / "zh.jsonl"
    path.write_text('{"tokens": ["王", "小", "在"], "ner_tags": ["B-PER", "I-PER", "O"]}\n', encoding="utf-8")
    assert texts(path)[0].sentence == "王小在"


def test_space_after_no_in_columns(tmp_path):
    path = tmp_path / "ud.conllu"
    line = "{}\t{}\t_\tX\t_\t_\t0\t_\t_\t{}"
    rows = [
        line.format(1, "Mara", "NER=B-PER"),
        line.format(2, "left", "SpaceAfter=No|NER=O"),
        line.format(3, ".", "NER=O"),
    ]
    path.write_text("\n".join(rows) + "\n\n", encoding="utf-8")
    assert texts(path)[0].sentence == "Mara left."


@pytest.mark.parametrize("space", ["", " "])
def test_one_blank_token_does_not_glue_the_others(tmp_path, space):
    path = tmp_path / "letters.conll"
    path.write_text(f"a\tO\nz\tB-X\n\na\tO\n{space}\tO\nz\tB-X\n\n")
    assert [record.sentence for record in texts(path)] == ["a z", f"a {space} z"]


def test_words_without_a_space_token_among_them_are_parted():
    assert join(["Mara", " ", "left"], ["Oslo", " ", "fell"], ["Lind", "left"]) == [
        "Mara left",
        "Oslo fell",
        "Lind left",
    ]
    assert join(["서울", "에서", " ", "또", " ", "왔다"], ["서울", "에서"]) == ["서울에서 또 왔다", "서울에서"]
    assert join(["Mara", "Lind"], [" ", "x", " "], asked="none") == ["MaraLind", " x "]


def test_a_file_that_writes_some_texts_joins_the_others_by_spaces(tmp_path):
    columns = tmp_path / "mixed.conll"
    columns.write_text(
        "# text = 王小明在\n王\tO\n小明\tO\n在\tO\n\nb\tO\n.\tB-X\n\n# text = 三\n三\tO\n\n", encoding="utf-8"
    )
    assert [record.sentence for record in texts(columns)] == ["王小明在", "b .", "三"]
    rows = tmp_path / "mixed.jsonl"
    tagged = '{{"tokens": {}, "ner_tags": ["B-X", "O"]{}}}\n'
    rows.write_text(
        tagged.format('["王", "小"]', ', "text": "王小"') + tagged.format('["三", "."]', ""), encoding="utf-8"
    )
    assert [record.sentence for record in texts(rows)] == ["王小", "三 ."]
