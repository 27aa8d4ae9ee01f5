import os
import subprocess
import sys
from itertools import combinations, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nercot.formats.rows import SourceRow
from nercot.formats.sources import open_source, rows
from nercot.steps.duplicates import (
    FIRST,
    MAX_WORDS,
    duplicate_key,
    near_duplicates,
    resemble,
    word_hashes,
    words_of,
)

DATA = os.environ.get("NERCOT_TEST_DATA")
LONG = "In the spring of 1921 the young painter Ada Reyes moved from Lisbon to a small house near Porto"


def likes(*sentences):
    return near_duplicates(lambda: sentences).as_dict()


def alike(one, other):
    return resemble(word_hashes(words_of(one)), word_hashes(words_of(other)))


def test_exact_duplicates_have_the_same_text_and_types():
    key = duplicate_key("Ada  met\tBob.", ["person", "City"])
    assert key == duplicate_key("Ada met Bob.", ["city", "Person"])
    assert key == duplicate_key(" Ada met Bob.\n", ["ci_ty", "person"])
    assert key != duplicate_key("ada met Bob.", ["person", "city"])
    assert key != duplicate_key("Ada met Bob.", ["person"])
    assert duplicate_key("e\u0301", ["x"]) == duplicate_key("é", ["x"])
    assert duplicate_key("a", ["b", "c"]) != duplicate_key("a", ["bc"])
    assert len(key) == 16


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Ada met BOB, twice.", ["ada", "met", "bob", "twice"]),
        ("Ada met “Bob” — twice…", ["ada", "met", "bob", "twice"]),
        ("don 't stop_now", ["don", "t", "stop", "now"]),
        ("Ünal’s İzmir", ["ünal", "s", "i\u0307zmir"]),
        ("東京は雨", ["東", "京", "は", "雨"]),
        ("ＡＢＣ　１２", ["abc", "12"]),
        ("राम और रीमा।", ["राम", "और", "रीमा"]),
        ("কলকাতা", ["কলকাতা"]),
        ("ที่มานี", ["ที่", "ม", "า", "นี"]),
        ("မောင်", ["မော", "င်"]),
        ("ສຸກ", ["ສຸ", "ກ"]),
        ("ភ្នំ", ["ភ្", "នំ"]),
        ("க்\u200dஷ", ["க்ஷ"]),
        ("!!!", ["!!!"]),
        ("😀", ["😀"]),
        ("", [""]),
        ("\ud800", ["\ud800"]),
    ],
)
def test_words_are_compared_without_case_and_punctuation(sentence, words):
    assert [word.decode("utf-8", "surrogatepass") for word in words_of(sentence)] == words


@given(st.text())
def test_every_text_has_words_and_resembles_itself(text):
    assert words_of(text)
    assert alike(text, text)


@pytest.mark.parametrize("length", [1, 3, 6, 7, 13, 14, 20, 21, 100])
def test_one_word_in_seven_may_differ(length):
    words = [f"w{number}" for number in range(length)]
    most = length // 7
    for changed in (most, most + 1):
        other = [f"x{word}" if place < changed else word for place, word in enumerate(words)]
        assert alike(" ".join(words), " ".join(other)) is (changed <= most)


def test_the_likes_of_a_sentence_are_the_earlier_ones_in_order():
    other = LONG.replace("young", "old")
    assert likes("Something else entirely.", LONG, other, LONG.upper() + " .") == {2: [1], 3: [1, 2]}


def test_short_sentences_have_to_be_equal():
    assert likes("Group A", "Group B", "group a.", "Group", "GROUP") == {2: [0], 4: [3]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("राम दिल्ली में रहता है", "रीमा दिल्ली में रहती है"),  # Devanagari
        ("सीमा आई", "सोमा आई"),
        ("রমা এসেছে", "রিমা এসেছে"),  # Bengali
        ("ਰਾਮ ਆਇਆ", "ਰੀਮ ਆਇਆ"),  # Gurmukhi
        ("રામ આવ્યો", "રીમ આવ્યો"),  # Gujarati
        ("ராமன் வந்தார்", "ராமின் வந்தார்"),  # Tamil
        ("రాము వచ్చాడు", "రామి వచ్చాడు"),  # Telugu
        ("ರಾಮು ಬಂದ", "ರಾಮಿ ಬಂದ"),  # Kannada
        ("രാമൻ വന്നു", "രമൻ വന്നു"),  # Malayalam
        ("නිමල් ආවා", "නමල් ආවා"),  # Sinhala
        ("มานี", "มานู"),  # Thai
        ("ສີດາ", "ສູດາ"),  # Lao
        ("မောင်မောင်", "မင်မင်"),  # Burmese
        ("សុខា", "សីខា"),  # Khmer
        ("བསོད་ནམས", "བསད་ནམས"),  # Tibetan
        ("かき", "がき"),  # kana, the mark composed
    ],
)
def test_names_that_differ_in_their_vowels_are_two(one, other):
    assert not alike(one, other)
    assert likes(one, other, f"{one} !") == {2: [0]}


def test_sentences_in_scripts_without_spaces_are_compared_by_character():
    assert likes("上海交通大学今天宣布新的研究中心", "上海交通大学昨天宣布新的研究中心。", "北京大学的学生") == {1: [0]}


def test_a_chain_is_reported_link_by_link():
    words = LONG.split()
    chain = [
        " ".join(f"x{word}" if place < changed else word for place, word in enumerate(words)) for changed in (0, 2, 4)
    ]
    assert likes(*chain) == {1: [0], 2: [1]}


def test_nothing_and_one_sentence_have_no_likes():
    assert likes() == {}
    assert likes("Ada.") == {}


def test_passages_that_agree_for_long_are_the_same():
    passage = " ".join(f"w{number}" for number in range(MAX_WORDS))
    assert likes(passage, passage + " and so on" * 40) == {1: [0]}


def test_a_crowd_of_equals_is_compared_with_the_first_only():
    found = likes(*[LONG] * 500)
    assert set(found) == set(range(1, 500))
    assert all(len(places) <= FIRST and places[0] == 0 for places in found.values())


def test_the_same_sentences_give_the_same_likes_in_every_process():
    code = (
        "from nercot.steps.duplicates import near_duplicates\n"
        "words = [f'word{n % 97}' for n in range(4000)]\n"
        "texts = [' '.join(words[n : n + 12 + n % 7]) for n in range(3000)]\n"
        "print(sorted(near_duplicates(lambda: texts).as_dict().items()))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop()) > 1000


@pytest.mark.skipif(DATA is None, reason="NERCOT_TEST_DATA is not set")
@pytest.mark.parametrize("path", ["mit/movie/train.txt", "wikiann_en/train.conllu.gz", "broad_twitter/h.conll"])
def test_on_real_sentences_hardly_any_is_missed(path):
    read = islice(rows(open_source(str(Path(DATA, path)))), 1500)
    sentences = [row.sentence for row in read if isinstance(row, SourceRow)]
    words = [word_hashes(words_of(sentence)) for sentence in sentences]
    pairs = [
        (later, earlier)
        for earlier, later in combinations(range(len(words)), 2)
        if abs(len(words[earlier]) - len(words[later])) < 4 and resemble(words[later], words[earlier])
    ]
    found = near_duplicates(lambda: sentences).as_dict()
    wanted = {later for later, _ in pairs}
    assert len(wanted) >= 5
    assert set(found) <= wanted
    assert len(found) >= 0.9 * len(wanted)
