"""Rows for pages, and what stands in a page."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path


def answer(number: int, **more) -> dict:
    sentence = f"Ann{number} lives in Oslo."
    return {
        "guid": f"g{number}",
        "dataset": "a" if number % 3 else "b",
        "sentence": sentence,
        "schema": ["person", "city"],
        "cot": f'"Ann{number}" is a person, since she lives; "Oslo" is a city, as "in" says.',
        "entities": [{"text": f"Ann{number}", "label": "person"}, {"text": "Oslo", "label": "city"}],
        **more,
    }


def write(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def opened(page: Path) -> list[dict]:
    """The rows that stand in a page."""
    html = page.read_text(encoding="utf-8")
    rows = []
    for size, packed in re.findall(r'id="block-\d+" data-bytes="(\d+)">([^<]*)<', html):
        text = zlib.decompress(base64.b64decode(packed), -15)
        assert len(text) == int(size)
        rows += json.loads(text)
    return rows
