"""The card of a release as the Hub shows it: its front matter, the licence of the whole, its text, the user's notes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from markdown_it.token import Token
from scripted import gold_models

from nercot.building.builder import BuildOptions, build
from nercot.corpus.benchmarks import text_may_be_passed_on
from nercot.corpus.manifest import read_manifest
from nercot.corpus.provenance import annotators_of, license_of_all, licenses_of, sources_of
from nercot.corpus.recipe import load_recipe
from nercot.errors import InputError
from nercot.release.release import freeze
from nercot.report.card import NOTES, notes_of

ODD = (
    *(
        "{{ 7 * 7 }}",
        "{% raw %}",
        "---",
        "<script>alert(1)</script>",
        "a|b",
        "`code`",
        "*bold*",
        "[x](http://a.example)",
    ),
    *(
        "\\",
        "$x$",
        "line\nbreak",
        "# head",
        NOTES[0],
        NOTES[1],
        "![i](x)",
        "-->",
        "~~s~~",
        "&lt;",
        "a\u2028b",
        "|",
        "```",
    ),
)


def corpus(folder: Path, types: Iterable[str], *settings: tuple[str, Any]) -> Path:
    """A candidate whose dataset and one of whose types have each of these names."""
    rows = []
    for number, name in enumerate(types):
        sentence = f"Mrs Ada wrote letter {number} before she went to Oslo."
        entities = [{"text": "Ada", "label": "person"}, {"text": "Oslo", "label": name}]
        schema = ["person", name, "ship"]
        row = {"sentence": sentence, "schema": schema, "entities": entities, "dataset": f"set {name}"}
        rows.append({**row, "license": "cc-by-4.0"})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    # Whether the traces convince is no matter here.
    plain = (("validate.rules", ["malformed"]), ("select.threshold", 0))
    recipe = load_recipe("quickstart", [*gold_models(folder / "rows.jsonl"), *plain, *settings])
    return build(recipe, BuildOptions(folder / "build", str(folder / "rows.jsonl"))).candidate


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with names that mean something to Markdown, YAML, HTML or Jinja."""
    folder = tmp_path_factory.mktemp("odd")
    corpus(folder, ODD, ("corpus.title", "T {{ 1 + 1 }} | <b>x</b> ---"), ("corpus.license", "cc-by-4.0"))
    return freeze("quickstart", folder / "build").folder


def manifest_of(*parts: tuple[str, str], **more: Any) -> dict[str, Any]:
    """What a manifest says of the licences of a corpus with these (dataset, licence)."""
    source = more.pop("source", {})
    recipe = {"source": source, "steps": ["annotate", "validate", "score", "select"]}
    return {"license": "cc-by-4.0", "licenses": licenses_of(dict.fromkeys(parts, 1)), "recipe": recipe, **more}


# --- as the Hub shows it ----------------------------------------------------------------------------


def test_names_of_any_kind_break_nothing(odd: Path) -> None:
    card = DatasetCard.load(odd / "README.md")
    assert card.data.pretty_name == "T {{ 1 + 1 }} | <b>x</b> ---"
    tokens = MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(card.text)
    inline = [child for token in tokens for child in token.children or ()]
    html = [token.content for token in (*tokens, *inline) if token.type.startswith("html")]
    # Of HTML there are the two lines around the user's notes; a name made of them is a name.
    assert [line for block in html for line in block.splitlines()] == list(NOTES)
    links = [token.attrs["href"] for token in inline if token.type == "link_open"]
    assert links == ["view.html"]
    assert not [token for token in inline if token.type == "s_open"]
    assert [token.attrs["src"] for token in inline if token.type == "image"] == [
        f"pictures/{name}.svg" for name in ("funnel", "scores", "types")
    ]
    headings = [shown(tokens[place + 1]) for place, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings[0] == "T {{ 1 + 1 }} | <b>x</b> ---"
    assert headings[1:] == [
        *("How it was made", "Scores", "Against the source's own annotation", "Duplicates and test sets", "Licences"),
        *("Contents", "Fields", "Training", "Personal data and limits", "Provenance", "Citation", "Notes"),
    ]
    cells = {shown(token) for token in tokens if token.type == "inline"}
    assert {" ".join(f"set {name}".split()) for name in ODD} <= cells


def shown(token: Token) -> str:
    """The text of a paragraph, heading or cell as a reader sees it."""
    return "".join(child.content for child in token.children or ())


def test_the_front_matter_says_what_the_hub_wants_to_know(odd: Path) -> None:
    data = DatasetCard.load(odd / "README.md").data.to_dict()
    manifest = read_manifest(odd)
    assert data["source_datasets"] == ["extended|other"]
    assert data["annotations_creators"] == ["machine-generated"]
    assert (data["license"], data["size_categories"]) == ("cc-by-4.0", ["n<1K"])
    assert data["task_categories"] == ["token-classification", "text-generation"]
    assert [config["config_name"] for config in data["configs"]] == ["cot", "raw", "sft"]
    assert {info["version"] for info in data["dataset_info"]} == {manifest["version"]}


def test_the_card_says_how_to_load_and_train(odd: Path) -> None:
    text = DatasetCard.load(odd / "README.md").text
    assert 'load_dataset("path/or/org/quickstart", "cot", split="train", revision="v1.0.0")' in text
    assert "training/templates/qwen3.jinja" in text
    assert "TRL's own template for Qwen3" in text
    assert Path(__file__).parents[2].joinpath("training/templates/qwen3.jinja").is_file()
    assert Path(__file__).parents[2].joinpath("training/configs/qwen3-8b-sft-paper.toml").is_file()


# --- licence and sources ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licenses", "whole"),
    [
        (("cc-by-4.0",), "cc-by-4.0"),
        (("CC-BY-4.0", "cc-by-4.0"), "cc-by-4.0"),
        (("cc-by-4.0", "cc-by-nc-4.0"), "cc-by-nc-4.0"),
        (("cc-by-sa-3.0", "cc-by-nc-2.0", "cc0-1.0"), "cc-by-nc-sa-4.0"),
        (("mit", "cc0-1.0"), "mit"),
        (("apache-2.0", "cc-by-nc-4.0"), "cc-by-nc-4.0"),
        (("apache-2.0", "mit"), "other"),
        (("gpl-3.0", "cc-by-sa-4.0"), "other"),
        (("cc-by-nd-4.0",), "cc-by-nd-4.0"),
        (("cc-by-nd-4.0", "cc-by-4.0"), "other"),
        (("cc-by-4.0", "unknown"), "other"),
        (("unknown",), "unknown"),
        (("Terms of the LDC",), "other"),
    ],
)
def test_the_licence_of_the_whole_is_the_strictest(licenses: tuple[str, ...], whole: str) -> None:
    parts = [(f"set {number}", license) for number, license in enumerate(licenses)]
    assert license_of_all(manifest_of(*parts)) == whole
    assert whole in ("other", "unknown") or text_may_be_passed_on("any", whole)


def test_terms_that_only_the_registry_knows_count_too() -> None:
    assert license_of_all(manifest_of(("WikiNeural", "cc-by-4.0"), ("made", "cc-by-4.0"))) != "cc-by-4.0"


def test_every_part_is_listed(tmp_path: Path) -> None:
    corpus(tmp_path, ("city", "town"))
    path = tmp_path / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [{**row, "license": license} for row, license in zip(rows, ("mit", "cc-by-nc-4.0"), strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(load_recipe("quickstart", gold_models(path)), BuildOptions(tmp_path / "build", str(path)))
    release = freeze("quickstart", tmp_path / "build").folder
    card = DatasetCard.load(release / "README.md")
    assert card.data.license == "cc-by-nc-4.0"
    assert "| set city | mit | 1 | yes |  |" in card.text
    assert "| set town | cc-by-nc-4.0 | 1 | yes | non-commercial |" in card.text
    assert json.loads((release / "croissant.json").read_text())["license"] == ["cc-by-nc-4.0", "mit"]


@pytest.mark.parametrize(
    ("datasets", "source", "sources"),
    [
        (("quickstart-news", "quickstart-law"), {"path": "quickstart.jsonl"}, ["original"]),
        (("Pile-NER-type",), {"hub": "Universal-NER/Pile-NER-type:all"}, ["Universal-NER/Pile-NER-type"]),
        (("mine",), {"path": None, "hub": None}, ["extended|other"]),
        (("GENIA_NER", "WikiANN en"), {}, ["bigbio/genia_term_corpus", "unimelb-nlp/wikiann"]),
        (("GENIA_NER", "mine"), {}, ["bigbio/genia_term_corpus", "extended|other"]),
    ],
)
def test_sources_are_named_as_the_hub_names_them(datasets: tuple[str, ...], source: dict, sources: list[str]) -> None:
    assert sources_of(manifest_of(*((name, "mit") for name in datasets), source=source)) == sources


def test_who_annotated() -> None:
    judged = manifest_of(("made", "mit"), duplicates={})
    drawn, merged = manifest_of(("made", "mit")), manifest_of(("made", "mit"), traces=[])
    drawn["recipe"]["steps"] = ["stratify"]
    assert annotators_of(judged) == ["machine-generated"]
    assert annotators_of(drawn) == ["found"]
    assert annotators_of(merged) == ["found", "machine-generated"]


def test_a_corpus_of_another_source_does_not_name_that_of_its_recipe(tmp_path: Path) -> None:
    corpus(tmp_path, ("city",))
    candidate = build(
        load_recipe("ner-cot", gold_models(tmp_path / "rows.jsonl")),
        BuildOptions(tmp_path / "build", str(tmp_path / "rows.jsonl")),
    ).candidate
    source = read_manifest(candidate)["recipe"]["source"]
    assert (source["hub"], source["revision"], source["path"]) == (None, None, None)
    spec = load_recipe("ner-cot").source
    assert (spec.instead("org/name@v1:all").hub, spec.instead("org/name@v1:all").revision) == ("org/name:all", "v1")


def test_a_calibration_of_another_judge_says_so(tmp_path: Path) -> None:
    candidate = corpus(tmp_path, ("city",))
    fault = {"made": 3, "caught": 2, "by_rule": {"duplicate": 2}}
    judged = {"kept": 1, "auc": 0.5, "kept_and_valid": 0}
    right = {"made": 9, "lost": 0, "kept": 9, "judged": 9}
    found = {
        "seed": 0,
        "rules": {"right": right, "faults": {"label_swapped": fault}},
        "judge": {"model": "judge", "threshold": 0.0, "right": right, "faults": {"label_swapped": judged}}
        | {"auc": 0.9, "repeats": 3, "variance": None, "length_correlation": None},
    }
    (tmp_path / "build/quickstart/calibration.json").write_text(json.dumps(found))
    corpus(tmp_path, ("city",))
    assert "| label swapped | 3 | 2 | - | 1 | 0.50 | 0 | duplicate 2 |" in (candidate / "README.md").read_text()
    assert "has changed" not in (candidate / "README.md").read_text()
    corpus(tmp_path, ("city",), ("select.threshold", 1))
    assert "has changed" in (candidate / "README.md").read_text()


# --- notes ------------------------------------------------------------------------------------------


def test_notes_stay_when_the_card_is_made_again(tmp_path: Path) -> None:
    candidate = corpus(tmp_path, ("city",))
    begin = NOTES[0]
    card = candidate / "README.md"
    written = "Ask *us* at `{{ desk }}`.\n\n---\n\n- <b>more</b>\n"
    card.write_text(card.read_text().replace(f"{begin}\n", f"{begin}\n{written}"))
    first = freeze("quickstart", tmp_path / "build")
    assert notes_of(first.folder / "README.md") == written
    corpus(tmp_path, ("city", "town"))
    assert notes_of(card) == written
    assert notes_of(freeze("quickstart", tmp_path / "build").folder / "README.md") == written


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("# A\n\n{begin}\nmine\n{end}\n", "mine\n"),
        ("# A\n\n{begin}\r\nmine\r\n{end}\r\n", "mine\n"),
        ("# A\n\n{begin}\nmine\n\n", "mine\n"),
        ("# A\n\nmine\n{end}\n", ""),
        ("# A\n", ""),
    ],
)
def test_what_is_taken_for_notes(tmp_path: Path, text: str, notes: str) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(text.format(begin=NOTES[0], end=NOTES[1]).encode())
    assert notes_of(path) == notes


def test_a_card_in_another_encoding_is_the_users_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(f"{NOTES[0]}\nM\xfcller\n{NOTES[1]}\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        notes_of(path)


def test_the_same_release_has_the_same_card(odd: Path, tmp_path: Path) -> None:
    shutil.copyfile(odd.parents[2] / "rows.jsonl", tmp_path / "rows.jsonl")
    corpus(tmp_path, ODD, ("corpus.title", "T {{ 1 + 1 }} | <b>x</b> ---"), ("corpus.license", "cc-by-4.0"))
    again = freeze("quickstart", tmp_path / "build").folder
    for path in sorted(path for path in odd.rglob("*") if path.is_file()):
        assert path.read_bytes() == (again / path.relative_to(odd)).read_bytes(), path
