from hypothesis import given
from hypothesis import strategies as st

from nercot.corpus.records import REASONS, RULES, Entity, Outcome, Record, content_guid, span_order, unreadable_guid


def test_a_guid_does_not_depend_on_the_order_of_the_schema():
    assert content_guid("A b.", ["x", "y"], "d") == content_guid("A b.", ["y", "x"], "d")


@given(st.text(), st.text(), st.text())
def test_a_guid_is_32_hex_digits_and_tells_content_apart(sentence, label, dataset):
    guid = content_guid(sentence, [label], dataset)
    assert len(guid) == 32
    assert set(guid) <= set("0123456789abcdef")
    assert guid != content_guid(sentence + "x", [label], dataset)
    assert guid != content_guid(sentence, [label, label + "x"], dataset)
    assert guid != content_guid(sentence, [label], dataset + "x")


def test_a_guid_is_the_same_for_ever():
    assert content_guid("Paris met Ada.", ["person", "city"], "demo") == "76ac9929f16f42c6422f9cc0c6c21330"


def test_unreadable_rows_are_told_apart_by_bytes_and_dataset():
    assert len({unreadable_guid(b"{", "a"), unreadable_guid(b"{", "b"), unreadable_guid(b"[", "a")}) == 3


def test_every_rule_is_a_reason():
    assert set(RULES) <= REASONS


def test_an_outcome_is_kept_dropped_or_pending():
    record = Record("g", "d", "s", ("t",))
    assert Outcome(record).kept
    assert not Outcome(record, "malformed").kept
    assert not Outcome(record, pending=True).kept


def test_entities_are_ordered_by_offset_then_length_then_schema():
    schema = ("a", "b")
    found = [
        Entity("x", "a"),
        Entity("yz", "b", 0, 2),
        Entity("y", "a", 0, 1),
        Entity("yz", "a", 0, 2),
    ]
    ordered = sorted(found, key=lambda entity: span_order(entity, schema))
    assert [(item.text, item.label) for item in ordered] == [("yz", "a"), ("yz", "b"), ("y", "a"), ("x", "a")]
