"""doccano's JSON lines: {id, text, label: [[start, end, type]]}, or with `entities` as objects and `relations`.

Read as every list of spans is (span_lists.py), the number of a label without its name is refused.  Offsets are code
points, ends exclusive.  Written: the form with `label`, which every version imports; an unlabelled record comes
without the key, to be labelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nercot.corpus.records import Record
from nercot.formats import span_lists
from nercot.formats.gliner import identity
from nercot.formats.marks import looks_marked


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of doccano."""
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        return False
    label, entities = value.get("label"), value.get("entities")
    if isinstance(label, list) and "annotator" not in value:
        return bool(label) and all(isinstance(item, list) and looks_marked(item) for item in label)
    return isinstance(entities, list) and bool(entities) and all(map(_is_entity, entities))


def _is_entity(item: Any) -> bool:
    return isinstance(item, Mapping) and {"label", "start_offset", "end_offset"} <= item.keys()


DIALECT = span_lists.DIALECT


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One row a record."""
    for record in records:
        listed = record.gold if record.entities is None else record.entities
        label = {} if listed is None else {"label": [[item.start, item.end, item.label] for item in listed]}
        yield {**identity(record), "text": record.sentence, **label}
