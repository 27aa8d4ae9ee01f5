"""JSON rows of tokens with nested entities, as ACE, GENIA and their kin are passed around.

Read: {tokens, entity_mentions: [{entity_type, start, end, text?}]} with end exclusive (OneIE, SpERT's
`entities`), {sentence: [tokens], ner: [{index, type}]} (W2NER), {sentences, ner | ners} of a whole document
with end inclusive (DyGIE++), and {tokens, ner_tags} with one tag a token (the Hub), by name or number, under any key
(token_keys.py, tag_names.py).  Where the file itself
shows the other convention (an end equal to its start, or to the number of tokens) it is followed, and where a
mention brings its text, the text decides.  The schema is the row's own, or every type of the dataset.  Written:
the first of these, with `schema`, and with `text` where the tokens joined by one space are not the sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.formats.files import DataFile, dataset_of
from nercot.formats.gliner import identity
from nercot.formats.joining import Joining, is_telling, joining_of
from nercot.formats.json_files import JsonRow, json_rows, raw_bytes
from nercot.formats.notices import say
from nercot.formats.rows import (
    BadRow,
    ReadOptions,
    RowError,
    SourceRow,
    id_of,
    kind_of,
    labels_of,
    optional_text,
    raw_of,
    text_of,
    types_asked,
    unique,
    valid_text,
)
from nercot.formats.spans import positions, types
from nercot.formats.tag_names import tag_names
from nercot.formats.tags import BARE, PREFIXED, decode, labels_of_tags, scheme_of, split_tag, unknown
from nercot.formats.token_keys import (
    Tag,
    chosen_key,
    mentions_key,
    sample,
    strings,
    tag_keys,
    tags_of,
    tokens_key,
    tokens_of,
)
from nercot.formats.words import Offsets, borders, located, span_entity, token_span, words

_INDEX_KEYS = ("index", "offset")
_ID_KEYS = ("id", "sent_id", "wnd_id", "doc_key", "doc_id")

# So many of the mentions of a dataset may be wrong without changing how the others are read.
_STRAY = 0.02

# So many rows of each file are looked at for the keys of tags, and so many different tokens for how they are joined.
_HEAD, _MAX_TOKENS = 200, 50_000


_BY_SPACE = Joining()


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the files of a dataset have in common.

    `inclusive`: whether a span's end is its last token, for spans as objects and for spans as lists.
    `names`: of tags that are numbers.  `scheme`: of the tags.  `key`: under which they stand.  `joining`: how tokens
    become a sentence.
    """

    objects_inclusive: bool = False
    lists_inclusive: bool = True
    names: tuple[str, ...] = ()
    scheme: str = PREFIXED
    key: str | None = None
    joining: Joining = _BY_SPACE


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One sentence of a row: its tokens, and either spans as they stand there or tags."""

    tokens: list[str]
    spans: list[Any]
    tags: list[Tag] | None = None
    shift: int = 0
    number: int | None = None


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of tokens with mentions or tags."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("sentences"), list):
        return isinstance(value.get("ner", value.get("ners")), list)
    return bool(tag_keys(value)) or (tokens_key(value) is not None and mentions_key(value) is not None)


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with dataset, dialect and the schema of the dataset: every type of all its files."""
    groups: dict[str, list[DataFile]] = {}
    for file in files:
        groups.setdefault(asked.dataset or dataset_of(file.path), []).append(file)
    found = {
        file.path: replace(file, dataset=dataset, schema=schema, dialect=dialect)
        for dataset, members in groups.items()
        for schema, dialect in [_dataset(members, asked)]
        for file in members
    }
    return tuple(found[file.path] for file in files)


def _dataset(files: Sequence[DataFile], asked: ReadOptions) -> tuple[tuple[str, ...] | None, Dialect]:
    """Schema and dialect of one dataset."""
    labels: dict[str, None] = dict.fromkeys(asked.schema or ())
    tags: dict[str, int] = {}
    signs: Counter[tuple[bool, str]] = Counter()
    names: tuple[str, ...] = ()
    tokens: Counter[str] = Counter()
    texted = False
    key = chosen_key(_head(files), str(files[0].path), asked.column)
    for file in files:
        names = names or (tag_names(file.path, key, asked.names) if key else ())
        for row, sentence in _sentences(file.path, key):
            sample(tokens, sentence.tokens, _MAX_TOKENS)
            texted = texted or _brings_text(row.value, sentence)
            for tag in sentence.tags or ():
                name = _tag_name(tag, names, file.path, row.row)
                tags[name] = tags.get(name, 0) + 1
            for span in sentence.spans:
                labels.update(dict.fromkeys(_label(span)))
                signs.update(_signs(span, sentence.shift + len(sentence.tokens)))
    scheme = scheme_of(tags) or PREFIXED
    if scheme == BARE and len(asked.schema or ()) != 1:
        raise InputError(f"{files[0].path}: the tags are B, I and O without a type; name the one type with --schema")
    dialect = Dialect(
        objects_inclusive=signs[True, "start"] > max(signs[True, "length"], _STRAY * signs[True, "any"]),
        lists_inclusive=signs[False, "length"] <= max(signs[False, "start"], _STRAY * signs[False, "any"]),
        names=names,
        scheme=scheme,
        key=key,
        joining=joining_of(tokens, asked.join, texted),
    )
    if dialect.joining.said:
        say(f"{files[0].name}: {dialect.joining.said}; source.join (--join) = space or none overrides this")
    return unique((*labels, *labels_of_tags(tags, scheme))) or None, dialect


def _head(files: Sequence[DataFile]) -> Iterator[Any]:
    """The first rows of all files."""
    for file in files:
        yield from (row.value for row in islice(json_rows(file.path), _HEAD))


def _sentences(path: Path, key: str | None) -> Iterator[tuple[JsonRow, _Sentence]]:
    """The readable sentences of a file."""
    for row in json_rows(path):
        try:
            for sentence in _split(row.value, key):
                yield row, sentence
        except RowError:
            continue


def _signs(span: Any, last: int) -> Iterator[tuple[bool, str]]:
    """What a span shows of the convention: (whether it is an object, which end it has)."""
    places = _positions(span)
    if places and not _index(span):
        start, end = places
        yield isinstance(span, dict), "any"
        if start == end:
            yield isinstance(span, dict), "start"
        if end == last:
            yield isinstance(span, dict), "length"


def _tag_name(tag: Tag, names: Sequence[str], path: Path, row: int) -> str:
    if isinstance(tag, str):
        if not tag.strip().isdecimal():
            return tag.strip()
        tag = int(tag)
    if 0 <= tag < len(names):
        return names[tag]
    raise InputError(
        f"{path}: row {row}: the tags are numbers ({tag}), and nothing names them; name them in their order with "
        "--labels O,B-PER,I-PER (source.labels), or in a label.json beside the file"
    )


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The sentences of one file, in order."""
    if not isinstance(options.dialect, Dialect):
        options = survey((DataFile(path, file),), options)[0].options(options)
    dataset = options.dataset or dataset_of(path)
    for row in json_rows(path):
        try:
            sentences = _split(row.value, options.dialect.key)
        except RowError as error:
            yield BadRow(file, row.row, dataset, str(error), raw_bytes(row))
            continue
        for sentence in sentences:
            try:
                yield _parse(row, sentence, file, dataset, options)
            except RowError as error:
                raw = raw_bytes(row) if sentence.number is None else raw_of(sentence.tokens)
                yield BadRow(file, row.row, dataset, str(error), raw)


def _split(value: Any, key: str | None) -> list[_Sentence]:
    """The sentences of a row: one, or those of a document."""
    if isinstance(value, RowError):
        raise value
    if not isinstance(value, dict):
        raise RowError(f"the row is {kind_of(value)}, not an object with tokens")
    if isinstance(value.get("sentences"), list):
        return _document(value)
    tags = key if key is not None and key in value else next(iter(tag_keys(value)), None)
    mentions = mentions_key(value)
    if tags is None and mentions is None:
        raise RowError("the row has no list of entities or tags" if tokens_key(value) else "the row has no tokens")
    tokens = tokens_of(value)
    if tags is None:
        return [_Sentence(tokens, value[mentions])]
    listed = tags_of(value, tags)
    if len(listed) != len(tokens):
        raise RowError(f"{len(tokens)} tokens and {len(listed)} tags")
    return [_Sentence(tokens, [], listed)]


def _document(value: Mapping[str, Any]) -> list[_Sentence]:
    """The sentences of a document; spans count from its beginning (`ner`) or from the sentence's (`ners`)."""
    sentences = [strings(sentence) for sentence in value["sentences"]]
    key = "ner" if "ner" in value else "ners"
    spans = value.get(key)
    if not isinstance(spans, list) or len(spans) != len(sentences):
        raise RowError(f"{key} is not a list with an item for each of the {len(sentences)} sentences")
    begins = [0]
    for sentence in sentences:
        begins.append(begins[-1] + len(sentence))
    shifts = begins if key == "ner" else [0] * len(begins)
    other = [0] * len(begins) if key == "ner" else begins
    if not _fits(sentences, spans, shifts) and _fits(sentences, spans, other):
        shifts = other
    return [
        _Sentence(sentence, found if isinstance(found, list) else [], None, shift, number)
        for number, (sentence, found, shift) in enumerate(zip(sentences, spans, shifts, strict=False))
    ]


def _fits(sentences: Sequence[list[str]], spans: Sequence[Any], shifts: Sequence[int]) -> bool:
    """Whether all spans of a document lie in their sentences."""
    for tokens, found, shift in zip(sentences, spans, shifts, strict=False):
        for places in map(_positions, found if isinstance(found, list) else ()):
            if places and not 0 <= places[0] - shift <= places[1] - shift <= len(tokens):
                return False
    return True


def _positions(span: Any) -> tuple[int, int] | None:
    """The two positions of a span as they stand there; None where there are none."""
    index = _index(span)
    pair = (min(index), max(index) + 1) if index else positions(span)
    return pair if pair and all(type(place) is int for place in pair) else None


def _label(span: Any) -> tuple[str, ...]:
    """The type of a span, if it has one that is a text."""
    label, *others = types(span)
    named = isinstance(label, str) and label.strip() and label.encode("utf-8", "ignore")
    return (label,) if named and not others else ()


def _parse(row: JsonRow, found: _Sentence, file: str, dataset: str, options: ReadOptions) -> SourceRow:
    value = row.value
    sentence, offsets = _sentence(value, found, options.dialect.joining)
    findings: list[str] = []
    spans = _tagged(found, options, file, row.row) if found.tags else _spans(found, options.dialect, findings)
    gold = []
    for place, label, text in spans:
        entity = span_entity(sentence, offsets[place[0]][0], offsets[place[1] - 1][1], label) if place else None
        if entity is None and text:
            entity = Entity(text, label)
        if entity:
            gold.append(entity)
        else:
            findings.append("empty_mention" if place else "out_of_range")
    ident = next((text for key in _ID_KEYS if (text := id_of(value.get(key)))), None)
    return SourceRow(
        file=file,
        row=row.row,
        dataset=optional_text(value.get("dataset"), "dataset") or dataset,
        sentence=sentence,
        schema=labels_of(value.get("schema"), "schema")
        or types_asked(options.schema, gold, sentence, stated=options.stated),
        gold=tuple(gold),
        source_id=ident if ident is None or found.number is None else f"{ident}-{found.number}",
        split=optional_text(value.get("split"), "split"),
        license=optional_text(value.get("license"), "license"),
        findings=tuple(findings),
    )


def _sentence(value: Mapping[str, Any], found: _Sentence, joining: Joining) -> tuple[str, Offsets]:
    """The sentence and where its tokens lie: the row's own text where they are in it, else joined."""
    for key, text in _own_texts(value, found):
        offsets = located(found.tokens, text)
        if offsets is not None:
            return text_of(text, key), offsets
    sentence, offsets = joining.join(found.tokens)
    return text_of(sentence, "tokens"), offsets


def _own_texts(value: Mapping[str, Any], found: _Sentence) -> Iterator[tuple[str, str]]:
    """The texts of a row beside its tokens, each with its key."""
    for key, text in value.items() if found.number is None else ():
        if str(key).lower() in ("text", "sentence") and isinstance(text, str) and text:
            yield key, text


def _brings_text(value: Mapping[str, Any], found: _Sentence) -> bool:
    """Whether a row has the text that its tokens were cut from, and it is not these joined by one space."""
    plain = " ".join(found.tokens)
    return any(text != plain and located(found.tokens, text) for _, text in _own_texts(value, found))


_Placed = tuple[tuple[int, int] | None, str, str | None]


def _tagged(found: _Sentence, options: ReadOptions, file: str, row: int) -> Iterator[_Placed]:
    """The spans of a sentence's tags."""
    dialect: Dialect = options.dialect
    names = [_tag_name(tag, dialect.names, Path(file), row) for tag in found.tags or ()]
    parts = [split_tag(name, dialect.scheme) for name in names]
    for name, part in zip(names, parts, strict=True):
        if part is None:
            raise RowError(unknown(name))
    only = options.schema[0] if dialect.scheme == BARE and options.schema else None
    for start, end, label in decode([part for part in parts if part]):
        yield (start, end), only or label, None


def _spans(found: _Sentence, dialect: Dialect, findings: list[str]) -> Iterator[_Placed]:
    """The mentions of a sentence: tokens (end exclusive), type, and the text where the row has it."""
    for span in found.spans:
        label = _label(span)
        if not label:
            findings.append("not_label")
            continue
        if _is_broken(span):
            findings.append("discontinuous")
            continue
        text = span.get("text") if isinstance(span, dict) else None
        text = valid_text(text, "a text") if isinstance(text, str) and text.strip() else None
        yield _placed(span, found, dialect, text), valid_text(label[0], "a type"), text


def _index(span: Any) -> list[int] | None:
    """The tokens of a mention where they are listed one by one."""
    index = next((span[key] for key in _INDEX_KEYS if key in span), None) if isinstance(span, dict) else None
    return index if isinstance(index, list) and index and all(type(place) is int for place in index) else None


def _is_broken(span: Any) -> bool:
    """Whether a mention leaves tokens out."""
    index = _index(span)
    return index is not None and len(set(index)) != max(index) - min(index) + 1


def _placed(span: Any, found: _Sentence, dialect: Dialect, text: str | None) -> tuple[int, int] | None:
    """The tokens of a mention; None where they are not in the sentence."""
    places = _positions(span)
    if places is None:
        return None
    start, end = places[0] - found.shift, places[1] - found.shift
    inclusive = dialect.objects_inclusive if isinstance(span, dict) else dialect.lists_inclusive
    if _index(span):
        inclusive = False
    stops = [end + 1, end] if inclusive else [end, end + 1]
    fitting = [stop for stop in stops if 0 <= start < stop <= len(found.tokens)]
    if text is not None:
        bare = "".join(text.split())
        fitting = [stop for stop in fitting if "".join("".join(found.tokens[start:stop]).split()) == bare]
        return (start, fitting[0]) if fitting else None
    return (start, stops[0]) if stops[0] in fitting else None


def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """One row a record: tokens and entity_mentions with end exclusive."""
    for record in records:
        listed = (record.gold if record.entities is None else record.entities) or ()
        offsets = words(record.sentence, borders(listed))
        tokens = [record.sentence[start:end] for start, end in offsets]
        spans = [(span, entity) for entity in listed if (span := token_span(offsets, entity))]
        yield identity(record) | {
            "tokens": tokens,
            **(
                {}
                if " ".join(tokens) == record.sentence and not is_telling(record.sentence)
                else {"text": record.sentence}
            ),
            "entity_mentions": [
                {"text": entity.text, "entity_type": entity.label, "start": start, "end": end}
                for (start, end), entity in spans
            ],
            "schema": list(record.schema),
        }
