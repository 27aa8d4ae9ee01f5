"""The page of a release: in it, sealed, linked by the card, and the same when it is made again."""

from __future__ import annotations

import json
import stat

import pytest
from commands import run
from pages import opened


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    assert run(folder, "build", "quickstart").code == 0
    assert run(folder, "release", "quickstart").code == 0
    return folder / "releases/quickstart/1.0.0"


def test_a_release_shows_its_rows(released):
    manifest = json.loads((released / "manifest.json").read_text())
    assert "view.html" in [file["path"] for file in manifest["files"]]
    assert "](view.html)" in (released / "README.md").read_text()
    shown = opened(released / "view.html")
    assert len(shown) == manifest["steps"][0]["in"]
    assert {row["kept"] for row in shown} <= {"kept", "dropped"}
    assert run(released, "verify", released, "--rebuild").code == 0


def test_a_page_that_was_changed_is_found(released):
    page = released / "view.html"
    content = page.read_bytes()
    page.chmod(page.stat().st_mode | stat.S_IWUSR)
    page.write_bytes(content.replace(b"NER-CoT", b"NER-COT"))
    ran = run(released, "verify", released)
    page.write_bytes(content)
    assert ran.code == 1
    assert "view.html" in ran.out
