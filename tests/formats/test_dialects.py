"""The dialects of annotation tools: each shape is recognised by its content, and its gold arrives exactly."""

import json
import sys
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.errors import InputError
from nercot.formats import FORMATS, BadRow, ReadOptions, SourceRow, format_of
from nercot.formats.convert import convert
from nercot.formats.sources import items, open_source

TEXT = "Mara Lind left Oslo."
WHO, WHERE = {"start": 0, "end": 9}, {"start": 15, "end": 19}
GOLD = [("Mara Lind", "PER", 0), ("Oslo", "LOC", 15)]


def write(folder, name, *rows):
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def gold(path, form=None):
    """The entities of every row that is read, None for a row that is not annotated, and the findings."""
    found, findings = [], Counter()
    for item in items(open_source(str(path), form)):
        findings.update(item.findings)
        if item.outcome.kept:
            listed = item.outcome.record.gold
            found.append(None if listed is None else [(e.text, e.label, e.start) for e in listed])
    return found, findings


def types(path):
    return [item.outcome.record.schema for item in items(open_source(str(path)))]


# Format, and a row whose gold is GOLD.
SHAPES = {
    "doccano": ("doccano", {"id": 1, "text": TEXT, "label": [[0, 9, "PER"], [15, 19, "LOC"]]}),
    "doccano with relations": (
        "doccano",
        {
            "text": TEXT,
            "entities": [
                {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 9},
                {"id": 2, "label": "LOC", "start_offset": 15, "end_offset": 19},
            ],
            "relations": [{"from_id": 1, "to_id": 2, "type": "left"}],
        },
    ),
    "labelstudio": (
        "labelstudio",
        {
            "id": 1,
            "data": {"text": TEXT, "source": "a letter"},
            "annotations": [
                {
                    "result": [
                        {
                            "value": {**WHO, "text": "Mara Lind", "labels": ["PER"]},
                            "type": "labels",
                            "from_name": "l",
                            "to_name": "t",
                        },
                        {"value": {"choices": ["news"]}, "type": "choices"},
                        {"value": {**WHERE, "text": "Oslo", "labels": ["LOC"]}, "type": "labels"},
                    ],
                    "was_cancelled": False,
                }
            ],
        },
    ),
    "labelstudio min": (
        "spans",
        {"id": 1, "text": TEXT, "label": [{**WHO, "labels": ["PER"]}, {**WHERE, "labels": ["LOC"]}], "annotator": 1},
    ),
    "prodigy": (
        "prodigy",
        {
            "text": TEXT,
            "tokens": [{"text": "Mara", "start": 0, "end": 4, "id": 0}],
            "spans": [
                {**WHO, "token_start": 0, "token_end": 1, "type": "span", "label": "PER"},
                {**WHERE, "token_start": 3, "token_end": 3, "type": "span", "label": "LOC"},
            ],
            "relations": [{"head": 1, "child": 3, "label": "left", "head_span": {**WHO, "label": "PER"}}],
            "answer": "accept",
        },
    ),
    "argilla 1": (
        "spans",
        {"text": TEXT, "tokens": TEXT.split(), "annotation": [{**WHO, "label": "PER"}, {**WHERE, "label": "LOC"}]},
    ),
    "argilla": (
        "argilla",
        {
            "fields": {"text": TEXT},
            "responses": {
                "q": [{"value": [{**WHO, "label": "PER"}, {**WHERE, "label": "LOC"}], "status": "submitted"}]
            },
            "suggestions": {"q": {"value": [{**WHO, "label": "LOC"}]}},
        },
    ),
    "argilla flat": (
        "argilla",
        {
            "text": TEXT,
            "q.responses": [[{**WHO, "label": "PER"}, {**WHERE, "label": "LOC"}]],
            "q.responses.status": ["submitted"],
            "q.suggestion": [{**WHO, "label": "LOC"}],
        },
    ),
    "pubannotation": (
        "spans",
        {
            "text": TEXT,
            "denotations": [
                {"id": "T1", "span": {"begin": 0, "end": 9}, "obj": "PER"},
                {"id": "T2", "span": {"begin": 15, "end": 19}, "obj": "LOC"},
            ],
            "relations": [{"id": "R1", "pred": "left", "subj": "T1", "obj": "T2"}],
        },
    ),
    "langextract": (
        "spans",
        {
            "text": TEXT,
            "extractions": [
                {
                    "extraction_class": "PER",
                    "extraction_text": "Mara Lind",
                    "char_interval": {"start_pos": 0, "end_pos": 9},
                },
                {
                    "extraction_class": "LOC",
                    "extraction_text": "Oslo",
                    "char_interval": {"start_pos": 15, "end_pos": 19},
                },
            ],
        },
    ),
    "dataturks": (
        "spans",
        {
            "content": TEXT,
            "annotation": [
                {"label": ["PER"], "points": [{"start": 0, "end": 8, "text": "Mara Lind"}]},
                {"label": ["LOC"], "points": [{"start": 15, "end": 18, "text": "Oslo"}]},
            ],
        },
    ),
    "manifest": (
        "spans",
        {
            "source": TEXT,
            "job-7": {
                "annotations": {
                    "labels": [{"label": "PER"}],
                    "entities": [
                        {"label": "PER", "startOffset": 0, "endOffset": 9},
                        {"label": "LOC", "startOffset": 15, "endOffset": 19},
                    ],
                }
            },
            "job-7-metadata": {"type": "groundtruth/text-span"},
        },
    ),
    "comprehend": (
        "spans",
        {
            "Text": TEXT,
            "Entities": [
                {"BeginOffset": 0, "EndOffset": 9, "Text": "Mara Lind", "Type": "PER", "Score": 0.9},
                {"BeginOffset": 15, "EndOffset": 19, "Text": "Oslo", "Type": "LOC", "Score": 0.9},
            ],
        },
    ),
    "rasa": (
        "spans",
        {
            "text": TEXT,
            "intent": "x",
            "entities": [{**WHO, "value": "Mara Lind", "entity": "PER"}, {**WHERE, "value": "Oslo", "entity": "LOC"}],
        },
    ),
    "pipeline": (
        "spans",
        {
            "text": TEXT,
            "entities": [
                {**WHO, "entity_group": "PER", "word": "Mara Lind", "score": 0.9},
                {**WHERE, "entity_group": "LOC", "word": "Oslo", "score": 0.9},
            ],
        },
    ),
    "offset and length": (
        "spans",
        {
            "text": TEXT,
            "entities": [
                {"text": "Mara Lind", "category": "PER", "offset": 0, "length": 9},
                {"text": "Oslo", "category": "LOC", "offset": 15, "length": 4},
            ],
        },
    ),
    "spans as a string of Python": (
        "spans",
        {"text": TEXT, "spans": str([{**WHO, "label": "PER"}, {**WHERE, "label": "LOC"}])},
    ),
    "masks": (
        "spans",
        {
            "source_text": TEXT,
            "target_text": "[PER] left [LOC].",
            "privacy_mask": [{"value": "Mara Lind", **WHO, "label": "PER"}, {"value": "Oslo", **WHERE, "label": "LOC"}],
            "span_labels": '[[0, 9, "PER"]]',
        },
    ),
    "columns": ("spans", {"text": TEXT, "spans": {"start": [0, 15], "end": [9, 19], "label": ["PER", "LOC"]}}),
    "columns of mentions": (
        "spans",
        {"text": TEXT, "entities": {"text": ["Mara Lind", "Oslo"], "type": ["PER", "LOC"]}},
    ),
    "cmeee": (
        "spans",
        {
            "text": TEXT,
            "entities": [
                {"start_idx": 0, "end_idx": 8, "type": "PER", "entity": "Mara Lind"},
                {"start_idx": 15, "end_idx": 18, "type": "LOC", "entity": "Oslo"},
            ],
        },
    ),
    "iepile": (
        "spans",
        {
            "text": TEXT,
            "entity": [{"entity": "Mara Lind", "entity_type": "PER"}, {"entity": "Oslo", "entity_type": "LOC"}],
        },
    ),
    "several types": (
        "spans",
        {"text": TEXT, "entities": [{"entity": "Mara Lind", "types": ["PER"]}, {"entity": "Oslo", "types": ["LOC"]}]},
    ),
    "cluener": ("types", {"text": TEXT, "label": {"PER": {"Mara Lind": [[0, 8]]}, "LOC": {"Oslo": [[15, 18]]}}}),
    "mentions by type": ("types", {"text": TEXT, "entities": {"PER": ["Mara Lind"], "LOC": ["Oslo"], "ORG": []}}),
    "types by mention": ("types", {"text": TEXT, "entities": {"Mara Lind": "PER", "Oslo": "LOC"}}),
    "places by type": ("types", {"text": TEXT, "entities": {"PER": [[0, 9]], "LOC": [[15, 19]]}}),
    "gliner 2": (
        "types",
        {"input": TEXT, "output": {"entities": {"PER": ["Mara Lind"], "LOC": ["Oslo"]}, "entity_descriptions": {}}},
    ),
    "spacy": ("spacy", [TEXT, {"entities": [[0, 9, "PER"], [15, 19, "LOC"]]}]),
    "alpaca": (
        "instructions",
        {"instruction": "List names.", "input": TEXT, "output": '{"PER": ["Mara Lind"], "LOC": ["Oslo"]}'},
    ),
    "iepile instructions": (
        "instructions",
        {
            "instruction": json.dumps({"instruction": "Extract.", "schema": ["PER", "LOC", "ORG"], "input": TEXT}),
            "output": '{"PER": ["Mara Lind"], "LOC": ["Oslo"], "ORG": []}',
        },
    ),
    "nuner": ("instructions", {"input": TEXT, "output": ["Mara Lind <> PER", "Oslo <> LOC"]}),
    "bigbio": (
        "bigbio",
        {
            "document_id": "9",
            "passages": [{"type": "title", "text": [TEXT], "offsets": [[0, 20]]}],
            "entities": [
                {"type": "PER", "text": ["Mara Lind"], "offsets": [[0, 9]]},
                {"type": "LOC", "text": ["Oslo"], "offsets": [[15, 19]]},
            ],
        },
    ),
    "bioc": (
        "bioc",
        {
            "documents": [
                {
                    "id": "9",
                    "passages": [
                        {
                            "offset": 100,
                            "text": TEXT,
                            "annotations": [
                                {
                                    "infons": {"type": "PER"},
                                    "text": "Mara Lind",
                                    "locations": [{"offset": 100, "length": 9}],
                                },
                                {
                                    "infons": {"type": "LOC"},
                                    "text": "Oslo",
                                    "locations": [{"offset": 115, "length": 4}],
                                },
                            ],
                        }
                    ],
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_gold_of_every_shape_arrives(tmp_path, name):
    form, row = SHAPES[name]
    path = write(tmp_path, "x.jsonl", row)
    assert format_of(path).name == form
    found, findings = gold(path)
    assert found == [GOLD]
    assert set(findings) <= {"located"}


@pytest.mark.parametrize("name", SHAPES)
def test_a_list_and_an_object_over_several_lines_are_the_same_rows(tmp_path, name):
    form, row = SHAPES[name]
    for file, value in (("list.json", [row, row]), ("pretty.json", [row, row]), ("alone.json", row)):
        path = tmp_path / file
        path.write_text(json.dumps(value, indent=None if file == "list.json" else 2), encoding="utf-8")
        if isinstance(row, list) and file == "alone.json":
            continue
        assert format_of(path).name == form
        assert gold(path)[0] == [GOLD] * (1 if file == "alone.json" else 2)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"text": "Nothing.", "answer": "accept"}, SHAPES["prodigy"][1]),
        ({"text": "Nothing.", "entity": []}, SHAPES["iepile"][1]),
        ({"text": "Nothing.", "label": {}}, SHAPES["cluener"][1]),
        ({"text": "Nothing.", "label": []}, SHAPES["doccano"][1]),
        ({"text": "Nothing."}, SHAPES["rasa"][1]),
    ],
)
def test_a_first_row_without_entities_decides_nothing(tmp_path, first, second):
    path = write(tmp_path, "x.jsonl", first, second)
    assert gold(path)[0] == [[], GOLD]
    assert types(path) == [("PER", "LOC")] * 2


def test_the_types_of_a_row_are_those_of_all_files_and_splits(tmp_path):
    for split, label in (("train", "PER"), ("test", "ORG")):
        write(tmp_path, f"{split}.jsonl", {"text": TEXT, "label": [[0, 9, label]]}, {"text": TEXT, "label": []})
    assert {frozenset(schema) for schema in types(tmp_path)} == {frozenset({"PER", "ORG"})}


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_tasks_that_were_not_accepted_are_left_out_and_say_why(tmp_path, answer):
    task = SHAPES["prodigy"][1]
    path = write(tmp_path, "x.jsonl", task, {**task, "answer": answer}, {"text": "Nothing.", "answer": "accept"})
    found = list(items(open_source(str(path))))
    assert [item.outcome.reason for item in found] == [None, "unreadable", None]
    assert answer in found[1].outcome.detail


def test_of_several_annotations_of_a_task_the_ground_truth_counts(tmp_path):
    task = json.loads(json.dumps(SHAPES["labelstudio"][1]))
    right = task["annotations"][0]
    empty = {"result": [], "was_cancelled": False}
    task["annotations"] = [{**right, "was_cancelled": True}, empty, {**right, "ground_truth": True}]
    alone = {**task, "annotations": [{**right, "was_cancelled": True}]}
    unlabelled = {**task, "annotations": []}
    found, findings = gold(write(tmp_path, "x.jsonl", task, alone, unlabelled))
    assert found == [GOLD, None]
    assert findings == {"other_annotation": 1}


def test_predictions_count_only_where_nobody_annotated(tmp_path):
    task = json.loads(json.dumps(SHAPES["labelstudio"][1]))
    task["predictions"] = task.pop("annotations")
    assert gold(write(tmp_path, "x.jsonl", task))[0] == [GOLD]
    assert gold(write(tmp_path, "y.jsonl", task, SHAPES["labelstudio"][1]))[0] == [None, GOLD]


def test_a_record_that_was_discarded_is_left_out(tmp_path):
    row = json.loads(json.dumps(SHAPES["argilla"][1]))
    row["responses"]["q"][0]["status"] = "discarded"
    found = list(items(open_source(str(write(tmp_path, "x.jsonl", SHAPES["argilla"][1], row)))))
    assert [item.outcome.reason for item in found] == [None, "unreadable"]


def test_types_that_are_numbers_without_names_are_refused(tmp_path):
    path = write(tmp_path, "x.jsonl", {"text": TEXT, "annotations": [{"label": 7, "start_offset": 0, "end_offset": 9}]})
    with pytest.raises(InputError, match="the type of a span is a number"):
        gold(path)


def test_rows_that_name_their_spans_in_other_ways_lose_nothing(tmp_path):
    path = write(
        tmp_path, "x.jsonl", {"text": TEXT, "entities": [[0, 9, "PER"]]}, {"text": TEXT, "label": [[15, 19, "LOC"]]}
    )
    assert gold(path)[0] == [[GOLD[0]], [GOLD[1]]]


def test_two_lists_of_spans_that_both_can_be_meant_are_refused(tmp_path):
    spans = [{**WHO, "label": "PER"}]
    path = write(tmp_path, "x.jsonl", {"text": TEXT, "by_anna": spans, "by_berta": spans})
    with pytest.raises(InputError, match="by_anna and by_berta both list spans"):
        gold(path)


def test_rows_that_stand_in_a_list_of_their_project(tmp_path):
    row = SHAPES["rasa"][1]
    path = tmp_path / "nlu.json"
    path.write_text(json.dumps({"rasa_nlu_data": {"common_examples": [row, row], "regex_features": []}}, indent=1))
    assert gold(path)[0] == [GOLD, GOLD]
    path.write_text(json.dumps({"classes": ["PER", "LOC"], "annotations": [SHAPES["spacy"][1], None]}))
    assert gold(path)[0] == [GOLD]


PUBTATOR = """9001|t|Mara syndrome after Zorafen use
9001|a|We report two cases of Mara syndrome. Zorafen was stopped.
9001\t0\t13\tMara syndrome\tDisease\tD1
9001\t20\t27\tZorafen\tChemical\tC1
9001\t55\t68\tMara syndrome\tDisease\tD1
9001\tCID\tC1\tD1

9002|t|Nothing
9002|a|
"""


def test_pubtator(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(PUBTATOR)
    assert format_of(path).name == "pubtator"
    found, findings = gold(path)
    assert found == [
        [("Mara syndrome", "Disease", 0), ("Zorafen", "Chemical", 20), ("Mara syndrome", "Disease", 55)],
        [],
    ]
    assert not findings


def test_brat(tmp_path):
    (tmp_path / "a.txt").write_text("Mara Lind left Oslo.\r\nKestrel Bank closed.\n", newline="")
    (tmp_path / "a.ann").write_text(
        "T1\tPER 0 9\tMara Lind\nT2\tLOC 15 19\tOslo\nT3\tORG 22 34\tKestrel Bank\n"
        "T4\tORG 22 29;30 34\tKestrel Bank\nR1\tleft Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tsure\n"
    )
    (tmp_path / "b.txt").write_text("Nobody looked at this.")
    assert format_of(tmp_path / "b.txt").name == "brat"
    found, findings = gold(tmp_path)
    assert found == [[*GOLD, ("Kestrel Bank", "ORG", 22)], None]
    assert findings == {"discontinuous": 1}


WEBANNO = r"""#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value


#Text=👍 Mara Lind left New Oslo.
1-1	0-2	👍	X	_	_
1-2	3-7	Mara	X	*[1]|*[2]	PER[1]|first\_name[2]
1-3	8-12	Lind	X	*[1]	PER[1]
1-4	13-17	left	X	_	_
1-5	18-21	New	X	*[3]	LOC[3]
1-6	22-26	Oslo	X	*[3]|http://x[4]	LOC[3]|CITY[4]
1-6.1	22-23	O	X	*	LETTER
1-7	26-27	.	X	_	_
"""


def test_webanno(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(WEBANNO, encoding="utf-8")
    assert format_of(path).name == "inception"
    found, findings = gold(path)
    assert found == [
        [
            ("Mara Lind", "PER", 2),
            ("Mara", "first_name", 2),
            ("New Oslo", "LOC", 17),
            ("Oslo", "CITY", 21),
            ("O", "LETTER", 21),
        ]
    ]
    assert not findings


def test_a_layer_that_cannot_be_told_is_asked_for(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.A|value\n#T_SP=webanno.custom.B|value\n\n\n"
        "#Text=Oslo\n1-1\t0-4\tOslo\tLOC\t_\t\n"
    )
    with pytest.raises(InputError, match=r"layers: webanno.custom.A\|value, webanno.custom.B\|value"):
        gold(path)


def test_tokens_of_a_pipeline_with_their_tags_are_put_together(tmp_path):
    tokens = [("Mara", "B-PER", 0, 4), ("Lind", "I-PER", 5, 9), ("Oslo", "B-LOC", 15, 19)]
    found = [{"entity": tag, "word": word, "start": start, "end": end} for word, tag, start, end in tokens]
    assert gold(write(tmp_path, "x.jsonl", {"text": TEXT, "entities": found}))[0] == [GOLD]


def test_choices_about_a_region_are_no_types(tmp_path):
    task = json.loads(json.dumps(SHAPES["labelstudio"][1]))
    task["annotations"][0]["result"].append({"value": {**WHO, "choices": ["positive"]}, "type": "choices"})
    assert gold(write(tmp_path, "x.jsonl", task))[0] == [GOLD]


def test_a_submitted_response_counts_before_a_draft(tmp_path):
    row = json.loads(json.dumps(SHAPES["argilla"][1]))
    row["responses"]["q"].insert(0, {"value": [{**WHO, "label": "LOC"}], "status": "draft"})
    found, findings = gold(write(tmp_path, "x.jsonl", row))
    assert (found, findings) == ([GOLD], {"other_annotation": 1})


@pytest.mark.parametrize("pairs", [[["Mara Lind", "PER"], ["Oslo", "LOC"]], [["PER", "Mara Lind"], ["LOC", "Oslo"]]])
def test_pairs_of_mention_and_type_in_any_order(tmp_path, pairs):
    assert gold(write(tmp_path, "x.jsonl", {"text": TEXT, "entities": pairs}))[0] == [GOLD]


@pytest.mark.parametrize(
    ("spans", "kind"),
    [
        ([{"label": "PER"}], "out_of_range"),
        ([{**WHO, "label": ["PER", None]}, {"start": 90, "end": 95, "label": "PER"}], "out_of_range"),
        ([{"start": 0, "end": 10, "label": "PER", "text": "Nobody"}], "absent"),
        ([{"label": "PER", "offsets": [[0, 4], [15, 19]]}], "discontinuous"),
        ([{**WHO, "label": ""}], "not_label"),
        ([None], "not_span"),
    ],
)
def test_what_cannot_be_taken_over_is_counted(tmp_path, spans, kind):
    path = write(
        tmp_path, "x.jsonl", {"text": TEXT, "spans": [{**WHERE, "label": "LOC"}]}, {"text": TEXT, "spans": spans}
    )
    found, findings = gold(path)
    assert found[0] == [GOLD[1]]
    assert findings[kind] == 1


@pytest.mark.parametrize(("package", "file"), [("spacy", "x.spacy"), ("bioc", "x.xml")])
def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch, package, file):
    source = write(tmp_path, "in.jsonl", SHAPES["doccano"][1])
    form = {"spacy": "docbin", "bioc": "bioc"}[package]
    convert(str(source), tmp_path / file, to_format=form)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r'pip install "nercot\[formats\]"'):
        gold(tmp_path / file)
    with pytest.raises(InputError, match=r'pip install "nercot\[formats\]"'):
        convert(str(source), tmp_path / f"y{file}", to_format=form)


def test_spacy_itself_reads_and_writes_the_same_documents(tmp_path):
    import spacy
    from spacy.tokens import DocBin, Span

    nlp = spacy.blank("en")
    doc, bare = nlp("👍 Mara Lind left Oslo."), nlp("Nobody looked.")
    doc.set_ents([Span(doc, 1, 3, "PER")])
    doc.spans["sc"] = [Span(doc, 1, 3, "PER"), Span(doc, 1, 2, "FIRST")]
    DocBin(docs=[doc, bare], store_user_data=True).to_disk(tmp_path / "x.spacy")
    found, _ = gold(tmp_path / "x.spacy")
    assert found == [[("Mara Lind", "PER", 2), ("Mara", "FIRST", 2)], None]
    convert(str(tmp_path / "x.spacy"), tmp_path / "y.spacy", to_format="docbin")
    again, _ = DocBin().from_disk(tmp_path / "y.spacy").get_docs(nlp.vocab)
    assert (again.text, [(e.text, e.label_) for e in again.ents]) == (doc.text, [("Mara Lind", "PER")])
    assert [(span.text, span.label_) for span in again.spans["sc"]] == [("Mara Lind", "PER"), ("Mara", "FIRST")]


def test_bioc_itself_reads_what_is_written(tmp_path):
    from bioc import biocjson, biocxml

    source = write(tmp_path, "in.jsonl", {"text": "Ægir & Mara left", "entities": [[7, 11, "PER"]]})
    for name, load in (("x.xml", biocxml.load), ("x.json", biocjson.load)):
        convert(str(source), tmp_path / name, to_format="bioc")
        with (tmp_path / name).open("rb" if name == "x.xml" else "r") as handle:
            (document,) = load(handle).documents
        (passage,) = document.passages
        (annotation,) = passage.annotations
        assert (passage.text, annotation.text, annotation.infons["type"]) == ("Ægir & Mara left", "Mara", "PER")
        assert gold(tmp_path / name)[0] == [[("Mara", "PER", 7)]]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 30)
    | st.floats(allow_nan=False)
    | st.sampled_from([TEXT, "Oslo", "PER", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "label", "labels", "start", "end", "offsets", "entities", "spans", "value", "result", "data"]
            )
            | st.sampled_from(
                ["fields", "responses", "annotations", "passages", "documents", "input", "output", "answer", "type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=14,
)
READERS = [name for name, form in FORMATS.items() if form.detect and name not in ("pile_ner", "instructuie", "nercot")]


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON, min_size=1, max_size=4))
def test_no_json_makes_a_dialect_fail(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("json") / "x.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    for name in READERS:
        with suppress(InputError):
            for row in FORMATS[name].read(path, path.name, ReadOptions(schema=("PER",))):
                assert isinstance(row, SourceRow | BadRow)
    with suppress(InputError):
        format_of(path)


def test_a_folder_of_documents_is_one_data_set(tmp_path):
    for name, label in (("1.json", "PER"), ("2.json", "ORG")):
        spans = [{"id": "T1", "span": {"begin": 0, "end": 9}, "obj": label}]
        (tmp_path / name).write_text(json.dumps({"text": TEXT, "denotations": spans}, indent=2))
    (tmp_path / "3.json").write_text(json.dumps({"text": "Nothing.", "denotations": []}, indent=2))
    found = [item.outcome.record for item in items(open_source(str(tmp_path)))]
    assert {record.dataset for record in found} == {tmp_path.name}
    assert {record.schema for record in found} == {("PER", "ORG")}
    assert [len(record.gold) for record in found] == [1, 1, 0]
