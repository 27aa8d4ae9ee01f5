"""The training scripts as a user runs them, on a toy that a CPU trains in minutes: they learn, and what they log holds.

The runs share what they can: one SFT run with checkpoints is the trained model, the half-trained one and the one that
is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import at_training

pytest.importorskip("trl")

import toy

SFT = at_training.CONFIGS / "smoke-sft.toml"
GRPO = at_training.CONFIGS / "smoke-grpo.toml"
# The half-trained model is the checkpoint at this step.
HALF = 100
CHECKPOINTS = ("train.save_strategy=steps", f"train.save_steps={HALF}")


def _sets(*values):
    return [part for value in values for part in ("--set", value)]


def _log(run):
    return json.loads((run / "run.json").read_text())["log"]


def _curve(run, name="loss"):
    return [entry[name] for entry in _log(run) if name in entry]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    at_training.run("toy.py", "build/toy", folder=folder)
    return folder


@pytest.fixture(scope="module")
def trained(work):
    """The SFT run, which was killed once after its first checkpoint and went on by the same command."""
    command = [sys.executable, str(at_training.TRAINING / "sft.py"), str(SFT), "--out", "runs/sft", *_sets(*CHECKPOINTS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    first = subprocess.Popen(command, cwd=work, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    checkpoint = work / "runs/sft" / f"checkpoint-{HALF}" / "trainer_state.json"
    deadline = time.monotonic() + 500
    while not checkpoint.is_file():
        assert first.poll() is None, first.stderr.read()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.5)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    shutil.copytree(checkpoint.parent, work / "half")
    done = at_training.run("sft.py", SFT, "--out", "runs/sft", *_sets(*CHECKPOINTS), folder=work)
    assert f"going on from runs/sft/checkpoint-{HALF}" in done.stderr
    return work / "runs/sft"


def test_a_random_model_knows_nothing(work):
    assert toy.score(work / "build/toy/model", work / "build/toy/held-out.jsonl", 20).f1 < 0.02


def test_sft_learns_the_toy_language(work, trained):
    score = toy.score(trained / "model", work / "build/toy/held-out.jsonl")
    assert score.f1 >= 0.9
    assert score.unreadable <= 4


def test_the_model_argues_before_it_answers(work, trained):
    held_out = [json.loads(line) for line in (work / "build/toy/held-out.jsonl").read_text().splitlines()[:10]]
    answers = toy.answers(trained / "model", [row["prompt"] for row in held_out])
    wanted = [row["completion"][0]["content"] for row in held_out]
    assert sum(answer == right for answer, right in zip(answers, wanted, strict=True)) >= 8


def test_a_killed_run_goes_on_with_its_loss_curve(work, trained):
    """Every logged loss after the kill is that of the checkpoint's run going on: near what a straight run logs."""
    steps = [entry["step"] for entry in _log(trained) if "loss" in entry]
    assert steps == list(range(10, 251, 10))
    straight = at_training.run(
        "sft.py", SFT, "--out", "runs/straight", *_sets("train.save_strategy=no"), folder=work
    )
    assert "going on" not in straight.stderr
    for killed, whole in zip(_curve(trained), _curve(work / "runs/straight"), strict=True):
        assert killed == pytest.approx(whole, rel=1e-3, abs=1e-4)


def test_another_config_does_not_go_on_with_it(work, trained):
    done = at_training.run("sft.py", SFT, "--out", "runs/sft", folder=work, ok=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: runs/sft: holds a run of other settings; give another --out, or move it away"


@pytest.fixture(scope="module")
def rewarded(work, trained):
    at_training.run("grpo.py", GRPO, "--out", "runs/grpo", "--set", "model.name=half", folder=work)
    return work / "runs/grpo"


def test_grpo_raises_the_mean_reward_of_a_half_trained_model(work, rewarded):
    rewards = _curve(rewarded, "reward")
    assert sum(rewards[-3:]) / 3 >= sum(rewards[:3]) / 3 + 1.0


def test_grpo_raises_f1_on_held_out_sentences(work, rewarded):
    held_out = work / "build/toy/held-out.jsonl"
    assert toy.score(rewarded / "model", held_out).f1 >= toy.score(work / "half", held_out).f1 + 0.05


def test_what_grpo_logs(work, rewarded):
    entries = [entry for entry in _log(rewarded) if "reward" in entry]
    for entry in entries:
        f1, schema = entry["rewards/trl_f1_reward/mean"], entry["rewards/trl_schema_reward/mean"]
        assert entry["reward"] == pytest.approx(10 * f1 + schema, abs=1e-4)
        assert 0 <= entry["rewards/unreadable/mean"] <= 1
        assert entry["completions/mean_length"] > 10
        assert 0 <= entry["frac_reward_zero_std"] <= 1
        assert entry["kl"] >= -1e-3


def test_a_constant_reward_teaches_nothing(work, trained):
    (work / "constant.py").write_text("def one(completions, **columns):\n    return [1.0] * len(completions)\n")
    config = work / "constant.toml"
    config.write_text(GRPO.read_text().split("[rewards]")[0] + '[rewards]\n"constant.one" = 11.0\n\n[train]\n'
                      + GRPO.read_text().split("[train]\n")[1])
    environment = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{work}:{environment}"
    try:
        at_training.run(
            "grpo.py", config, "--out", "runs/constant", *_sets("model.name=half", "train.max_steps=6", "train.beta=0.0",
            "train.logging_steps=1"), folder=work,
        )
    finally:
        os.environ["PYTHONPATH"] = environment
    entries = [entry for entry in _log(work / "runs/constant") if "reward" in entry]
    assert all(entry["reward"] == 11.0 and entry["frac_reward_zero_std"] == 1.0 for entry in entries)
    assert all(entry["grad_norm"] == 0.0 for entry in entries)
