"""A real model in llama.cpp's server: real HTTP, real schemas, real token counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from assets import SMOLLM2, asset
from commands import run

from nercot.corpus.recipe import Model
from nercot.errors import EndpointError, InputError
from nercot.llm.address import provider_of
from nercot.llm.asking import request_body
from nercot.llm.endpoint import Patience, ask_all
from nercot.llm.ledger import Ledger
from nercot.llm.local import model_file, model_name, serving
from nercot.llm.messages import Request
from nercot.llm.prompts import annotate_response_format, extract_messages, judge_response_format, parse_judgement

SENTENCES = ("Ada Lovelace was born in London.", "The Rhine flows through Basel.", "Nothing happened.")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("xllamacpp")
    with serving(str(asset(SMOLLM2) / "SmolLM2-135M-Instruct.Q4_1.gguf"), slots=2) as url:
        yield url


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def model(url: str, **more: object) -> Model:
    return Model(url=(url,), model="smol.gguf", concurrency=4, max_tokens=24, temperature=0.0, **more)


def request(model: Model, prompt: str, number: int = 0, **more: object) -> Request:
    body = request_body(model, [{"role": "user", "content": prompt}], **more)
    return Request("c", "annotate", f"{number:032x}", provider_of(model), model.model, body)


def test_answers_of_a_real_model_with_real_token_counts(url: str, ledger: Ledger) -> None:
    teacher = model(url)
    asked = [
        request(teacher, extract_messages(text, ["person", "river"])[0]["content"], n)
        for n, text in enumerate(SENTENCES)
    ]
    assert ask_all(asked, teacher, ledger).progress.done == 3
    for reply in ledger.replies_to(asked):
        assert reply.kind == "answer"
        assert reply.content
        assert reply.model.endswith(".gguf")
        assert "/" not in reply.model
        assert reply.tokens_in > 100
        assert 0 < reply.tokens_out <= 24
    assert ask_all(asked, teacher, ledger).progress.found == 3


def test_a_strict_schema_is_kept_by_the_server(url: str, ledger: Ledger) -> None:
    teacher = model(url)
    schema = ["person", 'odd "label"', "ville"]
    asked = request(teacher, "List persons in: Ada met Bo.", response_format=annotate_response_format(schema))
    ask_all([asked], teacher, ledger)
    reply = ledger.replies_to([asked])[0]
    assert "response_format" in asked.body
    assert reply.key == asked.key
    if reply.finish_reason == "stop":
        assert list(json.loads(reply.content)["entities"]) == schema
    else:
        assert reply.content.lstrip().startswith("{")


def test_a_strict_verdict_of_a_real_judge_can_be_read(url: str, ledger: Ledger) -> None:
    """The schema says what a verdict looks like; that a small model stays in range is its server's doing."""
    judge = Model(url=(url,), model="smol.gguf", concurrency=2, max_tokens=120, temperature=0.0)
    asked = [
        request(judge, f"Rate this text. Be brief. {n}", n, response_format=judge_response_format()) for n in range(3)
    ]
    ask_all(asked, judge, ledger)
    replies = ledger.replies_to(asked)
    whole = [reply for reply in replies if reply.finish_reason == "stop"]
    for reply in whole:
        assert set(json.loads(reply.content)) == set(judge_response_format()["json_schema"]["schema"]["required"])
        parse_judgement(reply.content)
    assert all(reply.content.lstrip().startswith("{") for reply in replies)


def test_a_prompt_too_long_for_the_context_is_refused_alone(url: str, ledger: Ledger) -> None:
    teacher = model(url)
    asked = [request(teacher, "Say hi.", 0), request(teacher, "Say hi. " * 9000, 1), request(teacher, "Say ho.", 2)]
    ask_all(asked, teacher, ledger, patience=Patience(first_wait=0.01))
    replies = ledger.replies_to(asked)
    assert [reply.kind for reply in replies] == ["answer", "refused", "answer"]
    assert "context" in replies[1].detail


def test_what_cannot_be_loaded_is_told_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(500))
    with pytest.raises(EndpointError, match=r"bad\.gguf") as caught, serving(str(tmp_path / "bad.gguf"), 1):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.gguf", "a/b/c", "/x/y.bin"])
def test_a_file_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(InputError, match=r"org/name/FILE\.gguf"):
        model_file(name)


def test_a_file_of_the_hub_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match=r"nobody/nothing/x\.gguf cannot be fetched") as caught:
        model_file("nobody/nothing/x.gguf")
    assert "\n" not in str(caught.value)


def test_without_the_extra_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(EndpointError, match=r'pip install "nercot\[local\]"'), serving("x.gguf", 1):
        pass


def test_a_model_goes_by_the_name_of_its_file() -> None:
    assert model_name("/home/me/models/smol.gguf") == "smol.gguf"
    assert model_name("org/name@main/smol.gguf") == "smol.gguf"


def test_a_model_in_the_process_extracts_and_is_asked_once(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    gguf = str(asset(SMOLLM2) / "SmolLM2-135M-Instruct.Q4_1.gguf")
    (tmp_path / "in.txt").write_text("Ada Lovelace was born in London.\n")
    words = ("extract", "in.txt", "--to", "out.jsonl", "--schema", "person,city", "--ledger", "l.sqlite")
    for _ in range(2):
        ran = run(tmp_path, *words, "--url", "local", "--model", gguf, "--set", "max_tokens=24")
        # So few tokens are no answer, whatever the model has to say.
        assert "(1 of 1 rows: truncated)" in ran.err
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert sum(total.calls for total in ledger.totals()) == 1
