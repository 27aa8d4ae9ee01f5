"""An oracle: test files of the paper's 25 benchmarks, and a server that answers every request from their gold.

Files of real rows where NERCOT_TEST_DATA has them, made ones for the rest.  Reads what it writes with code of its own,
so that a slip of our readers cannot agree with itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fault_server import Act, Call, answer

from nercot.corpus.benchmarks import Benchmark, load_benchmarks

IGNORED = {"misc", "other", "else", "na", "nan"}
Mentions = list[tuple[str, str]]


@dataclass(frozen=True)
class Oracle:
    """The gold of every dataset: (sentence, mentions as (text, label)) of each row."""

    gold: dict[str, dict[str, Mentions]]

    def expected(self, name: str) -> float:
        """F1 over all labels of a model that was asked for all but the ignored ones and made no mistake."""
        labels = [label.lower() for mentions in self.gold[name].values() for _, label in mentions]
        right = sum(label not in IGNORED for label in labels)
        return 2 * right / (right + len(labels))

    def script(self, think: bool = True) -> Callable[[Call], Act]:
        known = {sentence: mentions for rows in self.gold.values() for sentence, mentions in rows.items()}

        def answered(call: Call) -> Act:
            types = json.loads(call.prompt.partition("Types: ")[2].partition("\n")[0])
            sentence = call.prompt.rpartition("Sentence:\n```\n")[2].rpartition("\n```")[0]
            said: dict[str, list[str]] = {}
            for text, label in known[sentence]:
                if label in types:
                    said.setdefault(label, []).append(text)
            trace = (
                "<think>\n" + "; ".join(f"{text} is one" for texts in said.values() for text in texts) + "\n</think>\n"
            )
            return answer((trace if think else "") + json.dumps({"entities": said}, ensure_ascii=False, indent=2))

        return answered


def write_benchmarks(folder: Path, rows: int = 12) -> Oracle:
    """Writes a test file of each of the 25, with so many rows; no sentence is in two of them."""
    data, gold, seen = os.environ.get("NERCOT_TEST_DATA"), {}, set()
    for known in load_benchmarks():
        real = _real(known, Path(data)) if data else None
        items = [(text, found) for text, found in real or _made(known, rows) if _whole(text, found)]
        fresh = [(text, found) for text, found in dict(items).items() if text not in seen]
        some = [item for item in fresh if item[1]][: rows - 1] + [item for item in fresh if not item[1]][:1]
        seen |= {text for text, _ in some}
        gold[known.name] = dict(some)
        _write(folder / known.folder, known, some)
    return Oracle(gold)


def _whole(text: str, found: Mentions) -> bool:
    """Whether a prompt can carry the row, and every mention is in its sentence."""
    return "```" not in text and all(mention in text for mention, _ in found)


def _write(folder: Path, known: Benchmark, items: list[tuple[str, Mentions]]) -> None:
    folder.mkdir(parents=True)
    rows = []
    for sentence, mentions in items:
        entities, start = [], {}
        for text, label in mentions:
            place = sentence.index(text, start.get((text, label), 0))
            start[text, label] = place + 1
            entities.append({"name": text, "type": label, "pos": [place, place + len(text)]})
        rows.append({"sentence": sentence, "entities": entities})
    labels = sorted({label for _, mentions in items for _, label in mentions} | set(known.labels))
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    (folder / "test.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def _made(known: Benchmark, rows: int) -> Iterator[tuple[str, Mentions]]:
    labels = known.labels or ("vehicle_brand", "vehicle_type-suv", "vehicle_color")
    for number in range(rows - 1):
        pairs = [(f"{known.folder[:3]}{label[:2].title()}{number}", label) for label in labels]
        yield " and ".join(text for text, _ in pairs) + f" stood in row {number} , {known.name} .", pairs
    yield f"Nothing of {known.folder} is here .", []


_CROSSNER = "CrossNER "
_PLACES = {"MIT Movie": "mit/movie/train.txt", "MIT Restaurant": "mit/restaurant/train.txt"}


def _real(known: Benchmark, data: Path) -> list[tuple[str, Mentions]] | None:
    """The rows at hand, or None."""
    if known.name.startswith(_CROSSNER):
        return list(_columns(data / "crossner" / known.name.removeprefix(_CROSSNER).lower() / "dev.txt"))
    if known.name in _PLACES:
        return list(_columns(data / _PLACES[known.name], word=1))
    tree = data / "instructuie_layout" / "NER" / known.folder / "dev.json"
    if not tree.is_file():
        return None
    rows = json.loads(tree.read_text(encoding="utf-8"))
    return [(row["sentence"], [(item["name"], item["type"]) for item in row["entities"]]) for row in rows]


def _columns(path: Path, word: int = 0) -> Iterator[tuple[str, Mentions]]:
    """Sentences of a file of `token TAB tag`, or of `tag TAB token`, in BIO."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        cells = [line.split("\t") for line in block.splitlines() if "\t" in line]
        spans: list[tuple[list[str], str]] = []
        for cell in cells:
            token, tag = cell[word], cell[1 - word]
            if tag.startswith("B-"):
                spans.append(([token], tag[2:]))
            elif tag.startswith("I-"):
                spans[-1][0].append(token)
        if cells:
            yield " ".join(cell[word] for cell in cells), [(" ".join(tokens), label) for tokens, label in spans]
