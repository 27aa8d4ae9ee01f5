"""The rules: each by its name, in their order, and the step that drops by them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import RULES, Answer, Entity, Record
from nercot.steps.validate import validate_step
from nercot.validation.rules import MAX_TRACE, validate

SENTENCE = "Dr Ada Marsh moved from Leeds to Oslo to work at Nordlys ."
SCHEMA = ("person", "city", "company")
COT = "Ada Marsh is a doctor, a person. Leeds and Oslo are cities. Nordlys, where she works, is a company."
LISTED = {"person": ["Ada Marsh"], "city": ["Leeds", "Oslo"], "company": ["Nordlys"]}


def record(listed=None, cot=COT, sentence=SENTENCE, schema=SCHEMA, reasoning=None, finish="stop", text=None):
    body = json.dumps({"entities": LISTED if listed is None else listed})
    completion = text if text is not None else (f"<think>\n{cot}\n</think>\n{body}" if cot is not None else body)
    return Record("g", "d", sentence, schema, answer=Answer("t", completion, reasoning, finish_reason=finish))


def broken(*args, **kwargs):
    return [violation.rule for violation in validate(record(*args, **kwargs)).violations]


def test_a_good_answer_is_kept_with_offsets_and_evidence():
    verdict = validate(record())
    assert verdict.valid
    assert not verdict.violations
    assert verdict.cot == COT
    assert verdict.entities is not None
    assert [(e.text, e.start, e.match) for e in verdict.entities] == [
        ("Ada Marsh", 3, "exact"),
        ("Leeds", 24, "exact"),
        ("Oslo", 33, "exact"),
        ("Nordlys", 49, "exact"),
    ]
    for entity in verdict.entities:
        assert entity.text in COT[entity.cot_start : entity.cot_end]


LOOP = "So Nordlys is a company. But is it? It has to be a company, since she works there. " * 8


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("malformed", {"text": "no json"}),
        ("malformed", {"text": f"<think>{COT} <think></think>" + json.dumps({"entities": LISTED})}),
        ("too_long", {"cot": COT + " word" * MAX_TRACE}),
        ("type_not_in_schema", {"listed": {**LISTED, "country": []} | {"place": ["Leeds"]}}),
        ("not_in_sentence", {"listed": {**LISTED, "city": ["Leeds", "Oslo", "Bergen"]}}),
        ("duplicate", {"listed": {**LISTED, "city": ["Leeds", "Leeds", "Oslo"]}}),
        ("duplicate", {"listed": {**LISTED, "City": ["leeds"]}}),
        ("degenerate", {"cot": "   "}),
        ("degenerate", {"cot": LOOP}),
        ("degenerate", {"cot": COT + " ler" * 120}),
        ("degenerate", {"cot": " ".join(f"{n}." for n in range(90))}),
        ("not_justified", {"cot": COT.replace("Leeds and Oslo are cities", "Oslo is a city")}),
        ("not_justified", {"cot": None}),
    ],
)
def test_each_rule_names_its_fault(rule, change):
    assert rule in broken(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"cot": COT + " The guidelines of such corpora usually leave titles out, so no Dr."},
        {"cot": "The output format is JSON with the given types. " + COT},
        {"cot": "First pass. " + COT + " Second pass. " + COT},
        {
            "sentence": SENTENCE + " The annotated answer key leaked .",
            "cot": COT + ' "annotated answer key" names nothing.',
        },
        {"listed": {**LISTED, "company": ["Nordlys"], "City": []}},
        {"listed": {"Person": ["ada marsh"], "CITY": ["Leeds", "Oslo"], "company": ["Nordlys"]}},
    ],
)
def test_what_only_looks_like_a_fault_is_none(change):
    assert broken(**change) == []


def test_labels_are_brought_to_the_schemas_spelling_and_counted():
    verdict = validate(record({"Person": ["Ada Marsh"], "city": ["Leeds", "Oslo"], "COMPANY": ["Nordlys"]}))
    assert verdict.relabelled == 2
    assert [e.label for e in verdict.entities or ()] == ["person", "city", "city", "company"]


def test_a_label_that_two_types_could_be_is_none_of_them():
    schema = ("cell line", "cell_line", "person")
    assert "type_not_in_schema" in broken({"Cell-Line": ["Leeds"]}, schema=schema)
    assert "type_not_in_schema" not in broken({"cell_line": ["Leeds"]}, schema=schema)


def test_the_reason_is_the_first_rule_and_the_violations_are_all():
    listed = {"person": ["Ada March"], "town": ["Leeds"], "city": ["Oslo", "Oslo"], "company": ["Nordlys"]}
    rules = broken(listed)
    assert rules == sorted(rules, key=RULES.index)
    assert rules[:3] == ["type_not_in_schema", "not_in_sentence", "duplicate"]
    (outcome,) = validate_step(iter([record(listed)]))
    assert outcome.reason == "type_not_in_schema"
    assert [v.rule for v in outcome.violations] == rules
    assert outcome.record.entities is not None


def test_a_mention_that_is_not_there_comes_with_the_nearest_text():
    (violation,) = (
        v for v in validate(record({**LISTED, "person": ["Ada March"]})).violations if v.rule == "not_in_sentence"
    )
    assert "Ada Marsh" in violation.detail
    assert violation.entity is not None
    assert violation.entity.start is None


def test_only_the_named_rules_are_asked():
    faulty = record({"town": ["Bergen"]}, cot=None)
    assert [v.rule for v in validate(faulty, {"not_in_sentence"}).violations] == ["not_in_sentence"]
    assert validate(faulty, ()).valid


def test_a_missing_trace_counts_only_where_it_is_required():
    assert broken(cot=None) == ["not_justified"] * 4
    assert validate(record(cot=None), trace="optional").valid
    assert not validate(record(cot=LOOP), trace="optional").valid
    assert "not_in_sentence" in [
        v.rule for v in validate(record({"city": ["Bergen"]}, cot=None), trace="optional").violations
    ]


def test_a_record_with_trace_and_entities_is_judged_without_an_answer():
    entities = (
        Entity("Oslo", "city", 33, 37, "exact"),
        Entity("Leeds", "city"),
        Entity("Ada Marsh", "PERSON"),
        Entity("Nordlys", "company", 1, 8),
    )
    verdict = validate(Record("g", "d", SENTENCE, SCHEMA, cot=COT, entities=entities))
    assert verdict.valid
    assert [(e.text, e.label, e.start) for e in verdict.entities or ()] == [
        ("Ada Marsh", "person", 3),
        ("Leeds", "city", 24),
        ("Oslo", "city", 33),
        ("Nordlys", "company", 49),
    ]


def test_a_record_with_nothing_to_judge_is_malformed():
    assert [v.rule for v in validate(Record("g", "d", SENTENCE, SCHEMA)).violations] == ["malformed"]


def test_the_servers_reasoning_is_the_trace():
    body = json.dumps({"entities": LISTED})
    assert validate(record(text=body, reasoning=COT)).valid


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "truncated"), ("content_filter", "content_filter"), ("stop", None), (None, None)]
)
def test_an_unfinished_answer_is_dropped_before_the_rules(finish, reason):
    (outcome,) = validate_step(iter([record(finish=finish)]))
    assert outcome.reason == reason
    assert outcome.kept == (reason is None)


def test_a_kept_outcome_carries_trace_and_entities_and_keeps_the_answer():
    (outcome,) = validate_step(iter([record()]))
    assert outcome.kept
    assert outcome.record.cot == COT
    assert len(outcome.record.entities or ()) == 4
    assert outcome.record.answer is not None


def test_a_malformed_answer_has_no_entities_but_its_trace():
    (outcome,) = validate_step(iter([record(text=f"<think>\n{COT}\n</think>\nnothing")]))
    assert (outcome.reason, outcome.record.entities, outcome.record.cot) == ("malformed", None, COT)
    assert outcome.detail


def test_the_step_is_lazy_and_keeps_the_order():
    def records():
        yield record()
        yield record(text="x")
        raise AssertionError("read ahead")

    outcomes = validate_step(records())
    assert [next(outcomes).kept, next(outcomes).kept] == [True, False]


@given(
    st.text(max_size=200),
    st.none() | st.text(max_size=200),
    st.text(max_size=60),
    st.lists(st.text(max_size=10), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_no_record_raises(completion, reasoning, sentence, schema):
    verdict = validate(Record("g", "d", sentence, tuple(schema), answer=Answer("t", completion, reasoning)))
    assert verdict.valid == (not verdict.violations)
    assert all(violation.rule in RULES for violation in verdict.violations)
    assert all("\n" not in violation.detail for violation in verdict.violations)
