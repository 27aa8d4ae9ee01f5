"""Every format that is written: any record comes back as it was, or the conversion says what of it is lost."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nercot.formats import FORMATS, ReadOptions, format_of
from nercot.formats.convert import convert
from nercot.formats.offsets import cuts_word
from nercot.formats.sources import find_files, items, open_source

# What is lost beside sentence and entities.
BESIDE = {"cot", "descriptions", "gold", "license", "source_id", "dataset", "split", "schema", "unlabelled"}
FILES = {
    "conll": "out.conll",
    "instructuie": "out",
    "brat": "out",
    "docbin": "out.spacy",
    "bioc": "out.xml",
    "pubtator": "out.pubtator",
    "inception": "out.tsv",
}
# Their spans have no text: where all of a file's spans cut words, its offsets are taken to count in another way.
BARE = ("doccano", "spacy")
WRITTEN = [name for name, form in FORMATS.items() if form.written]
LABELS = ("person", "place of birth", "R&D|x_[1]", "地名")

# Letters, signs that formats use for themselves, line ends, marks that combine, characters beyond the first plane.
PIECES = st.sampled_from(
    [
        *("Mara", "Oslo", "b", "e\u0301", "é", "नमस्ते", "北京", "👍", "👩\u200d🚀", "𝒳", "3.5", "O'Brien", "U.S."),
        *(
            " ",
            " ",
            "  ",
            "\t",
            "\n",
            "\r\n",
            "\u00a0",
            "\u2028",
            "|",
            "\\",
            "_",
            "[1]",
            ";",
            "*",
            "#",
            "->",
            '"',
            "<",
            "&",
        ),
    ]
)


@st.composite
def rows(draw):
    """A row of ours: a sentence, and gold that may overlap, nest and touch, at borders that are no white space."""
    sentence = "a" + "".join(draw(st.lists(PIECES, max_size=14))) + "z"
    ends = st.integers(0, len(sentence))
    spans = {tuple(sorted(pair)) for pair in draw(st.lists(st.tuples(ends, ends), max_size=5))}
    gold = [
        {"text": text, "label": draw(st.sampled_from(LABELS)), "start": start, "end": end}
        for start, end in sorted(spans)
        if (text := sentence[start:end]) and text == text.strip()
    ]
    return {
        "guid": draw(st.sampled_from(["1", "a b", "x"])),
        "sentence": sentence,
        "schema": list(LABELS),
        "gold": gold,
    }


def whole(row, item):
    return not cuts_word(row["sentence"], item["start"], item["end"])


def entities(record):
    return Counter((e.text, e.label, e.start, e.end) for e in record.gold or ())


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(rows(), min_size=1, max_size=3, unique_by=lambda row: row["sentence"]))
def test_what_is_written_comes_back_or_is_said_to_be_lost(tmp_path_factory, name, written):
    if name in BARE:
        written = [{**row, "gold": [item for item in row["gold"] if whole(row, item)]} for row in written]
    folder = tmp_path_factory.mktemp("r")
    source, target = folder / "in.json", folder / FILES.get(name, "out.jsonl")
    source.write_text(json.dumps(written), encoding="utf-8")
    done = convert(str(source), target, to_format=name)
    assert (done.kept, done.dropped, done.findings) == (len(written), {}, {})
    wanted = [item.outcome.record for item in items(open_source(str(source)))]
    found = list(items(open_source(str(target), name, ReadOptions(schema=LABELS))))
    assert [item.outcome.reason for item in found] == [None] * len(written)
    back = [item.outcome.record for item in found]
    said = Counter({kind: count for kind, count in done.lost.items() if kind not in BESIDE})
    if name in ("brat", "instructuie"):
        wanted, back = (sorted(listed, key=lambda record: record.sentence.split()) for listed in (wanted, back))
    if not said:
        assert [record.sentence for record in back] == [record.sentence for record in wanted]
        assert [entities(record) for record in back] == [entities(record) for record in wanted]
        return
    if not said.keys() & {"white_space", "retokenised"}:
        assert [record.sentence for record in back] == [record.sentence for record in wanted]
        missing = sum((sum((entities(a) - entities(b)).values()) for a, b in zip(wanted, back, strict=True)))
        assert missing <= said.total()
    if "entities" not in said:
        count = sum(len(record.gold or ()) for record in wanted)
        assert sum(len(record.gold or ()) for record in back) >= count - said.total()


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in ("reasoningner", "labelstudio-pre")])
def test_what_is_written_is_recognised(tmp_path, name):
    row = {
        "guid": "7",
        "sentence": "Mara Lind left Oslo.",
        "schema": ["person", "place"],
        "gold": [
            {"text": "Mara Lind", "label": "person", "start": 0, "end": 9},
            {"text": "Oslo", "label": "place", "start": 15, "end": 19},
        ],
    }
    source = tmp_path / "in.json"
    source.write_text(json.dumps([row]))
    target = tmp_path / FILES.get(name, "out.jsonl")
    convert(str(source), target, to_format=name)
    files = [target] if target.is_file() else [file.path for file in find_files(str(target))]
    assert {format_of(path).name for path in files} == {name}
