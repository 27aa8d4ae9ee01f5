"""Files of recorded answers: what a real model said, kept so that a corpus can be built without it.

In: a file of JSON lines, as `nercot ledger export --recorded` writes them.  Out: its header, and each line by
what it was an answer to; or an InputError of one line that names file, line and what to do.  Never asks a
model, and holds no reply in memory: a line is read when it is wanted.

The first line is `{"role", "model", "prompt"}`: teacher, reader or judge, the model's name, the sha256 of the
prompt's template.  Every other line is one reply: `guid`, `attempt` (the teacher's, default 1), `ask` (how many
times it was asked, default 1), then the reply, as `content` with `reasoning` and `finish_reason` where there
are any, or for a reader and a judge as the keys of their JSON object.  A reader's and a judge's line also has
`of`: the sha256 of the trace and answer that they were asked about, so that it answers for nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from nercot.errors import InputError

if TYPE_CHECKING:
    from nercot.corpus.spool import Numbers64

ROLES = ("teacher", "reader", "judge")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLACE = ("guid", "attempt", "ask", "of")
_REPLY = ("content", "reasoning", "finish_reason", "model", "refused")
# What a reader's and a judge's JSON object must at least have.
_OBJECT = {"reader": "taken", "judge": "score"}
_LONGEST_LINE = 4_000_000

Place = tuple[str, str, int]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Header:
    """Who said it: the role, the model's name, the sha256 of the template of the prompt."""

    role: str
    model: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Said:
    """One recorded reply; `refused` is why the server refused the request, and then there is no content."""

    content: str
    reasoning: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    refused: str | None = None


def template_hash(template: str) -> str:
    """How a header names a prompt: the sha256 of its template's text."""
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()


def read_header(path: Path) -> Header:
    """The header of a recorded file.  Raises InputError where there is none."""
    with _opened(path) as file:
        return _header(file.readline(_LONGEST_LINE), path)


def said_of_prompts(facts: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each role whose recorded files were given to another prompt than today's."""
    files: dict[str, list[str]] = {}
    for fact in facts:
        if not fact["prompt_is_todays"]:
            files.setdefault(fact["role"], []).append(fact["file"])
    return [
        f"{', '.join(names)}: recorded with another prompt than today's: asked now, the {role} may answer differently"
        for role, names in files.items()
    ]


class Recording:
    """One recorded file, looked through once.  Memory: 16 bytes a line, where it begins by a number of its place."""

    def __init__(self, path: Path, role: str) -> None:
        self.path, self._role = path, role
        self.header = read_header(path)
        if self.header.role != role:
            raise InputError(
                f"{path}: holds answers of a {self.header.role}, not of a {role}: name it in"
                f" recorded.{self.header.role}"
            )
        hashed = hashlib.sha256()
        numbers, starts = array("Q"), array("Q")
        for _, start, row in self._rows(hashed.update):
            numbers.append(_number(_place(row, role)))
            starts.append(start)
        self.sha256 = hashed.hexdigest()
        self._numbers, self._starts = _sorted(numbers, starts)
        self._refuse_repeated()

    def _rows(self, see: Callable[[bytes], object] = lambda line: None) -> Iterator[tuple[int, int, Row]]:
        """Number, start and content of every line after the header."""
        with _opened(self.path) as file:
            at = 0
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
                see(line)
                if number > 1 and line.strip():
                    yield number, at, _line(line, self._role, f"{self.path}, line {number}")
                at += len(line)

    def _refuse_repeated(self) -> None:
        """Raises InputError where two lines answer the same."""
        twice = set(self._numbers[1:][self._numbers[1:] == self._numbers[:-1]].tolist())
        first: dict[Place, int] = {}
        for number, _, row in self._rows() if twice else ():
            place = _place(row, self._role)
            if _number(place) in twice and place in first:
                raise InputError(
                    f"{self.path}, line {number}: answers the same as line {first[place]}"
                    f" (guid {row['guid']}): keep one of them"
                )
            if _number(place) in twice:
                first[place] = number

    def __len__(self) -> int:
        return len(self._numbers)

    def guids(self) -> Iterator[tuple[str, int]]:
        """The guid and the number of each line."""
        return ((row["guid"], number) for number, _, row in self._rows())

    def find(self, place: Place) -> Said | None:
        """The reply at this place: (guid, `of` or for a teacher its attempt as text, ask)."""
        number = _number(place)
        at = int(self._numbers.searchsorted(number))
        while at < len(self._numbers) and int(self._numbers[at]) == number:
            with _opened(self.path) as file:
                file.seek(int(self._starts[at]))
                row = _line(file.readline(_LONGEST_LINE), self._role, f"{self.path}: guid {place[0]}")
            if _place(row, self._role) == place:
                return _said(row)
            at += 1
        return None


def _number(place: Place) -> int:
    """8 bytes of a place."""
    text = "\0".join(map(str, place)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def _sorted(numbers: array[int], starts: array[int]) -> tuple[Numbers64, Numbers64]:
    """Both, in the order of the numbers."""
    import numpy as np

    found, begins = np.frombuffer(numbers, np.uint64), np.frombuffer(starts, np.uint64)
    order = np.argsort(found, kind="stable")
    return found[order], begins[order]


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: recorded answers cannot be read ({error.strerror}); check the path") from error


def _header(line: bytes, path: Path) -> Header:
    row = _json(line, f"{path}, line 1")
    wrong = f"{path}: its first line is not the header of a recorded file: it needs role ({', '.join(ROLES)})"
    if row.get("role") not in ROLES or not isinstance(row.get("model"), str) or not row["model"]:
        raise InputError(f"{wrong} and model")
    if not isinstance(row.get("prompt"), str) or not _SHA256.fullmatch(row["prompt"]):
        raise InputError(f"{wrong}, model and prompt, the sha256 of the prompt's template")
    return Header(row["role"], row["model"], row["prompt"])


def _json(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else ", and the file ends there: it may be cut off; fetch it again"
        raise InputError(f"{where}: not a line of JSON{cut or ': mend or delete it'}") from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: not a JSON object: mend or delete it")
    return row


def _line(line: bytes, role: str, where: str) -> dict[str, Any]:
    """A line of a recorded file, checked."""
    row = _json(line, where)
    if (wrong := _wrong(row, role)) is not None:
        raise InputError(f"{where}: {wrong}")
    return row


def _wrong(row: Mapping[str, Any], role: str) -> str | None:
    """What is wrong with a line, None if nothing is."""
    if not isinstance(row.get("guid"), str) or not row["guid"]:
        return "has no guid: a recorded answer names the record that it answers"
    for name in ("attempt", "ask"):
        value = row.get(name, 1)
        if type(value) is not int or not 1 <= value <= 1000:
            return f"{name} is no number from 1 on"
    if role != "teacher" and not (isinstance(row.get("of"), str) and _SHA256.fullmatch(row["of"])):
        return "has no `of`: the sha256 of the trace and answer that the model was asked about"
    if "content" not in row and "refused" not in row and _OBJECT.get(role, "content") not in row:
        needed = " or ".join(f"`{name}`" for name in ("content", _OBJECT.get(role)) if name)
        return f"has another shape: a {role}'s line holds {needed}"
    # A reading has a list `refused` of its own: the mentions that the trace does not take.
    reply = () if _OBJECT.get(role) in row else _REPLY
    if texts := [name for name in reply if not isinstance(row.get(name, ""), str | None)]:
        return f"{texts[0]} is not a text"
    return None


def _place(row: Mapping[str, Any], role: str) -> Place:
    about = str(row.get("attempt", 1)) if role == "teacher" else row["of"]
    return row["guid"], about, row.get("ask", 1)


def _said(row: Mapping[str, Any]) -> Said:
    told = {name: row[name] for name in _REPLY[1:] if row.get(name) is not None}
    if not any(name in row for name in _OBJECT.values()) and ("content" in row or "refused" in row):
        return Said(row.get("content") or "", **told)
    # A judgement and a reading have a `reason` and the like, but none of the names of a reply.
    said = {name: value for name, value in row.items() if name not in _PLACE}
    return Said(json.dumps(said, ensure_ascii=False))
