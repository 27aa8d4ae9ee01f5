"""A licence as people write it -> its id, as the Hub and SPDX name it.

In: `CC BY 4.0`, `cc0`, `Apache 2`, `proprietary`.  Out: `cc-by-4.0`, `cc0-1.0`, `apache-2.0`, `other`.  Never guesses:
what is not known is an error that names the nearest known licence, since a wrong one would be passed on with the text.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from nercot.corpus.benchmarks import free_licenses
from nercot.errors import RecipeError

# Ids of the Hub that say nothing of passing text on.
_BARE = ("other", "unknown")
# What people say for terms that no list of licences has.
_NOBODYS = ("proprietary", "closed", "private", "internal", "all rights reserved", "none", "commercial", "custom")
_SPOKEN = {
    "cc0": "cc0-1.0",
    "cczero": "cc0-1.0",
    "creativecommonszero": "cc0-1.0",
    "publicdomain": "cc0-1.0",
    "pd": "cc0-1.0",
    "ccby": "cc-by-4.0",
    "ccbysa": "cc-by-sa-4.0",
    "ccbync": "cc-by-nc-4.0",
    "ccbynd": "cc-by-nd-4.0",
    "ccbyncsa": "cc-by-nc-sa-4.0",
    "ccbyncnd": "cc-by-nc-nd-4.0",
    "apache": "apache-2.0",
    "apache2": "apache-2.0",
    "asl2": "apache-2.0",
    "bsd2": "bsd-2-clause",
    "bsd3": "bsd-3-clause",
    "gpl2": "gpl-2.0",
    "gpl3": "gpl-3.0",
    "gplv2": "gpl-2.0",
    "gplv3": "gpl-3.0",
    "odcby10": "odc-by",
    "pddl10": "pddl",
    "odbl10": "odbl",
}
_WORDS = {
    "creativecommons": "cc",
    "attribution": "by",
    "noncommercial": "nc",
    "noderivatives": "nd",
    "noderivs": "nd",
    "sharealike": "sa",
    "international": "",
    "unported": "",
    "licence": "",
    "license": "",
    "version": "",
}


def known_licenses() -> tuple[str, ...]:
    """Every id that `license_id` gives."""
    return tuple(sorted({*free_licenses(), *_BARE}))


def license_id(text: str) -> str:
    """The id of a licence in any common spelling; `other` for terms of one's own.

    Raises RecipeError that names the nearest known one.
    """
    found = _found(text)
    if found is None:
        raise RecipeError(f"licence {text!r} is not known; {_nearest(_squeezed(text), _ids())}")
    return found


def license_of_row(text: str) -> str:
    """The id of the licence that a row of a source names; what is not known stays as it is written there."""
    return _found(text) or text.strip()


@lru_cache(maxsize=1024)
def _found(text: str) -> str | None:
    """The id of a licence, None where it is not known; rows name few, and name them often."""
    squeezed = _squeezed(text)
    if squeezed in {_squeezed(name) for name in _NOBODYS}:
        return "other"
    return _ids().get(squeezed) or _SPOKEN.get(squeezed) or _SPOKEN.get(squeezed.removesuffix("0"))


@cache
def _ids() -> dict[str, str]:
    return {_squeezed(name): name for name in known_licenses()}


def _squeezed(text: str) -> str:
    """Letters and digits alone, in lower case, with the long words of Creative Commons short."""
    plain = re.sub(r"[^0-9a-z]+", "", re.sub(r"https?://|\b(www|the)\b", "", text.lower()))
    for word, short in _WORDS.items():
        plain = plain.replace(word, short)
    return plain.removesuffix("only").removesuffix("orlater")


def _nearest(squeezed: str, ids: dict[str, str]) -> str:
    from rapidfuzz import fuzz, process

    near = process.extractOne(squeezed, list(ids), scorer=fuzz.ratio, score_cutoff=60)
    asked = f"did you mean {ids[near[0]]}? " if near else ""
    return f"{asked}use an SPDX or Hub id, `other` for terms of your own, or `unknown`"
