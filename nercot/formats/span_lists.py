"""JSON rows of a text beside a list of spans, as most annotation tools and data sets write them.

Read: doccano (old and new), Label Studio's JSON-MIN, Argilla 1, PubAnnotation, LangExtract, Dataturks, SageMaker
manifests, Rasa, pipelines of transformers, PII data sets, CMeEE and IEPile: an object with a text, and under one of
its keys, at whatever depth, a list of spans as marks.py knows them (or such a list written as a string).  Where the
text and the spans stand is found once for the whole data set; rows that lack the list have no entities.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats.gliner import identity
from nercot.formats.json_files import json_rows, raw_bytes
from nercot.formats.marks import is_bare, is_number, key_of, looks_marked, marks_of, names_of, turned, type_of
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions, RowError, id_of, kind_of, labels_of, optional_text, text_of
from nercot.formats.spanned import Passage, Passages, Spanned, Unread

KeyPath = tuple[str, ...]

TEXT_KEYS = (
    "text",
    "sentence",
    "content",
    "sourcetext",
    "rawtext",
    "fulltext",
    "unmaskedtext",
    "originaltext",
    "document",
    "source",
    "input",
    "sentencetext",
    "passage",
    "context",
    "body",
    "doctext",
    "utterance",
    "query",
    "data",
    "textcontent",
)
_SPAN_KEYS = (
    "ner",
    "entities",
    "entity",
    "spans",
    "label",
    "labels",
    "mentions",
    "entitymentions",
    "annotations",
    "annotation",
    "denotations",
    "extractions",
    "privacymask",
    "ents",
    "entitylist",
    "namedentities",
    "nertags",
    "tags",
    "result",
    "slots",
    "textsegmentannotations",
)
# What is listed beside entities and is none: how a text is cut, and what stands between entities.
_OTHERS = frozenset(
    (
        *("tokens", "sents", "sentences", "words", "paragraphs", "cats", "metadata", "meta", "normalized"),
        *("relations", "links", "events", "coreferences", "coref", "attributes", "triples"),
        *("prediction", "predictions", "suggestions"),
    )
)
_IDS = ("id", "guid", "uid", "docid", "documentid", "sourceid", "exampleid", "taskid")
# Which hold the text of a row as an object of their own.
_INNER = ("data", "fields", "document", "example", "task", "textsnippet")
_DEPTH = 4
_TAG = re.compile(r"[BIESLU]-\S")
_SAMPLE = 5000


class Layout(NamedTuple):
    """Where the rows of a data set have text and spans; `tagged`: whether a span is a token with its tag."""

    text: KeyPath
    spans: KeyPath
    tagged: bool = False


def detect(value: Any) -> bool:
    """Whether a JSON value is a text beside a list of spans (or an empty list where spans would stand)."""
    if not isinstance(value, Mapping) or not _text_paths(value):
        return False
    if any(isinstance(value.get(key), list) for key in ("tokenized_text",)):
        return False
    return any(True for _ in _span_paths(value)) or _has_empty(value)


def _has_empty(value: Mapping[str, Any]) -> bool:
    return any(value[key] == [] and key_of(key) in _SPAN_KEYS for key in value)


def _text_paths(value: Mapping[str, Any]) -> list[KeyPath]:
    """Where a text can stand, the likeliest first."""
    found: dict[str, KeyPath] = {key_of(key): (str(key),) for key, inner in value.items() if isinstance(inner, str)}
    for key, inner in value.items():
        if isinstance(inner, Mapping) and key_of(key) in _INNER:
            found |= {
                name: (str(key), str(sub))
                for sub, text in inner.items()
                if isinstance(text, str) and (name := key_of(sub)) not in found
            }
    return [found[name] for name in TEXT_KEYS if name in found]


def _span_paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Where lists of spans stand in a row."""
    if len(path) > _DEPTH:
        return
    if isinstance(value, Mapping) and not (path and turned(value)):
        for key, inner in value.items():
            if key_of(key) not in _OTHERS:
                yield from _span_paths(inner, (*path, str(key)))
        return
    listed = written(value)
    if listed and path and all(map(looks_marked, listed)):
        # Pairs of strings may be anything, but under a key that names them.
        if key_of(path[-1]) in _SPAN_KEYS or not all(map(is_bare, listed)):
            yield path
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        yield from _span_paths(value[0], path)


def written(value: Any) -> list[Any] | None:
    """A list, also where it is columns, or written as a string of JSON or of Python; None where it is none."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Mapping):
        return turned(value)
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return list(found) if isinstance(found, list | tuple) else None


def layout(paths: Sequence[Path]) -> Layout:
    """Where the rows of these files have text and spans; two lists of spans that both can be meant are an InputError.

    Known words count before others, then what holds more spans.
    """
    texts: Counter[KeyPath] = Counter()
    spans: Counter[KeyPath] = Counter()
    for number, value in enumerate(value for path in paths for value in _values(path)):
        texts.update(_text_paths(value)[:1])
        spans.update(_span_paths(value))
        if not spans:
            spans.update({(str(key),): 0 for key in value if key_of(key) in _SPAN_KEYS})
        if number > _SAMPLE and +spans:
            break
    if not texts:
        raise InputError(f"{paths[0]}: no row has a text beside its spans")
    where = Layout(texts.most_common(1)[0][0], _likeliest(spans, paths[0]))
    return where._replace(tagged=_is_tagged(paths, where))


def _is_tagged(paths: Sequence[Path], where: Layout) -> bool:
    """Whether every type is a tag (B-PER, I-PER): the tokens of a pipeline that was not told to group them."""
    seen: set[str] = set()
    for _, value in zip(range(_SAMPLE), (value for path in paths for value in _values(path)), strict=False):
        for item in written(_at(value, where.spans, [])) or ():
            seen.update(names_of(type_of(item)))
    return any(tag.startswith("I-") for tag in seen) and all(map(_TAG.match, seen))


def untagged(marks: Sequence[Mark]) -> Iterator[Mark]:
    """The entities of tokens with their tags, in their order."""
    begun: Mark | None = None
    for mark in marks:
        prefix, label = mark.label[:1], mark.label[2:]
        if begun and prefix in "IE" and label == begun.label:
            begun = replace(begun, end=mark.end)
            continue
        if begun:
            yield begun
        begun = Mark(label, mark.start, mark.end)
    if begun:
        yield begun


def _values(path: Path) -> Iterator[Mapping[str, Any]]:
    return (row.value for row in json_rows(path) if isinstance(row.value, Mapping))


def _likeliest(spans: Counter[KeyPath], path: Path) -> KeyPath:
    if not spans:
        return ("entities",)
    ranked = sorted(spans, key=lambda found: (not spans[found], _rank(found), -spans[found]))
    first, *others = ranked
    rivals = [other for other in others if spans[other] and _rank(other) == _rank(first)]
    if rivals and spans[first]:
        names = " and ".join(".".join(found) for found in (first, *rivals))
        raise InputError(f"{path}: {names} both list spans; keep one of them under the key `entities`")
    return first


def _rank(path: KeyPath) -> int:
    """How likely a key is to hold the entities."""
    names = [_SPAN_KEYS.index(name) for key in path if (name := key_of(key)) in _SPAN_KEYS]
    return min(names, default=len(_SPAN_KEYS))


def passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    """The passages of one file."""
    where = layout([path])
    return json_passages(lambda value, row: _passage(value, row, where, path))(path, options)


def json_passages(parse: Callable[[Any, int], Passage]) -> Passages:
    """The passages of JSON rows, each made by `parse(value, row)`; a RowError is a row that is left out."""

    def read(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
        for row in json_rows(path):
            raw = raw_bytes(row)
            try:
                if isinstance(row.value, RowError):
                    raise row.value
                made = parse(row.value, row.row)
                yield replace(made, row=row.row, raw=raw, split=made.split or origin(row.value).get("split"))
            except RowError as error:
                yield Unread(row.row, str(error), raw)

    return read


def _passage(value: Any, row: int, where: Layout, path: Path) -> Passage:
    if not isinstance(value, Mapping):
        raise RowError(f"the row is {kind_of(value)}, not an object with a text")
    findings: list[str] = []
    text = text_of(_text(value, where), where.text[-1])
    found, name = _spans(value, where, findings)
    items = _items(found, name)
    _refuse_numbers(items, path, row)
    marks = [mark for item in items for mark in marks_of(item, text, findings)]
    if where.tagged:
        marks = list(untagged(marks))
    return Passage(
        row,
        text,
        tuple(marks),
        schema=_schema(value),
        source_id=_ident(value),
        findings=tuple(findings),
        **origin(value),
    )


def _items(found: Any, path: KeyPath) -> list[Any]:
    if found is None or found == "":
        return []
    items = written(found)
    if items is None:
        raise RowError(f"{'.'.join(path)} is {kind_of(found)}, not a list of spans")
    return items


def _text(value: Mapping[str, Any], where: Layout) -> Any:
    """The text of a row: where those of the others stand, else where its own does."""
    found = _at(value, where.text, [])
    own = _text_paths(value) if found is None else []
    return _at(value, own[0], []) if own else found


def _spans(value: Mapping[str, Any], where: Layout, findings: list[str]) -> tuple[Any, KeyPath]:
    """The list of spans of a row, and its name: where those of the others stand, else where its own does."""
    found = _at(value, where.spans, findings)
    own = sorted(_span_paths(value), key=_rank) if found is None else []
    return (_at(value, own[0], findings), own[0]) if own else (found, where.spans)


def _at(value: Any, path: KeyPath, findings: list[str]) -> Any:
    """What stands at a path; of several answers to one task the first counts, and each other one is a finding."""
    for key in path:
        if isinstance(value, list):
            findings.extend(["other_annotation"] * (len(value) - 1))
            value = value[0] if value else None
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _refuse_numbers(items: Sequence[Any], path: Path, row: int) -> None:
    """Types that are numbers have their names elsewhere, and no row may lose its gold for that."""
    for item in items:
        found = type_of(item)
        if is_number(found):
            raise InputError(
                f"{path}: row {row}: the type of a span is a number ({found}), and the file does not name it; "
                "export with the names of the labels, or write them in its place"
            )


def _ident(value: Mapping[str, Any]) -> str | None:
    named = {key_of(key): inner for key, inner in value.items()}
    return next((text for key in _IDS if (text := id_of(named.get(key))) is not None), None)


def _schema(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    found = value.get("schema")
    return labels_of(found, "schema") if isinstance(found, list) else None


def origin(value: Any) -> dict[str, Any]:
    """What an object says of its dataset, split and licence."""
    fields = value if isinstance(value, Mapping) else {}
    keys = ("dataset", "split", "license")
    return {key: optional_text(found, key) for key in keys if isinstance(found := fields.get(key), str) and found}


DIALECT = Spanned(passages)


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """{text, entities: [{start, end, label, text}], schema} of each record."""
    for record in records:
        listed = record.gold if record.entities is None else record.entities
        entities = [
            {"start": item.start, "end": item.end, "label": item.label, "text": item.text} for item in listed or ()
        ]
        yield identity(record) | {"text": record.sentence, "entities": entities, "schema": list(record.schema)}
