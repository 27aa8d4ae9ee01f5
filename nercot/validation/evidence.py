"""Where a trace speaks of a mention, told by the signs alone: no language, no model.

In: a trace, the sentence, grounded entities.  Out: which mentions the trace never speaks of, and for each
mention the passage that stands as its evidence where no reader says which one it is.  Never judges what the
trace says of a mention: that is read, not matched (reading.py).

Evidence is the passage in which the mention and its type stand nearest to each other, else the first place of
the mention, else None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from nercot.corpus.records import Entity
from nercot.validation.borders import is_joined_script
from nercot.validation.folding import Span

# A type that stands further away from the mention is another matter.
_REACH = 300
# Places of one mention that are looked at: it bounds the time of a text made to be slow.
_MAX_PLACES = 50
# A sentence with so few letters beside a mention is little more than the mention.
_LITTLE_MORE = 12
# Signs at which no word is cut.
_PLAIN = " .,;:!?()[]\"'\n\t-/“”„«»‘’…—–→*`|=<>、，。：；！？「」『』（）"
_NO_WORDS = frozenset((*_PLAIN, ""))
_SHORT = 3  # letters; a shorter word alone may stand anywhere
_STEM, _ENDING = 4, 2  # a longer word may stand there with another ending
_PAIR = 2  # characters that make a word of a script without spaces

# The one letter whose lower case is longer.
_LONGER = "\u0130"

_WORD = re.compile(r"\w+")
_SEPARATORS = re.compile(r"[_\-\s]+")


def evidence(low: str, listed: Sequence[tuple[str, str]]) -> list[Span | None]:
    """The passage of the trace for each (label, mention), (start, end), by structure alone.

    `low`: the trace in lower case.
    """
    names: dict[str, str] = {}
    found: dict[tuple[str, str], Span | None] = dict.fromkeys(listed)
    for pair in found:
        label, mention = pair
        if (name := names.get(label)) is None:
            name = names[label] = _type_name(low, label)
        found[pair] = _passage(low, lower(mention), name)
    return [found[pair] for pair in listed]


def unspoken(low: str, sentence: str, entities: Sequence[Entity]) -> Iterator[Entity]:
    """The entities, which have their evidence, of which the trace never speaks; `low`: the trace in lower case.

    A shared word of three letters speaks of a mention, two characters of it in scripts without spaces; its
    other words only whole.  A quotation of the whole sentence speaks of none, unless the sentence is little
    more than the mention.
    """
    rest = without_sentence(low, lower(sentence))
    known: dict[str, bool] = {}
    for entity in entities:
        if rest is low and (entity.cot_end or 0) - (entity.cot_start or 0) >= _SHORT:
            continue
        if entity.text not in known:
            short = len(sentence) - len(entity.text) <= _LITTLE_MORE
            known[entity.text] = _speaks(low if short else rest, lower(entity.text))
        if not known[entity.text]:
            yield entity


def without_sentence(low: str, sentence: str) -> str:
    """The trace without its quotations of the whole sentence, however they are spaced; both in lower case."""
    sentence = sentence.strip()
    if not sentence:
        return low
    # The quickest first: a trace without the sentence's last word and its first does not quote it.
    if sentence.rsplit(None, 1)[-1].strip(_PLAIN) not in low or sentence.split(None, 1)[0].strip(_PLAIN) not in low:
        return low
    if sentence in low:
        return low.replace(sentence, "\n")
    has_all = all(word.strip(_PLAIN) in low for word in sentence.split())
    return _without_respaced(low, sentence) if has_all else low


def _without_respaced(low: str, sentence: str) -> str:
    """The same where the trace spaces the sentence in another way: `Leeds .` quoted as `Leeds.`."""
    wanted = "".join(sentence.split())
    squeezed = "".join(low.replace(" ", "").split())  # most are plain spaces, and there are many
    if wanted not in squeezed:
        return low
    return squeezed.replace(wanted, "\n")


def lower(text: str) -> str:
    """The text in lower case, of the same length: a letter whose lower case is longer stays."""
    return text.lower() if _LONGER not in text else _LONGER.join(part.lower() for part in text.split(_LONGER))


def _speaks(rest: str, mention: str) -> bool:
    if mention in rest and (len(mention) >= _SHORT or _stands(rest, mention)):
        return True
    words = _WORD.findall(mention)
    if any(_has_word(rest, word) for word in words):
        return True
    wanted = _plain(mention)
    return wanted in _plain(rest) if len(wanted) >= _SHORT else bool(wanted) and _stands(rest, wanted)


def _has_word(rest: str, word: str) -> bool:
    if is_joined_script(word[0]):
        return any(word[at : at + _PAIR] in rest for at in range(max(1, len(word) - 1)))
    if len(word) < _SHORT:
        return False
    return word in rest or (len(word) > _STEM and word[: max(_STEM, len(word) - _ENDING)] in rest)


def _stands(text: str, piece: str) -> bool:
    """Whether a short piece stands in the text as a word of its own."""
    at = text.find(piece)
    while at >= 0:
        if is_joined_script(piece[0]) or not _cut(text, piece, at):
            return True
        at = text.find(piece, at + 1)
    return False


def _cut(text: str, piece: str, at: int) -> bool:
    """Whether the piece, where it stands at `at`, is cut out of a longer word."""
    end = at + len(piece)
    return (piece[0].isalnum() and text[at - 1 : at].isalnum()) or (
        piece[-1].isalnum() and text[end : end + 1].isalnum()
    )


def _plain(text: str) -> str:
    """Without spaces and accents."""
    if not text.isascii():
        text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(text.split())


def _type_name(low: str, label: str) -> str:
    """The name of a type as the trace writes it: cell_type, cell-type or cell type."""
    name = lower(label)
    if name.isalnum() or name in low:
        return name
    return next((other for joint in " _-" if (other := _SEPARATORS.sub(joint, name)) in low), name)


def _passage(low: str, mention: str, name: str) -> Span | None:
    """From the mention to the type next to it; the first of equally near ones."""
    find, size, width = low.find, len(mention), len(name)
    reach, passage, inside = _REACH + width, None, None  # up to the other end of the type's name
    at = find(mention) if mention else -1
    for _ in range(_MAX_PLACES):
        if at < 0 or reach < width:
            break
        end = at + size
        if (low[end : end + 1] not in _NO_WORDS or low[at - 1] not in _NO_WORDS) and _cut(low, mention, at):
            inside = inside or (at, end)
        else:
            if passage is None:
                passage = (at, end)
            after = find(name, end, end + reach)
            if after >= 0:
                reach, passage = after - end - 1 + width, (at, after + width)  # now only a nearer one counts
            before = low.rfind(name, at - reach if at > reach else 0, at)
            if before >= 0:
                reach, passage = at - before - 1, (before, end)
        at = find(mention, end)
    return passage or inside
