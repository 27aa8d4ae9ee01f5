"""A report of sections and tables, as Markdown and as one HTML page.

In: sections of plain text.  Out: text.  Nothing of a section is ever markup: Markdown is escaped, and the page holds
no script, loads nothing, and applies no style but its own (CSP with its hash).
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nercot.report.card import cell
from nercot.report.page import MARK


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, lines of text, and a table (heads, rows) where there is one; `picture`: SVG of ours for the page."""

    title: str
    lines: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[Sequence[Any], ...] = ()
    picture: str = ""


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The report as Markdown."""
    parts = [f"# {cell(title)}", *(_markdown(section) for section in sections)]
    return "\n\n".join(parts) + "\n"


def _markdown(section: Section) -> str:
    parts = [f"## {cell(section.title)}", *map(cell, section.lines)]
    if section.rows:
        heads = [f"| {' | '.join(section.heads)} |", f"|{' --- |' * len(section.heads)}"]
        parts.append("\n".join([*heads, *(f"| {' | '.join(map(cell, map(shown, row)))} |" for row in section.rows)]))
    return "\n\n".join(parts)


def page(title: str, sections: Sequence[Section]) -> bytes:
    """The report as an HTML page that works from a file."""
    style = Path(__file__).with_name("page").joinpath("report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    body = "\n".join(map(_section, sections))
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="{MARK}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{_text(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>{_text(title)}</h1>
{body}
</main>
</body>
</html>
"""
    return text.encode()


def _section(section: Section) -> str:
    parts = [f"<section>\n<h2>{_text(section.title)}</h2>"]
    parts += [f'<p dir="auto">{_text(line)}</p>' for line in section.lines]
    parts += [section.picture] if section.picture else []
    if section.rows:
        heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in section.heads)
        rows = "\n".join(f"<tr>{''.join(_cells(row))}</tr>" for row in section.rows)
        table = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
        parts.append(
            f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(section.title)}">{table}</div>'
        )
    return "\n".join([*parts, "</section>"])


def _cells(row: Sequence[Any]) -> Iterator[str]:
    for value in row:
        number = ' class="n"' if isinstance(value, int | float) else ' dir="auto"'
        yield f"<td{number}>{_text(shown(value))}</td>"


def shown(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def _text(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode(), quote=True)
