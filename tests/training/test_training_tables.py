"""The tables that ablation.py and few_shot.py print of what was measured."""

from __future__ import annotations

import json

import at_training
import pytest

pytest.importorskip("trl")


def _measured(folder, exact, paper):
    folder.mkdir(parents=True)
    average = {"exact": exact, "paper": paper}
    (folder / "evaluation.json").write_text(json.dumps({"average": average, "datasets": {"CoNLL03": {}}}))


def test_few_shot_figures_are_mean_and_spread_over_draws(tmp_path):
    for seed, f1 in enumerate((0.86, 0.88, 0.90)):
        _measured(tmp_path / "out/1" / str(seed), f1, f1 + 0.01)
    _measured(tmp_path / "out/10/0", 0.93, 0.93)
    asked = ("--input", "train.conll", "--benchmarks", "bench", "--shares", "1", "--seeds", "3", "--out", "out")
    done = at_training.run("few_shot.py", *asked, folder=tmp_path)
    lines = done.stdout.splitlines()
    assert "asked to answer at once" in lines[0]
    assert "| 1 % | 3 | 88.0 | 2.0 | 89.0 | 2.0 | 87.1 | 82.8 | 79.2 |" in lines
    assert "| 10 % | 1 | 93.0 | 0.0 | 93.0 | 0.0 | 92.9 | - | - |" in lines
    (first, _) = json.loads((tmp_path / "out/few-shot.json").read_text())
    assert [round(value) for value in first["exact"]["values"]] == [86, 88, 90]
    other = at_training.run("few_shot.py", *asked, "--trace", folder=tmp_path, ok=False)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    wrong = at_training.run("few_shot.py", *asked[:4], "--shares", "2", "--out", "new", folder=tmp_path, ok=False)
    assert "there is no few-shot-2.toml" in wrong.stderr


def test_the_ablation_has_both_rows_without_trace_beside_the_papers(tmp_path):
    for place, name in enumerate(("base", "gold", "plain", "same", "trace", "re")):
        _measured(tmp_path / "out" / name, 0.1 * place, 0.1 * place)
    done = at_training.run("ablation.py", "--benchmarks", "bench", "--out", "out", folder=tmp_path)
    cells = [[cell.strip() for cell in line.split("|")][1:-1] for line in done.stdout.splitlines()[2:]]
    assert [cell[-1] for cell in cells] == ["31.9", "40.3", "60.6", "60.6", "63.0", "65.1"]
    assert cells[3][0] == "NER-CoT without trace, same prompt"
