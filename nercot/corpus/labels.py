"""One way to compare entity types: `fold_label`, and the match of an answer's label with a schema.

In: label strings.  Out: folded forms, or the schema's own spelling.  Never renames a label: what is
published is always the schema's spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_SEPARATORS = re.compile(r"[\s_\-]+")

# The types that the paper's released code leaves out of schema and gold, folded (rner/utils.py, is_valid_label).
PAPER_IGNORED = ("misc", "other", "else", "na", "nan")


@lru_cache(maxsize=65536)
def fold_label(label: str) -> str:
    """The form in which two spellings of one type are equal: case, spaces, `_` and `-` are ignored.

    A label of nothing but separators stands for itself: folded to nothing it would be found everywhere.
    """
    return (_SEPARATORS.sub("", label) or label).casefold()


def ignored_by_paper(label: str) -> bool:
    """Whether the paper's code leaves this type out, in any spelling (`N A`, `MISC`); a blank one too."""
    return fold_label(label) in PAPER_IGNORED or not label.strip()


def match_label(label: str, schema: Iterable[str]) -> str | None:
    """The schema's spelling of `label`, or None.

    An exact match wins; otherwise the one schema label that folds alike.  Two candidates are no
    match: which of them was meant cannot be known.
    """
    options = tuple(schema)
    if label in options:
        return label
    folded = fold_label(label)
    alike = [option for option in options if fold_label(option) == folded]
    return alike[0] if len(alike) == 1 else None
