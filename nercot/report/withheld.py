"""A row of a page without its text, as a release holds rows whose licence does not allow passing the text on.

In: a row as a page shows it.  Out: the same row as guid, schema, places and labels: no sentence, trace, reply,
mention, or word that somebody said of them.  What became of the row, its reason and its scores stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nercot.corpus.records import answer_hash

Row = dict[str, Any]
_TEXT = frozenset(("sentence", "detail", "input"))
_SAID = ("kept", "reason", "passed", "teacher", "score", "judge", "reader")


def without_text(row: Mapping[str, Any]) -> Row:
    """What may be shown of a row whose text may not be passed on."""
    bare = {name: value for name, value in row.items() if name not in _TEXT}
    if row.get("gold") is not None:
        bare["gold"] = _places(row["gold"])
    answered = row["attempts"][row["first"] : row["first"] + 1]
    return {**bare, "attempts": [_attempt(item) for item in answered], "first": 0}


def _attempt(attempt: Mapping[str, Any]) -> Row:
    entities = None if attempt["entities"] is None else _places(attempt["entities"])
    told = {name: attempt[name] for name in _SAID if name in attempt}
    judged = {"judgement": {**attempt["judgement"], "reason": None}} if attempt.get("judgement") else {}
    return {
        **told,
        **judged,
        "violations": [{"rule": item["rule"], "entity": None, "detail": None} for item in attempt["violations"]],
        "cot": None,
        "entities": entities,
        "answer": answer_hash(None, entities),
        "gold": [{**pair, "gold": _place(pair["gold"]), "found": _place(pair["found"])} for pair in attempt["gold"]],
    }


def _places(entities: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [{**item, "text": None, **_NO_EVIDENCE} for item in entities]


def _place(entity: Mapping[str, Any] | None) -> Row | None:
    return None if entity is None else {**entity, "text": None}


_NO_EVIDENCE = {"cot_start": None, "cot_end": None}
