"""Pile-NER: conversations that ask a passage for one type after another.

Read: JSON rows `{"id", "conversations": [{"from", "value"}, ...]}`: `Text: <passage>`, an
acknowledgement, then pairs of `What describes <type> in the text?` and a JSON list as a string.
Rows that ask for one type only (UniversalNER's evaluation files) are grouped by text within a file;
they are held in memory until its end.  A type that is asked stays in the schema, also where the answer
is `[]`.  Where a question holds a definition in place of a name (Pile-NER-definition), the definition is
kept as the type's description as well.  Written: one conversation a record.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nercot.corpus.records import Entity, Record
from nercot.formats.json_files import JsonRow, json_rows, raw_bytes
from nercot.formats.rows import BadRow, ReadOptions, RowError, SourceRow, id_of, kind_of, text_of

_QUERY = re.compile(r"\s*what\s+describes\s+(.*?)\s+in\s+the\s+text\s*\??\s*", re.IGNORECASE | re.DOTALL)
_NAMED = re.compile(r"([^:\n]{1,60}?)\s*:\s+(\S.*)", re.DOTALL)
_NUMBERED = re.compile(r"(.*[^_\s])_\d+")
# A type's name has few words; what has more, or ends like a sentence, is a definition.
_MAX_NAME_WORDS = 5


def detect(value: Any) -> bool:
    """Whether a JSON value is a Pile-NER conversation."""
    return isinstance(value, dict) and isinstance(value.get("conversations"), list)


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The rows of one file; those with a single query come last, one for each text.

    A text that is asked for one type twice is two rows of the source, and stays two.
    """
    singles: dict[tuple[str, str, int], SourceRow] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    for row in json_rows(path):
        item = _row(row, file, options)
        if isinstance(item, BadRow) or item.schema is None or len(item.schema) != 1:
            yield item
            continue
        asked = (item.dataset, item.sentence, item.schema[0])
        key = (item.dataset, item.sentence, times[asked])
        times[asked] += 1
        singles[key] = _merged(singles[key], item) if key in singles else item
    yield from singles.values()


def write(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One conversation a record, a query for every type of its schema."""
    for record in records:
        yield {"id": record.source_id or record.guid, "conversations": list(_turns(record))}


def losses(record: Record) -> Counter[str]:
    """What a question cannot hold of a record: `label`, a type that reads as another one there (`name: definition`)."""
    return Counter(label=sum(_definition(label.strip())[0] != label for label in record.schema))


def _turns(record: Record) -> Iterator[dict[str, str]]:
    yield {"from": "human", "value": f"Text: {record.sentence}"}
    yield {"from": "gpt", "value": "I've read this text."}
    entities = record.gold if record.entities is None else record.entities
    for label in record.schema:
        mentions = [entity.text for entity in entities or () if entity.label == label]
        yield {"from": "human", "value": f"What describes {label} in the text?"}
        yield {"from": "gpt", "value": json.dumps(mentions, ensure_ascii=False)}


def _row(row: JsonRow, file: str, options: ReadOptions) -> SourceRow | BadRow:
    dataset = options.dataset or _dataset(row.value)
    try:
        return _parse(row, file, dataset)
    except RowError as error:
        return BadRow(file, row.row, dataset, str(error), raw_bytes(row))


def _dataset(value: Any) -> str:
    """The corpus that a row's id speaks of: `CrossNER_AI_12` is of CrossNER_AI, `ner_12` of Pile-NER."""
    ident = value.get("id") if isinstance(value, dict) else None
    match = _NUMBERED.fullmatch(ident) if isinstance(ident, str) else None
    if match and match[1].lower() != "ner":
        return match[1]
    return "Pile-NER-definition" if _has_definitions(value) else "Pile-NER-type"


def _has_definitions(value: Any) -> bool:
    turns = value.get("conversations") if isinstance(value, dict) else None
    listed = turns if isinstance(turns, list) else ()
    queries = [_QUERY.fullmatch(str(turn.get("value"))) for turn in listed if isinstance(turn, dict)]
    return any(_definition(query[1])[1] is not None for query in queries if query)


def _definition(asked: str) -> tuple[str, str | None]:
    """A type's name and its definition: `name: definition`, or a definition that stands for the name."""
    named = _NAMED.fullmatch(asked)
    if named and len(named[1].split()) <= _MAX_NAME_WORDS:
        return named[1], named[2]
    if len(asked.split()) > _MAX_NAME_WORDS or asked.endswith("."):
        return asked, asked
    return asked, None


def _parse(row: JsonRow, file: str, dataset: str) -> SourceRow:
    if isinstance(row.value, RowError):
        raise row.value
    if not isinstance(row.value, dict) or not isinstance(row.value.get("conversations"), list):
        raise RowError(f"the row is {kind_of(row.value)} without a list of conversations")
    turns = [_turn(turn) for turn in row.value["conversations"]]
    if not turns:
        raise RowError("the conversation is empty")
    sentence = text_of(turns[0].removeprefix("Text:").removeprefix(" "), "the text")
    labels: dict[str, str | None] = {}
    gold: list[Entity] = []
    findings: list[str] = []
    for question, answer in zip(turns[2::2], turns[3::2], strict=False):
        _take(question, answer, labels, gold, findings)
    if len(turns) > 2 and len(turns) % 2:
        findings.append("query_without_answer")
    if not labels:
        raise RowError("the conversation asks for no type")
    described = any(labels.values())
    return SourceRow(
        file=file,
        row=row.row,
        dataset=dataset,
        sentence=sentence,
        schema=tuple(labels),
        descriptions=tuple(text or label for label, text in labels.items()) if described else None,
        gold=tuple(gold),
        source_id=id_of(row.value.get("id")),
        findings=tuple(findings),
    )


def _turn(turn: Any) -> str:
    if not isinstance(turn, dict) or not isinstance(turn.get("value"), str):
        raise RowError("a turn of the conversation has no text")
    return text_of(turn["value"] or " ", "a turn") if turn["value"].strip() else ""


def _take(question: str, answer: str, labels: dict[str, str | None], gold: list[Entity], findings: list[str]) -> None:
    """One query: its type goes into the schema, its answers into gold, what is odd into findings."""
    query = _QUERY.fullmatch(question)
    if not query or not query[1].strip():
        findings.append("query_not_understood")
        return
    label, definition = _definition(query[1])
    labels[label] = labels.get(label) or definition
    try:
        answers = json.loads(answer)
    except (ValueError, RecursionError):
        findings.append("unparsable")
        return
    if not isinstance(answers, list):
        findings.append("unparsable")
        return
    for text in answers:
        if isinstance(text, str) and text.strip():
            gold.append(Entity(text, label))
        else:
            findings.append("not_string")


def _merged(first: SourceRow, other: SourceRow) -> SourceRow:
    """Two rows that ask one text for a type each, as one row."""
    schema = tuple(dict.fromkeys((*(first.schema or ()), *(other.schema or ()))))
    described = dict(_pairs(other)) | dict(_pairs(first))
    return replace(
        first,
        schema=schema,
        descriptions=tuple(described.get(label, label) for label in schema) if described else None,
        gold=(*(first.gold or ()), *(other.gold or ())),
        findings=first.findings + other.findings,
    )


def _pairs(row: SourceRow) -> Iterable[tuple[str, str]]:
    return zip(row.schema or (), row.descriptions or (), strict=False)
