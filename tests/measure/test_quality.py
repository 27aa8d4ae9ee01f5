"""`nercot report`: what it says of rows whose faults are known, with a reader behind real HTTP."""

from __future__ import annotations

import json

from commands import run
from fault_server import FaultServer
from fault_server import answer as reply
from pages import answer, write


def rows() -> list[dict]:
    """Twelve good answers, one of them twice, one nearly twice, one that breaks a rule; all begin alike but one."""
    found = [answer(number, license="mit") for number in range(12)]
    found.append({**found[0], "guid": "again"})
    found.append({**answer(20), "cot": "Quite otherwise: Ann20 is a person and Oslo a city, as everybody knows."})
    wrong = answer(30)
    found.append({**wrong, "entities": [*wrong["entities"], {"text": "Rome", "label": "city"}]})
    return [{**row, "cot": row["cot"].replace(f'"Ann{number}" is', "The name is")} for number, row in enumerate(found)]


def report(folder, *options):
    write(folder / "rows.jsonl", rows())
    before = (folder / "rows.jsonl").read_bytes()
    ran = run(folder, "report", "rows.jsonl", "--json", *options)
    assert (folder / "rows.jsonl").read_bytes() == before
    return ran, json.loads(ran.out)


def test_the_figures_are_those_of_the_rows(tmp_path):
    ran, found = report(tmp_path, "--out", "r")
    assert ran.code == 0, ran.err
    assert found["rows"] == 15
    assert found["rules"]["by_rule"]["not_in_sentence"] == {"rows": 1, "examples": ["g30"]}
    assert found["rules"]["paper"]["rows"] == found["rules"]["valid"]["rows"] == 2
    assert found["duplicates"]["exact"] == 1
    assert found["duplicates"]["same_text"] == 1
    assert found["contamination"] is None
    assert found["reading"] is None
    assert found["scripts"] == {"LATIN": 15}
    assert found["labels"]["used"] == 2
    assert found["openings"]["traces"] == 15
    assert found["openings"]["repeated"] >= 10
    text = (tmp_path / "r" / "report.md").read_text()
    assert "not\\_in\\_sentence" in text
    assert "--reader-url" in text
    assert json.loads((tmp_path / "r" / "report.json").read_text()) == found
    html = (tmp_path / "r" / "report.html").read_text()
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    assert "<script" not in html


def test_test_sets_are_looked_for_where_they_are_named(tmp_path):
    folder = tmp_path / "tests" / "MIT Movie"
    folder.mkdir(parents=True)
    write(folder / "test.json", [{"sentence": "Ann3 lives in Oslo.", "entities": []}])
    (folder / "labels.json").write_text('["person"]')
    ran, found = report(tmp_path, "--benchmarks", "tests")
    assert ran.code == 0, ran.err
    assert found["contamination"]["rows"] >= 1


def test_a_sample_is_read_blind(tmp_path):
    def script(call):
        assert '"entities"' not in call.prompt.partition("Trace")[2].replace("[...]", "")
        name = next(
            word for word in call.prompt.replace('"', " ").split() if word.startswith("Ann") and word[3:].isdigit()
        )
        taken = [{"mention": name, "type": "person", "because": "The name is a person"}]
        if name != "Ann4":
            taken.append({"mention": "Oslo", "type": "city", "because": '"Oslo" is a city'})
        return reply(json.dumps({"taken": taken, "refused": [], "given": False, "sound": True}))

    with FaultServer(script) as server:
        options = ("--reader-url", server.url, "--reader-model", "m", "--ledger", "ledger.sqlite", "--sample", 10)
        ran, found = report(tmp_path, *options)
        assert ran.code == 0, ran.err
        again = report(tmp_path, *options)[1]
    read = found["reading"]
    assert (read["sample"], read["pending"]) == (10, 0)
    assert read["borne_out"]["n"] == 10
    assert 0 < read["borne_out"]["low"] < read["borne_out"]["high"] <= 1
    assert again["reading"]["calls"] == 0
    assert again["reading"]["borne_out"] == read["borne_out"]
    assert set(read["reasons"]) <= {"not_justified", "unread"}


def test_no_rows_is_one_line(tmp_path):
    (tmp_path / "rows.jsonl").write_text("")
    ran = run(tmp_path, "report", "rows.jsonl")
    assert ran.code in (1, 2)
    assert len(ran.told) == 1
