"""brat's stand-off: a text file, and beside it a file .ann of the same name with a line for each annotation.

Read: `T1 TAB type start end TAB mention`; a document is one row, or with `source.sentences = "line"` each of its
lines; discontinuous entities are counted and left out, relations, events, attributes and notes are no entities.
Offsets are code points, unless the mentions say otherwise.  A text without .ann is unlabelled.  Written: a folder
with a pair of files a record.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path

from nercot.corpus.records import Record
from nercot.errors import InputError
from nercot.formats.columns import DOCUMENT, LINE
from nercot.formats.files import PACKED, open_bytes, text_lines
from nercot.formats.head import Head
from nercot.formats.offsets import Evidence, Mark, resolve
from nercot.formats.pubtator import flat
from nercot.formats.rows import ReadOptions, unique
from nercot.formats.spanned import Passage, Spanned, Unread

SUFFIX, CONF = ".ann", "annotation.conf"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Relations, events, attributes, normalisations, equivalences and notes.
_OTHER = re.compile(r"[REAMN]\S*\t|[*#]|\s*$")
_ENTITY = re.compile(r"(T\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t?(.*)", re.DOTALL)


def claims(head: Head) -> bool:
    """Whether a text lies in a folder with annotations of brat, for it or for other texts."""
    if head.is_binary or not _unpacked(head.path.name).endswith(".txt"):
        return False
    texts = {name[:-4] for name in map(_unpacked, head.beside) if name.endswith(".txt")}
    return any(name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in texts for name in head.beside)


def _unpacked(name: str) -> str:
    """A file's name without the suffix that says how it is packed."""
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name


def annotations_of(path: Path) -> Path | None:
    """The file with the annotations of a text, if there is one."""
    found = path.with_name(_unpacked(path.name).rpartition(".")[0] + SUFFIX)
    return found if found.exists() else None


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    with open_bytes(path) as handle:
        raw = handle.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}); convert the file to UTF-8") from error
    if options.sentences not in (None, LINE, DOCUMENT):
        raise InputError(f"{path}: a document of brat is parted by line, or not at all (document)")
    findings: list[str] = []
    beside = annotations_of(path)
    marks = None if beside is None else tuple(_marks(beside, findings))
    listed = _types_listed(path.with_name(CONF))
    schema = unique((*listed, *(mark.label for mark in marks or ()))) if listed else None
    ident = _unpacked(path.name).rpartition(".")[0]
    whole = Passage(1, text.rstrip("\r\n"), marks, raw, schema, ident, findings=tuple(findings))
    yield from _lines(whole) if options.sentences == LINE else (whole,)


def _lines(whole: Passage) -> Iterator[Passage]:
    """Each line of a document with the marks that lie in it; what reaches over a line end is a finding."""
    evidence = Evidence()
    evidence.add(whole.text, whole.marks or ())
    convention = evidence.convention()
    spans = [(mark, resolve(whole.text, mark, convention)) for mark in whole.marks or ()]
    found: dict[int, tuple[list[Mark], list[str]]] = {}
    borders = [*accumulate(map(len, _LINE.findall(whole.text)), initial=0)]
    for mark, span in spans:
        line = bisect_right(borders, span[0]) - 1 if span else 0
        marks, findings = found.setdefault(line, ([], []))
        if span is None:
            findings.append("out_of_range")
        elif span[1] > borders[line + 1]:
            findings.append("over_a_line_end")
        else:
            begin = borders[line]
            marks.append(replace(mark, start=span[0] - begin, end=span[1] - begin, text=whole.text[slice(*span)]))
    # What is wrong with the document as a whole is said with its first line.
    before = whole.findings
    for line, (begin, end) in enumerate(pairwise(borders)):
        text = whole.text[begin:end].rstrip("\r\n")
        marks, findings = found.get(line, ([], []))
        if text.strip() or findings:
            listed = None if whole.marks is None else tuple(marks)
            ident = f"{whole.source_id}-{line + 1}"
            kept = (*before, *findings)
            yield replace(whole, row=line + 1, text=text, marks=listed, source_id=ident, findings=kept)
            before = ()


def _types_listed(path: Path) -> list[str]:
    """The types of entities that a project's annotation.conf lists; none where there is no such file."""
    if not path.exists():
        return []
    section, listed = "", []
    for _, line in text_lines(path):
        name = line.split("#")[0].strip()
        section = name if name.startswith("[") else section
        if section == "[entities]" and name[:1] not in ("", "[", "-", "<"):
            listed.append(name.lstrip("!").split()[0])
    return listed


def _marks(path: Path, findings: list[str]) -> Iterator[Mark]:
    """The entities of a file .ann."""
    for number, line in text_lines(path):
        if _OTHER.match(line):
            continue
        found = _ENTITY.fullmatch(line)
        if found is None:
            raise InputError(f"{path}: line {number} is no annotation of brat (T1, tab, type start end, tab, text)")
        if ";" in found[3]:
            findings.append("discontinuous")
            continue
        start, end = map(int, found[3].split())
        yield Mark(found[2], start, end, found[4] or None)


DIALECT = Spanned(_passages, documents=True)


def write_tree(records: Iterable[Record], folder: Path) -> None:
    """A text and its .ann for each record, and annotation.conf; the name is the record's id, or its number."""
    taken: set[str] = set()
    types: dict[str, None] = {}
    for number, record in enumerate(records, 1):
        name = re.sub(r"[^\w.-]", "_", record.source_id or "").strip(".")[:100]
        name = name if name and name.lower() not in taken else f"{name or 'text'}-{number}"
        taken.add(name.lower())
        types.update(dict.fromkeys(map(_type, record.schema)))
        (folder / f"{name}.txt").write_text(record.sentence, encoding="utf-8", newline="")
        listed = record.gold if record.entities is None else record.entities
        if listed is not None:
            lines = [_line(number, *span) for number, span in enumerate(_spans(record), 1)]
            (folder / f"{name}{SUFFIX}").write_text("".join(lines), encoding="utf-8", newline="")
    sections = ["[entities]", *types, "[relations]", "[events]", "[attributes]"]
    (folder / CONF).write_text("\n".join(sections) + "\n", encoding="utf-8", newline="")


def _type(label: str) -> str:
    """A type as brat writes it: without white space."""
    return re.sub(r"\s", "_", label)


def _spans(record: Record) -> Iterator[tuple[str, int, int, str]]:
    for item in (record.gold if record.entities is None else record.entities) or ():
        if item.start is not None and item.end is not None:
            yield _type(item.label), item.start, item.end, item.text


def _line(number: int, label: str, start: int, end: int, text: str) -> str:
    """One annotation; line ends within a mention are written as blanks."""
    return f"T{number}\t{label} {start} {end}\t{flat(text)}\n"


def is_tree(folder: Path) -> bool:
    """Whether a folder holds nothing but texts and their annotations."""
    return all(path.suffix in (".txt", SUFFIX) or path.name == CONF for path in folder.iterdir())


def losses(record: Record) -> Counter[str]:
    """What a line cannot hold: white space in a type; what a text cannot: line ends at its own end."""
    listed = (record.gold if record.entities is None else record.entities) or ()
    labels = sum(_type(item.label) != item.label for item in listed)
    return Counter({"label": labels, "white_space": int(record.sentence.endswith(("\r", "\n")))})
