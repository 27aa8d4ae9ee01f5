"""The answers of a model as the paper's released code reads and compares them: the one exception to "one parser".

In: the text of an answer.  Out: its normalised (mention, label) pairs, in time linear in the length of the text.
Never raises on what a model wrote; no other mode reads answers like this (answers.py).
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Mapping


def read_paper(text: str) -> frozenset[tuple[str, str]] | None:
    """The normalised (mention, label) of an answer as the paper's released code reads it.

    None where that code fails.  JSON that is invalid, or no object, is an answer without entities.  Linear in
    the length of the text.
    """
    body = paper_body(text)
    if body is None:
        return None
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset()
    labels = answer.get("entities", {}) if isinstance(answer, dict) else {}
    return paper_pairs(labels) if isinstance(labels, dict) else None


def paper_body(text: str) -> str | None:
    """What the paper's released code takes for the JSON of an answer; None for a fence that never closes."""
    if "<think>" in text or "</think>" in text:
        text = _without_thinking(text).replace("<think>", "").replace("</think>", "")
    if "<answer>" in text:
        answer = _first_between(text, "<answer>", "</answer>")
        text = text.replace("<answer>", "").replace("</answer>", "") if answer is None else answer
    if "```json" in text:
        fenced = _first_between(text, "```json", "```")
        if fenced is None:
            return None
        text = fenced
    return text.strip()


_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def paper_mention(text: str) -> str:
    """A mention without case, ASCII punctuation and articles, as the paper's released code compares it.

    May become empty: `@` and `the` are, and `C++` is `c`.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def paper_label(label: str) -> str:
    """A label as the paper's released code compares it: lower case, stripped, nothing folded."""
    return label.lower().strip()


def paper_pairs(labels: Mapping[str, object]) -> frozenset[tuple[str, str]] | None:
    """The normalised pairs of label -> mentions; None where a value is nothing that one can iterate over."""
    pairs: set[tuple[str, str]] = set()
    for label, mentions in labels.items():
        if not isinstance(mentions, Iterable):
            return None
        # A string gives its characters and an object its keys, for that is what the released code iterates over.
        name = paper_label(label)
        pairs.update([(paper_mention(mention), name) for mention in mentions if isinstance(mention, str)])
    return frozenset(pairs)


def _without_thinking(text: str) -> str:
    """The text without each `<think>` up to the next `</think>`; a search per tag, so linear where a pattern is not."""
    kept: list[str] = []
    at = 0
    while (start := text.find("<think>", at)) >= 0:
        close = text.find("</think>", start)
        if close < 0:
            break
        kept.append(text[at:start])
        at = close + len("</think>")
    return "".join((*kept, text[at:]))


def _first_between(text: str, opening: str, closing: str) -> str | None:
    """What stands between the first `opening` and the next `closing`, None where there is none."""
    start = text.find(opening) + len(opening)
    close = text.find(closing, start)
    return text[start:close] if close >= 0 else None
