"""The seal of a release: card, metadata and pages are made, and everything is listed with its checksum.

In: a folder that holds the configs of a corpus, its manifest and version.  Out: README.md, croissant.json, pictures,
the page, and manifest.json, which says what all of it is.  Never looks at other releases.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from nercot.corpus.manifest import NAME, Manifest, configs_of, write_sealed
from nercot.corpus.work import Report
from nercot.formats.sources import sha256_of
from nercot.release.rebuild import rows_of
from nercot.report.stats import Stats

CHANGELOG = "CHANGELOG.md"


def stats_of(folder: Path, manifest: Manifest, report: Report) -> dict[str, Any]:
    """What the card says about the rows of the default config."""
    stats = Stats()
    config, files = next(iter(configs_of(manifest).items()))
    total = sum(file["rows"] for file in files)
    for row in rows_of(folder, manifest, config):
        stats.add(row)
        if stats.rows % 1000 == 0:
            report("card", stats.rows, total)
    return stats.summary()


def seal(folder: Path, manifest: Manifest, version: str, stats: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the card and the manifest of a release into a folder that holds its configs.

    Everything that the card consists of is listed in the manifest with its checksum.  Returns the manifest.
    """
    from nercot.report.card import write_card
    from nercot.report.croissant import write_croissant
    from nercot.report.pictures import draw
    from nercot.report.view import PAGE, release_page

    data = [file for file in manifest["files"] if "config" in file]
    bare = {**manifest, "files": data}
    bare = {"corpus": bare.pop("corpus"), "version": version, **bare, "card_writer": card_writer()}
    write_card(folder, bare, stats, draw(folder, bare, stats))
    write_croissant(folder, bare, stats)
    if not (folder / PAGE).exists():
        release_page(folder, bare)
    listed = {file["path"] for file in data} | {NAME, CHANGELOG}
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    cards = [{"path": page, "sha256": sha256_of(folder / page)} for page in pages if page not in listed]
    return write_sealed(folder, {**bare, "files": [*data, *cards]})


def card_writer() -> str:
    """What writes the card: another version may write other bytes."""
    return f"huggingface_hub {package_version('huggingface_hub')}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
