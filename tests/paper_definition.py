"""The paper's metric and rewards written down a second time, for the tests to compare with.

As short as the definition allows: regular expressions and sets, no care for speed.
"""

from __future__ import annotations

import json
import re
import string

from hypothesis import strategies as st

FAILED = None

FRAGMENTS = (
    *("<think>", "</think>", "<answer>", "</answer>", "```json", "```", "\n", " ", "the ", "Ann", "C++", "@", "ﬀ", "İ"),
    *('{"entities": {}}', '{"entities": {"Person ": ["Ann", "the Hague"]}}', '{"entities": {"x": "ab"}}'),
    *('{"entities": {"x": 3}}', '{"entities": {"x": null}}', '{"entities": {"x": {"Bob": 1}}}', '{"entities": []}'),
    *('{"entities": {"x": ["a"], "x": ["b"]}}', '{"entities": {"person": ["An n", 4, null, ["Bob"]]}}'),
    *("[]", "3", "null", '"entities"', "{", "}", ":", ",", "[", "]", '"x"', "\\", "\ud800"),
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["person", "Person", " PERSON ", "a place", "a_place", "x", ""])
MENTIONS = st.sampled_from(
    ["Ann", "ann", "the Ann", "C", "C++", "@", "", "a b", "a  b", "An Hour", "İ", "U.S."]
) | st.text(max_size=6)
LABELLED = st.dictionaries(NAMES, st.lists(MENTIONS, max_size=4), max_size=3)
BODIES = (LABELLED | st.dictionaries(NAMES, VALUES, max_size=3) | VALUES).map(
    lambda found: json.dumps({"entities": found})
)
WRAPPED = st.tuples(
    st.sampled_from(
        ["", "<think>Hm.</think>\n", "<think>never closed", "Hm.</think>", "<answer>", "```json\n", "Sure: "]
    ),
    BODIES | VALUES.map(json.dumps),
    st.sampled_from(["", "</answer>", "\n```", "\n```\nDone.", "</think>", " done"]),
).map("".join)
READABLE = st.tuples(
    st.sampled_from(
        [
            ("", ""),
            ("<think>Hm.</think>\n", ""),
            ("<answer>", "</answer>"),
            ("Sure: ```json\n", "\n``` Done."),
            ("</think>", ""),
        ]
    ),
    LABELLED.map(lambda found: json.dumps({"entities": found})),
).map(lambda parts: parts[0][0] + parts[1] + parts[0][1])
ANSWERS = READABLE | WRAPPED | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.text()


def body(text):
    if re.search("</?think>", text):
        text = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL)
        text = text.replace("<think>", "").replace("</think>", "")
    if "<answer>" in text:
        pair = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        text = pair.group(1) if pair else text.replace("<answer>", "").replace("</answer>", "")
    if "```json" in text:
        fence = re.search(r"```json(.*?)```", text, re.DOTALL)
        if not fence:
            return FAILED
        text = fence.group(1)
    return text.strip()


def parsed(text):
    """(whether it is JSON, the value)."""
    try:
        return True, json.loads(text)
    except (ValueError, RecursionError):
        return False, {}


def normal(mention):
    kept = "".join(character for character in mention.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def read(text):
    inner = body(text)
    if inner is FAILED:
        return FAILED
    answer = parsed(inner)[1]
    labels = answer.get("entities", {}) if type(answer) is dict else {}
    if type(labels) is not dict or any(type(value) not in (list, str, dict) for value in labels.values()):
        return FAILED
    return {
        (normal(mention), label.lower().strip())
        for label, mentions in labels.items()
        for mention in mentions
        if type(mention) is str
    }


def f1(predictions, golds):
    gold = predicted = matched = 0
    for prediction, right in zip(predictions, golds, strict=True):
        found, expected = read(prediction) or set(), read(right)
        gold, predicted, matched = gold + len(expected), predicted + len(found), matched + len(found & expected)
    precision = matched / predicted if predicted else 0
    recall = matched / gold if gold else 0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


def schema(text, labels):
    found = read(text)
    if found is FAILED or not parsed(body(text))[0]:
        return 0
    return int({label for _, label in found} <= {label.lower().strip() for label in labels})
