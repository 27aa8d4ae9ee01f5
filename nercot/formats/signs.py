"""What in a file looks like annotation that nobody has read: why it cannot be taken for plain text.

In: a row of JSON, or the head of a file of lines.  Out: what was seen, in words, or nothing.  A text with a topic, a
title or an id is plain text; one with spans, tags, lists of mentions, marks inside it or a file of annotation beside
it is not.  Never decides what a sign means: that is for the formats.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nercot.formats.head import Head
from nercot.formats.tags import OUTSIDE, named

# Keys that speak of annotation, and those that hold lists or objects which are none.
_TELLING = named(
    "label labels entity entities span spans annotation annotations tag tags ner ners ner_tags ner_tag mention "
    "mentions extraction extractions denotations privacy_mask slots predictions prediction responses "
    "suggestions result results golden_entities named_entities iob bio bio_tags concepts phrases keyphrases "
    "points objects relations triples gold"
)
# A key that speaks of entities, whatever stands beside the word.
_OF_ENTITIES = re.compile(r"(?:^|_)(?:entit(?:y|ies)|ner|spans?|mentions?)(?:_|$)")
_NOTHING = named("none null nan o - _ no 0 false")
_HARMLESS = named(
    "meta metadata tokens words sentences schema cats options extras info source embedding input_ids "
    "attention_mask lemmas pos chunk languages authors links urls references messages"
)
_PLACES = (("start", "end"), ("begin", "end"), ("start_offset", "end_offset"), ("offset", "length"), ("from", "to"))
_TEXTS = ("text", "sentence", "content")
_DEPTH = 6

# Marks inside a text, each with what it is.
_INLINE = (
    ("XML tags", re.compile(r"<([A-Za-z][\w:.-]*)(?:\s[^<>]*)?>[^<>]*</\1\s*>")),
    ("<START:type> ... <END>", re.compile(r"<START(:[\w.-]+)?>.*?<END>")),
    ("[mention](type)", re.compile(r"\[[^\][]+\]\((?:[A-Za-z_][\w -]*)\)")),
    ('[mention]{"entity": type}', re.compile(r"\[[^\][]+\]\{[^{}]*\"entity\"")),
    ("[TYPE mention]", re.compile(r"\[(?:PER|LOC|ORG|GPE|MISC|DATE|[A-Z]{2,}) [^\][]+\]")),
    ("{mention|type}", re.compile(r"[{\[][^{}\[\]|]+\|\s*[A-Z][\w-]*\s*[}\]]")),
    ("[@mention#type*]", re.compile(r"\[@[^\][#]+#[^\][*]+\*\]")),
    ("{{type:mention}}", re.compile(r"\{\{\w+:[^{}]+\}\}")),
    ("<type mention>", re.compile(r"<(?!a |p |i |b |u )[a-z]{1,4}_? [^<>=\"/]+>")),
    ("<b_enamex> ... <e_enamex>", re.compile(r"<b_\w+[^<>]*>[^<>]*<e_\w+>", re.IGNORECASE)),
    ("<mention:TYPE>", re.compile(r"<[^<>:/]+:[A-Z]{2,}[^<>]*>")),
    ("[type : mention]", re.compile(r"\[[a-z_]+ : [^\][]+\]")),
    ("words with tags (word/B-TYPE)", re.compile(r"\S[/_|\\](?:[BIES]-[A-Za-z]\w*)(?:\s|$)")),
    ("@@mention## marks", re.compile(r"@@[^@#]+##")),
)
_HTML = named(
    "a abbr b big blockquote body br caption center cite code dd del div dl dt em font h1 h2 h3 h4 h5 h6 head "
    "html i img ins kbd li link meta ol p pre q s samp script small span strike strong style sub sup table "
    "tbody td th title tr tt u ul"
)
_SLASHED = re.compile(r"\S+[/_:](?:[A-Z][A-Z$]*|[a-z]{1,3})\]?[a-z]{0,3}$")
_LINES = (
    ("lines of PubTator (id|t|title)", re.compile(r"\w+\|[ta]\|")),
    ("lines of brat (T1 TAB type start end TAB mention)", re.compile(r"T\d+\t\S+ \d+ \d+")),
    ("text and annotation parted by |||", re.compile(r".+\|\|\|.+")),
    ("text and annotation parted by ####", re.compile(r".+####.+")),
    ("a header of WebAnno TSV", re.compile(r"#FORMAT=WebAnno")),
    ("columns below -DOCSTART-", re.compile(r"-DOCSTART-")),
    ("lines of i2b2 (c=mention||t=type)", re.compile(r'c="[^"]*" \d+:\d+')),
    ("comments of WebAnno", re.compile(r"\s*# ?(?:webanno\.|text=|id=\d)")),
    ("lines of XML tags", re.compile(r"</?(?:s|doc|sent|sentence|text|corpus|g)\b[^<>]*>\s*$")),
    ("sentences ended by EOS, of a morphological analyser", re.compile(r"EOS\s*$")),
    ("lines of BioCreative (id|start end|mention)", re.compile(r"\S+\|\d+ \d+\|\S")),
    ("an XML document", re.compile(r"\s*<\?xml|\s*<!DOCTYPE (?!html)", re.IGNORECASE)),
)
_MIN_SHARE, _MIN_SLASHED, _MIN_HELD = 0.05, 0.8, 0.5
# Endings of files that are written in a language of their own, annotation among it.
_NO_TEXT = tuple(named(".yml .yaml .ttl .nt .n3 .rdf .owl .htm .html .sgm .sgml .ann .a1 .a2"))
# What a text bears beside it that may stand in it, and marks nothing.
_ABOUT = named(
    "title headline heading subject topic topics category categories name author authors source date time year url "
    "link id doc_id document_id doc docid file filename path language lang locale license keyword keywords query "
    "question section summary description comment comments note notes domain dataset corpus split intent translation "
    "lemma prompt answer uid guid key page publisher site website country version"
)
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_0-9]*\]|\{\{\w+\}\}|<[A-Z][A-Z_0-9]*>")
_CUT = re.compile(r"[;:,|=(){}\[\]\n\t]+|->|=>|\bis\b")
_TAG = re.compile(r"[BIESLUMW][-_]\S+")
# Endings of annotation beside a text of the same name, and names of files that hold the tags of another's words.
_BESIDE = (
    *(".ann", ".a1", ".a2", ".xml", ".txt.xml", ".knowtator.xml", ".txt.knowtator.xml", ".xmi", ".conll", ".spans"),
    *(".tokens", ".objects", ".tags", ".labels", ".ner", ".bio", ".ann.json", ".con", ".gold"),
)
_PARALLEL = (
    *(("seq.in", "seq.out"), ("words", "tags"), ("words", "labels"), ("sentences", "tags")),
    *(("sentences", "labels"), ("text", "tags"), ("text", "labels"), ("source", "target")),
)


def signs_of(value: Any) -> list[str]:
    """The keys of a row that look like annotation of its text; none for a plain text."""
    if not isinstance(value, Mapping):
        return []
    text = next((value[key] for key in _TEXTS if isinstance(value.get(key), str)), "")
    text = text or max((inner for inner in value.values() if isinstance(inner, str)), key=len, default="")
    others = {str(key): inner for key, inner in value.items() if key not in _TEXTS and inner is not text}
    found = [key for key, inner in others.items() if _is_sign(key, inner, text)]
    for pair in _PLACES:
        if all(_is_number(value.get(key)) for key in pair):
            found.extend(key for key in pair if key not in found)
    return found


def _is_number(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and value.isdecimal())


def _is_sign(key: str, value: Any, text: str) -> bool:
    name = key.lower().replace("-", "_")
    of_entities = _OF_ENTITIES.search(name) is not None
    telling = of_entities or name in _TELLING
    value = parsed(value)
    if isinstance(value, Mapping | list | tuple):
        return bool(value) and name not in _HARMLESS and (telling or _holds_marks(value, text))
    if not isinstance(value, str) or not value.strip():
        return False
    if of_entities and value.strip().lower() not in _NOTHING:
        return True
    if _are_tags(value.split()) or (_PLACEHOLDER.search(value) and not _PLACEHOLDER.search(text)):
        return True
    pieces = [piece for piece in (cut.strip(" '\"") for cut in _CUT.split(value)) if len(piece) > 1] if telling else []
    return any(piece in text for piece in pieces)


def parsed(value: Any) -> Any:
    """A list or object that is written as a string of JSON or of Python, else the value."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return value


def _are_tags(words: Sequence[str]) -> bool:
    """Whether words are nothing but tags, one at least of them with a type."""
    return any(map(_TAG.fullmatch, words)) and all(word in OUTSIDE or _TAG.fullmatch(word) for word in words)


def _holds_marks(value: Any, text: str, depth: int = 0) -> bool:
    """Whether something inside is a place (two whole numbers) or a piece of the text."""
    if depth > _DEPTH:
        return False
    if isinstance(value, str):
        return depth > 0 and len(value) > 1 and (value in text or bool(_TAG.fullmatch(value)))
    inner = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []
    if isinstance(value, Mapping) and any(all(type(value.get(key)) is int for key in pair) for pair in _PLACES):
        return True
    numbers = [item for item in inner if type(item) is int]
    if depth > 0 and len(numbers) == 2 and numbers[0] <= numbers[1] <= len(text) + 1:
        return True
    return any(_holds_marks(item, text, depth + 1) for item in inner)


def signs_in_texts(values: Sequence[Any]) -> list[str]:
    """What the texts of rows show of annotation, in words: marks inside them, or keys that say what stands in them."""
    rows = [value for value in values if isinstance(value, Mapping) and isinstance(value.get("text"), str)]
    inside = next(_marked_inside([row["text"] for row in rows]), None)
    return [f"text ({inside})"] if inside else _pieces(rows)


def _pieces(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values stand in the text of most rows, as a table has a column for each type."""
    full: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for row in rows:
        for key, value in row.items():
            if key != "text" and isinstance(value, str) and value.strip() and key.lower() not in _ABOUT:
                full[key] += 1
                held[key] += len(value) > 2 and len(value) < len(row["text"]) and value in row["text"]
    return [key for key, count in full.items() if held[key] >= _MIN_HELD * count]


def refusal_of_rows(keys: Sequence[str]) -> str:
    """What to say of rows whose annotation no format knows."""
    listed = " and ".join(f"`{key}`" for key in dict.fromkeys(keys))
    return (
        f"{listed}: annotation in a shape that is not known; "
        "write it as {text, entities: [{start, end, label}]}, or read the texts alone with --from text"
    )


def refusal_of_lines(head: Head) -> str | None:
    """What to say of a file of lines that looks like annotated text; None for plain text."""
    beside = _annotation_beside(head)
    if beside:
        return (
            f"{beside} beside it looks like its annotation, which is not read; to read the text alone say --from text"
        )
    ending = next((ending for ending in _NO_TEXT if head.path.name.lower().endswith(ending)), None)
    if ending:
        return f"no plain text, but a file {ending}, which is not read; if every line is a sentence, say --from text"
    if ".csv" in head.path.name.lower() and "," in head.lines[0]:
        return f"a table ({head.lines[0][:80]}) without a column called text; call the one with the sentences so"
    seen = next(_seen_in(head.lines), None)
    if seen is None:
        return None
    return f"{seen}: annotation in a shape that is not known; if every line is a sentence as it stands, say --from text"


def _annotation_beside(head: Head) -> str | None:
    """The name of a file that annotates this one."""
    name = head.path.name
    stem = name.removesuffix(".txt")
    names = [f"{stem}{ending}" for ending in _BESIDE if f"{stem}{ending}" != name]
    for words, tags in _PARALLEL:
        if re.search(rf"(^|[._-]){re.escape(words)}($|[._-])", name):
            names.append(re.sub(rf"(^|[._-]){re.escape(words)}($|[._-])", rf"\g<1>{tags}\g<2>", name))
    return next((other for other in names if other in head.beside), None)


def _seen_in(lines: Sequence[str]) -> Iterator[str]:
    """The kinds of annotation that lines show, each in words."""
    full = [line for line in lines if line.strip()]
    for name, pattern in _LINES:
        if any(map(pattern.match, full[:50])):
            yield name
    yield from _marked_inside(full)
    if any(_are_tags(line.split()) for line in full):
        yield "lines of tags"
    words = [word for line in full for word in line.split()]
    if words and sum(map(bool, map(_SLASHED.match, words))) >= _MIN_SLASHED * len(words):
        yield "words with tags (word/TAG)"
    for sign, least in (("\t", 1), ("|", 2)):
        widths = {line.count(sign) for line in full}
        if len(widths) == 1 and min(widths) >= least:
            yield f"{widths.pop() + 1} columns on every line"
    if full and all("||" in line for line in full):
        yield "columns parted by ||"


def _marked_inside(texts: Sequence[str]) -> Iterator[str]:
    """The kinds of marks that stand inside texts, each in words."""
    for name, pattern in _INLINE:
        count = sum(any(not _is_html(match) for match in pattern.finditer(text)) for text in texts)
        if count and count >= _MIN_SHARE * len(texts):
            yield name


def _is_html(match: re.Match[str]) -> bool:
    """Whether a match is a tag of HTML, which says nothing of entities."""
    return bool(match.re.groups) and match.re is _INLINE[0][1] and match[1].lower() in _HTML
