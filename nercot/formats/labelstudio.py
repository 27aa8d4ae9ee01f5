"""Label Studio's tasks: {data, annotations: [{result: [{value: {start, end, text, labels}}]}]}.

Read: the full export (JSON-MIN is a list of spans like others, span_lists.py).  Of several annotations of a task the
ground truth counts, else the first that was not cancelled, and the others are counted; a task whose annotations were
all cancelled is left out; one without any is unlabelled.  Predictions count only where no task has annotations.
Offsets are code points in today's versions and UTF-16 units in older ones: the text of each span decides.  Written:
tasks with `annotations` (labelstudio), or with `predictions`, to be corrected (labelstudio-pre); the project's
labeling setup names its parts `label` and `text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from nercot.corpus.records import Entity, Record
from nercot.formats.gliner import identity
from nercot.formats.json_files import json_rows
from nercot.formats.marks import key_of, marks_of
from nercot.formats.notices import say
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions, RowError, id_of, kind_of, text_of
from nercot.formats.span_lists import json_passages, origin
from nercot.formats.spanned import Passage, Spanned, Unread

_ANNOTATIONS = ("annotations", "completions")
_MODEL = "nercot"


def detect(value: Any) -> bool:
    """Whether a JSON value is a task of Label Studio."""
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), Mapping):
        return False
    return any(isinstance(value.get(key), list) for key in (*_ANNOTATIONS, "predictions"))


def _annotations(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed: list[Any] = next((value[key] for key in _ANNOTATIONS if isinstance(value.get(key), list)), [])
    return [item for item in listed if isinstance(item, Mapping)]


def _predictions(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = value.get("predictions")
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    predicted = _is_predicted(path)
    if predicted:
        say(f"{path.name}: no task has annotations; its predictions are taken")
    yield from json_passages(partial(_task, predicted=predicted))(path, options)


def _is_predicted(path: Path) -> bool:
    """Whether a file has predictions, and no annotation of any task."""
    found = False
    for row in json_rows(path):
        if isinstance(row.value, Mapping):
            if _annotations(row.value):
                return False
            found = found or bool(_predictions(row.value))
    return found


def _task(value: Any, row: int, predicted: bool) -> Passage:
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), Mapping):
        raise RowError(f"the row is {kind_of(value)}, not a task with data")
    listed = (_predictions if predicted else _annotations)(value)
    done = [item for item in listed if not (item.get("was_cancelled") or item.get("skipped"))]
    if listed and not done:
        raise RowError("every annotation of the task was cancelled: left out")
    ranked = sorted(done, key=lambda item: not item.get("ground_truth"))
    results = _results(ranked[0]) if ranked else []
    text = text_of(_text(value["data"], results), "the text in data")
    findings = ["other_annotation"] * (len(done) - 1)
    marks = tuple(mark for item in results for mark in _marks(item, text, findings))
    data = value["data"]
    ident = id_of(data.get("id")) or id_of(value.get("id"))
    return Passage(row, text, marks if ranked else None, source_id=ident, findings=tuple(findings), **origin(data))


def _results(annotation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The regions of an annotation; choices, ratings and relations are none."""
    found = annotation.get("result")
    listed = found if isinstance(found, list) else []
    return [item for item in listed if isinstance(item, Mapping) and _is_region(item)]


def _is_region(item: Mapping[str, Any]) -> bool:
    value, kind = item.get("value"), item.get("type", "labels")
    is_labelled = isinstance(kind, str) and kind.endswith("labels")
    return is_labelled and isinstance(value, Mapping) and "start" in value and "end" in value


def _text(data: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Any:
    """The text that the spans are of: the part of the data that their setup names, or the likeliest."""
    for name in (*(item.get("to_name") for item in results), "text"):
        if isinstance(name, str) and isinstance(data.get(name), str):
            return data[name]
    texts = [value for value in data.values() if isinstance(value, str)]
    said = [item["value"].get("text") for item in results]
    holding = [text for text in texts if all(not isinstance(mention, str) or mention in text for mention in said)]
    return max(holding or texts, key=len, default=None)


def _marks(item: Mapping[str, Any], text: str, findings: list[str]) -> Iterator[Mark]:
    value = item["value"]
    kind = item.get("type")
    labels = value.get(kind) if isinstance(kind, str) else None
    if labels is None:
        labels = next((value[key] for key in value if key_of(key).endswith("labels")), None)
    place = value.get("globalOffsets")
    place = place if isinstance(place, Mapping) else value
    yield from marks_of({**place, "label": labels, "text": value.get("text")}, text, findings)


DIALECT = Spanned(_passages)


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One task a record, labelled as `annotations`."""
    for record in records:
        listed = record.gold if record.entities is None else record.entities
        task: dict[str, Any] = {"data": _data(record)}
        yield task if listed is None else {**task, "annotations": [{"result": _regions(listed)}]}


def tasks_to_correct(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One task a record, with its entities as predictions."""
    for record in records:
        listed = record.gold if record.entities is None else record.entities
        predictions = [] if listed is None else [{"model_version": _MODEL, "result": _regions(listed)}]
        yield {"data": _data(record), "predictions": predictions}


def _data(record: Record) -> dict[str, Any]:
    return {"text": record.sentence, **identity(record)}


def _regions(listed: Sequence[Entity]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"e{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": item.start, "end": item.end, "text": item.text, "labels": [item.label]},
        }
        for number, item in enumerate(listed, 1)
    ]
