"""The events of a trace: what it says of each mention, in order, and of the types as a whole.

In: nothing; statements.py fills them.  Out: Statements, which verdicts.py judges.  Reads no text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nercot.justification.cues import Polarity
from nercot.justification.places import ANY, Places

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
    `beside`: the type and the mention stand next to each other.
    `place`: the occurrence of a repeated mention that is meant, or ANY.
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
    place: int = ANY
    beside: bool = False


class Slot(NamedTuple):
    """A type that is said of something; `many`: of more than one thing."""

    label: int
    start: int
    end: int
    many: bool


class Count(NamedTuple):
    """How many mentions of a type there are, as the trace says."""

    label: int
    number: int
    start: int
    end: int


class Statements:
    """What a trace says.

    `events`: of every mention, in order; `empty`: where a type is said to have no mention; `named`: where a line
    names a type without refusing it; `lines`: the lines that speak of a mention outside a quotation; `decisions`: (place, label, whether
    a mention stands in the same sentence) of every type that is named and not doubted; `slots`: the
    types that are said of something; `counts`: how many mentions of a type there are said to be; `blanket`: where everything is said to
    be of a type; `loose`: where something is refused that is named in other words.
    """

    def __init__(self, mentions: int, places: Places) -> None:
        self._places = places
        self.within = (0, 0, 0)
        self.events: list[list[Event]] = [[] for _ in range(mentions)]
        self.empty: dict[int, int] = {}
        self.named: dict[tuple[int, int], tuple[int, int]] = {}
        self.lines: list[set[int]] = [set() for _ in range(mentions)]
        self.slots: list[Slot] = []
        self.counts: list[Count] = []
        self.blanket: dict[int, tuple[int, int]] = {}
        self.decisions: list[tuple[int, int, bool]] = []
        self.leads: list[tuple[int, int] | None] = [None] * mentions
        self.loose: list[int] = []

    def add(self, mentions: Iterable[int], event: Event, at: int | None = None) -> None:
        """Notes one event for several mentions; `at`: where in the sentence `within` it is said."""
        for mention in mentions:
            if mention in self._places.starts:
                place = self._places.meant(mention, self.within[2] if at is None else at, *self.within)
                self.events[mention].append(event._replace(place=place))
            else:
                self.events[mention].append(event)
