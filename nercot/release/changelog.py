"""CHANGELOG.md of a release: what each version changed, the newest first.

In: the differences between two versions, and the changelog of the older one.  Out: Markdown whose last line is
the hash of all lines above it, so that not a byte of it can change unseen.  Holds no dates.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nercot.corpus.manifest import Manifest
from nercot.release.diff import Diff
from nercot.report.card import cell

_SEAL = re.compile(r"<!-- sha256 of the lines above: ([0-9a-f]{64}) -->\n")
_HEAD = re.compile(r"# Changelog of [^\n]*\n\n")
# What of a manifest is said elsewhere in the changelog, or follows from it.
_NOT_METADATA = (
    *("corpus", "version", "digest", "key", "fingerprint", "files", "partial"),
    *("steps", "attempts", "scores", "drift", "duplicates", "conflicting_gold", "licenses", "sample", "traces"),
    *("ways", "teachers", "agreement", "gold_by_score", "preference"),
)
# Numbers that follow from the rows.
_COUNTS = ("models.teacher.named.", "models.reader.named.", "models.judge.named.", "source.findings.")
_LONGEST = 100


def first_section(manifest: Manifest) -> str:
    """The section of a corpus' first version."""
    steps = [f"{step['step']} {step['kept']}" for step in manifest["steps"]]
    return _section(manifest["version"], ["First release.", "", f"- rows left after each step: {', '.join(steps)}"])


def section(old: Manifest, new: Manifest, diffs: Mapping[str, Diff], kind: str) -> str:
    """The section of a version: its rows and columns by config, and what else of its manifest differs."""
    lines = [f"Against {old['version']} ({kind}):", ""]
    lines += [f"- {line}" for config, found in diffs.items() for line in _config_lines(config, found)]
    lines += [f"- {line}" for line in _metadata_lines(old, new)]
    if lines[-1] == "":
        lines.append("- the card")
    return _section(new["version"], lines)


def changelog(corpus: str, newest: str, older: str = "") -> str:
    """The whole file: the newest section, then what the changelog of the version before says."""
    sections = _HEAD.sub("", _SEAL.sub("", older), count=1).strip("\n")
    text = f"# Changelog of {corpus}\n\n{newest}\n\n" + (f"{sections}\n\n" if sections else "")
    return f"{text}<!-- sha256 of the lines above: {hashlib.sha256(text.encode()).hexdigest()} -->\n"


def intact(raw: bytes) -> bool:
    """Whether a changelog is as it was written."""
    text = raw.decode("utf-8", "replace")
    seal = _SEAL.search(text)
    if seal is None or seal.end() != len(text):
        return False
    return text.encode() == raw and hashlib.sha256(text[: seal.start()].encode()).hexdigest() == seal[1]


def is_of(raw: bytes, manifest: Manifest) -> bool:
    """Whether a changelog is that of this release: its newest section is of this version."""
    return raw.startswith(f"# Changelog of {manifest['corpus']}\n\n## {manifest['version']}\n".encode())


def _section(version: str, lines: list[str]) -> str:
    return "\n".join([f"## {version}", "", *lines])


def _config_lines(config: str, found: Diff) -> Iterator[str]:
    for name, how in found.columns.items():
        yield f"`{config}`: column `{name}` {how}"
    counts = [(len(found.added), "added"), (len(found.removed), "removed"), (len(found.changed), "changed")]
    said = [f"{count} {how}" for count, how in counts if count]
    if said:
        columns = ", ".join(f"{name} {count}" for name, count in found.changed_columns().items())
        yield f"`{config}`: rows {', '.join(said)}{f' ({columns})' if columns else ''}; {found.rows[1]} in all"


def _metadata_lines(old: Manifest, new: Manifest) -> Iterator[str]:
    before, after = dict(_flat(old)), dict(_flat(new))
    for name in {**before, **after}:
        one, other = before.get(name), after.get(name)
        counted = one and other and name.startswith(_COUNTS)
        if one != other and not counted:
            values = f": {cell(one or 'none')} -> {cell(other or 'none')}"
            yield f"`{_plain(name)}` changed{values if len(values) <= _LONGEST else ''}"


def _plain(name: str) -> str:
    """A key as it may stand between backticks, where a backslash would be seen."""
    return " ".join(name.replace("`", "'").split())


def _flat(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The manifest's metadata as dotted keys and values on one line, such as (recipe.select.threshold, 9.0)."""
    pending: list[tuple[str, Any]] = [
        (key, manifest[key]) for key in reversed(list(manifest)) if key not in _NOT_METADATA
    ]
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict) and value:
            pending += [(f"{name}.{key}", value[key]) for key in reversed(value)]
        else:
            yield name, json.dumps(value, ensure_ascii=True)
