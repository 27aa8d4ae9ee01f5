"""Tables of tokens: CSV and TSV with a token and its tag in a row, and a column that says which sentence it is of.

Read: `Sentence #,Word,POS,Tag` (the number on the first token of a sentence only, or on all), the same under other
names, in another order, without a header, or with blank lines between sentences.  Which column is what is said by
the header, else by the values.  A row with a missing cell makes its sentence a BadRow.  The schema is every type of
the data set.  Memory is that of one sentence and of the distinct values of two columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from re import IGNORECASE, compile

from nercot.errors import InputError
from nercot.formats.delimited import (
    DELIMITERS,
    SENTENCE_NAMES,
    TAG_NAMES,
    TEXT_NAMES,
    TOKEN_NAMES,
    Table,
    are_names,
    cells,
    cut,
    quoting_of,
    table_of,
)
from nercot.formats.files import DataFile, dataset_of
from nercot.formats.head import Head
from nercot.formats.joining import Joining, joining_of
from nercot.formats.notices import say
from nercot.formats.rows import BadRow, ReadOptions, SourceRow, raw_of, types_asked, unique
from nercot.formats.tags import BARE, OUTSIDE, PREFIXED, SUFFIXED, decode, labels_of_tags, scheme_of, split_tag, unknown
from nercot.formats.words import span_entity

_MAX_VALUES = 200_000
_NUMBERED = compile(r"\s*(?:sentence|sent|satz|phrase)\W*\d+\s*", IGNORECASE)
_MIN_REGULAR, _MIN_SINGLE = 0.6, 0.95
_LONG = 200
# So many lines show a table.
_FIRST = 300
_STOPS = frozenset((".", "!", "?", "…", "。", "！", "？", "।"))

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where token, tag and sentence stand (None: blank lines part sentences), of so many columns."""

    table: Table
    token: int
    tags: tuple[int, ...]
    sentence: int | None
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is read: its columns, the one of tags, their scheme and types, how tokens are joined.

    `sparse`: the sentence stands on its first token only.  `stops`: a full stop ends a sentence.
    """

    columns: Columns
    tag: int
    scheme: str
    labels: tuple[str, ...]
    joining: Joining
    sparse: bool
    stops: bool


def claims(head: Head) -> bool:
    """Whether a file is a table of tokens: parted by commas or the like, or with a column of sentences."""
    if head.is_binary or not head.lines or (head.start in ("[", "{") and head.is_json):
        return False
    found = _columns(head)
    return found is not None and (found.table.delimiter != "\t" or found.sentence is not None)


def _columns(head: Head) -> Columns | None:
    """Token, tags and sentence of a table, by its header, else by what its cells are."""
    lines = head.lines[:_FIRST]
    table = table_of(head.path)
    if table is None:
        return _by_values(lines)
    rows = cut(lines, table)[1:]
    token, sentence = table.column(TOKEN_NAMES), table.column(SENTENCE_NAMES)
    if token is None and sentence is not None:
        token = table.column(TEXT_NAMES)
    if token is None:
        return _of_cells(table, rows)
    tags = _tag_columns(table, rows, {token, sentence})
    if sentence is None and not _has_gap(lines):
        sentence = _numbers([row for row in rows if len(row) == len(table.names)], {token, *tags})
    return Columns(table, token, tags, sentence, len(table.names)) if tags else None


def _tag_columns(table: Table, rows: Sequence[Sequence[str]], taken: set[int | None]) -> tuple[int, ...]:
    """The columns with tags: those that the header calls so, else all."""
    found = [place for place in range(len(table.names)) if place not in taken and _are_tags(rows, place)]
    named = [place for place in found if table.folded[place] in TAG_NAMES]
    return tuple(named or found)


def _are_tags(rows: Sequence[Sequence[str]], place: int) -> bool:
    values = Counter(row[place].strip() for row in rows if len(row) > place and row[place].strip())
    return bool(values) and scheme_of(values) is not None


def _by_values(lines: Sequence[str]) -> Columns | None:
    """Columns by what their cells are, of a table without a header, or with one of names that nobody knows."""
    first = next((line for line in lines if line.strip()), "")
    full = sum(1 for line in lines if line.strip())
    for delimiter in (delimiter for delimiter in DELIMITERS if delimiter in first):
        plain = Table(delimiter, quoting_of(lines, delimiter))
        rows = [row for row in cut(lines, plain) if len(row) > 1]
        if not rows or len(rows) < _MIN_REGULAR * full:
            continue
        found = _of_cells(replace(plain, names=tuple(rows[0])), rows[1:]) if are_names(rows[0]) else None
        found = found or _of_cells(plain, rows)
        # Lines parted by tabs are columns of CoNLL, unless a column alone says where sentences begin.
        if found and (delimiter != "\t" or (found.sentence is not None and not _has_gap(lines))):
            return found
    return None


def _has_gap(lines: Sequence[str]) -> bool:
    """Whether a blank line stands between lines."""
    filled = [bool(line.strip()) for line in lines]
    return any(now and not before for before, now in pairwise(filled[filled.index(True) if any(filled) else 0 :]))


def _of_cells(table: Table, rows: Sequence[list[str]]) -> Columns | None:
    """Tags by their prefixes, tokens by their variety, sentences by their numbers."""
    width = len(table.names) or (Counter(map(len, rows)).most_common(1)[0][0] if rows else 0)
    whole = [row for row in rows if len(row) == width]
    if width < 2 or not whole or len(whole) < _MIN_REGULAR * len(rows):
        return None
    tags = [place for place in range(width) if _are_prefixed(whole, place)]
    if not tags or any(_is_tag(table.names[place]) for place in tags if table.names):
        return None
    others = [place for place in range(width) if place not in tags]
    sentence = _numbers(whole, set(tags))
    words = [place for place in others if place != sentence and _are_words(whole, place)]
    if not words:
        return None
    variety = {place: len({row[place] for row in whole}) for place in words}
    token = next(place for place in words if 2 * variety[place] >= max(variety.values()))
    return Columns(table, token, tuple(tags if table.names else tags[-1:]), sentence, width)


def _are_prefixed(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether the cells of a column are tags that no other words look like, one in each."""
    values = Counter(row[place].strip() for row in rows if row[place].strip())
    if any(len(value.split()) > 1 for value in values):
        return False
    return scheme_of(values) in (PREFIXED, SUFFIXED) and not OUTSIDE.issuperset(values)


def _is_tag(value: str) -> bool:
    return scheme_of({value.strip(): 1}) in (PREFIXED, SUFFIXED)


def _are_words(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether the cells of a column are words: nearly all without white space inside, some of letters."""
    values = [row[place].strip() for row in rows]
    single = sum(len(value.split()) < 2 for value in values)
    return single >= _MIN_SINGLE * len(values) and any(map(str.isalpha, values))


def _numbers(rows: Sequence[Sequence[str]], taken: set[int | None]) -> int | None:
    """The column that numbers the sentences."""
    places = [place for place in range(len(rows[0]) if rows else 0) if place not in taken]
    return next((place for place in places if _part_sentences([row[place].strip() for row in rows])), None)


def _part_sentences(values: Sequence[str]) -> bool:
    """Whether the cells of a column number sentences: on every token, or only on the first one of a sentence."""
    full = [value for value in values if value]
    if not full or not values[0] or not all(value.isdecimal() or _NUMBERED.fullmatch(value) for value in full):
        return False
    runs = [value for value, _ in groupby(full)]
    return len(set(runs)) == len(runs) < len(values)


def layout_of(path: Path, asked: ReadOptions) -> Layout:
    """The layout of a whole file; an InputError where it is no table of tokens, or has tags in several columns."""
    columns = _columns(Head(path))
    if columns is None:
        raise InputError(f"{path}: no table with a token and a tag (O, B-x, I-x) in each row; name its columns so")
    tag = _tag(path, columns, asked)
    tags: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    rows = blanks = empty = 0
    for _, row in cells(path, columns.table):
        if len(row) != columns.width:
            blanks += not any(row)
            continue
        rows += 1
        empty += columns.sentence is not None and not row[columns.sentence].strip()
        tags[row[tag].strip()] += 1
        if len(tokens) < _MAX_VALUES:
            tokens[row[columns.token]] += 1
    del tags[""]
    scheme = scheme_of(tags) or ""
    if asked.sentences not in (None, "blank", "stop"):
        raise InputError(f"{path}: no mark of a {asked.sentences} in a table; part its sentences by blank or stop")
    stops = asked.sentences == "stop"
    if columns.sentence is None and not blanks and not stops and rows > _LONG:
        say(f"{path.name}: nothing parts the sentences, so its {rows} rows are one; cut them with --sentences stop")
    joining = joining_of(tokens, asked.join)
    return Layout(columns, tag, scheme, labels_of_tags(tags, scheme), joining, empty > 0, stops)


def _tag(path: Path, columns: Columns, asked: ReadOptions) -> int:
    """The column of tags: the one asked for, else the only one."""
    names = columns.table.folded
    if asked.column is not None:
        wanted = asked.column.strip().lower()
        if wanted in names:
            return names.index(wanted)
        if wanted.isdecimal() and 1 <= int(wanted) <= columns.width:
            return int(wanted) - 1
        raise InputError(f"{path}: no column {asked.column!r}; there are {', '.join(columns.table.names)}")
    if len(columns.tags) > 1:
        listed = " and ".join(f"{place + 1} ({columns.table.names[place]})" for place in columns.tags)
        raise InputError(f"{path}: columns {listed} hold tags; choose one with --column (source.column)")
    return columns.tags[0]


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with layout, dataset and the schema of the dataset: every type of all its files."""
    known = [(file, layout_of(file.path, asked), asked.dataset or dataset_of(file.path)) for file in files]
    labels: dict[str, tuple[str, ...]] = {}
    for file, layout, dataset in known:
        if layout.scheme == BARE and len(asked.schema or ()) != 1:
            raise InputError(
                f"{file.path}: the tags are B, I and O without a type; name the one type with --schema, as gene"
            )
        if layout.joining.said:
            say(f"{file.name}: {layout.joining.said}; source.join (--join) = space or none overrides this")
        labels[dataset] = unique((*labels.get(dataset, asked.schema or ()), *layout.labels))
    return tuple(
        replace(file, dataset=dataset, schema=labels[dataset] or None, dialect=layout)
        for file, layout, dataset in known
    )


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The sentences of one file, in order."""
    if not isinstance(options.dialect, Layout):
        options = survey((DataFile(path, file),), options)[0].options(options)
    dataset = options.dataset or dataset_of(path)
    for rows in _sentences(path, options.dialect):
        yield _sentence(rows, file, dataset, options)


def _sentences(path: Path, layout: Layout) -> Iterator[list[Row]]:
    """The rows of each sentence."""
    rows: list[Row] = []
    before = ""
    place = layout.columns.sentence
    for number, row in cells(path, layout.columns.table):
        blank = not any(map(str.strip, row))
        now = row[place].strip() if place is not None and len(row) > place else ""
        if rows and (blank or (now != before and not (layout.sparse and not now))):
            yield rows
            rows = []
        if not blank:
            rows.append((number, row))
            before = now or before
        if layout.stops and rows and len(row) > layout.columns.token and row[layout.columns.token] in _STOPS:
            yield rows
            rows = []
    if rows:
        yield rows


def _sentence(rows: Sequence[Row], file: str, dataset: str, options: ReadOptions) -> SourceRow | BadRow:
    layout: Layout = options.dialect
    columns = layout.columns
    for number, row in rows:
        problem = _problem(row, layout)
        if problem:
            return BadRow(file, number, dataset, f"line {number}: {problem}", raw_of([row for _, row in rows]))
    parts = [split_tag(row[layout.tag].strip(), layout.scheme) or ("O", "") for _, row in rows]
    sentence, offsets = layout.joining.join([row[columns.token] for _, row in rows])
    first, begin = rows[0]
    if not sentence.strip():
        return BadRow(file, first, dataset, f"line {first}: the sentence has no visible character", raw_of(begin))
    only = options.schema[0] if layout.scheme == BARE and options.schema else None
    gold = [span_entity(sentence, offsets[at][0], offsets[end - 1][1], only or kind) for at, end, kind in decode(parts)]
    entities = tuple(entity for entity in gold if entity)
    return SourceRow(
        file=file,
        row=first,
        dataset=dataset,
        sentence=sentence,
        schema=types_asked(options.schema, entities, sentence, options.stated),
        gold=entities,
        source_id=None if columns.sentence is None else begin[columns.sentence].strip() or None,
        findings=("empty_mention",) * gold.count(None),
    )


def _problem(row: Sequence[str], layout: Layout) -> str | None:
    """What is wrong with a row, or None."""
    if len(row) != layout.columns.width:
        return f"{len(row)} cells where the table has {layout.columns.width} columns"
    tag = row[layout.tag].strip()
    if not tag:
        return "the cell of the tag is empty"
    return None if split_tag(tag, layout.scheme) else unknown(tag)
