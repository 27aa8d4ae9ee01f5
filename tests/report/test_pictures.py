"""The pictures and the Croissant description of a release: whole, readable, the same bytes every time."""

import json
import shutil
import xml.etree.ElementTree as ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run

from nercot.measure.check import summarise
from nercot.report.croissant import write_croissant
from nercot.report.pictures import draw

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mlcroissant", "ignore::DeprecationWarning:rdflib")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    assert run(folder, "build", "--limit", "30").code == 0
    candidate = folder / "build/quickstart/candidate"
    manifest = json.loads((candidate / "manifest.json").read_text())
    return candidate, {**manifest, "version": "1.2.3"}, summarise(str(candidate), None, None, lambda *_: None)


def test_the_same_release_has_the_same_pictures_and_description(corpus, tmp_path):
    candidate, manifest, stats = corpus
    seen = []
    for name in ("one", "two"):
        folder = tmp_path / name
        shutil.copytree(candidate, folder)
        pictures = [path for path, _ in draw(folder, manifest, stats)]
        write_croissant(folder, manifest, stats)
        seen.append([(folder / path).read_bytes() for path in (*pictures, "croissant.json")])
        for path in pictures:
            assert ElementTree.parse(folder / path).getroot().tag.endswith("svg")
    assert seen[0] == seen[1]
    assert not any(b"/tmp/" in content or b"127.0.0.1" in content for content in seen[0])


def test_scores_stand_in_the_bin_that_they_are_in(corpus, tmp_path):
    _, manifest, stats = corpus
    near, at = ({**manifest, "scores": scores} for scores in ({"8.6": 3, "8.99": 1, "9": 5}, {"8.5": 4, "9.4": 5}))
    drawn = [
        draw(tmp_path / name, one, stats) and (tmp_path / name / "pictures/scores.svg").read_bytes()
        for name, one in (("near", near), ("at", at))
    ]
    assert drawn[0] == drawn[1]


def test_types_with_odd_names_are_drawn(corpus, tmp_path):
    _, manifest, stats = corpus
    odd = {"$x_1$ {{y}}": 3, "<script>&": 2, "人物": 1, "x" * 200: 1, "a\nb\x00": 1}
    draw(tmp_path, manifest, {**stats, "types": odd})
    text = (tmp_path / "pictures/types.svg").read_text()
    shown = [node.text for node in ElementTree.fromstring(text).iter() if node.tag.endswith("text")]
    assert {"$x_1$ {{y}}", "<script>&", "人物", "a·b·", "x" * 32 + "…"} <= set(shown)


@pytest.mark.parametrize("name", ["人" * 16, "ي" * 32, "ज़" * 16, "C++ / C#"])
def test_types_of_any_script_are_written_as_text(corpus, tmp_path, name):
    _, manifest, stats = corpus
    draw(tmp_path, manifest, {**stats, "types": {name: 1, name + "人" * 40: 1}})
    shown = [node.text for node in ElementTree.parse(tmp_path / "pictures/types.svg").iter()]
    assert name in shown
    assert sum((text or "").endswith("…") for text in shown) == 1


def test_a_corpus_without_scores_and_types_is_drawn(corpus, tmp_path):
    _, manifest, stats = corpus
    made = draw(tmp_path, {**manifest, "scores": {}}, {**stats, "types": {}})
    assert [path for path, _ in made] == ["pictures/funnel.svg", "pictures/types.svg"]


def test_croissant_validates_and_gives_the_rows_back(corpus, tmp_path):
    import mlcroissant

    candidate, manifest, stats = corpus
    folder = tmp_path / "release"
    shutil.copytree(candidate, folder)
    write_croissant(folder, manifest, stats)
    described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert described.metadata.ctx.issues.errors == set()
    assert described.metadata.version == "1.2.3"
    assert described.metadata.data_limitations
    rows = list(described.records("cot"))
    assert len(rows) == stats["rows"]
    assert rows[0]["cot/guid"]
    assert all(part["cot/entities/label"] for row in rows for part in row["cot/entities"])


def test_a_corpus_without_gold_reads_as_one(corpus, tmp_path):
    """A null list of structures, described by its parts, would read as one empty entity a row."""
    import mlcroissant

    candidate, manifest, stats = corpus
    folder = tmp_path / "release"
    shutil.copytree(candidate, folder)
    for file in manifest["files"]:
        path = folder / file["path"]
        table = pq.read_table(path)
        if "gold" in table.column_names:
            place = table.column_names.index("gold")
            table = table.set_column(place, table.field("gold"), pa.nulls(len(table), table.field("gold").type))
            pq.write_table(table, path)
    write_croissant(folder, manifest, stats)
    rows = list(mlcroissant.Dataset(jsonld=str(folder / "croissant.json")).records("cot"))
    assert {row["cot/gold"] for row in rows} == {None}
    assert all(part["cot/entities/label"] for row in rows for part in row["cot/entities"])


def test_a_list_that_is_null_in_some_rows_says_so(corpus, tmp_path):
    candidate, manifest, stats = corpus
    folder = tmp_path / "release"
    shutil.copytree(candidate, folder)
    path = folder / "cot/train-00000-of-00001.parquet"
    table = pq.read_table(path)
    gold = table.column("gold").to_pylist()
    place = table.column_names.index("gold")
    mixed = pa.array([None, *gold[1:]], table.field("gold").type)
    pq.write_table(table.set_column(place, table.field("gold"), mixed), path)
    write_croissant(folder, manifest, stats)
    described = json.loads((folder / "croissant.json").read_text())
    fields = {field["name"]: field for field in described["recordSet"][0]["field"]}
    assert "Null in some rows" in fields["gold"]["description"]
    assert "Null in some rows" not in fields["entities"]["description"]
