"""`nercot view` without a browser: what goes into a page, what does not, and which paths it takes."""

from __future__ import annotations

import base64
import json
import re

import pytest
from commands import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pages import answer, opened, write

from nercot.report.sampling import draw, share


def test_same_rows_same_bytes(tmp_path):
    write(tmp_path / "rows.jsonl", map(answer, range(100)))
    assert run(tmp_path, "view", "rows.jsonl").code == 0
    assert run(tmp_path, "view", "rows.jsonl", "--out", "again.html").code == 0
    assert (tmp_path / "view.html").read_bytes() == (tmp_path / "again.html").read_bytes()
    assert [row["guid"] for row in opened(tmp_path / "view.html")] == [f"g{number}" for number in range(100)]


def test_the_policy_names_the_hashes_of_what_the_page_runs(tmp_path):
    import hashlib

    write(tmp_path / "rows.jsonl", [answer(1)])
    run(tmp_path, "view", "rows.jsonl")
    html = (tmp_path / "view.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?://|@import|url\((?!#hatch)", html)


def test_a_sample_is_said_and_drawn_from_every_layer(tmp_path):
    write(tmp_path / "rows.jsonl", map(answer, range(90)))
    ran = run(tmp_path, "view", "rows.jsonl", "--sample", 12, "--json")
    assert json.loads(ran.out)["rows"] == 12
    rows = opened(tmp_path / "view.html")
    assert len(rows) == 12
    assert sum(row["dataset"] == "b" for row in rows) == 4
    about = json.loads(re.search(r'id="about">(.*?)</script>', (tmp_path / "view.html").read_text())[1])
    assert about["of"] == 90
    assert about["sample"]["seed"] == 0
    again = run(tmp_path, "view", "rows.jsonl", "--sample", 12, "--seed", 1, "--out", "one.html")
    assert again.code == 0
    assert opened(tmp_path / "one.html") != rows


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    some.dictionaries(some.sampled_from("abcdefgh"), some.integers(1, 200), min_size=1, max_size=8),
    some.integers(1, 900),
)
def test_shares_add_up_and_none_has_more_than_there_is(sizes, size):
    shares = share(sizes, size)
    assert sum(shares.values()) == min(size, sum(sizes.values()))
    assert all(0 <= shares[layer] <= sizes[layer] for layer in sizes)
    if size >= len(sizes):
        assert all(shares.values())


def test_a_draw_does_not_depend_on_the_order_of_rows():
    keys = [(str(number), "xyz"[number % 3]) for number in range(60)]
    assert draw(keys, 10, 7).keys == draw(keys[::-1], 10, 7).keys != draw(keys, 10, 8).keys


def test_completions_are_read_and_bad_rows_shown(tmp_path):
    good = answer(1)
    text = '<think>\n{cot}\n</think>\n{"entities": {"person": ["Ann1"], "city": ["Oslo"]}}'.replace(
        "{cot}", good["cot"]
    )
    rows = [{"sentence": good["sentence"], "schema": good["schema"], "completion": text, "guid": "c"}]
    rows += [{"sentence": good["sentence"], "schema": good["schema"], "completion": "no idea", "guid": "d"}]
    write(tmp_path / "rows.jsonl", rows)
    with (tmp_path / "rows.jsonl").open("a") as handle:
        handle.write("not json\n")
    assert run(tmp_path, "view", "rows.jsonl").code == 0
    one, two, three = opened(tmp_path / "view.html")
    assert (one["kept"], one["attempts"][0]["entities"][1]["text"]) == ("kept", "Oslo")
    assert (two["kept"], two["reason"]) == ("dropped", "malformed")
    assert (three["reason"], three["input"]) == ("unreadable", "not json")


def test_verdicts_beside_their_rows(tmp_path):
    write(tmp_path / "rows.jsonl", [answer(1), answer(2), answer(3)])
    said = [
        {"guid": "g1", "valid": True, "violations": [], "entities": None},
        {
            "guid": "g2",
            "valid": False,
            "violations": [{"rule": "contradicted", "entity": None, "detail": "so"}],
            "entities": None,
        },
        {"guid": "g9", "valid": True, "violations": [], "entities": None},
    ]
    write(tmp_path / "verdicts.jsonl", said)
    ran = run(tmp_path, "view", "verdicts.jsonl", "--rows", "rows.jsonl")
    assert ran.code == 0
    assert "1 verdicts are about rows that are not in --rows" in ran.out
    fates = [(row["kept"], row.get("reason")) for row in opened(tmp_path / "view.html")]
    assert fates == [("kept", None), ("dropped", "contradicted"), ("pending", None)]


def test_gold_differences_are_in_the_row(tmp_path):
    gold = [
        {"text": "Ann1", "label": "person"},
        {"text": "in Oslo", "label": "city"},
        {"text": "lives", "label": "city"},
    ]
    write(tmp_path / "rows.jsonl", [answer(1, gold=gold)])
    run(tmp_path, "view", "rows.jsonl")
    (row,) = opened(tmp_path / "view.html")
    assert sorted(pair["kind"] for pair in row["attempts"][0]["gold"]) == ["boundary", "removed"]


@pytest.mark.parametrize("content", ["", "\n"])
def test_no_rows_is_said_in_one_line(tmp_path, content):
    (tmp_path / "rows.jsonl").write_text(content)
    ran = run(tmp_path, "view", "rows.jsonl")
    assert ran.code in (1, 2)
    assert len(ran.told) == 1
    assert not (tmp_path / "view.html").exists()


def test_a_foreign_file_is_not_written_over(tmp_path):
    write(tmp_path / "rows.jsonl", [answer(1)])
    (tmp_path / "view.html").write_text("my own page")
    ran = run(tmp_path, "view", "rows.jsonl")
    assert ran.code == 2
    assert "view.html" in ran.err
    assert (tmp_path / "view.html").read_text() == "my own page"
    assert run(tmp_path, "view", "rows.jsonl", "--out", "mine.html").code == 0
    assert run(tmp_path, "view", "rows.jsonl", "--out", "mine.html").code == 0


def test_gold_without_answers_is_shown_as_it_is(tmp_path):
    rows = [{"sentence": "Ann is here.", "schema": ["person"], "gold": [{"text": "Ann", "label": "person"}]}]
    write(tmp_path / "rows.jsonl", rows)
    assert run(tmp_path, "view", "rows.jsonl").code == 0
    (row,) = opened(tmp_path / "view.html")
    assert row["kept"] == "kept"
    assert row["attempts"][0]["entities"][0]["start"] == 0


def test_all_configs_of_a_data_set_that_is_not_ours(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    configs = "".join(f"- config_name: {name}\n  data_files: {name}.jsonl\n" for name in ("a", "b"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n\nTheirs.\n")
    write(folder / "a.jsonl", [answer(1), answer(2)])
    write(folder / "b.jsonl", [answer(3)])
    ran = run(tmp_path, "view", "theirs")
    assert ran.code == 0, ran.err
    assert [row["guid"] for row in opened(tmp_path / "view.html")] == ["g1", "g2", "g3"]
    assert run(tmp_path, "view", "theirs:b", "--out", "b.html").code == 0
    assert [row["guid"] for row in opened(tmp_path / "b.html")] == ["g3"]
