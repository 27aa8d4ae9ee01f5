"""JSON rows whose tokens are objects with a tag of their own, or pairs of token and tag.

Read: spaCy 2's training data ({paragraphs: [{raw, sentences: [{tokens: [{orth, ner}]}]}]}), CoreNLP ({sentences:
[{tokens: [{word, ner}]}]}), Stanza (lists of {text, ner}), {tokens: [{text, tag}]}, and lists of [token, ..., tag].
A row is a sentence or a document, whose sentences are so many records.  The text is the row's own where the tokens are
in it, else they are joined as joining.py finds out, and as their `space`, `whitespace` or `after` says.  A sentence
without any tag is unlabelled.  The schema is every type of the data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from nercot.errors import InputError
from nercot.formats.files import DataFile, dataset_of
from nercot.formats.joining import Joining, joining_of
from nercot.formats.json_files import json_rows, raw_bytes
from nercot.formats.marks import key_of
from nercot.formats.notices import say
from nercot.formats.rows import BadRow, ReadOptions, RowError, SourceRow, id_of, text_of, types_asked, unique
from nercot.formats.span_lists import origin
from nercot.formats.tags import BARE, OUTSIDE, PREFIXED, SUFFIXED, decode, labels_of_tags, scheme_of, split_tag, unknown
from nercot.formats.token_keys import sample
from nercot.formats.words import Offsets, located, span_entity

_WORDS = ("orth", "text", "word", "token", "form", "originaltext")
# What is called so is a tag whatever it is; what is called otherwise may be a part of speech.
_NER = ("ner", "nertag", "netag", "entiob", "iob", "bio", "biotag", "iobtag")
_TAGS = (*_NER, "tag", "label", "entity", "enttype")
_SPACES = ("space", "whitespace", "after")
_LISTS = ("tokens", "words", "sentence", "token", "data")
# So many different tokens show how they are joined.
_MAX_TOKENS = 50_000
_TEXTS = ("text", "raw", "sentence", "content")


class _Token(NamedTuple):
    """A token, its tag (None: it has none), whether no space follows it, and whether its key says that it is a tag."""

    text: str
    tag: str | None
    glued: bool = False
    named: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    """Sentences of a row that have one text, as far as it is known."""

    sentences: list[list[_Token]]
    text: str | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """The scheme of a data set's tags, and how tokens become a sentence."""

    scheme: str
    joining: Joining


def detect(value: Any) -> bool:
    """Whether a JSON value is a row of tokens that bring their tags."""
    tokens = [token for part in _parts(value) for sentence in part.sentences for token in sentence]
    tags = [token for token in tokens if token.tag is not None]
    return bool(tags) and all(token.named or _is_tag(token.tag) for token in tags)


def _is_tag(tag: str | None) -> bool:
    return tag in OUTSIDE or (tag is not None and scheme_of({tag: 1}) in (PREFIXED, SUFFIXED))


def _parts(value: Any) -> list[_Part]:
    """The texts of a row with their sentences; none where its tokens are no objects."""
    if isinstance(value, list):
        return _listed(value)
    if not isinstance(value, Mapping):
        return []
    inner = value.get("paragraphs", value.get("sentences"))
    if isinstance(inner, list) and "paragraphs" in value:
        return [part for paragraph in inner for part in _parts(paragraph)]
    fields = {key_of(key): found for key, found in value.items()}
    text = next((fields[key] for key in _TEXTS if isinstance(fields.get(key), str)), None)
    if isinstance(inner, list):
        found = [_parts(item) for item in inner]
        sentences = [sentence for parts in found for part in parts for sentence in part.sentences]
        return [_Part(sentences, text)] if all(found) and sentences else []
    tokens = next((made for key in _LISTS if (made := _tokens(fields.get(key)))), None)
    return [_Part([tokens], text)] if tokens else []


def _listed(value: Sequence[Any]) -> list[_Part]:
    """A list that is a sentence, or a list of sentences."""
    tokens = _tokens(value)
    if tokens:
        return [_Part([tokens])]
    found = [_tokens(item) for item in value]
    return [_Part(found)] if found and all(found) else []


def _tokens(value: Any) -> list[_Token]:
    """The tokens of a list of objects or pairs; none where any of its items is something else."""
    found = [_token(item) for item in _written(value)] if isinstance(value, list) else []
    return [token for token in found if token] if all(found) else []


def _written(items: Sequence[Any]) -> Sequence[Any]:
    """The tokens as they are written: not the words that one of them stands for (Stanza's du = de + le)."""
    ids = [item.get("id") for item in items if isinstance(item, Mapping)]
    ranges = [(ident[0], ident[-1]) for ident in ids if isinstance(ident, list) and len(ident) > 1]
    if not ranges:
        return items
    covered = {number for first, last in ranges for number in range(first, last + 1)}
    return [item for item in items if not (isinstance(item, Mapping) and _number(item.get("id")) in covered)]


def _number(ident: Any) -> Any:
    """The number of a token; a range has none."""
    return ident[0] if isinstance(ident, list) and len(ident) == 1 else None if isinstance(ident, list) else ident


def _token(item: Any) -> _Token | None:
    if isinstance(item, list):
        strings = len(item) > 1 and all(isinstance(cell, str) for cell in item)
        return _Token(item[0], item[-1].strip(), named=False) if strings and _is_tag(item[-1].strip()) else None
    if not isinstance(item, Mapping):
        return None
    fields = {key_of(key): found for key, found in item.items()}
    text = next((fields[key] for key in _WORDS if isinstance(fields.get(key), str)), None)
    key = next((key for key in _TAGS if key in fields), None)
    if text is None:
        return None
    tag = fields.get(key) if key else None
    space = next((fields[name] for name in _SPACES if name in fields), None)
    known = tag.strip() if isinstance(tag, str) and tag.strip() not in ("", "-") else None
    return _Token(text, known, space is False or space == "", key in _NER)


def survey(files: Sequence[DataFile], asked: ReadOptions) -> tuple[DataFile, ...]:
    """The files with dataset, layout and the schema of the dataset: every type of all its files."""
    groups: dict[str, list[DataFile]] = {}
    for file in files:
        groups.setdefault(asked.dataset or dataset_of(file.path), []).append(file)
    found: dict[Path, DataFile] = {}
    for dataset, members in groups.items():
        schema, layout = _dataset(members, asked)
        found |= {file.path: replace(file, dataset=dataset, schema=schema, dialect=layout) for file in members}
    return tuple(found[file.path] for file in files)


def _dataset(files: Sequence[DataFile], asked: ReadOptions) -> tuple[tuple[str, ...] | None, _Layout]:
    tags: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for file in files:
        for row in json_rows(file.path):
            for tokens in (sentence for part in _parts(row.value) for sentence in part.sentences):
                sample(words, [token.text for token in tokens], _MAX_TOKENS)
                tags.update(token.tag or "O" for token in tokens)
    scheme = scheme_of(tags)
    if scheme is None or (scheme == BARE and len(asked.schema or ()) != 1):
        why = "have no type; name the one type with --schema" if scheme else "are none of O, B-x, I-x; check the file"
        raise InputError(f"{files[0].path}: the tags of the tokens {why}")
    joining = joining_of(words, asked.join)
    if joining.said:
        say(f"{files[0].name}: {joining.said}; source.join (--join) = space or none overrides this")
    return unique((*(asked.schema or ()), *labels_of_tags(tags, scheme))) or None, _Layout(scheme, joining)


def read(path: Path, file: str, options: ReadOptions) -> Iterator[SourceRow | BadRow]:
    """The sentences of one file, in order."""
    if not isinstance(options.dialect, _Layout):
        options = survey((DataFile(path, file),), options)[0].options(options)
    dataset = options.dataset or dataset_of(path)
    for row in json_rows(path):
        try:
            if isinstance(row.value, RowError):
                raise row.value
            parts = _parts(row.value)
            if not parts:
                raise RowError("the row has no list of tokens with their tags")
            several = sum(len(part.sentences) for part in parts) > 1
            made = (pair for part in parts for pair in _placed(part, options.dialect.joining))
            for number, (tokens, sentence, offsets) in enumerate(made):
                found = _row(tokens, text_of(sentence, "the sentence"), offsets, options)
                known = _known(row.value, number if several else None)
                yield replace(found, file=file, row=row.row, **{"dataset": dataset, **known})
        except RowError as error:
            yield BadRow(file, row.row, dataset, str(error), raw_bytes(row))


def _known(value: Any, number: int | None) -> dict[str, Any]:
    """What a row says of itself; the sentences of a document are numbered."""
    fields = value if isinstance(value, Mapping) else {}
    ident = next((found for key in ("id", "docId", "doc_id") if (found := id_of(fields.get(key))) is not None), None)
    return {"source_id": ident if ident is None or number is None else f"{ident}-{number}", **origin(fields)}


def _placed(part: _Part, joining: Joining) -> Iterator[tuple[list[_Token], str, Offsets]]:
    """Each sentence of a part with its text and the places of its tokens."""
    offsets = located([token.text for tokens in part.sentences for token in tokens], part.text) if part.text else None
    begins = accumulate(map(len, part.sentences), initial=0)
    for tokens, begin in zip(part.sentences, begins, strict=False):
        if offsets is None or part.text is None:
            yield tokens, *joining.join([token.text for token in tokens], [token.glued for token in tokens])
            continue
        places = offsets[begin : begin + len(tokens)]
        first, last = (places[0][0], places[-1][1]) if len(part.sentences) > 1 else (0, len(part.text))
        yield tokens, part.text[first:last], [(start - first, end - first) for start, end in places]


def _row(tokens: Sequence[_Token], sentence: str, offsets: Offsets, options: ReadOptions) -> SourceRow:
    layout: _Layout = options.dialect
    parts = [split_tag(token.tag or "O", layout.scheme) for token in tokens]
    for token, pair in zip(tokens, parts, strict=True):
        if pair is None:
            raise RowError(unknown(token.tag or ""))
    only = options.schema[0] if layout.scheme == BARE and options.schema else None
    spans = decode([pair for pair in parts if pair])
    gold = [span_entity(sentence, offsets[at][0], offsets[end - 1][1], only or kind) for at, end, kind in spans]
    entities = tuple(entity for entity in gold if entity)
    return SourceRow(
        file="",
        row=0,
        dataset="",
        sentence=sentence,
        schema=types_asked(options.schema, entities, sentence, stated=options.stated),
        gold=entities if any(token.tag for token in tokens) else None,
        findings=("empty_mention",) * gold.count(None),
    )
