import json

from nercot.report.stats import Stats


def row(sentence, **more):
    return {"sentence": sentence, "schema": ["person"], "entities": [], "dataset": "d", "license": "l", **more}


def test_lengths_are_those_of_the_texts():
    stats = Stats()
    for length in range(1, 101):
        stats.add(row("x" * length, cot="y" * 7))
    summary = stats.summary()
    assert summary["sentence_characters"] == {"mean": 50, "p50": 50, "p90": 90, "p99": 99}
    assert summary["trace_characters"] == {"mean": 7, "p50": 7, "p90": 7, "p99": 7}
    assert Stats().summary()["trace_characters"] == {"mean": 0, "p50": 0, "p90": 0, "p99": 0}


def test_types_asked_without_a_mention_are_negatives():
    stats = Stats()
    entity = {"text": "Ada", "label": "person", "start": 0, "end": 3, "match": "exact", "cot_start": 0, "cot_end": 3}
    stats.add(row("Ada", schema=["person", "city"], entities=[entity]))
    stats.add(row("Rome", schema=["person", "city"], entities=None, gold=None))
    summary = stats.summary()
    assert (summary["rows"], summary["entities"], summary["negative_types"], summary["types_asked"]) == (2, 1, 1, 2)
    assert (summary["types"], summary["entities_with_evidence"]) == ({"person": 1}, 1)
    json.dumps(summary)
