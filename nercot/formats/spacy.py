"""spaCy's training data: [text, {"entities": [[start, end, type]]}], and binary files of documents (.spacy).

Read: the list of pairs, also under `annotations` beside `classes` as NER Annotator exports it, and DocBin with spaCy
itself (extra `formats`): its `ents`, and the span group `sc` where there is one.  Offsets are code points, ends
exclusive.  Written: pairs, or a DocBin whose `ents` are the longest of overlapping entities, all of them in `sc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.formats.conll import apart
from nercot.formats.extras import needed
from nercot.formats.head import Head
from nercot.formats.marks import marks_of
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions, RowError, kind_of, text_of
from nercot.formats.span_lists import json_passages
from nercot.formats.spanned import Passage, Spanned
from nercot.formats.words import borders, words

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span

_GROUP = "sc"
_ZLIB = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")


def detect(value: Any) -> bool:
    """Whether a JSON value is a pair of a text and its annotations."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], Mapping)
        and isinstance(value[1].get("entities", value[1].get("spans")), list | Mapping)
    )


def claims(head: Head) -> bool:
    """Whether a file begins as a DocBin does: packed by zlib."""
    return head.magic.startswith(_ZLIB)


def _pair(value: Any, row: int) -> Passage:
    if not detect(value):
        raise RowError(f"the row is {kind_of(value)}, not a pair of a text and its entities")
    text, annotations = text_of(value[0], "the text"), value[1]
    listed = annotations.get("entities")
    if listed is None:
        groups = annotations.get("spans")
        listed = [span for spans in groups.values() for span in spans] if isinstance(groups, Mapping) else groups
    findings: list[str] = []
    marks = tuple(mark for span in listed for mark in marks_of(span, text, findings))
    return Passage(row, text, marks, findings=tuple(findings))


PAIRS = Spanned(json_passages(_pair))


def _documents(path: Path, options: ReadOptions) -> Iterator[Passage]:
    spacy = needed("spacy", "files of spaCy")
    from spacy.tokens import DocBin

    try:
        docs = DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab)
        for row, doc in enumerate(docs, 1):
            yield _passage(row, doc)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not a readable file of spaCy documents ({error}); write it again with DocBin"
        ) from error


def _passage(row: int, doc: Doc) -> Passage:
    """One document; without `ents` and without groups nobody has looked for entities."""
    groups = [doc.spans[name] for name in ([_GROUP] if _GROUP in doc.spans else doc.spans)]
    if not groups and not doc.has_annotation("ENT_IOB"):
        return Passage(row, doc.text, None)
    spans = [*doc.ents, *(span for group in groups for span in group)]
    marks = dict.fromkeys(Mark(span.label_, span.start_char, span.end_char, span.text) for span in spans)
    ident = doc.user_data.get("id")
    return Passage(row, doc.text, tuple(marks), source_id=None if ident is None else str(ident))


BINARY = Spanned(_documents)


def rows(records: Iterable[Record]) -> Iterator[list[Any]]:
    """[text, {"entities": [[start, end, type]]}] of each record."""
    for record in records:
        listed = (record.gold if record.entities is None else record.entities) or ()
        yield [record.sentence, {"entities": [[item.start, item.end, item.label] for item in listed]}]


def write_binary(records: Iterable[Record], path: Path) -> None:
    """A DocBin of the records, for `spacy train`."""
    spacy = needed("spacy", "files of spaCy")
    from spacy.tokens import DocBin

    vocab = spacy.blank("xx").vocab
    made = DocBin(store_user_data=True)
    for record in records:
        made.add(_doc(record, vocab))
    made.to_disk(path)


def _doc(record: Record, vocab: Any) -> Doc:
    from spacy.tokens import Doc

    listed = record.gold if record.entities is None else record.entities
    tokens, spaces = _tokens(record.sentence, borders(listed or ()))
    doc = Doc(vocab, words=tokens, spaces=spaces)
    if record.source_id is not None:
        doc.user_data["id"] = record.source_id
    if listed is None:
        return doc
    spans = [_span(doc, item) for item in listed]
    kept = apart(record)
    doc.set_ents([span for span, item in zip(spans, listed, strict=True) if item in kept and span], default="outside")
    if len(kept) < len(listed):
        doc.spans[_GROUP] = [span for span in spans if span]
    return doc


def _span(doc: Doc, item: Entity) -> Span | None:
    return None if item.start is None or item.end is None else doc.char_span(item.start, item.end, label=item.label)


def _tokens(sentence: str, cuts: Iterable[int]) -> tuple[list[str], list[bool]]:
    """The words of a sentence, and whether one blank follows each; other white space is a token of its own."""
    tokens: list[str] = []
    spaces: list[bool] = []
    at = 0
    for start, end in [*words(sentence, cuts), (len(sentence), len(sentence))]:
        gap = sentence[at:start]
        if tokens and gap.startswith(" "):
            spaces[-1], gap = True, gap[1:]
        for piece in filter(None, (gap, sentence[start:end])):
            tokens.append(piece)
            spaces.append(False)
        at = end
    return tokens, spaces
