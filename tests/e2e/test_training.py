"""The training scripts as a user runs them, on a toy that a CPU trains in minutes: they learn, and what they log holds.

The runs share what they can: the SFT run that is killed and goes on is the trained model, and GRPO starts from it
after it went on with careless answers.
"""

from __future__ import annotations

import ast
import itertools
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
CARELESS = at_training.CONFIGS / "smoke-careless.toml"
# Of the run that is killed: its only checkpoint, and the step after which it dies.
SAVED, KILLED = 130, 160
CHECKPOINTS = ("train.save_strategy=steps", f"train.save_steps={SAVED}")


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
    """The SFT run, killed once a while after its first checkpoint; the same command then goes on from there."""
    command = [
        sys.executable,
        str(at_training.TRAINING / "sft.py"),
        str(SFT),
        "--out",
        "runs/sft",
        *_sets(*CHECKPOINTS),
    ]
    environment = {**os.environ, **at_training.THREADS, "PYTHONUNBUFFERED": "1"}
    with (work / "first.err").open("w") as errors:
        first = subprocess.Popen(
            [*command, *_sets(*CHECKPOINTS)],
            cwd=work,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        told = (line for line in first.stdout if "'loss'" in line)
        lines = list(itertools.islice(told, KILLED // 10))
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert len(lines) == KILLED // 10, (work / "first.err").read_text()[-3000:]
    # As a kill in the middle of saving leaves it.
    shutil.copytree(
        work / f"runs/sft/checkpoint-{SAVED}",
        work / f"runs/sft/checkpoint-{KILLED}",
        ignore=shutil.ignore_patterns("trainer_state.json"),
    )
    (work / "first.json").write_text(json.dumps([float(ast.literal_eval(line)["loss"]) for line in lines]))
    done = at_training.run("sft.py", SFT, "--out", "runs/sft", *_sets(*CHECKPOINTS), folder=work)
    assert f"going on from runs/sft/checkpoint-{SAVED}" in done.stderr
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
    """The losses after the checkpoint are those that the killed process had logged before it died (1 in 1,000)."""
    assert [entry["step"] for entry in _log(trained) if "loss" in entry] == list(range(10, 251, 10))
    first = json.loads((work / "first.json").read_text())
    assert _curve(trained)[: len(first)] == pytest.approx(first, rel=1e-3)


def test_another_config_does_not_go_on_with_it(work, trained):
    done = at_training.run("sft.py", SFT, "--out", "runs/sft", folder=work, ok=False)
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1]
        == "Error: runs/sft: holds a run of other settings; give another --out, or move it away"
    )


@pytest.fixture(scope="module")
def careless(work, trained):
    """The model after a few steps on answers in which every second entity is overlooked."""
    at_training.run("sft.py", CARELESS, "--out", "runs/careless", "--set", f"model.name={trained}/model", folder=work)
    return work / "runs/careless/model"


@pytest.fixture(scope="module")
def rewarded(work, careless):
    at_training.run("grpo.py", GRPO, "--out", "runs/grpo", "--set", f"model.name={careless}", folder=work)
    return work / "runs/grpo"


def test_grpo_raises_the_mean_reward_by_two(rewarded):
    """Of 11 at most; each logged figure is the mean of 5 steps of 64 completions."""
    rewards = _curve(rewarded, "reward")
    assert len(rewards) == 6
    assert rewards[-1] >= rewards[0] + 2.0


def test_grpo_finds_on_held_out_sentences_what_the_careless_overlook(work, careless, rewarded):
    held_out = work / "build/toy/held-out.jsonl"
    before, after = toy.score(careless, held_out).f1, toy.score(rewarded / "model", held_out).f1
    assert before <= 0.7
    assert after >= before + 0.2


def test_what_grpo_logs(work, rewarded):
    entries = [entry for entry in _log(rewarded) if "reward" in entry]
    for entry in entries:
        f1, schema = entry["rewards/trl_f1_reward/mean"], entry["rewards/trl_schema_reward/mean"]
        assert entry["reward"] == pytest.approx(10 * f1 + schema, abs=1e-4)
        assert 0 <= entry["rewards/unreadable/mean"] <= 1
        assert 0 <= entry["rewards/traced/mean"] <= 1
        assert entry["completions/mean_length"] > 10
        assert 0 <= entry["frac_reward_zero_std"] <= 1
        assert entry["kl"] >= -1e-3


def test_a_constant_reward_teaches_nothing(work, careless):
    (work / "constant.py").write_text("def one(completions, **columns):\n    return [1.0] * len(completions)\n")
    config = work / "constant.toml"
    config.write_text(
        GRPO.read_text().split("[rewards]")[0]
        + '[rewards]\n"constant.one" = 11.0\n\n[train]\n'
        + GRPO.read_text().split("[train]\n")[1]
    )
    environment = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{work}:{environment}"
    try:
        at_training.run(
            "grpo.py",
            config,
            "--out",
            "runs/constant",
            *_sets(f"model.name={careless}", "train.max_steps=4", "train.beta=0.0", "train.logging_steps=1"),
            folder=work,
        )
    finally:
        os.environ["PYTHONPATH"] = environment
    entries = [entry for entry in _log(work / "runs/constant") if "reward" in entry]
    assert all(entry["reward"] == 11.0 and entry["frac_reward_zero_std"] == 1.0 for entry in entries)
    assert all(entry["grad_norm"] == 0.0 for entry in entries)


# --- after training -------------------------------------------------------------------------------

SERVE = f"{sys.executable} {at_training.ROOT / 'tests/serve_model.py'} {{model}} {{port}} {{name}} {{template}}"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A corpus and a random model with which a whole ablation takes seconds; and a benchmark of three sentences."""
    folder = tmp_path_factory.mktemp("small")
    toy.make(folder / "toy", rows=40)
    rows = [at_training.corpus_row(number) for number in range(40)]
    for config in ("sft", "cot"):
        at_training.write_corpus(folder / "corpus", config, rows)
    _write_benchmark(folder)
    return folder


def _write_benchmark(folder):
    (folder / "bench").mkdir()
    lines = ["Ann B-person", "left O", "Oslo B-place", ""] * 3
    (folder / "bench" / "test.conll").write_text("\n".join(lines) + "\n")


def _ablation(small, *arguments, ok=True, **more):
    return at_training.run("ablation.py", *_ablation_options(), *arguments, folder=small, ok=ok, **more)


def _ablation_options():
    sft = ("model.name=toy/model", "data.name=corpus", "data.max_tokens=4096", "train.max_steps=1", "batch.size=4")
    sft += ("lora.r=4", "train.learning_rate=0.05", "train.warmup_steps=0")
    grpo = ("data.name=toy/corpus", "train.max_steps=1", "batch.size=4", "train.num_generations=2")
    few = [*_sets_for("sft", *sft, "train.per_device_train_batch_size=4")]
    few += _sets_for("grpo", *grpo, "train.per_device_train_batch_size=4", "train.max_completion_length=8")
    evaluate = ("--benchmarks", "bench", "--evaluate", "--limit 2")
    return ("--sft", SFT, "--grpo", GRPO, *evaluate, "--serve", SERVE, "--out", "runs/ablation", *few)


def _sets_for(stage, *values):
    return [part for value in values for part in (f"--{stage}-set", value)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_ablation_leaves_no_server_behind(small):
    """The server answers for ever, unless it ends with the run that started it."""
    command = [sys.executable, str(at_training.TRAINING / "ablation.py"), *map(str, _ablation_options())]
    run = subprocess.Popen(command, cwd=small, env={**os.environ, **at_training.THREADS}, stderr=subprocess.DEVNULL)
    while not (servers := [child for child in _children(run.pid) if _serves(child)]):
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    end = time.monotonic() + 20
    while any(_serves(child) for child in servers):
        assert time.monotonic() < end, "the server goes on"
        time.sleep(0.05)


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _serves(pid):
    """Whether a process runs the server; between fork and exec it still has the ablation's command line."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
    return "serve_model.py" in command and "ablation.py" not in command


@pytest.fixture(scope="module")
def ablated(small):
    """Two rows, then all but gold; with LoRA, so that what is served and goes on to GRPO has to be merged first."""
    first = _ablation(small, "--rows", "base,plain")
    assert "| base | 1 | " in first.stdout
    before = (small / "runs/ablation/plain/run.json").stat().st_mtime_ns
    whole = _ablation(small, "--rows", "base,plain,trace,re")
    assert (small / "runs/ablation/plain/run.json").stat().st_mtime_ns == before
    assert "base: base" not in whole.stderr
    return whole


def test_the_ablation_goes_on_where_it_stood_and_prints_the_papers_column(small, ablated):
    runs, whole = small / "runs/ablation", ablated
    cells = [[cell.strip() for cell in line.split("|")] for line in whole.stdout.splitlines() if line.startswith("| ")]
    titles = ("base", "NER-CoT without trace", "NER-CoT with trace", "NER-CoT with trace + RE")
    assert [cell[1] for cell in cells[1:]] == list(titles)
    assert [cell[5] for cell in cells[1:]] == ["31.9", "60.6", "63.0", "65.1"]
    rows = ("plain", "trace", "re")
    learnt = [json.loads((runs / row / "run.json").read_text())["settings"]["data"] for row in rows]
    assert [data["answers"] for data in learnt] == ["plain", "trace", "trace"]
    asked = [json.loads((runs / row / "evaluation.json").read_text())["trace"] for row in ("base", *rows)]
    assert asked == [False, False, True, True]
    other = _ablation(small, "--sft-set", "train.seed=5", ok=False)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_toy_asks_whether_valid_traces_make_better_students(small):
    rows = ("--rows", "kept,refused,none", "--sft-set", "data.name=toy/corpus", "--out", "runs/students")
    done = _ablation(small, *rows, seconds=1400)
    titles = [line.split("|")[1].strip() for line in done.stdout.splitlines()[2:]]
    assert titles == [f"same sentences and answers, {what}" for what in ("kept traces", "refused traces", "no trace")]
    learnt = [json.loads((small / f"runs/students/{row}/run.json").read_text()) for row in ("kept", "refused", "none")]
    assert [run["settings"]["data"]["answers"] for run in learnt] == ["pairs-kept", "pairs-refused", "pairs-plain"]
    assert len({run["data"]["rows"] for run in learnt}) == 1


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_few_shot_gives_mean_and_spread_over_draws_beside_the_papers(small):
    (small / "train.conll").write_text(
        "\n".join(f"Ann{number} B-person\nleft O\nOslo B-place\n" for number in range(60))
    )
    (small / "bench3").mkdir()
    (small / "bench3" / "CoNLL03_test.conll").write_text("Ann B-person\nleft O\nOslo B-place\n")
    sets = ("model.name=toy/model", "data.max_tokens=4096", "train.max_steps=1", "batch.size=4", "train.bf16=false")
    sets += ("train.use_cpu=true", "train.use_liger_kernel=false", "model.attention=sdpa", "model.dtype=float32")
    sets += ("train.activation_checkpointing=false", "train.padding_free=false")
    asked = ("--input", "train.conll", "--benchmarks", "bench3", "--shares", "10", "--seeds", "2", "--serve", SERVE)
    done = at_training.run("few_shot.py", *asked, *_sets(*sets), "--out", "runs/few", folder=small, seconds=1400)
    row = [cell.strip() for cell in done.stdout.splitlines()[-1].split("|")][1:-1]
    assert row[:2] == ["10 %", "2"]
    assert row[6:] == ["92.9", "-", "-"]
    assert "asked to answer at once" in done.stdout
    (found,) = json.loads((small / "runs/few/few-shot.json").read_text())
    assert len(found["exact"]["values"]) == 2
    drawn = [
        json.loads((small / f"runs/few/drawn/few-shot-10-{seed}/candidate/manifest.json").read_text())
        for seed in (0, 1)
    ]
    assert drawn[0]["fingerprint"] != drawn[1]["fingerprint"]
    again = at_training.run("few_shot.py", *asked, *_sets(*sets), "--out", "runs/few", folder=small)
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_a_run_is_merged_and_described(small, ablated):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run = small / "runs/ablation/trace"
    assert (run / "model/adapter_config.json").is_file()
    figures = {"rows": 3, "exact": {"f1": 0.5}, "paper": {"f1": 0.625}}
    evaluation = {"datasets": {"made": figures}, "average": {"exact": 0.5, "paper": 0.625}}
    (small / "evaluation.json").write_text(json.dumps(evaluation))
    described = ("--evaluation", "evaluation.json", "--license", "mit")
    at_training.run("finish.py", "runs/ablation/trace", *described, folder=small)
    final = run / "final"
    merged, base = (AutoModelForCausalLM.from_pretrained(folder) for folder in (final, small / "toy/model"))
    changed = [name for name, weight in merged.state_dict().items() if not weight.equal(base.state_dict()[name])]
    assert changed
    assert all("proj" in name for name in changed)
    assert "generation" in AutoTokenizer.from_pretrained(final).chat_template
    card = (final / "README.md").read_text()
    for said in (
        "license: mit",
        "40 rows were trained on",
        "with LoRA (rank 4, merged)",
        "| average | | 50.0 | 62.5 |",
    ):
        assert said in card
    assert str(small) not in card + (final / "run.json").read_text()


# --- a real pretrained model ----------------------------------------------------------------------


def test_a_pretrained_model_goes_through_both_scripts(tmp_path):
    """SmolLM2-135M: a few steps of SFT and of GRPO, saved, loaded, served, evaluated."""
    model = _smollm2(tmp_path / "smollm2")
    rows = [at_training.corpus_row(number) for number in range(8)]
    at_training.write_corpus(tmp_path / "corpus", "sft", rows)
    at_training.write_corpus(tmp_path / "corpus", "grpo", [at_training.grpo_row(number) for number in range(8)])
    few = ("data.name=corpus", "data.max_tokens=512", "batch.size=2", "train.per_device_train_batch_size=2")
    few += ("train.logging_steps=1", "train.learning_rate=1e-4", "train.warmup_steps=0")
    one = ("batch.size=1", "train.per_device_train_batch_size=1", "train.max_steps=3")
    sft = _sets(f"model.name={model}", *few, *one)
    at_training.run("sft.py", SFT, "--out", "sft", *sft, folder=tmp_path)
    losses = _curve(tmp_path / "sft")
    assert losses[-1] < losses[0]
    grpo = _sets("model.name=sft/model", *few, "train.max_steps=1", "train.num_generations=2")
    most = _sets("train.max_completion_length=24", "train.temperature=1.0")
    at_training.run("grpo.py", GRPO, "--out", "grpo", *grpo, *most, folder=tmp_path)
    assert _curve(tmp_path / "grpo", "reward")
    at_training.run("finish.py", "grpo", folder=tmp_path)
    _write_benchmark(tmp_path)
    base = _sets_for("sft", "model.name=grpo/final", "data.name=corpus")
    options = ("--benchmarks", "bench", "--evaluate", "--set temperature=0 --limit 1", "--serve", SERVE)
    at_training.run(
        "ablation.py", "--sft", SFT, *base, *options, "--rows", "base", "--out", "measured", folder=tmp_path
    )
    measured = json.loads((tmp_path / "measured/base/evaluation.json").read_text())["datasets"]
    assert [(row["rows"], row["without_answer"]) for row in measured.values()] == [(1, 0)]


def _smollm2(folder):
    """The model out of its GGUF, as transformers saves one."""
    import assets
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    source = assets.asset(assets.SMOLLM2)
    name = next(source.glob("*.gguf")).name
    packed = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.float32)
    config = AutoConfig.from_pretrained(source, gguf_file=name)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(packed.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source, gguf_file=name).save_pretrained(folder)
    return folder
