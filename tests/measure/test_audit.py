"""`nercot audit` without a browser: samples out, verdicts back, figures, disputed answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run
from pages import answer, opened, write

from nercot.measure.intervals import Seen, auc, corrected, kappa, proportion, weighted
from nercot.report.sampling import draw

CORPUS = "build/quickstart/candidate"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    ran = run(folder, "build", "quickstart")
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def corpus(built, tmp_path):
    import shutil

    shutil.copytree(built / "build", tmp_path / "build")
    return tmp_path


def verdicts_on(folder: Path, person: str = "Ann", wrong: int = 0, start: int = 0, end: int = 20) -> list[dict]:
    """Lines as the page saves them, about its rows from start to end, the first of which are wrong."""
    page = folder / "audit.html"
    if not page.exists():
        assert run(folder, "audit", CORPUS, "--sample", 40).code == 0
    html = page.read_text()
    about = json.loads(html.partition('id="about">')[2].partition("</script>")[0])
    lines = []
    for place, row in enumerate(opened(page)[start:end]):
        attempt = row["attempts"][row["first"]]
        entity = (
            {name: attempt["entities"][0][name] for name in ("text", "label", "start", "end")}
            if attempt["entities"]
            else None
        )
        bad = place < wrong
        lines.append(
            {
                "corpus": about["corpus"],
                "fingerprint": about["fingerprint"],
                "guid": row["guid"],
                "answer": attempt["answer"],
                "person": person,
                "verdict": "wrong" if bad else "right",
                "faults": [{"kind": "extent", "entity": entity}] if bad else [],
                "note": "",
            }
        )
    return lines


def audit(folder: Path, *files: str, path: str = CORPUS) -> dict:
    options = [option for file in files for option in ("--verdicts", file)]
    ran = run(folder, "audit", path, *options, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_figures_stand_in_manifest_and_card(corpus):
    write(corpus / "ann.jsonl", verdicts_on(corpus, wrong=3))
    found = audit(corpus, "ann.jsonl")
    assert found["answers"] == found["kept"]["answers"] + found["dropped"]["answers"] == 20
    assert found["people"] == {"Ann": 20}
    share = found["kept"]["share"]
    assert 0 < share["low"] < share["value"] < share["high"] < 1 or found["kept"]["right"] == found["kept"]["answers"]
    manifest = json.loads((corpus / CORPUS / "manifest.json").read_text())
    assert manifest["audit"]["answers"] == 20
    card = (corpus / CORPUS / "README.md").read_text()
    assert "## Judged by people" in card
    assert "Ann (20)" in card
    assert f"{share['value']:.3f}" in card


def test_disputed_answers_leave_the_next_candidate_and_a_rebuild_does_the_same(corpus):
    write(corpus / "ann.jsonl", verdicts_on(corpus, wrong=3, end=40))
    found = audit(corpus, "ann.jsonl")
    disputed = [json.loads(line) for line in (corpus / "releases/quickstart/disputed.jsonl").read_text().splitlines()]
    assert len(disputed) == 3
    before = json.loads((corpus / CORPUS / "manifest.json").read_text())["steps"][-1]
    ran = run(corpus, "build", "quickstart", "--json")
    assert ran.code == 0, ran.err
    after = json.loads(ran.out)["steps"][-1]
    assert after["dropped"].get("disputed", 0) == found["disputed"]
    assert after["kept"] == before["kept"] - found["disputed"]
    assert run(corpus, "release", "quickstart").code == 0
    release = corpus / "releases/quickstart/1.0.0"
    told = json.loads((release / "manifest.json").read_text())["audit"]
    assert told["fingerprint"] == found["fingerprint"] != json.loads(ran.out)["fingerprint"]
    assert told["standing"] == found["kept"]["right"]
    assert "judged" not in told
    card = (release / "README.md").read_text()
    assert "## Judged by people" in card
    assert f"{found['kept']['answers']} were judged, and {told['standing']} of these stand here too" in card
    ran = run(corpus, "verify", "releases/quickstart/1.0.0", "--rebuild")
    assert ran.code == 0, ran.out + ran.err
    # The verdicts are withdrawn: the answers come back.
    write(corpus / "later.jsonl", [{**line, "verdict": "right", "faults": []} for line in verdicts_on(corpus, end=40)])
    audit(corpus, "later.jsonl")
    assert json.loads(run(corpus, "build", "quickstart", "--json").out)["steps"][-1] == before


def test_two_people(corpus):
    write(corpus / "ann.jsonl", verdicts_on(corpus, "Ann", wrong=4))
    write(corpus / "bo.jsonl", verdicts_on(corpus, "Bo", wrong=2))
    (pair,) = audit(corpus, "ann.jsonl", "bo.jsonl")["agreement"]
    assert (pair["people"], pair["n"], pair["agree"]) == (["Ann", "Bo"], 20, 18)
    assert pair["base_rates"] == {"right": [0.8, 0.9], "wrong": [0.2, 0.1]}
    assert pair["kappa"] == round((0.9 - 0.74) / 0.26, 4)
    assert 0.9 < pair["span_f1"] < 1
    one_sided = [{**line, "verdict": "right", "faults": []} for line in verdicts_on(corpus, "Cy")]
    write(corpus / "cy.jsonl", one_sided)
    write(corpus / "di.jsonl", [{**line, "person": "Di"} for line in one_sided])
    (pair,) = audit(corpus, "cy.jsonl", "di.jsonl")["agreement"]
    assert pair["kappa"] is None
    assert "not defined" in run(corpus, "audit", CORPUS, "--verdicts", "cy.jsonl", "--verdicts", "di.jsonl").out


def test_files_that_are_not_what_they_should_be(corpus):
    good = verdicts_on(corpus, wrong=1)
    contradicting = [*good, {**good[0], "verdict": "right", "faults": []}]
    write(corpus / "twice.jsonl", contradicting)
    found = audit(corpus, "twice.jsonl")
    assert found["kept"]["right"] + found["dropped"]["right"] == 20
    assert any("last one counts" in note for note in found["notes"])
    text = (corpus / "twice.jsonl").read_text()
    (corpus / "cut.jsonl").write_text(text[: len(text) - 40])
    found = audit(corpus, "cut.jsonl")
    assert found["answers"] == 20
    assert any("line 21" in note for note in found["notes"])
    write(corpus / "other.jsonl", [{**line, "corpus": "other"} for line in good])
    ran = run(corpus, "audit", CORPUS, "--verdicts", "other.jsonl")
    assert (ran.code, len(ran.told)) == (2, 1)
    assert "another corpus" in ran.err
    write(corpus / "old.jsonl", [{**line, "answer": "0" * 32, "fingerprint": "1" * 64} for line in good])
    ran = run(corpus, "audit", CORPUS, "--verdicts", "old.jsonl")
    assert ran.code == 2
    assert "another version" in ran.err
    write(corpus / "mixed.jsonl", [*good[:10], *({**line, "answer": "0" * 32} for line in good[10:])])
    assert audit(corpus, "mixed.jsonl")["answers"] == 10
    (corpus / "none.jsonl").write_text("hello\n")
    assert run(corpus, "audit", CORPUS, "--verdicts", "none.jsonl").code == 2
    write(corpus / "odd.jsonl", [{**good[0], "verdict": "maybe"}, *good[1:]])
    assert audit(corpus, "odd.jsonl")["answers"] == 19


def test_a_candidate_is_as_it_was_after_figures_of_nobody(corpus):
    before = (corpus / CORPUS / "manifest.json").read_bytes()
    (corpus / "empty.jsonl").write_text("")
    assert run(corpus, "audit", CORPUS, "--verdicts", "empty.jsonl").code == 2
    assert (corpus / CORPUS / "manifest.json").read_bytes() == before


def test_label_studio_both_ways(corpus):
    assert run(corpus, "audit", CORPUS, "--sample", 6, "--to", "labelstudio", "--out", "tasks.json").code == 0
    tasks = json.loads((corpus / "tasks.json").read_text())
    assert len(tasks) == 6
    assert '<Labels name="label" toName="text">' in (corpus / "tasks.xml").read_text()
    for task in tasks:
        for region in task["predictions"][0]["result"]:
            value = region["value"]
            assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
    exported = [{**task, "annotations": [done(task["predictions"][0]["result"])]} for task in tasks]
    changed = next(task for task in exported if len(task["predictions"][0]["result"]) > 1)
    regions = changed["predictions"][0]["result"]
    changed["annotations"] = [done(regions[1:])]
    exported[-1]["annotations"].append(done([], was_cancelled=True))
    (corpus / "export.json").write_text(json.dumps(exported))
    found = audit(corpus, "export.json")
    assert found["answers"] == 6
    assert found["people"] == {"ann@example.org": 6}
    assert found["faults"] == {"entity": 1}
    chosen = {"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": ["wrong"]}}
    exported[0]["annotations"] = [done([*exported[0]["predictions"][0]["result"], chosen])]
    (corpus / "export.json").write_text(json.dumps(exported))
    again = audit(corpus, "export.json")
    right = [each["kept"]["right"] + each["dropped"]["right"] for each in (found, again)]
    assert right[1] == right[0] - (exported[0] is not changed)


def done(result: list, **more) -> dict:
    return {
        "id": 1,
        "completed_by": {"id": 3, "email": "ann@example.org"},
        "was_cancelled": False,
        "result": result,
        **more,
    }


def test_utf_16_offsets_of_old_servers_are_seen():
    from nercot.measure.tasks import verdict_of_task

    entity = {"text": "Bo", "label": "person", "start": 2, "end": 4}
    data = {"text": "😀 Bo", "guid": "g", "corpus": "c", "fingerprint": "f", "answer": "a", "entities": [entity]}
    region = {"type": "labels", "value": {"start": 3, "end": 5, "text": "Bo", "labels": ["person"]}}
    (verdict,) = verdict_of_task({"data": data, "annotations": [done([region])]})
    assert verdict["verdict"] == "right"


def test_answers_of_any_file_can_be_audited(tmp_path):
    write(tmp_path / "rows.jsonl", map(answer, range(12)))
    assert run(tmp_path, "audit", "rows.jsonl", "--sample", 6).code == 0
    assert len(opened(tmp_path / "audit.html")) == 6
    ran = run(tmp_path, "audit", "rows.jsonl", "--sample", 6, "--out", "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "audit.html").read_bytes(), ran.err


def test_intervals():
    assert proportion(0, 0) is None
    assert proportion(10, 10).high == pytest.approx(1.0)
    assert 0.72 < proportion(10, 10).low < 0.73
    assert weighted([(1.0, 2.0)] * 10).low == pytest.approx(proportion(10, 10).low)
    even, uneven = (
        weighted([(1.0, 1.0), (0.0, 1.0)] * 20),
        weighted([(1.0, 9.0), (0.0, 9.0), (1.0, 1.0), (0.0, 1.0)] * 10),
    )
    assert uneven.high - uneven.low > even.high - even.low
    assert auc([], [1]) is None
    assert auc([2, 1], [1, 0]) == 0.875
    assert kappa([])["kappa"] is None
    assert kappa([("a", "a"), ("b", "b")])["kappa"] == 1.0


def test_a_corrected_figure_is_narrower_where_the_prediction_is_good_and_never_without_width():
    truth = [1.0] * 80 + [0.0] * 20
    told = {"mean": 0.78, "variance": 0.78 * 0.22}
    good = corrected([Seen(truth, truth, 5000)], told, 5000)
    useless = corrected([Seen(truth, [0.5, 1.0] * 50, 5000)], {"mean": 0.75, "variance": 0.0625}, 5000)
    assert good.value == pytest.approx(0.78, abs=0.005)
    assert useless.value == pytest.approx(0.8, abs=0.01)
    assert good.high - good.low < 0.5 * (useless.high - useless.low)
    whole = corrected([Seen([1.0] * 30, [1.0] * 30, 5000)], {"mean": 1.0, "variance": 0.0}, 5000)
    assert whole.low == pytest.approx(proportion(30, 30).low)
    assert corrected([], told, 10) is None


def test_the_interval_of_the_corrected_figure_holds_what_it_says():
    from random import Random

    held = 0
    for seed in range(200):
        rng = Random(seed)
        corpus = [float(rng.random() < 0.85) for _ in range(2000)]
        told = [min(1.0, max(0.0, 0.9 * value + rng.gauss(0.05, 0.2))) for value in corpus]
        mean = sum(told) / 2000
        spread = sum((one - mean) ** 2 for one in told) / 2000
        seen = rng.sample(range(2000), 120)
        layers = [Seen([corpus[place] for place in seen], [told[place] for place in seen], 2000)]
        found = corrected(layers, {"mean": mean, "variance": spread}, 2000)
        held += found.low <= sum(corpus) / 2000 <= found.high
    assert held >= 180


def test_a_sample_holds_kept_and_dropped():
    from nercot.measure.audit import draw_answers
    from nercot.report.shown import Answered

    answers = [Answered(str(place), place % 4 != 0, "ab"[place % 2], None) for place in range(400)]
    sample = draw_answers(answers, 40, 0)
    assert len(sample.keys) == 40
    assert sum(int(key) % 4 == 0 for key in sample.keys) == 10
    assert draw_answers(answers, 1000, 0).whole
    assert (
        draw([(item.key, "x") for item in answers], 5, 1).keys != draw([(item.key, "x") for item in answers], 5, 2).keys
    )


ANN, BO = "3fa85f64-5717-4562-b3fc-2c963f66afa6", "4fa85f64-5717-4562-b3fc-2c963f66afa6"


def flat(record: dict, *answers: tuple[str, str, list, str | None]) -> dict:
    """A record as Argilla's records.to_list(flatten=True) writes it; answers: person, status, spans, verdict."""
    row = {"id": record["id"], "status": "completed", "_server_id": None, **record["fields"], **record["metadata"]}
    chosen = [answer for answer in answers if answer[3]]
    for question, of, place in (("entities", answers, 2), ("verdict", chosen, 3)):
        row[f"{question}.responses"] = [answer[place] for answer in of]
        row[f"{question}.responses.users"] = [answer[0] for answer in of]
        row[f"{question}.responses.status"] = [answer[1] for answer in of]
    suggestion = record["suggestions"]["entities"]
    return {**row, "entities.suggestion": suggestion["value"], "entities.suggestion.agent": suggestion["agent"]}


def nested(record: dict, *answers: tuple[str, list]) -> dict:
    """A record as Argilla's records.to_json() writes it, without a status of its responses."""
    return {**record, "responses": {"entities": [{"value": spans, "user_id": person} for person, spans in answers]}}


def test_argilla_both_ways(corpus):
    assert run(corpus, "audit", CORPUS, "--sample", 6, "--to", "argilla", "--out", "tasks.json").code == 0
    records = json.loads((corpus / "tasks.json").read_text())
    settings = json.loads((corpus / "tasks.settings.json").read_text())
    offered = {option["value"] for option in settings["questions"][0]["settings"]["options"]}
    spans = [record["suggestions"]["entities"]["value"] for record in records]
    assert len(records) == 6
    assert {span["label"] for listed in spans for span in listed} <= offered
    assert all(set(record["fields"]) <= {field["name"] for field in settings["fields"]} for record in records)
    named = {item["name"] for item in settings["metadata"]}
    assert all(set(record["metadata"]) <= named for record in records)

    rows = [flat(record, (ANN, "submitted", listed, None)) for record, listed in zip(records, spans, strict=True)]
    place = next(place for place, listed in enumerate(spans) if len(listed) > 1)
    rows[place] = flat(records[place], (ANN, "submitted", spans[place][1:], None), (BO, "discarded", [], "wrong"))
    other = (place + 1) % 6
    rows[other] = flat(records[other], (ANN, "submitted", spans[other], "wrong"), (BO, "draft", [], None))
    (corpus / "done.json").write_text(json.dumps(rows))
    found = audit(corpus, "done.json")
    assert found["people"] == {ANN: 6}
    assert found["kept"]["right"] + found["dropped"]["right"] == 4
    assert found["faults"] == {"entity": 1}
    assert found["notes"] == []

    rows = [nested(record, (ANN, listed)) for record, listed in zip(records, spans, strict=True)]
    rows[place] = nested(records[place], (ANN, spans[place]), (BO, spans[place][1:]))
    (corpus / "nested.json").write_text(json.dumps(rows))
    found = audit(corpus, "nested.json")
    assert found["people"] == {ANN: 6, BO: 1}
    assert any("6 records do not say which responses were submitted" in note for note in found["notes"])


@pytest.mark.parametrize("damage", [{"id": None}, {"metadata": {}}, {"fields": {"x": "y"}}])
def test_records_of_argilla_that_are_not_of_an_audit_are_said(corpus, damage):
    assert run(corpus, "audit", CORPUS, "--sample", 2, "--to", "argilla", "--out", "tasks.json").code == 0
    records = json.loads((corpus / "tasks.json").read_text())
    spans = [record["suggestions"]["entities"]["value"] for record in records]
    rows = [nested(record, (ANN, listed)) for record, listed in zip(records, spans, strict=True)]
    (corpus / "done.json").write_text(json.dumps([rows[0], {**rows[1], **damage}]))
    found = audit(corpus, "done.json")
    assert found["answers"] == 1
    assert any("no record of nercot audit" in note for note in found["notes"])


def test_verdicts_on_answers_that_are_all_gone_are_not_in_the_card(corpus):
    write(corpus / "ann.jsonl", verdicts_on(corpus, wrong=40, end=40))
    found = audit(corpus, "ann.jsonl")
    assert found["kept"]["right"] == 0
    assert run(corpus, "build", "quickstart").code == 0
    manifest = json.loads((corpus / CORPUS / "manifest.json").read_text())
    assert "audit" not in manifest
    assert "Judged by people" not in (corpus / CORPUS / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "content"), [("audit.json", "{"), ("audit.json", "[]"), ("audit.json", "{}"), ("disputed.jsonl", "x\n")]
)
def test_what_audits_left_is_checked_before_a_build_takes_it(tmp_path, name, content):
    beside = tmp_path / "releases/quickstart"
    beside.mkdir(parents=True)
    (beside / name).write_text(content)
    ran = run(tmp_path, "build", "quickstart")
    assert (ran.code, len(ran.told)) == (2, 1)
    assert name in ran.err
