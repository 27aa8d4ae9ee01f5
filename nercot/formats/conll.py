"""CoNLL columns: one token a line, a blank line after each sentence.

Read: columns in any order and number (token-tag, tag-token, index-token-tag, CoNLL-2003's four, CoNLL-U
with `# text =`, its tags in a column of their own or as NER=B-x in MISC, HIPE's), parted by tabs or spaces, in any
scheme of tags.py, with `-DOCSTART-` lines and comments.  columns.py finds out which column is what, joining.py how
tokens become a text.  A sentence with a broken line is given as a BadRow that names it.  The schema is every type of
the dataset, in all files at hand.  Memory is that of one sentence and of the distinct values of each column.
Written: token TAB tag, BIO.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.formats.columns import (
    BLANK,
    BLANKS,
    DOCSTART,
    DOCUMENT,
    MARKUP,
    NOT_A_WORD,
    TABS,
    TEXT,
    Layout,
    Line,
    begins_document,
    claims,
    layout_of,
    refuse,
)
from nercot.formats.files import DataFile, dataset_of, text_lines
from nercot.formats.joining import is_telling
from nercot.formats.notices import say
from nercot.formats.rows import MAX_ROW_BYTES, MAX_TYPES, BadRow, ReadOptions, SourceRow, types_asked, unique
from nercot.formats.tags import BARE, Span, decode, encode, split_tag, unknown
from nercot.formats.words import borders, located, span_entity, token_span, words

__all__ = ["apart", "claims", "lines", "losses", "read", "refuse", "survey"]

_UNRULY = re.compile(r"[\t\r\n]+")
_ID = re.compile(r"#\s*(?:sent_id|sentence_id|id)\b\s*[=:]?\s*(\S+)")


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with layout, dataset and the schema of the dataset: every type of all its files."""
    known = [(file, layout_of(file.path, asked), asked.dataset or dataset_of(file.path)) for file in files]
    labels: dict[str, tuple[str, ...]] = {}
    for file, layout, dataset in known:
        if layout.joining.said:
            say(f"{file.name}: {layout.joining.said}; source.join (--join) = space or none overrides this")
        found = _bare_label(file.path, asked) if layout.scheme == BARE else layout.labels
        labels[dataset] = unique((*labels.get(dataset, asked.schema or ()), *found))
    return tuple(
        replace(file, dataset=dataset, schema=labels[dataset] or None, dialect=layout)
        for file, layout, dataset in known
    )


def _bare_label(path: Path, asked: ReadOptions) -> tuple[str, ...]:
    if not asked.schema or len(asked.schema) != 1:
        raise InputError(f"{path}: the tags are B, I and O without a type; name the one type with --schema, as gene")
    return asked.schema


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The sentences of one file, in order."""
    if not isinstance(options.dialect, Layout):
        options = survey((DataFile(path, file),), options)[0].options(options)
    dataset = options.dataset or dataset_of(path)
    for block in _blocks(path, options.dialect):
        row = _sentence(block, file, dataset, options)
        if row:
            yield row


def _blocks(path: Path, layout: Layout) -> Iterator[list[Line]]:
    """The lines of each sentence; of a block that is too large only its beginning and its last line."""
    block: list[Line] = []
    size = 0
    parted, documents = layout.parted not in (BLANK, DOCUMENT), layout.parted == DOCUMENT
    for number, line in text_lines(path):
        if not line.strip() or (line.startswith("<") and MARKUP.fullmatch(line)):
            if block:
                yield block
            block, size = [], 0
            continue
        if documents and block and begins_document(line):
            yield block
            block, size = [], 0
        size += len(line)
        if size > 2 * MAX_ROW_BYTES:
            block[-1:] = [(number, line[:MAX_ROW_BYTES])]
        else:
            block.append((number, line))
        if parted and layout.ends(line):
            yield block
            block, size = [], 0
    if block:
        yield block


def _sentence(block: list[Line], file: str, dataset: str, options: ReadOptions) -> SourceRow | BadRow | None:
    layout: Layout = options.dialect
    comments, body = _comments(block, layout)
    if not body:
        return None
    start = body[0][0]
    raw = "\n".join(line for _, line in body).encode()
    if len(raw) > MAX_ROW_BYTES:
        detail = f"the sentence has more than {MAX_ROW_BYTES // 1_000_000} MB; is a blank line missing?"
        return BadRow(file, start, dataset, detail, raw[:MAX_ROW_BYTES])
    tokens: list[str] = []
    parts: list[tuple[str, str]] = []
    glued: list[bool] = []
    has_glue = layout.glue is not None
    for number, line in body:
        cut = layout.shape.cut(line)
        if layout.index is not None and NOT_A_WORD.fullmatch(cut[layout.index]):
            continue
        problem = _problem(line, cut, layout)
        if problem:
            if _is_comment(number, line, layout):
                continue
            return BadRow(file, number, dataset, f"line {number}: {problem}", raw)
        tokens.append(cut[layout.token])
        parts.append(split_tag(layout.tag_of(cut), layout.scheme) or ("O", ""))
        if has_glue:
            glued.append(layout.is_glued(cut))
    sentence, offsets = _placed(tokens, glued, comments, layout)
    if not sentence.strip():
        return BadRow(file, start, dataset, f"line {start}: the sentence has no visible character", raw)
    schema = options.schema or ()
    label = schema[0] if layout.scheme == BARE and schema else None
    gold = [
        span_entity(sentence, offsets[begin][0], offsets[end - 1][1], label or kind)
        for begin, end, kind in decode(parts)
    ]
    entities = tuple(entity for entity in gold if entity)
    return SourceRow(
        file=file,
        row=start,
        dataset=dataset,
        sentence=sentence,
        schema=types_asked(schema, entities, sentence, options.stated) if len(schema) > MAX_TYPES else schema,
        gold=entities,
        source_id=next((match[1] for match in map(_ID.match, comments) if match), None),
        findings=("empty_mention",) * gold.count(None),
    )


def _comments(block: list[Line], layout: Layout) -> tuple[list[str], list[Line]]:
    """The comments above a sentence, and its lines."""
    for at, (number, line) in enumerate(block):
        if not _is_comment(number, line, layout):
            return [text for _, text in block[:at]], block[at:]
    return [text for _, text in block], []


def _is_comment(number: int, line: str, layout: Layout) -> bool:
    """Whether a line is none of a sentence's: `# O` is a token with its tag, `#word` above a sentence a broken line."""
    if line.startswith("#") and (line.startswith("##") or BLANKS.search(line)):
        return _problem(line, layout.shape.cut(line), layout) is not None
    return number == layout.header or line.startswith(DOCSTART)


def _problem(line: str, cut: Sequence[str], layout: Layout) -> str | None:
    """What is wrong with a line, or None."""
    columns = layout.shape.columns
    if "\r" in line:
        return "a carriage return stands inside it; write line ends as \\n or \\r\\n"
    if len(cut) == columns:
        tag = layout.tag_of(cut)
        return None if split_tag(tag, layout.scheme) else unknown(tag)
    other, separator = ("spaces", BLANKS) if layout.shape.tabs else ("tabs", TABS)
    if ("\t" in line) != layout.shape.tabs and len(separator.split(line.strip(" "))) == columns:
        return f"the columns are parted by {other}, those of the other lines are not"
    return f"{len(cut)} column{'s' * (len(cut) != 1)} where the file has {columns}"


def _placed(
    tokens: Sequence[str], glued: Sequence[bool], comments: Sequence[str], layout: Layout
) -> tuple[str, list[tuple[int, int]]]:
    """The sentence and where its tokens lie: the text of a `# text =` comment if they are in it, else joined."""
    text = next((match[1] for match in map(TEXT.match, comments) if match), None) if comments else None
    offsets = located(tokens, text) if text else None
    return (text, offsets) if text and offsets is not None else layout.joining.join(tokens, glued)


def lines(records: Iterable[Record]) -> Iterator[str]:
    """The lines of a file in BIO, token TAB tag, a blank line after each sentence.

    Above a sentence whose words, joined by spaces, may be read as another text stands its own (`# text =`).
    """
    for record in records:
        tokens, spans, _ = _fitted(record)
        if _has_comment(record.sentence):
            yield f"# text = {record.sentence}"
        for token, tag in zip(tokens, encode(len(tokens), spans), strict=True):
            yield f"{token}\t{tag}"
        yield ""


def losses(record: Record) -> Counter[str]:
    """What columns cannot hold of a record.

    `overlapping`: entities inside or across a longer one.  `retokenised`: a sentence in which an entity
    begins or ends inside a word, so that a space is read there.  `white_space`: tabs or line ends in it, or in
    a type.
    """
    return _fitted(record)[2]


def _fitted(record: Record) -> tuple[list[str], list[Span], Counter[str]]:
    """Tokens that give the sentence when joined by one space, wherever that is possible."""
    lost: Counter[str] = Counter()
    listed = record.gold if record.entities is None else record.entities
    held = apart(record)
    lost["overlapping"] = len(listed or ()) - len(held)
    cuts = borders(held)
    offsets: list[tuple[int, int]] = []
    at = 0
    for piece in record.sentence.split(" "):
        inner = words(piece, (cut - at for cut in cuts)) or [(0, len(piece))]
        offsets.extend((at + start, at + end) for start, end in inner)
        at += len(piece) + 1
    tokens = [record.sentence[start:end].strip("\t\n\r\f\v") for start, end in offsets]
    if " ".join(tokens) != record.sentence and not _has_comment(record.sentence):
        kind = "white_space" if re.search(r"[\t\n\r\f\v]", record.sentence) else "retokenised"
        lost[kind] += 1
    lost["white_space"] += sum(_label(entity) != entity.label for entity in held)
    spans = [(span[0], span[1], _label(entity)) for entity in held if (span := token_span(offsets, entity)) is not None]
    return tokens, spans, +lost


def _has_comment(sentence: str) -> bool:
    """Whether a sentence is written above its lines."""
    return is_telling(sentence) and not _UNRULY.search(sentence)


def _label(entity: Entity) -> str:
    """The type as a tag can carry it."""
    return _UNRULY.sub(" ", entity.label).strip()


def apart(record: Record) -> list[Entity]:
    """The entities of a record that columns can hold: no two overlap, the longer first."""
    listed = record.gold if record.entities is None else record.entities
    taken: list[tuple[int, int, Entity]] = []
    placed = [(item.start, item.end, item) for item in listed or () if item.start is not None and item.end is not None]
    for start, end, entity in sorted(placed, key=lambda item: (item[0] - item[1], item[0])):
        if all(stop <= start or begin >= end for begin, stop, _ in taken):
            taken.append((start, end, entity))
    return [entity for _, _, entity in sorted(taken, key=lambda item: item[0])]
