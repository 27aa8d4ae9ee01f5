"""Replies as servers really give them: marks of thinking, parts, refusals, odd sizes and numbers; over real HTTP."""

import gzip
import json
import zlib

import pytest
from commands import run
from fault_server import Act, FaultServer, answer, completion, error
from hypothesis import given
from hypothesis import strategies as st

from nercot.llm.messages import read_reply
from nercot.llm.prompts import parse_judgement
from nercot.measure.rewards import f1_reward
from nercot.validation.answers import parse_answer
from nercot.validation.thinking import after_thinking, split_thinking

TRACE = '"Ada" is a person, since "Mrs" stands before the name. No city is named.'
JSON = '{"entities": {"person": ["Ada"]}}'
SCORES = dict.fromkeys(("grounding", "boundary", "type", "completeness", "coherence", "score"), 9.5)
VERDICT = json.dumps({"reason": "argued from the words", **SCORES})

# What stands in `content` where the marks do.
MARKED = {
    "think": f"<think>\n{TRACE}\n</think>\n{JSON}",
    "think closed only": f"{TRACE}\n</think>\n{JSON}",
    "thinking": f"<thinking>\n{TRACE}\n</thinking>\n{JSON}",
    "thinking closed only": f"{TRACE}\n</thinking>\n{JSON}",
    "thinking after a word": f"Sure.\n<thinking>{TRACE}</thinking>{JSON}",
    "thought": f"<thought>{TRACE}</thought>{JSON}",
    "reasoning and answer": f"<reasoning>{TRACE}</reasoning>\n<answer>{JSON}</answer>",
    "seed": f"<seed:think>{TRACE}</seed:think>{JSON}",
    "brackets": f"[THINK]{TRACE}[/THINK]{JSON}",
    "brackets closed only": f"{TRACE}[/THINK]{JSON}",
    "kimi": f"◁think▷{TRACE}◁/think▷{JSON}",
    "command": f"<|START_THINKING|>{TRACE}<|END_THINKING|><|START_RESPONSE|>{JSON}<|END_RESPONSE|>",
    "thought and solution": f"<|begin_of_thought|>{TRACE}<|end_of_thought|><|begin_of_solution|>{JSON}",
    "gemma": f"<|channel>thought\n{TRACE}<channel|>{JSON}",
    "gpt-oss": f"<|channel|>analysis<|message|>{TRACE}<|end|><|start|>assistant<|channel|>final<|message|>{JSON}",
    "gpt-oss, constrained": f"<|channel|>analysis<|message|>{TRACE}<|end|><|start|>assistant<|channel|>final "
    f"<|constrain|>json<|message|>{JSON}<|return|>",
    "gpt-oss, tokens taken away": f"analysis{TRACE}assistantfinal{JSON}",
}

# What stands in the message where the trace is apart.
APART = {
    "reasoning_content": {"reasoning_content": TRACE, "content": JSON},
    "reasoning": {"reasoning": TRACE, "content": JSON},
    "thinking": {"thinking": TRACE, "content": JSON},
    "thinking parts": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": TRACE}]},
            {"type": "text", "text": JSON},
        ]
    },
    "thinking part as text": {"content": [{"type": "thinking", "thinking": TRACE}, {"type": "text", "text": JSON}]},
    "reasoning part": {"content": [{"type": "reasoning", "text": TRACE}, {"type": "text", "text": JSON}]},
    "details": {"reasoning_details": [{"type": "reasoning.text", "text": TRACE}], "content": JSON},
    "all in one field": {"reasoning_content": f"{TRACE}</think>{JSON}", "content": None},
    "all in one field, marked": {"reasoning_content": f"[THINK]{TRACE}[/THINK]{JSON}", "content": ""},
}


def reply(message, **more):
    return json.dumps({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}], **more}).encode()


@pytest.mark.parametrize("message", [*({"content": text} for text in MARKED.values()), *APART.values()])
def test_the_trace_is_read_wherever_a_server_puts_it(message):
    read = read_reply(reply(message))
    parsed = parse_answer(read.content, read.reasoning)
    assert (parsed.cot, parsed.mentions, parsed.problem) == (TRACE, (("person", "Ada"),), None)


@pytest.mark.parametrize("text", MARKED.values())
def test_rewards_read_the_same_marks(text):
    assert f1_reward(text, {"person": ["Ada"]}) == 1.0


@pytest.mark.parametrize("text", MARKED.values())
def test_what_ends_in_the_middle_of_its_thinking_is_no_answer(text):
    if TRACE in text and not text.startswith((TRACE, "analysis")):
        assert parse_answer(text[: text.index(TRACE) + len(TRACE)] + JSON).problem is not None


def test_marks_in_an_answer_are_data():
    for mark in ("</thinking>", "[/THINK]", "<channel|>", "assistantfinal", "<|channel|>final<|message|>"):
        text = json.dumps({"entities": {"tag": [mark]}})
        assert parse_answer(text).mentions == (("tag", mark),)


@pytest.mark.parametrize("mark", ["<think>", "<thinking>", "[THINK]", "<|channel|>analysis<|message|>", "<seed:think>"])
def test_a_verdict_inside_thinking_that_never_ends_is_none(mark):
    assert parse_judgement(f"{mark}Perhaps {VERDICT}") is None
    assert parse_judgement(f"<think>a</think>{mark}Perhaps {VERDICT}") is None
    assert parse_judgement(VERDICT).score == 9.5


@given(st.text(alphabet="<|>[]/THINKthinkchanel{}\"': \nassistantfinal", max_size=200))
def test_no_text_trips_the_marks(text):
    thinking = split_thinking(text)
    assert thinking is None or len(thinking.cot) + len(thinking.rest) <= len(text)
    assert len(after_thinking(text)) <= len(text)
    parse_answer(text)


@pytest.mark.parametrize("mark", ["<|channel|>", "<thinking>", "[/THINK]", "<|start|>", "assistantfinal", "<think>"])
def test_marks_by_the_thousand_take_linear_time(mark):
    parse_answer("analysis" + mark * 200_000)
    parse_answer(mark * 200_000)


# -- whole builds ------------------------------------------------------------------------------------------------


def build(folder, server, *arguments, number=30, name="own", code=0):
    rows = [json.dumps({"sentence": f"Mrs Ada wrote letter {n}.", "schema": ["person", "city"]}) for n in range(number)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    ran = run(
        folder,
        *("build", "ner-cot", "--json", "--input", folder / "rows.jsonl"),
        *("--teacher-url", server.url, "--teacher-model", "teacher"),
        *("--judge-url", server.url, "--judge-model", "judge", "--set", "retry.max_seconds=2"),
        *("--set", 'steps=["annotate", "validate", "score", "select"]'),
        *arguments,
    )
    assert ran.code == code, (ran.code, ran.out[-1000:], ran.err[-1000:])
    assert "Traceback" not in ran.err
    return (json.loads(ran.out) if ran.out else {}), ran.err


def by_role(teacher, judge=None):
    return lambda call: judge or answer(VERDICT) if call.body["model"] == "judge" else teacher


@pytest.mark.parametrize("name", ["brackets", "gpt-oss", "thinking parts", "all in one field"])
def test_a_build_keeps_what_such_a_server_says(tmp_path, name):
    message = APART.get(name) or {"content": MARKED[name]}
    with FaultServer(by_role(Act(body=reply(message)))) as server:
        assert build(tmp_path, server, number=5)[0]["records"] == 5


def test_all_text_in_the_reasoning_field_ends_the_build_before_it_pays_for_more(tmp_path):
    with FaultServer(by_role(answer(None, reasoning=JSON))) as server:
        _, said = build(tmp_path, server, "--set", "teacher.concurrency=2", number=30, code=2)
        assert len(server.calls) <= 5
    assert "all its text into the reasoning field" in said
    assert '{\\"entities\\"' in said


def test_a_mark_of_its_own_ends_the_build_and_the_answers_are_asked_for_again(tmp_path):
    odd = f"«denken» {TRACE} {TRACE} «/denken» {JSON}"
    with FaultServer(by_role(answer(odd))) as server:
        _, said = build(tmp_path, server, "--set", "teacher.concurrency=2", code=2)
        assert len(server.calls) <= 5
    assert "no mark that is known" in said
    assert "«denken»" in said
    with FaultServer(by_role(answer(MARKED["think"]))) as server:
        assert build(tmp_path, server)[0]["calls"]["teacher"] == 30


def test_one_odd_answer_among_others_is_a_dropped_row(tmp_path):
    odd = f"«denken» {TRACE} {TRACE} «/denken» {JSON}"

    def script(call):
        if call.body["model"] == "judge":
            return answer(VERDICT)
        return answer(odd if "letter 3." in call.prompt else MARKED["think"])

    with FaultServer(script) as server:
        result, _ = build(tmp_path, server, number=10)
    assert result["records"] == 9


def test_a_server_that_takes_no_max_tokens_is_asked_without(tmp_path):
    def script(call):
        if "max_tokens" in call.body:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return answer(VERDICT if call.body["model"] == "judge" else MARKED["think"])

    with FaultServer(script) as server:
        _, said = build(tmp_path, server, number=5, code=2)
        assert "--set teacher.max_tokens=none" in said
        without = [word for role in ("teacher", "judge") for word in ("--set", f"{role}.max_tokens=none")]
        result, _ = build(tmp_path, server, *without, "--set", "teacher.extra.max_completion_tokens=900", number=5)
    assert result["records"] == 5
    assert all("max_tokens" not in call.body for call in server.calls[-10:])


def test_a_model_that_is_served_no_more_is_named_with_the_live_ones(tmp_path):
    def script(call):
        if call.path.endswith("/models"):
            return Act(body=json.dumps({"data": [{"id": "teacher-2"}, {"id": "flash"}]}).encode())
        return error(404, "model not found")

    with FaultServer(script) as server:
        _, said = build(tmp_path, server, code=2)
    assert "does not serve teacher (any more): it has teacher-2, flash: change teacher.model" in said
    with FaultServer(
        lambda call: script(call) if call.path.endswith("/models") else error(400, "Model Not Exist")
    ) as server:
        assert "it has teacher-2, flash" in build(tmp_path, server, code=2)[1]


def test_a_refusal_of_the_model_is_a_dropped_row(tmp_path):
    body = reply({"content": None, "refusal": "I cannot help with that."})
    with FaultServer(by_role(Act(body=body))) as server:
        result, _ = build(tmp_path, server, number=3, code=1)
        assert len(server.calls) == 3
    assert next(step for step in result["steps"] if step["step"] == "validate")["dropped"] == {"refused": 3}


BIG = completion("x" * 9_000_000)
ODD_BODIES = {
    "nine megabytes": Act(body=BIG),
    "nine megabytes, packed": Act(body=gzip.compress(BIG), headers={"Content-Encoding": "gzip"}),
    "a bomb": Act(body=gzip.compress(b" " * 200_000_000), headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("act", ODD_BODIES.values(), ids=ODD_BODIES)
def test_a_reply_of_many_megabytes_is_a_counted_drop(tmp_path, act):
    with FaultServer(by_role(act)) as server:
        result, _ = build(tmp_path, server, "--set", "retry.max_seconds=30", number=1, code=1)
        assert len(server.calls) == 5
    assert next(step for step in result["steps"] if step["step"] == "annotate")["dropped"] == {"empty_answer": 1}
    # The ledger holds nothing of them, and can be read, exported and built from again.
    assert run(tmp_path, "ledger", "export", "x.parquet").code == 0
    assert run(tmp_path, "ledger", "--out", "other", "import", "x.parquet").code == 0
    assert (tmp_path / "build/ledger.sqlite").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"\xef\xbb\xbf" + completion(MARKED["think"]), 3),
        (completion(MARKED["think"], usage={"prompt_tokens": 10**30, "completion_tokens": -5}), 3),
        (completion(MARKED["think"], usage={"prompt_tokens": 1e308, "completion_tokens": "many"}), 3),
        (completion(MARKED["think"], usage=[1, 2]), 3),
        (completion(MARKED["think"], model=["m"], system_fingerprint={"a": 1}), 3),
        (b'{"choices": ' + b"[" * 50_000, 0),
        (b'{"choices": [{"message": "hello"}]}', 0),
        (b'{"choices": {}}', 0),
        (b"[]", 0),
    ],
)
def test_odd_replies_are_kept_or_counted(tmp_path, body, kept):
    with FaultServer(by_role(Act(body=body))) as server:
        result, said = build(tmp_path, server, number=3, code=0 if kept else 2)
    assert result["records"] == kept if kept else "no answer from 127.0.0.1" in said
    assert run(tmp_path, "ledger", "--json").code == 0
    assert run(tmp_path, "status", "ner-cot").code == 0


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_packed_replies_are_read(tmp_path, packing):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}[packing]
    act = Act(body=pack(completion(MARKED["think"])), headers={"Content-Encoding": packing})
    with FaultServer(by_role(act)) as server:
        assert build(tmp_path, server, number=2)[0]["records"] == 2


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("budget.max_cost=nan", "budget.max_cost must be a number"),
        ("retry.max_seconds=inf", "retry.max_seconds must be a number"),
        ("teacher.temperature=nan", "teacher.temperature must be a number"),
        ("teacher.extra.top_p=nan", "teacher.extra.top_p must be a number"),
        ("teacher.concurrency=100000000000000000000", "teacher.concurrency must be at most"),
        ("teacher.max_tokens=99999999999999999999", "teacher.max_tokens must be at most"),
        ("sample.size=1e300", "sample.size must be at most"),
        ("split.validation=99999999999999999999", "split.validation must be at most"),
    ],
)
def test_no_setting_is_beyond_counting(tmp_path, setting, said):
    ran = run(tmp_path, "build", "--set", setting)
    assert (ran.code, said in ran.err, len(ran.told)) == (2, True, 1), ran.err


def test_a_budget_that_is_no_number_spends_nothing(tmp_path):
    with FaultServer() as server:
        prices = [
            word
            for role in ("teacher", "judge")
            for key in ("input", "output")
            for word in ("--set", f"{role}.price.{key}=1")
        ]
        assert "--max-cost" in build(tmp_path, server, *prices, "--max-cost", "nan", code=2)[1] or not server.calls
        assert not server.calls


# -- keys ----------------------------------------------------------------------------------------------------------


def test_a_dummy_key_changes_no_answer_and_a_secret_is_nowhere(tmp_path, monkeypatch):
    text = MARKED["think"].replace("Mrs", "Mrs person")
    for key, kept in (("person", True), ("sk-0123456789abcdef", False)):
        folder = tmp_path / key
        folder.mkdir()
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with FaultServer(by_role(answer(text.replace("No city", f"No {key} city")))) as server:
            _, said = build(folder, server, number=2)
        assert "the key in OPENAI_API_KEY goes to 127.0.0.1" in said
        assert said.count("teacher: the key in OPENAI_API_KEY") == 1
        raw = (folder / "build/ner-cot/candidate/raw").glob("*.parquet")
        found = any(key.encode() in path.read_bytes() for path in raw) or kept
        assert found is kept
        if not kept:
            assert not any(key.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_short_key_is_blotted_out_of_errors(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    with FaultServer(lambda call: error(404, "no such thing for hunter2")) as server:
        _, said = build(tmp_path, server, code=2)
    assert "hunter2" not in said
