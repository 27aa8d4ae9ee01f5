"""nercot builds, validates, scores and versions NER-CoT, a named-entity corpus with reasoning traces.

The public names are loaded when they are first used, so that `nercot --help` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nercot.building.builder import build
    from nercot.building.options import BuildOptions
    from nercot.corpus.records import Entity, Record
    from nercot.measure.rewards import f1_reward, schema_reward
    from nercot.validation.answers import parse_answer
    from nercot.validation.grounding import ground
    from nercot.validation.rules import validate
    from nercot.validation.spans import micro_f1

__version__ = "0.1.0"
__all__ = [
    "BuildOptions",
    "Entity",
    "Record",
    "build",
    "f1_reward",
    "ground",
    "micro_f1",
    "parse_answer",
    "schema_reward",
    "validate",
]

_HOMES = {
    "Entity": "nercot.corpus.records",
    "Record": "nercot.corpus.records",
    "BuildOptions": "nercot.building.options",
    "build": "nercot.building.builder",
    "f1_reward": "nercot.measure.rewards",
    "ground": "nercot.validation.grounding",
    "micro_f1": "nercot.validation.spans",
    "parse_answer": "nercot.validation.answers",
    "schema_reward": "nercot.measure.rewards",
    "validate": "nercot.validation.rules",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nercot' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
