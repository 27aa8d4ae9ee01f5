"""CoNLL columns: one token a line, a blank line after each sentence.

Read: columns in any order and number (token-tag, tag-token, index-token-tag, CoNLL-2003's four, CoNLL-U
with `# text =`, its tags in a column of their own or as NER=B-x in MISC), parted by tabs or spaces, in any scheme
of tags.py, with `-DOCSTART-` lines and comments.
Which column is what is found by counting the values of the whole file; where two readings are possible
the file is refused, with both shown.  A sentence with a broken line is given as a BadRow that names it.
The schema is every type of the dataset, in all files at hand.  Memory is that of one sentence and of the
distinct values of each column.  Written: token TAB tag, BIO.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.formats.files import DataFile, dataset_of, head_lines, text_lines
from nercot.formats.head import Head
from nercot.formats.rows import MAX_ROW_BYTES, BadRow, ReadOptions, SourceRow, unique
from nercot.formats.tags import (
    BARE,
    OUTSIDE,
    PREFIXED,
    Span,
    decode,
    encode,
    labels_of_tags,
    scheme_of,
    split_tag,
    unknown,
)
from nercot.formats.words import borders, joined, located, span_entity, token_span, words

Line = tuple[int, str]

_SPACES = re.compile(r"[ ]+")
_BLANKS = re.compile(r"[ \t]+")
_TABS = re.compile(r"\t")
_NUMBER = re.compile(r"\d+")
_NOT_A_WORD = re.compile(r"\d+[-.]\d+")
_DOCSTART = "-DOCSTART-"
_BRACKETS = "#begin document"
_HEADER = frozenset(("token", "tokens", "word", "words", "form"))
_UNRULY = re.compile(r"[\t\r\n]+")
_TEXT = re.compile(r"#\s*text\s*=\s?(.*)", re.DOTALL)
_ID = re.compile(r"#\s*(?:sent_id|sentence_id|id)\b\s*[=:]?\s*(\S+)")

# A tag among the features of a column, as in CoNLL-U's MISC: ner=B-x|SpaceAfter=No.
_FEATURE = re.compile(r"(?:^|\|)(?:ner|name|entity)=([^|]*)", re.IGNORECASE)

# Of the lines of a file's head so many have to have the same columns.
_MIN_REGULAR = 0.6
# A column of tokens has many different values: at least half as many as the richest column.
_MIN_VARIETY = 0.5
_MAX_VALUES = 200_000
_BATCH = 20_000
# So many lines of the same few columns are a table and no text, whatever stands in it.
_TABLE_LINES, _TABLE_COLUMNS = 10, 6
# Fewer lines show columns only if they are this short and one of them begins or ends with a tag.
_FEW_LINES, _FEW_COLUMNS = 3, 4
_TAGGED = re.compile(r"^[BIESLUMW]-\S+ | [BIESLUMW]-\S+$")
# Phrase types of the chunk column that stands before the entities in CoNLL-2003.
_CHUNKS = frozenset(["NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NX", "PNP"])


@dataclass(frozen=True, slots=True)
class Shape:
    """How a line is cut: at tabs or at spaces, into so many columns."""

    tabs: bool
    columns: int

    def cut(self, line: str) -> list[str]:
        """The columns of a line, as many as it has; empty ones beyond those of the file are none."""
        if not self.tabs:
            return _SPACES.split(line.strip(" "))
        found = line.split("\t")
        while 0 < self.columns < len(found) and not found[-1].strip():
            found.pop()
        return found


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds the token, the tag and the number of the token; the scheme and types of the tags.

    `feature`: the tag is one of several features of its column.
    """

    shape: Shape
    token: int
    tag: int
    index: int | None
    scheme: str
    labels: tuple[str, ...]
    feature: bool = False

    def tag_of(self, cut: Sequence[str]) -> str:
        """The tag of a line."""
        value = cut[self.tag].strip()
        return _feature(value) if self.feature else value


def _feature(value: str) -> str:
    """The tag among the features of a column, O where there is none."""
    found = _FEATURE.search(value)
    return found[1] if found else "O"


def claims(head: Head) -> bool:
    """Whether the head of a text file is columns with tags; a row that is a JSON object may look like columns."""
    if head.is_binary or (head.is_json and isinstance(head.values[0], dict)):
        return False
    lines = _content(enumerate(head.lines, 1))
    shape = _shape(lines)
    if shape is None:
        return False
    found = _tag_columns(_head_counts(lines, shape))
    return bool(found) and (shape.tabs or _convincing(lines, shape, found))


def _convincing(lines: Sequence[Line], shape: Shape, found: Sequence[int]) -> bool:
    """Whether columns parted by spaces are no sentences: any line of words can hold a B-cell or an O."""
    if len(lines) < _FEW_LINES:
        return shape.columns <= _FEW_COLUMNS and any(_TAGGED.search(line) for _, line in lines)
    counts = _head_counts(lines, shape)
    marked = any(tag not in OUTSIDE for place in found for tag in counts[place])
    return marked or not {0, shape.columns - 1}.isdisjoint(found)


def refuse(path: Path) -> None:
    """Raises InputError for a file that is no plain text either: columns without tags, or parted in two ways."""
    head = head_lines(path)
    if any(line.startswith(_BRACKETS) for _, line in head):
        raise InputError(f"{path}: CoNLL-2012 marks entities by brackets; convert it to a token and a BIO tag a line")
    lines = _content(head)
    if message := _mixed(lines):
        raise InputError(f"{path}: {message}")
    shape = _shape(lines)
    if shape and _is_table(lines, shape):
        raise InputError(
            f"{path}: {shape.columns} columns a line, but none of them holds tags (O, B-x, I-x); "
            "add a column of tags, or say --from text if every line is a sentence"
        )


def _mixed(lines: Sequence[Line]) -> str | None:
    """What to say of lines that are columns with tags only when cut at commas, or at tabs and spaces alike."""
    if _has_tags([(number, line.replace(",", "\t")) for number, line in lines]):
        return f"line {lines[0][0]} parts its columns by commas; part all lines by tabs"
    tabs = [number for number, line in lines if "\t" in line]
    spaces = [number for number, line in lines if "\t" not in line]
    if not tabs or not spaces:
        return None
    if not _has_tags([(number, _BLANKS.sub("\t", line.strip())) for number, line in lines]):
        return None
    return f"line {tabs[0]} parts its columns by tabs, line {spaces[0]} by spaces; part all lines in the same way"


def _has_tags(lines: Sequence[Line]) -> bool:
    """Whether lines are columns parted by tabs, with one of tags among them."""
    shape = _shape(lines)
    return shape is not None and shape.tabs and bool(_tag_columns(_head_counts(lines, shape)))


def _is_table(lines: Sequence[Line], shape: Shape) -> bool:
    if len(lines) < _TABLE_LINES:
        return False
    has_gaps = lines[-1][0] - lines[0][0] + 1 > len(lines)
    return shape.tabs or (has_gaps and shape.columns <= _TABLE_COLUMNS)


def _content(lines: Iterable[Line]) -> list[Line]:
    """The lines that hold a token: not blank, no document mark, no comment."""
    return [item for item in lines if item[1].strip() and not item[1].startswith(("# ", "#\t", _DOCSTART))]


def _shape(lines: Sequence[Line]) -> Shape | None:
    """The most frequent number of columns, if most lines have it."""
    if not lines:
        return None
    tabs = sum("\t" in line for _, line in lines) >= len(lines) / 2
    widths = Counter(len(Shape(tabs, 0).cut(line)) for _, line in lines)
    columns, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return Shape(tabs, columns) if columns > 1 and count >= _MIN_REGULAR * len(lines) else None


def _head_counts(lines: Sequence[Line], shape: Shape) -> list[Counter[str]]:
    return _counts((line for _, line in lines), shape)


def _counts(lines: Iterable[str], shape: Shape) -> list[Counter[str]]:
    """How often each value stands in each column, in order of first sight; values that come late are left out."""
    counts: list[Counter[str]] = [Counter() for _ in range(shape.columns)]
    batch: list[list[str]] = []

    def flush() -> None:
        for column, values in zip(counts, zip(*batch, strict=True), strict=False):
            if len(column) < _MAX_VALUES:
                column.update(values)
        batch.clear()

    for line in lines:
        cut = shape.cut(line)
        if len(cut) == shape.columns:
            batch.append(cut)
            if len(batch) == _BATCH:
                flush()
    flush()
    return counts


def _tag_columns(counts: Sequence[Mapping[str, int]]) -> list[int]:
    """The columns that can be read as entity tags, else those with tags among their features."""
    found = [place for place, values in enumerate(counts) if scheme_of(_stripped(values))]
    if not found:
        return [place for place, values in enumerate(counts) if _has_feature(values)]
    real = [place for place in found if not _is_chunk(counts[place])]
    found = real or found
    marked = [place for place in found if any(tag not in OUTSIDE for tag in _stripped(counts[place]))]
    if marked and len(counts) > len(found):
        return marked
    return found if marked or len(counts) == len(found) else found[-1:]


def _has_feature(values: Mapping[str, int]) -> bool:
    """Whether the values of a column are features, with tags among them."""
    return any(map(_FEATURE.search, values)) and scheme_of(_features(values)) == PREFIXED


def _features(values: Mapping[str, int]) -> dict[str, int]:
    """The tags among the features of a column, and how often each occurs."""
    total: dict[str, int] = {}
    for value, count in values.items():
        total[_feature(value)] = total.get(_feature(value), 0) + count
    return total


def _stripped(values: Mapping[str, int]) -> dict[str, int]:
    """Tags without white space around them, and how often each occurs."""
    total: dict[str, int] = {}
    for tag, count in values.items():
        tag = tag.strip()
        total[tag] = total.get(tag, 0) + count
    return total


def _is_chunk(values: Mapping[str, int]) -> bool:
    tags = _stripped(values)
    labels = labels_of_tags(tags, scheme_of(tags) or "")
    return bool(labels) and all(label.upper() in _CHUNKS for label in labels)


def layout_of(path: Path) -> Layout:
    """The layout of a whole file; none, or more than one, is an InputError."""
    head = _content(head_lines(path))
    shape = _shape(head)
    if shape is None:
        message = _mixed(head) or "the lines have no regular columns; CoNLL is a token and its tag on every line"
        raise InputError(f"{path}: {message}")
    counts = _counts((line for _, line in text_lines(path) if not line.startswith(_DOCSTART)), shape)
    found = _tag_columns(counts)
    if len(found) != 1:
        raise InputError(
            _ambiguous(path, shape, counts, found) if found else f"{path}: no column holds tags (O, B-x, I-x)"
        )
    tag = found[0]
    feature = not scheme_of(_stripped(counts[tag]))
    tags = _features(counts[tag]) if feature else _stripped(counts[tag])
    scheme = scheme_of(tags) or ""
    token = _token_column(counts, found)
    index = 0 if token and tag and _is_number(counts[0]) else None
    return Layout(shape, token, tag, index, scheme, labels_of_tags(tags, scheme), feature)


def _is_number(values: Mapping[str, int]) -> bool:
    return all(_NUMBER.fullmatch(value) or _NOT_A_WORD.fullmatch(value) for value in values)


def _token_column(counts: Sequence[Mapping[str, int]], tags: Sequence[int]) -> int:
    """The first column of words that is about as varied as the most varied one."""
    others = [place for place in range(len(counts)) if place not in tags]
    wordy = [place for place in others if not _is_number(counts[place])] or others[-1:]
    richest = max(len(counts[place]) for place in wordy)
    return next(place for place in wordy if len(counts[place]) >= _MIN_VARIETY * richest)


def _ambiguous(path: Path, shape: Shape, counts: Sequence[Mapping[str, int]], found: Sequence[int]) -> str:
    """Both readings of a line: the first in which they differ, or else the first with a tag."""
    cuts = [(number, shape.cut(line)) for number, line in _content(head_lines(path))]
    whole = [(number, cut) for number, cut in cuts if len(cut) == shape.columns]
    telling = [item for item in whole if any(item[1][place] not in OUTSIDE for place in found)] or whole
    number, cut = next((item for item in telling if len({item[1][place] for place in found}) > 1), telling[0])
    first, second = found[0], found[-1]
    word = _token_column(counts, found) if len(found) < shape.columns else None
    readings = [
        f"column {tag + 1} as the tag reads token {cut[other if word is None else word]!r} = {cut[tag]!r}"
        for tag, other in ((first, second), (second, first))
    ]
    return (
        f"{path}: columns {first + 1} and {second + 1} both look like tags: in line {number} "
        f"{', '.join(readings)}; keep the token and the one tag that you mean"
    )


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with layout, dataset and the schema of the dataset: every type of all its files."""
    known = [(file, layout_of(file.path), asked.dataset or dataset_of(file.path)) for file in files]
    labels: dict[str, tuple[str, ...]] = {}
    for file, layout, dataset in known:
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
    for block in _blocks(path):
        row = _sentence(block, file, dataset, options)
        if row:
            yield row


def _blocks(path: Path) -> Iterator[list[Line]]:
    """The lines between blank lines; of a block that is too large only its beginning and its last line."""
    block: list[Line] = []
    size = 0
    for number, line in text_lines(path):
        if not line.strip():
            if block:
                yield block
            block, size = [], 0
            continue
        size += len(line)
        if size > 2 * MAX_ROW_BYTES:
            block[-1:] = [(number, line[:MAX_ROW_BYTES])]
        else:
            block.append((number, line))
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
    for number, line in body:
        cut = layout.shape.cut(line)
        if layout.index is not None and _NOT_A_WORD.fullmatch(cut[layout.index]):
            continue
        problem = _problem(line, cut, layout)
        if problem:
            return BadRow(file, number, dataset, f"line {number}: {problem}", raw)
        tokens.append(cut[layout.token])
        parts.append(split_tag(layout.tag_of(cut), layout.scheme) or ("O", ""))
    sentence, offsets = _placed(tokens, comments)
    if not sentence.strip():
        return BadRow(file, start, dataset, f"line {start}: the sentence has no visible character", raw)
    schema = options.schema or ()
    label = schema[0] if layout.scheme == BARE and schema else None
    gold = [
        span_entity(sentence, offsets[begin][0], offsets[end - 1][1], label or kind)
        for begin, end, kind in decode(parts)
    ]
    return SourceRow(
        file=file,
        row=start,
        dataset=dataset,
        sentence=sentence,
        schema=schema,
        gold=tuple(entity for entity in gold if entity),
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
    """Whether a line above a sentence is none of its lines: `# O` is a token with its tag, `#word` a broken line."""
    cut = layout.shape.cut(line)
    if line.startswith("#") and (line.startswith("##") or _BLANKS.search(line)):
        return _problem(line, cut, layout) is not None
    if number == 1 and len(cut) == layout.shape.columns and cut[layout.token].strip().lower() in _HEADER:
        return _problem(line, cut, layout) is not None
    return line.startswith(_DOCSTART)


def _problem(line: str, cut: Sequence[str], layout: Layout) -> str | None:
    """What is wrong with a line, or None."""
    columns = layout.shape.columns
    if "\r" in line:
        return "a carriage return stands inside it; write line ends as \\n or \\r\\n"
    if len(cut) == columns:
        tag = layout.tag_of(cut)
        return None if split_tag(tag, layout.scheme) else unknown(tag)
    other, separator = ("spaces", _BLANKS) if layout.shape.tabs else ("tabs", _TABS)
    if ("\t" in line) != layout.shape.tabs and len(separator.split(line.strip(" "))) == columns:
        return f"the columns are parted by {other}, those of the other lines are not"
    return f"{len(cut)} column{'s' * (len(cut) != 1)} where the file has {columns}"


def _placed(tokens: Sequence[str], comments: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """The sentence and where its tokens lie: the text of a `# text =` comment if they are in it, else joined."""
    text = next((match[1] for match in map(_TEXT.match, comments) if match), None)
    offsets = located(tokens, text) if text else None
    return (text, offsets) if text and offsets is not None else joined(tokens)


def lines(records: Iterable[Record]) -> Iterator[str]:
    """The lines of a file in BIO, token TAB tag, a blank line after each sentence."""
    for record in records:
        tokens, spans, _ = _fitted(record)
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
    if " ".join(tokens) != record.sentence:
        kind = "white_space" if re.search(r"[\t\n\r\f\v]", record.sentence) else "retokenised"
        lost[kind] += 1
    lost["white_space"] += sum(_label(entity) != entity.label for entity in held)
    spans = [(span[0], span[1], _label(entity)) for entity in held if (span := token_span(offsets, entity)) is not None]
    return tokens, spans, +lost


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
