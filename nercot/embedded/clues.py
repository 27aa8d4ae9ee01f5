"""What speaks for a type: the words around a mention, and its own form.

In: one item of a scene and one of its kinds.  Out: clues, the strongest first; there is always one.  A clue
names what stands in the sentence (frames.CLAUSES turns it into words) and never claims anything of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nercot.embedded.lexicon import WORDS, Kind, singular
from nercot.embedded.scene import Item, Scene, bare


@dataclass(frozen=True, slots=True)
class Clue:
    """One reason.  `how`: the key of frames.CLAUSES; `word`, `other`: the text that it quotes."""

    how: str
    word: str = ""
    other: str = ""


_PHRASE = r"[^\W\d_][\w'’-]*(?: [^\W\d_][\w'’-]*){0,4}"
_COPULA = re.compile(rf",? (?:is|was|are|were|became|remains) (?:an?|the|one of the|his|her|its|my|our) {_PHRASE}")
_APPOSITION = re.compile(
    r"(?:,| [-–—(]|\() ?(?:(?:today|now|once|then|still|formerly|meanwhile|also|itself) )?"
    rf"((?:an?|the|his|her|their|its|my|our|one of the) {_PHRASE})"
)
_OWNER = re.compile(r"(['’]s?) ([a-z][\w-]+)")
_PLAIN = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*\Z")
_CALENDAR = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul"
    r"|Aug|Sept?|Oct|Nov|Dec|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|today|tomorrow|yesterday|tonight"
    r"|night|morning|afternoon|evening|week|weeks|month|months|year|years|days?|hours?|minutes?|century|decade|spring"
    r"|summer|autumn|winter|weekend|midnight|noon|Christmas|Easter)\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"[$€£¥₹₩₺₽]|\b(?:USD|EUR|GBP|dollars?|euros?|pounds?|yen|cents?|francs?|rupees?|zł|Rs|元|円)\b|[元円원]"
)
_UNIT = re.compile(r"\d[\d.,]*\s*(?!s\b)([^\W\d_]{1,12}|°\s?[CF]|%)\.?\Z")
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mail", re.compile(r"\S+@\S+\.\w+\Z")),
    ("web", re.compile(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|edu|gov)\b")),
    ("handle", re.compile(r"(@)\w")),
    ("hashtag", re.compile(r"(#)\w")),
    ("clock", re.compile(r"\d{1,2}[:.]\d\d(?:\s?[ap]\.?m\.?)?\Z")),
    ("file", re.compile(r"[\w./~-]+(\.[a-zA-Z]{1,5})\Z")),
    ("identifier", re.compile(r"\w+(::|\(\)|\(|_|->|\.)\w*")),
)
_FITS = {
    "mail": frozenset(("contact", "code", "other")),
    "web": frozenset(("contact", "code", "software", "organisation", "other")),
    "handle": frozenset(("contact", "person", "organisation", "other", "code", "product")),
    "hashtag": frozenset(("contact", "event", "other", "field", "code", "work", "organisation")),
    "clock": frozenset(("time", "other")),
    "file": frozenset(("code", "software", "other")),
    "identifier": frozenset(("code", "software", "other")),
}
_SHORT_FORMS = frozenset(("organisation", "gene", "illness", "software", "field", "substance", "place", "body"))
_HONORIFICS = ("さん", "ちゃん", "くん", "様", "先生", "选手", "씨", "님", "先輩", "教授", "박사")
_PARTICLES = {
    "place": ("では", "から", "にある", "で", "へ", "에서", "에는", "으로"),
    "person": ("说", "表示", "は", "が", "은", "는"),
}
_INNER = {
    "place": tuple("市县省区州国島山川湖江河海路街駅站港시구도군역산강섬"),
    "organisation": (
        "公司",
        "大学",
        "大學",
        "法院",
        "银行",
        "集团",
        "医院",
        "研究所",
        "会社",
        "銀行",
        "대학교",
        "병원",
        "製鉄",
        "학교",
        "队",
        "局",
    ),
    "time": tuple("年月日周季度时년월일"),
    "money": tuple("元円원"),
    "work": ("》", "」", "』"),
}


def clues(item: Item, kind: Kind, scene: Scene) -> Iterator[Clue]:
    """The reasons for an item to be of a kind, the strongest first; the last is always there."""
    before, after = item.before, item.after
    for find in _FINDERS:
        clue = find(item, kind, before, after)
        if clue is not None:
            yield clue
    theme = next((word for one, word in scene.singulars.items() if one in kind.own), None)
    if theme is not None:
        yield Clue("theme", theme)
    yield _surroundings(item, before, after, scene)


Finder = Callable[[Item, Kind, list[str], list[str]], Clue | None]


def _described(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """ "X is a planet", "X, a planet", "X (a planet)"."""
    right = item.context[1]
    if (match := _COPULA.match(right)) and "not" not in match[0]:
        verb, _, phrase = match[0].lstrip(", ").partition(" ")
        return Clue("copula", f"{verb} {_head(phrase, kind) or _trim(phrase)}")
    if match := _APPOSITION.match(right):
        if head := _head(match[1], kind):
            return Clue("apposition", head)
        if right[match.end() : match.end() + 1] in _CLOSED or match[1].startswith(("a ", "an ")):
            return Clue("apposition", _trim(match[1]))
    return None


_CLOSED = (",", ".", ";", ")", "")


def _head(phrase: str, kind: Kind) -> str:
    """A phrase up to its last word that announces the kind, or nothing."""
    words = phrase.split(" ")
    known = [index for index, word in enumerate(words) if singular(word.lower()) in kind.cues]
    return " ".join(words[: known[-1] + 1]) if known else ""


def _trim(phrase: str) -> str:
    """A phrase up to the next function word but "of", without hanging ones."""
    words = phrase.split(" ")
    start = 4 if words[0] == "one" else 2
    stop = next(
        (i for i in range(start, len(words)) if words[i] != "of" and words[i] in WORDS["stopwords"]), len(words)
    )
    words = words[:stop]
    while len(words) > 2 and words[-1].lower() in WORDS["stopwords"]:
        words.pop()
    return " ".join(words).rstrip("'’-")


def _announced(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """ "the frigate X", "city of X", "a dog named X", "Author: X"."""
    if not before:
        return None
    last = before[-1]
    word = bare(last)
    low = word.lower()
    if last.endswith(":") and word:
        return Clue("heading", word)
    if singular(low) in kind.cues:
        return Clue("title" if kind.family.key == "person" else "noun_before", word)
    if len(before) < 2:
        return None
    prior = bare(before[-2])
    if low in WORDS["naming"] or (low == "as" and prior.lower() == "known"):
        known = prior.lower() in kind.cues
        return Clue("named", f"{prior} {word}" if known or low == "as" else word)
    if low == "of" and singular(prior.lower()) in kind.cues:
        return Clue("noun_of", f"{prior} {word}")
    return None


def _followed(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """ "the X gene", "X Street" where the name ends earlier."""
    if not after or item.context[1][0] not in " -":
        return None
    word = bare(after[0])
    if singular(word.lower()) in kind.cues:
        return Clue("noun_after", word)
    if (
        len(after) > 1
        and after[0].islower()
        and word not in WORDS["stopwords"]
        and singular(bare(after[1])) in kind.cues
    ):
        return Clue("noun_after", f"{after[0]} {bare(after[1])}")
    return None


def _shaped(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """Digits, signs and codes in the mention itself."""
    text, family = item.text, kind.family.key
    if len(text) > 80:
        return None
    if family in _VALUES and (clue := _value(text, family)):
        return clue
    if _PLAIN.match(text):
        return None
    for how, pattern in _SHAPES:
        if family in _FITS[how] and (match := pattern.match(text)):
            return Clue(how, match[1] if match.lastindex else "")
    return None


def _value(text: str, family: str) -> Clue | None:
    """Amounts, measures and dates."""
    if family == "money" and (match := _MONEY.search(text)):
        return Clue("currency", match[0])
    if family in ("time", "quantity") and (match := _CALENDAR.search(text)):
        whole = "_word" if match[0] == text else ""
        return Clue(("calendar" if family == "time" else "span") + whole, match[0])
    if len(text) == 4 and text.isdecimal() and family == "time":
        return Clue("year")
    if family == "quantity" and (match := _UNIT.search(text)):
        return Clue("percent" if match[1] == "%" else "unit", match[1])
    if text.split(" ")[0].lower() in WORDS["numbers"]:
        return Clue("number_word" if " " in text else "number", text.split(" ")[0])
    if any(char.isdecimal() for char in text[:24]) and not re.match(r"\d{1,2}:\d\d", text):
        return Clue("digits")
    return None


_VALUES = frozenset(("money", "time", "quantity"))


def _headed(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """A word of the name that says what it is: X University, Lake X, 云川市."""
    words = item.text.split()
    if len(words) > 1:
        last, first = bare(words[-1]), bare(words[0])
        if singular(last.lower()) in kind.cues:
            return Clue("head_last", last)
        if singular(first.lower()) in kind.cues:
            return Clue("head_first", first)
        for word in words[1:-1]:
            if singular(word.lower()) in kind.cues:
                return Clue("head_inner", word)
    for ending in _INNER.get(kind.family.key, ()):
        if item.text.endswith(ending) and len(item.text) > len(ending):
            return Clue("head_last", ending)
    return None


def _attached(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """Honorifics and particles that are written on, as in Japanese and Korean."""
    right = item.context[1]
    if not right or right[0] < "\u3000":
        return None
    if kind.family.key == "person":
        for word in _HONORIFICS:
            if right.startswith(word):
                return Clue("honorific", word)
    for word in _PARTICLES.get(kind.family.key, ()):
        if right.startswith(word):
            return Clue("particle_" + kind.family.key, word)
    return None


def _coordinated(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """In a list with another mention, or in brackets behind one."""
    if item.alias and item.context[1].startswith((")", "）", "]")):
        return Clue("alias", item.alias)
    return Clue("joined", item.joined) if item.joined else None


def _led(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """A preposition or verb before it that asks for such a thing."""
    for token in reversed(before[-2:]):
        low = token.lower()
        if low in kind.family.leads:
            return Clue("led", bare(token))
        if low not in WORDS["articles"]:
            return None
    return None


def _acted(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """A word after it that only such a thing takes: "X said"."""
    word = next((bare(token) for token in after[:3] if token.lower() not in WORDS["adverbs"]), "")
    if word.lower() in kind.family.follows:
        return Clue("acts" if kind.family.key in _AGENTS else "goes_with", word)
    if kind.family.key == "people" and after and item.context[1].startswith(" ") and after[0].islower():
        return Clue("modifies", word) if word not in WORDS["stopwords"] else None
    if kind.family.key == "person" and item.context[1].startswith(" ") and len(word) > 4 and word.endswith("ed"):
        return Clue("acts", word)
    return None


_AGENTS = frozenset(("person", "organisation", "vehicle"))


def _widened(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    return Clue("wider") if item.wider and kind.family.key == "place" else None


def _introduced(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """ "He is X", "I am X"."""
    if kind.family.key != "person" or len(before) < 2 or before[-1].lower() not in ("is", "was", "am", "are", "were"):
        return None
    return Clue("pronoun", f"{before[-2]} {before[-1]}") if before[-2].lower() in WORDS["pronouns"] else None


def _quoted(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    left, right = item.context
    if kind.family.key == "work" and left[-1:] in _OPENING and right[:1] in _CLOSING and left and right:
        return Clue("quotes")
    return None


_OPENING, _CLOSING = "\"“‘'„«《「『", "\"”’'“»》」』"


def _owning(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    if kind.family.key in _OWNERS and (match := _OWNER.match(item.context[1])):
        return Clue("owner", match[2], match[1])
    return None


_OWNERS = frozenset(("person", "organisation", "place", "people", "other"))


def _formed(item: Item, kind: Kind, before: list[str], after: list[str]) -> Clue | None:
    """Endings and short forms."""
    word = item.text.rsplit(" ", 1)[-1]
    low = word.lower()
    for ending in kind.family.endings:
        if len(low) > len(ending) + 2 and low.endswith(ending):
            return Clue("ending", "-" + word[-len(ending) :])
    if kind.family.key in _SHORT_FORMS and len(item.text) > 1 and item.text.isupper() and item.text.isascii():
        return Clue("code" if any(char.isdecimal() for char in item.text) else "short_form")
    return None


def _surroundings(item: Item, before: list[str], after: list[str], scene: Scene) -> Clue:
    """The words next to it, or others of the sentence: what is always there to argue from."""
    before, after = ([token for token in side if item.text not in token] for side in (before[-4:], after[:4]))
    left, right = _telling(reversed(before)), _telling(iter(after))
    how = "around" if left and right else "after" if left else "before"
    if not left and not right and scene.content:
        left, how = scene.content[item.spans[0][0] % len(scene.content)], "among"
    if not left and not right:
        left, right = (bare(before[-1]) if before else ""), (bare(after[0]) if after else "")
        how = "around" if left and right else "after" if left else "before" if right else "alone"
    form = "name" if item.text[:1].isupper() and not item.text.isupper() else "word"
    return Clue(f"{how}_{form}", left or right, right)


def _telling(tokens: Iterator[str]) -> str:
    """The first common word that is no function word, or else the first other one that is no address.

    Of a script without spaces it is what stands before the next punctuation.
    """
    other = ""
    for token in tokens:
        word = bare(token)
        if len(word) < 3 or word.lower() in WORDS["stopwords"]:
            continue
        if word.islower() and "/" not in word:
            return word[:40]
        other = other or ("" if "/" in word else _BREAK.split(word, maxsplit=1)[0][:40])
    return other


_BREAK = re.compile("[、。，！？「」：；]")


_FINDERS: tuple[Finder, ...] = (
    _described,
    _announced,
    _followed,
    _introduced,
    _shaped,
    _headed,
    _attached,
    _coordinated,
    _widened,
    _led,
    _acted,
    _quoted,
    _formed,
    _owning,
)
