"""The embedded judge: a written rubric applied by rules, five sub-scores from 0 to 10.  No model, no calls.

In: records with sentence, schema, trace and entities.  Out: the same records with a Judgement by `embedded`; its
score is its smallest sub-score.  It never reads the gold and cannot know whether an answer is right: it says how
well the trace argues for what the answer lists, for traces of any model in English.  A baseline, not a reader.

Anchors (10: nothing to object; the score falls with the share of mentions, types or sentences concerned):

grounding     10 beside every mention the trace gives a reason from the sentence: words that stand around it, a
              sign, its form.   8 some reasons are knowledge about the thing only.   5 about half of the mentions
              are named without a reason.   0 not one reason, or another sentence altogether.
boundary      10 every mention begins and ends where words do.   9 one ends before a plural s.   5 one carries
              loose punctuation, space, or half a pair of brackets.   2 mentions are cut inside a word.
type          10 every mention is said to be of its type, by the type's name.   9 by a word for it.
              5 the type of one is missing or denied.   0 of all.
completeness  10 every mention and every type that has none is dealt with.   7 the types without mentions are
              passed over.   6 one mention is missing from the trace, or an affirmed one from the answer.
              0 no mention is there.
coherence     10 one readable argument.   7 it breaks off, or sentence after sentence has one frame.
              5 half of it says nothing about this sentence.   2 a few words.   0 empty, or it goes in circles.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from nercot.corpus.records import Entity, Judgement, Outcome, Record
from nercot.embedded.lexicon import WORDS, kind_of, singular

SUBSCORES = ("grounding", "boundary", "type", "completeness", "coherence")

# A mention is looked up at so many places of the trace, and so many sentences make one piece of evidence.
MAX_PLACES = 6
MAX_LOOK_BACK = 12
MAX_SEQUEL = 4
# Reading stops here: validation drops longer traces.
MAX_TRACE = 1 << 16
SHOWN = 40
# Words that begin with the same so many letters are taken for forms of one word.
STEM = 5

_STOP = re.compile("[.!?\n。！？]")
_CLOSERS = frozenset("\"”'’)`*_")
# Scripts below U+3000 that join words or attach particles: Hebrew to Thaana, Thai to Tibetan, Myanmar to Hangul.
_JOINED_SCRIPTS = (("\u0590", "\u07bf"), ("\u0e00", "\u0fff"), ("\u1000", "\u11ff"))
# Everything that is no part of a word, as a space: a text keeps its length.
_SPACED = str.maketrans(
    dict.fromkeys("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~‘’“”„«»…–—、。，「」『』《》：；！？（）\n\t", " ")
)
_QUOTE = re.compile(r"\"([^\"\n]{1,400})\"|“([^”\n]{1,400})”|‘([^’\n]{2,80})’")
_COVERED = re.compile(rf"{_QUOTE.pattern}|`[^`\n]{{1,400}}`")
_FORM = re.compile(
    r"\b(?:capital(?:s|ised|ized|isation|ization)?|digits?|figures?|sign|symbol|suffix|prefix|ending|abbreviat\w+|acronym"
    r"|initials|honorific|quotation|quotes|brackets|parenthes\w+|hashtag|currency|calendar|hyphen\w*|spelling|spelled"
    r"|short form|coordinat\w+|list(?:ed)?|apposition|plural|script|written as a name|stands? alone|taken by itself"
    r"|own form|hours and minutes|web address|a word for a number)\b"
)
_CONTINUES = re.compile(r"(?:It|Its|This|That|He|She|They|So|Hence|Thus|Both|These|Those|Therefore|The type|Type)\b")
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|none of|rather than|instead of|hardly|isn't|isn’t|aren't|wasn't|cannot be)\b"
    r"[^.;:,\n]{0,14}$"
)
_DISMISSAL = re.compile(
    r"\b(?:no other|nothing else|no further (?:types|mentions|entities)|none of the (?:other|remaining|rest)"
    r"|other types|remaining types|all other|the rest of the (?:schema|types)|nothing (?:here )?(?:for|in) the other)\b"
)
_NOTHING = re.compile(
    r"\b(?:nothing|none|no|nobody|not|empty|neither|without|nor|cannot|can't|never|missing|absent|except|but|if|would|could"
    r"|isn't|aren't|doesn't|out|aside|skip|ignore)\b"
)
_FINAL = ".!?…\"”'’)]}`*。！？»"
_LOOSE = frozenset(",;:!?" + '"“”„«»([{' + " \t\n\r")


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection: to which sub-score, how much is left of it, and why."""

    name: str
    left: float
    why: str


def score(records: Iterator[Record]) -> Iterator[Outcome]:
    """A record step: every record gets a judgement."""
    for record in records:
        yield Outcome(replace(record, judgement=judge(record)))


def judge(record: Record) -> Judgement:
    """The judgement of one record, from sentence, schema, trace and entities."""
    findings = list(_findings(record))
    scores = dict.fromkeys(SUBSCORES, 10.0)
    for finding in findings:
        scores[finding.name] = min(scores[finding.name], round(max(0.0, finding.left), 1))
    findings.sort(key=lambda finding: finding.left)
    reason = "; ".join(finding.why for finding in findings[:3])
    reason = (
        reason or "every mention is argued from the sentence, its type is named, and the other types are dealt with"
    )
    return Judgement(
        grounding=scores["grounding"],
        boundary=scores["boundary"],
        type=scores["type"],
        completeness=scores["completeness"],
        coherence=scores["coherence"],
        score=min(scores.values()),
        reason=reason,
        judge="embedded",
    )


def _findings(record: Record) -> Iterator[Finding]:
    entities = record.entities or ()
    cot = (record.cot or "")[:MAX_TRACE].strip()
    yield from _boundary(record.sentence, entities)
    if not cot:
        for name in ("grounding", "type", "completeness", "coherence"):
            yield Finding(name, 0.0, "there is no trace")
        return
    trace = _Trace(record, cot, entities)
    yield from _grounding(trace)
    yield from _type(trace)
    yield from _completeness(trace)
    yield from _coherence(trace)


class _Trace:
    """A trace in sentences, and what it says of each mention."""

    def __init__(self, record: Record, cot: str, entities: Sequence[Entity]) -> None:
        self.record = record
        self.cot = cot
        self.low = _lower(cot)
        self.covered = _COVERED.sub(_blank, cot)
        bounds = list(_bounds(self.covered))
        self.starts = [start for start, _ in bounds]
        self.sentences = [cot[start:end] for start, end in bounds]
        self.frames = [_frame(self.covered[start : start + SHOWN]) for start, _ in bounds]
        spaced = self.low.translate(_SPACED)
        self.words = [set(spaced[start:end].split()) for start, end in bounds]
        self.known = _words(record.sentence) - WORDS["stopwords"]
        self.listed = _distinct(entities)
        self.claims = [_Claim(self, entity) for entity in self.listed]
        self.present = {claim.entity.label for claim in self.claims}
        self.absent = [label for label in record.schema if label not in self.present]

    def around(self, start: int, end: int) -> range:
        """The sentences that a stretch of the trace lies in, and the next one if it goes on about it."""
        first = max(0, bisect_right(self.starts, start) - 1)
        last = max(first, bisect_right(self.starts, end - 1) - 1)
        if last + 1 < len(self.sentences) and _CONTINUES.match(self.sentences[last + 1]):
            last += 1
        return range(first, last + 1)

    def sequel(self, index: int) -> range:
        """The sentences after one that go on without coming to another mention."""
        stop = index + 1
        texts = [claim.entity.text for claim in self.claims[:MAX_LOOK_BACK]]
        while stop < min(len(self.sentences), index + 1 + MAX_SEQUEL):
            if any(text in self.sentences[stop] for text in texts):
                break
            stop += 1
        return range(index + 1, stop)

    def heading(self, index: int) -> str:
        """The line with a colon at its end under which a sentence stands, or an empty string."""
        for back in range(index - 1, max(-1, index - MAX_LOOK_BACK), -1):
            if self.sentences[back].rstrip("* ").endswith(":"):
                return self.sentences[back]
        return ""


class _Claim:
    """What a trace says of one surface and type."""

    def __init__(self, trace: _Trace, entity: Entity) -> None:
        self.entity = entity
        self.places = _places(trace, entity)
        indices = dict.fromkeys(index for start, end in self.places for index in trace.around(start, end))
        self.first = next(iter(indices), 0)
        self.last = max(indices, default=-1)
        self.text = "\n".join(trace.sentences[index] for index in indices)
        self.covered = "\n".join(
            trace.covered[trace.starts[i] : trace.starts[i] + len(trace.sentences[i])] for i in indices
        )
        self.words: set[str] = set().union(*(trace.words[index] for index in indices))


def _grounding(trace: _Trace) -> Iterator[Finding]:
    """Reasons beside every mention; quotations that are really quoted."""
    reasons = [(claim, _reasoned(trace, claim)) for claim in trace.claims if claim.places]
    if reasons:
        bare = [claim for claim, how in reasons if how < 0.5]
        if bare:
            yield Finding(
                "grounding", _share(len(bare), len(reasons)), f"no reason from the sentence for {_show(bare)}"
            )
        known = [claim for claim, how in reasons if how == 0.8]
        if known:
            yield Finding("grounding", 10 - 2 * len(known) / len(reasons), f"{_show(known)} rests on knowledge alone")
    elif not trace.claims and trace.known and not any(trace.known & words for words in trace.words):
        yield Finding("grounding", 2.0, "it takes up no word of the sentence")
    foreign, total = _foreign_quotes(trace)
    if foreign and total > 2:
        yield Finding(
            "grounding", 10 - 8 * len(foreign) / total, f"it quotes {foreign[0][:SHOWN]!r}, which is not there"
        )


def _reasoned(trace: _Trace, claim: _Claim) -> float:
    """1: a reason from the sentence; 0.8: from knowledge; 0: none."""
    text = claim.entity.text
    own = _words(text)
    label = set(kind_of(claim.entity.label).words)
    informative = claim.words - own - label - WORDS["stopwords"] - WORDS["generic"]
    if informative & trace.known or _FORM.search(claim.text):
        return 1.0
    for match in _QUOTE.finditer(claim.text):
        quoted = match[match.lastindex or 1]
        if quoted != text and quoted.strip("-") in trace.record.sentence:
            return 1.0
    for index in trace.sequel(claim.last):
        informative |= trace.words[index] - own - label - WORDS["stopwords"] - WORDS["generic"]
    if {word[:STEM] for word in informative} & {word[:STEM] for word in trace.known - own}:
        return 1.0
    return 0.8 if len(informative) > 1 else 0.0


def _foreign_quotes(trace: _Trace) -> tuple[list[str], int]:
    """Quotations of what is neither in the sentence nor in the schema, and the number of all."""
    record = trace.record
    if '"' in record.sentence or "“" in record.sentence:
        return [], 0
    quotes = [match[match.lastindex or 1] for match in _QUOTE.finditer(trace.cot)]
    missing = [quoted for quoted in dict.fromkeys(quotes) if quoted not in record.sentence]
    if not missing:
        return [], len(quotes)
    known = " ".join((record.sentence, *record.schema, *(record.schema_descriptions or ()))).lower()
    known = " ".join(known.split())
    return [quoted for quoted in missing if " ".join(quoted.lower().split()).strip(" .,…-") not in known], len(quotes)


def _boundary(sentence: str, entities: Sequence[Entity]) -> Iterator[Finding]:
    """Where mentions begin and end in the sentence."""
    bad = [(entity, *found) for entity in entities if (found := _edge(sentence, entity))]
    if bad:
        entity, left, why = min(bad, key=lambda entry: entry[1])
        share = len(bad) / len(entities)
        yield Finding("boundary", 10 - (10 - left) * (0.6 + 0.4 * share), f"{entity.text[:SHOWN]!r} {why}")


def _edge(sentence: str, entity: Entity) -> tuple[float, str] | None:
    """What is wrong with the borders of one mention: (what is left of ten, why)."""
    start, end, text = entity.start, entity.end, entity.text
    if start is None or end is None:
        start = sentence.find(text)
        if start < 0:
            return 0.0, "is not in the sentence"
        end = start + len(text)
    if start and _inside(sentence, start):
        return 2.0, "begins inside a word"
    if end < len(sentence) and _inside(sentence, end):
        plural = sentence[end] in "sS" and (end + 1 == len(sentence) or not sentence[end + 1].isalnum())
        return (9.0, "leaves a plural s behind") if plural else (2.0, "ends inside a word")
    if len(text) > 1 and (text[0] in ",;:)]} \t\n" or text[-1] in _LOOSE) and not _paired(text):
        return 5.0, "carries loose punctuation"
    return None


def _inside(sentence: str, at: int) -> bool:
    """Whether the border before the character at `at` cuts a word or a character."""
    before, after = sentence[at - 1], sentence[at]
    if after > "\u02ff" and unicodedata.category(after)[0] == "M" and after not in "\ufe0e\ufe0f":
        return True
    if not (before.isalnum() and after.isalnum()) or before.isdigit() != after.isdigit():
        return False
    return not (_joined(before) or _joined(after) or (before.islower() and after.isupper()))


def _joined(char: str) -> bool:
    """Whether the script is written without spaces, or with particles attached: cutting there is no fault."""
    return char >= "\u3000" or any(low <= char <= high for low, high in _JOINED_SCRIPTS)


def _paired(text: str) -> bool:
    """Whether its outer punctuation belongs to it: a title in quotes, `U.S.`, `Yahoo!`, `f()`."""
    return text[-1] in '!?"”' or (text[0] in "\"“(['‘„«" and text[-1] in "\"”)]'’“»")


def _type(trace: _Trace) -> Iterator[Finding]:
    """Every mention is said to be of its type."""
    named = [claim for claim in trace.claims if claim.places]
    doubts = [(claim, how) for claim in named if (how := _affirmed(trace, claim)) < 1]
    wrong = [claim for claim, how in doubts if how < 0.5]
    if wrong:
        label = wrong[0].entity.label[:SHOWN]
        yield Finding("type", _share(len(wrong), len(named)), f"{_show(wrong)} is not said to be {label!r}")
    elif doubts:
        yield Finding("type", 9.0, f"the type of {_show([claim for claim, _ in doubts])} is only paraphrased")
    if trace.claims and not named:
        yield Finding("type", 0.0, "no mention is given a type")


def _affirmed(trace: _Trace, claim: _Claim) -> float:
    """1: called by its type's name; 0.9: by a word for it; 0: not, or denied."""
    label = claim.entity.label
    at = claim.text.find(f"`{label}`")
    if at >= 0 and not _NEGATION.search(claim.covered, max(0, at - 30), at):
        return 1.0
    pattern = _label_pattern(label)
    matches = list(pattern.finditer(claim.text))
    if not matches and pattern.search(trace.heading(claim.first)):
        return 1.0
    if any(not _NEGATION.search(claim.covered, max(0, m.start() - 30), m.start()) for m in matches):
        return 1.0
    if matches or any(_label_pattern(other).search(claim.text) for other in trace.record.schema if other != label):
        return 0.0
    after = " ".join(trace.sentences[index] for index in trace.sequel(claim.last))
    if any(not _NEGATION.search(after, max(0, m.start() - 30), m.start()) for m in pattern.finditer(after)):
        return 1.0
    kind = kind_of(label)
    words = {singular(word) for word in claim.words}
    return 0.9 if words & (kind.family.names | kind.own) or kind.one in claim.text else 0.0


def _completeness(trace: _Trace) -> Iterator[Finding]:
    """All mentions, all types, nothing affirmed that the answer lacks."""
    lost = [claim for claim in trace.claims if not claim.places]
    if lost:
        left = min(6.0, _share(len(lost), len(trace.claims)))
        yield Finding("completeness", left, f"the trace never comes to {_show(lost)}")
    if not trace.claims and not _NOTHING.search(trace.low):
        yield Finding("completeness", 5.0, "it does not say that there is no mention")
    silent = [label for label in trace.absent if not _spoken(trace.low, label)]
    if silent and not _DISMISSAL.search(trace.low):
        share = len(silent) / len(trace.absent)
        yield Finding("completeness", 10 - 3 * share, f"it says nothing about {silent[0][:SHOWN]!r}")
    extra = _unlisted(trace)
    if extra:
        yield Finding("completeness", 6.0, f"it affirms {extra[:SHOWN]!r}, which the answer lacks")


def _spoken(low: str, label: str) -> bool:
    """Whether a type is spoken of at all."""
    name = label.lower()
    if name in low or name.replace("_", " ") in low:
        return True
    words = kind_of(label).words
    return bool(words) and " ".join(words) in low


def _unlisted(trace: _Trace) -> str:
    """A quotation that is said to be of a type and is no mention of the answer, or an empty string."""
    listed = [claim.entity.text for claim in trace.claims]
    for index, text in enumerate(trace.sentences):
        start = trace.starts[index]
        if ('"' not in text and "“" not in text) or any(mention in text for mention in listed) or "?" in text:
            continue
        plain = trace.covered[start : start + len(text)].lower()
        typed = any(f"`{label}`" in text or _named(label, plain) for label in trace.record.schema)
        if not typed or _NOTHING.search(plain):
            continue
        for match in _QUOTE.finditer(text):
            quoted = match[match.lastindex or 1]
            if quoted in trace.record.sentence and quoted not in trace.record.schema:
                return quoted
    return ""


def _named(label: str, plain: str) -> bool:
    """Whether a type is named in a sentence, other than by a word that any trace holds."""
    low = label.lower()
    return low in plain and low not in WORDS["generic"] and _label_pattern(label).search(plain) is not None


def _coherence(trace: _Trace) -> Iterator[Finding]:
    """One readable argument: neither too short, nor broken off, nor in circles, nor empty talk."""
    total = len(trace.sentences)
    if len(trace.cot) < 30 or sum(map(len, trace.words)) < 6:
        yield Finding("coherence", 2.0, "it is a few words only")
    if trace.cot[-1] not in _FINAL:
        yield Finding("coherence", 7.0, "it breaks off")
    again = total - len({text.lower() for text in trace.sentences})
    if again:
        yield Finding("coherence", 9.5 - 25 * again / total, "it repeats whole sentences")
    yield from _circles(trace.low)
    if total < 3:
        return
    same = sum(one == other for one, other in zip(trace.frames, trace.frames[1:], strict=False))
    if same * 3 > total:
        yield Finding("coherence", 10 - 4 * same / (total - 1), "sentence after sentence has the same frame")
    empty = sum(not _says_something(trace, index) for index in range(total))
    if empty * 5 > total * 2:
        yield Finding("coherence", 10 - 10 * empty / total, "much of it could stand under any sentence")


def _circles(low: str) -> Iterator[Finding]:
    """Phrases that come again and again; a trace of many different words is not looked at more closely."""
    words = low.split()
    if len(words) < 40 or len(set(words)) * 5 > len(words) * 2:
        return
    distinct = len(set(zip(words, words[1:], words[2:], words[3:], strict=False))) / (len(words) - 3)
    if distinct < 0.6:
        yield Finding("coherence", 10 * (distinct - 0.1), "it goes in circles")


def _says_something(trace: _Trace, index: int) -> bool:
    """Whether a sentence holds a word of the sentence in question or speaks of one of its types."""
    if trace.words[index] & trace.known:
        return True
    text = trace.sentences[index].lower()
    return any(label.lower() in text for label in trace.record.schema) or any(
        claim.entity.text in trace.sentences[index] for claim in trace.claims[:MAX_LOOK_BACK]
    )


def _frame(text: str) -> list[str]:
    """The first words of a sentence, quotations and types being one word each."""
    return ["_" if word[0] == "_" else word for word in text.split(None, 3)[:3]]


def _bounds(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a trace start and end."""
    at = 0
    for match in _STOP.finditer(text):
        end = _sentence_end(text, match.start())
        if end and text[at:end].strip():
            yield at, end
            at = end
    if text[at:].strip():
        yield at, len(text)


def _sentence_end(text: str, stop: int) -> int:
    """Where the next sentence may begin after the stop, or 0: initials, short titles and decimals end none."""
    if text[stop] not in ".!?":
        return stop + 1
    end = stop + 1
    if end < len(text) and text[end] in _CLOSERS:
        end += 1
    following = text[end : end + 2]
    if not following[:1].isspace() and following:
        return 0
    if following[1:].islower() or (text[stop] == "." and text[max(0, stop - 2) : stop].strip("( ").istitle()):
        return 0
    return end


def _lower(text: str) -> str:
    """Lower case, character for character."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(one if len(one := char.lower()) == 1 else char for char in text)


def _blank(match: re.Match[str]) -> str:
    """A quotation without its inside: nothing in it ends a sentence of the trace."""
    return "_" * len(match[0])


def _words(text: str) -> set[str]:
    return set(_lower(text).translate(_SPACED).split())


def _distinct(entities: Sequence[Entity]) -> list[Entity]:
    return list({(entity.text, entity.label): entity for entity in reversed(entities)}.values())[::-1]


def _places(trace: _Trace, entity: Entity) -> list[tuple[int, int]]:
    """Where a trace speaks of a mention: its evidence, its text, its text in another case, its longest word."""
    found: list[tuple[int, int]] = []
    if entity.cot_start is not None and entity.cot_end is not None and entity.cot_end <= len(trace.cot):
        found.append((entity.cot_start, entity.cot_end))
    found += _occurrences(trace.cot, entity.text)
    if not found:
        squeezed = " ".join(entity.text.lower().split())
        found = _occurrences(trace.low, squeezed)
    if not found:
        word = max(squeezed.split() or [""], key=len)
        others = (other.text.lower() for other in trace.listed if other.text != entity.text)
        found = [] if any(word in other for other in others) else _occurrences(trace.low, word, 4)
    return found


def _occurrences(text: str, part: str, least: int = 1) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    at = text.find(part) if len(part) >= least else -1
    while at >= 0 and len(places) < MAX_PLACES:
        end = at + len(part)
        if not (part[0].isalnum() and at and _inside(text, at)) and not (end < len(text) and _inside(text, end)):
            places.append((at, end))
        at = text.find(part, end)
    return places


@lru_cache(maxsize=4096)
def _label_pattern(label: str) -> re.Pattern[str]:
    """The name of a type as a word, in any case, with any separators, in the singular or plural."""
    parts = [re.escape(part) for part in re.split(r"[\s_-]+", label) if part]
    name = r"[\s_-]*".join(parts) or re.escape(label) or r"\Z."
    before = r"(?<![^\W_])" if label[:1].isalnum() else ""
    after = r"(?:e?s)?(?![^\W_])" if label[-1:].isalnum() else ""
    return re.compile(before + name + after, re.IGNORECASE)


def _share(bad: int, total: int) -> float:
    """What is left of ten: 7.5 or less as soon as one is bad, 0 if all are."""
    return 7.5 * (1 - bad / total)


def _show(claims: Sequence[_Claim]) -> str:
    first = repr(claims[0].entity.text[:SHOWN])
    return first if len(claims) == 1 else f"{first} and {len(claims) - 1} more"
