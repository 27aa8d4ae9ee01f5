"""`nercot evaluate` against a server whose answers have a known score, and a real model on real sentences."""

import json
import os
import re
from pathlib import Path

import pytest
from assets import SMOLLM2, asset
from commands import run
from fault_server import FaultServer, answer, error

DATA = os.environ.get("NERCOT_TEST_DATA")


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(rows)))


def instructuie(folder, dataset, split, *sentences):
    """Rows whose capitalised words are all of type x."""
    rows = []
    for sentence in sentences:
        found = list(re.finditer(r"[A-Z]\w*", sentence))
        entities = [{"name": match[0], "type": "x", "pos": list(match.span())} for match in found]
        rows.append({"sentence": sentence, "entities": entities})
    write(folder / dataset / f"{split}.json", *rows)
    (folder / dataset / "labels.json").write_text('["x", "y"]')


def answering(words):
    """A server that names the capitalised words, all but those."""

    def script(call):
        sentence = call.prompt.rpartition("Sentence:\n```\n")[2].rpartition("\n```")[0]
        mentions = [word for word in re.findall(r"[A-Z]\w*", sentence) if word not in words]
        if "Garbage" in sentence:
            return answer("nothing of the kind")
        return answer(json.dumps({"entities": {"x": mentions} if mentions else {}}))

    return script


def evaluate(folder, server, *arguments, code=0):
    ran = run(folder, "evaluate", "--url", server.url, "--model", "m", "--json", *arguments)
    assert ran.code == code, (ran.out, ran.err)
    return json.loads(ran.out) if ran.out else ran.err


def test_the_score_is_the_one_that_the_answers_have(tmp_path):
    data = tmp_path / "data"
    instructuie(data, "CrossNER_AI", "test", "we saw Ada and Bo here", "then Cy left Garbage")
    instructuie(data, "CrossNER_AI", "train", "never asked about Zed")
    instructuie(data, "mit-movie", "test", "Ada again")
    with FaultServer(answering({"Bo"})) as server:
        result = evaluate(tmp_path, server, "--benchmarks", data, "--out", tmp_path / "out")
        assert result["calls"] == 3
        again = evaluate(tmp_path, server, "--benchmarks", data)
        assert (again["calls"], len(server.calls)) == (0, 3)
    ai, movie = result["datasets"]["CrossNER AI"], result["datasets"]["MIT Movie"]
    # Ada found, Bo missed; Cy and Garbage lost with the answer that cannot be read.
    assert (ai["exact"]["gold"], ai["exact"]["predicted"], ai["exact"]["matched"]) == (4, 1, 1)
    assert ai["exact"]["f1"] == pytest.approx(2 / 5)
    assert (ai["unreadable"], ai["rows"], ai["split"]) == (1, 2, "test")
    assert ai["errors"] == {"correct": 1, "missed": 3, "spurious": 0, "wrong_type": 0, "boundary": 0}
    assert movie["exact"]["f1"] == movie["paper"]["f1"] == 1
    assert result["average"]["exact"] == pytest.approx(0.7)
    assert ai["answer_tokens"] == 20
    written = (tmp_path / "out/evaluation.md").read_text()
    assert "| CrossNER AI | 2 | 40.0 |" in written
    assert "| ReasoningNER 8B | 76.3 | 71.0 | - |" in written
    assert json.loads((tmp_path / "out/evaluation.json").read_text()) == result


def test_the_suite_leaves_out_other_datasets_and_names_what_is_missing(tmp_path):
    data = tmp_path / "data"
    instructuie(data, "CrossNER_AI", "test", "Ada")
    instructuie(data, "CoNLL 2003_sample_15000", "dev", "Ada")
    with FaultServer(answering(())) as server:
        result = evaluate(tmp_path, server, "--benchmarks", data, "--suite", "seven")
        assert list(result["datasets"]) == ["CrossNER AI"]
        assert len(result["missing"]) == 6
        result = evaluate(tmp_path, server, "--benchmarks", data, "--suite", "twenty")
    assert result["datasets"]["CoNLL03"]["split"] == "validation"
    assert any("MIT Movie" in line for line in result["missing"])


def test_figures_on_processed_test_sets_stand_beside_their_own(tmp_path):
    instructuie(tmp_path / "data", "CrossNER_AI", "test", "Ada")
    with FaultServer(answering(())) as server:
        result = evaluate(tmp_path, server, "--benchmarks", tmp_path / "data", "--b2ner")
    (table,) = result["paper"]
    assert {row["model"] for row in table["rows"]} == {"B2NER 7B", "ReasoningNER 8B"}


def test_without_trace_the_model_is_asked_to_answer_at_once_and_a_prompt_can_be_given(tmp_path):
    instructuie(tmp_path / "data", "CrossNER_AI", "test", "Ada")
    (tmp_path / "mine.md").write_text("{{schema}} MY WORDS Sentence:\n{{sentence}}")
    with FaultServer(answering(())) as server:
        for arguments in ([], ["--no-trace"], ["--prompt", tmp_path / "mine.md"]):
            evaluate(tmp_path, server, "--benchmarks", tmp_path / "data", *arguments)
        prompts = server.prompts()
    assert ["<think>" in prompt for prompt in prompts] == [True, False, False]
    assert "MY WORDS" in prompts[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--benchmarks", "nowhere"], "no such folder"),
        (["--benchmarks", "empty"], "no benchmark"),
        (["--benchmarks", "data", "--suite", "twenty"], "no benchmark of twenty"),
        (["--benchmarks", "data", "--set", "temprature=0"], "did you mean teacher.temperature"),
        (["--benchmarks", "data", "--prompt", "missing.md"], "missing.md"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, said):
    (tmp_path / "empty").mkdir()
    instructuie(tmp_path / "data", "CrossNER_AI", "test", "Ada")
    with FaultServer(answering(())) as server:
        line = evaluate(tmp_path, server, *arguments, code=2)
    assert said in line
    assert len(line.strip().splitlines()) == 1


def test_answers_that_do_not_come_are_a_shortfall_and_the_next_run_goes_on(tmp_path):
    instructuie(tmp_path / "data", "CrossNER_AI", "test", "Ada one", "Bo two")
    broken = [True]

    def script(call):
        return error(500) if broken[0] and "Bo" in call.prompt else answering(())(call)

    with FaultServer(script) as server:
        line = evaluate(tmp_path, server, "--benchmarks", tmp_path / "data", "--retry-seconds", "1", code=1)
        assert "answers are missing" in line
        broken[0] = False
        assert evaluate(tmp_path, server, "--benchmarks", tmp_path / "data")["average"]["exact"] == 1


def test_what_is_not_measured_is_said(tmp_path):
    data = tmp_path / "data"
    instructuie(data, "CrossNER_AI", "test", "Ada one")
    rows = json.loads((data / "CrossNER_AI" / "test.json").read_text())
    write(data / "CrossNER_AI" / "test.json", *rows, {"sentence": "Bo", "entities": None})
    write(data / "odd.json", {"something": "else"})
    (data / "notes.txt").write_text("Some words.\nAnd more words.\n")
    (data / "README.md").write_text("no data\n")
    with FaultServer(answering(())) as server:
        result = evaluate(tmp_path, server, "--benchmarks", data, "--limit", 1, "--out", tmp_path / "out")
    assert result["datasets"]["CrossNER AI"]["dropped"] == {"unreadable": 1}
    plain, odd = result["not_read"]
    assert "notes.txt: plain text has no gold" in plain
    assert "odd.json: rows of no known format" in odd
    written = (tmp_path / "out/evaluation.md").read_text()
    assert "CrossNER AI: 1 rows of the file are not among these (unreadable 1)" in written
    assert "not read: " in written
    assert "Only the first records" in written


def test_characters_and_spans_of_a_tool_are_benchmarks_with_all_types_of_their_data_set(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "zh_test.txt").write_text("王\tB-PER\n小\tI-PER\n在\tO\n北\tB-LOC\n京\tI-LOC\n\n好\tO\n", encoding="utf-8")
    tagged = [{"text": "Ada left.", "label": [[0, 3, "PER"]]}, {"text": "Oslo fell.", "label": [[0, 4, "LOC"]]}]
    (data / "tool_test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tagged))
    right = {
        "王小在北京": {"PER": ["王小"], "LOC": ["北京"]},
        "Ada left.": {"PER": ["Ada"]},
        "Oslo fell.": {"LOC": ["Oslo"]},
    }

    def script(call):
        assert "PER" in call.prompt
        assert "LOC" in call.prompt
        found = next((entities for sentence, entities in right.items() if sentence in call.prompt), {})
        return answer(json.dumps({"entities": found}, ensure_ascii=False))

    with FaultServer(script) as server:
        result = evaluate(tmp_path, server, "--benchmarks", data)
    assert {name: (row["rows"], row["exact"]["f1"]) for name, row in result["datasets"].items()} == {
        "tool": (2, 1.0),
        "zh": (2, 1.0),
    }


def test_a_sentence_that_has_two_golds_is_said(tmp_path):
    (tmp_path / "CoNLL03_test.txt").write_text("Ada\tB-x\nruns\tO\n\nAda\tO\nruns\tO\n\nAda\tB-x\nruns\tO\n")
    with FaultServer(answering(())) as server:
        result = evaluate(tmp_path, server, "--benchmarks", tmp_path, "--out", tmp_path / "out")
    assert result["datasets"]["CoNLL03"]["conflicting"] == 1
    written = (tmp_path / "out/evaluation.md").read_text()
    assert "CoNLL03: 1 rows repeat a sentence with other gold; no answer is right on both" in written


def test_a_test_file_is_preferred_to_a_dev_file_beside_it_and_two_test_files_are_refused(tmp_path):
    data = tmp_path / "data"
    write(data / "CoNLL03_dev.json", {"tokens": ["Ada"], "tags": ["B-x"]})
    (data / "CoNLL03_test.txt").write_text("Bo\tB-x\nruns\tO\n\nCy\tB-x\n")
    with FaultServer(answering(())) as server:
        result = evaluate(tmp_path, server, "--benchmarks", data)
        assert (result["datasets"]["CoNLL03"]["split"], result["calls"]) == ("test", 2)
        write(data / "other" / "CoNLL 2003" / "test.json", {"tokens": ["Ada"], "tags": ["B-x"]})
        line = evaluate(tmp_path, server, "--benchmarks", data, code=2)
    assert "CoNLL03 is there more than once" in line
    assert len(line.strip().splitlines()) == 1


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_folders_of_other_formats_are_found_by_their_names(tmp_path):
    with FaultServer(answering(())) as server:
        result = evaluate(tmp_path, server, "--benchmarks", Path(DATA) / "crossner", "--limit", 2)
        assert len(result["datasets"]) == 5
        line = evaluate(tmp_path, server, "--benchmarks", Path(DATA) / "mit", "--limit", 2, code=2)
        assert "test or dev split" in line


# As few tokens as a real model on a CPU needs to give answers that can be read.
SHORT = "Types: {{schema}}\nSentence: {{sentence}}\nJSON:"
READABLE = r'''root ::= "{\"entities\": {\"PER\": [\"" [A-Za-z]{1,6} "\"]}}"'''


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_a_real_model_on_fifty_real_sentences(tmp_path):
    pytest.importorskip("xllamacpp")
    from nercot.llm.local import serving

    (tmp_path / "short.md").write_text(SHORT)
    benchmark = Path(DATA) / "instructuie_layout" / "NER" / "WikiANN en"
    settings = ["max_tokens=24", "temperature=0", f"extra.grammar={json.dumps(READABLE)}"]
    arguments = ["--benchmarks", benchmark, "--limit", 50, "--prompt", "short.md", "--no-trace"]
    arguments += [item for setting in settings for item in ("--set", setting)]
    with serving(str(asset(SMOLLM2) / "SmolLM2-135M-Instruct.Q4_1.gguf"), slots=2) as url:
        first, again = (
            json.loads(run(tmp_path, "evaluate", "--url", url, "--model", "smol", "--json", *arguments).out)
            for _ in range(2)
        )
    row = first["datasets"]["WikiANN"]
    assert (first["calls"], again["calls"], again["datasets"]) == (50, 0, first["datasets"])
    assert (row["rows"], row["without_answer"], row["exact"]["gold"] > 50) == (50, 0, True)
    assert (row["unreadable"], row["cut_off"], row["exact"]["predicted"]) == (0, 0, 50)
    assert row["answer_tokens"] > 5
    assert row["latency_seconds"] > 0
