"""Models at scale, without any: a server on loopback that answers as teacher, reader and judge by a plain script.

In: names and their types.  Out: a `script` for FaultServer.  The teacher finds every name that is in the sentence and
argues for it, the reader reports what such a trace concludes, the judge gives 9 to 10 by the sentence's length.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from fault_server import Act, Call, FaultServer, answer

SCORES = ("grounding", "boundary", "type", "completeness", "coherence", "score")
NAMES = {"Ada": "person"}


def trace_of(found: Mapping[str, str]) -> str:
    said = [f'"{name}" is a {label}, by the words around it.' for name, label in found.items()]
    return " ".join(said) or "Nothing here is a name of one of the types."


def names_in(text: str, names: Mapping[str, str]) -> dict[str, str]:
    return {name: label for name, label in names.items() if name in text}


def sentence_of(prompt: str) -> str:
    """The sentence of a prompt of ours: what stands in the last fence, or behind `sentence` as JSON."""
    return prompt.rpartition("entence:\n")[2]


def scripted(names: Mapping[str, str] = NAMES) -> Callable[[Call], Act]:
    def script(call: Call) -> Act:
        found = names_in(sentence_of(call.prompt), names)
        if call.body["model"] == "judge":
            score = 9 + len(call.prompt) % 3 / 2
            return answer(json.dumps({"reason": "plain", **dict.fromkeys(SCORES, score)}))
        if call.body["model"] == "reader":
            return answer(json.dumps(_reading(names_in(call.prompt, names))))
        listed: dict[str, list[str]] = {}
        for name, label in found.items():
            listed.setdefault(label, []).append(name)
        return answer(json.dumps({"entities": listed}), reasoning=trace_of(found))

    return script


def _reading(found: Mapping[str, str]) -> dict[str, object]:
    taken = [{"mention": name, "type": label, "because": f'"{name}" is a {label}'} for name, label in found.items()]
    return {"taken": taken, "refused": [], "given": False, "sound": True}


def options(server: FaultServer) -> list[str]:
    """What has a build ask this server for everything."""
    roles = ("teacher", "reader", "judge")
    return [word for role in roles for word in (f"--{role}-url", server.url, f"--{role}-model", role)]


# -- answers from gold, for rows of any kind ---------------------------------------------------------------------


class FromGold:
    """Answers with the gold of the rows of the files that were learnt, whatever it is."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, list[str]]] = {}

    def learn(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                row = json.loads(line)
                listed: dict[str, list[str]] = {}
                for entity in row.get("entities") or row.get("gold") or ():
                    listed.setdefault(entity["label"], []).append(entity["text"])
                self._known[row["sentence"]] = listed

    def __call__(self, call: Call) -> Act:
        listed = self._known.get(call.prompt.rpartition("\n```")[0].rpartition("```\n")[2], {})
        if call.body["model"] == "judge":
            return answer(json.dumps({"reason": "plain", **dict.fromkeys(SCORES, 9.5)}))
        said = [f'"{text}" is of this type, by the words around it.' for texts in listed.values() for text in texts]
        return answer(json.dumps({"entities": listed}), reasoning=" ".join(said) or "Nothing here is of a type.")


_GOLD = FromGold()


@cache
def _gold_server() -> FaultServer:
    """One server for the whole run: rows of many tests, told apart by their sentences."""
    server = FaultServer(_GOLD)
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return server


def gold_models(path: Path) -> list[tuple[str, Any]]:
    """Settings of a recipe that has teacher and judge answer from the gold of a JSONL file; nobody reads."""
    _GOLD.learn(path)
    models = [(f"{role}.url", _gold_server().url) for role in ("teacher", "judge")]
    models += [(f"{role}.model", role) for role in ("teacher", "judge")]
    return [("steps", ["annotate", "validate", "score", "select"]), *models]


def gold_options(path: Path) -> list[str]:
    """The same for the command line."""
    return [
        word
        for key, value in gold_models(path)
        for word in ("--set", f"{key}={json.dumps(value) if isinstance(value, list) else value}")
    ]
