"""WebAnno TSV 3, as WebAnno and INCEpTION export it.

Read: each sentence (`#Text=`) as a row, with the spans of one feature of one layer of spans: that of named entities
where there is one, else the only layer that is not of parts of speech, lemmas and their like, else the one that
`source.column` names.  Units of a token and stacked annotations are read.  Offsets are UTF-16 units, ends exclusive.
Written: records as sentences, their entities in the layer NamedEntity, which INCEpTION has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.formats.files import text_lines
from nercot.formats.head import Head
from nercot.formats.offsets import UTF16, Convention, Mark
from nercot.formats.rows import ReadOptions
from nercot.formats.spanned import Passage, Spanned, Unread
from nercot.formats.words import borders, words

_FORMAT = "#FORMAT=WebAnno TSV 3"
_SPANS, _OTHERS, _TEXT = "#T_SP=", ("#T_CH=", "#T_RL="), "#Text="
_NAMED = ".NamedEntity"
_NOT_ENTITIES = (".POS", ".Lemma", ".MorphologicalFeatures", ".Stem", ".Chunk", ".SurfaceForm", ".SemPred", ".SemArg")
_LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_CELL = re.compile(r"((?:\\.|[^\\|\[])*)(?:\[(\d+)\])?(?:\||$)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"[\\\[\]|_;*]|->")


def claims(head: Head) -> bool:
    """Whether a file begins as WebAnno TSV 3 does."""
    return bool(head.lines) and head.lines[0].startswith(_FORMAT)


@dataclass(slots=True)
class _Sentence:
    """A sentence while its lines are read: text, units (begin, end, text), and the spans that units are part of."""

    row: int
    text: str
    units: list[tuple[int, int, str]] = field(default_factory=list)
    spans: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def _passages(path: Path, options: ReadOptions) -> Iterator[Passage | Unread]:
    layers: list[tuple[str, list[str]]] = []
    column: int | None = None
    sentence: _Sentence | None = None
    for row, line in text_lines(path):
        if line.startswith(_SPANS):
            name, *features = line.removeprefix(_SPANS).split("|")
            layers.append((name, features))
        elif line.startswith(_OTHERS):
            # Relations and chains stand after all spans, in columns behind theirs.
            continue
        elif line.startswith(_TEXT):
            column = _column(layers, path, options) if column is None else column
            if sentence and not sentence.units:
                sentence.text += "\n" + line.removeprefix(_TEXT)
                continue
            yield from _finished(sentence)
            sentence = _Sentence(row, line.removeprefix(_TEXT))
        elif line and not line.startswith("#") and sentence and column is not None:
            _add(sentence, line.split("\t"), column, path, row)
    yield from _finished(sentence)


def _column(layers: Sequence[tuple[str, list[str]]], path: Path, options: ReadOptions) -> int:
    """The column of the feature that holds the types, from 0 (position, offsets and token are the first three)."""
    columns = {}
    at = 3
    for name, features in layers:
        for feature in features or ["*"]:
            columns[f"{name}|{feature}"] = at
            at += 1
    likely = [name for name, _ in layers if name.endswith(_NAMED)] or [
        name for name, _ in layers if not name.endswith(_NOT_ENTITIES)
    ]
    if options.column:
        chosen = [
            at for key, at in columns.items() if options.column in (key, key.partition("|")[0], key.split("|")[-1])
        ]
    else:
        chosen = [columns[_feature(name, dict(layers)[name])] for name in likely]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(columns) or "none"
    raise InputError(
        f"{path}: which layer holds the entities cannot be told (layers: {names}); "
        'say it with --set source.column="LAYER|FEATURE"'
    )


def _feature(layer: str, features: Sequence[str]) -> str:
    """The feature of a layer that holds the type: `value`, else the first that names no concept."""
    if not features:
        return f"{layer}|*"
    known = [name for name in features if name in ("value", "label", "type", "category", "entity")]
    plain = [name for name in features if name.lower() not in ("identifier", "comment", "note")]
    return f"{layer}|{(known or plain or features)[0]}"


def _add(sentence: _Sentence, fields: Sequence[str], column: int, path: Path, row: int) -> None:
    """Takes one unit: its place, and the annotations that it is part of."""
    place = re.fullmatch(r"(\d+)-(\d+)", fields[1]) if len(fields) > 2 else None
    if place is None:
        raise InputError(f"{path}: line {row} is no unit of WebAnno TSV 3 (sentence-token, tab, begin-end, tab, token)")
    begin, end = int(place[1]), int(place[2])
    sentence.units.append((begin, end, fields[2]))
    cell = fields[column] if len(fields) > column else "_"
    if cell in ("_", ""):
        return
    for value, number in _CELL.findall(cell):
        if not value and not number:
            continue
        label = "" if value == "*" else _unescaped(value)
        key = (label, number or f"{begin}-{end}")
        known = sentence.spans.get(key)
        sentence.spans[key] = (known[0] if known else begin, end)


def _finished(sentence: _Sentence | None) -> Iterator[Passage | Unread]:
    """The passage of a sentence: its spans in code points, checked by where its units stand."""
    if sentence is None:
        return
    raw = sentence.text.encode()
    placed = next(filter(None, (_places(sentence, text) for text in (_unescaped(sentence.text), sentence.text))), None)
    if placed is None:
        yield Unread(sentence.row, "the units of the sentence do not stand in its text at their offsets", raw)
        return
    text, places = placed
    findings = ["not_label" for label, _ in sentence.spans if not label]
    marks = [
        Mark(label, places[begin], places[end], text[places[begin] : places[end]])
        for (label, _), (begin, end) in sentence.spans.items()
        if label
    ]
    yield Passage(sentence.row, text, tuple(marks), raw, findings=tuple(findings))


def _places(sentence: _Sentence, text: str) -> tuple[str, dict[int, int]] | None:
    """The text, and the code points at which its units' borders stand; None where the units are not there."""
    if not sentence.units:
        return text, {}
    first, _, token = sentence.units[0]
    for unit in (Convention(UTF16), Convention()):
        found = max(text.find(_unescaped(token)), 0)
        shift = first - (len(text[:found].encode("utf-16-le")) // 2 if unit.unit == UTF16 else found)
        places: dict[int, int] = {}
        for begin, end, token in sentence.units:
            span = unit.span(text, begin - shift, end - shift)
            if span is None or text[slice(*span)] not in (token, _unescaped(token)):
                break
            places |= {begin: span[0], end: span[1]}
        else:
            return text, places
    return None


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1]), text)


DIALECT = Spanned(_passages, documents=True)


def lines(records: Iterable[Record]) -> Iterator[str]:
    """The lines of a file; a document for each record would need a file each, so records are its sentences."""
    yield f"{_FORMAT}.3"
    yield f"{_SPANS}{_LAYER}|value"
    yield ""
    shift = spans = 0
    for number, record in enumerate(records, 1):
        yield ""
        yield _TEXT + _escaped_text(record.sentence)
        listed = (record.gold if record.entities is None else record.entities) or ()
        units = words(record.sentence, borders(listed))
        numbered = list(enumerate(listed, spans + 1))
        for at, (start, end) in enumerate(units, 1):
            cells = [f"{_escaped(item.label)}[{ident}]" for ident, item in numbered if _covers(item, start, end)]
            place = f"{shift + _units(record.sentence[:start])}-{shift + _units(record.sentence[:end])}"
            yield f"{number}-{at}\t{place}\t{_escaped_text(record.sentence[start:end])}\t{'|'.join(cells) or '_'}\t"
        spans += len(listed)
        shift += _units(record.sentence) + 1


def _covers(item: Entity, start: int, end: int) -> bool:
    return item.start is not None and item.end is not None and item.start < end and start < item.end


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _escaped_text(text: str) -> str:
    """A text on one line."""
    for sign, written in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(sign, written)
    return text


def _escaped(value: str) -> str:
    """A value in a cell, without the meaning of its signs."""
    return _SPECIAL.sub(lambda found: "\\" + found[0], _escaped_text(value).replace("\\\\", "\\"))


def losses(record: Record) -> Counter[str]:
    """What the lines cannot hold: line ends other than CR and LF."""
    return Counter({"white_space": int(bool(re.search(r"[\v\f\x1c-\x1e\x85\u2028\u2029]", record.sentence)))})
