"""Whether a trace is reasoning about its sentence at all.

In: the trace, the sentence, the mentions.  Out: one line that says what is wrong, or None.  Never judges whether
the reasoning is right, nor whether it is good: hesitating, repeating a point and long lists are no fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from operator import eq

from nercot.justification.lexicon import types_of
from nercot.justification.statements import find_hits
from nercot.justification.trace import Trace, read_trace, word_set
from nercot.records import Entity

# Where more than this share of the words are different ones, nothing loops.
_VARIED = 0.4
_MIN_LOOP = 20
# So many turns of the same words are a loop, if they are this many words; fewer are a habit.
_TURNS = 4
_MIN_RUN = 16
# Characters of a piece that has to come back in a loop.
_SAMPLE = 12
_MIN_STUTTERS = 5
_MIN_DRIFT = 40

_REFUSES = re.compile(
    r"\b(?:as an? (?:ai|language model|large language model|assistant)\b|i(?:'m| am) (?:sorry|afraid|unable)\b"
    r"|(?:cannot|can't) (?:help|assist|comply)|i (?:do not|don't) have (?:access|the ability))"
)
_INSTRUCTS = re.compile(
    r"\b(?:you are an? |your task|task:|extract (?:all|the|every|named)|(?:respond|answer|reply) (?:with|in|only)"
    r"|output (?:format|only|the|a)|return (?:only|a|the)|(?:entity )?types?:|sentence:|input:|instructions?:|use only"
    r"|do not (?:add|include|output|write)|in json|json (?:object|format)|think step|copy each|exactly as)"
)
_COMMANDS = word_set("extract respond reply output return json task instructions expert copy answer")
_CONTENT = re.compile(r"[^\W\d_]{4,}")
# Words that a trace about annotation has, whatever its sentence.
_ABOUT = word_set(
    "sentence text entity entities name names named type types label labels mention mentions list nothing none tag "
    "tags "
    "category categories schema annotate extract extraction token tokens span spans word words phrase noun nouns"
)


def degeneration(cot: str, sentence: str, schema: Sequence[str], entities: Sequence[Entity]) -> str | None:
    """Why the trace is no reasoning about this sentence, or None."""
    trace = read_trace(cot)
    words = list(filter(None, trace.words))
    if len(trace.vocabulary) < 12 and sum(map(str.isalpha, words)) < 2:
        return "the trace is empty"
    return _loop(words, trace.low) or _salad(words, trace) or _elsewhere(trace, words, sentence, schema, entities)


def _loop(words: Sequence[str], low: str) -> str | None:
    """Words that come again and again at one distance: the length of the loop."""
    if not any(low.count(low[at : at + _SAMPLE]) >= _TURNS for at in range(0, len(low) - _SAMPLE, len(low) // 12 + 1)):
        return None
    middle = len(words) // 2
    half = min((words[:middle], words[middle:]), key=lambda part: len(set(part)))
    if len(words) < _MIN_LOOP or len(set(half)) > _VARIED * len(half):
        return None
    plain = ["0" if word.isdigit() else word for word in (half if middle > 2 * _MIN_LOOP else words)]
    last: dict[tuple[str, ...], int] = {}
    distances: Counter[int] = Counter()
    for index, piece in enumerate(zip(plain, plain[1:], plain[2:], plain[3:], strict=False)):
        if piece in last:
            distances[index - last[piece]] += 1
        last[piece] = index
    for period, _ in distances.most_common(3):
        turns = (_TURNS - 1) * period
        run = 0
        for one, other in zip(plain, plain[period:], strict=False):
            run = run + 1 if one == other else 0
            if run >= max(_MIN_RUN, turns):
                return f"the trace loops: {' '.join(half[-period:])[:60]!r} over and over"
    return None


def _salad(words: Sequence[str], trace: Trace) -> str | None:
    """Words without grammar: the same word twice in a row again and again, or numbers in place of words."""
    if len(words) > 30 and sum(map(str.isdigit, words)) * 10 > 7 * len(words):
        return "the trace is a row of numbers"
    if sum(map(eq, words, words[1:])) < _MIN_STUTTERS:
        return None
    pairs = zip(trace.words, trace.words[1:], strict=False)
    stutters = sum(one == two and one.isalpha() for one, two in pairs)
    if stutters >= _MIN_STUTTERS and stutters * 20 > len(words):
        return f"the trace stutters: {stutters} words come twice in a row"
    return None


def _elsewhere(
    trace: Trace, words: Sequence[str], sentence: str, schema: Sequence[str], entities: Sequence[Entity]
) -> str | None:
    """A text that shares neither a mention nor words with the sentence, or repeats only the prompt."""
    low = trace.low
    if not _COMMANDS.isdisjoint(trace.vocabulary) and (detail := _echo(low, sentence, entities)):
        return detail
    content = {word.lower() for word in _CONTENT.findall(sentence)}
    if any(entity.text.lower() in low for entity in entities):
        return _drift(words, content) if trace.english else None
    shared = content & trace.vocabulary
    if "sorry" in low or "language model" in low or "can't" in low or "cannot" in low or "unable" in low:
        refuses = _REFUSES.search(low) is not None
    else:
        refuses = False
    if refuses and len(shared) * 3 <= len(content):
        return "the trace refuses or answers another request"
    if len(words) <= 25:
        return None
    if len(content) >= 4 and len(shared) * 8 <= len(content) and trace.english and (entities or not shared):
        return "the trace is about another sentence"
    if _ABOUT.isdisjoint(trace.vocabulary) and not find_hits(trace, types_of(tuple(schema)), ()):
        return "the trace is about another task"
    return None


def _drift(words: Sequence[str], content: set[str]) -> str | None:
    """A text that begins with the sentence and goes on about something else for most of its length."""
    anchors = [index for index, word in enumerate(words) if word in content or word in _ABOUT]
    last = anchors[-1] if anchors else 0
    if len(words) - last > max(_MIN_DRIFT, len(words) // 2):
        return f"the trace turns to something else: {' '.join(words[last + 1 : last + 12])!r}"
    return None


def _echo(low: str, sentence: str, entities: Sequence[Entity]) -> str | None:
    rest = low.replace(sentence.lower(), " ")
    pieces = [piece for piece in re.split(r"\n+|(?<=[.!?]) ", rest) if piece.strip()]
    asking = sum(_INSTRUCTS.search(piece) is not None for piece in pieces)
    if asking >= 2 and asking * 2 >= len(pieces) and not any(entity.text.lower() in rest for entity in entities):
        return "the trace repeats the prompt"
    return None
