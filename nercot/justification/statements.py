"""What a trace says, sentence by sentence: which mention it takes as which type, refuses, or leaves open.

In: the trace, where it speaks of mentions, the names of the types.  Out: Statements, the events of every mention in
order, and where a type is said to have no mention.  Judges nothing: verdicts.py decides which event counts.

A sentence is read as a row of mention groups ("X, Y and Z") and type names.  A type belongs to the group that it
stands next to, else to the one before it, else to what the sentences before spoke of ("They", "all three", a bare
"City."), or, at the head of a line, to what follows ("Locations: ...").  An event is firm where this leaves one
reading; the others count as support only.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nercot.justification import cues
from nercot.justification.cues import Polarity
from nercot.justification.lexicon import Types
from nercot.justification.mentions import Reference
from nercot.justification.trace import Sentence, Trace, quotation

EVERY = -1


class Event(NamedTuple):
    """`kind`: yes, no or open; `label`: a type's index or EVERY; `firm`: only one reading; the span that says it.

    `soft`: a refusal that may be about another place of the same string.
    """

    kind: Polarity
    label: int
    firm: bool
    start: int
    end: int
    soft: bool = False
    double: bool = False


class Group(NamedTuple):
    """Mentions named in one breath."""

    start: int
    end: int
    mentions: tuple[int, ...]
    quoted: bool


class Hit(NamedTuple):
    """A name of types in the trace: label -> whether it is named outright."""

    start: int
    end: int
    labels: dict[int, bool]


class Context(NamedTuple):
    """A type at the head of a line or a list, and how far it reaches."""

    labels: dict[int, bool]
    line: int
    paragraph: int
    open: bool


_LIST_GAP = re.compile(
    r"[\s\"')\]]*(?:(?:,|;|/|\+|&|\||and|or|plus|then|as well as|along with|finally|also|the|both|with|versus|vs\.?|to|by|=|aka|\d[.)]?)[\s\"'(]*){1,4}|[\s\"'(]+"
)
_INITIALS = re.compile(r"[\s\"']*\(\s*[\"']?")
_LIGHT = re.compile(
    r"[\s\W]*(?:(?:the|a|an|and|then|now|next|so|ok|okay|also|first|second|third|finally|last|lastly|as for|what about|how about|in|at|for|on|by|from|to|but|hmm|with|here"
    r"|line|item|step|number|span|string|phrase|token|word|name|term|mention|candidate|we have|there is|there's|i see|looking at|consider|take|regarding|is|are|does|should|could|can|\d{1,2}|[a-z]\b)[\s\W]+)*"
)
_KEY = re.compile(r"[\"')\]\s]*(?:[:=→–|(]|->|=>|-\s|\s-\s|,)")
_TYPE_KEY = re.compile(
    r"[\"')\]\s]*(?:(?:side|slot|type|types|names?|mentions?|entit(?:y|ies)|here|we have|found|first)\s*){0,2}[\"')\]\s]*(?P<mark>[:=→–?]|->|=>|-\s|\s-\s)"
)
_DIRECT = re.compile(r"[\s\"']*(?:[:=(→]|->|=>|is|are|would be|here is|called|named|like|such as|namely|in|of)?[\s\"'(]*(?:the |a |an )?[\s\"'(]*")
_TOGETHER = re.compile(
    r"\b(?:all|both|each|every|these|those|they|them|their|everything|together|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2}|the pair|trio|ones|either|neither|any of)\b"
)
_COUNTS = {"both": 2, "pair": 2, "two": 2, "three": 3, "trio": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_CONTINUES = re.compile(
    r"\W*(?:it|its|it's|he|he's|she|she's|they|they're|this|that|that's|these|those|both|all|each|so|hence|thus|therefore|and|but|also|which|who|type|label|verdict|decision|final|the former|the latter|here|then|still|ok|okay|again|either way|in short|i'd|i|we|as|not|no|yes|a|an|another|same|definitely|clearly|wait|hmm|hm|actually|either|neither|one|two|three|four|five|six|seven|clear|well|in the end|for (?:him|her|it|them)|my|on|there|since|because|everything|with|given|at|only|just)\b"
)
_PRONOUN = re.compile(
    r"\s*(?:it|them|this|that|these|those|one|both|all|either|any|him|her|each|such|the (?:pair|two|three|lot|others?|rest|whole|thing|name|mention|span|string|term|candidate|former|latter|word|phrase|item|token|entity)|(?:all|any|both|each|none|either|one) of (?:it|them|these|those|the \w+))\b(?!\s+\w+\s+\w+\s+\w+)|\s*$|\s*(?:here|too|as well|either|completely|entirely|altogether|for now|then|anyway|either way|from)\b"
)
_BOTH = re.compile(r"\b(?:both|again|as well|also|twice|and under|and as|two types|second type|too)\b")


class Statements:
    """The events of every mention, and where each type is said to have none."""

    def __init__(self, mentions: int) -> None:
        self.events: list[list[Event]] = [[] for _ in range(mentions)]
        self.empty: dict[int, int] = {}

    def add(self, mentions: Iterable[int], event: Event) -> None:
        """Notes one event for several mentions."""
        for mention in mentions:
            self.events[mention].append(event)


def read_statements(trace: Trace, types: Types, mentions: int, references: Sequence[Reference]) -> Statements:
    """What the trace says of its mentions."""
    reader = _Reader(trace, types, mentions, references)
    for sentence in trace.sentences([(reference.start, reference.end) for reference in references]):
        reader.read(sentence)
    return reader.statements


class _Reader:
    """Reads the sentences in order and remembers what they speak of."""

    def __init__(self, trace: Trace, types: Types, mentions: int, references: Sequence[Reference]) -> None:
        self.statements = Statements(mentions)
        self._trace = trace
        self._types = types
        self._references = references
        self._starts = [reference.start for reference in references]
        self._line = self._paragraph = 0
        self._topic: tuple[Group, ...] = ()
        self._key: Group | None = None
        self._block: list[int] = []
        self._before: list[int] = []
        self._context: Context | None = None
        self._asked: tuple[dict[int, bool], tuple[int, ...]] | None = None

    def read(self, sentence: Sentence) -> None:
        """Takes in one sentence."""
        self._move(sentence)
        groups = self._groups(sentence)
        hits = self._hits(sentence)
        text = self._trace.low[sentence.start : sentence.end]
        question = text.rstrip(" \"')").endswith("?")
        if self._asked is not None:
            self._answer(text, sentence, groups, hits)
        guess = question or cues.HYPOTHETICAL.match(text) is not None
        lead = self._lead(sentence, groups)
        self._enter_context(sentence, groups, hits, question)
        if self._context is not None and groups and not guess:
            self._apply_context(sentence, groups, hits)
        if hits:
            self._assign(sentence, groups, hits, lead, guess)
        if not guess:
            self._refuse(sentence, groups, hits, lead, text)
            self._accept(sentence, groups, hits, lead, text)
        self._remember(sentence, groups, lead, hits, question)

    # -- what a sentence holds

    def _move(self, sentence: Sentence) -> None:
        """Leaves the line and the paragraph before."""
        if sentence.line != self._line:
            self._key = None
            if self._context is not None and not self._context.open:
                self._context = None
        if sentence.paragraph != self._paragraph:
            if self._block:
                self._before, self._block = self._block, []
            if self._context is not None and sentence.paragraph > self._context.paragraph + 1:
                self._context = None
        self._line, self._paragraph = sentence.line, sentence.paragraph

    def _groups(self, sentence: Sentence) -> list[Group]:
        groups: list[Group] = []
        at = bisect_left(self._starts, sentence.start)
        for start, end, mention, quoted in self._references[at:]:
            if start >= sentence.end:
                break
            if groups and groups[-1].quoted == quoted and self._joined(groups[-1].end, start, end):
                last = groups.pop()
                groups.append(Group(last.start, end, (*last.mentions, mention), quoted))
            else:
                groups.append(Group(start, end, (mention,), quoted))
        return groups

    def _joined(self, before: int, start: int, end: int) -> bool:
        gap = self._trace.low[before:start]
        if len(gap) > 30:
            return False
        if _INITIALS.fullmatch(gap):
            return self._trace.plain[start:end].isupper()
        return _LIST_GAP.fullmatch(gap) is not None

    def _hits(self, sentence: Sentence) -> list[Hit]:
        hits: list[Hit] = []
        words, starts = self._trace.words, self._trace.starts
        index = sentence.first
        while index < sentence.last:
            size, labels = self._types.at(words, index)
            if labels:
                end = starts[index + size - 1] + len(words[index + size - 1])
                if not self._covered(starts[index], end):
                    hits.append(Hit(starts[index], end, labels))
            index += max(size, 1)
        return hits

    def _covered(self, start: int, end: int) -> bool:
        """Whether a type's name is only a part of a mention, or of something quoted."""
        at = bisect_left(self._starts, end) - 1
        if at >= 0 and self._references[at].end > start:
            return True
        quote = quotation(self._trace.quotes, start, end)
        return quote is not None and quote[1] - quote[0] > end - start + 12

    def _lead(self, sentence: Sentence, groups: Sequence[Group]) -> Group | None:
        """The group that the sentence opens with: its subject."""
        if groups and _LIGHT.fullmatch(self._trace.low, sentence.start, groups[0].start):
            return groups[0]
        return None

    # -- types at the head of a line

    def _enter_context(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], question: bool
    ) -> None:
        if not hits or (groups and groups[0].start < hits[0].start):
            return
        low, hit = self._trace.low, hits[0]
        mark = _TYPE_KEY.match(low, hit.end, sentence.end)
        if mark is None or hit.start - sentence.start > 40 or len(hits) > 1 and hits[1].start < mark.end():
            return
        line_starts = low.rfind("\n", 0, sentence.start + 1) + 1 >= sentence.start - 1 or sentence.start == 0
        rest = low[mark.end() : low.find("\n", mark.end()) if "\n" in low[mark.end() :] else len(low)].strip(" \"'")
        if mark["mark"] == "?" or line_starts or not groups:
            scope = mark["mark"] == "?" or not rest
            self._context = Context(hit.labels, sentence.line, sentence.paragraph, scope)

    def _apply_context(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        """Gives the mentions of a line or list the type at its head."""
        assert self._context is not None
        for group in groups:
            if any(hit.start > group.end and hit.labels != self._context.labels for hit in hits):
                continue
            lead = self._trace.low[sentence.start : group.start]
            direct = len(groups) == 1 or group is groups[0]
            firm = direct and not group.quoted and len(lead) < 60
            for label, strong in self._context.labels.items():
                event = Event(Polarity.YES, label, firm and strong, group.start, group.end)
                self.statements.add(group.mentions, event)

    # -- types in a sentence

    def _assign(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, guess: bool
    ) -> None:
        low = self._trace.low
        previous: Hit | None = None
        last = Polarity.YES
        events: list[tuple[tuple[int, ...], Event]] = []
        for hit in hits:
            start = max(cues.clause_start(low, sentence.start, hit.start), previous.end if previous else 0)
            for group in groups:
                if start < group.end <= hit.start and not group.quoted:
                    start = max(start, group.end) if " not" not in low[start : group.start] else start
            before, after = low[start : hit.start], low[hit.end : min(hit.end + 60, sentence.end)]
            stop = cues.clause_end(low, hit.end, sentence.end)
            tail = low[hit.end : min(stop + 2, sentence.end)]
            chained = previous is not None and re.fullmatch(r"[\s\"',/)(]*(?:or|and|nor|an?|the|,|/|\s)*[\s\"'(]*", low[previous.end : hit.start])
            kind = last if chained else cues.polarity(before, after, guess or tail.lstrip(" \"')")[:1] == "?")
            mentions, firm = self._bind(sentence, groups, hit, previous, lead)
            if not mentions or (kind is not Polarity.YES and not groups):
                self._note_empty(sentence, hit, groups)
            for label, strong in hit.labels.items():
                span = self._evidence(hit, groups)
                events.append((mentions, Event(kind, label, firm and strong, *span)))
            previous, last = hit, kind
        self._settle(events, low[sentence.start : sentence.end])

    def _evidence(self, hit: Hit, groups: Sequence[Group]) -> tuple[int, int]:
        near = [group for group in groups if abs(group.start - hit.start) < 300]
        return min([hit.start, *(group.start for group in near)]), max([hit.end, *(group.end for group in near)])

    def _settle(self, events: Sequence[tuple[tuple[int, ...], Event]], text: str) -> None:
        """The last type that a sentence gives to a mention is its verdict, unless it gives both."""
        double = _BOTH.search(text) is not None
        for index, (mentions, event) in enumerate(events):
            later = {
                (mention, other.label)
                for others, other in events[index + 1 :]
                for mention in others
                if other.firm and other.kind is Polarity.YES and other.label != event.label
            }
            for mention in mentions:
                beaten = event.kind is Polarity.YES and any(one == mention for one, _ in later)
                self.statements.add((mention,), event._replace(firm=event.firm and (not beaten or double), double=double))

    def _note_empty(self, sentence: Sentence, hit: Hit, groups: Sequence[Group]) -> None:
        """Notes that a type is said to have no mention."""
        low = self._trace.low
        before = low[max(sentence.start, hit.start - 60) : hit.start]
        if cues.says_empty(before, low[hit.end : sentence.end]):
            for label, strong in hit.labels.items():
                if strong:
                    self.statements.empty[label] = hit.start

    def _bind(
        self, sentence: Sentence, groups: Sequence[Group], hit: Hit, previous: Hit | None, lead: Group | None
    ) -> tuple[tuple[int, ...], bool]:
        """The mentions that a type's name is about, and whether there is only one reading."""
        low = self._trace.low
        before = [group for group in groups if group.end <= hit.start]
        following = next((group for group in groups if group.start >= hit.end), None)
        if following is not None and _DIRECT.fullmatch(low, hit.end, following.start):
            return following.mentions, not following.quoted or not before
        if before:
            return self._bind_before(before, previous, lead)
        return self._bind_topic(sentence, groups, hit)

    def _bind_before(
        self, before: Sequence[Group], previous: Hit | None, lead: Group | None
    ) -> tuple[tuple[int, ...], bool]:
        fresh = [group for group in before if previous is None or group.start >= previous.end]
        plain = [group for group in (fresh or before) if not group.quoted] or list(fresh or before)
        if self._key is not None and lead is None and all(group.quoted for group in before):
            return self._key.mentions, True
        if len(plain) == 1:
            return plain[0].mentions, True
        if not fresh:
            return before[-1].mentions, len(before) == 1
        return tuple(mention for group in plain for mention in group.mentions), False

    def _bind_topic(
        self, sentence: Sentence, groups: Sequence[Group], hit: Hit
    ) -> tuple[tuple[int, ...], bool]:
        low = self._trace.low
        opening = low[sentence.start : hit.start]
        together = _TOGETHER.search(low, sentence.start, min(hit.end + 30, sentence.end))
        if together is not None and not groups:
            return self._bind_together(together[0])
        if groups:
            return tuple(mention for group in groups for mention in group.mentions), False
        if self._key is not None:
            return self._key.mentions, True
        if not self._block and not _CONTINUES.match(low, sentence.start, sentence.end):
            return (), False
        mentions = tuple(mention for group in self._topic for mention in group.mentions)
        short = len(opening) < 30 or _CONTINUES.match(low, sentence.start, sentence.end) is not None
        return mentions, len(self._topic) == 1 and short

    def _bind_together(self, word: str) -> tuple[tuple[int, ...], bool]:
        """The last so many mentions that the paragraph, or the one before it, has named."""
        block = list(dict.fromkeys(self._block or self._before))
        count = _COUNTS.get(word) or (int(word) if word.isdigit() else 0)
        topic = tuple(mention for group in self._topic for mention in group.mentions)
        if count and len(set(topic)) == count:
            return topic, True
        if count and count <= len(block):
            return tuple(block[-count:]) if len(block) == count else tuple(block), len(block) == count
        return tuple(block), False

    # -- answers to the trace's own questions, refusals and acceptances without a type

    def _answer(self, text: str, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        assert self._asked is not None
        labels, mentions = self._asked
        self._asked = None
        kind = Polarity.NO if cues.ANSWER_NO.match(text) else Polarity.YES if cues.ANSWER_YES.match(text) else None
        if kind is None:
            return
        for label, strong in labels.items():
            self.statements.add(mentions, Event(kind, label, strong and kind is Polarity.NO, sentence.start, sentence.end))
            if kind is Polarity.NO and not mentions and strong and not groups:
                self.statements.empty[label] = sentence.start

    def _refuse(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, text: str
    ) -> None:
        soft = cues.ELSEWHERE.search(text) is not None
        for match in cues.REFUSAL.finditer(text):
            if match["not"] and any(sentence.start + match.start() < hit.start < sentence.start + match.end() for hit in hits):
                continue
            name = next(name for name in ("object", "between", "thing") if match[name] is not None)
            start, end = match.span(name)
            mentions = self._object(sentence.start + start, sentence.start + end, groups, lead, sentence.start + match.start())
            self._add_refusal(sentence, mentions, soft)
        match = cues.NO_MENTION.search(text)
        if match is not None and not any(hit.start < sentence.start + match.end() + 3 and hit.end > sentence.start + match.start() for hit in hits):
            self._add_refusal(sentence, self._subject(sentence, groups, lead, sentence.start + match.start()), soft)
        match = cues.NO_VERDICT.search(text)
        if match is not None and not any(hit.end > sentence.start + match.start() - 30 for hit in hits):
            self._add_refusal(sentence, self._subject(sentence, groups, lead, sentence.start + match.start()), soft)

    def _add_refusal(self, sentence: Sentence, mentions: Iterable[int], soft: bool) -> None:
        self.statements.add(mentions, Event(Polarity.NO, EVERY, True, sentence.start, sentence.end, soft))

    def _object(
        self, start: int, end: int, groups: Sequence[Group], lead: Group | None, verb: int
    ) -> tuple[int, ...]:
        """The mentions that a verb's object means."""
        inside = tuple(m for group in groups if start <= group.start < end and not group.quoted for m in group.mentions)
        if inside:
            return inside
        if not _PRONOUN.match(self._trace.low, start, end):
            return ()
        before = [group for group in groups if group.end <= verb and not group.quoted]
        if before:
            return lead.mentions if lead is not None and lead.end <= verb else before[-1].mentions
        return self._meant()

    def _subject(
        self, sentence: Sentence, groups: Sequence[Group], lead: Group | None, at: int
    ) -> tuple[int, ...]:
        """The mentions of which a predicate at `at` speaks."""
        if lead is not None and lead.end <= at:
            return lead.mentions
        if any(not group.quoted for group in groups):
            return ()
        opening = self._trace.low[sentence.start : at]
        if _CONTINUES.match(opening) or len(opening.strip()) < 3:
            return self._meant()
        return ()

    def _meant(self) -> tuple[int, ...]:
        """What "it" is: the key of the line, or what the sentence before spoke of."""
        if self._key is not None and not self._topic:
            return self._key.mentions
        if len(self._topic) == 1:
            return self._topic[0].mentions
        return tuple(mention for group in self._topic[:1] for mention in group.mentions)

    def _accept(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, text: str
    ) -> None:
        """An acceptance without a type takes the type that was last weighed for the mention."""
        if hits or cues.ACCEPTANCE.search(text) is None or cues.REFUSAL.search(text) is not None:
            return
        mentions = [m for group in groups for m in group.mentions] or list(self._meant())
        for mention in mentions:
            weighed = next((e for e in reversed(self.statements.events[mention]) if e.label != EVERY), None)
            label = weighed.label if weighed is not None and weighed.kind is Polarity.OPEN else EVERY
            self.statements.add((mention,), Event(Polarity.YES, label, False, sentence.start, sentence.end))

    # -- what is spoken of

    def _remember(
        self, sentence: Sentence, groups: Sequence[Group], lead: Group | None, hits: Sequence[Hit], question: bool
    ) -> None:
        plain = [group for group in groups if not group.quoted] or list(groups)
        for group in plain:
            self._block.extend(group.mentions)
        if lead is not None and _KEY.match(self._trace.low, lead.end, min(lead.end + 12, sentence.end)):
            self._key = lead
        if plain:
            self._topic = (lead,) if lead is not None else tuple(plain)
        if question and hits:
            labels = {label: strong for hit in hits for label, strong in hit.labels.items()}
            mentions = tuple(m for group in plain for m in group.mentions) or self._meant()
            self._asked = (labels, mentions)
