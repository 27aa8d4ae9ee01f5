"""The base install alone: what `pip install nercot` brings is enough for every command but those of an extra."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Hides every package that the base install does not bring, then runs commands until one fails.
_ALONE = """
import json, sys

class Present:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

absent, commands = map(json.loads, sys.argv[1:])
sys.meta_path[:] = map(Present, sys.meta_path)
from nercot.cli import main
for command in commands:
    try:
        main(command.split())
    except SystemExit as end:
        if end.code:
            sys.exit(f"nercot {command}: {end.code}")
"""


def brought(name: str, extras: frozenset[str] = frozenset()) -> dict[str, frozenset[str]]:
    """Every distribution that installing this one brings, with the extras asked of it."""
    found, waiting = {canonicalize_name(name): extras}, [(name, extras)]
    while waiting:
        asked, wanted = waiting.pop()
        for line in distribution(asked).requires or ():
            needed = Requirement(line)
            if needed.marker and not any(needed.marker.evaluate({"extra": extra}) for extra in (*wanted, "")):
                continue
            key, more = canonicalize_name(needed.name), frozenset(needed.extras)
            if key not in found or not more <= found[key]:
                found[key] = found.get(key, frozenset()) | more
                waiting.append((needed.name, found[key]))
    return found


def absent() -> list[str]:
    """The modules here that the base install alone would not have."""
    there = brought("nercot")
    owners = packages_distributions()
    return sorted(
        module for module, names in owners.items() if not any(canonicalize_name(name) in there for name in names)
    )


def test_every_command_of_a_first_hour_runs(tmp_path):
    missing = absent()
    assert {"torch", "trl", "pytest", "mlcroissant"} <= set(missing)
    assert "pyarrow" not in missing
    release = "releases/quickstart/1.0.0"
    commands = [
        "build --json",
        "stats build/quickstart/candidate",
        "plan",
        "release quickstart",
        f"verify {release} --rebuild",
        f"diff build/quickstart/candidate {release}",
        f"convert {release} --to rows.jsonl",
    ]
    program = [sys.executable, "-c", _ALONE, json.dumps(missing), json.dumps(commands)]
    ran = subprocess.run(program, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / release / "pictures/types.svg").is_file()
    assert (tmp_path / release / "croissant.json").is_file()
