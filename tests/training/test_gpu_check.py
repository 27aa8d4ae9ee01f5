"""The check for a GPU, in its tiny mode: the cases run, and what they find is finite."""

from __future__ import annotations

import json
import math

import at_training
import pytest

pytest.importorskip("trl")

import gpu_check

CASES = {case.name: case for case in gpu_check.CASES}


# peft and TRL on transformers 5.24.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    "name", ["sft", "grpo-lora", *(pytest.param(name, marks=pytest.mark.slow) for name in ("sft-lora", "grpo-1.7b"))]
)
def test_a_case_trains_and_its_figures_are_finite(name):
    found = gpu_check.run_case(CASES[name], True, 2)
    assert found["ok"]
    assert all(math.isfinite(found[key]) for key in ("loss", "grad_norm", "tokens_per_second", "peak_gib"))
    assert found["grad_norm"] > 0
    assert found["tokens_per_second"] > 0
    assert found["tokens_a_step"] > (200 if CASES[name].kind == "sft" else 16 * 200)


def test_the_large_shapes_are_those_of_qwen3():
    """The same as the memory estimate reckons with; on no device, so nothing is made."""
    import torch
    from models import SHAPES
    from transformers import AutoModelForCausalLM, Qwen3Config

    for size, name in (("8b", "Qwen/Qwen3-8B-Base"), ("1.7b", "Qwen/Qwen3-1.7B-Base")):
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(Qwen3Config(**gpu_check.LARGE.shapes[size]))
        assert float(model.num_parameters()) == pytest.approx(SHAPES[name].parameters, rel=0.01)


def test_rows_are_as_long_as_the_limit_allows(tmp_path):
    tokenizer = gpu_check._tokenizer()
    words = gpu_check._words("sft", tokenizer, 8192)
    assert 7500 < gpu_check._tokens(gpu_check._row(0, "sft", words), tokenizer) <= 8192


def test_a_case_that_cannot_run_is_said_and_fails_the_check(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["gpu_check.py", "--tiny", "--cases", "sft,grpo-lora", "--minutes", "0"])
    assert gpu_check.main() == 1
    lines = capsys.readouterr().out.splitlines()
    told = json.loads(lines[-1])
    assert [case["state"] for case in told["cases"]] == ["not run", "not run"]
    assert "no time left" in lines[3]


def test_without_a_gpu_it_says_so(tmp_path):
    if pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is a GPU")
    done = at_training.run("gpu_check.py", folder=tmp_path, ok=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--tiny" in done.stderr
