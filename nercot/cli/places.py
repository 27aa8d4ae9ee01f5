"""Where corpora lie: the option --out, a folder of this machine or the URL of a storage.

In: what the command line says.  Out: a folder to work in, and the storage that it is a copy of, if it is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class _Place(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A folder, or a URL such as s3://bucket/prefix."""

    name = "folder or URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        text = str(value)
        return text.rstrip("/") if "://" in text else Path(text)


out_option = click.option(
    "--out",
    type=_Place(),
    default="build",
    show_default=True,
    metavar="DIR",
    help="Folder of corpora and ledger, or a storage: s3://bucket/prefix.",
)


def place_of(out: Path | str) -> tuple[Path, str | None]:
    """The folder to work in, and the storage that it is a copy of (None: it is no copy)."""
    if isinstance(out, Path):
        return out, None
    from nercot.corpus.storage import cache_folder

    return cache_folder(out) / "build", out


def local_copy(out: Path | str, corpus: str) -> Path:
    """The folder of corpora, brought up to date with what a storage has of this corpus."""
    folder, storage = place_of(out)
    if storage is not None:
        from nercot.building.engines.mirror import Mirror
        from nercot.corpus.work import Work

        Mirror(f"{storage}/{corpus}").pull(Work(folder / corpus))
    return folder
