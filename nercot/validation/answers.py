"""A model's text <-> (C, E): the one parser and the one renderer of answers.

In: the text of a reply, and the reasoning where the server gives it apart.  Out: the trace and the listed
mentions, or one line that says why the answer cannot be read.  Never raises on any string, never repairs an
answer, never looks at the sentence or the schema, and takes time linear in the length of the text.

The format is that of the paper's released code: `<think>` trace `</think>`, then
`{"entities": {label: [mention, ...]}}`.  Read are also other models' marks (thinking.py), a lone closing tag, code
fences, and text before and after the JSON.  What stands inside the thinking is never an answer.  After it every
object with the key `entities` is one: equal ones count once, two different ones cannot be read, nor one in which a
key comes twice, since which of them was meant cannot be known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple, cast

from nercot.corpus.records import Entity, span_order
from nercot.validation.thinking import split_thinking

OPEN, CLOSE = "<think>", "</think>"


class ParsedAnswer(NamedTuple):
    """What an answer says: `mentions` are (label, mention) as listed; `problem` is None where it can be read.

    `labels`: all that the answer lists, those without a mention too, which say nothing and so make no other answer.
    """

    cot: str | None
    mentions: tuple[tuple[str, str], ...] = ()
    problem: str | None = None
    labels: tuple[str, ...] = ()


class _Repeated(dict[str, object]):
    """An object in which a key comes more than once."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Repeated(made)


# The start of an object with at least one key: braces of prose and of code are passed over.
_START = re.compile(r'\{\s*"')

# An error of the decoder counts the lines up to it, so their number has to be bounded for linear time.
_MAX_BROKEN = 64

# Characters before the JSON that are more than a polite word: a trace, it seems.
_A_TRACE = 80

# Numbers are never part of an answer; as floats they cost linear time, whatever their length.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=float)
_PLAIN = json.JSONDecoder(parse_int=float)


def parse_answer(text: str, reasoning: str | None = None) -> ParsedAnswer:
    """The trace and the mentions of a reply.

    `reasoning`: the trace where the server gives it apart; it goes before any `<think>` of `text`.
    """
    return _usual(text, reasoning) or _parsed(text, reasoning)


def _usual(text: str, reasoning: str | None) -> ParsedAnswer | None:
    """An answer in the very format, with or without a fence, in one go; None: look closer, whatever it is."""
    cot, begin = reasoning, 0
    if reasoning is None:
        close = _first_close(text) if text.startswith(OPEN) else -1
        if close < 0:
            return None
        cot, begin = _between(text, len(OPEN), close), close + len(CLOSE)
    elif not text.startswith(("{", "`")) or not reasoning.strip() or not _storable(reasoning):
        return None
    start = text.find("{", begin)
    if start < 0 or text.find("<", begin, start) >= 0:
        return None
    try:
        value, end = _PLAIN.raw_decode(text, start)
        labels = value.get("entities")
        # Every key has its colon: with no more colons than keys, no key comes twice.
        if type(labels) is not dict or text.count(":", start, end) != 1 + len(labels):
            return None
        listed: list[tuple[str, str]] = []
        for label, mentions in labels.items():
            if type(mentions) is not list or not all(map(str.strip, mentions)):
                return None
            listed += zip(repeat(label), mentions)
    except (ValueError, TypeError, RecursionError):
        return None
    if (end < len(text) and text.find("{", end) >= 0) or not _storable(text):
        return None
    if text.find("\\", start, end) >= 0 and not _all_storable(listed):
        return None
    return ParsedAnswer(cot, tuple(listed), None, tuple(labels))


def _first_close(text: str) -> int:
    """Where the first closing tag begins, -1 without one; mostly it is the first `<` of the trace."""
    at = text.find("<", len(OPEN))
    return at if at < 0 or text.startswith(CLOSE, at) else text.find(CLOSE, at)


def _between(text: str, begin: int, end: int) -> str:
    """What stands there, without the line break at either end."""
    if begin < end and text[end - 1] == "\n":
        end -= 1
    if begin < end and text[begin] == "\n":
        begin += 1
    return text[begin:end]


def _parsed(text: str, reasoning: str | None) -> ParsedAnswer:
    """The same for any text."""
    cot, body, problem = _split(text, reasoning)
    if problem is None:
        found, extra, problem = _answers(body)
        if reasoning is None and extra:
            cot = "\n".join((cot, *extra)) if cot is not None else "\n".join(extra)
    if problem is not None or not _storable(cot):
        return ParsedAnswer(cot if _storable(cot) else None, (), problem or "the trace holds half a character")
    return _read(cot, found)


def is_unmarked(text: str, reasoning: str | None) -> bool:
    """Whether a reply seems to hold a trace that no known mark parts from its answer: prose, then the JSON."""
    begin = text.find('{"entities"') if '{"entities"' in text else text.find("{")
    return begin >= _A_TRACE and parse_answer(text, reasoning).cot is None


def carries(cot: str | None) -> bool:
    """Whether an answer can carry this trace: one that contains a think tag would end too early."""
    return cot is None or "<" not in cot or (OPEN not in cot and CLOSE not in cot)


def render_answer(cot: str | None, entities: Sequence[Entity], schema: Sequence[str]) -> str:
    """The canonical text of (C, E): labels in schema order, mentions by offset, empty labels left out.

    Raises ValueError for a trace with a think tag: ask `carries` first.
    """
    if not carries(cot):
        raise ValueError("a trace with a think tag cannot be written as an answer: drop the record")
    listed: dict[str, list[str]] = {label: [] for label in schema}
    for entity in sorted(entities, key=lambda entity: span_order(entity, schema)):
        listed.setdefault(entity.label, []).append(entity.text)
    answer = _indented({label: mentions for label, mentions in listed.items() if mentions})
    answer = answer.replace(OPEN, "\\u003cthink>").replace(CLOSE, "\\u003c/think>")
    return answer if cot is None else f"{OPEN}\n{cot}\n{CLOSE}\n{answer}"


_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _indented(listed: Mapping[str, Sequence[str]]) -> str:
    """The answer as json.dumps(..., indent=2) writes it, which takes five times as long."""
    lines = [
        f"    {_quoted(label)}: [\n" + ",\n".join(f"      {_quoted(mention)}" for mention in mentions) + "\n    ]"
        for label, mentions in listed.items()
    ]
    return '{\n  "entities": {\n' + ",\n".join(lines) + "\n  }\n}" if lines else '{\n  "entities": {}\n}'


def _split(text: str, reasoning: str | None) -> tuple[str | None, str, str | None]:
    """(trace, text after it, problem) of a reply."""
    # An answer in the format of its own, with or without a trace, has no other marks: no need to look for them.
    marked = None if text[:40].lstrip().startswith((OPEN, "{", "`")) else split_thinking(text)
    if reasoning is not None and reasoning.strip():
        return reasoning, marked.rest if marked is not None and marked.closed else text, None
    if marked is not None:
        return marked.cot, marked.rest, None if marked.closed else "the thinking is opened and never closed"
    close = text.find(CLOSE)
    start = text.find(OPEN)
    if close < 0 and start < 0:
        return None, text, None
    if start < 0 and text.lstrip()[:1] == "{" and _answers(text)[0]:
        return None, text, None  # the tag stands in a string of an answer without trace
    if close < 0:
        return None, "", f"the thinking is opened by {OPEN} and never closed"
    begin = start + len(OPEN) if 0 <= start < close else 0
    cot = _between(text, begin, close) if begin else text[:close].removesuffix("\n")
    return cot, text[close + len(CLOSE) :], None


def _answers(body: str) -> tuple[list[dict[str, object]], list[str], str | None]:
    """(objects with the key `entities`, thinking between them, problem) of the text after the trace.

    A decoding that fails goes on behind the place where it failed, so every character is read at most twice.
    """
    found: list[dict[str, object]] = []
    thoughts: list[str] = []
    problem: str | None = None
    at = begin = broken = 0
    while (match := _START.search(body, at)) and broken < _MAX_BROKEN:
        start = match.start()
        tag = body.find(CLOSE, at, start)
        if tag >= 0:
            thoughts.append(body[begin:tag].replace(OPEN, "").strip("\n"))
            found.clear()
            at = begin = tag + len(CLOSE)
            continue
        try:
            value, at = _DECODER.raw_decode(body, start)
        except RecursionError:
            return [], thoughts, "the JSON is nested too deep"
        except json.JSONDecodeError as error:
            at = max(error.pos, start + 1)
            broken += 1
            problem = f"the JSON cannot be read: {error.msg} at character {error.pos} of the answer"
            continue
        if "entities" in value:
            found.append(value)
        else:
            problem = "the JSON object has no key `entities`"
    if found:
        problem = None
    return found, thoughts, problem or (None if found else "there is no JSON object in the answer")


def _read(cot: str | None, found: Sequence[dict[str, object]]) -> ParsedAnswer:
    first, problem = _mentions(found[0])
    for other in found[1:]:
        again, trouble = _mentions(other)
        problem = problem or trouble
        if problem is None and sorted(again) != sorted(first):
            problem = "there are two different answers"
    if problem:
        return ParsedAnswer(cot, (), problem)
    labels = dict.fromkeys(label for answer in found for label in cast(dict[str, object], answer["entities"]))
    return ParsedAnswer(cot, tuple(first), None, tuple(labels))


def _mentions(answer: dict[str, object]) -> tuple[list[tuple[str, str]], str | None]:
    """The listed (label, mention) of one object, or what is wrong with its shape."""
    labels = answer["entities"]
    if len(answer) != 1 or isinstance(answer, _Repeated):
        return [], "beside `entities` the answer holds other keys, or the key twice"
    if not isinstance(labels, dict):
        return [], "`entities` is not an object of lists"
    if isinstance(labels, _Repeated):
        return [], "a label is given twice"
    listed: list[tuple[str, str]] = []
    for label, mentions in labels.items():
        if type(mentions) is not list:
            return [], f"the value of {_show(label)} is not a list"
        for mention in mentions:
            if type(mention) is not str:
                return [], f"a mention of {_show(label)} is not a string"
            if not mention or mention.isspace():
                return [], f"a mention of {_show(label)} is empty"
            listed.append((label, mention))
    if not _all_storable(listed):
        return [], "a mention or label holds half a character"
    return listed, None


def _show(label: str) -> str:
    return ascii(label[:40])


def _all_storable(listed: Sequence[tuple[str, str]]) -> bool:
    return _storable("".join(map("".join, listed)))


def _storable(text: str | None) -> bool:
    """Whether the text can be written as UTF-8: a lone surrogate cannot."""
    if text is None or text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
