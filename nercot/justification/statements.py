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
from nercot.justification.lexicon import DESCRIBES, HEADS, NAMES, Types
from nercot.justification.mentions import Reference
from nercot.justification.subjects import Group, Mentions, Subjects
from nercot.justification.trace import Sentence, Trace, quotation

EVERY = -1


class Event(NamedTuple):
    """`kind`: yes, no or open; `label`: a type's index or EVERY; the span that says it.

    `firm`: there is only one reading.
    `faint`: the type is named beside the mention, not of it ("in the city").
    `soft`: a refusal that may be about another place of the same string.
    `double`, `twice`: perhaps, or surely, one type of two.
    `again`: a doubt or a change of mind that takes back what was said before.
    `direct`: the type stands next to the mention, or is said of it as the subject of the sentence.
    `named`: the type is named and not only described.
    """

    kind: Polarity
    label: int
    start: int
    end: int
    firm: bool = False
    faint: bool = False
    soft: bool = False
    double: bool = False
    twice: bool = False
    again: bool = False
    direct: bool = False
    named: bool = True


class Hit(NamedTuple):
    """A name of types in the trace: label -> how plainly it is named (lexicon.py)."""

    start: int
    end: int
    labels: dict[int, int]


class Context(NamedTuple):
    """A type at the head of a line or a list; `open`: it reaches beyond its line."""

    labels: dict[int, int]
    line: int
    paragraph: int
    open: bool


class Bound(NamedTuple):
    """The mentions that a type's name is about."""

    mentions: Mentions = ()
    firm: bool = False
    faint: bool = False
    direct: bool = False
    beside: bool = False


_TYPE_KEY = re.compile(
    r"[\"')\]\s]*(?:(?:side|slot|type|types|names?|mentions?|entit(?:y|ies)|here|we have|found|first)\s*){0,2}"
    r"[\"')\]\s]*(?P<mark>[:=→–?.]|-\s|\s-\s)"
)
_HEADING = re.compile(r"[\s#>\d.)•·-]*")
_WHICH = re.compile(
    r"\W*(?:and |now |so |then |next )*(?:(?:which|what|any|are there(?: any)?|is there(?: an?y?)?|how about"
    r"|what about)"
    r"(?: other| the| kinds? of)?|who|where|when) ?[\"']?$"
)
_NOTHING = re.compile(
    r"[\s\"']*(?:no|none|nothing|nope|empty|nobody|nowhere|-|–|n/a|not|nil|nada|never|clearly a|hence none|\[\])\b"
    r"|\s*(?:\[\]|[–-]\s*$)"
)
_DENIES_ALL = re.compile(
    r"\W*(?:for (?:an?|it|this|that|the|him|her)\b|none of|neither|nothing (?:in|of|among)|it\b|this\b|that\b"
    r"|not? (?:in|any of))"
)
# What may follow a mention that is listed, and a type that is a verdict.
_BESIDE = re.compile(
    r"(?:\(|\b(?:of|from|by|in|at|for|to|with|on|than)) [\"']?(?:the )?[\"']?$|\([\"']?$|\((?:of|from|by|in) [\"']?$"
)
_LISTED = re.compile(r"[\s\"')]*(?:[,;.(–\n/]|and\b|-\s|$)")
_CLOSES = re.compile(
    r"[\s\"')\]]*(?:$|[.,;:!?(–→|=×✔]|-\s|x\d|(?:and|or|but|here|too|then|again|instead|rather|because|since|type"
    r"|label|slot"
    r"|name|by|of|in|with|for|at|on|from|that|which|who|not|than|as|it|so|though|although|even|rather|either|obviously"
    r"|literally|this|now|also|anyway|way|one|without|whose|where|per|just|twice)\b|s\b)"
)
_DIRECT = re.compile(
    r"[\s\"']*(?:[:=(→]|is|are|for|would be|here is|called|named|like|such as|namely)?[\s\"'(]*(?:the |an? )?[\s\"'(]*"
)
_ADJACENT = re.compile(
    r"[\s\"')\]]*(?:(?:[,(:=→–/|-]|is|are|was|were|as|an?|the|one|also|both|all|each|another|two|three|clearly"
    r"|obviously|surely|certainly|simply|just|so|hence|thus|therefore|must be|has to be|type|under|too|again|counts as"
    r"|goes under|of course|i'd say|definitely|which|who|it is|it is for|i\.e\.?)[\s\"'(]+)*[\s\"'(,:=→–]*"
)
_PREPOSITION = re.compile(
    r"(?<!kind )(?<!type )(?<!sort )(?<!name )(?<!names )(?<!form )(?<!piece )(?<!class )(?<!out )"
    r"\b(?:of|in|at|near|from|by|for|with|on|below|above|behind|between|than|about|before|after|during|outside|inside"
    r"|within|to|like) (?:the |an? |its |their |his |her |this |that |some |any |our |what )?"
    r"(?:(?!be |an? |being )[\w-]+ )?[\"']?$"
)
_AS_TYPE = re.compile(
    r"\b(?:speaks?|counts?|stands?|argues?|points?|qualif(?:y|ies)|goes|go|belongs?|falls?|put|sorted|filed"
    r"|assign(?:ed)?|mapped|over|come|comes|up) (?:in|to|with|for|on|under)\b"
)
_CHAIN = re.compile(r"[\s\"',/)(]*(?:(?:or|and|nor|an?|the|,|/|\+)[\s\"'(]*)*")
_TWICE = re.compile(
    r"\b(?:both|twice|and again|two types|both types|second type|double duty|in two roles|and under|one of each"
    r"|and as an?)\b|\+"
)
_CONCEDES = re.compile(r"[,;)] ?(?:but|though|yet|however|only)\b")
_CONCESSIONS = frozenset(("but", "though", "yet", "however", "only"))
_DOUBLE = re.compile(r"\b(?:both|again|as well|also|twice|and under|and as|two types|second type|too)\b|\+")
_TOGETHER = re.compile(
    r"\b(?:all|both|each|every|these|those|they|them|their|everything|everyone|together|two|three|four|five|six|seven"
    r"|eight|nine"
    r"|ten|eleven|twelve|(?<![(\w.,-])\d{1,2}(?![\w).,:-])|the pair|trio|ones|either|neither|any of)\b"
)
# Of what belongs to a mention: "Verdi's opera", "Verdi 's is an opera", but not "Verdi's a composer".
_OWNS = re.compile(r" ?'s (?!(?:an?|the|not|just|clearly|obviously|simply|definitely|also)\b)")
_LATTER = re.compile(
    r"\bthe (former|latter|first|second)\b(?: it is)?(?=\W*(?:$|[.,;:!)]|one\b|then\b|here\b|for\b|as\b))"
)
_ONLY = re.compile(
    r"\b(?:only|just) (?:keep|take|list|include|want|tag|mark|add|label)\b|\b(?:keep|take|list|include|tag|mark|add"
    r"|label) (?:only|just)\b"
)
_HE = re.compile(r"\W*(?:and |but |so |then )*(?:he|she|he's|she's)\b")
_SINGULAR = re.compile(r"\b(?:it|it's|he|he's|she|she's|this)\b")
_TOGETHER_AFTER = re.compile(r"[\s\"')]*(?:[×x] ?(?P<n>\d)|(?:for|to|on) (?:both|all|each|every|the \w+ of them))")
_REVISES = re.compile(
    r"\W*(?:but )?(?:wait|actually|no,|on second thought|hold on|hmm|however|scrap|correction|rather|instead|at second"
    r"|then again|on reflection|strike that|oops|sorry|i was wrong|i reverse|but\b)"
)
_PRONOUN = re.compile(
    r"\s*(?:it|them|this|that|these|those|one|both|all|either|any|him|her|each|such"
    r"|the (?:pair|two|three|lot|others?|rest|whole|thing|name|mention|span|string|term|candidate|former|latter|word"
    r"|phrase|item|token|entity)|none|nothing|neither|(?:all|any|both|each|none|either|neither|one) of (?:it|them"
    r"|these|those|the \w+))\b"
    r"(?!\s+\w+\s+\w+\s+\w+)|\s*$"
    r"|\s*(?:here|too|as well|either|completely|entirely|altogether|for now|then|anyway|either way|from|an entry)\b"
)
# A subject that stands for what was spoken of before, or none at all.
_IT = re.compile(
    r"\W*(?:(?:but|and|so|still|however|anyway|then|also|well|hmm|hm|now|wait|actually|no|yes|i think|i'd say|i guess"
    r"|to me|for me|in the end|clearly|obviously|probably|perhaps|again|on reflection|on second thought|after all"
    r"|either way|strictly speaking|strictly|as such|in this context|here|in this sentence)\W+)*"
    r"(?:(?:it|this|that|they|these|those|both|he|she|neither|which|all|all (?:of )?(?:them|these|those)"
    r"|(?:that|this) one|the (?:whole )?(?:thing|phrase|span|string|name|mention|word|term|pair|two|former|latter))"
    r"(?:'s|'re)?\W*(?:(?:is|are|was|were|has|have|can|could|will|would|should|seems?|looks?|sounds?|feels?|remains?"
    r"|stays?|gets?|really|just|simply|only|then|also|too|still|rather|more|clearly|be|to be|a|an|of)\W+)*)?"
)
# A sentence with a subject of its own: "the comma is ...", "the possessive stays ...".
_FOREIGN_SUBJECT = re.compile(
    r"\W*(?:and |but |so |then |also |in the \w+ |here |because |since )*(?:the|an?|its|their|his|her|this|that|these|those|my)"
    r" (?!(?:whole|thing|phrase|span|string|name|mention|word|term|pair|two|three|former|latter|one|first|second|third"
    r"|last|type|others?|rest|lot|candidates?|token|entity)\b)\w+"
)
_ARTICLE = re.compile(r"^(?:the|an?) ")
# One entry of a tally: "two diseases, a drug, one city".
_TALLY = re.compile(r"(?:[,:;(]|\band) (?:an?|one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})(?: [\w-]+)? $")
# "..., plus one location": what else there is.
_REMAINDER = re.compile(
    r"(?:^|[\s,;.])(?:and|plus) (?:one|two|three|four|five|six|seven|\d{1,2})(?: more| other)? [\"']?$"
)
_NEW_QUESTION = re.compile(
    r"[\s\"')]*,\s+(?!(?:or|and|nor|no|not|right|maybe|perhaps|possibly|probably|i guess|is it|isn't it|i think)\b)(?:\S+\s+)+\S+\?"
)
_OPENS_CLAUSE = re.compile(r"[\s\"')]*[,;.] (?:and |while |but |then |whereas )?(?:the )?[\s\"'(]*")
# A mention that only says where or of what something else is: "a candidate in X, politician".
_PLACED = re.compile(r"\w (?:in|at|of|from|near|by|with|on|against|for) (?:the )?[\"']?$")
_TWO_ACTS = re.compile(r"\b(?:and|but)\b")
# An object of its own before a mention: "drop the article and it's X".
_ASIDE = re.compile(r"\b(?:and|but|so|it|it's|that|which|as|since|because|when|while)\b")
_QUOTED = re.compile(r"\"[^\"]*\"")
# No sentence that means something names more types; a text made to be slow does.
_MAX_HITS = 40
_MARKS = ("✔", "✓", "☑", "✅", "✗", "✘", "❌")


class Statements:
    """What a trace says.

    `events`: of every mention, in order; `empty`: where a type is said to have no mention; `named`: where a line
    names a type without refusing it; `lines`: the lines that speak of a mention; `decisions`: (place, label, whether
    a mention stands in the same sentence) of every type that is named and not doubted.
    """

    def __init__(self, mentions: int) -> None:
        self.events: list[list[Event]] = [[] for _ in range(mentions)]
        self.empty: dict[int, int] = {}
        self.named: dict[tuple[int, int], tuple[int, int]] = {}
        self.lines: list[set[int]] = [set() for _ in range(mentions)]
        self.decisions: list[tuple[int, int, bool]] = []
        self.leads: list[tuple[int, int] | None] = [None] * mentions

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


def find_hits(trace: Trace, types: Types, references: Sequence[Reference]) -> list[Hit]:
    """Where the trace names types, from left to right; not within a mention."""
    hits: list[Hit] = []
    words, starts, first = trace.words, trace.starts, types.first
    ends = [reference.start for reference in references]
    skip = 0
    for index in [index for index, word in enumerate(words) if word in first]:
        if index < skip:
            continue
        size, labels = types.at(words, index)
        if not labels:
            continue
        skip = index + size
        start, end = starts[index], starts[skip - 1] + len(words[skip - 1])
        at = bisect_left(ends, end) - 1
        if at >= 0 and references[at].end > start:
            continue
        quote = quotation(trace.quotes, start, end) if trace.quotes else None
        if quote is not None and _ARTICLE.sub("", trace.low[quote[0] + 1 : quote[1] - 1]) != trace.low[start:end]:
            labels = dict.fromkeys(labels, DESCRIBES)  # it is the sentence's word there
        hits.append(Hit(start, end, labels))
    return hits


class _Reader:
    """Reads the sentences in order and remembers what was asked and what stands at the head of a line."""

    def __init__(self, trace: Trace, types: Types, mentions: int, references: Sequence[Reference]) -> None:
        self.statements = Statements(mentions)
        self._trace = trace
        self._low = trace.low
        self._subjects = Subjects(trace, references)
        self._hits = find_hits(trace, types, references)
        self._at = 0
        self._words: frozenset[str] = frozenset()
        self._marked = any(mark in trace.low for mark in _MARKS)
        self._context: Context | None = None
        self._verdict: dict[int, int] = {}
        self._asked: tuple[dict[int, int], Mentions] | None = None
        self._unanswered = self._late = self._shown = False
        self._line = 0
        self._pair: list[int] = []

    def read(self, sentence: Sentence) -> None:
        """Takes in one sentence."""
        groups = self._subjects.enter(sentence)
        hits = self._take_hits(sentence)
        self._leave_context(sentence)
        text = self._low[sentence.start : sentence.end]
        asks = text.rstrip(" \"')").endswith("?")
        if groups or hits:
            self._words = self._words_of(sentence)
            self._read_full(sentence, groups, hits)
        elif not self._subjects.idle or self._asked is not None or self._context is not None:
            self._words = self._words_of(sentence)
            self._read_bare(sentence)
        if not asks and not cues.POSTPONING.isdisjoint(self._words) and cues.POSTPONED.search(text) is not None:
            self._postpone(sentence, groups)
        size = sum(group.end - group.start for group in groups)
        if asks:
            self._unanswered = not groups or sentence.end - sentence.start - size > 10
        elif groups or sentence.line != self._line:
            self._unanswered = False
        self._line = sentence.line

    def _postpone(self, sentence: Sentence, groups: Sequence[Group]) -> None:
        """ "I'm not sure about it": what was spoken of is open again, whatever was said of it."""
        lead = self._subjects.lead(groups)
        subject = lead or self._subjects.key
        mentions = subject.mentions if subject is not None else self._subjects.meant()
        if len(mentions) == 1:
            event = Event(Polarity.OPEN, EVERY, sentence.start, sentence.end, True, again=True)
            self.statements.add(mentions, event)

    def _words_of(self, sentence: Sentence) -> frozenset[str]:
        starts = self._trace.starts
        first = bisect_left(starts, sentence.start)
        return frozenset(self._trace.words[first : bisect_left(starts, sentence.end, first)])

    def _take_hits(self, sentence: Sentence) -> list[Hit]:
        begin = self._at
        while self._at < len(self._hits) and self._hits[self._at].start < sentence.end:
            self._at += 1
        return self._hits[max(begin, self._at - _MAX_HITS) : self._at]

    def _read_bare(self, sentence: Sentence) -> None:
        """A sentence that names neither a mention nor a type may still refuse or take what was spoken of."""
        text = self._low[sentence.start : sentence.end]
        self._subjects.turn_away((), ())
        asked, self._asked = self._asked, None
        if asked is not None:
            self._answer(text, sentence, asked, named=False)
        if self._ends_with(text, "?"):
            if not self._subjects.refers():
                self._subjects.forget()
        elif cues.HYPOTHETICAL.match(text) is None:
            self._refuse(sentence, (), (), None, text, asked)
            self._accept(sentence, (), text)
        if self._context is not None and self._ends_with(text, ":"):
            self._context = self._context._replace(open=True)

    def _read_full(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        text = self._low[sentence.start : sentence.end]
        question = self._ends_with(text, "?")
        self._subjects.turn_away(groups, [(hit.start, hit.end) for hit in hits])
        asked, self._asked = self._asked, None
        if asked is not None:
            self._answer(text, sentence, asked, named=bool(groups))
        guess = question or cues.HYPOTHETICAL.match(text) is not None
        lead = self._subjects.lead(groups)
        heading = self._enter_context(sentence, groups, hits, text, question)
        if self._context is not None and groups and not guess:
            self._apply_context(sentence, groups, hits)
        self._choose(sentence, groups, hits, text)
        if hits and not groups and len({label for hit in hits for label, level in hit.labels.items() if level}) > 2:
            self._count(sentence, hits)
        elif hits and not heading:
            self._assign(sentence, groups, hits, text, guess)
        if not guess:
            self._refuse(sentence, groups, hits, lead, text, asked)
            if not hits:
                self._accept(sentence, groups, text)
        self._finish(sentence, groups, hits, lead, question)

    def _choose(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str) -> None:
        """ "It's the latter": the types that were named last, in their order."""
        latter = _LATTER.search(text) if not hits or not groups else None
        pair = self._pair[-2:]
        key = self._subjects.key
        mentions = key.mentions if key is not None else self._subjects.meant()
        if latter is not None and len(pair) == 2 and mentions:
            chosen = pair[0] if latter[1] in ("former", "first") else pair[1]
            event = Event(Polarity.YES, chosen, sentence.start, sentence.end, True, direct=True)
            self.statements.add(mentions, event)
        for hit in hits:
            for label, level in hit.labels.items():
                if level == NAMES:
                    self._pair = [*(one for one in self._pair if one != label), label][-2:]

    def _finish(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, question: bool
    ) -> None:
        self._subjects.remember(groups, lead)
        if lead is not None and not question:
            for mention in lead.mentions:
                self.statements.leads[mention] = self.statements.leads[mention] or (sentence.start, sentence.end)
        for group in groups:
            for mention in group.mentions:
                self.statements.lines[mention].add(sentence.line)
        if question and hits:
            bracket = self._low.rfind("(", hits[0].end, sentence.end)
            labels = {label: level for hit in hits if hit.start > bracket for label, level in hit.labels.items()}
            self._shown = '"' in self._low[sentence.start : sentence.end]
            plain = tuple(m for group in groups if not group.quoted for m in group.mentions)
            plain = plain or tuple(m for group in groups for m in group.mentions)
            self._asked = (labels, plain or self._subjects.meant())

    def _ends_with(self, text: str, mark: str) -> bool:
        return text.rstrip(" \"')").endswith(mark)

    # -- types at the head of a line

    def _leave_context(self, sentence: Sentence) -> None:
        context = self._context
        if context is None:
            return
        left = sentence.line != context.line and not context.open
        if left or sentence.paragraph > context.paragraph + 1:
            self._context = None

    def _enter_context(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str, question: bool
    ) -> bool:
        """Takes note of a type at the head of a line or list; whether the sentence is nothing but that."""
        if not hits:
            return False
        tail = text.rstrip(" \"')")
        line, paragraph = sentence.line, sentence.paragraph
        first, last = hits[0], hits[-1]
        if not groups and self._is_heading(sentence, first, tail):
            self._context = Context(last.labels, line, paragraph, not tail.endswith("."))
            return True
        if question and not groups and _WHICH.match(self._low, sentence.start, first.start):
            self._context = Context(last.labels, line, paragraph, False)
            return False
        if tail.endswith((":", "–")) and not (groups and groups[-1].start > last.end):
            self._context = Context(last.labels, line, paragraph, True)
            return False
        if groups and groups[0].start < first.start:
            return False
        mark = _TYPE_KEY.match(self._low, first.end, sentence.end)
        if mark is None or mark["mark"] == "." or first.start - sentence.start > 40:
            return False
        if (len(hits) > 1 and hits[1].start < mark.end()) or _NOTHING.match(self._low, mark.end()):
            return False
        if mark["mark"] == "?" or self._subjects.opens_line() or not groups:
            self._context = Context(first.labels, line, paragraph, not self._rest(mark.end()))
        return False

    def _is_heading(self, sentence: Sentence, first: Hit, tail: str) -> bool:
        """A line that is a type and nothing else, or opens with a type as a sentence of its own."""
        if not self._subjects.opens_line() or not _HEADING.fullmatch(self._low, sentence.start, first.start):
            return False
        ends = first.end - sentence.start
        return len(tail) <= ends + 3 or (
            len(tail) <= ends + 4 and tail.endswith(".") and bool(self._rest(sentence.end))
        )

    def _rest(self, at: int) -> str:
        """What follows on the same line."""
        stop = self._low.find("\n", at)
        return self._low[at : stop if stop >= 0 else len(self._low)].strip(" \"'")

    def _apply_context(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        """Gives the mentions of a line or list the type at its head."""
        context = self._context
        assert context is not None
        own = context.line == sentence.line and hits and hits[0].labels == context.labels
        mark = _TYPE_KEY.match(self._low, hits[0].end, sentence.end) if own else None
        head = mark.end() if mark is not None else sentence.start
        for group in groups:
            alone = not any(hit.start > group.end and hit.labels.keys() - context.labels for hit in hits)
            leads = group is not groups[0] or self._subjects.lead([group]) is not None or group.start - head < 4
            listed = _LISTED.match(self._low, group.end, sentence.end + 1) is not None
            beside = _BESIDE.search(self._low, head, group.start) is not None or self._bracketed(head, group.start)
            firm = alone and leads and listed and not beside and not group.quoted
            for label, level in context.labels.items():
                event = Event(Polarity.YES, label, group.start, group.end, firm and level >= HEADS, direct=firm)
                self.statements.add(group.mentions, event)

    # -- types in a sentence

    def _assign(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str, guess: bool) -> None:
        events: list[tuple[Mentions, Event]] = []
        closed = self._closed(sentence, hits)
        undecided = not cues.DEFERRING.isdisjoint(self._words) and cues.UNDECIDED.search(text) is not None
        revises = _REVISES.match(text) is not None
        several = len(hits) > 1 and any(hit.labels.keys() - hits[0].labels for hit in hits[1:])
        double = several and _DOUBLE.search(text) is not None
        twice = several and _TWICE.search(text) is not None
        tally = (
            len(hits) > 2 and sum(_TALLY.search(self._low, sentence.start, hit.start) is not None for hit in hits) > 1
        )
        conceding = not _CONCESSIONS.isdisjoint(self._words)
        previous: Hit | None = None
        kinds = self._kinds(sentence, groups, hits, text, guess)
        for hit, closes, kind in zip(hits, closed, kinds, strict=True):
            bound = self._bind(sentence, groups, hit, previous)
            unsure = not groups and not self._subjects.sure()
            if bound.firm and unsure and kind is Polarity.NO:
                bound = bound._replace(firm=False, direct=False)
            if bound.firm and kind is Polarity.NO and groups and not self._spoken_of(groups, bound.mentions):
                bound = bound._replace(firm=False)
            if bound.firm and _REMAINDER.search(self._low, sentence.start, hit.start):
                bound = bound._replace(firm=False, direct=False)
            if (not bound.mentions or not groups) and self._note_empty(sentence, hit):
                kind = Polarity.NO
            start, end = self._evidence(hit, groups)
            for label, level in hit.labels.items():
                firm = (
                    bound.firm and level >= HEADS and not tally and (closes or bound.beside or kind is not Polarity.YES)
                )
                if firm and conceding and _CONCEDES.search(self._low, hit.end, min(hit.end + 90, sentence.end)):
                    firm = kind is not Polarity.YES
                again = undecided if kind is Polarity.OPEN else revises
                event = Event(
                    kind,
                    label,
                    start,
                    end,
                    firm,
                    bound.faint,
                    double=double or unsure,
                    twice=twice,
                    again=again,
                    direct=bound.direct,
                    named=level >= HEADS,
                )
                events.append((bound.mentions, event))
            if kind is Polarity.YES:
                self._verdict = hit.labels
                self._name(sentence, hit, bool(groups))
            previous = hit
        self._settle(events, double)

    def _kinds(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str, guess: bool
    ) -> list[Polarity]:
        """What the sentence says of each type; in a row ("A or B", "A and B are on offer") it says the same of all."""
        kinds: list[Polarity] = []
        for hit in hits:
            turned = guess and " but " in self._low[sentence.start : hit.start] and not text.endswith("?")
            settled = guess and bool(groups) and self._settled(sentence, groups[0], hit)
            kinds.append(self._polarity(sentence, groups, hit, guess and not turned and not settled))
        for index in range(1, len(hits)):
            gap = self._low[hits[index - 1].end : hits[index].start]
            weighed = kinds[index - 1] is Polarity.OPEN and gap.rstrip(" \"'").endswith(" or")
            if kinds[index] is Polarity.YES and (weighed or _CHAIN.fullmatch(gap)):
                kinds[index] = kinds[index - 1]
        for index in range(len(hits) - 2, -1, -1):
            if kinds[index] is not Polarity.YES or kinds[index + 1] is not Polarity.OPEN:
                continue
            if _CHAIN.fullmatch(self._low, hits[index].end, hits[index + 1].start):
                kinds[index] = Polarity.OPEN
        return kinds

    def _settled(self, sentence: Sentence, subject: Group, hit: Hit) -> bool:
        """Whether a question is about something else: "X: a band, keep the article?"."""
        if "(" in self._low[hit.end : sentence.end] and subject.end <= hit.start:
            return True
        return (
            subject.end <= hit.start
            and self._subjects.is_key(subject)
            and _ADJACENT.fullmatch(self._low, subject.end, hit.start) is not None
            and _NEW_QUESTION.match(self._low, hit.end, sentence.end) is not None
        )

    def _closed(self, sentence: Sentence, hits: Sequence[Hit]) -> list[bool]:
        """Of each type whether it ends its phrase, as a verdict does; in a row ("A and B") the last decides."""
        closed = [_CLOSES.match(self._low, hit.end, sentence.end) is not None for hit in hits]
        for index in range(len(hits) - 2, -1, -1):
            if _CHAIN.fullmatch(self._low, hits[index].end, hits[index + 1].start):
                closed[index] = closed[index] and closed[index + 1]
        return closed

    def _polarity(self, sentence: Sentence, groups: Sequence[Group], hit: Hit, guess: bool) -> Polarity:
        low = self._low
        start = cues.clause_start(low, sentence.start, hit.start)
        for group in groups:
            if start < group.end <= hit.start and not group.quoted:
                denied = " not" in low[start : group.start] or "n't" in low[start : group.start]
                start = start if denied else group.end
        stop = cues.clause_end(low, hit.end, sentence.end)
        asks = low[hit.end : min(stop + 2, sentence.end)].lstrip(" \"')")[:1] == "?"
        after = low[hit.end : min(hit.end + 70, sentence.end)]
        before = low[start : hit.start]
        if '"' in before:
            before = _QUOTED.sub(" ", before)
        return cues.polarity(before, after, guess or asks, self._words)

    def _count(self, sentence: Sentence, hits: Sequence[Hit]) -> None:
        """A row of types without a mention: the schema, a tally, or "nothing in PER, LOC, ORG"."""
        before = self._low[sentence.start : hits[0].start]
        if cues.polarity(before, self._low[hits[-1].end : sentence.end], False, self._words) is not Polarity.NO:
            return
        if _DENIES_ALL.match(self._low, sentence.start, sentence.end):
            self._add_refusal(sentence, self._subjects.meant(), "")
        for hit in hits:
            self._note_empty(sentence, hit)

    def _name(self, sentence: Sentence, hit: Hit, grouped: bool) -> None:
        for label, level in hit.labels.items():
            if level >= HEADS:
                self.statements.decisions.append((hit.start, label, grouped))
                self.statements.named.setdefault((sentence.line, label), (hit.start, hit.end))

    def _evidence(self, hit: Hit, groups: Sequence[Group]) -> tuple[int, int]:
        start, end = hit.start, hit.end
        for group in groups:
            if abs(group.start - hit.start) < 300:
                start, end = min(start, group.start), max(end, group.end)
        return start, end

    def _settle(self, events: Sequence[tuple[Mentions, Event]], double: bool) -> None:
        """The last type that a sentence gives to a mention is its verdict, unless it gives both."""
        for index, (mentions, event) in enumerate(events):
            for mention in mentions:
                beaten = (
                    event.firm
                    and not double
                    and event.kind is Polarity.YES
                    and any(
                        other.firm and other.kind is Polarity.YES and other.label != event.label and mention in others
                        for others, other in events[index + 1 :]
                    )
                )
                self.statements.events[mention].append(event._replace(firm=False) if beaten else event)

    def _note_empty(self, sentence: Sentence, hit: Hit) -> bool:
        """Notes that a type is said to have no mention, if it is."""
        before = self._low[max(sentence.start, hit.start - 60) : hit.start]
        if NAMES not in hit.labels.values() or not cues.says_empty(before, self._low[hit.end : sentence.end]):
            return False
        for label, level in hit.labels.items():
            if level == NAMES:
                self.statements.empty[label] = hit.start
        return True

    # -- which mentions a type is about

    def _bind(self, sentence: Sentence, groups: Sequence[Group], hit: Hit, previous: Hit | None) -> Bound:
        """The mentions that a type is about; of a word out of a mention nothing firm is said."""
        key = self._subjects.key
        if (
            key is not None
            and groups
            and self._low[sentence.start : hit.start].rstrip(" \"'").endswith("→")
            and groups[0].end <= hit.start
            and self._subjects.lead(groups) is None
            and self._subjects.continues()
        ):
            return Bound(key.mentions, True, direct=True)
        bound = self._bind_any(sentence, groups, hit, previous)
        pieces = {mention for group in groups if group.part for mention in group.mentions}
        whole = {mention for group in groups if not group.part for mention in group.mentions}
        if bound.firm and pieces and set(bound.mentions) <= pieces - whole:
            return bound._replace(firm=False)
        return bound

    def _bind_any(self, sentence: Sentence, groups: Sequence[Group], hit: Hit, previous: Hit | None) -> Bound:
        low = self._low
        before = [group for group in groups if group.end <= hit.start and not _OWNS.match(low, group.end, sentence.end)]
        before = [group for group in before if not group.part] or before
        following = next((group for group in groups if group.start >= hit.end), None)
        if following is not None and _DIRECT.fullmatch(low, hit.end, following.start):
            key = ":" in low[hit.end : following.start]
            listed = not key or _LISTED.match(low, following.end, sentence.end + 1) is not None
            return Bound(following.mentions, listed and (not following.quoted or not before), direct=True, beside=True)
        if before and _ADJACENT.fullmatch(low, before[-1].end, hit.start):
            shown = [group for group in before if not group.quoted] if self._in_brackets(before[-1]) else []
            beside = (shown or before)[-1]
            placed = (
                _PLACED.search(low, max(sentence.start, beside.start - 40), beside.start) is not None
                and "," in low[beside.end : hit.start]
            )
            return Bound(beside.mentions, not placed, direct=not placed, beside=not placed)
        inner = _PREPOSITION.search(low, max(sentence.start, hit.start - 40), hit.start) is not None
        inner = inner and _AS_TYPE.search(low, max(sentence.start, hit.start - 30), hit.start) is None
        last = before[-1] if before else None
        if (
            last is not None
            and previous is not None
            and last.start >= previous.end
            and not last.quoted
            and _OPENS_CLAUSE.fullmatch(low, previous.end, last.start)
        ):
            bound = Bound(last.mentions, True, direct=True)
        elif before and before[0] is self._key_lead(groups):
            bound = Bound(before[0].mentions, True, direct=True)
        elif before:
            bound = self._bind_before(before, previous)
        elif not groups or _TOGETHER.search(low, sentence.start, min(hit.start, groups[0].start)):
            bound = self._bind_topic(sentence, hit)
        else:
            bound = Bound()
        if groups and not before and not bound.mentions:
            bound = Bound(tuple(mention for group in groups for mention in group.mentions))
        return Bound(bound.mentions, False, True) if inner else bound

    def _spoken_of(self, groups: Sequence[Group], mentions: Mentions) -> bool:
        """Whether a sentence names one of the mentions outside a longer quotation, or none at all."""
        own = [group for group in groups if not set(group.mentions).isdisjoint(mentions)]
        return not own or any(not group.quoted for group in own)

    def _in_brackets(self, group: Group) -> bool:
        """Whether a quotation in brackets shows the mention before it."""
        return group.quoted and self._bracketed(0, group.start)

    def _bracketed(self, start: int, at: int) -> bool:
        """Whether a bracket is open at `at` that was opened shortly before."""
        floor = max(start, at - 80)
        return self._low.rfind("(", floor, at) > self._low.rfind(")", floor, at)

    def _key_lead(self, groups: Sequence[Group]) -> Group | None:
        lead = self._subjects.lead(groups)
        return lead if lead is not None and self._subjects.is_key(lead) else None

    def _bind_before(self, before: Sequence[Group], previous: Hit | None) -> Bound:
        fresh = [group for group in before if previous is None or group.start >= previous.end]
        plain = [group for group in (fresh or before) if not group.quoted] or list(fresh or before)
        key = self._subjects.key
        if key is not None and all(group.quoted for group in before):
            return Bound(key.mentions, True)
        if len({group.mentions for group in plain}) == 1:
            return Bound(plain[0].mentions, True, direct=plain[0] is self._subjects.lead(before))
        if not fresh:
            return Bound(before[-1].mentions)
        return Bound(tuple(mention for group in plain for mention in group.mentions))

    def _bind_topic(self, sentence: Sentence, hit: Hit) -> Bound:
        low, subjects = self._low, self._subjects
        opening = low[sentence.start : hit.start]
        mark = _TYPE_KEY.match(low, hit.end, sentence.end) if len(opening) < 12 else None
        if mark is not None and mark["mark"] not in "?.":
            return Bound()
        together = _TOGETHER.search(low, sentence.start, hit.start)
        after = _TOGETHER_AFTER.match(low, hit.end, sentence.end)
        singular = _SINGULAR.search(opening) is not None
        if (together is not None and not singular) or after is not None:
            word = together[0] if together is not None else (after["n"] if after is not None else None) or "all"
            mentions, sure = subjects.together(word)
            return Bound(mentions, sure, direct=sure)
        if _HE.match(opening):
            return Bound(subjects.person())
        goes_on = subjects.continues()
        terse = len(opening) < 16 and sentence.end - hit.end < 3
        same_line = subjects.topic_line == sentence.line
        if subjects.key is not None:
            firm = same_line and (goes_on or terse)
            return Bound(subjects.key.mentions, firm, direct=firm)
        if not goes_on and not same_line:
            return Bound()
        mentions = tuple(mention for group in subjects.topic for mention in group.mentions)
        sure = len(subjects.topic) == 1 and not subjects.topic[0].quoted
        firm = sure and same_line and (goes_on or terse)
        return Bound(mentions, firm, direct=firm and (terse or singular or opening.lstrip().startswith("so ")))

    # -- answers to the trace's own questions, refusals and acceptances without a type

    def _answer(self, text: str, sentence: Sentence, asked: tuple[dict[int, int], Mentions], named: bool) -> None:
        labels, mentions = asked
        kind = Polarity.NO if cues.ANSWER_NO.match(text) else Polarity.YES if cues.ANSWER_YES.match(text) else None
        if kind is None:
            self._asked = asked if sentence.line == self._line and not self._late else None
            self._late = not self._late
            return
        self._late = False
        for label, level in labels.items():
            firm = level >= HEADS and kind is Polarity.NO
            self.statements.add(mentions, Event(kind, label, sentence.start, sentence.end, firm))
            if kind is Polarity.NO and not mentions and level == NAMES and not named and not self._shown:
                self.statements.empty[label] = sentence.start

    def _refuse(
        self,
        sentence: Sentence,
        groups: Sequence[Group],
        hits: Sequence[Hit],
        lead: Group | None,
        text: str,
        asked: tuple[dict[int, int], Mentions] | None,
    ) -> None:
        words = self._words
        if lead is not None and lead.part:
            return
        if lead is None and text.lstrip().startswith('"'):
            self._subjects.turn_to_other()
        base = sentence.start
        heading = cues.REFUSED_LIST.match(text)
        if heading is not None and not any(hit.start < base + heading.end() for hit in hits):
            for group in groups:
                if group.start >= base + heading.end() and not group.part and not group.quoted:
                    self._add_refusal(sentence, group.mentions, text)
            return
        for match in cues.REFUSAL.finditer(text) if not cues.REFUSING.isdisjoint(words) else ():
            typed = any(
                base + match.start() < hit.start < base + match.end() and max(hit.labels.values()) >= HEADS
                for hit in hits
            )
            if not (match["not"] and typed):
                refused = self._object(sentence, match, groups, lead)
                end = base + match.end()
                self._add_refusal(sentence, tuple(one for one in refused if not self._taken_later(one, end)), text)
        found = cues.NO_MENTION.search(text) if not cues.UNWANTED.isdisjoint(words) else None
        if found is None and not cues.POLITENESS.isdisjoint(words):
            found = cues.NOT_WANTED.search(text)
        if found is not None and cues.CONCESSION.match(text, found.end()) is None:
            start, end = base + found.start(), base + found.end()
            if not any(start < hit.end and hit.start < end + 3 for hit in hits):
                self._add_refusal(sentence, self._subject(sentence, groups, lead, start), text)
        if _ONLY.search(text) is not None and self._subjects.key is not None and groups and lead is None:
            kept = {mention for group in groups for mention in group.mentions}
            if not kept & set(self._subjects.key.mentions):
                self._add_refusal(sentence, self._subjects.key.mentions, text)
        if self._marked or not cues.ENDING.isdisjoint(words):
            self._refuse_in_a_word(sentence, groups, hits, lead, text, asked)

    def _taken_later(self, mention: int, at: int) -> bool:
        """Whether the same sentence takes a mention behind the place `at`."""
        return any(
            event.firm and event.kind is Polarity.YES and event.end > at
            for event in self.statements.events[mention][-3:]
        )

    def _refuse_in_a_word(
        self,
        sentence: Sentence,
        groups: Sequence[Group],
        hits: Sequence[Hit],
        lead: Group | None,
        text: str,
        asked: tuple[dict[int, int], Mentions] | None,
    ) -> None:
        """ "..., so no.": it refuses the type that was asked about, else the mention."""
        match = cues.NO_VERDICT.search(text, max(0, len(text) - 80))
        if match is None or re.search(r"\b(?:whether|if)\b", text[: match.start()]):
            return
        bracket = text.rfind("(", 0, match.start())
        if bracket >= 0 and '"' in text[bracket : match.start()] and ")" not in text[bracket : match.start()]:
            return  # it is about what stands in the bracket
        if self._unanswered:
            return  # it answers a question about something else
        at = sentence.start + match.start()
        before = [group for group in groups if group.end <= at]
        subject = lead or (before[-1] if before and not before[-1].quoted else None)
        mentions = subject.mentions if subject is not None else ()
        if subject is None and not before and _FOREIGN_SUBJECT.match(text) is None:
            mentions = self._subjects.meant()
        near = [hit for hit in hits if hit.end > at - 60 and hit.start < at]
        if near:
            for label, level in near[-1].labels.items():
                refused = Event(Polarity.NO, label, sentence.start, sentence.end, level >= HEADS)
                self.statements.add(mentions if before else (), refused)
            return
        if asked is not None and subject is None:
            for label in asked[0]:
                self.statements.add(asked[1], Event(Polarity.NO, label, sentence.start, sentence.end, True))
        else:
            self._add_refusal(sentence, mentions, text)

    def _add_refusal(self, sentence: Sentence, mentions: Mentions, text: str) -> None:
        if not mentions or cues.REPEATS.search(text) is not None:
            return
        soft = cues.ELSEWHERE.search(text) is not None
        self.statements.add(mentions, Event(Polarity.NO, EVERY, sentence.start, sentence.end, True, soft=soft))

    def _object(
        self, sentence: Sentence, match: re.Match[str], groups: Sequence[Group], lead: Group | None
    ) -> Mentions:
        """The mentions that a verb's object means."""
        name = next(name for name in ("object", "between", "thing", "none") if match[name] is not None)
        start, end = (sentence.start + at for at in match.span(name))
        verb = sentence.start + match.start()
        plain = [group for group in groups if not group.quoted and not group.part]
        first = next((group.start for group in plain if start <= group.start < end), end)
        if first < end and _ASIDE.search(self._low, start, first):
            return ()
        if name == "between" and _TWO_ACTS.search(self._low, start, end):
            return ()
        inside = tuple(mention for group in plain if start <= group.start < end for mention in group.mentions)
        if inside or not _PRONOUN.match(self._low, start, end):
            return inside
        before = [group for group in plain if group.end <= verb]
        if before:
            return lead.mentions if lead is not None and lead.end <= verb else before[-1].mentions
        together = _TOGETHER.search(self._low, start, end)
        if together is not None and together[0] not in ("they", "them", "their", "these", "those"):
            return self._subjects.together(together[0])[0]
        return self._subjects.meant()

    def _subject(self, sentence: Sentence, groups: Sequence[Group], lead: Group | None, at: int) -> Mentions:
        """The mentions of which a predicate at `at` speaks: the subject, or what a pronoun or nothing stands for."""
        if lead is not None and lead.end <= at:
            return lead.mentions
        if any(group.end <= at for group in groups):
            return ()
        return self._subjects.meant() if _IT.fullmatch(self._low, sentence.start, at) else ()

    def _accept(self, sentence: Sentence, groups: Sequence[Group], text: str) -> None:
        """An acceptance without a type takes the type that was last weighed for the mention."""
        if not self._marked and cues.ACCEPTING.isdisjoint(self._words):
            return
        if not cues.REFUSING.isdisjoint(self._words) and cues.REFUSAL.search(text) is not None:
            return
        named = [mention for group in groups for mention in group.mentions]
        if not named and self._verdict and cues.SAME_TYPE.search(text) is not None and self._subjects.sure():
            named = list(self._subjects.meant())
        if named and self._verdict and cues.SAME.search(text) is not None:
            firm = cues.SAME_TYPE.search(text) is not None
            for label, level in self._verdict.items():
                firmly = firm and level >= HEADS
                event = Event(Polarity.YES, label, sentence.start, sentence.end, firmly, direct=not groups)
                self.statements.add(named, event)
        if cues.ACCEPTANCE.search(text) is None:
            return
        for mention in named or self._subjects.meant():
            weighed = next((e for e in reversed(self.statements.events[mention]) if e.label != EVERY), None)
            label = weighed.label if weighed is not None and weighed.kind is Polarity.OPEN else EVERY
            self.statements.add((mention,), Event(Polarity.YES, label, sentence.start, sentence.end))
