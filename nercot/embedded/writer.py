"""Puts frames together into a trace that varies and is the same on every run.

In: frames and what fills them.  Out: lines of prose.  Two consecutive sentences never begin alike and never come
from one frame; a frame comes again only when its group is used up.  Chance comes from a hash of the guid alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from nercot.embedded.frames import Frame

_MASK = (1 << 64) - 1
_TAG = re.compile(r"<(\s*/?\s*think\s*)>", re.IGNORECASE)


def quote(text: str) -> str:
    """The text in quotation marks that do not occur in it."""
    return f'"{text}"' if '"' not in text else f"“{text}”"


def enumerate_words(parts: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _beginnings(frame: Frame, slots: Mapping[str, str]) -> frozenset[str]:
    """What a sentence begins with: the frame's own first word or slot, and the first word of what fills that."""
    filled = slots[frame.key[1:-1]] if frame.key.startswith("{") else frame.key
    return frozenset((frame.key, filled.split(" ", 1)[0].capitalize()))


class Writer:
    """One trace in the making."""

    def __init__(self, guid: str) -> None:
        digest = hashlib.sha256(guid.encode("utf-8", "surrogatepass")).digest()
        self._state = int.from_bytes(digest[:8], "big")
        self._used: set[str] = set()
        self._last: frozenset[str] = frozenset()
        self._lines: list[list[str]] = []

    def draw(self, size: int) -> int:
        """A number from 0 to size - 1 (a linear congruential generator)."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _MASK
        return (self._state >> 33) % size

    def wording(self, variants: Sequence[str], **slots: str) -> str:
        """One of several wordings of a clause, filled; none twice before all were used."""
        size = len(variants)
        start = self.draw(size)
        for offset in range(size):
            chosen = variants[(start + offset) % size]
            if chosen not in self._used:
                break
        else:
            self._used.difference_update(variants)
            chosen = variants[start]
        self._used.add(chosen)
        return chosen.format(**slots)

    def choose(self, frames: Sequence[Frame], slots: Mapping[str, str]) -> Frame:
        """A frame that begins unlike the sentence before, if possible an unused one."""
        size = len(frames)
        start = self.draw(size)
        fallback = frames[start]
        for offset in range(size):
            frame = frames[(start + offset) % size]
            if self._last & _beginnings(frame, slots):
                continue
            if frame.text not in self._used:
                return frame
            if self._last & _beginnings(fallback, slots):
                fallback = frame
        self._used.difference_update(frame.text for frame in frames)
        return fallback

    def once(self, key: str) -> bool:
        """Whether this is the first time that the trace asks for the key."""
        fresh = key not in self._used
        self._used.add(key)
        return fresh

    def line(self) -> None:
        """Begins a new line."""
        self._lines.append([])

    def say(self, frames: Sequence[Frame], **slots: str) -> None:
        """Adds a sentence."""
        self.write(self.choose(frames, slots), **slots)

    def write(self, frame: Frame, **slots: str) -> None:
        """Adds a sentence from this frame."""
        self._used.add(frame.text)
        self._last = _beginnings(frame, slots)
        text = frame.text.format(**slots)
        self._lines[-1].append(text[:1].upper() + text[1:])

    def has(self, text: str) -> bool:
        """Whether the trace already says this."""
        return any(text in sentence for line in self._lines for sentence in line)

    def trace(self) -> str:
        """The lines, with no think tag in them: its brackets become square."""
        text = "\n\n".join(" ".join(line) for line in self._lines if line)
        return _TAG.sub(r"[\1]", text) if "<" in text else text
