"""`nercot build` as a user runs it: real processes, real folders, the real datasets library."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import run
from fault_server import FaultServer
from scripted import gold_options, options, scripted

DATA = os.environ.get("NERCOT_TEST_DATA")
CONFIGS = ("cot", "raw", "dropped", "sft")


def nercot(folder, *arguments, code=0):
    ran = run(folder, *arguments)
    assert ran.code == code, (ran.code, ran.out[-2000:], ran.err[-2000:])
    return ran


@pytest.fixture(scope="module", autouse=True)
def server():
    """Answers for sources of our own: teacher, reader and judge by a script, over real HTTP."""
    with FaultServer(scripted()) as running:
        MODELS[:] = options(running)
        yield running


MODELS = []


def build(folder, *arguments, code=0):
    models = MODELS if "--input" in arguments else ()
    return json.loads(nercot(folder, "build", *arguments, *models, "--json", code=code).out)


def test_the_module_and_the_script_run_as_a_process(tmp_path):
    for command in ([sys.executable, "-m", "nercot"], [Path(sys.executable).with_name("nercot")]):
        ran = subprocess.run(
            [*command, "build", "--limit", "3"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert "candidate" in ran.stdout
        ran = subprocess.run([*command, "build", "--limit", "x"], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 2
        assert len(ran.stderr.strip().splitlines()) == 1


def write(path, *rows):
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return path


def row(number, **more):
    entities = [{"text": "Ada", "label": "person"}]
    return {"sentence": f"Mrs Ada wrote letter {number}.", "schema": ["person", "city"], "entities": entities, **more}


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def stamps(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


def load(folder, config=None):
    """A config through the real library, in a fresh cache and process, without network."""
    code = (
        "import json, sys, datasets; datasets.disable_progress_bars()\n"
        "d = datasets.load_dataset(sys.argv[1], *sys.argv[3:], cache_dir=sys.argv[2])\n"
        "print(json.dumps({k: list(v) for k, v in d.items()}))"
    )
    cache = folder.parent / f"cache-{time.monotonic_ns()}"
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    arguments = [sys.executable, "-c", code, str(folder), str(cache), *([config] if config else [])]
    loaded = subprocess.run(arguments, capture_output=True, text=True, env=env)
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    return json.loads(loaded.stdout)


def check_conservation(result):
    entered = result["rows_read"]
    for step in result["steps"]:
        assert step["in"] == entered
        assert step["in"] == step["kept"] + sum(step["dropped"].values()) + step["not_drawn"] + step["pending"]
        entered = step["kept"]
    assert entered == result["records"]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    return folder, build(folder)


def test_the_quickstart_needs_nothing_and_loses_nothing(quickstart):
    _, result = quickstart
    check_conservation(result)
    assert (result["rows_read"], result["records"]) == (201, 184)
    assert result["calls"] == {"teacher": 0, "reader": 0, "judge": 0}
    # Whom the hasty teacher did not get kept the careful one was asked about.
    assert result["recorded"] == {"teacher": 201 + 109, "reader": 200 + 109, "judge": 200 + 109}
    assert sum(step["pending"] for step in result["steps"]) == 0
    assert [step["step"] for step in result["steps"]] == ["source", "annotate", "validate", "read", "score", "select"]
    hasty, careful = result["teachers"]
    assert (hasty["asked"], hasty["kept"], careful["asked"], careful["kept"]) == (201, 92, 109, 92)


def test_the_readme_shows_what_the_build_prints(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("```text\nquickstart: ")[2].partition("```")[0]
    printed = nercot(tmp_path, "build").out.removeprefix("quickstart: ")
    assert [line for line in shown.splitlines() if not line.startswith("fingerprint")] == [
        line for line in printed.splitlines() if not line.startswith("fingerprint")
    ]


def test_a_second_build_writes_nothing_and_says_the_same(quickstart):
    folder, result = quickstart
    before = stamps(folder)
    again = build(folder)
    assert again["changed"] is False
    # How the answers were had is told where the candidate is made.
    assert {**again, "changed": True, "recorded": result["recorded"], "notes": result["notes"]} == result
    assert again["notes"] == []
    assert stamps(folder) == before


def test_deleted_and_built_again_it_is_the_same_to_the_byte(quickstart, tmp_path):
    folder, result = quickstart
    other = build(tmp_path)
    assert other["fingerprint"] == result["fingerprint"]
    assert snapshot(tmp_path / "build/quickstart/candidate") == snapshot(folder / "build/quickstart/candidate")


def test_every_config_loads_offline_with_explicit_types(quickstart):
    folder, result = quickstart
    candidate = folder / "build/quickstart/candidate"
    manifest = json.loads((candidate / "manifest.json").read_text())
    rows = load(candidate)["train"]
    assert len(rows) == result["records"]
    for config in {file["config"] for file in manifest["files"]}:
        assert len(load(candidate, config)["train"]) == sum(
            file["rows"] for file in manifest["files"] if file["config"] == config
        )
    empty = next(item for item in rows if not item["entities"])
    assert empty["entities"] == []
    assert isinstance(next(item for item in rows if item["entities"])["entities"][0], dict)


def test_every_offset_points_at_its_text_and_every_entity_has_evidence(quickstart):
    folder, _ = quickstart
    for item in load(folder / "build/quickstart/candidate")["train"]:
        assert item["guid"][:32] == item["guid"][:32].lower()
        for entity in item["entities"]:
            assert item["sentence"][entity["start"] : entity["end"]] == entity["text"]
            assert entity["label"] in item["schema"]
            assert 0 <= entity["cot_start"] < entity["cot_end"] <= len(item["cot"])
        for entity in item["gold"]:
            assert item["sentence"][entity["start"] : entity["end"]] == entity["text"]


def test_stats_read_the_candidate_and_its_single_configs(quickstart):
    folder, result = quickstart
    for path in (result["candidate"], f"{result['candidate']}:raw", f"{result['candidate']}/cot"):
        told = json.loads(nercot(folder, "stats", path, "--json").out)
        assert told["rows"] == told["rows_with_trace"] == (310 if path.endswith(":raw") else result["records"])
        assert told["entities"] == sum(told["matches"].values())
    assert "config sft" in nercot(folder, "stats", f"{result['candidate']}:sft", code=2).err


def test_what_the_quickstart_finds_is_what_its_gold_says(quickstart):
    folder, result = quickstart
    drift = [item["drift"] for item in load(folder / result["candidate"])["train"]]
    # A strong model differs from gold in about one row of seven, and says why: the drift is there to be looked at.
    assert 0.8 < drift.count("same") / len(drift) < 0.95


def test_sft_rows_are_the_cot_rows_as_messages(quickstart):
    from nercot.validation.answers import parse_answer

    folder, _ = quickstart
    candidate = folder / "build/quickstart/candidate"
    for cot, sft in zip(load(candidate)["train"], load(candidate, "sft")["train"], strict=True):
        assert [message["role"] for message in (*sft["prompt"], *sft["completion"])] == ["user", "assistant"]
        assert cot["sentence"] in sft["prompt"][0]["content"]
        answer = parse_answer(sft["completion"][0]["content"])
        assert answer.cot == cot["cot"]
        assert sorted(answer.mentions) == sorted((item["label"], item["text"]) for item in cot["entities"])


def test_a_rebuilt_corpus_is_not_answered_from_a_stale_cache(tmp_path):
    code = (
        "import sys, datasets; datasets.disable_progress_bars()\n"
        "print(len(datasets.load_dataset(sys.argv[1], split='train', cache_dir=sys.argv[2])))"
    )

    def rows():
        command = [sys.executable, "-c", code, str(tmp_path / "build/quickstart/candidate"), str(tmp_path / "cache")]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    for count in (3, 5):
        source = write(tmp_path / "rows.jsonl", *(row(number) for number in range(count)))
        build(tmp_path, "quickstart", "--input", source)
        assert rows() == count


def test_a_changed_threshold_redoes_selection_only(tmp_path):
    source = write(tmp_path / "rows.jsonl", *(row(number) for number in range(30)))
    build(tmp_path, "quickstart", "--input", source)
    work = tmp_path / "build/quickstart"
    before = {stage: stamps(work / stage) for stage in ("1-source", "2-raw", "3-valid", "5-scored")}
    scores = [item["score"] for item in load(work / "candidate")["train"]]
    result = build(tmp_path, "quickstart", "--input", source, "--set", f"select.threshold={max(scores)}")
    check_conservation(result)
    assert result["records"] == scores.count(max(scores))
    assert before == {stage: stamps(work / stage) for stage in before}


@pytest.mark.parametrize(
    "numbers", [range(41), range(40, -1, -1)], ids=["at the end", "at the start, the others turned"]
)
def test_one_more_row_redoes_one_partition(tmp_path, numbers):
    source = write(tmp_path / "rows.jsonl", *(row(number) for number in range(40)))
    build(tmp_path, "quickstart", "--input", source)
    before = stamps(tmp_path / "build/quickstart/2-raw")
    write(source, *(row(number) for number in numbers))
    build(tmp_path, "quickstart", "--input", source)
    after = stamps(tmp_path / "build/quickstart/2-raw")
    folder = tmp_path / "build/quickstart/2-raw"
    assert sum(before[path] != after[path] for path in before if path != folder) == 1


def test_bad_rows_are_dropped_with_reasons_and_conserved(tmp_path):
    bad = [
        "{nope\n",
        row(1, sentence=""),
        row(2, entities={"person": ["Ada"]}),
        row(3, entities=[{"text": "Ada", "label": 1}]),
    ]
    source = write(tmp_path / "rows.jsonl", row(0), *bad, row(0), row(4, entities=None), row(5))
    result = build(tmp_path, "quickstart", "--input", source)
    check_conservation(result)
    assert result["steps"][0]["dropped"] == {"unreadable": 4}
    assert result["steps"][-1]["dropped"] == {"duplicate_record": 1}
    dropped = load(tmp_path / "build/quickstart/candidate", "dropped")["train"]
    assert len(dropped) == 5
    by_row = {item["source_row"]: item for item in dropped}
    assert by_row[2]["input"] == "{nope"
    assert by_row[6]["detail"].startswith("same text and types as")


def test_hostile_data_stays_data(tmp_path):
    odd = "A </think> {{SCHEMA}} {{sentence}} {% for x in y %} ```json\n---\n<script>alert(1)</script> | # heading"
    rows = [
        {
            "sentence": f"{odd} Ada {number}.",
            "schema": [odd, "person", "a|b", "<script>"],
            "entities": [{"text": "Ada", "label": "person"}],
        }
        for number in range(5)
    ]
    result = build(tmp_path, "quickstart", "--input", write(tmp_path / "rows.jsonl", *rows))
    check_conservation(result)
    assert result["records"] == 5
    candidate = tmp_path / "build/quickstart/candidate"
    assert {item["schema"][0] for item in load(candidate)["train"]} == {odd}
    assert "<script>" not in (candidate / "README.md").read_text()


def test_what_a_user_writes_into_the_card_survives_builds_and_releases(tmp_path):
    source = write(tmp_path / "rows.jsonl", *(row(number) for number in range(5)))
    build(tmp_path, "quickstart", "--input", source)
    card = tmp_path / "build/quickstart/candidate/README.md"
    mine = "Thanks to {{ everybody }}.\n\n| a | b |\n"
    begin, end = "stays when the card is made again -->\n", "<!-- end of notes -->"
    card.write_text(card.read_text().replace(begin + end, begin + mine + end))
    write(source, *(row(number) for number in range(6)))
    build(tmp_path, "quickstart", "--input", source)
    assert mine in card.read_text()
    assert "| rows | 6 |" in card.read_text()
    nercot(tmp_path, "release", "quickstart")
    release = tmp_path / "releases/quickstart/1.0.0"
    assert mine in (release / "README.md").read_text()
    assert "sound" in nercot(tmp_path, "verify", release, "--rebuild").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quickstart", "--input", "missing.jsonl"], "no such file"),
        (["quickstart", "--input", "folder"], "without data files"),
        (["quickstart", "--input", "empty.jsonl"], "empty"),
        (["quickstart", "--input", "latin.jsonl"], "not UTF-8"),
        (["--set", "select.treshold=1"], "did you mean select.threshold"),
        (["--set", 'select.threshold="x"'], "must be a number"),
        (["--out", "file"], "cannot be written"),
        (["--limit", "0"], "--limit"),
        (["no-such-recipe"], "no recipe"),
        (["ner-cot"], "DEEPSEEK_API_KEY"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path, monkeypatch, arguments, said):
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.jsonl").write_bytes('{"sentence": "é"}'.encode("latin-1"))
    ran = nercot(tmp_path, "build", *arguments, code=2)
    assert said in ran.err
    assert len(ran.told) == 1


def test_a_second_build_of_one_corpus_at_once_is_refused(tmp_path):
    import fcntl

    (tmp_path / "build/quickstart").mkdir(parents=True)
    with open(tmp_path / "build/quickstart/.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        ran = nercot(tmp_path, "build", code=2)
    assert "another build" in ran.err
    nercot(tmp_path, "build")


def test_killed_anywhere_and_run_again_it_is_the_same_corpus(tmp_path):
    source = write(tmp_path / "rows.jsonl", *(row(number) for number in range(600)))
    command = [sys.executable, "-m", "nercot", "build", "quickstart", "--input", str(source), *MODELS]
    for seconds in (0.6, 1.0, 1.5, 2.0):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = build(tmp_path, "quickstart", "--input", source)
    other = tmp_path / "other"
    undisturbed = build(tmp_path, "quickstart", "--input", source, "--out", other)
    assert result["fingerprint"] == undisturbed["fingerprint"]
    assert snapshot(tmp_path / "build/quickstart") == snapshot(other / "quickstart")
    assert [path.name for path in (tmp_path / "build").rglob(".*")] == [".lock"]


def test_a_build_killed_while_it_replaced_the_candidate_loses_no_word_of_the_card(tmp_path):
    build(tmp_path, "--limit", 3)
    work = tmp_path / "build/quickstart"
    card = work / "candidate/README.md"
    card.write_text(card.read_text().replace("<!-- end of notes -->", "To everyone.\n<!-- end of notes -->"))
    (work / "candidate").rename(work / ".candidate.old")
    (work / ".candidate.new").mkdir()
    (work / "2-raw/.0-1.parquet.123.tmp").write_text("half")
    build(tmp_path, "--limit", 4)
    assert "To everyone." in card.read_text()
    assert [path.name for path in work.rglob(".*")] == [".lock"]


def test_every_command_works_from_any_folder_and_helps(tmp_path):
    overview = nercot(tmp_path, "--help").out
    for verb in ("build", "convert", "validate", "stats"):
        assert verb in overview
        assert "Example: nercot" in nercot(tmp_path, verb, "--help").out


def test_text_of_ones_own_without_a_model_says_the_three_ways(tmp_path):
    (tmp_path / "mine.txt").write_text("Ada met Bo in Rome.\n")
    ran = nercot(tmp_path, "build", "--input", "mine.txt", "--schema", "person,city", code=2)
    for way in ("--teacher-url URL --teacher-model NAME", "--teacher-url local --teacher-model FILE.gguf", "recorded"):
        assert way in ran.err
    assert len(ran.told) == 1


@pytest.mark.skipif(not DATA, reason="NERCOT_TEST_DATA is not set")
def test_real_pile_ner_passages_are_all_accounted_for(tmp_path):
    source = Path(DATA) / "pile_ner/pile_ner_type_reserialised.json"
    nercot(tmp_path, "convert", source, "--to", "gold.jsonl")
    asked = gold_options(tmp_path / "gold.jsonl")
    result = json.loads(nercot(tmp_path, "build", "ner-cot", "--input", source, *asked, "--json").out)
    check_conservation(result)
    assert result["rows_read"] == 702
    candidate = tmp_path / "build/ner-cot/candidate"
    manifest = json.loads((candidate / "manifest.json").read_text())
    rows = {file["config"]: 0 for file in manifest["files"]}
    for file in manifest["files"]:
        rows[file["config"]] += file["rows"]
    assert rows["cot"] + rows.get("dropped", 0) == 702
    cot = load(candidate)["train"]
    card = (candidate / "README.md").read_text()
    assert f"| rows | {len(cot)} |" in card
    assert f"| entities | {sum(len(item['entities']) for item in cot)} |" in card
    stats = json.loads(nercot(tmp_path, "stats", candidate, "--json").out)
    assert stats["rows"] == len(cot)
    assert stats["entities_with_evidence"] == stats["entities"] > 0
    summary = json.loads(nercot(tmp_path, "validate", candidate, "--json").out)
    assert summary["rows"] == summary["kept"] == rows["cot"]
    summary = json.loads(run(tmp_path, "validate", candidate / "raw", "--json").out)
    assert (summary["rows"], summary["kept"]) == (702, result["steps"][2]["kept"])
