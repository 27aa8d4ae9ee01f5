"""The rules that know no language: loops, echoes, silence about a mention, and evidence by structure."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Answer, Record, content_guid
from nercot.corpus.resources import resource
from nercot.validation.evidence import lower, unspoken
from nercot.validation.reading import compare, parse_reading
from nercot.validation.rules import MAX_MENTIONS, MAX_TRACE, validate

sys.path.insert(0, str(Path(__file__).parents[1] / "labelled"))

from score import load


def answered(sentence, listed, cot, schema=None, labels=None) -> Record:
    body = json.dumps({"entities": listed}, ensure_ascii=False)
    completion = f"<think>\n{cot}\n</think>\n{body}"
    return Record("g", "d", sentence, tuple(schema or listed), answer=Answer("t", completion))


def broken(sentence, listed, cot, schema=None, read=False):
    return [violation.rule for violation in validate(answered(sentence, listed, cot, schema), read=read).violations]


GOOD = [
    ("Ada Marsh moved to Oslo .", {"person": ["Ada Marsh"], "city": ["Oslo"]}, "Marsh is who moves; she went to Oslo."),
    ("李明教授在南京讲课。", {"person": ["李明"], "city": ["南京"]}, "李明是教授，是人名。南京是城市。"),
    ("Анна переехала из Казани в Самару .", {"person": ["Анна"], "city": ["Казани", "Самару"]},
     "Анна — имя человека. Казань и Самара — города."),
    ("سافر أحمد إلى القاهرة أمس .", {"person": ["أحمد"], "city": ["القاهرة"]}, "أحمد اسم شخص، والقاهرة مدينة."),
    ("राम दिल्ली में रहता है ।", {"person": ["राम"], "city": ["दिल्ली"]}, "राम एक व्यक्ति है और दिल्ली एक शहर है।"),
    ("Ada Marsh in Oslo", {"person": ["Ada Marsh"], "city": ["Oslo"]}, "Ada Marsh 是人名，person。Oslo 是城市。"),
    ("Ada Marsh in Oslo", {"person": ["Ada Marsh"], "city": ["Oslo"]}, "Ada Marsh — человек, а Oslo — город."),
    ("Ada Marsh in Oslo", {"person": ["Ada Marsh"], "city": ["Oslo"]}, "تشير Ada Marsh إلى شخص و Oslo إلى مدينة."),
    ("Müller flog nach Köln .", {"person": ["Müller"], "city": ["Köln"]}, "Muller is a person, Koln a city."),
    ("Take 5 mg of X .", {"dose": ["5 mg"], "drug": ["X"]}, "The dose is 5mg, of a drug called X."),
    ("They use C++ and C # .", {"language": ["C++", "C #"]}, "Both C++ and C# are languages."),
    ("US", {"country": ["US"]}, 'The text is only "US", a country.'),
    ("Nothing here .", {}, "No name at all."),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "listed", "cot"), GOOD)
def test_a_trace_in_any_language_speaks_of_its_mentions(sentence, listed, cot):
    schema = [*listed, "date"]
    verdict = validate(answered(sentence, listed, cot, schema))
    assert verdict.violations == ()
    for entity in verdict.entities or ():
        if entity.text in cot:
            assert entity.text in cot[entity.cot_start : entity.cot_end]


@pytest.mark.parametrize(("sentence", "listed", "cot"), [item for item in GOOD if item[1]])
def test_a_mention_that_the_trace_leaves_out_is_found_in_any_language(sentence, listed, cot):
    silent = "。" if "。" in cot else "..."
    said = [(label, text) for label, texts in listed.items() for text in texts]
    for _, text in said:
        others = silent.join(other for _, other in said if other not in text and text not in other)
        found = validate(answered(sentence, listed, f"→ {others} 1914 ж 好", [*listed])).violations
        if sentence != text:
            assert text in [violation.entity.text for violation in found if violation.entity]


def test_a_quotation_of_the_whole_sentence_speaks_of_nothing():
    sentence = "Ada Marsh moved to Oslo , Norway ."
    listed = {"person": ["Ada Marsh"], "city": ["Oslo"]}
    for quoted in (sentence, "Ada Marsh moved to Oslo, Norway.", sentence.upper(), sentence.replace(" ", "  ")):
        assert broken(sentence, listed, f'The text says "{quoted}". Marsh is somebody who moves about.') == [
            "not_justified"
        ]
    assert broken(sentence, listed, f'"{sentence}": Marsh is somebody, and Oslo a place.') == []
    assert broken("Oslo , it is", {"city": ["Oslo"]}, '"Oslo , it is" names a place.') == []


def test_with_a_reader_to_come_silence_is_no_fault_but_shape_is():
    listed = {"city": ["Oslo"]}
    assert broken("She went to Oslo", listed, "It is the one place named.") == ["not_justified"]
    assert broken("She went to Oslo", listed, "It is the one place named.", read=True) == []
    assert broken("She went to Oslo", listed, "Oslo is a city. " * 60, read=True) == ["degenerate"]
    assert broken("She went to Oslo", {"city": ["Rome"]}, "Rome is a city.", read=True) == ["not_in_sentence"]


SENTENCE = "Ada Marsh moved from Leeds to Oslo to work at Nordlys ."
LISTED = {"person": ["Ada Marsh"], "city": ["Leeds", "Oslo"], "company": ["Nordlys"]}
ARGUES = "Ada Marsh is a person. Leeds and Oslo are cities. Nordlys, where she works, is a company. "
LOOPS = {
    "a sentence": ARGUES + "So Nordlys must be a company, since she works there. " * 40,
    "one word": ARGUES + "ler " * 60,
    "one sign": ARGUES + "!" * 30_000,
    "two signs": ARGUES * 3 + "?!" * 15_000,
    "lines": ARGUES + "- Nordlys -> company\n" * 60,
    "counted": ARGUES + "".join(f"Check {n}: is Nordlys a company? Yes, it is, check again. " for n in range(1, 40)),
    "paragraphs": ARGUES + (ARGUES + "But is she a person? People work, so she is one. Let me look again.\n") * 8,
    "chinese": "南京是城市。" + "那么李明是人名，因为他是教授，所以是人名。" * 30,
    "russian": "Омск — город. " + "Значит, Анна — человек, потому что она едет. " * 30,
    "arabic": "القاهرة مدينة. " + "إذن أحمد شخص لأنه يسافر كل يوم. " * 30,
    "changing order": "".join(
        ("Nordlys is a company, I think. ", "She works there, so it must be one. ", "Well, is it one? ")[n * n % 7 % 3]
        for n in range(120)
    ),
    "numbers": " ".join(f"{n}." for n in range(900)),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_found_whatever_stands_before_it(name):
    assert "degenerate" in broken(SENTENCE, LISTED, LOOPS[name])


WORDS = [
    "it",
    "may",
    "be",
    "one",
    "or",
    "the",
    "other",
    "but",
    "if",
    "so",
    "then",
    "why",
    "not",
    "as",
    "she",
    "says",
    "in",
    "her",
    "own",
    "words",
    "of",
    "that",
    "place",
]


@given(
    st.lists(st.sampled_from(WORDS), min_size=4, max_size=200).map(" ".join),
    st.sampled_from([" ", "\n", ". ", ""]),
    st.integers(4, 9),
    st.sampled_from([0.0, 0.5, 1.2]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=150, deadline=None)
def test_a_loop_of_any_passage_is_found_at_either_end(passage, joint, copies, share, draw):
    loop = joint.join([passage] * copies)
    other = " ".join(draw.choices(WORDS, k=int(share * len(loop) / 5)))
    if 90 <= len(loop) <= 12_000 and len(loop) > 0.42 * (len(loop) + len(other) + 1):
        assert "degenerate" in broken(SENTENCE, LISTED, f"{other} {loop}".strip())
        assert "degenerate" in broken(SENTENCE, LISTED, f"{loop} {other}".strip())


NO_LOOPS = {
    "once more": ARGUES + "Once more. " + ARGUES,
    "three drafts": ARGUES + (json.dumps({"entities": LISTED}, indent=2) + "\nIs that all? Yes. ") * 3,
    "a formula": " ".join(
        f'"{chr(65 + n)}x" is a capitalised name in the place of a subject, and of the types only person fits it.'
        for n in range(26)
    ),
    "a ruler": f"{'-' * 60}\n{ARGUES}\n{'=' * 60}\n{ARGUES}",
    "a table": "\n".join(f"| {n} | word{n} | {('person', 'city', 'company', 'none')[n % 4]} | O |" for n in range(60)),
    "the sentence thrice": f"{SENTENCE}\n{ARGUES}\n{SENTENCE}\n{SENTENCE}\n{SENTENCE}\n{ARGUES[:40]}",
    "letters": ARGUES + " ".join(f"{n}={char}" for n, char in enumerate(SENTENCE)),
}


@pytest.mark.parametrize("name", NO_LOOPS)
def test_what_repeats_itself_for_a_reason_is_no_loop(name):
    assert "degenerate" not in broken(SENTENCE, LISTED, NO_LOOPS[name])


def test_a_list_of_numbered_mentions_is_no_loop():
    names = [f"exon {n}" for n in range(2, 30)]
    cot = " ".join(f'"{name}" is a part of the gene that is numbered, so I take it as region.' for name in names)
    assert broken(" , ".join(names), {"region": names}, cot) == []


@pytest.mark.parametrize(
    "cot",
    [SENTENCE, f'"{SENTENCE}"', SENTENCE * 3, f"Types: person, city, company\n{SENTENCE}", "... !? --", "—", "1 2 3"],
)
def test_an_echo_and_signs_without_words_are_degenerate(cot):
    assert "degenerate" in broken(SENTENCE, LISTED, cot)


def test_a_sentence_that_is_little_more_than_its_mention_is_no_echo():
    assert broken("Oslo !", {"city": ["Oslo"]}, "Oslo ! city") == []


def test_evidence_is_where_mention_and_type_stand_nearest():
    cot = "Oslo and Ada come first. Then Oslo, a city by all accounts. Ada is quoted. The person is Ada."
    record = validate(answered("Ada likes Oslo", {"person": ["Ada"], "city": ["Oslo"]}, cot, ["person", "city"]))
    assert [cot[entity.cot_start : entity.cot_end] for entity in record.entities or ()] == [
        "person is Ada",
        "Oslo, a city",
    ]
    far = "Ada is named. " + "So much is said in between. " * 20 + "One person."
    (entity,) = validate(answered("Ada likes it", {"person": ["Ada"]}, far)).entities or ()
    assert far[entity.cot_start : entity.cot_end] == "Ada"


@given(
    st.text(st.sampled_from("ab .南京Ж"), max_size=60),
    st.text(st.sampled_from("ab .南京Ж\n"), max_size=120),
    st.lists(st.text(st.sampled_from("ab南京Ж"), min_size=1, max_size=4), max_size=4),
)
@settings(max_examples=200)
def test_evidence_lies_in_the_trace_and_holds_what_is_spoken_of(sentence, cot, mentions):
    record = answered(sentence, {"a": mentions}, cot)
    verdict = validate(record)
    for entity in verdict.entities or ():
        if entity.cot_start is not None:
            assert 0 <= entity.cot_start < (entity.cot_end or 0) <= len(verdict.cot or "")
            assert entity.text.lower() in (verdict.cot or "")[entity.cot_start : entity.cot_end].lower()
    entities = list(verdict.entities or ())
    silent = list(unspoken(lower(cot), sentence, entities))
    assert all(entity.text not in cot or entity.text in sentence or len(entity.text) < 3 for entity in silent)


# --- texts made to be slow: each ends with one outcome --------------------------------------------

HEAVY = {
    "a label of 100,000 characters": ("Leeds is nice .", ["x" * 100_000, "city"], {"x" * 100_000: ["Leeds"]}, ARGUES),
    "such a label that is not there": ("Leeds is nice .", ["city"], {"x " * 50_000: ["Leeds"]}, ARGUES),
    "5,000 labels": ("Leeds", [f"l {n}" for n in range(5000)], {f"L {n}": ["Leeds"] for n in range(5000)}, ARGUES),
    "a trace of 1 MB": ("Leeds is nice .", ["city"], {"city": ["Leeds"]}, ARGUES * 11_000),
    "10,000 mentions": (
        " ".join(f"w{n}" for n in range(10_000)),
        ["city"],
        {"city": [f"w{n}" for n in range(10_000)]},
        ARGUES,
    ),
    "1,000 mentions of one word": ("w " * 1000, ["a", "b"], {"a": ["w"] * 500, "b": ["w"] * 500}, "w is a b. " * 900),
    "800 places": ("Leeds and " * 800, ["city"], {"city": ["Leeds"] * 800}, "the second Leeds and Leeds. " * 700),
    "a mention of 100,000 characters": ("Leeds is nice .", ["city"], {"city": ["L" * 100_000]}, ARGUES),
}


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_rows_end_with_one_outcome(name):
    sentence, schema, listed, cot = HEAVY[name]
    verdict = validate(answered(sentence, listed, cot, schema))
    rules = {violation.rule for violation in verdict.violations}
    many = sum(map(len, listed.values())) > MAX_MENTIONS
    assert ("too_long" in rules) == (many or len(cot) > MAX_TRACE)
    assert sum(len(violation.detail) for violation in verdict.violations) < 500 * max(1, len(verdict.violations))


# --- recorded answers of a real model -------------------------------------------------------------


@pytest.mark.parametrize(("kind", "lost"), [("careful", []), ("hasty", ["malformed"])])
def test_recorded_answers_are_kept_but_for_what_cannot_be_carried(kind, lost):
    folder = resource("corpora", "recorded")
    source = {
        content_guid(row["sentence"], row["schema"], row["dataset"]): row
        for row in load(resource("corpora", "quickstart.jsonl"))
    }
    said = {row["guid"]: parse_reading(json.dumps(row)) for row in load(folder / f"reader-of-{kind}.jsonl")[1:]}
    dropped, rows = [], load(folder / f"teacher-{kind}.jsonl")[1:]
    for row in rows:
        of = source[row["guid"]]
        answer = Answer("t", row["content"], row["reasoning"])
        record = Record(row["guid"], of["dataset"], of["sentence"], tuple(of["schema"]), answer=answer)
        assert validate(record).valid == validate(record, read=True).valid
        verdict = validate(record, read=True)
        reading = said[row["guid"]]
        found = verdict.violations
        if verdict.valid:
            assert reading is not None
            found = compare(replace(record, cot=verdict.cot, entities=verdict.entities), reading).violations
        dropped += [violation.rule for violation in found]
    assert len(rows) == 201
    assert dropped == lost
