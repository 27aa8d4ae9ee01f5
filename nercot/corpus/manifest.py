"""The manifest of a corpus folder: read, sealed, checked against schemas/manifest.schema.json.

In: the folder of a candidate or a release.  Out: its manifest as JSON values, and what is wrong with it.
A release's manifest is sealed: it carries the hash of itself, so that not a byte of it can change unseen.
Never looks into the data files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nercot.corpus.resources import resource
from nercot.corpus.tables import write_text
from nercot.errors import InputError

NAME = "manifest.json"
Manifest = Mapping[str, Any]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a candidate or release; InputError where there is none, or one that cannot be used."""
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder}: no corpus (it has no {NAME}); name a folder like releases/<corpus>/<version>")
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, it is not JSON ({error}); build or release it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if wrong := next(_schema_errors(manifest), None):
        raise InputError(f"{path}: {wrong}; build or release it again")
    found: dict[str, Any] = manifest
    return found


def manifest_problems(folder: Path) -> Iterator[str]:
    """What is wrong with a release's manifest, a line each; InputError where there is none."""
    manifest = read_manifest(folder)
    raw = (folder / NAME).read_bytes()
    if manifest.get("digest") != digest_of(manifest) or raw != _text(manifest).encode("utf-8", "surrogatepass"):
        yield f"{NAME}: changed since it was released, it does not fit its own digest"


def write_sealed(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Writes a release's manifest with its digest, and returns it."""
    sealed = {**manifest, "digest": digest_of(manifest)}
    write_text(folder / NAME, _text(sealed))
    return sealed


def digest_of(manifest: Manifest) -> str:
    """The hash of a manifest without its digest."""
    bare = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(_text(bare).encode("utf-8", "surrogatepass")).hexdigest()


def _text(manifest: Manifest) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"


def configs_of(manifest: Manifest) -> dict[str, list[dict[str, Any]]]:
    """The data files of each config, in order; the first config is the default."""
    configs: dict[str, list[dict[str, Any]]] = {}
    for file in manifest["files"]:
        if "config" in file:
            configs.setdefault(file["config"], []).append(file)
    return configs


def split_of(path: str) -> str:
    """The split that a data file belongs to, by its name `<config>/<split>-00000-of-0000N.parquet`."""
    return path.rpartition("/")[2].partition("-")[0]


def splits_of(folder: Path, manifest: Manifest, config: str) -> dict[str, list[Path]]:
    """The data files of one config by split, each split sorted by guid; empty where there is no such config."""
    splits: dict[str, list[Path]] = {}
    for file in configs_of(manifest).get(config, ()):
        splits.setdefault(split_of(file["path"]), []).append(folder / file["path"])
    return splits


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(resource("schemas", "manifest.schema.json").read_text(encoding="utf-8")))


def _schema_errors(manifest: Any) -> Iterator[str]:
    """What does not fit the schema: the key, and what is wrong with it, shortened to a line."""
    for error in sorted(_validator().iter_errors(manifest), key=lambda error: list(map(str, error.absolute_path))):
        where = ".".join(map(str, error.absolute_path)) or "the document"
        text = " ".join(error.message.split())
        yield f"{where}: {text if len(text) <= 200 else text[:197] + '...'}"
