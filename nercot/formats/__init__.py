"""NER data of any format in and out: the registry of formats, detection, one file a dialect, sources, convert."""

from __future__ import annotations

from nercot.formats.detection import format_of
from nercot.formats.files import DataFile
from nercot.formats.registry import FORMATS, Format, format_named
from nercot.formats.rows import BadRow, ReadOptions, SourceRow

__all__ = ["FORMATS", "BadRow", "DataFile", "Format", "ReadOptions", "SourceRow", "format_named", "format_of"]
