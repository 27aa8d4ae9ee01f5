"""PubTator's text files: title and abstract of a document, then a line for each annotation.

Read: `ID|t|title`, `ID|a|abstract` (and other sections), `ID TAB start TAB end TAB mention TAB type TAB concept`; the
sentence is the sections joined by one blank, as the offsets count; relations are no entities.  Offsets are code
points unless the mentions say otherwise.  Written: the same, the text up to its first line end as title.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from nercot.corpus.records import Record
from nercot.formats.files import text_lines
from nercot.formats.head import Head
from nercot.formats.marks import number
from nercot.formats.offsets import Mark
from nercot.formats.rows import ReadOptions
from nercot.formats.spanned import Passage, Spanned, Unread

_SECTION = re.compile(r"([^|\t\s]+)\|([A-Za-z]{1,12})\|(.*)", re.DOTALL)
_HEAD = 50


def claims(head: Head) -> bool:
    """Whether a text file begins as one of PubTator does."""
    lines = [line for line in head.lines[:_HEAD] if line.strip() and not line.startswith("#")]
    if not lines or not (first := _SECTION.fullmatch(lines[0])):
        return False
    return all(_ident(line) is not None for line in lines) and any(_ident(line) == first[1] for line in lines[1:2])


def _ident(line: str) -> str | None:
    """The document that a line belongs to; None where it can be no line of this format."""
    section = _SECTION.fullmatch(line)
    if section:
        return section[1]
    ident, tab, _ = line.partition("\t")
    return ident if tab and ident.strip() == ident else None


def _documents(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    """The documents of a file; a row's number is that of its first line."""
    block: list[str] = []
    first = 0
    for row, line in text_lines(path):
        section = _SECTION.fullmatch(line)
        ended = section and block and (section[1] != _ident(block[0]) or not _SECTION.fullmatch(block[-1]))
        if block and (ended or not line.strip()):
            yield _document(first, block)
            block = []
        if line.strip():
            first = row if not block else first
            block.append(line)
    if block:
        yield _document(first, block)


def _document(row: int, block: list[str]) -> Passage | Unread:
    raw = "\n".join(block).encode()
    sections = [found for line in block if (found := _SECTION.fullmatch(line))]
    if not sections:
        return Unread(row, "annotations without the title or abstract that they are of", raw)
    findings: list[str] = []
    marks = [mark for line in block if not _SECTION.fullmatch(line) for mark in _marks(line, sections[0][1], findings)]
    texts = [found[3] for found in sections]
    while len(texts) > 1 and not texts[-1]:
        texts.pop()
    text = " ".join(texts)
    return Passage(row, text, tuple(marks), raw, source_id=sections[0][1], findings=tuple(findings))


def _marks(line: str, ident: str, findings: list[str]) -> Iterator[Mark]:
    """The mark of one line; a relation has no places."""
    fields = line.split("\t")
    places = [number(field) for field in fields[1:3]]
    if None in places or len(fields) < 4:
        if len(fields) < 4 or (len(fields) > 4 and number(fields[1]) is not None):
            findings.append("not_span")
        return
    if fields[0] != ident:
        findings.append("other_document")
    elif len(fields) < 5 or not fields[4].strip():
        findings.append("not_label")
    else:
        yield Mark(fields[4].strip(), places[0], places[1], fields[3])


DIALECT = Spanned(_documents, documents=True)


def lines(records: Iterable[Record]) -> Iterator[str]:
    """The lines of a file; line ends within a text become blanks, and its first line is the title."""
    for number_, record in enumerate(records, 1):
        ident = re.sub(r"[|\s]", "_", record.source_id or "") or str(number_)
        title, abstract = _parted(flat(record.sentence))
        yield f"{ident}|t|{title}"
        yield f"{ident}|a|{abstract}"
        for item in (record.gold if record.entities is None else record.entities) or ():
            yield "\t".join((ident, str(item.start), str(item.end), flat(item.text), flat(item.label)))
        yield ""


def flat(text: str) -> str:
    """A text on one line, as long as it was: line ends and tabs become blanks."""
    return re.sub(r"[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]", " ", text)


def _parted(text: str) -> tuple[str, str]:
    """Title and abstract: parted at a blank after the first sentence, so that joining them gives the text."""
    end = re.search(r"(?<=[.!?]) (?=\S)", text)
    return (text[: end.start()], text[end.end() :]) if end else (text, "")


def losses(record: Record) -> Counter[str]:
    """What lines cannot hold: line ends in the text, and white space around it."""
    text = record.sentence
    return Counter({"white_space": int(flat(text) != text or text != text.strip())})
