"""Which format a file has, by its content, never by its name alone.

In: a path.  Out: the one format that claims it.  A file whose annotation no format knows is an InputError that names
what was seen, and never plain text: text is only what shows no sign of annotation in its head or beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nercot.errors import InputError
from nercot.formats import conll
from nercot.formats.head import HEAD_ROWS, Head
from nercot.formats.held import splits_in
from nercot.formats.registry import FORMATS, Format
from nercot.formats.rows import RowError
from nercot.formats.signs import refusal_of_lines, refusal_of_rows, signs_in_texts, signs_of


def format_of(path: Path) -> Format:
    """The format of a file; an empty, unknown or ambiguous one is an InputError."""
    head = Head(path)
    if not head.is_binary and not head.start:
        raise InputError(f"{path}: the file is empty")
    claimed = next((form for form in FORMATS.values() if form.claims and form.claims(head)), None)
    if claimed:
        return claimed
    if head.is_json or head.is_binary:
        return _of_rows(head)
    conll.refuse(path)
    if message := refusal_of_lines(head):
        raise InputError(f"{path}: {message}")
    if head.start in "[{":
        return _of_rows(head)
    return FORMATS["text"]


def refuse_others(path: Path, form: Format) -> None:
    """Raises InputError for rows with annotation of which none is of the format that the user named.

    Its reader would find no entity in them, and call them rows without any.
    """
    detects = [other.detect for other in FORMATS.values() if other.read == form.read and other.detect]
    head = Head(path)
    if form.name == "text" or not detects or not head.is_json:
        return
    if any(detect(value) for values in (head.values, head.many_values) for value in values for detect in detects):
        return
    signs = next(filter(None, map(signs_of, head.many_values)), None) or signs_in_texts(head.many_values)
    likely = next((found.name for found in _leading(head.many_values) if found.name != "text"), None)
    if likely or signs:
        listed = " and ".join(f"`{key}`" for key in dict.fromkeys(signs))
        other = f"rows look like {likely}" if likely else f"{listed} looks like annotation"
        raise InputError(f"{path}: no row is of the format {form.name}, {other}; leave --from out, or name another")


def _of_rows(head: Head) -> Format:
    """The format whose rows these are: the one that knows most of them; with a tie, more rows are looked at."""
    found = _leading(head.values)
    if len(head.values) == HEAD_ROWS and (len(found) != 1 or found[0].name == "text"):
        found = _leading(head.many_values)
    if [form.name for form in found] == ["text"]:
        _refuse_marked(head)
    if not found:
        raise InputError(_unknown(head.path, head.values))
    return found[0]


def _refuse_marked(head: Head) -> None:
    """Raises InputError for rows of text of which any brings annotation that no format knows."""
    signs = next(filter(None, map(signs_of, head.many_values)), None) or signs_in_texts(head.many_values)
    if signs:
        raise InputError(f"{head.path}: {refusal_of_rows(signs)}")


def _leading(values: Sequence[Any]) -> list[Format]:
    """The formats that know most of the rows; text only where no other knows any."""
    counts = Counter(
        form.name
        for value in values
        for form in FORMATS.values()
        if form.detect and not isinstance(value, RowError) and form.detect(value)
    )
    if len(counts) > 1:
        del counts["text"]
    most = max(counts.values(), default=0)
    return [form for name, form in FORMATS.items() if counts[name] == most > 0]


def _unknown(path: Path, values: Sequence[Any]) -> str:
    if not values:
        return f"{path}: the file holds no rows"
    if isinstance(values[0], dict) and {"prompt", "completion"} <= values[0].keys():
        return f"{path}: prompts and completions for training (config sft), without sentences; name another config"
    if splits := splits_in(values[0]):
        return f"{path}: an object of splits ({', '.join(splits)}); write the rows of each to a file of its name"
    signs = next(filter(None, map(signs_of, values)), None)
    if signs:
        return f"{path}: {refusal_of_rows(signs)}"
    problem = next((value for value in values if isinstance(value, RowError)), None)
    found = f"; its first row: {problem}" if problem else _keys(values)
    return f"{path}: rows of no known format{found}; say which with --from, one of {', '.join(FORMATS)}"


def _keys(values: Sequence[Any]) -> str:
    first = next((value for value in values if isinstance(value, dict)), None)
    return f" (keys: {', '.join(map(str, list(first)[:8]))})" if first is not None else ""
