"""Tables with a header: CSV and TSV, by the rules of Python's csv module.

In: a file whose first line names its columns.  Out: its rows with the number of their first line, as lists of cells,
or as objects with the names of the header as keys, in which a cell that is a list or an object of JSON or Python is
one.  Quoted cells keep their line ends.  A table is recognised by its header: at least one name that tables of text
or tokens bear, and rows as wide as the header.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nercot.errors import InputError
from nercot.formats.files import head_lines, open_bytes
from nercot.formats.rows import MAX_ROW_BYTES
from nercot.formats.tags import named

DELIMITERS = ("\t", ",", ";", "|")
# Names of columns, by what they hold, in the languages of widespread tables.
TOKEN_NAMES = named(
    "token tokens word words form wordform char character term wort wörter palabra mot mots parola palavra woord ord "
    "słowo слово токен kelime 词 词语 单词 字 字符 単語 文字 トークン 단어 토큰 từ"
)
TEXT_NAMES = named("text sentence sentences content document passage utterance query source_text")
TAG_NAMES = named(
    "tag tags label labels ner ner_tag ner_tags nertag ne ne_tag entity entities named_entity iob iob2 bio "
    "bio_tag bio_tags gold annotation annotations spans slot slots ner_label ner_labels "
    "etikett etiketten entität entitäten etiqueta etiquetas entidad entidades entidade étiquette étiquettes entité "
    "entités etichetta entità etiket etykieta značka метка тег сущность 标签 标注 实体 タグ ラベル 태그 레이블 nhãn"
)
SENTENCE_NAMES = named(
    "sentence_# sentence# sentence_id sentence_idx sentenceid sentence_number sentence_no sentence_num "
    "sent_id sent_idx sent sentid sent# sent_num doc_sent_id satz satz_id satznummer oración oracion frase phrase "
    "zin zdanie mening věta предложение cümle 句子 句子编号 文 文番号 문장 문장번호 câu"
) | {"sentence #", "sent #", "sentence number", "sentence id", "sentence no", "sentence no."}
_KNOWN = TOKEN_NAMES | TEXT_NAMES | TAG_NAMES | SENTENCE_NAMES
_MIN_REGULAR = 0.8
# The name of a column has few words.
_MAX_NAME, _MAX_WORDS = 60, 3
# So many lines show a table.
_FIRST = 300
_ARRAY = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


@dataclass(frozen=True, slots=True)
class Table:
    """How a file is cut into cells, and the names of its columns (none: the first line is a row)."""

    delimiter: str
    quoting: int
    names: tuple[str, ...] = ()

    @property
    def folded(self) -> tuple[str, ...]:
        """The names in lower case."""
        return tuple(name.strip().lower() for name in self.names)

    def column(self, names: frozenset[str]) -> int | None:
        """The first column with one of these names."""
        return next((place for place, name in enumerate(self.folded) if name in names), None)


def table_of(path: Path) -> Table | None:
    """The table that a text file is; None where it is none."""
    try:
        return _table_of(path, path.stat().st_mtime_ns, path.stat().st_size)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _table_of(path: Path, changed: int, size: int) -> Table | None:
    head = [line for _, line in head_lines(path)[:_FIRST]]
    for delimiter in DELIMITERS:
        if head and delimiter in head[0]:
            table = _cut_at(head, delimiter)
            if table:
                return table
    return None


def _cut_at(head: Sequence[str], delimiter: str) -> Table | None:
    quoting = quoting_of(head, delimiter)
    rows = [row for row in cut(head, Table(delimiter, quoting)) if row]
    names = rows[0] if rows else []
    if any(name != name.strip() for name in names[1:]) and delimiter != "\t":
        return None
    folded = [name.strip().lower() for name in names]
    if _KNOWN.isdisjoint(folded) or len(rows) < 2 or not are_names(names):
        return None
    regular = sum(len(row) == len(names) for row in rows[1:-1] or rows[1:])
    return Table(delimiter, quoting, tuple(names)) if regular >= _MIN_REGULAR * len(rows[1:-1] or rows[1:]) else None


def are_names(row: Sequence[str]) -> bool:
    """Whether the cells of a row can be names of columns: several, all different, each of a few words."""
    if len(row) < 2 or len({name.strip().lower() for name in row}) < len(row):
        return False
    return all(len(name) < _MAX_NAME and len(name.split()) <= _MAX_WORDS for name in row)


def quoting_of(head: Sequence[str], delimiter: str) -> int:
    """Whether quotes hold cells together: not where one that stands alone, as a token, would swallow rows."""
    rows = cut(head, Table(delimiter, csv.QUOTE_MINIMAL)) if delimiter == "\t" else []
    swallowed = any("\n" in cell and delimiter in cell for row in rows for cell in row)
    return csv.QUOTE_NONE if swallowed else csv.QUOTE_MINIMAL


def _reader(lines: Iterable[str], table: Table) -> Any:
    csv.field_size_limit(2 * MAX_ROW_BYTES)
    quoting: Any = table.quoting
    return csv.reader(lines, delimiter=table.delimiter, quoting=quoting)


def cut(lines: Sequence[str], table: Table) -> list[list[str]]:
    """The cells of some lines of a table, the header among them."""
    try:
        return list(_reader((line + "\n" for line in lines), table))
    except csv.Error:
        return []


def cells(path: Path, table: Table) -> Iterator[tuple[int, list[str]]]:
    """The rows after the header, with the number of the line on which each begins; blank lines are empty rows."""
    with open_bytes(path) as handle:
        reader = _reader(io.TextIOWrapper(handle, encoding="utf-8-sig", newline=""), table)
        before = 0
        try:
            for row in reader:
                if before or not table.names:
                    yield before + 1, row
                before = reader.line_num
        except csv.Error as error:
            raise InputError(f"{path}: line {reader.line_num}: {error}; mend the table") from error
        except UnicodeDecodeError as error:
            where = f"near line {reader.line_num + 1}"
            raise InputError(f"{path}: not UTF-8 ({where}); convert the file to UTF-8") from error


def objects(path: Path, table: Table) -> Iterator[tuple[int, dict[str, Any] | list[str]]]:
    """The rows as objects; one of another width than the header stays a list."""
    for number, row in cells(path, table):
        if row:
            same = len(row) == len(table.names)
            yield number, ({name: value_of(cell) for name, cell in zip(table.names, row, strict=True)} if same else row)


def value_of(cell: str) -> Any:
    """A cell, or the list or object that is written in it."""
    bare = cell.strip()
    if bare[:1] + bare[-1:] not in ("[]", "{}"):
        return cell
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(bare)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        glued = isinstance(found, list) and len(found) == 1 and isinstance(found[0], str) and bare.count("'") > 2
        return _array(bare) if glued else found
    return _array(bare) or cell


def _array(bare: str) -> list[Any]:
    """The strings or numbers of an array as numpy prints it: ['B-PER' 'O'] or [0 1 2]."""
    inner = bare[1:-1]
    if re.fullmatch(r"[\s\d]+", inner):
        return [int(number) for number in inner.split()]
    if _ARRAY.sub("", inner).strip(" ,\r\n"):
        return []
    return [ast.literal_eval(match[0]) for match in _ARRAY.finditer(inner)]
