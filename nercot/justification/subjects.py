"""What the sentences of a trace speak of: mentions in groups, the key of a line, and what "it" and "both" mean.

In: the references of a trace, sentence by sentence.  Out: groups of mentions.  Knows nothing of types.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nercot.justification.mentions import Reference
from nercot.justification.places import Places
from nercot.justification.trace import Sentence, Trace, word_set


class Group(NamedTuple):
    """Mentions named in one breath; `quoted`, `part`: as of a Reference."""

    start: int
    end: int
    mentions: tuple[int, ...]
    quoted: bool
    part: bool = False


Mentions = tuple[int, ...]

# What stands between the mentions of a list.
_LIST_GAP = re.compile(
    r"[\s\"')\]]*(?:(?:,|;|/|\+|&|\||and|or|plus|then|as well as|along with|finally|also|the|both|with|versus|vs\.?|to"
    r"|by|=|aka|\d[.)]?)[\s\"'(]*){1,4}"
)
_INITIALS = re.compile(r"[\s\"']*\(\s*[\"']?")
# What may stand before the subject of a sentence.
_LIGHT = re.compile(
    r"[\s\W]*(?:(?:the|a|an|and|then|now|next|so|ok|okay|also|first|second|third|finally|last|lastly|as for|what about"
    r"|how about|in|at|for|on|by|from|to|but|hmm|with|here|line|item|step|number|span|string|phrase|token|word|name"
    r"|term|mention|candidate|we have|here's|here is|that leaves|leaves|remains|there is|there's|i see|looking at|consider|take|regarding|is|are|does|should"
    r"|could|can|\d{1,2}|[a-z]\b)[\s\W]+)*"
)
_KEY_MARK = re.compile(
    r"[\"')\]\s]*(?:(?:itself|himself|herself|themselves|alone|again|too)\s*)?(?:[:=→–|(]|-\s|\s-\s|,)"
)
_CONTINUES = re.compile(
    r"\W*(?:it|its|it's|he|he's|she|she's|they|they're|this|that|that's|these|those|both|all|each|so|hence|thus"
    r"|therefore|and|but|also|which|who|type|label|verdict|decision|final|the former|the latter|here|then|still|ok"
    r"|okay|again|either way|in short|i'd|i|we|as|not|no|yes|a|an|another|same|definitely|clearly|wait|hmm|hm|actually"
    r"|either|neither|one|two|three|four|five|six|seven|clear|well|in the end|for (?:him|her|it|them)|my|on|there"
    r"|since|because|everything|everyone|with|given|at|only|just|though|yet)\b"
)
_REFERS = word_set(
    "it its it's this that that's they they're them their these those he he's him his she she's her both one"
)
_ITEM_LINE = re.compile(r"\s*(?:[-•·#>|]|\d{1,2}[.)] )")
_PERSON = word_set("he him his she her he's she's")
# A sentence about something that is no mention: a quoted string, a word, a key of its own.
_FOREIGN = re.compile(
    r"[\s(>•·-]*(?:\"[^\"\n]+\"\s*(?:[:=→–(,]|-\s|is\b|are\b|was\b)"
    r"|(?!(?:type|label|verdict|decision|final|answer|so|result|category|conclusion|hence|and|also|note|that|this|it|which|i|but|wait|correction|no|yes|ok|okay|well|hmm|then|still|rather)\b)"
    r"[^\W\d_][\w' ]{0,40}:\s|(?!(?:yes|no|nope|wait|hmm|so|then|rather|actually|final|correction|now|or|and|but|maybe|still)\b)[^\W\d_][\w' ]{0,40} [–→=] "
    r"|(?:the |this |that )?(?:word|token|string|phrase|term|span|part|bit|expression|adjective|noun|verb|suffix"
    r"|prefix|preposition) \"[^\"\n]+\")"
)
_ASKS = re.compile(
    r"\W*(?:and |but |so |now |then |also |next |or )*(?:what about|how about|as for|does|is|should|could|would|can) "
    r"(?:the |a )?(?:\w+ )?\"[^\"\n]+\""
)
# A sentence that shows something else, or has a subject of its own.
_SHOWS = re.compile(r"[^\"\n]{0,40}\"[^\"\n]+\"")
_OWN_SUBJECT = re.compile(
    r"\W*(?:and |but |so |then |also )?(?:the|another) (?!(?:verb|context|grammar|wording|phrasing|preposition|position|capitals?|plural|article|comma|bracket|meaning|sense|setting|topic|subject|object|usage|clue|type|label|answer|verdict|decision|sentence|text|context|name"
    r"|mention|span|word|string|phrase|term|whole|thing|pair|two|three|former|latter|first|second|third|last|same|only"
    r"|closest|nearest|best|fact|reason|point|question|schema|category|class)\b)\w+"
    r"|\W*(?:and |but |so |then |also )?the (?:two|three|four|other|first|second) (?!(?:names?|ones?|mentions?|of|strings?|words?"
    r"|are|were|is|was|items?|spans?|types?|labels?|readings?|candidates?|and|or)\b)[a-z]+"
)
_PRONOUN_FIRST = re.compile(
    r"\W*(?:and |but |so |then |here |still |since |as )*(?:it|it's|this|that|that's|these|those|they|they're|both)\b"
    r"(?! (?:leaves?|brings?|mentions?|names?|contains?|lists?|begins?|starts?|opens?|ends?|introduces?)\b)"
)
_RANKED = re.compile(r"\W*(?:the )?(first|second|third|fourth|last|former|latter)(?: (?:one|name|item|mention|span))\b")
_FORMER = re.compile(r"\bthe (former|latter)(?! (?:one |is |it )?(?:here|fits|wins|type|label|reading)\b)(?= )")
_RANKS = {"first": 0, "former": 0, "second": 1, "latter": 1, "third": 2, "fourth": 3, "last": -1}
_PLACES = frozenset((*_RANKS, "left", "right"))
_COLUMN = re.compile(r"\b(left|right)(?:-hand)? (?:side|column)\b")
_COLUMN_GAP = re.compile(r"[\s\"')]*(?:[→:|=]|–|-\s)[\s\"'(]*")
_COUNTS = {"both": 2, "pair": 2, "two": 2, "three": 3, "trio": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_COUNTS |= {"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}


# The deepest that a line is indented, in characters.
_INDENT = 200


class Subjects:
    """Remembers what the sentences so far spoke of; `words`: surfaces that may be mere words of the sentence."""

    def __init__(self, trace: Trace, references: Sequence[Reference], places: Places, words: frozenset[int]) -> None:
        self._words = words
        self._trace = trace
        self._references = references
        self._occurrences = places
        self._at = 0
        self._sentence = Sentence(0, 0, 0, 0)
        self._stale = False
        self._places = not trace.vocabulary.isdisjoint(_PLACES)
        self._sole = True
        self._heading: tuple[Group, int, bool] | None = None
        self._block: dict[int, None] = {}  # in the order in which they were named first
        self._before: dict[int, None] = {}
        self._columns: dict[str, list[int]] = {"left": [], "right": []}
        self._last: Group | None = None
        self.topic: tuple[Group, ...] = ()
        self.topic_line = -1
        self._topic_paragraph = 0
        self.key: Group | None = None

    @property
    def idle(self) -> bool:
        """Whether there is nothing that a pronoun could mean."""
        return not self.topic and self.key is None

    def enter(self, sentence: Sentence) -> list[Group]:
        """Moves on to a sentence; the groups of mentions that it names."""
        if sentence.line != self._sentence.line:
            self.key = self._under_heading(sentence)
        if sentence.paragraph != self._sentence.paragraph and self._block:
            self._before, self._block = self._block, {}
        self._sentence = sentence
        groups = self._named(sentence)
        if self._occurrences and (counted := self._counted(sentence, groups)) is not None:
            return [counted, *groups]
        if not self._places or not (self._block or self._before) or any(not group.quoted for group in groups):
            return groups
        return [*self._meant_by_place(sentence), *groups]

    def _counted(self, sentence: Sentence, groups: Sequence[Group]) -> Group | None:
        """ "The second one ..." of a mention that occurs several times, as a group."""
        low, end = self._trace.low, sentence.end
        if groups:
            end = min(end, groups[0].start)
        spoken = [self.key, *self.topic, self._last]
        for mention in dict.fromkeys(one for group in spoken if group is not None for one in group.mentions):
            stop = self._occurrences.note(mention, sentence.start, low[sentence.start : end])
            if stop is not None:
                return Group(sentence.start, sentence.start + stop, (mention,), False)
        return None

    def lead(self, groups: Sequence[Group]) -> Group | None:
        """The group that the sentence opens with: its subject."""
        if groups and _LIGHT.fullmatch(self._trace.low, self._sentence.start, groups[0].start):
            return groups[0]
        return None

    def is_key(self, group: Group) -> bool:
        """Whether the group is what a sentence is about, as in "X: ..." and "X → ..."."""
        low, end = self._trace.low, group.end
        if group.quoted:
            close = low.find('"', end, end + 80)
            end = close + 1 if close >= 0 else end
        return _KEY_MARK.match(low, end, min(end + 12, self._sentence.end)) is not None

    def opens_line(self) -> bool:
        """Whether the sentence is the first of its line."""
        low, start = self._trace.low, self._sentence.start
        floor = max(0, start - _INDENT)
        line = low.rfind("\n", floor, start)
        return (line >= 0 or floor == 0) and not low[line + 1 if line >= 0 else 0 : start].strip()

    def continues(self) -> bool:
        """Whether the sentence begins like one that goes on about the same thing."""
        return _CONTINUES.match(self._trace.low, self._sentence.start, self._sentence.end) is not None

    def refers(self) -> bool:
        """Whether a pronoun of the sentence may mean what was spoken of."""
        first = bisect_left(self._trace.starts, self._sentence.start)
        last = bisect_left(self._trace.starts, self._sentence.end, first)
        return not _REFERS.isdisjoint(self._trace.words[first:last])

    def _under_heading(self, sentence: Sentence) -> Group | None:
        """The mention that is the heading of the lines in which a sentence stands."""
        if self._heading is None:
            return None
        group, paragraph, marked = self._heading
        if sentence.paragraph > paragraph + marked or _ITEM_LINE.match(self._trace.low, sentence.start):
            self._heading = None
            return None
        self.topic, self.topic_line, self._stale = (group,), sentence.line, False
        return group

    def _note_heading(self, lead: Group) -> None:
        """Takes note of a line that holds a mention and nothing else, and is no item of a list."""
        low = self._trace.low
        start, stop = low.rfind("\n", 0, lead.start) + 1, low.find("\n", lead.end)
        if stop < 0 or low[lead.end : stop].strip(" :.\"')"):
            return
        marked = low[start : start + 1] == "#"
        follows = low[stop + 1 : stop + 2]
        if marked or (follows not in ("\n", " ", "") and low[start : lead.start].strip(" \"'(") == ""):
            self._heading = lead, self._sentence.paragraph, marked

    def _means_person(self) -> bool:
        first = bisect_left(self._trace.starts, self._sentence.start)
        last = bisect_left(self._trace.starts, self._sentence.end, first)
        return not _PERSON.isdisjoint(self._trace.words[first:last])

    def turn_away(self, groups: Sequence[Group], hits: Sequence[tuple[int, int]]) -> None:
        """Forgets the topic where a sentence turns to something that is no mention; `hits`: spans of type names."""
        sentence, low = self._sentence, self._trace.low
        if self.idle or (groups and groups[0].start - sentence.start < 60):
            return
        if any(group.mentions == self.recent() for group in groups):
            return
        goes_on = self.continues()
        if not groups and not goes_on and not (hits and sentence.end - sentence.start < 40) and not self.refers():
            self._stale = True
        shows = '"' in low[sentence.start : sentence.end]
        if not groups and (
            (sentence.paragraph != self._topic_paragraph and not self.refers())
            or (shows and _SHOWS.match(low, sentence.start, sentence.end) and not self._means_person())
            or (_OWN_SUBJECT.match(low, sentence.start, sentence.end) and not _near_article(low, sentence, hits))
        ):
            self._stale = True
        asks = _ASKS.match(low, sentence.start, sentence.end) if shows else None
        asks_foreign = asks is not None and not any(start < asks.end() for start, _ in hits)
        marked = shows or any(sign in low[sentence.start : sentence.end] for sign in ":–→=")
        if asks_foreign or (marked and _FOREIGN.match(low, sentence.start, sentence.end)):
            self.topic, self.key = (), None
        elif not groups and not hits and not goes_on and self.opens_line():
            self.topic = ()

    def turn_to_other(self) -> None:
        """Takes note that the sentence is about something else, whatever its pronouns."""
        self._stale = True

    def meant(self) -> Mentions:
        """What "it" is: what the last sentences spoke of, as long as none turned to something else."""
        if self._stale:
            return ()
        if self.key is not None and not self.topic:
            return () if self.key.part else self.key.mentions
        return self.topic[0].mentions if self.topic and not self.topic[0].part else ()

    def stands_first(self) -> bool:
        """Whether a pronoun that means the topic is the subject of the sentence."""
        return (
            not self.idle
            and _PRONOUN_FIRST.match(self._trace.low, self._sentence.start, self._sentence.end) is not None
        )

    def recent(self) -> Mentions:
        """What was spoken of last, whatever else the sentences since were about."""
        if self.topic:
            return self.topic[0].mentions
        return self.key.mentions if self.key is not None else ()

    def sure(self) -> bool:
        """Whether "it" can only be one thing: the last sentence named nothing else, and none since has turned away."""
        return not self._stale and self._sole

    def person(self) -> Mentions:
        """What "he" and "she" are: whoever was named last."""
        return self._last.mentions if self._last is not None and not self._stale else ()

    def together(self, word: str) -> tuple[Mentions, bool]:
        """What "both" or "all three" are, and whether that is sure: the last so many mentions of the paragraph."""
        block = tuple(self._block or self._before)
        count = _COUNTS.get(word) or (int(word) if word.isdigit() else 0)
        topic = tuple(dict.fromkeys(mention for group in self.topic for mention in group.mentions))
        if count > len(block):
            return topic, False
        if count and len(topic) == count:
            return topic, True
        return block, len(block) == count

    def remember(self, groups: Sequence[Group], lead: Group | None) -> None:
        """Takes note of what the sentence spoke of."""
        low, sentence = self._trace.low, self._sentence
        plain = [group for group in groups if not group.quoted] or list(groups)
        for group in plain:
            self._block.update((mention, None) for mention in group.mentions if mention not in self._words)
        if lead is not None:
            if not lead.quoted and self.key is not None and lead.mentions != self.key.mentions:
                self.key = None
            alone = self.opens_line() and not low[lead.end : sentence.end].strip(" .\"')")
            if alone or self.is_key(lead):
                self.key = lead
            if alone:
                self._note_heading(lead)
        if not plain:
            return
        self._last = plain[-1]
        self._sole = len({group.mentions for group in plain}) == 1 or (self.key is not None and lead is self.key)
        goes_on = _PRONOUN_FIRST.match(low, sentence.start, sentence.end) is not None
        if lead is None and goes_on:
            return
        self._stale = False
        self.topic = (lead,) if lead is not None else tuple(plain)
        self.topic_line = sentence.line
        self._topic_paragraph = sentence.paragraph

    def forget(self) -> None:
        """Drops the topic: a question about something unnamed was asked."""
        self.topic, self.key = (), None

    def _named(self, sentence: Sentence) -> list[Group]:
        groups: list[Group] = []
        references = self._references
        while self._at < len(references) and references[self._at].start < sentence.end:
            start, end, mention, quoted, part = references[self._at]
            self._at += 1
            last = groups[-1] if groups else None
            if last is not None and last.quoted == quoted and self._joined(last.end, start, end):
                mentions = last.mentions if mention in last.mentions else (*last.mentions, mention)
                groups[-1] = Group(last.start, end, mentions, quoted, last.part and part)
                continue
            if last is not None and _COLUMN_GAP.fullmatch(self._trace.low, last.end, start):
                self._columns["left"].extend(last.mentions)
                self._columns["right"].append(mention)
            groups.append(Group(start, end, (mention,), quoted, part))
        return groups

    def _joined(self, before: int, start: int, end: int) -> bool:
        if start - before > 30:
            return False
        if _INITIALS.fullmatch(self._trace.low, before, start):
            return self._trace.plain[start:end].isupper()
        return _LIST_GAP.fullmatch(self._trace.low, before, start) is not None

    def _pair(self) -> tuple[int, int] | None:
        """The two mentions that were named last in one breath."""
        for group in reversed(self.topic):
            if len(group.mentions) == 2:
                return group.mentions[0], group.mentions[1]
        return None

    def _meant_by_place(self, sentence: Sentence) -> list[Group]:
        """ "The second one" and "the left column" as groups."""
        low = self._trace.low
        block = list(self._block or self._before)
        pair = self._pair()
        if pair is not None and _FORMER.search(low, sentence.start, sentence.end):
            return [
                Group(match.start(1), match.end(1), (pair[match[1] == "latter"],), False)
                for match in _FORMER.finditer(low, sentence.start, sentence.end)
            ]
        ranked = _RANKED.match(low, sentence.start, sentence.end)
        if ranked is not None and _RANKS[ranked[1]] < len(block):
            return [Group(ranked.start(1), ranked.end(), (block[_RANKS[ranked[1]]],), False)]
        column = _COLUMN.search(low, sentence.start, sentence.end) if self._columns["left"] else None
        if column is not None:
            return [Group(column.start(), column.end(), _once(self._columns[column[1]]), False)]
        return []


def _near_article(low: str, sentence: Sentence, hits: Sequence[tuple[int, int]]) -> bool:
    """Whether a type stands right after the article that opens a sentence: "The singer, so ..."."""
    return bool(hits) and not low[sentence.start : hits[0][0]].strip(" \"'(").partition(" ")[2]


def _once(mentions: Iterable[int]) -> Mentions:
    return tuple(dict.fromkeys(mentions))
