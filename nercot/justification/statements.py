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
    part: bool = False


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
    r"[\s\"')\]]*(?:(?:,|;|/|\+|&|\||and|or|plus|then|as well as|along with|finally|also|the|both|with|versus|vs\.?|to|by|=|aka|\d[.)]?)[\s\"'(]*){1,4}"
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
_DENIES_ALL = re.compile(r"\W*(?:for (?:an?|it|this|that|the|him|her)\b|none of|neither|nothing (?:in|of|among)|it\b|this\b|that\b|not? (?:in|any of))")
_HEADING = re.compile(r"[\s#>\d.)•·-]*")
_WHICH = re.compile(r"\W*(?:and |now |so |then |next )*(?:which|what|any|are there|is there|who|where|when|how about|what about)\b")
_NOTHING = re.compile(r"[\s\"']*(?:no|none|nothing|nope|empty|nobody|nowhere|-|–|n/a|not|nil|nada|never|clearly a|\[\])\b|\s*(?:\[\]|[–-]\s*$)")
_LISTED = re.compile(r"[\s\"')]*(?:[,;.(–\n/]|->|and\b|-\s|$)")
_DIRECT = re.compile(r"[\s\"']*(?:[:=(→]|->|=>|is|are|would be|here is|called|named|like|such as|namely)?[\s\"'(]*(?:the |a |an )?[\s\"'(]*")
_ADJACENT = re.compile(
    r"[\s\"')\]]*(?:(?:[,(:=→–/|-]|->|is|are|was|were|as|an?|the|one|also|both|all|each|another|two|three|clearly|obviously|surely|certainly|simply|just|so|hence|thus|therefore|must be|has to be|type|under|too|again|counts as|goes under|of course|i'd say|definitely|i\.e\.?)[\s\"'(]+)*[\s\"'(,:=→–]*"
)
_PREPOSITION = re.compile(
    r"(?<!kind )(?<!type )(?<!sort )(?<!name )(?<!names )(?<!form )(?<!piece )(?<!class )"
    r"\b(?:of|in|at|near|from|by|for|with|on|below|above|behind|between|than|about|before|after|during|outside|inside|within|to) (?:the |an? |its |their |his |her |this |that |some |any )?[\"']?$"
)
_FOREIGN = re.compile(r"[\s(>•·-]*(?:\"[^\"\n]+\"\s*(?:[:=→–(,]|->|-\s|is\b|are\b|was\b)|(?!(?:type|label|verdict|decision|final|answer|so|result|category|conclusion|hence|and|also|note)\b)[a-z][\w' ]{0,40}:\s|[a-z][\w' ]{0,40} [–→=] |(?:the |this |that )?(?:word|token|string|phrase|term|span|part|bit|expression|adjective|noun|verb|suffix|prefix|preposition) \"[^\"\n]+\")")
# A subject that stands for what was spoken of before, or none at all.
_IT = re.compile(
    r"\W*(?:(?:but|and|so|still|however|anyway|then|also|well|hmm|hm|now|wait|actually|no|yes|i think|i'd say|i guess|to me|for me|in the end|clearly|obviously|probably|perhaps|again|on reflection|on second thought|after all|either way|strictly speaking|strictly|as such|in this context|here|in this sentence)\W+)*"
    r"(?:(?:it|this|that|they|these|those|both|he|she|neither|which|all|all (?:of )?(?:them|these|those)|(?:that|this) one|the (?:whole )?(?:thing|phrase|span|string|name|mention|word|term|pair|two|former|latter))"
    r"(?:'s|'re)?\W*(?:(?:is|are|was|were|has|have|can|could|will|would|should|seems?|looks?|sounds?|feels?|remains?|stays?|gets?|really|just|simply|only|then|also|too|still|rather|more|clearly|be|to be|a|an|of)\W+)*)?"
)
_REFERS = re.compile(r"\b(?:it|its|this|that|they|them|their|these|those|he|him|his|she|her|both|one)\b")
_ASKS = re.compile(
    r"\W*(?:and |but |so |now |then |also |next |or )*(?:what about|how about|as for|does|is|should|could|would|can) (?:the |a )?(?:\w+ )?\"[^\"\n]+\""
)
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
_CHAIN = re.compile(r"[\s\"',/)(]*(?:(?:or|and|nor|an?|the|,|/)[\s\"'(]*)*")
_BOTH = re.compile(r"\b(?:both|again|as well|also|twice|and under|and as|two types|second type|too)\b")


class Statements:
    """What a trace says.

    `events`: of every mention, in order; `empty`: where a type is said to have no mention; `named`: where a line
    names a type without refusing it; `lines`: the lines that speak of a mention.
    """

    def __init__(self, mentions: int) -> None:
        self.events: list[list[Event]] = [[] for _ in range(mentions)]
        self.empty: dict[int, int] = {}
        self.named: dict[tuple[int, int], tuple[int, int]] = {}
        self.lines: list[set[int]] = [set() for _ in range(mentions)]

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
        self._stale = False
        self._block: list[int] = []
        self._before: list[int] = []
        self._context: Context | None = None
        self._verdict: dict[int, bool] = {}
        self._asked: tuple[dict[int, bool], tuple[int, ...]] | None = None

    def read(self, sentence: Sentence) -> None:
        """Takes in one sentence."""
        self._move(sentence)
        groups = self._groups(sentence)
        hits = self._hits(sentence)
        text = self._trace.low[sentence.start : sentence.end]
        question = text.rstrip(" \"')").endswith("?")
        self._turn_away(sentence, groups, hits, text)
        if self._asked is not None:
            self._answer(text, sentence, groups, hits)
        guess = question or cues.HYPOTHETICAL.match(text) is not None
        lead = self._lead(sentence, groups)
        self._enter_context(sentence, groups, hits, question)
        if self._context is not None and groups and not guess:
            self._apply_context(sentence, groups, hits)
        if hits and not groups and len({label for hit in hits for label, strong in hit.labels.items() if strong}) > 2:
            self._count(sentence, hits)
        elif hits:
            self._assign(sentence, groups, hits, lead, guess)
        if not guess:
            self._refuse(sentence, groups, hits, lead, text)
            self._accept(sentence, groups, hits, lead, text)
        self._remember(sentence, groups, lead, hits, question)

    def _turn_away(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str) -> None:
        """Forgets the topic where a sentence turns to something that is no mention."""
        if groups and groups[0].start - sentence.start < 60:
            return
        asks = _ASKS.match(text)
        if not groups and not _CONTINUES.match(text) and not _REFERS.search(text) and not (hits and len(text) < 40):
            self._stale = True
        if _FOREIGN.match(text) or (asks and not any(hit.start < sentence.start + asks.end() for hit in hits)):
            self._topic, self._key = (), None
        elif not groups and self._opens_line(sentence) and not hits and not _CONTINUES.match(text):
            self._topic = ()

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
        for start, end, mention, quoted, part in self._references[at:]:
            if start >= sentence.end:
                break
            if groups and groups[-1].quoted == quoted and self._joined(groups[-1].end, start, end):
                last = groups.pop()
                groups.append(Group(last.start, end, (*last.mentions, mention), quoted, last.part and part))
            else:
                groups.append(Group(start, end, (mention,), quoted, part))
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
                if not self._is_named(starts[index], end):
                    quoted = self._is_quoted(starts[index], end)
                    hits.append(Hit(starts[index], end, dict.fromkeys(labels, False) if quoted else labels))
            index += max(size, 1)
        return hits

    def _is_named(self, start: int, end: int) -> bool:
        """Whether a type's name is only a part of a mention."""
        at = bisect_left(self._starts, end) - 1
        return at >= 0 and self._references[at].end > start

    def _is_quoted(self, start: int, end: int) -> bool:
        """Whether a type's name stands in a quotation of more than itself: it is the sentence's word then."""
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
        low = self._trace.low
        tail = low[sentence.start : sentence.end].rstrip(" \"')")
        if hits and not groups and (_HEADING.fullmatch(tail, 0, hits[0].start - sentence.start) is not None):
            if self._opens_line(sentence) and tail.endswith(low[hits[-1].end - 3 : hits[-1].end]):
                self._context = Context(hits[-1].labels, sentence.line, sentence.paragraph, True)
                return
        if hits and question and not groups and _WHICH.match(tail):
            self._context = Context(hits[-1].labels, sentence.line, sentence.paragraph, False)
            return
        if self._context is not None and tail.endswith(":") and not hits:
            self._context = self._context._replace(open=True)
        if hits and tail.endswith((":", "–")) and not (groups and groups[-1].start > hits[-1].end):
            self._context = Context(hits[-1].labels, sentence.line, sentence.paragraph, True)
            return
        if not hits or (groups and groups[0].start < hits[0].start):
            return
        hit = hits[0]
        mark = _TYPE_KEY.match(low, hit.end, sentence.end)
        if mark is None or hit.start - sentence.start > 40 or (len(hits) > 1 and hits[1].start < mark.end()):
            return
        if _NOTHING.match(low, mark.end()):
            return
        if mark["mark"] == "?" or self._opens_line(sentence) or not groups:
            line_end = low.find("\n", mark.end())
            rest = low[mark.end() : line_end if line_end >= 0 else len(low)].strip(" \"'")
            self._context = Context(hit.labels, sentence.line, sentence.paragraph, mark["mark"] == "?" or not rest)

    def _opens_line(self, sentence: Sentence) -> bool:
        return not self._trace.low[self._trace.low.rfind("\n", 0, sentence.start) + 1 : sentence.start].strip()

    def _apply_context(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        """Gives the mentions of a line or list the type at its head."""
        assert self._context is not None
        low = self._trace.low
        own = self._context.line == sentence.line and hits and hits[0].labels == self._context.labels
        for group in groups:
            alone = not any(hit.start > group.end and hit.labels.keys() - self._context.labels for hit in hits)
            mark = _TYPE_KEY.match(low, hits[0].end, sentence.end) if own else None
            head = mark.end() if mark is not None else sentence.start
            leads = _LIGHT.fullmatch(low, head, group.start) is not None or group is not groups[0]
            firm = alone and leads and not group.quoted and _LISTED.match(low, group.end, sentence.end + 1) is not None
            for label, strong in self._context.labels.items():
                self.statements.add(group.mentions, Event(Polarity.YES, label, firm and strong, group.start, group.end))

    # -- types in a sentence

    def _assign(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, guess: bool
    ) -> None:
        low = self._trace.low
        previous: Hit | None = None
        last = Polarity.YES
        events: list[tuple[tuple[int, ...], Event]] = []
        for hit in hits:
            start = cues.clause_start(low, sentence.start, hit.start)
            for group in groups:
                if start < group.end <= hit.start and not group.quoted:
                    start = max(start, group.end) if " not" not in low[start : group.start] else start
            before, after = low[start : hit.start], low[hit.end : min(hit.end + 60, sentence.end)]
            stop = cues.clause_end(low, hit.end, sentence.end)
            tail = low[hit.end : min(stop + 2, sentence.end)]
            kind = cues.polarity(before, after, guess or tail.lstrip(" \"')")[:1] == "?")
            if kind is Polarity.YES and previous is not None and _CHAIN.fullmatch(low, previous.end, hit.start):
                kind = last
            mentions, firm = self._bind(sentence, groups, hit, previous, lead)
            if not mentions or (kind is not Polarity.YES and not groups):
                self._note_empty(sentence, hit, groups)
            for label, strong in hit.labels.items():
                span = self._evidence(hit, groups)
                events.append((mentions, Event(kind, label, firm and strong, *span)))
            previous, last = hit, kind
            if kind is Polarity.YES:
                self._verdict = hit.labels
                self._name(sentence, hit)
        self._settle(events, low[sentence.start : sentence.end])

    def _count(self, sentence: Sentence, hits: Sequence[Hit]) -> None:
        """A row of types without a mention: the schema, a tally, or "nothing in PER, LOC, ORG"."""
        low = self._trace.low
        before = low[sentence.start : hits[0].start]
        if cues.polarity(before, low[hits[-1].end : sentence.end], False) is not Polarity.NO:
            return
        if _DENIES_ALL.match(low, sentence.start, sentence.end):
            self._add_refusal(sentence, self._meant(), soft=False)
        for hit in hits:
            self._note_empty(sentence, hit, ())

    def _name(self, sentence: Sentence, hit: Hit) -> None:
        for label, strong in hit.labels.items():
            if strong:
                self.statements.named.setdefault((sentence.line, label), (hit.start, hit.end))

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
            listed = _LISTED.match(low, following.end, sentence.end + 1) is not None
            return following.mentions, (listed or ":" not in low[hit.end : following.start]) and (not following.quoted or not before)
        if before:
            if _ADJACENT.fullmatch(low, before[-1].end, hit.start):
                return before[-1].mentions, True
            mentions, firm = self._bind_before(before, previous, lead)
            return mentions, firm and not _PREPOSITION.search(low, sentence.start, hit.start)
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
        if len(opening) < 12 and (mark := _TYPE_KEY.match(low, hit.end, sentence.end)) and mark["mark"] != "?":
            return (), False
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
        if _PREPOSITION.search(low, sentence.start, hit.start):
            return mentions, False
        short = len(opening) < 30 or _CONTINUES.match(low, sentence.start, sentence.end) is not None
        return mentions, len(self._topic) == 1 and short

    def _bind_together(self, word: str) -> tuple[tuple[int, ...], bool]:
        """The last so many mentions that the paragraph, or the one before it, has named."""
        block = list(dict.fromkeys(self._block or self._before))
        count = _COUNTS.get(word) or (int(word) if word.isdigit() else 0)
        topic = tuple(mention for group in self._topic for mention in group.mentions)
        if count > len(block):
            return topic, len(self._topic) == 1
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
        if lead is not None and lead.part:
            return
        if lead is None and text.lstrip().startswith('"'):
            self._stale = True
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
        weighed = match is not None and re.search(r"\b(?:whether|if)\b", text[: match.start()]) is not None
        if match is not None and not weighed and not any(hit.end > sentence.start + match.start() - 30 for hit in hits):
            before = [group for group in groups if group.end <= sentence.start + match.start()]
            subject = lead or (before[-1] if before else None)
            self._add_refusal(sentence, subject.mentions if subject is not None else self._meant(), soft)

    def _add_refusal(self, sentence: Sentence, mentions: Iterable[int], soft: bool) -> None:
        self.statements.add(mentions, Event(Polarity.NO, EVERY, True, sentence.start, sentence.end, soft))

    def _object(
        self, start: int, end: int, groups: Sequence[Group], lead: Group | None, verb: int
    ) -> tuple[int, ...]:
        """The mentions that a verb's object means."""
        inside = tuple(m for group in groups if start <= group.start < end and not group.quoted and not group.part for m in group.mentions)
        if inside:
            return inside
        if not _PRONOUN.match(self._trace.low, start, end):
            return ()
        before = [group for group in groups if group.end <= verb and not group.quoted]
        if before:
            return lead.mentions if lead is not None and lead.end <= verb else before[-1].mentions
        together = _TOGETHER.search(self._trace.low, start, end)
        if together is not None and together[0] not in ("they", "them", "their", "these", "those"):
            return self._bind_together(together[0])[0]
        return self._meant()

    def _subject(
        self, sentence: Sentence, groups: Sequence[Group], lead: Group | None, at: int
    ) -> tuple[int, ...]:
        """The mentions of which a predicate at `at` speaks: the subject, or what a pronoun or nothing stands for."""
        if lead is not None and lead.end <= at:
            return lead.mentions
        if any(group.end <= at for group in groups):
            return ()
        opening = self._trace.low[sentence.start : at]
        return self._meant() if _IT.fullmatch(opening) else ()

    def _meant(self) -> tuple[int, ...]:
        """What "it" is: what the last sentences spoke of, as long as none turned to something else."""
        if self._stale:
            return ()
        if self._key is not None and not self._topic:
            return self._key.mentions
        return self._topic[0].mentions if self._topic else ()

    def _accept(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, text: str
    ) -> None:
        """An acceptance without a type takes the type that was last weighed for the mention."""
        if hits or cues.REFUSAL.search(text) is not None:
            return
        if groups and self._verdict and cues.SAME.search(text) is not None:
            for label in self._verdict:
                event = Event(Polarity.YES, label, False, sentence.start, sentence.end)
                self.statements.add([m for group in groups for m in group.mentions], event)
        if cues.ACCEPTANCE.search(text) is None:
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
            for mention in group.mentions:
                self.statements.lines[mention].add(sentence.line)
        low = self._trace.low
        if lead is not None and not lead.quoted and self._key is not None and lead.mentions != self._key.mentions:
            self._key = None
        if lead is not None and (
            _KEY.match(low, lead.end, min(lead.end + 12, sentence.end))
            or (self._opens_line(sentence) and not low[lead.end : sentence.end].strip(" .\"')"))
        ):
            self._key = lead
        if plain:
            self._stale = False
            self._topic = (lead,) if lead is not None else tuple(plain)
        if question and hits:
            labels = {label: strong for hit in hits for label, strong in hit.labels.items()}
            mentions = tuple(m for group in plain for m in group.mentions) or self._meant()
            self._asked = (labels, mentions)
        if question and not plain and not hits and not _REFERS.search(low, sentence.start, sentence.end):
            self._topic, self._key = (), None
