"""Which of several types a passage settles on for the mention that it is about.

In: the types that a passage names, in order, each with its part in the argument.  Out: the one that is left.
A passage begins where a mention becomes the subject and lasts until another one does.  A type that is only weighed
("I was leaning to planet") or beaten ("team over planet") is out; where one type is left, the passage settles on it,
and where several are, on the last one that is said as a verdict.  Judges nothing: verdicts.py decides what counts.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Part(Enum):
    """The part of a type in an argument."""

    WON = 1
    SAID = 2
    WEIGHED = 3
    LOST = 4


class Argument(NamedTuple):
    """A type as it is named in a passage: where, and up to where the argument goes."""

    label: int
    part: Part
    start: int
    end: int


class Contest:
    """What a passage argues about its mentions; `at`: where it begins; `several`: it gives them more than one type; `keyed`: they
    are the key of their line, so that a type that is named without another one is meant for them."""

    def __init__(self, mentions: tuple[int, ...], at: int) -> None:
        self.mentions = mentions
        self.at = at
        self.several = self.keyed = False
        self._last: dict[int, Argument] = {}
        self._end = at

    def note(self, argument: Argument) -> None:
        """Takes note of a type that is named: what was said of it last counts."""
        self._last[argument.label] = argument
        self._end = argument.end

    def dismiss(self) -> None:
        """Takes note that the mentions are refused whatever their type."""
        self._last.clear()

    def revise(self) -> None:
        """Takes note that what was said so far is taken back."""
        for label, one in self._last.items():
            if one.part is not Part.LOST:
                self._last[label] = one._replace(part=Part.WEIGHED)

    def winner(self) -> Argument | None:
        """The type that the passage settles on; `end` is where the argument ends."""
        left = [argument for argument in self._last.values() if argument.part in (Part.WON, Part.SAID)]
        if self.several or not left or (len(self._last) < 2 and not self.keyed):
            return None
        if len(left) > 1:
            left = [argument for argument in left if argument.part is Part.WON]
        return left[0]._replace(end=self._end) if len(left) == 1 else None


# -- the English of contests

_ARTICLE = r"(?: (?:to|as|under|with|for|into|in|of|from|an?|the|any|its|being|(?:i'd |i would )?(?:call|calling) it|that of))*[\s\"'(]*"
_FIRST_WINS = re.compile(
    r"(?:\b(?:beats?|trumps?|outweighs?|outranks?|over(?:rules|rides)?|wins? (?:out )?(?:over|against)|prevails (?:over|against)"
    r"|(?:rather|more|better|closer|nearer|sooner|stronger|likelier|other) than|than|instead of|in place of|ahead of|before|as opposed to"
    r"|in preference to|(?:not )?to be (?:confused|mixed up) with|,? (?:and|but) not|not|unlike|versus merely|at the expense of|against)|>|≻)"
    + _ARTICLE
    + "$"
)
_SECOND_WINS = re.compile(
    r"(?:\b(?:loses?(?: out)? (?:to|against)|gives? way to|yields? to|makes? way for|(?:is|was|gets?) (?:overruled|outweighed|beaten|trumped|replaced"
    r"|superseded) by|(?:turn(?:s|ed)|chang(?:es|ed|ing)|mov(?:es|ed|ing)|switch(?:es|ed|ing)?) (?:it )?(?:in)?to|becomes|became)|→)"
    + _ARTICLE
    + "$"
)
_FROM = re.compile(r"\b(?:from|out of|away from)(?: the| an?)?[\s\"']*$")
_TO = re.compile(r"\b(?:to|into|under)(?: the| an?)?[\s\"']*$")
_SWAPPED = re.compile(r"\b(?:swap|replace|exchange|trade|strike|cross out|delete)(?: the| an?)?[\s\"']*$")
_FOR = re.compile(r"\b(?:for|with|by|write|put|insert|take)(?: the| an?| in)?[\s\"']*$")
_LESS = re.compile(
    r"\b(?:less(?: of)?|not so much|isn't so much|n't so much|no longer|not|isn't|never)" + _ARTICLE + "$"
)
_BOTH_OPEN = re.compile(
    r"\b(?:between|choice (?:is|of)|choose|either|whether|candidates?|torn|options?|hesitat\w+|forth)\b[^.;:]*$"
)
_WINS = re.compile(
    r"[\s\"')]*(?:(?:reading|type|label|sense|slot|one|option|tag|box|side|here|then) ?)*(?:(?:therefore|clearly|simply|still|so|just|really) )*"
    r"(?:wins?|won|prevails?|it is\b|survives?|remains\b(?! (?:an?|open|possible))|makes (?:more|better|the most) sense|carries|fits\b|works\b|is left\b|has the edge"
    r"|suits|settles it|(?:is|seems|looks) (?:the )?(?:right|correct|better|best|closer|closest|nearer|stronger|only|more fitting|proper|answer|choice)\b)"
)
_LOSES = re.compile(
    r"[\s\"')]*(?:(?:reading|type|label|sense|slot|one|option|tag|idea|list|interpretation|here|possibility|part|side|thing) ?)*"
    r"(?:of (?:the same|that|this) name|(?:that is |that's )?(?:called|named) so|by (?:the same|that) name"
    r"|(?:can|may|could|should|has to|must|will|would) (?:go\b|be (?:dropped|ignored|ruled out|excluded|forgotten|left|discarded|set aside)|miss the point|wait|stay empty)"
    r"|(?:plays? no|has nothing|has no (?:place|role|support|business)|is (?:beside|a remote|a red herring|a misreading|off|gone|out|far-fetched|just|only|merely)|would (?:miss|make no|not|need)"
    r"|goes\b(?! (?:to|for|in))|drops?\b|falls away|falls flat|loses|lost|fails|stays empty|remains empty|being (?:just|only|merely|too|a mere))"
    r"|(?:fans|people|crowd|lovers|camp)\b)"
)
_WEIGHED = re.compile(
    r"\b(?:nearly|almost|used to|once|sworn|bet|doubles? as|normally|usually|ordinarily|typically|commonly|otherwise|elsewhere|in general|by default|in isolation|out of context"
    r"|taken alone|by itself|on its own|literally|superficially|at first|first|initially|originally|previously|earlier|before"
    r"|(?:was|were|am|i'm|had been|been) (?:about|going|tempted|inclined|ready|leaning|drawn|thinking|considering|prepared)"
    r"|i(?:'d| had)(?: \w+)? (?:it |this |that )?(?:under|as|in|for|down as)|i had(?= (?:an? |the )?$)|had (?:me|it|this|that)|took|mistook|mistake[sn]?"
    r"|(?:want|wanted|love|loved|like|liked|prefer) to|(?:was|were|is) (?:on|in) my|my (?:first|initial|gut|instinct|impulse|reflex|hunch)"
    r"|(?:first|initial) (?:guess|instinct|impulse|thought|idea|reflex|impression)|guess(?:ed)?|instinct|impulse|temptation|reflex|intuition|impression|thought"
    r"|some(?:one|body)?(?: people| readers)?(?: else)?|others|people|one (?:might|may|could|would)|you'd|a reader|everyone|everybody|many|anyone"
    r"|shares? (?:its|a|the|his|her) name|namesake|named after|the form of|(?:looks?|reads?|sounds?|spelled|spelt) (?:for all the world )?(?:as|like)|suggests?|reminds?|resembles?|despite|however much|even (?:if|though)"
    r"|(?:only )?reason to|easy to|know(?:n)? (?:\w+ )?as|trap|habit|reputation|encyclop\w+|dictionary|lookup|gazetteer|considered|weighed|wondered|could|might|may|would|if|though|while|although|whatever|calling)\b"
)
_WEIGHED_AFTER = re.compile(
    r"[\s\"')]*(?:elsewhere\b|in (?:other|another|general|everyday|real life|most)\b|otherwise\b|at first\b|by default\b|on paper\b|, says the (?:dictionary|lexicon|encyclop)|(?:was|had been|is|came|crossed)(?: just| only| always)? (?:my |the |to )?(?:first|initial|original|obvious|naive|tempting|gut|mind|reflex|second|earlier|old)\b)"
)
_TURNS = re.compile(
    r"\b(?:but|yet|so|hence|thus|therefore|however|still|nevertheless|in the end|final(?:ly)?|i'(?:ll|m) (?:go|settl|tak|chang|mov)\w*|i (?:go|settle|take|have to|must|file|end))\b"
)


def part_of(kind_yes: bool, kind_no: bool, before: str, after: str) -> Part:
    """The part of a type between `before` (its sentence so far) and `after` (the rest of it)."""
    if kind_no or _LOSES.match(after):
        return Part.LOST
    if _WINS.match(after):
        return Part.WON
    weighed = _last(_WEIGHED, before)
    if not kind_yes or weighed > _last(_TURNS, before) or _WEIGHED_AFTER.match(after):
        return Part.WEIGHED
    return Part.SAID


def compare(first: Part, second: Part, before: str, gap: str) -> tuple[Part, Part]:
    """The parts of two types that follow each other, `gap` between them, `before` in front of the first."""
    if len(gap) > 90:
        return first, second
    if (_FROM.search(before) and _TO.search(gap)) or (_SWAPPED.search(before) and _FOR.search(gap)):
        return Part.LOST, Part.WON
    if _FIRST_WINS.search(gap):
        if _LESS.search(before):
            return Part.LOST, Part.WON
        return (Part.WON if first is not Part.LOST else first), Part.LOST
    if _SECOND_WINS.search(gap):
        return Part.LOST, Part.WON
    if (
        first is not Part.LOST
        and second is not Part.LOST
        and gap.strip(" \"'") in ("or", "and", "or a", "and a", "or an", "and an", "/")
        and _BOTH_OPEN.search(before)
    ):
        return Part.WEIGHED, Part.WEIGHED
    return first, second


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where a pattern is found last, or -1."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)
