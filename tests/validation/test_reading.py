"""Readings against answers: what is justified, what is said against, where the evidence stands, and bad readings."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import RULES, Entity, Reading, Record, Taken
from nercot.validation.grounding import ground
from nercot.validation.reading import compare, cut_drafts, drafts, not_found, parse_reading

SENTENCE = "Dr Ada Marsh moved from New Leeds to Oslo , and Oslo liked Marsh ."
SCHEMA = ("person", "city", "company")
COT = "Ada Marsh is a person. New Leeds is a city, and Oslo is where she went, a city too."


def record(listed, cot=COT, sentence=SENTENCE, schema=SCHEMA) -> Record:
    entities = tuple(ground(sentence, [(label, text) for label, texts in listed.items() for text in texts], cot))
    return Record("g", "d", sentence, schema, cot=cot, entities=entities)


def reading(*taken, refused=(), given=False, sound=True) -> Reading:
    return Reading(tuple(Taken(*item) for item in taken), tuple(refused), given, sound)


MARSH = ("Ada Marsh", "person", "Ada Marsh is a person")
LEEDS = ("New Leeds", "city", "New Leeds is a city")
OSLO = ("Oslo", "city", "Oslo is where she went, a city too")
LISTED = {"person": ["Ada Marsh"], "city": ["New Leeds", "Oslo"]}


def rules(listed, said, only=None):
    return [violation.rule for violation in compare(record(listed), said, only).violations]


def test_equal_pairs_are_justified_and_the_quoted_passage_is_the_evidence():
    found = compare(record(LISTED), reading(OSLO, MARSH, LEEDS))
    assert (found.violations, found.boundary, found.unquoted, found.left_out) == ((), 0, 0, 0)
    said = {entity.text: COT[entity.cot_start : entity.cot_end] for entity in found.entities}
    assert said == {text: because for text, _, because in (MARSH, LEEDS, OSLO)}


@pytest.mark.parametrize(
    ("listed", "said", "expected"),
    [
        (LISTED, reading(MARSH, LEEDS), ["not_justified"]),
        (LISTED, reading(MARSH, LEEDS, refused=["Oslo"]), ["contradicted"]),
        (LISTED, reading(MARSH, LEEDS, ("Oslo", "company", "Oslo")), ["contradicted"]),
        (LISTED, reading(MARSH, LEEDS, ("Oslo", "company", "Oslo"), refused=["Oslo"]), ["contradicted"]),
        ({"person": ["Ada Marsh"], "city": ["Oslo"]}, reading(MARSH, LEEDS, OSLO), ["missing_from_answer"]),
        (LISTED, reading(MARSH, LEEDS, OSLO, OSLO), ["missing_from_answer"]),
        ({**LISTED, "city": ["New Leeds", "Oslo", "Oslo"]}, reading(MARSH, LEEDS, OSLO), ["not_justified"]),
        ({**LISTED, "company": ["Oslo"]}, reading(MARSH, LEEDS, OSLO), ["not_justified"]),
        ({**LISTED, "company": ["Oslo"]}, reading(MARSH, LEEDS, OSLO, ("Oslo", "company", "Oslo")), []),
        (LISTED, reading(MARSH, LEEDS, OSLO, given=True), ["leaks_annotation"]),
        (LISTED, reading(MARSH, given=True, sound=False), ["degenerate"]),
        (LISTED, reading(MARSH, given=True), ["not_justified", "not_justified", "leaks_annotation"]),
        ({}, reading(), []),
        ({}, reading(refused=["Oslo", "nothing of the sentence"]), []),
        ({}, reading(MARSH), ["missing_from_answer"]),
        (LISTED, reading(("ada  marsh", "Person", ""), ("New\u00a0Leeds", "CITY", ""), OSLO), []),
    ],
)
def test_what_a_reading_says_against_an_answer(listed, said, expected):
    assert rules(listed, said) == expected


def test_a_boundary_that_differs_is_counted_and_no_violation():
    listed = {"person": ["Dr Ada Marsh"], "city": ["Leeds", "Oslo"]}
    found = compare(record(listed), reading(MARSH, LEEDS, OSLO))
    assert (found.violations, found.boundary) == ((), 2)
    (leeds,) = (entity for entity in found.entities if entity.text == "Leeds")
    assert COT[leeds.cot_start : leeds.cot_end] == LEEDS[2]


def test_the_longest_overlap_is_paired_first():
    sentence = "The Royal Bank of Oslo opened"
    cot = "It is about banks."
    entities = tuple(ground(sentence, [("company", "Royal Bank of Oslo"), ("company", "Oslo")]))
    both = Record("g", "d", sentence, ("company",), cot=cot, entities=entities)
    found = compare(both, reading(("Bank of Oslo", "company", "banks")))
    assert [(violation.rule, violation.entity and violation.entity.text) for violation in found.violations] == [
        ("not_justified", "Oslo")
    ]


def test_another_type_with_another_extent_at_the_same_place_contradicts():
    assert rules({"city": ["Leeds"]}, reading(("New Leeds", "company", ""))) == ["contradicted"]


def test_only_the_named_rules_count():
    assert rules(LISTED, reading(MARSH, given=True), ("contradicted",)) == []
    assert rules(LISTED, reading(MARSH, sound=False), ("not_justified",)) == ["not_justified", "not_justified"]


@pytest.mark.parametrize(
    ("sentence", "label", "because", "start"),
    [
        ("Ravi left Perth before Perth flooded", "city", 'the Perth that comes before "flooded": "Perth flooded"', 23),
        ("Ravi left Perth before Perth flooded", "city", '"left Perth" is a city', 10),
        ("Иван видел Омск и снова Омск вчера", "city", "«снова Омск» это город", 24),
        ("他离开南京去上海，南京下雨了", "city", "“南京下雨”的南京是城市", 9),
        ("Ravi left Perth before Perth flooded", "city", "Perth is a city", 10),
    ],
)
def test_the_occurrence_is_the_one_whose_neighbouring_words_are_quoted(sentence, label, because, start):
    mention = {"Ravi": "Perth", "Иван": "Омск"}.get(sentence.split()[0], "南京")
    cot = f"Let me see. {because}."
    entities = tuple(ground(sentence, [(label, mention)]))
    found = compare(
        Record("g", "d", sentence, (label,), cot=cot, entities=entities), reading((mention, label, because))
    )
    assert found.entities[0].start == start
    assert found.violations == ()


def test_an_occurrence_that_one_entity_needs_is_given_up_by_the_other():
    sentence = "Jordan flew to Jordan"
    cot = '"flew to Jordan": a country. The other is a person.'
    listed = {"country": ["Jordan"], "person": ["Jordan"]}
    said = reading(("Jordan", "country", '"flew to Jordan": a country'), ("Jordan", "person", "The other is a person"))
    found = compare(record(listed, cot, sentence, ("country", "person")), said)
    assert {entity.label: entity.start for entity in found.entities} == {"person": 0, "country": 15}


# --- what cannot be found -------------------------------------------------------------------------


def test_passages_are_found_in_other_quotes_spaces_unicode_and_case():
    cot = "„Café Noir“  is\na  company – I think."
    one = record({"company": ["Café Noir"]}, cot, "The Café Noir opened")
    for because in ("„Café Noir“", '"Cafe\u0301 noir" is a company', "is a company - I think", "CAFÉ NOIR"):
        said = reading(("Café Noir", "company", because))
        assert not not_found(one, said)
        assert compare(one, said).unquoted == 0


def test_what_nobody_finds_is_named():
    said = reading(("Bergen", "city", "she"), ("Oslo", "town", "nowhere is this said"), ("Oslo", "city", " "))
    missing = not_found(record(LISTED), said)
    assert (missing.mentions, missing.types) == (("Bergen",), ("town",))
    assert missing.quotes == ("nowhere is this said", " ")
    assert not not_found(record(LISTED), reading(("Bergen", "city", "x"), sound=False))


def test_after_the_last_time_quotes_are_done_without_and_unknown_mentions_and_types_left_out():
    said = reading(MARSH, LEEDS, ("Oslo", "city", "not there"), ("Bergen", "city", "x"), ("Oslo", "town", "Oslo"))
    found = compare(record(LISTED), said)
    assert (found.violations, found.unquoted, found.left_out) == ((), 1, 2)
    (oslo,) = (entity for entity in found.entities if entity.text == "Oslo")
    assert "Oslo" in COT[oslo.cot_start : oslo.cot_end]


def test_a_mention_read_more_often_than_it_occurs_is_left_out():
    found = compare(record({**LISTED, "city": ["New Leeds", "Oslo", "Oslo"]}), reading(MARSH, LEEDS, OSLO, OSLO, OSLO))
    assert (found.violations, found.left_out) == ((), 1)


# --- drafts ---------------------------------------------------------------------------------------


def test_drafts_are_cut_out_and_offsets_are_those_of_the_uncut_trace():
    draft = '{"entities": {"city": ["Oslo {old}"], "person": []}}'
    cot = f'Draft: {draft} and {{"x": 1}}. Oslo is a city. Final: {draft}'
    assert cut_drafts(cot) == 'Draft: [...] and {"x": 1}. Oslo is a city. Final: [...]'
    assert [cot[start:end] for start, end in drafts(cot)] == [draft, draft]
    found = compare(record({"city": ["Oslo"]}, cot), reading(("Oslo", "city", "Oslo")))
    start = cot.index("Oslo is a city")
    assert (found.entities[0].cot_start, found.entities[0].cot_end) == (start, start + 4)


@pytest.mark.parametrize("cot", ['{"entities": {"city": ["Oslo"', '"entities"', '{"' * 3000, "{}{", '{"a":' * 3000])
def test_what_is_no_whole_draft_stays(cot):
    assert cut_drafts(cot) == cot


def test_a_draft_within_another_object_goes_with_it():
    assert cut_drafts('a {"answer": {"entities": {}}} b') == "a [...] b"


# --- replies --------------------------------------------------------------------------------------

WHOLE = {"taken": [dict(zip(("mention", "type", "because"), MARSH, strict=True))], "refused": ["Dr"]}
WHOLE |= {"given": False, "sound": True}


def test_a_reply_is_a_reading_as_it_was_said():
    assert parse_reading(json.dumps(WHOLE)) == reading(MARSH, refused=["Dr"])
    assert parse_reading(json.dumps({**WHOLE, "more": 1})) == reading(MARSH, refused=["Dr"])
    assert parse_reading(f"{json.dumps(WHOLE)}\n{json.dumps(WHOLE)}") == reading(MARSH, refused=["Dr"])


def test_tags_in_strings_are_text():
    said = {**WHOLE, "refused": ["</think>", "<think>"]}
    assert parse_reading(json.dumps(said)) == reading(MARSH, refused=["</think>", "<think>"])
    assert parse_reading("<think>hm</think>" + json.dumps(said)) is not None


def test_half_a_character_can_be_kept():
    found = parse_reading(json.dumps({**WHOLE, "refused": ["\ud83d"]}))
    assert found is not None
    found.refused[0].encode()


@pytest.mark.parametrize(
    "change",
    [
        {"taken": None},
        {"taken": [1]},
        {"taken": [{"mention": "Oslo", "type": "city"}]},
        {"taken": [{"mention": "Oslo", "type": "city", "because": None}]},
        {"taken": WHOLE["taken"] * 3000},
        {"refused": "Dr"},
        {"refused": [{"mention": "Dr"}]},
        {"given": "no"},
        {"given": 0},
        {"sound": None},
    ],
)
def test_another_shape_is_no_reading(change):
    assert parse_reading(json.dumps({**WHOLE, **change})) is None


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_no_reply_raises(text):
    assert parse_reading(text) is None
    assert len(cut_drafts(text)) <= len(text)


WORDS = st.sampled_from(["Ada Marsh", "Oslo", "New Leeds", "Leeds", "Marsh", "Bergen", "oslo", "New", "", "."])
LABELS = st.sampled_from(["person", "city", "City", "company", "town", ""])
SAID = st.builds(
    Reading,
    st.lists(st.builds(Taken, WORDS, LABELS, st.sampled_from([COT, "Oslo", "a city", "nowhere", ""])), max_size=8).map(
        tuple
    ),
    st.lists(WORDS, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
)
ANSWERS = st.dictionaries(st.sampled_from(SCHEMA), st.lists(WORDS.filter(str.strip), max_size=4), max_size=3)


@given(ANSWERS, SAID)
@settings(max_examples=300)
def test_any_reading_of_any_answer_is_compared(listed, said):
    one = record(listed)
    found = compare(one, said)
    assert len(found.entities) == len(one.entities or ())
    assert {violation.rule for violation in found.violations} <= set(RULES)
    for entity in found.entities:
        if entity.start is not None:
            assert SENTENCE[entity.start : entity.end] == entity.text
        assert (entity.cot_start is None) == (entity.cot_end is None)
        if entity.cot_start is not None:
            assert 0 <= entity.cot_start < (entity.cot_end or 0) <= len(COT)
    spans = [(entity.label, entity.start, entity.end) for entity in found.entities if entity.start is not None]
    assert len(spans) == len(set(spans))


@given(ANSWERS)
@settings(max_examples=100)
def test_a_reading_that_repeats_the_answer_has_nothing_against_it(listed):
    one = record(listed)
    placed = [entity for entity in one.entities or () if entity.start is not None]
    said = Reading(tuple(Taken(entity.text, entity.label, entity.text) for entity in placed))
    entities = tuple(placed)
    found = compare(Record("g", "d", SENTENCE, SCHEMA, cot=COT, entities=entities), said)
    assert (found.violations, found.boundary) == ((), 0)


def test_an_entity_without_a_place_is_only_not_justified():
    one = Record("g", "d", SENTENCE, SCHEMA, cot=COT, entities=(Entity("Bergen", "city"),))
    assert [violation.rule for violation in compare(one, reading(OSLO)).violations] == [
        "not_justified",
        "missing_from_answer",
    ]
