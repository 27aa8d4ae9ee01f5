"""What a stranger gets who loads a dataset at a tag: run as a process of its own with an empty cache.

In: repo id, tag, config names.  Out: the commit, the sha256 of every file as it came down, and the rows and
features of every config as `datasets.load_dataset` gives them.  Never writes to the Hub, and leaves
nothing behind: huggingface_hub and datasets read where their caches lie once, when they are imported, so
only a new process can have fresh ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nercot.corpus.waits import waiting
from nercot.errors import ShortfallError


@dataclass(frozen=True, slots=True)
class Loaded:
    """One config as it loads: rows of each split, and its features as JSON."""

    rows: Mapping[str, int]
    features: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A dataset at a tag: its commit, path -> sha256, and its configs."""

    commit: str
    files: Mapping[str, str]
    configs: Mapping[str, Loaded]


def read_back(repo_id: str, tag: str, configs: Sequence[str], seconds: float) -> Seen:
    """Downloads and loads a dataset in an empty cache; `seconds`: how long one call may be retried.

    Raises ShortfallError in one line where it cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="nercot-") as cache:
        command = [sys.executable, "-P", "-m", __name__, repo_id, tag, str(seconds), *configs]
        with waiting(f"{repo_id}@{tag}, read back as anyone would load it"):
            done = subprocess.run(command, env=_environment(cache), capture_output=True, text=True, check=False)
    answer = _answer(done.stdout)
    if "error" in answer:
        raise ShortfallError(f"{repo_id}@{tag} cannot be read back: {answer['error'] or _last_line(done.stderr)}")
    loaded = {name: Loaded(**config) for name, config in answer["configs"].items()}
    return Seen(answer["commit"], answer["files"], loaded)


def _environment(cache: str) -> dict[str, str]:
    """The same login and endpoint, other caches, and this very installation of nercot."""
    package = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "HF_HUB_CACHE": f"{cache}/hub",
        "HF_XET_CACHE": f"{cache}/xet",
        "HF_DATASETS_CACHE": f"{cache}/datasets",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PYTHONPATH": os.pathsep.join([package, inherited] if inherited else [package]),
    }


def _answer(stdout: str) -> dict[str, Any]:
    lines = stdout.splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"error": ""}
    return found


def _last_line(stderr: str) -> str:
    return next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "the process died")


# --- in the new process ---------------------------------------------------------------------------


def _see(repo_id: str, tag: str, configs: Sequence[str], seconds: float) -> Seen:
    from functools import partial

    from huggingface_hub import snapshot_download

    from nercot.formats.hub import Patience

    ask = Patience(seconds, answered=True)
    folder = Path(ask(partial(snapshot_download, repo_id, repo_type="dataset", revision=tag)))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}
    return Seen(folder.name, files, {name: ask(partial(_load, repo_id, name, tag)) for name in configs})


def _load(repo_id: str, config: str, tag: str) -> Loaded:
    from datasets import load_dataset

    splits = load_dataset(repo_id, config, revision=tag)
    features = next(iter(splits.values())).features
    return Loaded({name: rows.num_rows for name, rows in splits.items()}, features.to_dict())


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _main(repo_id: str, tag: str, seconds: str, *configs: str) -> None:
    from nercot.formats.hub import explain, quiet

    try:
        with quiet():
            answer = asdict(_see(repo_id, tag, configs, float(seconds)))
    except Exception as error:  # noqa: BLE001  (whatever it was, the parent says it in one line)
        answer = {"error": explain(error, repo_id, tag)}
    print(json.dumps(answer))


if __name__ == "__main__":
    _main(*sys.argv[1:])
