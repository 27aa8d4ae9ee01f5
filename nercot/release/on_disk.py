"""A release folder as it will be published: its files with the hashes by which git and LFS know them.

In: a folder releases/<corpus>/<version>.  Out: an OnDisk.  Refuses a folder that is none, that is not all there, that
was changed, or whose text may not be passed on.  Never asks the Hub.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nercot.errors import InputError
from nercot.formats.hub import card_configs

# What a release holds besides the files that its manifest lists.
ABOUT = frozenset(("README.md", "manifest.json", "croissant.json", "CHANGELOG.md"))


@dataclass(frozen=True, slots=True)
class File:
    """A file: size in bytes, and its hash as git (`oid`) and as LFS (`sha256`) name it."""

    size: int
    sha256: str
    oid: str


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A release: path -> file, and config -> rows."""

    folder: Path
    corpus: str
    version: str
    fingerprint: str
    files: Mapping[str, File]
    configs: Mapping[str, int]

    @property
    def tag(self) -> str:
        """The tag that it has on the Hub."""
        return f"v{self.version}"


def read_release(folder: Path) -> OnDisk:
    """A release folder; InputError where it is none, or not all there, or may not be published."""
    manifest = _manifest(folder)
    if manifest.get("internal"):
        raise InputError(f"{folder}: released with --internal, so not to be passed on; release it again without that")
    if manifest.get("restricted_text"):
        raise InputError(
            f"{folder}: holds rows whose licence does not allow passing their text on; release them as stand-off"
        )
    listed = {str(file["path"]): file for file in manifest["files"]}
    files = {path.relative_to(folder).as_posix(): _hashed(path) for path in _walk(folder)}
    for path in [*listed, "README.md"]:
        if path not in files:
            raise InputError(f"{folder / path}: missing; a release is published whole, so release it again")
    for path, file in files.items():
        if path not in listed and path not in ABOUT:
            raise InputError(f"{folder / path}: not part of the release (manifest.json does not list it); move it away")
        if path in listed and file.sha256 != listed[path]["sha256"]:
            raise InputError(f"{folder / path}: changed since it was released; release it again")
    rows = Counter[str]()
    for path, file in listed.items():
        rows[path.partition("/")[0]] += file.get("rows") or 0
    configs = {name: rows[name] for name in _config_names(folder / "README.md")}
    for name, count in configs.items():
        if not count:
            raise InputError(f"{folder}: config {name} has no rows, and would not load; release it again")
    return OnDisk(folder, manifest["corpus"], manifest["version"], manifest["fingerprint"], files, configs)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not there or not JSON; name a release, releases/<corpus>/<version>") from error
    if not is_manifest(found) or not re.fullmatch(r"\d+\.\d+\.\d+", found["version"]):
        raise InputError(f"{path}: not the manifest of a release; name a folder releases/<corpus>/<version>")
    manifest: dict[str, Any] = found
    return manifest


def is_manifest(found: Any) -> bool:
    """Whether JSON is a manifest of nercot."""
    texts = ("corpus", "version", "fingerprint")
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in texts):
        return False
    files = found.get("files")
    return isinstance(files, list) and all(isinstance(file, dict) and {"path", "sha256"} <= set(file) for file in files)


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a release; hidden ones (a file browser's) are no part of it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _hashed(path: Path) -> File:
    size = path.stat().st_size
    sha256, oid = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            sha256.update(block)
            oid.update(block)
    return File(size, sha256.hexdigest(), oid.hexdigest())


def _config_names(readme: Path) -> list[str]:
    from huggingface_hub import metadata_load

    try:
        configs = card_configs(metadata_load(readme) or {})
    except Exception as error:
        raise InputError(f"{readme}: the block of YAML at its top cannot be read; release it again") from error
    if not configs:
        raise InputError(f"{readme}: lists no configs, so nothing could be loaded; release it again")
    return [str(config["config_name"]) for config in configs]
