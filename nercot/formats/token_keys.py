"""Where a JSON row of tokens has them, and where its tags or mentions stand.

In: a row, or the rows of a data set.  Out: the keys of tokens, tags and mentions.  Tags are recognised by what they
are, under any key: as many as tokens, each O or a prefix and a type; numbers count as tags only under a name that
speaks of them.  Where several keys of a data set hold different tags it is an error that lists them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nercot.errors import InputError
from nercot.formats.rows import RowError, kind_of
from nercot.formats.tags import OUTSIDE

# A tag as it stands in a row: a name, or the number of one.
Tag = str | int

TOKEN_KEYS = ("tokens", "words", "sentence", "token", "word", "text", "tokenized_text", "word_list", "token_list")
TEXT_KEYS = ("text", "sentence", "content", "sentences", "input", "query", "utterance", "seq")
MENTION_KEYS = ("entity_mentions", "entities", "entity", "ner", "golden-entity-mentions", "mentions", "spans", "ners")
TAG_KEYS = ("ner_tags", "tags", "ner", "labels", "bio_tags")
_OF_TAGS = re.compile(r"ner|tag|label|bio|iob|slot|ent", re.IGNORECASE)
_NOT_OF_ENTITIES = re.compile(r"pos|chunk|morph|dep|lemma|lang|feat|srl|intent|sent|attention|cat\b", re.IGNORECASE)
_BARE_TAGS = (*OUTSIDE, *"BIES")
_TAG = re.compile(r"[BIESLUMW][-_]\S.*", re.IGNORECASE)


def tokens_key(value: Mapping[str, Any]) -> str | None:
    """The key of a row's list of tokens; None where it has none."""
    lowered = {str(key).lower(): key for key in value}
    known = next((lowered[key] for key in TOKEN_KEYS if key in lowered and isinstance(value[lowered[key]], list)), None)
    if known is not None or isinstance(value.get("text"), str) or any(map(_are_objects, value.values())):
        return known
    if text_key(value) is not None:
        return None
    lists = [key for key, inner in value.items() if _are_words(inner) and not _NOT_OF_ENTITIES.search(key)]
    return next((key for key in lists if any(_are_named(value[other], len(value[key])) for other in lists)), None)


def _are_objects(value: Any) -> bool:
    """Whether this is a list of objects, as spans beside a text are."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def text_key(value: Mapping[str, Any]) -> str | None:
    """The key of a text whose words are as many as the tags beside it, in a row without tokens."""
    lowered = {str(key).lower(): key for key in value}
    for name in TEXT_KEYS:
        key = lowered.get(name)
        text = value.get(key) if key is not None else None
        if isinstance(text, str) and any(
            _are_named(_listed(inner), len(text.split())) for other, inner in value.items() if other != key
        ):
            return key
    return None


def _listed(value: Any) -> Any:
    """Tags that stand in one string, parted by white space, as a list."""
    return value.split() if isinstance(value, str) else value


def _are_named(value: Any, count: int) -> bool:
    """Whether this is a list of so many tags, each O or a prefix and a type."""
    if not isinstance(value, list) or len(value) != count or not count:
        return False
    return all(isinstance(tag, str) and (tag.strip() in OUTSIDE or _TAG.fullmatch(tag.strip())) for tag in value)


def tag_keys(value: Mapping[str, Any]) -> list[str]:
    """The keys that hold one tag for each token; an empty list under `ner` may be one of mentions as well."""
    words = tokens_key(value)
    text = text_key(value) if words is None else None
    if words is None and text is None:
        return []
    count = len(value[words]) if words is not None else len(value[text or ""].split())
    found = []
    for key, inner in value.items():
        tags = _listed(inner)
        if key in (words, text) or not isinstance(tags, list):
            continue
        plain = (
            isinstance(inner, list)
            and key in TAG_KEYS
            and all(type(tag) in (str, int) for tag in tags)
            and (bool(tags) or key != "ner")
        )
        likely = _are_named(tags, count) or _are_numbers(key, tags, count) or _are_bare(key, tags, count)
        if plain or (likely and not _NOT_OF_ENTITIES.search(key)):
            found.append(key)
    return sorted(found, key=lambda key: TAG_KEYS.index(key) if key in TAG_KEYS else len(TAG_KEYS))


def _are_bare(key: str, tags: list[Any], count: int) -> bool:
    """Whether these are tags without a type (B, I, O), under a name that speaks of tags."""
    return bool(_OF_TAGS.search(key)) and len(tags) == count > 0 and all(tag in _BARE_TAGS for tag in tags)


def _are_numbers(key: str, tags: list[Any], count: int) -> bool:
    return bool(_OF_TAGS.search(key)) and len(tags) == count > 0 and all(type(tag) is int for tag in tags)


def mentions_key(value: Mapping[str, Any]) -> str | None:
    """The key of a list of mentions."""
    return next((key for key in MENTION_KEYS if isinstance(value.get(key), list)), None)


def chosen_key(values: Iterable[Any], where: str, asked: str | None) -> str | None:
    """The key of tags in a data set: the one asked for, or the only one; several different ones are an InputError."""
    counts: Counter[str] = Counter()
    differ: set[tuple[str, str]] = set()
    numbers: set[str] = set()
    for value in values:
        keys = tag_keys(value) if isinstance(value, Mapping) else []
        counts.update(keys)
        numbers.update(key for key in keys if any(type(tag) is int for tag in value[key]))
        full = [key for key in keys if value[key]]
        differ.update((one, other) for one in full for other in full if _listed(value[one]) != _listed(value[other]))
    if asked is not None:
        if asked not in counts:
            raise InputError(f"{where}: no tags under {asked!r}; keys that hold some: {', '.join(counts) or 'none'}")
        return asked
    strings = [key for key in counts if key not in numbers] or list(counts)
    rivals = [key for key in strings if any((key, other) in differ for other in strings)]
    if rivals:
        raise InputError(f"{where}: {' and '.join(rivals)} both hold tags; choose one with --column (source.column)")
    return strings[0] if strings else None


def tokens_of(value: Mapping[str, Any]) -> list[str]:
    """The tokens of a row, or the words of its text; a RowError where there are none."""
    key = tokens_key(value)
    if key is None:
        text = text_key(value)
        if text is None:
            raise RowError("the row has no list of tokens")
        return str(value[text]).split()
    return strings(value[key])


def strings(value: Any) -> list[str]:
    """A list of tokens, or a RowError."""
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        raise RowError("tokens is not a list of strings")
    return value


def tags_of(value: Mapping[str, Any], key: str) -> list[Tag]:
    """The tags of a row under a key, or a RowError."""
    tags = _listed(value[key])
    if not isinstance(tags, list):
        raise RowError(f"{key} is {kind_of(tags)}, not a list of tags")
    return tags


def sample(counts: Counter[str], tokens: Sequence[str], most: int) -> None:
    """Counts tokens, up to so many different ones."""
    if len(counts) < most:
        counts.update(tokens)
