"""What is pushed after a training, and by which rules; the real client against the Hub of our own."""

from __future__ import annotations

import json

import at_training
import hub_server
import pytest
from huggingface_hub import HfApi

from nercot.errors import InputError, OutputError

import finish  # isort: skip

assert at_training.TRAINING.is_dir()
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning:httpx2")

# The Hub serves models by the same calls as datasets, at other addresses.
for pattern, call in list(hub_server._ROUTES):
    model = pattern.replace("/api/datasets/", "/api/models/").replace(" /datasets/", " /")
    if model != pattern:
        hub_server._ROUTES.append((model, call))

ABOUT = {
    "settings": {
        "kind": "sft",
        "model": {"name": "Qwen/Qwen3-1.7B-Base", "dtype": "float32", "trust_remote_code": False},
        "data": {"name": "/home/somebody/corpus"},
    },
    "versions": {"nercot": "0.1.0", "trl": "1.16.0"},
    "data": {
        "corpora": [{"name": "/home/somebody/corpus", "corpus": "ner-cot", "version": "1.2.0", "fingerprint": "ab12"}],
        "rows": 45,
        "fates": {"kept": 45, "too_long": 2},
    },
    "log": [{"loss": 0.5, "step": 10}, {"loss": 0.25, "mean_token_accuracy": 0.9, "step": 20}, {"train_loss": 0.3}],
}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run" / "model").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "chat_template.jinja", "README.md", "training_args.bin"):
        (tmp_path / "run" / "model" / name).write_text(name)
    (tmp_path / "run" / "run.json").write_text(json.dumps(ABOUT))
    return tmp_path / "run"


def _remote(api, repo_id="org/ner"):
    return set(api.list_repo_files(repo_id)) - {".gitattributes"}


def test_the_card_says_data_version_settings_and_figures(run):
    final = finish.finish(run, None, "apache-2.0")
    card = (final / "README.md").read_text()
    for said in (
        "base_model: Qwen/Qwen3-1.7B-Base",
        "license: apache-2.0",
        "ner-cot 1.2.0, fingerprint `ab12`",
        "45 rows were trained on; 2 left out (too_long)",
        "loss 0.25, mean_token_accuracy 0.9",
        "Not measured",
    ):
        assert said in card
    assert "/home/somebody" not in card + (final / "run.json").read_text()
    assert {path.name for path in final.iterdir()} == {
        *("config.json", "model.safetensors", "chat_template.jinja", "README.md", "run.json")
    }


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"name": "runs/qwen3-8b-sft-paper/model", "base": "Qwen/Qwen3-8B-Base"}, "base_model: Qwen/Qwen3-8B-Base\n"),
        ({"name": "runs/qwen3-8b-sft-paper/model", "base": None}, None),
    ],
)
def test_the_base_model_is_one_of_the_hub_or_none(run, model, said):
    about = {**ABOUT, "settings": {**ABOUT["settings"], "model": {**ABOUT["settings"]["model"], **model}}}
    (run / "run.json").write_text(json.dumps(about))
    card = (finish.finish(run, None, "mit") / "README.md").read_text()
    assert said in card if said else "base_model" not in card


def test_the_data_named_as_the_hubs_are_the_hubs(run):
    corpora = [{"name": "org/ner-cot@v1.0.0"}, {"name": "build/toy/corpus"}, ABOUT["data"]["corpora"][0]]
    (run / "run.json").write_text(json.dumps({**ABOUT, "data": {**ABOUT["data"], "corpora": corpora}}))
    card = (finish.finish(run, None, "mit") / "README.md").read_text()
    assert "datasets:\n- org/ner-cot\n" in card.partition("\n---\n")[0] + "\n"
    assert "build/toy" not in card.partition("\n---\n")[0]


def test_a_run_that_is_not_finished_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"run\.json: not there or not JSON"):
        finish.finish(tmp_path, None, None)


def test_pushed_once_again_is_a_no_op_and_a_new_state_is_one_commit(run, hub):
    api, final = HfApi(), finish.finish(run, None, "mit")
    would = finish.push(final, "org/ner", private=False, dry_run=True)
    assert would[0] == "create org/ner"
    assert not [request for request in hub.log if request.method not in ("GET", "HEAD")]
    assert finish.push(final, "org/ner", private=False, dry_run=False) == would
    assert _remote(api) == {path.name for path in final.iterdir()}
    assert finish.push(final, "org/ner", private=False, dry_run=False) == []
    before = len(api.list_repo_commits("org/ner"))
    (final / "config.json").write_text("changed")
    (final / "chat_template.jinja").unlink()
    changes = finish.push(final, "org/ner", private=False, dry_run=False)
    assert changes == ["send config.json", "delete chat_template.jinja"]
    assert len(api.list_repo_commits("org/ner")) == before + 1
    assert _remote(api) == {path.name for path in final.iterdir()}


def test_a_repo_that_holds_something_else_is_left_alone(run, hub):
    api, final = HfApi(), finish.finish(run, None, "mit")
    api.create_repo("org/ner")
    api.upload_file(path_or_fileobj=b"x", path_in_repo="weights.bin", repo_id="org/ner")
    with pytest.raises(OutputError, match=r"org/ner: holds weights\.bin, but no model of ours"):
        finish.push(final, "org/ner", private=False, dry_run=False)
    assert _remote(api) == {"weights.bin"}


def test_a_reader_is_told_in_one_line(run, hub):
    final = finish.finish(run, None, "mit")
    hub_server.log_in(hub_server.READER)
    with pytest.raises(OutputError) as refused:
        finish.push(final, "org/ner", private=False, dry_run=False)
    assert "\n" not in str(refused.value)
    assert hub_server.READER not in str(refused.value)
