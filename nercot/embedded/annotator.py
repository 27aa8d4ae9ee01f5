"""The embedded annotator: a record with gold -> an answer with a trace that argues for it.

In: records with their source's gold.  Out: the same records with an Answer by the teacher `embedded`, rendered by
answers.py.  The trace argues from what stands in the sentence, as a reader would; it never speaks of the gold, and
no model is called.  The same record gives the same trace on every run, but for its opening, which also depends on
the few records before it: neighbouring rows of a corpus never open alike.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from nercot.corpus.records import Answer, Entity, Outcome, Record
from nercot.embedded import frames
from nercot.embedded.clues import Clue, clues
from nercot.embedded.frames import Frame
from nercot.embedded.lexicon import FIELDS, READINGS, WORDS, Kind, kind_of, narrowed, singular
from nercot.embedded.scene import Candidate, Item, Scene
from nercot.embedded.writer import Writer, enumerate_words, quote
from nercot.errors import InputError
from nercot.validation.answers import render_answer

# Up to this many items are argued for one by one, in the order of the sentence; more are grouped by type.
FEW = 7
# So many mentions or types stand in one sentence at most.
CHUNK = 6
# A text of at most so many characters is quoted as a whole where there is no better way to speak of it.
SHORT = 60
# Openings of so many rows back are avoided: rows between two neighbours may be dropped later.
MEMORY = 4

# Clues that only name the neighbours.
WEAK = frozenset(how for how in frames.CLAUSES if how.endswith(("_name", "_word")))

_CALENDAR = re.compile(
    r"\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:january|february|march|april|june|july|august|september"
    r"|october|november|december|today|tomorrow|yesterday|tonight|night|morning|week|month|year|summer|winter|spring)",
    re.IGNORECASE,
)
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def annotate(records: Iterator[Record]) -> Iterator[Outcome]:
    """A record step: every record with gold gets its answer; without gold there is nothing to argue for."""
    recent: deque[Frame] = deque(maxlen=MEMORY)
    for record in records:
        if record.gold is None:
            yield Outcome(record, "empty_answer", "the embedded annotator argues for gold, and this row has none")
            continue
        cot = _trace(record, record.gold, recent)
        completion = render_answer(cot, record.gold, record.schema)
        answer = Answer(teacher="embedded", completion=completion, finish_reason="stop")
        yield Outcome(replace(record, answer=answer))


def require_gold(records: Iterable[Record]) -> None:
    """Raises InputError where not one record has gold: such a source needs a model."""
    if all(record.gold is None for record in records):
        raise InputError(
            "the embedded annotator needs a source with gold entities and this one has none: "
            "name a teacher with --teacher-url, or use a source with entities"
        )


def _trace(record: Record, gold: Sequence[Entity], recent: deque[Frame]) -> str:
    kinds, asked = _kinds(record.schema, record.schema_descriptions)
    if any(entity.label not in kinds for entity in gold):
        kinds = {**{entity.label: kind_of(entity.label) for entity in gold}, **kinds}
    typed = [(e.start, e.end, kinds[e.label]) for e in gold if e.start is not None and e.end is not None]
    scene = Scene(record.sentence, typed, asked)
    writer = Writer(record.guid)
    items = scene.items()
    types = count(len(record.schema), "type")
    _open(writer, scene, _family(record.guid), recent, types)
    present = {kind.label for item in items for kind in item.kinds}
    absent = [kinds[label] for label in record.schema if label not in present]
    _dismiss_words(writer, scene, items, absent)
    _accept(writer, scene, items)
    writer.line()
    _dismiss_types(writer, scene, absent, items)
    _close(writer, scene.count)
    return writer.trace()


@lru_cache(maxsize=1024)
def _kinds(schema: tuple[str, ...], descriptions: tuple[str, ...] | None) -> tuple[Mapping[str, Kind], frozenset[str]]:
    """The kinds of a schema by label, and the words of all their names."""
    described = descriptions or (None,) * len(schema)
    kinds = {label: kind_of(label, text) for label, text in zip(schema, described, strict=True)}
    families = [kind.family.key for kind in kinds.values()]
    kinds = {label: narrowed(kind) if families.count(kind.family.key) > 1 else kind for label, kind in kinds.items()}
    return kinds, frozenset[str]().union(*(kind.own for kind in kinds.values()))


def count(number: int, noun: str) -> str:
    """`three types`."""
    word = _COUNTS[number] if number < len(_COUNTS) else str(number)
    return f"{word} {noun}" if number == 1 else f"{word} {noun}s"


def _family(guid: str) -> int:
    """Which family of openings a row takes: partitions next to each other have different ones."""
    digit = "0123456789abcdef".find(guid[:1].lower()) if guid else -1
    return digit if digit >= 0 else Writer(guid).draw(len(frames.OPENINGS))


# ---------------------------------------------------------------------------------------------- the opening


def _open(writer: Writer, scene: Scene, family: int, recent: deque[Frame], types: str) -> None:
    free = [frame for frame in frames.OPENINGS[family] if frame not in recent]
    frame = free[writer.draw(len(free))]
    recent.append(frame)
    writer.line()
    writer.write(frame, t=_topic(writer, scene), n=types)


def _topic(writer: Writer, scene: Scene) -> str:
    form = _form(scene.sentence)
    if form:
        return writer.wording(frames.TOPICS["form"], field=form)
    found: dict[str, dict[str, str]] = {}
    for word in dict.fromkeys(scene.words):
        field = FIELDS.get(word)
        if field is not None and scene.asked.isdisjoint((word, *field.split())):
            found.setdefault(field, {}).setdefault(singular(word), word)
    field = max(found, key=lambda name: len(found[name]), default="")
    if field and len(found[field]) > 1:
        first, second = list(found[field].values())[:2]
        return writer.wording(frames.TOPICS["field_two"], field=field, w=quote(first), x=quote(second))
    content = scene.content
    if len(content) > 1:
        return writer.wording(frames.TOPICS["words_two"], w=quote(content[0]), x=quote(content[1]))
    if content:
        return writer.wording(frames.TOPICS["words_one"], w=quote(content[0]))
    line, *more = scene.sentence.strip().split("\n", 1)
    if len(line) <= SHORT:
        return writer.wording(frames.TOPICS["line" if more else "whole"], w=quote(line.removesuffix(".")))
    words = (word for word in scene.words if word.isascii() and len(word) > 2)
    first = next((word for word in words if word.lower() not in WORDS["stopwords"]), "")
    how = "begin" if first and " " in scene.sentence else "size"
    return writer.wording(frames.TOPICS[how], w=quote(first), size=_size(scene.sentence))


def _form(sentence: str) -> str:
    head = sentence[:400]
    if "http://" in head or "https://" in head or (len(sentence) < 300 and ("#" in head or " @" in head)):
        return "a short post" if len(sentence) < 300 else "a page from the web"
    if head.count(";\n") + head.count("{\n") + head.count("();") + head.count("#include") > 1:
        return "a piece of code"
    if head.startswith(("Q:", "A:")):
        return "a question with its answer"
    return ""


def _size(sentence: str) -> str:
    words = len(sentence[:2000].split())
    if words > 1:
        return count(words, "word") if len(sentence) <= 2000 else "many words"
    return count(len(sentence), "character")


# ---------------------------------------------------------------------------------------------- acceptance


def _accept(writer: Writer, scene: Scene, items: list[Item]) -> None:
    if len(items) <= FEW:
        _accept_in_order(writer, scene, items, first=True)
        return
    by_kinds: dict[tuple[Kind, ...], list[Item]] = {}
    for item in items:
        by_kinds.setdefault(item.kinds, []).append(item)
    for group in by_kinds.values():
        alone = 1 if len(group) > 3 else len(group)
        _accept_in_order(writer, scene, group[:alone], first=group[0] is items[0])
        for start in range(alone, len(group), CHUNK):
            _accept_more(writer, scene, group[start : start + CHUNK])


def _accept_in_order(writer: Writer, scene: Scene, items: list[Item], first: bool) -> None:
    """One sentence an item, and one for the items that only go on with its list."""
    at = 0
    while at < len(items):
        leader = items[at]
        writer.line()
        _accept_one(writer, scene, leader, frames.ACCEPT if first and not at else frames.ACCEPT_NEXT, len(items) < 4)
        stop = at + 1
        while stop < len(items) and items[stop].joined == items[stop - 1].text and _plain(items[stop]):
            stop += 1
        if stop > at + 1 and _plain(leader):
            _accept_list(writer, leader, items[at + 1 : stop])
            at = stop
        else:
            at += 1


def _plain(item: Item) -> bool:
    return len(item.spans) == 1 and len(item.kinds) == 1 and not item.nested and not (item.place or item.phrases)


def _accept_one(writer: Writer, scene: Scene, item: Item, single: Sequence[Frame], at_length: bool) -> None:
    """A sentence for one item; `at_length`: with a second reason, if there is a good one."""
    mention = _mention(writer, item)
    kind, *others = item.kinds
    if not others:
        reason = _reason(writer, scene, item, kind, at_length)
        gloss = f" ({kind.gloss})" if kind.gloss and writer.once(kind.tick) else ""
        writer.say(single, m=mention, L=kind.tick + gloss, is_L=kind.predicate + gloss, c=reason)
    elif len(others) == 1:
        other = others[0]
        first = _own_clue(scene, item, kind, None)
        second = _own_clue(scene, item, other, first)
        reasons = {"c": _clause(writer, first, kind), "d": _clause(writer, second, other)}
        slots = {"L": kind.tick, "is_L": kind.predicate, "K": other.tick, "is_K": other.predicate}
        writer.say(frames.ACCEPT_BOTH, m=mention, **reasons, **slots)
    else:
        ticks = enumerate_words([one.tick for one in item.kinds])
        writer.say(frames.ACCEPT_ALL, m=mention, ls=ticks, c=_reason(writer, scene, item, kind, at_length))


def _accept_list(writer: Writer, leader: Item, items: list[Item]) -> None:
    for start in range(0, len(items), CHUNK):
        part = items[start : start + CHUNK]
        one = len(part) == 1
        writer.say(
            frames.ACCEPT_LIST,
            m=quote(leader.text),
            ms=enumerate_words([quote(item.text) for item in part]),
            L=leader.kinds[0].tick,
            go="goes" if one else "go",
            share="shares" if one else "share",
            stand="stands" if one else "stand",
            they_are="it is" if one else "they are",
        )


def _accept_more(writer: Writer, scene: Scene, items: list[Item]) -> None:
    parts = [f"{quote(item.text)} ({_brief(scene, item)})" for item in items]
    ticks = [kind.tick for kind in items[0].kinds]
    writer.line()
    writer.say(
        frames.ACCEPT_MORE,
        L=enumerate_words(ticks),
        ms=enumerate_words(parts),
        are="is" if len(items) == 1 else "are",
    )


def _mention(writer: Writer, item: Item) -> str:
    """The mention in quotes, with what tells it from others of the same look, and how often it occurs."""
    mention = quote(item.text)
    if item.place:
        mention = f"the {item.place} {mention}"
    elif item.phrases:
        mention = f"{mention} as in {_phrases(item)}"
    elif item.nested:
        mention = writer.wording(frames.NESTED, m=mention)
    if len(item.spans) > 1:
        mention = writer.wording(frames.REPEATED, m=mention, times=_times(item))
    return mention


def _reason(writer: Writer, scene: Scene, item: Item, kind: Kind, at_length: bool) -> str:
    """The strongest clue in words, and a second one that does not merely name the neighbours."""
    found = list(islice(clues(item, kind, scene), 2 if at_length else 1))
    first = _clause(writer, found[0], kind)
    if len(found) == 1 or found[1].how in WEAK or found[1].word in found[0].word:
        return first
    return writer.wording(frames.AND_ALSO, c=first, d=_clause(writer, found[1], kind))


def _own_clue(scene: Scene, item: Item, kind: Kind, taken: Clue | None) -> Clue:
    """A clue for this of two types: where possible one that has its name in it, and another than the one taken."""
    found = [clue for clue in clues(item, kind, scene) if clue != taken]
    named = (clue for clue in found if any(singular(word.lower()) in kind.own for word in clue.word.split()))
    return next(named, found[0] if found else taken or Clue("alone_word"))


def _clause(writer: Writer, clue: Clue, kind: Kind) -> str:
    variants = kind.family.leads[clue.word.lower()] if clue.how == "led" else frames.CLAUSES[clue.how]
    return writer.wording(variants, w=quote(clue.word), x=quote(clue.other), g=kind.one, gs=kind.many)


def _brief(scene: Scene, item: Item) -> str:
    clue = next(clues(item, item.kinds[0], scene))
    text = frames.BRIEF.get(clue.how, frames.BRIEF_DEFAULT).format(w=quote(clue.word), x=quote(clue.other))
    if item.place:
        return f"the {item.place} one"
    if item.phrases:
        return f"as in {_phrases(item)}"
    return f"{text}, {_times(item)}" if len(item.spans) > 1 else text


def _phrases(item: Item) -> str:
    return enumerate_words([quote(phrase) for phrase in item.phrases])


def _times(item: Item) -> str:
    return "twice" if len(item.spans) == 2 else count(len(item.spans), "time")


# ---------------------------------------------------------------------------------------------- dismissal


def _dismiss_words(writer: Writer, scene: Scene, items: list[Item], absent: list[Kind]) -> None:
    """What tempts is dealt with before the mentions, so that the last word on these is what they are."""
    for name, kind in islice(_other_readings(items, absent), 2):
        writer.say(frames.CANDIDATES["reading"], w=quote(name), L=kind.tick, g=kind.one)
    for twin in islice(scene.twins(), 2):
        _dismiss(writer, twin)
    for candidate in scene.tempting:
        _dismiss(writer, candidate)
    if (len(scene.tempting) < 2 or not scene.count) and (
        fresh := [word for word in scene.content if not writer.has(quote(word))]
    ):
        how = "ordinary_two" if len(fresh) > 1 else "ordinary_one"
        writer.say(frames.CANDIDATES[how], w=quote(fresh[0]), x=quote(fresh[-1]))


def _other_readings(items: list[Item], absent: list[Kind]) -> Iterator[tuple[str, Kind]]:
    """Mentions whose name can be read in another way, each with the absent type that this would be."""
    for name in {item.text.casefold(): item.text for item in reversed(items)}.values():
        known = READINGS.get(name.casefold(), frozenset())
        own = {kind.family.key for item in items if item.text.casefold() == name.casefold() for kind in item.kinds}
        kind = next((kind for kind in absent if kind.family.key in known - own), None)
        if kind is not None:
            yield name, kind


def _dismiss(writer: Writer, candidate: Candidate) -> None:
    writer.say(frames.CANDIDATES[candidate.how], w=quote(candidate.text), x=quote(candidate.other))


def _dismiss_types(writer: Writer, scene: Scene, absent: list[Kind], items: list[Item]) -> None:
    """One sentence for each reason, the general one last."""
    taken = {kind.family.key for item in items for kind in item.kinds}
    grouped: dict[tuple[str, str], list[Kind]] = {}
    for kind in absent:
        grouped.setdefault(_why_absent(scene, kind, taken), []).append(kind)
    specific = [entry for entry in grouped.items() if entry[0][0] != "general"][:3]
    named = {kind.label for _, group in specific for kind in group}
    rest = [kind for kind in absent if kind.label not in named]
    for (how, word), group in specific:
        _dismiss_group(writer, how, word, group)
    for start in range(0, len(rest), 2 * CHUNK):
        _dismiss_group(writer, "general", "", rest[start : start + 2 * CHUNK])


def _dismiss_group(writer: Writer, how: str, word: str, group: list[Kind]) -> None:
    labels = enumerate_words([kind.tick for kind in group], "or")
    writer.say(frames.ABSENT[how], ls=labels, w=quote(word), gs=group[0].family.many)


def _why_absent(scene: Scene, kind: Kind, taken: set[str]) -> tuple[str, str]:
    """(how, word): the most telling reason why a type has no mention."""
    family = kind.family.key
    noun = scene.singulars.get(kind.words[-1]) if len(kind.words) == 1 else None
    if noun is not None:
        return "general_noun", noun
    if family in ("quantity", "money") and not re.search(r"\d", scene.sentence):
        return "figures", ""
    if family == "time" and not _CALENDAR.search(scene.sentence):
        return "calendar", ""
    if family in taken and family != "other":
        return "claimed", family
    if family == "person" and "person" not in taken and not scene.tempting:
        return "nobody", ""
    return "general", ""


def _close(writer: Writer, mentions: int) -> None:
    if mentions:
        writer.say(frames.CLOSING, count=count(mentions, "mention"))
    else:
        writer.say(frames.CLOSING_EMPTY)
