"""The export to verl, and what its reward function makes of it."""

from __future__ import annotations

import importlib.util
import subprocess

import at_training
import pyarrow.parquet as pq
import pytest

pytest.importorskip("datasets")

from nercot.measure.rewards import compute_score

EXPORT = at_training.TRAINING / "verl" / "export.py"


@pytest.fixture(scope="module")
def export():
    spec = importlib.util.spec_from_file_location("verl_export", EXPORT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def corpus(tmp_path):
    return at_training.write_corpus(tmp_path / "corpus", "grpo", [at_training.grpo_row(number) for number in range(30)])


def test_the_files_hold_every_row_once_with_verls_columns(export, corpus, tmp_path, capsys):
    assert export([str(corpus), str(tmp_path / "out"), "--dev", "5"]) == 0
    assert "train.parquet 25 rows, dev.parquet 5 rows" in capsys.readouterr().out
    train, dev = (pq.read_table(tmp_path / "out" / f"{name}.parquet").to_pylist() for name in ("train", "dev"))
    made = {row["guid"]: row for row in (at_training.grpo_row(number) for number in range(30))}
    assert sorted(row["extra_info"]["guid"] for row in train + dev) == sorted(made)
    for row in train + dev:
        source = made[row["extra_info"]["guid"]]
        assert list(row) == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
        assert row["prompt"] == source["prompt"]
        assert row["reward_model"] == {"style": "rule", "ground_truth": source["gold"]}
        assert row["extra_info"]["schema"] == source["schema"]


def test_the_schema_term_is_kept(export, corpus, tmp_path):
    export([str(corpus), str(tmp_path / "out"), "--dev", "1"])
    row = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()[0]
    truth, extra = row["reward_model"]["ground_truth"], row["extra_info"]
    assert compute_score(row["data_source"], truth, truth, extra) == 11.0
    assert compute_score(row["data_source"], '{"entities": {"place": ["Oslo"]}}', truth, extra) == 1.0
    assert compute_score(row["data_source"], '{"entities": {"ship": ["Oslo"]}}', truth, extra) == 0.0


def test_the_same_rows_are_held_out_whatever_the_order(export, corpus, tmp_path):
    export([str(corpus), str(tmp_path / "one"), "--dev", "5"])
    turned = [at_training.grpo_row(number) for number in reversed(range(30))]
    at_training.write_corpus(corpus, "grpo", turned)
    export([str(corpus), str(tmp_path / "two"), "--dev", "5"])
    held_out = [
        {row["extra_info"]["guid"] for row in pq.read_table(tmp_path / name / "dev.parquet").to_pylist()}
        for name in ("one", "two")
    ]
    assert held_out[0] == held_out[1]


def test_a_validation_split_is_the_dev_file(export, corpus, tmp_path):
    held_out = at_training.write_corpus(tmp_path / "other", "grpo", [at_training.grpo_row(99)])
    (held_out / "grpo/train-00000-of-00001.parquet").rename(corpus / "grpo/validation-00000-of-00001.parquet")
    export([str(corpus), str(tmp_path / "out")])
    assert pq.read_table(tmp_path / "out" / "train.parquet").num_rows == 30
    [row] = pq.read_table(tmp_path / "out" / "dev.parquet").to_pylist()
    assert row["extra_info"]["guid"] == at_training.grpo_row(99)["guid"]


def test_too_many_held_out_rows_are_refused(export, corpus, tmp_path, capsys):
    assert export([str(corpus), str(tmp_path / "out"), "--dev", "30"]) == 2
    assert "has 30 rows, so none would be left to train on" in capsys.readouterr().err


def test_the_launch_script_is_valid_shell_and_wants_its_arguments(tmp_path):
    script = at_training.TRAINING / "verl" / "launch.sh"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    asked = subprocess.run(["bash", str(script)], check=False, capture_output=True, text=True)
    assert asked.returncode != 0
    assert "the model that SFT saved" in asked.stderr
    if importlib.util.find_spec("verl") is None:
        without = subprocess.run(["bash", str(script), "m", "d"], check=False, capture_output=True, text=True)
        assert (without.returncode, without.stderr.count("\n")) == (2, 1)
