"""A sample of answers as records of Argilla, and its export as verdicts.

In: rows as a page shows them.  Out: records whose suggestion is the answer's entities, the trace beside the text, and
the settings of the dataset that they go into.  Back: of each person's submitted response one verdict, as a line of an
audit page has it; where a person chose none, the entities that they left say it (tasks.py).  Both shapes of an export
are read: records.to_json(), and the flat rows of records.to_list(flatten=True).  The former holds no status (Argilla
2.8), so that drafts and discarded responses count there, which is said; of the latter only what was submitted does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nercot.corpus.records import Entity
from nercot.measure.tasks import TaskError, said, verdict_of

Row = Mapping[str, Any]
_SPANS, _VERDICT, _NOTE = "entities", "verdict", "note"
_QUESTIONS = (_SPANS, _VERDICT, _NOTE)
_KNOWN = ("corpus", "fingerprint", "answer")


def records(rows: Iterable[Row], corpus: str, fingerprint: str) -> Iterator[dict[str, Any]]:
    """One record a row, with the answer that the row shows first as its suggestion."""
    for row in rows:
        attempt = row["attempts"][row["first"]]
        spans = [_span(item) for item in attempt["entities"] if item["start"] is not None]
        model = attempt.get("teacher") or "answer"
        yield {
            "id": row["guid"],
            "fields": {"text": row["sentence"], **({"trace": attempt["cot"]} if attempt.get("cot") else {})},
            "metadata": {"corpus": corpus, "fingerprint": fingerprint, "answer": attempt["answer"]},
            "suggestions": {_SPANS: {"value": spans, "agent": model}},
            "responses": {},
            "vectors": {},
        }


def _span(entity: Row) -> dict[str, Any]:
    return {"label": entity["label"], "start": entity["start"], "end": entity["end"]}


def settings(labels: Iterable[str]) -> dict[str, Any]:
    """The settings of the dataset (rg.Settings.from_json)."""
    spans = {"type": "span", "field": "text", "allow_overlapping": True, "options": _options(labels)}
    choice = {"type": "label_selection", "options": _options(("right", "wrong"))}
    text = {"type": "text", "use_markdown": False}
    asked: Iterable[tuple[str, Row]] = zip(_QUESTIONS, (spans, choice, text), strict=True)
    terms = {"type": "terms", "visible_for_annotators": True}
    return {
        "guidelines": "Correct the entities, or say whether the answer is right or wrong.",
        "fields": [_part(name, text, required=name == "text") for name in ("text", "trace")],
        "questions": [_part(name, kind, required=False) for name, kind in asked],
        "metadata": [{"name": name, "title": name, "settings": terms} for name in _KNOWN],
        "vectors": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }


def _part(name: str, kind: Row, required: bool) -> dict[str, Any]:
    return {"name": name, "title": name, "required": required, "type": kind["type"], "settings": kind}


def _options(values: Iterable[str]) -> list[dict[str, str]]:
    return [{"value": value, "text": value} for value in values]


# --- back ---------------------------------------------------------------------------------------------


def is_record(value: Any) -> bool:
    """Whether a JSON value is an exported record, nested or flat."""
    if not isinstance(value, Mapping):
        return False
    nested = isinstance(value.get("fields"), Mapping) and isinstance(value.get("responses"), Mapping)
    return nested or ("text" in value and any(str(key).endswith((".responses", ".suggestion")) for key in value))


def has_no_status(value: Any) -> bool:
    """Whether a record holds responses that do not say whether they were submitted: what records.to_json() writes."""
    responses = _mapping(value).get("responses")
    listed = [item for answers in _mapping(responses).values() if isinstance(answers, list) for item in answers]
    return any(isinstance(item, Mapping) and "status" not in item for item in listed)


def verdicts_of_record(value: Row) -> Iterator[dict[str, Any]]:
    """The verdicts in one exported record, a person each; TaskError where it is none of ours."""
    nested = isinstance(value.get("fields"), Mapping)
    told = {**value["fields"], **_mapping(value.get("metadata"))} if nested else value
    needed: dict[str, Any] = {
        "text": told.get("text"),
        "id": value.get("id"),
        **{name: told.get(name) for name in _KNOWN},
    }
    if missing := [name for name, found in needed.items() if not isinstance(found, str)]:
        raise TaskError(f"no record of nercot audit (it lacks {', '.join(missing)})")
    about = {"guid": needed["id"], **{name: needed[name] for name in _KNOWN}}
    listed = _entities(needed["text"], (_suggested_nested if nested else _suggested_flat)(value))
    for person, answers in (_nested if nested else _flat)(value).items():
        found = listed if answers.get(_SPANS) is None else _entities(needed["text"], answers[_SPANS])
        chosen, note = answers.get(_VERDICT), answers.get(_NOTE)
        yield verdict_of(about, [said(item) for item in listed], found, person, chosen, str(note or ""))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _nested(record: Row) -> dict[str, dict[str, Any]]:
    """Person -> question -> value, of records.to_json()."""
    found: dict[str, dict[str, Any]] = {}
    for question, answers in record["responses"].items():
        for answer in answers if isinstance(answers, list) else ():
            if isinstance(answer, Mapping) and answer.get("status", "submitted") == "submitted":
                found.setdefault(_person(answer.get("user_id")), {})[question] = answer.get("value")
    return found


def _flat(record: Row) -> dict[str, dict[str, Any]]:
    """Person -> question -> value, of a flat row."""
    found: dict[str, dict[str, Any]] = {}
    for question in _QUESTIONS:
        name = f"{question}.responses"
        lists = [record.get(key) or () for key in (name, f"{name}.users", f"{name}.status")]
        for value, person, status in zip(*lists, strict=False):
            if status == "submitted":
                found.setdefault(_person(person), {})[question] = value
    return found


def _person(who: Any) -> str:
    return "anonymous" if who in (None, "", "None") else str(who)


def _suggested_nested(record: Row) -> Any:
    return _mapping(_mapping(record.get("suggestions")).get(_SPANS)).get("value")


def _suggested_flat(record: Row) -> Any:
    return record.get(f"{_SPANS}.suggestion")


def _entities(text: str, spans: Any) -> list[Entity]:
    listed: Sequence[Any] = spans if isinstance(spans, list) else ()
    return [_entity(text, span) for span in listed]


def _entity(text: str, span: Any) -> Entity:
    start, end, label = (_mapping(span).get(name) for name in ("start", "end", "label"))
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(label, str):
        raise TaskError("a span without start, end or label")
    return Entity(text[start:end], label, start, end)
