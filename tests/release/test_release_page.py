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


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning:httpx2")
def test_a_hub_data_set_is_shown_with_all_its_configs(released, hub, tmp_path):
    ran = run(tmp_path, "publish", released, "org/quickstart")
    assert ran.code == 0, ran.err
    ran = run(tmp_path, "view", "org/quickstart@v1.0.0", "--json")
    assert ran.code == 0, ran.err
    shown = opened(tmp_path / "view.html")
    assert shown == opened(released / "view.html")
    assert all(row["attempts"][0]["completion"] for row in shown if row["kept"] == "kept")


def test_verdicts_on_a_release_stand_beside_it_and_leave_it_as_it_is(released):
    folder = released.parents[2]
    before = {path.name: path.read_bytes() for path in released.iterdir() if path.is_file()}
    assert run(folder, "audit", released, "--sample", 5).code == 0
    lines = []
    for row in opened(folder / "audit.html"):
        said = {"person": "Ann", "verdict": "right", "faults": [], "note": ""}
        fingerprint = json.loads((released / "manifest.json").read_text())["fingerprint"]
        about = {"corpus": "quickstart", "fingerprint": fingerprint, "guid": row["guid"]}
        lines.append({**about, "answer": row["attempts"][row["first"]]["answer"], **said})
    (folder / "ann.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = run(folder, "audit", released, "--verdicts", "ann.jsonl", "--json")
    assert ran.code == 0, ran.err
    assert json.loads((released.parent / "audit.json").read_text())["answers"] == 5
    assert {path.name: path.read_bytes() for path in released.iterdir() if path.is_file()} == before
    assert run(folder, "build", "quickstart").code == 0
    assert "Ann (5)" in (folder / "build/quickstart/candidate/README.md").read_text()
