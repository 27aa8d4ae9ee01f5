"""The registry of benchmarks and the paper's tables."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nercot.corpus.benchmarks import find_benchmark, load_benchmarks, load_paper_results, paper_table, suite
from nercot.errors import RecipeError

FORMATS = {"conll", "instructuie", "gliner", "tokens", "pile_ner"}
FOLDERS = (
    *("ACE 2005_sample_15000", "AnatEM", "bc2gm", "bc4chemd", "bc5cdr", "Broad Tweet Corpus"),
    *("CoNLL 2003_sample_15000", "FabNER", "FindVehicle", "GENIA_NER", "HarveyNER", "mit-movie", "mit-restaurant"),
    *("MultiNERD", "ncbi", "Ontonotes_sample_30000", "PolyglotNER", "TweetNER7_sample_15000", "WikiANN en"),
    "WikiNeural",
)


def test_the_suites_are_the_papers():
    seven, twenty = suite("seven"), suite("twenty")
    assert (len(seven), len(twenty), len(load_benchmarks())) == (7, 20, 25)
    assert {one.name for one in (*seven, *twenty)} == {one.name for one in load_benchmarks()}
    assert {one.name for one in seven} & {one.name for one in twenty} == {"MIT Movie", "MIT Restaurant"}
    with pytest.raises(RecipeError, match="seven, twenty"):
        suite("eight")


def test_every_entry_says_what_a_licence_check_needs():
    for one in load_benchmarks():
        assert one.format in FORMATS, one.name
        assert one.source, one.name
        assert one.license, one.name
        assert one.citation.endswith((".", "AAAI.")), one.name
        assert list(one.labels) == sorted(set(one.labels)), one.name


def test_nothing_is_passed_on_without_a_licence_that_allows_it():
    for one in load_benchmarks():
        if one.text_may_be_passed_on:
            assert one.license.startswith("cc"), one.name
        assert one.non_commercial == ("-nc" in one.license), one.name
        assert one.share_alike == ("-sa" in one.license), one.name
    for name in ("ACE05", "OntoNotes", "CoNLL03"):
        closed = find_benchmark(name)
        assert closed is not None
        assert not closed.text_may_be_passed_on


def test_no_name_means_two_benchmarks():
    names = [
        find_benchmark(name)
        for one in load_benchmarks()
        for name in (one.name, one.folder, *one.aliases, *one.hub)
        if find_benchmark(name) is one
    ]
    assert len(names) == sum(2 + len(one.aliases) + len(one.hub) for one in load_benchmarks())


def test_the_twenty_go_by_the_folders_of_instructuie():
    assert [find_benchmark(folder) for folder in FOLDERS] == list(suite("twenty"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("conll_2003", "CoNLL03"),
        ("MIT-MOVIE", "MIT Movie"),
        (" crossner ai ", "CrossNER AI"),
        ("CrossNER_science_sample_100", "CrossNER Science"),
        ("DFKI-SLT/cross_ner:music", "CrossNER Music"),
        ("unimelb-nlp/wikiann:en", "WikiANN"),
    ],
)
def test_spellings(name, found):
    benchmark = find_benchmark(name)
    assert benchmark is not None
    assert benchmark.name == found


# Another dataset of a common name must not inherit a licence.
@pytest.mark.parametrize(
    "name", ["", "science", "AI", "movie", "CoNLL 2004", "ACE 2004", "_sample_5", "news", "wikiann:de"]
)
def test_strangers(name):
    assert find_benchmark(name) is None


@given(st.text())
def test_any_name_is_a_benchmark_or_none(name):
    find_benchmark(name)


# ---- the paper's tables ------------------------------------------------------------------------

# The paper truncates four averages of Table 1 where it rounds the others; this one fits neither.
UNEXPLAINED = {("table3", "GLiNER")}


def test_the_tables_are_there():
    sizes = {table.id: (len(table.columns), len(table.rows)) for table in load_paper_results()}
    assert sizes == {
        "table1": (7, 17),
        "table2": (0, 5),
        "table3": (20, 5),
        "table4": (20, 4),
        "table5": (0, 12),
        "figure3": (3, 3),
    }
    assert paper_table("table4").columns == tuple(one.name for one in suite("twenty"))
    assert paper_table("table1").columns == tuple(one.name for one in suite("seven"))


def test_the_averages_are_those_of_their_rows():
    off = set()
    for table in load_paper_results():
        for row in table.rows:
            if row.average is None or len(row.scores) < len(table.columns) or not table.columns:
                continue
            if abs(sum(row.scores.values()) / len(row.scores) - row.average) >= 0.1:
                off.add((table.id, row.model))
    assert off == UNEXPLAINED


def test_what_the_paper_does_not_give_is_not_there():
    (instructuie,) = [row for row in paper_table("table1").rows if row.model == "InstructUIE"]
    assert instructuie.average is None
    assert set(paper_table("table1").columns) - set(instructuie.scores) == {"MIT Movie", "MIT Restaurant"}
    figure = {row.model: dict(row.scores) for row in paper_table("figure3").rows}
    assert figure == {
        "ReasoningNER": {"1 %": 87.1, "5 %": 91.0, "10 %": 92.9},
        "UIE-base": {"1 %": 82.8},
        "KnowCoder": {"1 %": 79.2},
    }


def test_the_tables_agree_where_they_meet():
    """Table 2's last row is Table 1's 1.7B model, Table 5's is Table 2's without RE, and one MIT Movie of SFT."""
    averages = {
        (table.id, row.model, row.size, row.test_sets): row.average
        for table in load_paper_results()
        for row in table.rows
    }
    assert averages["table2", "NER-CoT with trace + RE", "1.7B", "original"] == 65.1
    assert averages["table1", "ReasoningNER", "1.7B", "original"] == 65.1
    assert (
        averages["table2", "NER-CoT with trace", "1.7B", "original"]
        == averages["table5", "Qwen3-1.7B", None, "original"]
    )
    assert averages["table1", "ReasoningNER", "8B", "b2ner"] == 77.3
    assert averages["table1", "GPT-4", None, "original"] == averages["table5", "GPT-4", None, "original"]


def test_rows_are_told_apart():
    for table in load_paper_results():
        keys = [(row.model, row.size, row.test_sets) for row in table.rows]
        assert len(keys) == len(set(keys)), table.id
        assert {row.test_sets for row in table.rows} <= {"original", "b2ner"}
        assert all(0 < score < 100 for row in table.rows for score in row.scores.values())


# ---- real data ---------------------------------------------------------------------------------

DATA = os.environ.get("NERCOT_TEST_DATA")


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_labels_are_those_of_the_files():
    folders = sorted(Path(DATA or "", "instructuie_layout", "NER").iterdir())
    assert folders
    for folder in folders:
        benchmark = find_benchmark(folder.name)
        assert benchmark is not None
        assert sorted(json.loads((folder / "labels.json").read_text())) == list(benchmark.labels), folder.name
    for domain in ("ai", "literature", "music", "politics", "science"):
        benchmark = find_benchmark(f"CrossNER_{domain}")
        assert benchmark is not None
        lines = "\n".join(path.read_text() for path in Path(DATA or "", "crossner", domain).glob("*.txt")).splitlines()
        assert {line.split("\t")[1][2:] for line in lines if "\t" in line} - {""} == set(benchmark.labels)
