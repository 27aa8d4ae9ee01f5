"""A sample of answers as tasks of Label Studio, and its export as verdicts.

In: rows as a page shows them.  Out: pre-annotated tasks (the entities as a prediction, the trace beside the text) and
the labelling interface that goes with them.  Back: of each annotation that was not cancelled one verdict, as a line
of an audit page has it.  Where a person chose no verdict, the entities that they left say it: the same as the answer's
is right, and what differs are the faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from nercot.corpus.records import Entity
from nercot.validation.spans import compare

Row = Mapping[str, Any]
_FAULTS = {"added": "missing", "removed": "entity", "boundary": "extent", "relabelled": "type"}


class TaskError(ValueError):
    """A task that is none of ours, or that cannot be read: what is wrong with it."""


def tasks(rows: Iterable[Row], corpus: str, fingerprint: str) -> Iterator[dict[str, Any]]:
    """One task a row, with the answer that the row shows first as its prediction."""
    for number, row in enumerate(rows, 1):
        attempt = row["attempts"][row["first"]]
        data = {
            "text": row["sentence"],
            "trace": attempt.get("cot") or "",
            "guid": row["guid"],
            "corpus": corpus,
            "fingerprint": fingerprint,
            "answer": attempt["answer"],
            "entities": [_said(item) for item in attempt["entities"]],
        }
        result = [_region(place, item) for place, item in enumerate(data["entities"]) if item["start"] is not None]
        model = attempt.get("teacher") or "answer"
        yield {"id": number, "data": data, "predictions": [{"model_version": model, "score": 1.0, "result": result}]}


def _said(entity: Row) -> dict[str, Any]:
    return {name: entity[name] for name in ("text", "label", "start", "end")}


def _region(place: int, entity: Row) -> dict[str, Any]:
    value = {"start": entity["start"], "end": entity["end"], "text": entity["text"], "labels": [entity["label"]]}
    return {"id": f"e{place}", "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def interface(labels: Iterable[str]) -> str:
    """The labelling interface of the tasks (Settings, Labeling Interface, Code)."""
    offered = "\n".join(f"    <Label value={quoteattr(label)}/>" for label in labels)
    return f"""<View>
  <Labels name="label" toName="text">
{offered}
  </Labels>
  <Text name="text" value="$text"/>
  <Header value="Trace"/>
  <Text name="trace" value="$trace"/>
  <Choices name="verdict" toName="text" choice="single">
    <Choice value="right"/>
    <Choice value="wrong"/>
  </Choices>
  <TextArea name="note" toName="text" placeholder="What is wrong"/>
</View>
"""


def verdict_of_task(task: Row) -> Iterator[dict[str, Any]]:
    """The verdicts in one exported task, a person each; TaskError where the task is none of ours."""
    data = task["data"]
    needed = ("text", "guid", "corpus", "fingerprint", "answer", "entities")
    if not isinstance(data, dict) or (missing := [name for name in needed if name not in data]):
        raise TaskError(
            f"no task of nercot audit (its data lacks {', '.join(missing) if isinstance(data, dict) else 'all'})"
        )
    for annotation in task["annotations"]:
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
            raise TaskError("an annotation without a result")
        if annotation.get("was_cancelled"):
            continue
        yield _verdict(data, annotation)


def _verdict(data: Row, annotation: Row) -> dict[str, Any]:
    result = [item for item in annotation["result"] if isinstance(item, dict)]
    chosen = next((_values(item, "choices") for item in result if item.get("from_name") == "verdict"), [])
    notes = [text for item in result if item.get("from_name") == "note" for text in _values(item, "text")]
    found = _entities(data["text"], [item for item in result if item.get("type") == "labels"])
    person = _person(annotation.get("completed_by"))
    return verdict_of(data, data["entities"], found, person, chosen[0] if chosen else None, "\n".join(map(str, notes)))


def verdict_of(
    about: Row, listed: Sequence[Row], found: Sequence[Entity], person: str, chosen: str | None, note: str
) -> dict[str, Any]:
    """One person's verdict on the answer `listed`, of which they left `found`, as a line of an audit page has it.

    `about`: corpus, fingerprint, guid, answer.  `chosen`: right or wrong, None where the entities say it.
    """
    faults = list(_differences(listed, found))
    verdict = chosen or ("wrong" if faults else "right")
    return {
        **{name: str(about[name]) for name in ("corpus", "fingerprint", "guid", "answer")},
        "person": person,
        "verdict": verdict,
        "faults": [] if verdict == "right" else faults,
        "note": note,
    }


def _values(item: Row, name: str) -> list[Any]:
    value = item.get("value")
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else [found] if isinstance(found, str) else []


def _person(who: Any) -> str:
    if isinstance(who, dict):
        who = who.get("email") or who.get("username") or who.get("id")
    return "anonymous" if who is None else str(who)


def _entities(text: str, regions: Sequence[Row]) -> list[Entity]:
    """The spans that a person left.  Old servers count in UTF-16 units: what the region says of its text tells."""
    units = text.encode("utf-16-le", "surrogatepass")
    found = []
    for region in regions:
        value = region.get("value") or {}
        start, end, labels = value.get("start"), value.get("end"), value.get("labels") or ()
        if not isinstance(start, int) or not isinstance(end, int) or not labels:
            raise TaskError("a region without start, end or label")
        said = value.get("text")
        if said is not None and text[start:end] != said:
            before, inside = units[: 2 * start], units[2 * start : 2 * end]
            if inside.decode("utf-16-le", "replace") == said:
                start = len(before.decode("utf-16-le", "surrogatepass"))
                end = start + len(said)
        found += [Entity(text[start:end], str(label), start, end) for label in labels]
    return found


def _differences(listed: Sequence[Row], found: Sequence[Entity]) -> Iterator[dict[str, Any]]:
    """How what a person left differs from the answer, as faults of the answer."""
    answer = [Entity(item["text"], item["label"], item["start"], item["end"]) for item in listed]
    for pair in compare(answer, found):
        if kind := _FAULTS.get(pair.kind):
            meant = pair.gold or pair.found
            yield {"kind": kind, "entity": meant and said(meant)}
            if pair.gold and pair.found:
                yield {"kind": "missing", "entity": said(pair.found)}


def said(entity: Entity) -> dict[str, Any]:
    """What a verdict says of an entity."""
    return {"text": entity.text, "label": entity.label, "start": entity.start, "end": entity.end}
