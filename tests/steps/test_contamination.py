import json
import os
import random
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.errors import RecipeError
from nercot.formats.sources import open_source, rows
from nercot.steps.contamination import LEAST, SHARE, Contamination, find_benchmark_files
from nercot.steps.duplicates import resemble, word_hashes, words_of

DATA = os.environ.get("NERCOT_TEST_DATA")
TEST = "The river Inn rises in the Engadin and reaches the Danube at Passau after five hundred kilometres"
SHORT = "SOCCER - JAPAN GET LUCKY WIN"


def write_rows(path, *sentences, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(json.dumps({"sentence": text, "schema": ["x"], "gold": [], **more}) + "\n" for text in sentences)
    )
    return path


def checker(folder, *sentences):
    write_rows(folder / "CoNLL 2003_sample_15000" / "test.jsonl", *sentences)
    return Contamination(find_benchmark_files(folder))


def found(check, *sentences):
    return list(check.find({"sentence": text} for text in sentences))


def test_a_sentence_like_a_test_sentence_is_found(tmp_path):
    check = checker(tmp_path, TEST, SHORT)
    hits = found(
        check,
        TEST,
        TEST.replace("five", "six").upper() + " .",
        SHORT,
        "SOCCER - JAPAN GET UNLUCKY WIN",
        "Another sentence about the Danube at Passau.",
        "",
    )
    assert hits == [("CoNLL03",), ("CoNLL03",), ("CoNLL03",), (), (), ()]


def test_a_passage_with_a_test_sentence_in_it_is_found(tmp_path):
    check = checker(tmp_path, TEST, SHORT)
    around = "Much has been written about Alpine rivers. {} . It freezes rarely, and boats go as far as Rosenheim."
    assert found(
        check,
        around.format(TEST),
        around.format(TEST.replace("five", "six")),
        around.format(" ".join(TEST.split()[:10])),
        around.format(SHORT),
    ) == [("CoNLL03",), ("CoNLL03",), (), ()]


def test_a_sentence_that_repeats_one_word_is_no_passage(tmp_path):
    check = checker(tmp_path, "no no no no no no no no no no no no")
    assert found(check, "She said no no no to all of it and left", "no " * 12) == [(), ("CoNLL03",)]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=16), min_size=1, max_size=8), st.data())
def test_no_like_is_missed_and_none_is_invented(tmp_path_factory, tests, data):
    sentences = [" ".join(words) for words in tests]
    check = checker(tmp_path_factory.mktemp("benchmarks"), *sentences)
    words = list(data.draw(st.sampled_from(tests)))
    for _ in range(data.draw(st.integers(0, 3))):
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from("abcdefgh"))
    hashes = word_hashes([word.encode() for word in words])
    whole = any(resemble(hashes, word_hashes(words_of(sentence))) for sentence in sentences)
    mine = set(zip(words, words[1:], words[2:], strict=False))
    contained = False
    for other in tests:
        theirs = set(zip(other, other[1:], other[2:], strict=False))
        contained |= len(theirs) >= LEAST and len(theirs & mine) >= SHARE * len(theirs)
    assert found(check, " ".join(words)) == [("CoNLL03",) if whole or contained else ()]


def test_only_test_files_and_files_of_no_split_count(tmp_path):
    write_rows(tmp_path / "crossner" / "ai" / "train.jsonl", "train")
    write_rows(tmp_path / "crossner" / "ai" / "test.jsonl", "test")
    write_rows(tmp_path / "crossner" / "music" / "dev.jsonl", "dev")
    write_rows(tmp_path / "mit" / "movie" / "all.jsonl", "movie")
    write_rows(tmp_path / "ontonotes5.jsonl", "flat")
    write_rows(tmp_path / "ncbi-disease_test.jsonl", "flat test")
    write_rows(tmp_path / "house set" / "rows.jsonl", "house")
    write_rows(tmp_path / ".cache" / "test.jsonl", "hidden")
    files = find_benchmark_files(tmp_path)
    assert [name for name, _ in files.tests] == ["CrossNER AI", "MIT Movie", "OntoNotes", "house set", "ncbi"]
    assert files.untested == ("CrossNER Music",)
    assert "CrossNER Music" in files.missing()
    assert "CrossNER AI" not in files.missing()
    assert Contamination(files).sentences == dict.fromkeys(
        ("CrossNER AI", "MIT Movie", "OntoNotes", "house set", "ncbi"), 1
    )


def test_rows_that_say_their_split_are_taken_at_their_word(tmp_path):
    path = write_rows(tmp_path / "GENIA" / "all.jsonl", "one", split="train")
    path.write_text(
        path.read_text() + json.dumps({"sentence": "two", "schema": ["x"], "gold": [], "split": "test"}) + "\n"
    )
    assert Contamination(find_benchmark_files(tmp_path)).sentences == {"GENIA": 1}


def test_a_file_that_cannot_be_read_is_named_and_not_fatal(tmp_path):
    write_rows(tmp_path / "GENIA" / "test.jsonl", TEST)
    (tmp_path / "ACE05").mkdir()
    (tmp_path / "ACE05" / "test.json").write_text('{"what": 1}')
    check = Contamination(find_benchmark_files(tmp_path))
    assert check.sentences == {"ACE05": 0, "GENIA": 1}
    assert list(check.unreadable) == ["ACE05/test.json"]
    assert str(tmp_path) not in json.dumps(check.describe())
    assert found(check, TEST) == [("GENIA",)]


def test_a_sentence_in_two_benchmarks_names_both(tmp_path):
    write_rows(tmp_path / "GENIA" / "test.jsonl", TEST)
    write_rows(tmp_path / "FabNER" / "test.jsonl", TEST.lower())
    assert found(Contamination(find_benchmark_files(tmp_path)), TEST) == [("FabNER", "GENIA")]


def test_an_empty_folder_finds_nothing(tmp_path):
    check = Contamination(find_benchmark_files(tmp_path))
    assert len(check.describe()["missing"]) == 25
    assert found(check, TEST, "") == [(), ()]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(RecipeError, match=r"benchmarks\.path"):
        find_benchmark_files(tmp_path / "nowhere")


def test_the_files_are_known_by_their_content(tmp_path):
    path = write_rows(tmp_path / "GENIA" / "test.jsonl", TEST)
    before = find_benchmark_files(tmp_path).hashes()
    assert before[0]["benchmark"] == "GENIA"
    assert before[0]["name"] == "GENIA/test.jsonl"
    write_rows(path, TEST, SHORT)
    assert find_benchmark_files(tmp_path).hashes() != before


@pytest.mark.skipif(DATA is None, reason="NERCOT_TEST_DATA is not set")
def test_on_real_sentences_it_agrees_with_comparing_every_pair(tmp_path):
    sentences = [row.sentence for row in rows(open_source(str(Path(DATA, "mit/movie/train.txt"))))]
    draw = random.Random(0)
    tests, corpus = draw.sample(sentences, 400), draw.sample(sentences, 1200)
    check = checker(tmp_path, *tests)
    hashes = [word_hashes(words_of(sentence)) for sentence in tests]
    alike = {
        sentence for sentence, other in product(corpus, hashes) if resemble(word_hashes(words_of(sentence)), other)
    }
    touched = {sentence for sentence, names in zip(corpus, found(check, *corpus), strict=True) if names}
    assert len(alike) >= 20
    assert alike <= touched
