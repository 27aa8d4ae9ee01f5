"""Every format with offsets, with CR LF and characters beyond the first plane before its mentions, in each count."""

import json

import pytest

from nercot.formats import FORMATS, format_of
from nercot.formats.sources import items, open_source

# The same name stands twice, so that a wrong place is not mended by looking for the text.
BREAKS = {
    "cr lf": "👍 née\r\n𝒳 Mara Lind left Oslo.\r\nThen 👩\u200d🚀 Mara Lind came to Bergen.",
    "lf": "👍 née\n𝒳 Mara Lind left Oslo.\nThen 👩\u200d🚀 Mara Lind came to Bergen.",
    "one line": "👍 née 𝒳 Mara Lind left Oslo. Then 👩\u200d🚀 Mara Lind came to Bergen.",
}
NAMES = [("Mara Lind", "PER"), ("Oslo", "LOC"), ("Mara Lind", "PER"), ("Bergen", "LOC")]
COUNTS = {
    "code points": len,
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes": lambda text: len(text.encode()),
    "cr lf as one": lambda text: len(text.replace("\r\n", "\n")),
}


def mentions(text):
    """(start, end, type, mention) of each name, in code points."""
    at = 0
    for name, label in NAMES:
        at = text.index(name, at)
        yield at, at + len(name), label, name
        at += len(name)


def counted(text, count):
    return [(count(text[:start]), count(text[:end]), label, name) for start, end, label, name in mentions(text)]


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def objects(spans, **names):
    """Spans as objects with the usual keys, under other names where they have some."""
    keys = {"start": "start", "end": "end", "label": "label"} | names
    values = ({"start": start, "end": end, "label": label, "text": name} for start, end, label, name in spans)
    return [{keys[key]: value for key, value in item.items() if key in keys} for item in values]


def doccano(text, spans):
    return lines({"text": text, "label": [[start, end, label] for start, end, label, _ in spans]})


def spacy(text, spans):
    return lines([text, {"entities": [[start, end, label] for start, end, label, _ in spans]}])


def bare(text, spans):
    return lines({"text": text, "spans": objects(spans)})


def inclusive(text, spans):
    last = [(start, end - 1, label, name) for start, end, label, name in spans]
    return lines(
        {"text": text, "entities": objects(last, text="entity", start="start_idx", end="end_idx", label="type")}
    )


def with_mentions(text, spans):
    return lines({"text": text, "entities": objects(spans, text="text")})


def prodigy(text, spans):
    return lines({"text": text, "spans": objects(spans), "answer": "accept", "_input_hash": 1, "_task_hash": 2})


def labelstudio(text, spans):
    values = [{"start": a, "end": b, "text": name, "labels": [label]} for a, b, label, name in spans]
    results = [{"value": value, "type": "labels", "from_name": "l", "to_name": "t"} for value in values]
    return json.dumps([{"id": 1, "data": {"text": text}, "annotations": [{"result": results}]}])


def argilla(text, spans):
    return lines({"fields": {"text": text}, "responses": {"q": [{"value": objects(spans), "status": "submitted"}]}})


def bigbio(text, spans):
    listed = [{"id": str(a), "type": label, "text": [name], "offsets": [[a, b]]} for a, b, label, name in spans]
    passage = {"id": "p", "type": "x", "text": [text], "offsets": [[0, 999]]}
    return lines({"document_id": "d", "passages": [passage], "entities": listed, "events": [], "relations": []})


def bioc(text, spans):
    listed = [
        {"infons": {"type": label}, "text": name, "locations": [{"offset": a, "length": b - a}]}
        for a, b, label, name in spans
    ]
    passage = {"offset": 0, "text": text, "annotations": listed}
    return json.dumps({"documents": [{"id": "d", "passages": [passage]}]})


def types(text, spans):
    found = {}
    for start, end, label, name in spans:
        found.setdefault(label, {}).setdefault(name, []).append([start, end - 1])
    return lines({"text": text, "label": found})


def masked(text, spans):
    listed = [[start, end, f"{label}_1"] for start, end, label, _ in spans]
    return lines({"unmasked_text": text, "masked_text": "[PER_1]", "span_labels": str(listed)})


def pubtator(text, spans):
    marks = "".join(f"7\t{start}\t{end}\t{name}\t{label}\n" for start, end, label, name in spans)
    return f"7|t|{text}\n{marks}\n"


def inception(text, spans):
    head = "#FORMAT=WebAnno TSV 3.3\n#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value\n\n"
    units = [(a, b, name, f"*[{at}]\t{label}[{at}]") for at, (a, b, label, name) in enumerate(spans, 1)]
    body = "".join(f"1-{at}\t{a}-{b}\t{name}\t{cells}\t\n" for at, (a, b, name, cells) in enumerate(units, 1))
    return f"{head}\n#Text={text}\n{body}"


def brat(text, spans):
    return "".join(f"T{at}\t{label} {a} {b}\t{name}\n" for at, (a, b, label, name) in enumerate(spans, 1))


def instructuie(text, spans):
    return json.dumps([{"sentence": text, "entities": [{"name": n, "type": t, "pos": [a, b]} for a, b, t, n in spans]}])


def nercot(text, spans):
    return lines({"sentence": text, "schema": ["PER", "LOC"], "gold": objects(spans, text="text")})


# Format, how a file of it is made, its name, and whether a text can hold line ends.
MADE = {
    "doccano": ("doccano", doccano, "x.jsonl", True),
    "spacy": ("spacy", spacy, "x.jsonl", True),
    "spans": ("spans", bare, "x.jsonl", True),
    "spans, the last character": ("spans", inclusive, "x.jsonl", True),
    "spans with mentions": ("spans", with_mentions, "x.jsonl", True),
    "prodigy": ("prodigy", prodigy, "x.jsonl", True),
    "labelstudio": ("labelstudio", labelstudio, "x.json", True),
    "argilla": ("argilla", argilla, "x.jsonl", True),
    "bigbio": ("bigbio", bigbio, "x.jsonl", True),
    "bioc": ("bioc", bioc, "x.json", True),
    "types": ("types", types, "x.jsonl", True),
    "masked": ("masked", masked, "x.jsonl", True),
    "pubtator": ("pubtator", pubtator, "x.pubtator", False),
    "inception": ("inception", inception, "x.tsv", False),
    "brat": ("brat", brat, "x.txt", True),
    "instructuie": ("instructuie", instructuie, "x.json", True),
    "nercot": ("nercot", nercot, "x.jsonl", True),
}
# Read as labelstudio; a binary file of spaCy's own, whose offsets are Python's.
ELSEWHERE = {"labelstudio-pre", "docbin"}
# What a format's definition leaves open: rows of ours and of InstructUIE count code points, INCEpTION as Java does.
FIXED = {"instructuie": ("code points",), "nercot": ("code points",), "inception": ("code points", "utf-16")}
CASES = [
    (name, breaks, count)
    for name, (*_, many_lines) in MADE.items()
    for breaks in BREAKS
    for count in FIXED.get(name, COUNTS)
    if many_lines or breaks == "one line"
]


def test_every_format_with_offsets_is_here():
    named = {name for name, form in FORMATS.items() if form.unit == "characters"}
    assert named == {form for form, *_ in MADE.values()} | ELSEWHERE


@pytest.mark.parametrize(("name", "breaks", "count"), CASES)
def test_mentions_behind_line_ends_and_surrogates_are_where_they_stand(tmp_path, name, breaks, count):
    form, make, file, _ = MADE[name]
    text, path = BREAKS[breaks], tmp_path / file
    made = make(text, counted(text, COUNTS[count]))
    if name == "brat":
        path.write_text(text, encoding="utf-8", newline="")
        path = path.with_suffix(".ann")
    path.write_text(made, encoding="utf-8", newline="")
    path = tmp_path / file
    assert format_of(path).name == form
    (item,) = items(open_source(str(path)))
    assert item.findings == ()
    record = item.outcome.record
    assert record.sentence == text
    assert [(e.start, e.end, e.label, e.text) for e in record.gold] == list(mentions(text))
