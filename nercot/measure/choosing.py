"""What each way of choosing rows keeps, how much of that equals gold, and what it takes: the judge's score at each
threshold, beside the agreement of several teachers.

In: a corpus of ours with all its answers (the config raw), and the ledger, where there is one, for what calls cost.
Out: JSON values, or None for a corpus that a judge and several teachers have left nothing to say of.  Asks nobody: the
answers and scores at hand are counted.  A point of the judge takes the first attempt that reaches the threshold, so
later attempts and their judgements are not needed; agreement needs every teacher's answer, and no judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from nercot.corpus.manifest import Manifest, configs_of, read_manifest
from nercot.corpus.tables import read_rows
from nercot.corpus.work import Row, place_of
from nercot.formats.sources import corpus_folder
from nercot.llm.ledger import Ledger
from nercot.measure.intervals import proportion
from nercot.steps.agreed import Names, agreeing, names, words

_COLUMNS = ("guid", "gold", "attempt", "entities", "score")
_THRESHOLDS = tuple(step / 2 for step in range(21))


@dataclass(slots=True)
class Way:
    """Records that one way of choosing keeps, of those that it was tried on, and the calls that it takes.

    `golden`: kept records with gold; `equal`: those of them that say what it says.  `calls`: by teacher, from 0, and
    of the judge (-1).
    """

    of: int = 0
    kept: int = 0
    golden: int = 0
    equal: int = 0
    calls: Counter[int] = field(default_factory=Counter)

    def take(self, chosen: Names | None, gold: Names | None) -> None:
        """Counts a record: what was chosen for it (None: nothing), and its gold, if it has any."""
        self.of += 1
        self.kept += chosen is not None
        self.golden += chosen is not None and gold is not None
        self.equal += chosen is not None and chosen == gold


def choosing(path: str, ledger: Path) -> dict[str, Any] | None:
    """The ways of choosing rows of the corpus at `path`; None where it is none, or holds nothing to choose by.

    `judge`: a point for each threshold that the answers at hand can speak of.  `agreement`: a point for each number of
    teachers; `apart`: the records on which no two agree, and in how many of these each teacher equals gold.  Where the
    ledger knows the price of every call, `usd` is what the calls of a point cost; recorded answers cost nothing.
    """
    manifest = _manifest(path)
    if manifest is None or "teacher" not in manifest["recipe"]:
        return None
    teachers = manifest["recipe"]["teacher"]
    teachers = teachers if isinstance(teachers, list) else [teachers]
    whose = tuple(chain.from_iterable([place] * made["attempts"] for place, made in enumerate(teachers)))
    judge = {least: Way() for least in _known(manifest, teachers, len(whose))}
    agreement = {number: Way() for number in range(2, len(teachers) + 1)}
    apart = Counter[int]()
    for gold, answers in _records(raw_rows(path, _COLUMNS)):
        for least, way in judge.items():
            way.take(_judged(answers, least, whose, way.calls), gold)
        told = words(answers, whose)
        if len({whose[answer["attempt"] - 1] for answer in answers}) > 1:
            _agree(answers, told, gold, whose, agreement, apart)
    if not any(way.calls[-1] for way in judge.values()) and not any(way.of for way in agreement.values()):
        return None
    prices = _prices(ledger, manifest, [made["model"] for made in teachers])
    return {
        "judge": [{"threshold": least, **_point(way, prices)} for least, way in judge.items() if way.calls[-1]],
        "agreement": [{"teachers": number, **_point(way, prices)} for number, way in agreement.items() if way.of],
        "apart": {
            "records": apart[-1],
            "equal_to_gold": [
                {"teacher": made["model"], "records": apart[place]} for place, made in enumerate(teachers)
            ],
        },
    }


def _known(manifest: Manifest, teachers: Sequence[Mapping[str, Any]], rounds: int) -> list[float]:
    """The thresholds that the answers can speak of: above its own, a build that asked on below it asked too little."""
    own = manifest["recipe"]["select"]["threshold"]
    asked_on = teachers[0].get("until") == "selected" and rounds > 1
    return [least for least in _THRESHOLDS if least <= own or not asked_on]


def _manifest(path: str) -> Manifest | None:
    """The manifest of a corpus of ours with its answers."""
    folder = corpus_folder(path)
    found = read_manifest(folder) if (folder / "manifest.json").is_file() else None
    return found if found is not None and "raw" in configs_of(found) else None


def fingerprint_of(path: str) -> dict[str, str]:
    """Which corpus of ours stands at `path`, as a JSON value; empty for any other path."""
    found = _manifest(path)
    return {} if found is None else {"fingerprint": found["fingerprint"]}


def raw_rows(path: str, columns: Sequence[str]) -> Iterator[Row]:
    """The answers of a corpus of ours, by guid and attempt; none of any other path."""
    manifest = _manifest(path)
    files = [] if manifest is None else configs_of(manifest)["raw"]
    wanted = list(dict.fromkeys(("guid", "attempt", *columns)))
    return merge(*(read_rows(corpus_folder(path) / file["path"], wanted) for file in files), key=place_of)


def _records(rows: Iterator[Row]) -> Iterator[tuple[Names | None, list[Row]]]:
    """The gold of each record, and its answers in order."""
    for _, group in groupby(rows, key=lambda row: str(row["guid"])):
        answers = list(group)
        gold = answers[0]["gold"]
        yield None if gold is None else names(gold), answers


def _judged(answers: Sequence[Row], least: float, whose: Sequence[int], calls: Counter[int]) -> Names | None:
    """The first answer whose score is at least that; the calls that this took are counted."""
    for answer in answers:
        calls[whose[answer["attempt"] - 1]] += 1
        calls[-1] += answer["score"] is not None
        if answer["score"] is not None and answer["score"] >= least:
            return names(answer["entities"])
    return None


def _agree(
    answers: Sequence[Row],
    told: Mapping[int, Names],
    gold: Names | None,
    whose: Sequence[int],
    agreement: Mapping[int, Way],
    apart: Counter[int],
) -> None:
    """Counts a record that several teachers were asked about; in `apart`, -1 counts the records."""
    best = max(told.values(), key=lambda said: agreeing(said, told), default=None)
    for number, way in agreement.items():
        way.calls.update(whose[answer["attempt"] - 1] for answer in answers)
        way.take(best if best is not None and agreeing(best, told) >= number else None, gold)
    if best is None or agreeing(best, told) < 2:
        apart[-1] += 1
        apart.update(place for place, said in told.items() if said == gold)


def _prices(ledger: Path, manifest: Manifest, teachers: Sequence[str]) -> dict[int, float | None]:
    """What a call has cost on average, in USD, by teacher and of the judge (-1); None where that is not known."""
    if not ledger.is_file():
        return {}
    with Ledger(ledger, read=True) as opened:
        totals = {(total.step, total.model): total for total in opened.totals(manifest["corpus"])}
    asked = {place: ("annotate", model) for place, model in enumerate(teachers)}
    asked[-1] = ("score", manifest["models"]["judge"]["asked"])
    found = {place: totals.get(who) for place, who in asked.items()}
    return {
        place: total.cost / total.calls if total is not None and total.calls and not total.unpriced else None
        for place, total in found.items()
    }


def _point(way: Way, prices: Mapping[int, float | None]) -> dict[str, Any]:
    kept, equal = proportion(way.kept, way.of), proportion(way.equal, way.golden)
    costs = [None if (price := prices.get(who)) is None else count * price for who, count in way.calls.items() if count]
    return {
        "kept": {"count": way.kept, "of": way.of, "share": None if kept is None else kept.as_json()},
        "equal_to_gold": None if equal is None else equal.as_json(),
        "calls": {"teacher": sum(count for who, count in way.calls.items() if who >= 0), "judge": way.calls[-1]},
        "usd": None if None in costs else round(sum(cost or 0.0 for cost in costs), 4),
    }
