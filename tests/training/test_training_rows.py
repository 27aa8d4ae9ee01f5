"""Rows of a corpus as the trainers get them, and --check, which counts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import assets
import at_training
import pytest

pytest.importorskip("trl")

import check
import rows as training_rows
from models import load_tokenizer
from settings import Batch, Data, Model, Settings, load_settings

from nercot.errors import InputError
from nercot.llm.prompts import default_template, extract_messages
from nercot.validation.answers import parse_answer

MADE = [at_training.corpus_row(number) for number in range(20)]
QWEN3_8B = at_training.CONFIGS / "qwen3-8b-sft-paper.toml"
GRPO_8B = at_training.CONFIGS / "qwen3-8b-grpo-paper.toml"


@pytest.fixture(scope="module")
def tokenizer():
    made = Settings("sft", QWEN3_8B, Model("none", "qwen3"), Data("none", 8192), Batch(256))
    return load_tokenizer(made, assets.asset(assets.QWEN3))


@pytest.fixture
def corpus(tmp_path):
    for config in ("sft", "cot"):
        at_training.write_corpus(tmp_path / "corpus", config, MADE)
    return Data(str(tmp_path / "corpus"), 8192)


def _learnt(tokenizer, row):
    return tokenizer.decode([label for label in row["labels"] if label != -100])


def test_what_is_learnt_is_the_completion_of_each_row(corpus, tokenizer):
    prepared = training_rows.prepare_sft(tokenizer, corpus)
    assert prepared.fates == {"kept": 20}
    assert set(prepared.rows.column_names) == {"input_ids", "labels"}
    for row, made in zip(prepared.rows, MADE, strict=True):
        assert _learnt(tokenizer, row) == made["completion"][0]["content"] + "<|im_end|>"
        assert made["prompt"][0]["content"] in tokenizer.decode(row["input_ids"])


@pytest.mark.parametrize(
    ("answers", "answer"),
    [
        ("plain", '{\n  "entities": {\n    "person": [\n      "Ann"\n    ]\n  }\n}'),
        (
            "gold",
            '{\n  "entities": {\n    "person": [\n      "Ann"\n    ],\n    "place": [\n      "Oslo"\n    ]\n  }\n}',
        ),
    ],
)
def test_without_trace_the_prompt_is_that_of_evaluation_without_trace(corpus, tokenizer, answers, answer):
    prepared = training_rows.prepare_sft(tokenizer, replace(corpus, answers=answers))
    for row, made in zip(prepared.rows, MADE, strict=True):
        asked = extract_messages(made["sentence"], made["schema"], None, default_template("answer"))
        assert _learnt(tokenizer, row) == answer + "<|im_end|>"
        assert asked[0]["content"] in tokenizer.decode(row["input_ids"])


def test_gold_is_the_whole_source_the_dropped_rows_too(corpus, tokenizer):
    """The paper's "SFT on Pile-NER" knows nothing of what NER-CoT kept."""
    folder = Path(corpus.name)
    fallen = [at_training.corpus_row(number) for number in range(100, 105)]
    unreadable = {**fallen[0], "guid": "u", "sentence": None, "schema": [], "gold": None}
    at_training.write_corpus(folder, "dropped", [*fallen, MADE[0], unreadable])
    prepared = training_rows.prepare_sft(tokenizer, replace(corpus, answers="gold"))
    assert prepared.fates == {"kept": 25}
    asked = [tokenizer.decode(row["input_ids"]) for row in prepared.rows]
    assert sum("Ann left Oslo 104 times" in text for text in asked) == 1
    assert len(training_rows.prepare_sft(tokenizer, replace(corpus, answers="plain")).rows) == 20


def test_without_trace_there_is_a_variant_with_the_corpus_own_prompt(corpus, tokenizer):
    prepared = training_rows.prepare_sft(tokenizer, replace(corpus, answers="plain-same-prompt"))
    assert len(prepared.rows) == 20
    for row, made in zip(prepared.rows, MADE, strict=True):
        assert _learnt(tokenizer, row).startswith('{\n  "entities"')
        assert made["prompt"][0]["content"] in tokenizer.decode(row["input_ids"])


def test_kept_and_refused_traces_are_learnt_on_the_same_records_with_the_same_answers(tmp_path):
    """What decides whether valid traces make better students: nothing but the trace differs."""
    import toy

    toy.make(tmp_path, rows=30)
    tokenizer = toy_tokenizer(tmp_path)
    data = Data(str(tmp_path / "corpus"), 512)
    ways = {way: training_rows.prepare_sft(tokenizer, replace(data, answers=way)).rows for way in training_rows.PAIRS}
    kept, refused, plain = (
        [_learnt(tokenizer, row).removesuffix(tokenizer.eos_token) for row in ways[way]] for way in training_rows.PAIRS
    )
    assert len(kept) == len(refused) == len(plain) == 30
    for ours, other, bare in zip(kept, refused, plain, strict=True):
        said = [parse_answer(text) for text in (ours, other, bare)]
        assert said[0].mentions == said[1].mentions == said[2].mentions
        assert said[2].cot is None
    assert sum(ours != other for ours, other in zip(kept, refused, strict=True)) > 25
    prompts = {way: [row["input_ids"][:20] for row in rows] for way, rows in ways.items()}
    assert prompts["pairs-kept"] == prompts["pairs-refused"] == prompts["pairs-plain"]


def test_a_corpus_without_pairs_says_so(corpus, tokenizer):
    with pytest.raises(InputError, match="preference"):
        training_rows.prepare_sft(tokenizer, replace(corpus, answers="pairs-kept"))


def toy_tokenizer(folder):
    made = Settings("sft", QWEN3_8B, Model("none", "qwen3"), Data("none", 512), Batch(256))
    return load_tokenizer(made, folder / "model")


def test_rows_without_gold_are_left_out_and_counted(tmp_path, tokenizer):
    made = [{**row, "gold": None if number % 2 else row["gold"]} for number, row in enumerate(MADE)]
    for config in ("sft", "cot"):
        at_training.write_corpus(tmp_path, config, made)
    prepared = training_rows.prepare_sft(tokenizer, Data(str(tmp_path), 8192, answers="gold"))
    assert prepared.fates == {"kept": 10, "no_gold": 10}
    assert len(prepared.rows) == 10


def test_rows_with_and_without_trace_stand_side_by_side(tmp_path, tokenizer):
    hybrid = [at_training.corpus_row(number, None if number % 2 else "So she is.") for number in range(4)]
    at_training.write_corpus(tmp_path, "sft", hybrid)
    prepared = training_rows.prepare_sft(tokenizer, Data(str(tmp_path), 8192))
    learnt = [_learnt(tokenizer, row) for row in prepared.rows]
    assert [text.startswith("<think>\nSo she is.\n</think>\n{") for text in learnt] == [True, False, True, False]
    assert all(text.startswith("{\n") for text in learnt[1::2])


def test_rows_over_the_limit_are_left_out_never_cut(tmp_path, tokenizer):
    at_training.write_corpus(tmp_path, "sft", [*MADE, at_training.corpus_row(99, length=300)])
    prepared = training_rows.prepare_sft(tokenizer, Data(str(tmp_path), 300))
    assert prepared.fates == {"kept": 20, "too_long": 1}
    assert max(prepared.lengths) > 300 >= max(len(row["input_ids"]) for row in prepared.rows)


def test_the_line_of_the_released_code_opens_the_prompt(corpus, tokenizer):
    prepared = training_rows.prepare_sft(tokenizer, replace(corpus, dataset_line=True))
    text = tokenizer.decode(prepared.rows[0]["input_ids"])
    assert text.startswith("<|im_start|>user\nThis sentence is from made dataset.\n\nFind the named entities")


def test_several_corpora_follow_one_another(tmp_path, tokenizer):
    for name, made in (("one", MADE[:3]), ("two", MADE[3:5])):
        at_training.write_corpus(tmp_path / name, "sft", made)
    data = Data([str(tmp_path / "one"), str(tmp_path / "two")], 8192)
    assert [row["guid"] for row in training_rows.load_rows(data)] == [row["guid"] for row in MADE[:5]]
    assert len(training_rows.load_rows(replace(data, limit=4))) == 4


def test_a_rebuilt_folder_of_the_same_name_gives_the_new_rows(corpus, tokenizer):
    assert len(training_rows.load_rows(corpus)) == 20
    shutil.rmtree(corpus.name)
    at_training.write_corpus(Path(corpus.name), "sft", MADE[5:8])
    assert [row["guid"] for row in training_rows.load_rows(corpus)] == [row["guid"] for row in MADE[5:8]]


@pytest.mark.filterwarnings("ignore:Use .content:DeprecationWarning")  # huggingface_hub's own, on upload
def test_a_corpus_of_the_hub_is_read_at_its_tag(tmp_path, hub):
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo("org/ner-cot", repo_type="dataset")
    for tag, made in (("v1.0.0", MADE[:2]), ("v1.1.0", MADE[:5])):
        at_training.write_corpus(tmp_path, "sft", made)
        api.upload_folder(repo_id="org/ner-cot", folder_path=tmp_path, repo_type="dataset")
        api.create_tag("org/ner-cot", tag=tag, repo_type="dataset")
    assert len(training_rows.load_rows(Data("org/ner-cot@v1.0.0", 8192))) == 2
    assert len(training_rows.load_rows(Data("org/ner-cot", 8192))) == 5
    with pytest.raises(InputError, match="org/none: no such dataset on the Hub"):
        training_rows.load_rows(Data("org/none", 8192))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "gone/a/b"}, "neither a folder nor a Hub dataset"),
        ({"config": "raw"}, "no raw/train-*.parquet; there are the configs cot, sft"),
        ({"config": "cot", "split": "test"}, "no cot/test-*.parquet"),
        ({"limit": 0}, "has no rows"),
    ],
)
def test_what_is_missing_is_said_in_one_line(corpus, change, said):
    with pytest.raises(InputError) as refused:
        training_rows.load_rows(replace(corpus, **change))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_config_that_lacks_a_column_is_refused_by_name(corpus):
    at_training.write_corpus(Path(corpus.name), "grpo", [at_training.grpo_row(0)])
    (Path(corpus.name) / "grpo").rename(Path(corpus.name) / "re")
    with pytest.raises(
        InputError, match="the config re has no column completion; it has guid, dataset, prompt, gold, schema"
    ):
        training_rows.load_rows(replace(corpus, config="re"))


def test_the_prompts_of_grpo_keep_gold_and_schema(tmp_path, tokenizer):
    made = [at_training.grpo_row(number) for number in range(5)]
    at_training.write_corpus(tmp_path, "grpo", made)
    prepared = training_rows.prepare_grpo(tokenizer, Data(str(tmp_path), 2048, config="grpo"))
    assert {"prompt", "gold", "schema", "dataset"} <= set(prepared.rows.column_names)
    assert [row["gold"] for row in prepared.rows] == [row["gold"] for row in made]
    assert [row["prompt"] for row in prepared.rows] == [row["prompt"] for row in made]


# --- --check --------------------------------------------------------------------------------------


def _report(capsys, path, kind, corpus, *overrides, tokenizer=True, gpus=None):
    settings = load_settings(path, kind, [f"data.name={corpus}", *overrides])
    code = check.report(settings, assets.asset(assets.QWEN3) if tokenizer else None, gpus)
    told = capsys.readouterr()
    return code, told.out, told.err


def test_check_reports_lengths_batch_steps_and_memory(capsys, corpus):
    asked = (QWEN3_8B, "sft", corpus.name)
    code, out, err = _report(capsys, *asked)
    assert (code, err) == (0, "")
    assert "8,192 tokens a row; 0 of 20 rows exceed it and are left out, none is truncated" in out
    assert "batch      256 rows = 4 a GPU x 8 GPUs x 8 accumulated" in out
    assert "the config asks for 256: as asked" in out
    assert "steps      5 = 5 epochs of 20 rows" in out
    assert "steps      7 = train.max_steps, on 20 rows" in _report(capsys, *asked, "train.max_steps=7")[1]
    # 8.19e9 parameters x 16 bytes over 8 GPUs are 15.3 GiB.
    assert "weights and optimizer 15.3" in out


def test_check_counts_what_exceeds_the_limit(capsys, tmp_path):
    at_training.write_corpus(tmp_path, "sft", [*MADE, at_training.corpus_row(99, length=300)])
    _, out, _ = _report(capsys, QWEN3_8B, "sft", tmp_path, "data.max_tokens=300")
    assert "1 of 21 rows exceed it" in out
    assert "epochs of 20 rows" in out


def test_check_says_a_mismatch(capsys, corpus):
    _, out, _ = _report(capsys, QWEN3_8B, "sft", corpus.name, gpus=7)
    assert "batch      252 rows = 4 a GPU x 7 GPUs x 9 accumulated" in out
    assert "the config asks for 256: MISMATCH" in out


def test_check_of_grpo_counts_completions_and_prompts(capsys, tmp_path):
    at_training.write_corpus(tmp_path, "grpo", [at_training.grpo_row(number) for number in range(48)])
    code, out, err = _report(capsys, GRPO_8B, "grpo", tmp_path)
    assert (code, err) == (0, "")
    assert "batch      384 completions = 8 a GPU x 8 GPUs x 6 accumulated = 24 prompts x 16" in out
    assert "steps      2 = 1 epochs of 48 rows" in out
    assert "2,048 tokens a prompt; 0 of 48 rows" in out
    assert "completion 4,096 tokens; the gold alone exceeds that in 0 rows" in out
    # The model that SFT has still to make: 16 bytes and the reference's 2 for each of its base's 8.19e9 parameters.
    assert "weights and optimizer 17.2" in out


def test_check_without_tokenizer_names_it_checks_the_rest_and_ends_with_2(capsys, corpus):
    code, out, err = _report(capsys, QWEN3_8B, "sft", corpus.name, tokenizer=False)
    assert code == 2
    assert "the config asks for 256: as asked" in out
    assert "5 epochs of 20 rows (without what the tokenizer would leave out)" in out
    [line] = err.splitlines()
    assert line.startswith("Error: the tokenizer Qwen/Qwen3-8B-Base is neither a folder with one")


def test_without_network_and_cache_the_tokenizer_is_named_in_one_line(tmp_path):
    """No line for each of the client's own retries, which take a minute."""
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    command = [sys.executable, str(at_training.TRAINING / "sft.py"), str(QWEN3_8B)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: the tokenizer Qwen/Qwen3-8B-Base is neither a folder")
    assert line.endswith(("(ConnectError)", "(Unheard)"))


def test_check_without_data_names_it_checks_the_rest_and_ends_with_2(capsys, tmp_path):
    code, out, err = _report(capsys, QWEN3_8B, "sft", tmp_path / "none")
    assert code == 2
    assert "the config asks for 256: as asked" in out
    [line] = err.splitlines()
    assert line.startswith("Error: ")
    assert "neither a folder nor a Hub dataset" in line
