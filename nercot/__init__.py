"""nercot builds, validates, scores and versions NER-CoT, a named-entity corpus with reasoning traces.

The public names are loaded when they are first used, so that `nercot --help` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nercot.answers import parse_answer
    from nercot.builder import BuildOptions, build
    from nercot.grounding import ground
    from nercot.metrics import micro_f1
    from nercot.records import Entity, Record
    from nercot.rewards import f1_reward, schema_reward
    from nercot.rules import validate

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
    "Entity": "nercot.records",
    "Record": "nercot.records",
    "BuildOptions": "nercot.builder",
    "build": "nercot.builder",
    "f1_reward": "nercot.rewards",
    "ground": "nercot.grounding",
    "micro_f1": "nercot.metrics",
    "parse_answer": "nercot.answers",
    "schema_reward": "nercot.rewards",
    "validate": "nercot.rules",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nercot' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
