"""BioC collections, XML and JSON, as PubTator and the BioCreative tasks give them; XML is read with the package bioc.

Read: each passage as a row (each sentence where a passage is cut into sentences), with the annotations that lie in
it; an annotation of several locations is counted and left out; an annotation's type is its infon `type`.  Offsets
count from the beginning of the document, in what the mentions say.  JSON needs no package: that of bioc refuses
passages without the keys `sentences` and `relations`, which PubTator leaves out.  Written: a document a record, with
one passage.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats.bigbio import Part, parted
from nercot.formats.extras import needed
from nercot.formats.files import first_character, open_bytes
from nercot.formats.head import Head
from nercot.formats.json_files import json_rows
from nercot.formats.marks import number
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions, RowError, id_of, raw_of
from nercot.formats.spanned import Passage, Spanned, Unread

_WHAT = "collections of BioC"
_TYPES = ("type", "Type", "label")


def claims(head: Head) -> bool:
    """Whether a file is XML of BioC."""
    return head.start == "<" and any("<collection" in line for line in head.lines[:50])


def detect(value: Any) -> bool:
    """Whether a JSON value is a collection of BioC, or one of its documents."""
    if not isinstance(value, dict):
        return False
    documents = value.get("documents")
    if isinstance(documents, list):
        return all(map(_is_document, documents))
    return _is_document(value)


def _is_document(value: Any) -> bool:
    passages = value.get("passages") if isinstance(value, dict) else None
    return isinstance(passages, list) and all(isinstance(item, dict) and "offset" in item for item in passages)


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    """The passages of a file; a row's number is that of its document."""
    for row, document in enumerate(_documents(path), 1):
        try:
            findings: list[str] = []
            parts, marks = _content(document, findings)
            yield from parted(row, id_of(document.get("id")), parts, marks, findings, b"")
        except RowError as error:
            yield Unread(row, str(error), raw_of(document))


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    """The documents of a file as BioC's JSON has them."""
    if first_character(path) != "<":
        for row in json_rows(path):
            inner = row.value.get("documents") if isinstance(row.value, dict) else None
            listed = inner if isinstance(inner, list) else [row.value]
            yield from (item if isinstance(item, dict) else {} for item in listed)
        return
    needed("bioc", _WHAT)
    from bioc import biocjson, biocxml

    with open_bytes(path) as handle:
        try:
            for document in biocxml.BioCXMLDocumentReader(handle):
                yield json.loads(biocjson.dumps(document))
        except (SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not readable as XML of BioC ({error}); mend it, or fetch it again") from error


def _content(document: dict[str, Any], findings: list[str]) -> tuple[list[Part], list[Mark]]:
    """The passages or sentences with a text, and the marks, of a document."""
    parts: list[Part] = []
    holders = [document]
    for passage in _listed(document, "passages"):
        sentences = _listed(passage, "sentences")
        holders += [passage, *sentences]
        for holder in [passage] if isinstance(passage.get("text"), str) and passage["text"] else sentences:
            text, offset = holder.get("text"), number(holder.get("offset"))
            if isinstance(text, str) and text.strip():
                parts.append((text, offset or 0))
    marks = [mark for holder in holders for item in _listed(holder, "annotations") for mark in _marks(item, findings)]
    if not parts:
        raise RowError("the document has no passage with a text")
    return parts, marks


def _listed(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _marks(item: dict[str, Any], findings: list[str]) -> Iterator[Mark]:
    infons = item.get("infons")
    label = next((infons[key] for key in _TYPES if infons.get(key)), None) if isinstance(infons, dict) else None
    places = _listed(item, "locations")
    text = item.get("text") if isinstance(item.get("text"), str) else None
    if not isinstance(label, str):
        findings.append("not_label")
    elif len(places) > 1:
        findings.append("discontinuous")
    elif not places and not text:
        findings.append("out_of_range")
    else:
        start, size = (number(places[0].get(key)) for key in ("offset", "length")) if places else (None, None)
        yield Mark(label, start, None if start is None or size is None else start + size, text)


DIALECT = Spanned(_passages, documents=True)


def write_file(records: Iterable[Record], path: Path) -> None:
    """A collection of BioC, XML unless the file's name ends in .json: one document with one passage a record."""
    bioc = needed("bioc", _WHAT)
    from bioc import biocjson, biocxml

    collection = bioc.BioCCollection()
    collection.source = "nercot"
    for at, record in enumerate(records, 1):
        collection.add_document(_document(bioc, at, record))
    made = biocjson.dumps(collection) if ".json" in path.suffixes else biocxml.dumps(collection)
    path.write_text(made, encoding="utf-8", newline="")


def _document(bioc: Any, at: int, record: Record) -> Any:
    document, passage = bioc.BioCDocument(), bioc.BioCPassage()
    document.id = record.source_id or str(at)
    passage.offset, passage.text = 0, record.sentence
    listed = (record.gold if record.entities is None else record.entities) or ()
    for place, item in enumerate(listed, 1):
        annotation = bioc.BioCAnnotation()
        annotation.id, annotation.text = f"T{place}", item.text
        annotation.infons["type"] = item.label
        if item.start is not None and item.end is not None:
            annotation.add_location(bioc.BioCLocation(item.start, item.end - item.start))
        passage.add_annotation(annotation)
    document.add_passage(passage)
    return document


def losses(record: Record) -> Counter[str]:
    """XML ends every line alike: a carriage return is lost."""
    return Counter({"white_space": int("\r" in record.sentence)})
