"""Which columns a file of columns has: how its lines are cut, where token and tag stand, what parts its sentences.

In: a file, or the head of one, and what the user says of it.  Out: its Layout, found by counting the values of every
column.  Several columns of tags are an error that shows both readings and says how to choose one; lines that begin
with # are no lines of the table, unless they are a token # with its tag.  Memory is that of the distinct values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from nercot.errors import InputError
from nercot.formats import delimited
from nercot.formats.files import head_lines, text_lines
from nercot.formats.head import Head
from nercot.formats.joining import Joining, joining_of
from nercot.formats.notices import say
from nercot.formats.rows import ReadOptions
from nercot.formats.tags import LETTER_FIRST, OUTSIDE, PREFIXED, SUFFIXED, labels_of_tags, scheme_of, split_tag

Line = tuple[int, str]

_SPACES = re.compile(r"[ ]+")
BLANKS = re.compile(r"[ \t]+")
TABS = re.compile(r"\t")
_NUMBER = re.compile(r"\d+")
NOT_A_WORD = re.compile(r"\d+[-.]\d+")
DOCSTART = "-DOCSTART-"
TEXT = re.compile(r"#\s*text\s*=\s?(.*)", re.DOTALL)
_BRACKETS = "#begin document"
# What stands above columns of tokens and of tags.
TOKEN_NAMES = delimited.TOKEN_NAMES | {"text"}
TAG_NAMES = delimited.TAG_NAMES | {"ner-tag", "class", "type"}

# A tag among the features of a column, as in CoNLL-U's MISC: ner=B-x|SpaceAfter=No.
_FEATURE = re.compile(r"(?:^|\|)(?:ner|name|entity)=([^|]*)", re.IGNORECASE)

# Features that say that no space follows a token, that a sentence or a line ends with it (CoNLL-U, HIPE).
_GLUED = re.compile(r"(?:^|\|)(?:SpaceAfter=No|NoSpaceAfter)(?:\||$)")
_SENTENCE_END = re.compile(r"(?:^|[|\t ])(?:EndOfSentence|PySBDSegment)(?:[|\t ]|$)")
_LINE_END = re.compile(r"(?:^|[|\t ])EndOfLine(?:[|\t ]|$)")
_STOPS = frozenset((".", "!", "?", "…", "。", "！", "？", "।", "؟", "։", "።"))
BLANK, LINE, DOCUMENT, STOP, MARKS = "blank", "line", "document", "stop", "marks"
SENTENCES = (BLANK, LINE, DOCUMENT, STOP)
# A file with more lines than this, none of them blank, is hardly one sentence.
_LONG = 200

# So many lines that are nothing but tags are sentences' tags on lines of their own.
# Features are few: so many values of a column are looked at for them.
_FEATURES = 3000
_FIRST, _MAX_ALL_TAGS, _A_TAG = 300, 0.3, re.compile(r"[BIESLUMW][-_]\S+")

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
_CHUNKS = frozenset(
    ["NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NX", "PNP", "NC", "VC", "PC"]
)


_BY_SPACE = Joining()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a line is cut: at tabs or at spaces, into so many columns."""

    tabs: bool
    columns: int

    def cut(self, line: str) -> list[str]:
        """The columns of a line, as many as it has; empty ones beyond those of the file are none."""
        if not self.tabs:
            cut = _SPACES.split(line.strip(" "))
            return [" ", *cut] if len(cut) == 1 and self.columns == 2 and line[:1] == " " < cut[0].strip() else cut
        found = line.split("\t")
        while 0 < self.columns < len(found) and not found[-1].strip():
            found.pop()
        return found


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds the token, the tag and the number of the token; the scheme and types of the tags.

    `feature`: the tag is one of several features of its column.  `glue`: the column whose features say that no space
    follows.  `joining`: how tokens become a sentence.  `parted`: what ends a sentence beside a blank line.
    `header`: the first line names the columns.
    """

    shape: Shape
    token: int
    tag: int
    index: int | None
    scheme: str
    labels: tuple[str, ...]
    feature: bool = False
    glue: int | None = None
    joining: Joining = _BY_SPACE
    parted: str = BLANK
    header: int | None = None

    def tag_of(self, cut: Sequence[str]) -> str:
        """The tag of a line."""
        value = cut[self.tag].strip()
        return _feature(value) if self.feature else value

    def is_glued(self, cut: Sequence[str]) -> bool:
        """Whether no space follows the token of a line."""
        return self.glue is not None and _GLUED.search(cut[self.glue]) is not None

    def ends(self, line: str) -> bool:
        """Whether a sentence ends with this line, where blank lines do not say so."""
        if self.parted == STOP:
            cut = self.shape.cut(line)
            return len(cut) == self.shape.columns and cut[self.token] in _STOPS
        return (_LINE_END if self.parted == LINE else _SENTENCE_END).search(line) is not None


def _feature(value: str) -> str:
    """The tag among the features of a column, O where there is none."""
    found = _FEATURE.search(value)
    return found[1] if found else "O"


def claims(head: Head) -> bool:
    """Whether the head of a text file is columns with tags; a row that is a JSON object may look like columns."""
    if head.is_binary or (head.start in "[{" and head.is_json and isinstance(head.values[0], dict)):
        return False
    lines = _content(enumerate(head.lines, 1))
    if sum(map(_is_all_tags, lines[:_FIRST])) >= _MAX_ALL_TAGS * len(lines[:_FIRST]):
        return False
    shape = _shape(lines)
    if shape is None:
        return False
    found = _tag_columns(_head_counts(lines, shape))
    marked = any(line.startswith(DOCSTART) for line in head.lines)
    return bool(found) and (shape.tabs or marked or _convincing(lines, shape, found))


def _is_all_tags(line: Line) -> bool:
    """Whether a line is nothing but tags: those of the sentence above it, not a token and its own."""
    words = line[1].split()
    return bool(words) and any(map(_A_TAG.fullmatch, words)) and all(w in OUTSIDE or _A_TAG.fullmatch(w) for w in words)


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
    if not _has_tags([(number, BLANKS.sub("\t", line.strip())) for number, line in lines]):
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


# A line that is nothing but a tag of XML, as files for corpus managers have them around sentences.
MARKUP = re.compile(r"</?(?:s|p|doc|text|sent|sentence|file|corpus|head|div|title|document|body)(?: [^<>\t]*)?/?>\s*")
_ASIDE = ("# ", "#\t", "## ", DOCSTART)


def _content(lines: Iterable[Line]) -> list[Line]:
    """The lines that hold a token: not blank, no document mark, no comment."""
    return [
        item for item in lines if item[1].strip() and not item[1].startswith(_ASIDE) and not MARKUP.fullmatch(item[1])
    ]


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


_DOCUMENT = re.compile(r"#\s*(?:newdoc|document|doc_id|doc\b|hipe2\d+:document_id|begin document)", re.IGNORECASE)


def layout_of(path: Path, asked: ReadOptions) -> Layout:
    """The layout of a whole file; none, or more than one and none chosen, is an InputError."""
    head = _content(head_lines(path))
    shape = _shape(head)
    if shape is None:
        message = _mixed(head) or "the lines have no regular columns; CoNLL is a token and its tag on every line"
        raise InputError(f"{path}: {message}")
    aside: list[str] = []
    # What begins with # is put aside, and decided on when the tags are known.
    table = (line for _, line in text_lines(path) if not line.startswith(_ASIDE) or aside.append(line))  # type: ignore[func-returns-value]
    counts = _counts(table, shape)
    header = _header(head, shape)
    if header and TOKEN_NAMES.isdisjoint(name.strip().lower() for name in header):
        say(f"{path.name}: its first line is read as the names of its columns: {', '.join(header)}")
    for place, name in enumerate(header):
        counts[place][name] -= 1
        counts[place] = +counts[place]
    tag, others = _chosen(path, shape, counts, header, asked)
    feature = not scheme_of(_stripped(counts[tag]))
    tags = _features(counts[tag]) if feature else _stripped(counts[tag])
    scheme = scheme_of(tags) or ""
    for line in aside:
        cut = shape.cut(line)
        if len(cut) == shape.columns and not feature and _is_tag(cut[tag].strip(), scheme):
            tags[cut[tag].strip()] = tags.get(cut[tag].strip(), 0) + 1
    token = _token_column(counts, others, header)
    index = 0 if token and tag and _is_number(counts[0]) else None
    return Layout(
        shape,
        token,
        tag,
        index,
        scheme,
        labels_of_tags(tags, scheme),
        feature,
        next(
            (place for place, values in enumerate(counts) if any(map(_GLUED.search, islice(values, _FEATURES)))), None
        ),
        joining_of(counts[token], asked.join, texted=any(map(TEXT.match, aside))),
        _parted(path, aside, counts, asked.sentences),
        head[0][0] if header else None,
    )


def _is_tag(value: str, scheme: str) -> bool:
    return bool(value) and split_tag(value, scheme) is not None


def _header(head: Sequence[Line], shape: Shape) -> list[str]:
    """The names of the columns, where the first line holds them."""
    cut = shape.cut(head[0][1])
    names = [name.strip().lower() for name in cut]
    if len(cut) != shape.columns:
        return []
    if TOKEN_NAMES.isdisjoint(names):
        return cut if _is_strange_header(cut, head[1:], shape) else []
    first = next(place for place, name in enumerate(names) if name in TOKEN_NAMES)
    others = [shape.cut(line)[first : first + 1] for _, line in head[1:]]
    named = not TAG_NAMES.isdisjoint(names) or all(scheme_of({cut[place]: 1}) is None for place in range(len(cut)))
    return cut if named and [cut[first]] not in others else []


def _is_strange_header(names: Sequence[str], lines: Sequence[Line], shape: Shape) -> bool:
    """Whether a first line names columns in words that nobody knows: where all others have tags it has none."""
    wordy = all(any(map(str.isalpha, name)) for name in names) and not names[0].startswith("#")
    if len(lines) < _FEW_LINES or not wordy or not delimited.are_names(names):
        return False
    counts = _head_counts(lines, shape)
    schemes = {place: scheme_of(_stripped(counts[place])) for place in _tag_columns(counts)}
    if not schemes or any(name in column for name, column in zip(names, counts, strict=True)):
        return False
    return all(
        scheme in (PREFIXED, SUFFIXED)
        and not OUTSIDE.issuperset(_stripped(counts[place]))
        and not LETTER_FIRST.match(names[place].strip())
        and split_tag(names[place].strip(), scheme) is None
        for place, scheme in schemes.items()
    )


def _chosen(
    path: Path, shape: Shape, counts: Sequence[Counter[str]], header: Sequence[str], asked: ReadOptions
) -> tuple[int, list[int]]:
    """The column of tags, and all that could be it: the one asked for, else the only one."""
    found = _tag_columns(counts)
    if asked.column is not None:
        place = _named(asked.column, header, shape.columns)
        if place is None or not (scheme_of(_stripped(counts[place])) or _has_feature(counts[place])):
            listed = ", ".join(_called(place, header) for place in found) or "none"
            raise InputError(f"{path}: column {asked.column!r} holds no tags (O, B-x, I-x); those that do: {listed}")
        return place, sorted({*found, place})
    if len(found) != 1:
        raise InputError(
            _ambiguous(path, shape, counts, found, header) if found else f"{path}: no column holds tags (O, B-x, I-x)"
        )
    return found[0], found


def _named(column: str, header: Sequence[str], columns: int) -> int | None:
    """The column of that name or number (from 1)."""
    names = [name.strip().lower() for name in header]
    if column.strip().lower() in names:
        return names.index(column.strip().lower())
    return int(column) - 1 if column.isdecimal() and 1 <= int(column) <= columns else None


def _called(place: int, header: Sequence[str]) -> str:
    return f"{place + 1} ({header[place].strip()})" if header else str(place + 1)


def _parted(path: Path, aside: Sequence[str], counts: Sequence[Mapping[str, int]], asked: str | None) -> str:
    """What ends a sentence beside blank lines: what is asked for, else the file's own marks."""
    values = [value for column in counts for value in islice(column, _FEATURES) if "EndOf" in value or "PySBD" in value]
    marked, lined = any(map(_SENTENCE_END.search, values)), any(map(_LINE_END.search, values))
    documents = sum(map(begins_document, aside))
    if asked is not None:
        if asked not in SENTENCES:
            raise InputError(f"source.sentences = {asked!r}: sentences are parted by one of {', '.join(SENTENCES)}")
        if (asked == LINE and not lined) or (asked == DOCUMENT and not documents):
            raise InputError(f"{path}: no mark of a {asked} in it; part its sentences by one of {', '.join(SENTENCES)}")
        return asked
    if marked:
        say(f"{path.name}: sentences end where the file says EndOfSentence")
        return MARKS
    lines = sum(counts[0].values())
    if lines <= 1 or _has_blank(path):
        return BLANK
    if documents > 1:
        say(f"{path.name}: no blank line parts the sentences; each document is read as one")
        return DOCUMENT
    if lines > _LONG:
        ways = f"line, {STOP}" if lined else STOP
        say(
            f"{path.name}: no blank line parts the sentences, so its {lines} lines are one; "
            f"cut them with source.sentences (--sentences), one of {ways}"
        )
    return BLANK


def _is_number(values: Mapping[str, int]) -> bool:
    return all(_NUMBER.fullmatch(value) or NOT_A_WORD.fullmatch(value) for value in values)


def begins_document(line: str) -> bool:
    """Whether a document begins with a line: -DOCSTART-, or a comment that says so."""
    return line.startswith(DOCSTART) or _DOCUMENT.match(line) is not None


def _has_blank(path: Path) -> bool:
    """Whether a blank line stands between the lines of a file; the first one found is enough."""
    before = between = False
    for _, line in text_lines(path):
        blank = not line or line.isspace()
        if between and not blank:
            return True
        before, between = before or not blank, before and blank
    return False


def _token_column(counts: Sequence[Mapping[str, int]], tags: Sequence[int], header: Sequence[str] = ()) -> int:
    """The column that the header names, else the first one of words that is about as varied as the most varied one."""
    named = [place for place, name in enumerate(header) if name.strip().lower() in TOKEN_NAMES and place not in tags]
    if named:
        return named[0]
    others = [place for place in range(len(counts)) if place not in tags]
    wordy = [place for place in others if not _is_number(counts[place])] or others[-1:]
    richest = max(len(counts[place]) for place in wordy)
    return next(place for place in wordy if len(counts[place]) >= _MIN_VARIETY * richest)


def _ambiguous(
    path: Path, shape: Shape, counts: Sequence[Mapping[str, int]], found: Sequence[int], header: Sequence[str]
) -> str:
    """Both readings of a line: the first in which they differ, or else the first with a tag."""
    cuts = [(number, shape.cut(line)) for number, line in _content(head_lines(path))[bool(header) :]]
    whole = [(number, cut) for number, cut in cuts if len(cut) == shape.columns]
    telling = [item for item in whole if any(item[1][place] not in OUTSIDE for place in found)] or whole
    number, cut = next((item for item in telling if len({item[1][place] for place in found}) > 1), telling[0])
    first, second = found[0], found[-1]
    word = _token_column(counts, found) if len(found) < shape.columns else None
    readings = [
        f"column {tag + 1} as the tag reads token {cut[other if word is None else word]!r} = {cut[tag]!r}"
        for tag, other in ((first, second), (second, first))
    ]
    listed = ", ".join(_called(place, header) for place in found[:-1])
    return (
        f"{path}: columns {listed} and {_called(second, header)} look like tags: in line {number} "
        f"{', '.join(readings)}; choose one with --column (source.column)"
    )
