"""ner-cot-paper from rows to candidate: four rules, no reader, the paper's rubric, kept at 9."""

import json

import pyarrow.parquet as pq
from commands import run
from fault_server import FaultServer, answer

from nercot.llm.prompts import default_template

# sentence -> (trace, entities, score); what the paper's own way makes of it.
ROWS = {
    "Ada saw Oslo": ("Ada is a person", {"person": ["Ada"]}, 9.0),
    "Bo saw Rome": ("Bo is a person, Bo again", {"person": ["Bo", "Bo"]}, 9.5),
    "Cy saw Bonn": ("somebody is a person", {"person": ["Cy"]}, 9.9),
    "Di saw Kyiv": ("Di is a ship", {"ship": ["Di"]}, 9.9),
    "Ed saw Lima": ("Edward is a person", {"person": ["Edward"]}, 9.9),
    "Flo saw Nice": ("Flo is no person after all", {"person": ["Flo"]}, 9.2),
    "Gus saw Cork": ("Gus is a person", {"person": ["Gus"]}, 8.9),
}


def sentence_of(call):
    return call.prompt.rpartition("Sentence:\n```\n")[2].rpartition("\n```")[0]


def test_the_papers_own_way_keeps_what_its_four_rules_and_its_judge_keep(tmp_path):
    (tmp_path / "rows.txt").write_text("\n".join(ROWS) + "\n")

    def teacher(call):
        trace, entities, _ = ROWS[sentence_of(call)]
        return answer(json.dumps({"entities": entities}), reasoning=trace)

    def judge(call):
        return answer(json.dumps({"reason": "as it is", "score": ROWS[sentence_of(call)][2]}))

    with FaultServer(teacher) as teaching, FaultServer(judge) as judging:
        asked = ["--input", "rows.txt", "--set", 'source.labels=["person", "place"]']
        asked += ["--teacher-url", teaching.url, "--teacher-model", "deepseek-ai/DeepSeek-R1"]
        asked += ["--judge-url", judging.url, "--judge-model", "Qwen/Qwen3-32B", "--json"]
        ran = run(tmp_path, "build", "ner-cot-paper", *asked)
        assert ran.code == 0, ran.err
        opening = default_template("judge-paper").partition("{{")[0]
        assert all(prompt.startswith(opening) for prompt in judging.prompts())
    steps = {step["step"]: step for step in json.loads(ran.out)["steps"]}
    assert list(steps) == ["source", "annotate", "validate", "score", "select"]
    # A listing too many has no place in the sentence; a dismissed mention is named, and the paper asks no more.
    dropped = steps["validate"]["dropped"]
    assert dropped == {"not_justified": 1, "type_not_in_schema": 1, "not_in_sentence": 2}
    assert steps["select"]["dropped"] == {"below_threshold": 1}
    assert steps["select"]["kept"] == 2
    rows = pq.read_table(tmp_path / "build/ner-cot-paper/candidate/cot").to_pylist()
    for row in rows:
        assert all(row["sentence"][item["start"] : item["end"]] == item["text"] for item in row["entities"])
