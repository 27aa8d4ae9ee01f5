"""What the embedded annotator and rubric know of words: families of entity types and their cues.

In: a type name as a schema spells it, and its description where there is one.  Out: a `Kind`: the
family that the type belongs to, how to name it in a sentence, and the words that speak for it.  The
lists are small and hand-written (lexicon.toml); a type that none of them knows still works, with fewer cues.
Never sees a sentence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

# A description that fits into brackets and could not be read as a denial.
_GLOSS = re.compile(r"(?!.*\b(?:not?|never|without|nor|except)\b)[^\n()`\"“”]{1,80}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[^\W_]+")


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Types of one sort.

    `one`, `many`: what they name, for the middle of a sentence.  `names`: the words of type names by
    which a type is known to belong here.  `heads`: nouns and titles that announce or end such a name.
    `leads`: words before a name (prepositions, verbs) -> clause about them, `{w}` being the word.
    `follows`: words after a name that only such a thing takes.  `endings`: of words that name one.
    """

    key: str
    one: str
    many: str
    names: frozenset[str]
    heads: frozenset[str] = frozenset()
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    follows: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()


_OTHER = Family("other", "a thing of that sort", "such things", frozenset())


def _read() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text("utf-8"))


def _family_of(entry: Mapping[str, Any]) -> Family:
    """One family as lexicon.toml has it."""
    leads = {word: tuple(group["clauses"]) for group in entry["leads"] for word in group["words"].split()}
    return Family(
        key=entry["key"],
        one=entry["one"],
        many=entry["many"],
        names=frozenset(entry["names"].split()),
        heads=frozenset(entry["heads"].split()),
        leads=MappingProxyType(leads),
        follows=frozenset(entry.get("follows", "").split()),
        endings=tuple(entry.get("endings", "").split()),
    )


def _index(lexicon: Mapping[str, Any]) -> dict[str, Family]:
    """Families by the words of type names."""
    families = [_family_of(entry) for entry in lexicon["family"]]
    by_key = {family.key: family for family in (*families, _OTHER)}
    index: dict[str, Family] = {}
    for family in families:
        for name in sorted(family.names):
            index.setdefault(name, family)
    index.update({word: by_key[key] for word, key in lexicon["settled"].items()})
    index.update({name: by_key[key] for name, key in lexicon["whole"].items()})
    return index


_LEXICON = _read()
_INDEX = _index(_LEXICON)
_LONG_NAMES = tuple(sorted((name for name in _INDEX if len(name) > 4 and " " not in name), key=lambda n: (-len(n), n)))


# Lists of words by their name in lexicon.toml.
WORDS: Mapping[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _LEXICON["words"].items()}
# Names that are read in several ways: the families that each can be a name of.
READINGS: Mapping[str, frozenset[str]] = {
    name: frozenset(key for key, names in _LEXICON["readings"].items() if name in names.split())
    for name in {name for names in _LEXICON["readings"].values() for name in names.split()}
}
# What a sentence can be about, by the words that show it.
FIELDS: Mapping[str, str] = {word: field for field, words in _LEXICON["fields"].items() for word in words.split()}


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One type of a schema, ready to be written about.

    `tick`: its name in the schema's spelling, in backquotes.  `predicate`: what follows "is".
    `words`: the words of its name, lower case.  `own`: the same in the singular, where they are few.
    `cues`: nouns that announce it, its own words and the family's heads.  `gloss`: what it stands for, from the
    schema's description, or empty.  `one`, `many`: what it names, for the middle of a sentence.
    """

    label: str
    family: Family
    tick: str
    predicate: str
    words: tuple[str, ...]
    own: frozenset[str]
    cues: frozenset[str]
    gloss: str
    one: str
    many: str


def label_words(label: str) -> tuple[str, ...]:
    """The words of a type name, lower case: `medical_condition`, `ProgramLang`, `US state` are two each."""
    return tuple(part.lower() for part in _PART.findall(label))


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """A lower-case English noun without its plural ending; only good for look-ups."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


@lru_cache(maxsize=16384)
def kind_of(label: str, description: str | None = None) -> Kind:
    """The kind of a type by its name, or else by its description."""
    words = label_words(label)
    family = _family(words)
    if family is _OTHER and description:
        family = _family(label_words(description))
    own = frozenset(singular(word) for word in words if len(word) > 2) if len(words) <= 4 else frozenset()
    tick = f"`{' '.join(label.split())}`"
    gloss = description.strip() if description and _GLOSS.fullmatch(description.strip()) else ""
    gloss = "" if gloss == label.strip() else gloss
    predicate = _predicate(label, words, tick)
    one = family.one if family is not _OTHER or predicate.startswith("of") else predicate.replace(tick, " ".join(words))
    return Kind(label, family, tick, predicate, words, own, own | family.heads, gloss.rstrip("."), one, family.many)


def narrowed(kind: Kind) -> Kind:
    """The kind, spoken of by its own name: for schemas in which its family has several types."""
    if kind.predicate.startswith("of"):
        return replace(kind, one="a thing of this type", many="things of this type")
    name = " ".join(kind.words)
    ending = (
        name[:-1] + "ies" if name.endswith("y") else name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s")
    )
    return replace(kind, one=kind.predicate.replace(kind.tick, name), many=ending)


def _family(words: tuple[str, ...]) -> Family:
    """The last known word of a short name decides, the first known one of a definition."""
    whole = _INDEX.get(" ".join(words))
    if whole is not None:
        return whole
    for word in words if len(words) > 4 or "of" in words else reversed(words):
        found = _INDEX.get(word) or _INDEX.get(singular(word))
        if found is not None:
            return found
    if len(words) == 1:
        for name in _LONG_NAMES:
            if words[0].endswith(name):
                return _INDEX[name]
    return _OTHER


def _predicate(label: str, words: tuple[str, ...], tick: str) -> str:
    """`a `city`` for a name that takes an article, `of type `ORG`` for any other."""
    plain = bool(words) and len(words) <= 3 and label.replace("_", " ").replace(" ", "").isascii() and label.islower()
    if not plain or words[-1] in WORDS["mass"] or singular(words[-1]) != words[-1]:
        return f"of type {tick}"
    return f"{'an' if label[0] in 'aeio' else 'a'} {tick}"
