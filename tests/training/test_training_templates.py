"""The verbatim chat templates: what is rendered, what is tokenized, what is learnt."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import assets
import at_training
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("trl")

import rows as training_rows
from models import FAMILIES, load_tokenizer
from settings import Batch, Data, Model, Settings

from nercot.corpus.records import Entity
from nercot.validation.answers import render_answer

SYSTEM = {"role": "system", "content": "Be\n short. "}
USER = {"role": "user", "content": 'Types: ["person"]\n\n  Ann left. \n'}
JSON = '{\n  "entities": {\n    "person": [\n      "Ann"\n    ]\n  }\n}'
TRACE = f'<think>\n\nIs "Ann" a person?\n\n\nYes. \n\n</think>\n{JSON}'
PLAIN = '{\n  "entities": {}\n}'
REAL = {"qwen3": assets.QWEN3, "qwen2.5": assets.QWEN3, "llama3": assets.LLAMA3, "llama2": assets.LLAMA2}

RENDERED = {
    "qwen3": ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"),
    "qwen2.5": ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"),
    "internlm2": ("<s><|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"),
    "llama3": (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    "llama2": ("<s>[INST] ", " [/INST]\n", "</s>"),
}


def _settings(family):
    return Settings("sft", at_training.CONFIGS / "x.toml", Model("none", family), Data("none", 8192), Batch(256))


@cache
def _tokenizer(family):
    return load_tokenizer(_settings(family), assets.asset(REAL[family]))


def _render(family, messages, **options):
    from transformers.utils.chat_template_utils import render_jinja_template

    template = _settings(family).template.read_text(encoding="utf-8")
    rendered, marks = render_jinja_template(
        [messages], chat_template=template, return_assistant_tokens_mask=True, **options
    )
    return rendered[0], marks[0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("answer", [TRACE, PLAIN])
def test_rendered_text_is_the_messages_between_the_familys_markers(family, answer):
    before, between, end = RENDERED[family]
    text, marks = _render(family, [USER, {"role": "assistant", "content": answer}])
    assert text == before + USER["content"] + between + answer + end
    assert [text[start:stop] for start, stop in marks] == [answer + end]
    asked, _ = _render(family, [USER], add_generation_prompt=True)
    assert text == asked + answer + end


@pytest.mark.parametrize("family", FAMILIES)
@given(prompt=st.text(max_size=60), answer=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_text_is_changed(family, prompt, answer):
    before, between, end = RENDERED[family]
    text, marks = _render(family, [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}])
    assert text == before + prompt + between + answer + end
    assert [text[start:stop] for start, stop in marks] == [answer + end]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_system_message_and_earlier_turns_stay_as_they_are(family):
    turns = [SYSTEM, USER, {"role": "assistant", "content": TRACE}, USER, {"role": "assistant", "content": PLAIN}]
    text, marks = _render(family, turns)
    assert SYSTEM["content"] in text
    assert text.count(USER["content"]) == 2
    assert [text[start:stop] for start, stop in marks] == [TRACE + RENDERED[family][2], PLAIN + RENDERED[family][2]]


def test_no_default_system_message_is_added():
    assert all("system" not in _render(family, [USER], add_generation_prompt=True)[0] for family in FAMILIES)


@pytest.mark.parametrize("family", REAL)
@pytest.mark.parametrize("answer", [TRACE, PLAIN])
def test_the_mask_is_the_answer_and_the_end_token(family, answer):
    tokenizer = _tokenizer(family)
    made = training_rows.encode(tokenizer, [USER], answer)
    _, between, end = RENDERED[family]
    asked = tokenizer.apply_chat_template([USER], add_generation_prompt=True, return_dict=True)["input_ids"]
    learned = made["input_ids"][len(asked) :]
    assert made["fate"] == "kept"
    assert made["input_ids"][: len(asked)] == asked
    assert made["labels"] == [-100] * len(asked) + learned
    assert learned[-1] == tokenizer.convert_tokens_to_ids(end) == tokenizer.eos_token_id
    assert tokenizer.eos_token_id not in learned[:-1]
    assert tokenizer.decode(learned[:-1]) == answer
    pieces = [tokenizer.decode(learned[:count]) for count in range(len(learned))]
    assert all((answer + end).startswith(piece.rstrip("\ufffd")) for piece in pieces)
    assert tokenizer.decode(asked).replace(" ", "").endswith((USER["content"] + between).replace(" ", ""))


def test_the_think_tags_of_qwen3_are_one_token_each_and_learnt():
    tokenizer = _tokenizer("qwen3")
    labels = training_rows.encode(tokenizer, [USER], TRACE)["labels"]
    for tag in ("<think>", "</think>"):
        assert labels.count(tokenizer.convert_tokens_to_ids(tag)) == 1


def test_trls_own_template_changes_the_answer():
    """Why the verbatim one is needed; when this fails, TRL has been mended."""
    import trl

    theirs = Path(trl.__file__).parent / "chat_templates" / "qwen3_training.jinja"
    tokenizer = _tokenizer("qwen3")
    for answer in (TRACE, PLAIN):
        turns = [USER, {"role": "assistant", "content": answer}]
        text = tokenizer.apply_chat_template(turns, tokenize=False, chat_template=theirs.read_text(encoding="utf-8"))
        assert f"assistant\n{answer}<|im_end|>" not in text
        assert f"assistant\n{answer}<|im_end|>" in tokenizer.apply_chat_template(turns, tokenize=False)


_MENTION = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20).filter(str.strip)
_COT = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=120).filter(lambda cot: "think>" not in cot))


@given(cot=_COT, mentions=st.lists(_MENTION, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_answer_comes_back_from_its_tokens(cot, mentions):
    tokenizer = _tokenizer("qwen3")
    answer = render_answer(cot, [Entity(mention, "person") for mention in mentions], ["person"])
    made = training_rows.encode(tokenizer, [USER], answer)
    learned = [label for label in made["labels"] if label != -100]
    if made["fate"] == "holds_end_token":
        assert "<|im_end|>" in answer
        return
    assert made["fate"] in ("kept", "normalised")
    back = tokenizer.decode(learned[:-1])
    assert back == answer if made["fate"] == "kept" else back == unicodedata.normalize("NFC", answer) != answer


def test_rows_that_would_teach_something_else_are_told_apart():
    tokenizer = _tokenizer("qwen3")
    fates = {
        answer: training_rows.encode(tokenizer, [USER], answer)["fate"]
        for answer in (TRACE, "a<|im_end|>b", "e\u0301", "\n\nThe newlines merge with the prompt's.")
    }
    assert list(fates.values()) == ["kept", "holds_end_token", "normalised", "altered"]


def test_a_tokenizer_without_the_end_token_is_refused_in_one_line():
    from nercot.errors import InputError

    with pytest.raises(InputError, match=re.escape("has no token <|eot_id|>")) as refused:
        load_tokenizer(_settings("llama3"), assets.asset(assets.QWEN3))
    assert "\n" not in str(refused.value)


def test_the_template_is_saved_with_the_tokenizer(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = _tokenizer("qwen3")
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    turns = [USER, {"role": "assistant", "content": TRACE}]
    assert again.apply_chat_template(turns, tokenize=False) == tokenizer.apply_chat_template(turns, tokenize=False)
    assert again.eos_token == "<|im_end|>"
    assert again.pad_token == "<|endoftext|>"
