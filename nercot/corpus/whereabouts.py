"""What the user named -> the folder of the corpus that was meant.

In: `build/quickstart`, `quickstart`, `releases/quickstart`, `build/quickstart/candidate/README.md`.  Out: the folder of
the candidate or of the newest release.  A path that is what it says is left alone; where nothing is meant that is here,
so is the text.  Never reads a row.
"""

from __future__ import annotations

import re
from pathlib import Path

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_MANIFEST = "manifest.json"


def corpus_meant(where: str) -> str:
    """The path of the corpus that `where` (perhaps with `:config`) means, else `where` as it is."""
    base, colon, config = where.rpartition(":")
    name, config = (base, f":{config}") if colon and base and "/" not in config else (where, "")
    path = Path(name).expanduser()
    if (path / _MANIFEST).is_file():
        return where
    places = [path, path / "candidate", path.parent]
    if "/" not in name and not path.exists():
        places = [Path("build") / name / "candidate", *_newest(Path("releases") / name)]
    elif path.is_dir():
        places = [path / "candidate", *_newest(path)]
    elif path.name not in (_MANIFEST, "README.md"):
        return where
    found = next((place for place in places if (place / _MANIFEST).is_file()), None)
    return where if found is None else f"{found}{config}"


def _newest(folder: Path) -> list[Path]:
    """The newest version in a folder of releases."""
    versions = [path for path in folder.iterdir() if _VERSION.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(versions, key=lambda path: tuple(map(int, path.name.split("."))))[-1:]
