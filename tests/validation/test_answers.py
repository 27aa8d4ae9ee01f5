"""The parser and the renderer: inverse on what a trace and a list of mentions can be, silent on everything else."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity
from nercot.corpus.resources import resource
from nercot.validation import answers
from nercot.validation.answers import carries, parse_answer, render_answer
from nercot.validation.grounding import ground

ANSWER = json.loads(resource("schemas", "answer.schema.json").read_text(encoding="utf-8"))

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MENTION = TEXT.filter(lambda text: text and not text.isspace())


def listed(*pairs):
    return tuple(pairs)


@pytest.mark.parametrize(
    ("text", "cot", "mentions"),
    [
        ('<think>\nwhy\n</think>\n{"entities": {"A": ["x"]}}', "why", listed(("A", "x"))),
        ('why\n</think>\n{"entities": {"A": ["x"]}}', "why", listed(("A", "x"))),
        ('{"entities": {"A": ["x"], "B": []}}', None, listed(("A", "x"))),
        ('Sure:\n```json\n{"entities": {"A": ["x"]}}\n```\nDone.', None, listed(("A", "x"))),
        ('```\n{"entities": {}}\n```', None, listed()),
        ('<think>{"entities": {"A": ["draft"]}}</think>{"entities": {"A": ["x"]}}', None, listed(("A", "x"))),
        ('<think>a</think>{"entities": {}} or rather <think>b</think>{"entities": {"A": ["x"]}}', "a", ...),
        ('<think>a</think>{"entities": {"A": ["x"]}} {"entities": {"A": ["x"], "B": []}}', "a", listed(("A", "x"))),
        ('<think>a</think>{"entities": {"A": ["caf\\u00e9 \\"x\\""]}}', "a", listed(("A", 'café "x"'))),
        ('<think>a</think>{"note": 1} {"entities": {"A": ["x"]}}', "a", listed(("A", "x"))),
        ('<think>{a} {b: "</think>{"entities": {"A": ["\\u003c/think>"]}}', '{a} {b: "', listed(("A", "</think>"))),
        ('{"entities": {"tag": ["</think>"]}}', None, listed(("tag", "</think>"))),
        ('<think></think>{"entities": {}}', "", listed()),
    ],
)
def test_readable(text, cot, mentions):
    parsed = parse_answer(text)
    assert parsed.problem is None
    if mentions is not ...:
        assert parsed.mentions == mentions
    if cot is not None:
        assert (parsed.cot or "").startswith(cot)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no JSON"),
        ("There are no entities.", "no JSON"),
        ('<think>endless {"entities": {}}', "never closed"),
        ('{"entities": {"A": ["x"]', "cannot be read"),
        ('{"entities": {"A": ["x"],}}', "cannot be read"),
        ('{"entities": {"A": ["x"] // note\n}}', "cannot be read"),
        ("{'entities': {'A': ['x']}}", "no JSON"),
        ('{"entities": [{"text": "x", "label": "A"}]}', "not an object"),
        ('{"entities": {"A": "x"}}', "not a list"),
        ('{"entities": {"A": null}}', "not a list"),
        ('{"entities": {"A": [1]}}', "not a string"),
        ('{"entities": {"A": [["x", 0, 1]]}}', "not a string"),
        ('{"entities": {"A": [""]}}', "empty"),
        ('{"entities": {"A": [" \\t"]}}', "empty"),
        ('{"entities": {"A": ["x"], "A": ["y"]}}', "twice"),
        ('{"entities": {}, "entities": {"A": ["y"]}}', "twice"),
        ('{"entities": {"A": ["x"]}, "why": "because"}', "other keys"),
        ('{"A": ["x"]}', "no key `entities`"),
        ('{"result": {"entities": {"A": ["x"]}}}', "no key `entities`"),
        ('{"entities": {"A": ["x"]}} {"entities": {"A": ["y"]}}', "two different"),
        ('{"entities": {"A": ["\\ud800"]}}', "half a character"),
        ("<think>\ud800</think>" + '{"entities": {}}', "half a character"),
        ('{"entities": {"A": ' + "[" * 5000, "nested"),
    ],
)
def test_unreadable_in_one_line(text, word):
    parsed = parse_answer(text)
    assert parsed.problem is not None
    assert word in parsed.problem
    assert "\n" not in parsed.problem
    assert parsed.mentions == ()


def test_the_servers_own_reasoning_goes_before_a_think_block():
    parsed = parse_answer('<think>other</think>{"entities": {"A": ["x"]}}', reasoning="the trace\n")
    assert (parsed.cot, parsed.mentions, parsed.problem) == ("the trace\n", (("A", "x"),), None)


def test_blank_reasoning_is_none_at_all():
    assert parse_answer('<think>a</think>{"entities": {}}', reasoning=" \n").cot == "a"


def test_the_canonical_form():
    sentence, schema = "Kim of Acme met Li <think> at Acme", ("org", "person", "place")
    mentions = [("person", "Li <think>"), ("org", "Acme"), ("person", "Kim"), ("org", "Acme")]
    rendered = render_answer("why", ground(sentence, mentions), schema)
    body = {"entities": {"org": ["Acme", "Acme"], "person": ["Kim", "Li <think>"]}}
    expected = json.dumps(body, indent=2).replace("<think>", "\\u003cthink>")
    assert rendered == f"<think>\nwhy\n</think>\n{expected}"


def test_an_answer_without_trace_is_the_json_alone():
    assert render_answer(None, [], ("a",)) == '{\n  "entities": {}\n}'


@pytest.mark.parametrize("cot", ["a <think> b", "a </think> b", "<think>"])
def test_a_trace_with_a_think_tag_is_not_carried(cot):
    assert not carries(cot)
    with pytest.raises(ValueError, match="think tag"):
        render_answer(cot, [], ())


@given(
    cot=st.none() | TEXT.map(lambda text: f"\n {text}\n") | TEXT,
    listing=st.dictionaries(TEXT, st.lists(MENTION, min_size=1, max_size=3), max_size=4),
)
@settings(max_examples=300)
def test_parsing_inverts_rendering(cot, listing):
    if not carries(cot):
        return
    entities = [Entity(text, label) for label, texts in listing.items() for text in texts]
    parsed = parse_answer(render_answer(cot, entities, tuple(listing)))
    assert parsed.problem is None
    assert parsed.cot == cot
    assert dict.fromkeys(label for label, _ in parsed.mentions).keys() == listing.keys()
    for label, texts in listing.items():
        assert [mention for other, mention in parsed.mentions if other == label] == texts


@given(st.text(), st.none() | st.text())
@settings(max_examples=300)
def test_no_text_raises(text, reasoning):
    parsed = parse_answer(text, reasoning)
    assert (parsed.problem is None) or not parsed.mentions


PIECES = [
    "<think>",
    "</think>",
    '{"entities": ',
    "{",
    "}",
    "[",
    "]",
    '"A"',
    ": ",
    '["x"]',
    ", ",
    "```json",
    "\\",
    "\n",
    '"',
    "1e99",
    "NaN",
    "\\ud83d",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=500)
def test_no_mixture_of_markup_raises(text):
    assert parse_answer(text).problem is None or parse_answer(text).mentions == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("entities"), inner, max_size=3),
    max_leaves=8,
)
NEAR = st.fixed_dictionaries(
    {"entities": st.dictionaries(TEXT, st.lists(TEXT | st.integers(), max_size=3) | TEXT, max_size=3)}
)


@given(JSON.filter(lambda value: isinstance(value, dict)) | NEAR)
@settings(max_examples=400)
def test_the_parser_agrees_with_the_public_schema(value):
    valid = jsonschema.Draft202012Validator(ANSWER).is_valid(value)
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        assert (parse_answer(f"<think>\nx\n</think>\n{text}").problem is None) == valid


HOSTILE = [
    "{",
    '{"',
    '{"a":',
    '{"entities":',
    "[",
    "<think>",
    "</think>",
    "\\",
    '{"\\',
    '{"}',
    "</think>{",
    '{"a":1}',
    "{ ",
    '{"entities":{"a":["b"]}}',
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("before", ["", "<think>x</think>", '{"entities": {"a": ["'])
def test_a_megabyte_of_markup_ends(piece, before):
    parsed = parse_answer(before + piece * (1_000_000 // len(piece)))
    assert parsed.problem is None or parsed.mentions == ()


@given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=4))
def test_an_answer_is_written_as_json_with_an_indent_of_two(mentions: dict[str, list[str]]) -> None:
    entities = [
        Entity(text, label, number, number + 1)
        for label, texts in mentions.items()
        for number, text in enumerate(texts)
    ]
    written = json.dumps({"entities": mentions}, ensure_ascii=False, indent=2)
    written = written.replace("<think>", "\\u003cthink>").replace("</think>", "\\u003c/think>")
    assert render_answer(None, entities, list(mentions)) == written


PIECES = (
    "<think>",
    "</think>",
    "<",
    "{",
    "}",
    '"',
    ":",
    "\\ud800",
    "\ud800",
    "```json\n",
    "```",
    "é",
    '{"entities": {}}',
    "\n",
)


@given(
    st.sampled_from(["", "<think>\nwhy\n</think>\n", "<think>a < b</think>```json\n"]),
    st.dictionaries(st.sampled_from(["A", "b:c", "Жук", "A "]), st.lists(st.sampled_from(["x", " ", "y: z", "é"]))),
    st.lists(st.tuples(st.integers(0, 80), st.sampled_from(PIECES)), max_size=2),
    st.sampled_from([None, "apart", " "]),
)
@settings(max_examples=300)
def test_the_usual_answer_is_read_as_any_other(thought, entities, faults, reasoning):
    text = thought + json.dumps({"entities": entities}, ensure_ascii=False)
    for at, piece in faults:
        text = text[:at] + piece + text[at:]
    assert answers._usual(text, reasoning) in (None, answers._parsed(text, reasoning))
