"""Mentions to offsets: in which way, at which place, and where not at all."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity
from nercot.validation.grounding import ground, ground_entities, ground_gold, occurrences, suggest


def spans(sentence, *mentions, cot=None, fuzzy=False):
    grounded = ground(sentence, [(label, text) for label, text in mentions], cot, fuzzy)
    for entity in grounded:
        if entity.start is not None:
            assert sentence[entity.start : entity.end] == entity.text
    return [(entity.start, entity.match) for entity in grounded]


@pytest.mark.parametrize(
    ("sentence", "mention", "start", "match"),
    [
        ("He moved to Rome .", "Rome", 12, "exact"),
        ("use C + + here", "C++", 4, "whitespace"),
        ("use C++ here", "C++", 4, "exact"),
        ("It cost $ 100 .", "$100", 8, "whitespace"),
        ("It cost $100.", "$100", 8, "exact"),
        ("in the U.S. today", "U.S.", 7, "exact"),
        ("AT&T and others", "AT&T", 0, "exact"),
        ("cc @some_handle now", "@some_handle", 3, "exact"),
        ("said “Die Zeit” then", '"Die Zeit"', 5, "normalised"),
        ("the 1914–18 war", "1914-18", 4, "normalised"),
        ("the `` Times '' said", '" Times "', 4, "normalised"),
        ("cafe\u0301 noir", "café", 0, "normalised"),
        ("café noir", "cafe\u0301", 0, "normalised"),
        ("ｆｕｌｌ width", "full", 0, "normalised"),
        ("NEW YORK-based", "new york", 0, "case"),
        ("İstanbul'da bir gün", "istanbul", 0, "case"),
        ("die STRASSE dort", "Straße", 4, "case"),
        ("line\nbreak here", "line break", 0, "whitespace"),
        ("四平保卫战在一九四六年", "四平", 0, "exact"),
        ("東京大学に行く", "東京大学", 0, "exact"),
        ("서울에서 만나", "서울", 0, "exact"),
        ("👩🏽‍💻 Priya in Pune 🇮🇳", "Pune", 14, "exact"),
        ("I ❤️ it", "❤", 2, "normalised"),
        ("a #WorldCup tweet", "WorldCup", 3, "exact"),
        ("a #WorldCup tweet", "World", 3, "exact"),
        ("take 5mg now", "mg", 6, "exact"),
        ("the Lindqvists left", "Lindqvist", 4, "exact"),
        ("встретил Путина вчера", "Путин", 9, "exact"),
        ("pro-Russian forces", "Russian", 4, "exact"),
        ("Mandelbrot 's set", "Mandelbrot", 0, "exact"),
        ("Anna's book", "Anna", 0, "exact"),
    ],
)
def test_found(sentence, mention, start, match):
    assert spans(sentence, ("t", mention)) == [(start, match)]


@pytest.mark.parametrize(
    ("sentence", "mention"),
    [
        ("The BUS left", "US"),
        ("a therapist came", "rapist"),
        ("Japanese food", "Japan"),
        ("the Siouxland area", "Sioux"),
        ("cafe\u0301 noir", "cafe"),
        ("Jürgen came", "Jurgen"),
        ("two cars", "2 cars"),
        ("Departments of State , Defense", "Department of Defense"),
        ("John and Mary Smith", "John Smith"),
        ("something", ""),
        ("something", "  "),
        ("", "x"),
        ("👩🏽‍💻 works", "👩"),
    ],
)
def test_not_there(sentence, mention):
    assert spans(sentence, ("t", mention)) == [(None, None)]
    assert occurrences(sentence, mention) == []


def test_several_listings_take_several_places_and_no_more():
    sentence = "dex and dexamethasone and dex"
    assert spans(sentence, *[("d", "dex")] * 3) == [(0, "exact"), (26, "exact"), (None, None)]


def test_spelling_in_other_spacing_is_a_further_place_but_other_case_is_not():
    assert spans("C + + and C++", *[("l", "C++")] * 2) == [(10, "exact"), (0, "whitespace")]
    assert spans("the Tern and a tern", *[("l", "Tern")] * 2) == [(4, "exact"), (None, None)]


def test_one_span_may_have_two_types():
    assert spans("the Benetton cars", ("team", "Benetton"), ("company", "Benetton")) == [(4, "exact")] * 2


def test_two_types_of_one_string_take_two_places_where_there_are_two():
    assert [start for start, _ in spans("Jordan flew to Jordan", ("p", "Jordan"), ("c", "Jordan"))] == [0, 15]


def test_what_a_longer_mention_covers_is_the_last_choice():
    sentence = "the Progressive Conservative Party and the Conservative Party"
    longer, shorter = ("p", "Progressive Conservative Party"), ("p", "Conservative Party")
    assert [start for start, _ in spans(sentence, shorter, longer)] == [43, 4]
    assert [start for start, _ in spans("the Progressive Conservative Party", shorter, longer)] == [16, 4]


def test_the_trace_may_mean_another_place_than_the_leftmost():
    sentence = "Rivers such as the Amazon made Amazon the name of a firm ."
    assert spans(sentence, ("firm", "Amazon"), cot='"made Amazon the name of a firm": a firm.') == [(31, "exact")]
    assert spans(sentence, ("firm", "Amazon"), cot="The second Amazon is the firm.") == [(31, "exact")]
    assert spans(sentence, ("river", "Amazon"), cot="Amazon is a river.") == [(19, "exact")]
    assert spans(sentence, ("river", "Amazon"), cot=f"{sentence} Amazon is a river.") == [(19, "exact")]


def test_the_nearest_text_is_for_gold_only():
    assert spans("He saw Mosckow again", ("c", "Moscow")) == [(None, None)]
    assert spans("He saw Mosckow again", ("c", "Moscow"), fuzzy=True) == [(7, "fuzzy")]
    assert suggest("He saw Mosckow again", "Moscow") == "Mosckow"
    assert suggest("He saw nothing", "Moscow") is None


def test_gold_keeps_right_offsets_mends_wrong_ones_and_counts_what_it_leaves_out():
    sentence = "Paris met Paris in Berlin"
    gold = [
        Entity("Paris", "person", 10, 15),
        Entity("Paris", "city", 1, 6),
        Entity("Berlin", "city"),
        Entity("Paris", "person", 99, 104),
        Entity("Paris", "person", 3, 1),
        Entity("Rome", "city", 0, 4),
        Entity("Berlim", "city", None, None),
    ]
    kept, counts = ground_gold(sentence, gold)
    assert [(e.text, e.label, e.start, e.match) for e in kept] == [
        ("Paris", "person", 10, "exact"),
        ("Paris", "city", 0, "exact"),
        ("Berlin", "city", 19, "exact"),
        ("Paris", "person", 0, "exact"),
    ]
    assert counts == {"regrounded": 2, "located": 1, "repeated": 1, "absent": 2}


def test_entities_with_right_offsets_keep_their_evidence():
    entity = Entity("Rome", "city", 3, 7, "exact", 10, 20)
    assert ground_entities("in Rome", [entity, Entity("in", "x")])[0] == entity


WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, max_size=12)


@given(WORDS, st.data())
@settings(max_examples=300)
def test_a_run_of_words_is_found_where_it_says(words, data):
    sentence = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    mention = " ".join(words[first : last + 1])
    (entity,) = ground(sentence, [("t", mention)])
    if entity.start is not None:
        assert sentence[entity.start : entity.end] == entity.text
        assert entity.match in ("exact", "normalised", "whitespace", "case")
    if entity.match == "exact":
        assert entity.text == mention


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.sampled_from("ab"), st.text(max_size=6)), max_size=6),
    st.text(max_size=60),
)
@settings(max_examples=400)
def test_no_place_is_taken_twice_under_one_type(sentence, mentions, cot):
    grounded = ground(sentence, mentions, cot)
    assert [entity.label for entity in grounded] == [label for label, _ in mentions]
    taken = [(entity.label, entity.start, entity.end) for entity in grounded if entity.start is not None]
    assert len(taken) == len(set(taken))
    for entity in grounded:
        assert (entity.start is None) == (entity.end is None) == (entity.match is None)
        assert entity.start is None or sentence[entity.start : entity.end] == entity.text


@pytest.mark.parametrize("sentence", ["a" * 200_000, "a " * 100_000, "İ" * 50_000, "e\u0301" * 50_000])
def test_a_long_sentence_ends(sentence):
    for mention in ("a", "a" * 1000, "A", "zz", "e\u0301"):
        ground(sentence, [("t", mention)] * 3, cot="a a a")


def test_real_gold_stays_where_it_is():
    root = os.environ.get("NERCOT_TEST_DATA")
    if not root:
        pytest.skip("NERCOT_TEST_DATA is not set")
    lines = (Path(root) / "bio").rglob("*.tsv.gz")
    checked = 0
    for path in lines:
        for sentence, gold in _column_sentences(path, limit=300):
            kept, counts = ground_gold(sentence, [Entity(e.text, e.label) for e in gold])
            assert len(kept) == len(gold)
            assert set(counts) <= {"located"}
            checked += 1
    if not checked:
        pytest.skip("no column files in the data folder")


def _column_sentences(path, limit):
    tokens, tags = [], []
    for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) >= 2 and parts[0]:
            tokens.append(parts[0])
            tags.append(parts[-1])
            continue
        if tokens and limit:
            yield " ".join(tokens), _entities(tokens, tags)
            limit -= 1
        tokens, tags = [], []


def _entities(tokens, tags):
    found, start = [], 0
    current: list[str] = []
    for token, tag in zip([*tokens, ""], [*tags, "O"], strict=True):
        if current and not tag.startswith("I-"):
            found.append(Entity(" ".join(current), "t", start - len(" ".join(current)) - 1, start - 1))
            current = []
        if tag.startswith("B-") or (tag.startswith("I-") and not current):
            current = [token]
        elif tag.startswith("I-"):
            current.append(token)
        start += len(token) + 1
    return found
