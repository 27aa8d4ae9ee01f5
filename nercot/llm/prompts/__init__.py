"""What the models are asked, and how a judge's verdict is read.

In: records, and templates with named slots (annotate.md, reading.md, judge.md, extract.md, or a user's own).  Out:
chat messages, JSON schemas of the answers for servers that can be strict, a Judgement or None.

Filling in is one pass over the template, and data stands in JSON strings or in a fence that no line of
it can close: a sentence can say anything, but cannot change the structure of the prompt.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from nercot.corpus.records import Judgement, Record
from nercot.corpus.resources import resource
from nercot.errors import RecipeError
from nercot.validation.answers import render_answer
from nercot.validation.reading import NotFound, cut_drafts
from nercot.validation.thinking import after_thinking

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_SCORES = ("grounding", "boundary", "type", "completeness", "coherence", "score")
# What ends a line for some readers, though JSON leaves it as it is.
_LINE_ENDS = {"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_OBJECT_START = re.compile(r'\{\s*"')
_MOST_OBJECTS = 100
# So many texts that were not found are named when a reader is asked again.
_MOST_NAMED = 50

Messages = list[dict[str, str]]


def read_template(path: Path | str) -> str:
    """A user's template.  Raises RecipeError if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"prompt {path} cannot be read ({error}): give a UTF-8 text file") from error


@cache
def default_template(name: str) -> str:
    """The text of our own annotate.md, reading.md, judge.md or extract.md."""
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8")


def annotate_messages(record: Record, template: str | None = None) -> Messages:
    """What the teacher is asked: sentence and schema; never the gold entities.

    Slots: schema, descriptions, sentence.  Raises RecipeError for a template with other slots, or
    without those for schema and sentence.
    """
    slots = _task_slots(record.sentence, record.schema, record.schema_descriptions)
    return _messages(template or default_template("annotate"), slots, ("schema", "sentence"))


def judge_messages(record: Record, template: str | None = None) -> Messages:
    """What the judge is asked: sentence, schema, trace and entities; never the gold entities.

    Slots: those of `annotate_messages`, and reasoning, entities.  Raises RecipeError as it does.
    """
    slots = _task_slots(record.sentence, record.schema, record.schema_descriptions)
    slots["reasoning"] = _fenced(record.cot or "")
    slots["entities"] = _fenced(render_answer(None, record.entities or (), record.schema))
    return _messages(template or default_template("judge"), slots, ("schema", "sentence", "reasoning", "entities"))


def reading_messages(record: Record, template: str | None = None, again: NotFound | None = None) -> Messages:
    """What the reader is asked: types and sentence as JSON, the trace as it is without its drafts; never the answer.

    `again`: what its last report named and nobody finds; the request then says so.
    Slots: schema, descriptions, sentence, reasoning.  Raises RecipeError as `annotate_messages` does.
    """
    slots = _task_slots(record.sentence, record.schema, record.schema_descriptions)
    slots["sentence"] = _json(record.sentence)
    slots["reasoning"] = _fenced(cut_drafts(record.cot or ""))
    messages = _messages(template or default_template("reading"), slots, ("schema", "sentence", "reasoning"))
    if again:
        messages[0]["content"] += "\n\n" + _asked_again(again)
    return messages


def _asked_again(again: NotFound) -> str:
    """What a first report named and the request does not have."""
    parts = (
        ("These mentions of your last report do not stand in the sentence; copy them from it", again.mentions),
        ("These types of your last report are not in the list; spell them as it does", again.types),
        ("These passages of your last report do not stand in the reasoning; copy them from it", again.quotes),
    )
    lines = [f"{text}: {_json(list(found[:_MOST_NAMED]))}" for text, found in parts if found]
    return "\n".join(["This was asked before. Give the whole report again.", *lines])


def extract_messages(
    sentence: str, schema: Sequence[str], descriptions: Sequence[str] | None = None, template: str | None = None
) -> Messages:
    """What a trained model is asked, in training and in evaluation: one user message, no system message."""
    slots = _task_slots(sentence, schema, descriptions)
    return _messages(template or default_template("extract"), slots, ("schema", "sentence"))


def _messages(template: str, slots: Mapping[str, str], needed: Sequence[str]) -> Messages:
    return [{"role": "user", "content": _fill(template, slots, needed)}]


def _fill(template: str, slots: Mapping[str, str], needed: Sequence[str]) -> str:
    """The template with its slots filled, in one pass: what is filled in is not looked at again."""
    parts = _parts(template)
    used = set(parts[1::2])
    if wrong := sorted(used - slots.keys()):
        known = ", ".join(f"{{{{{name}}}}}" for name in slots)
        raise RecipeError(f"a prompt has the unknown slot {{{{{wrong[0]}}}}}: it can have {known}")
    if missing := [name for name in needed if name not in used]:
        raise RecipeError(f"a prompt lacks the slot {{{{{missing[0]}}}}}: put it where that text belongs")
    return "".join([slots[part] if number % 2 else part for number, part in enumerate(parts)])


@lru_cache(maxsize=16)
def _parts(template: str) -> tuple[str, ...]:
    """Text and names of slots by turns, text first and last."""
    return tuple(_SLOT.split(template))


def _task_slots(sentence: str, schema: Sequence[str], descriptions: Sequence[str] | None) -> dict[str, str]:
    return {
        "schema": _json(list(schema)),
        "descriptions": _descriptions(schema, descriptions),
        "sentence": _fenced(sentence),
    }


def _descriptions(schema: Sequence[str], descriptions: Sequence[str] | None) -> str:
    """One line a type, where the source describes its types; else nothing."""
    if not descriptions:
        return ""
    lines = [f"- {_json(label)}: {_json(text)}" for label, text in zip(schema, descriptions, strict=False) if text]
    return "\n".join(["", "What the types mean:", *lines, ""])


def _json(value: object) -> str:
    """JSON on one line, whatever is in it."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text
    for sign, escaped in _LINE_ENDS.items():
        text = text.replace(sign, escaped)
    return text


def _fenced(text: str) -> str:
    """The text between fences of backticks, longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0) if "`" in text else 0
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def annotate_response_format(schema: Sequence[str]) -> dict[str, Any]:
    """The `response_format` that holds a strict server to the Answer's JSON: no trace fits into it.

    It is for models whose trace comes apart (`reasoning_content`).
    """
    mentions = {"type": "array", "items": {"type": "string"}}
    by_label = _closed(dict.fromkeys(schema, mentions))
    return _response_format("entities", _closed({"entities": by_label}))


@cache
def _described(name: str) -> dict[str, Any]:
    """The properties of one of our JSON schemas; nobody may change them."""
    schema: dict[str, Any] = json.loads(resource("schemas", f"{name}.schema.json").read_text(encoding="utf-8"))
    return dict(schema["properties"])


@cache
def judge_response_format(rubric: str = "strict") -> Mapping[str, Any]:
    """The `response_format` for strict servers: schemas/judgement.schema.json; "paper": to a reason and a score."""
    schema = _described("judgement")
    asked = {name: schema[name] for name in ("reason", "score")} if rubric == "paper" else schema
    return _response_format("judgement", _closed(asked))


def reading_response_format(schema: Sequence[str]) -> dict[str, Any]:
    """The `response_format` that holds a strict server to schemas/reading.schema.json, with the types of a record."""
    described = _described("reading")
    texts = {"type": "string"}
    item = _closed(
        {"mention": texts, "type": {"type": "string", "enum": list(dict.fromkeys(schema))}, "because": texts}
    )
    if not schema:
        item = _closed(dict.fromkeys(("mention", "type", "because"), texts))
    taken = {**described["taken"], "items": item}
    return _response_format("reading", _closed({**described, "taken": taken}))


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema of an object with exactly these properties, as strict servers want it."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _response_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": dict(schema)}}


def parse_judgement(text: str, rubric: str = "strict") -> Judgement | None:
    """A judge's verdict, None if it cannot be read: never a default score, never an exception.

    `rubric`: "paper" asks for one score without sub-scores, which are then None.

    Takes the JSON object of schemas/judgement.schema.json, also in a fence, after a trace, or amid
    other text; one inside thinking that never ends is none.  A score out of range, missing, or said
    twice in different ways is no verdict.
    """
    verdicts = set(_verdicts(after_thinking(text), ("score",) if rubric == "paper" else _SCORES))
    return verdicts.pop() if len(verdicts) == 1 else None


def _verdicts(text: str, asked: Sequence[str]) -> Iterator[Judgement]:
    """The verdicts among the JSON objects of the text."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    end = 0
    for tried, start in enumerate(_OBJECT_START.finditer(text)):
        if tried == _MOST_OBJECTS:
            return
        if start.start() < end:
            continue
        try:
            found, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if (verdict := _verdict(found, asked)) is not None:
            yield verdict


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; keys said twice are left out, since either could be meant."""
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}


def _verdict(found: Mapping[str, Any], asked: Sequence[str]) -> Judgement | None:
    """The object as a judgement; numbers only, since `true` or "9" is not what was asked for."""
    scores: dict[str, Any] = {name: float(found[name]) for name in asked if _is_score(found.get(name))}
    reason = found.get("reason")
    if len(scores) < len(asked) or not isinstance(reason, str):
        return None
    # Half a surrogate pair, which JSON can escape, fits in no file.
    reason = reason.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Judgement(**{**dict.fromkeys(_SCORES), **scores}, reason=reason)


def _is_score(value: object) -> bool:
    """Whether it is a number from 0 to 10; NaN compares to neither end."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10
