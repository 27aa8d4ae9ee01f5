"""`nercot audit`: a sample of answers for people to judge, and their verdicts back as figures.

In: any PATH whose rows carry answers; later the files that people saved.  Out: a page with verdict keys, or tasks of
Label Studio or Argilla; then figures (audited.py), which for a corpus of ours stand in `releases/<corpus>/audit.json`
and in the manifest and card of the candidate, and the answers that people call wrong in
`releases/<corpus>/disputed.jsonl`, by guid and answer: the next candidate leaves them out, a better answer to the same
sentence is not lost.  Never shows people text that may not be passed on, never changes a release, and never judges for
anybody.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nercot.building.manifest import AUDIT, JUDGED
from nercot.corpus.disputed import read_disputed, write_disputed
from nercot.corpus.manifest import Manifest, read_manifest
from nercot.corpus.tables import write_json, write_text
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.measure import argilla
from nercot.measure.audited import Judged, Population, figures
from nercot.measure.tasks import interface, tasks
from nercot.measure.verdicts import Said, gather
from nercot.report.sampling import Sample, draw
from nercot.report.shown import Answered, Corpus, Rows, open_rows
from nercot.report.view import Chosen, Report, Viewed, check_target, render, whole_page, write_page

# Of a sample of kept and dropped answers this share is dropped ones: what the checks refuse wrongly shows there.
_DROPPED = 0.25


@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited: rows, name, fingerprint, and all its answers; `bare`: how many more have no text to judge."""

    rows: Rows
    corpus: str
    fingerprint: str
    answers: tuple[Answered, ...]
    bare: int = 0

    def notes(self) -> tuple[str, ...]:
        """What is to be said of answers that nobody is shown."""
        if not self.bare:
            return ()
        return (
            f"Answers left out, since no known licence allows their text to be passed on: {self.bare}."
            f"{whole_page(self.rows.manifest)}",
        )


def open_subject(where: str, form: str | None = None) -> Subject:
    """The answers at PATH; ShortfallError where none can be judged."""
    rows = open_rows(where, form)
    found = tuple(rows.answers())
    answers = tuple(item for item in found if not item.bare)
    if found and not answers:
        raise ShortfallError(
            f"{where}: no answer has text that a known licence allows to be passed on.{whole_page(rows.manifest)}"
        )
    if not answers:
        raise ShortfallError(f"{where}: no row has a sentence and an answer to judge; name a corpus, or answers")
    manifest: Mapping[str, Any] = rows.manifest or {}
    whole = "\n".join(sorted(f"{item.key} {item.answer}" for item in answers))
    own = manifest.get("fingerprint") or hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    return Subject(rows, manifest.get("corpus") or rows.name, own, answers, len(found) - len(answers))


# --- out to people ------------------------------------------------------------------------------------


def sample_page(where: str, out: Path, size: int, seed: int, form: str | None, report: Report) -> Viewed:
    """Writes the audit page of a sample."""
    check_target(out)
    subject = open_subject(where, form)
    chosen = Chosen(subject.rows, draw_answers(subject.answers, size, seed), seed, every=False)
    notes = subject.notes()
    more = {"mode": "audit", "corpus": subject.corpus, "fingerprint": subject.fingerprint, "notes": notes}
    drawn = render(chosen, where, more, report)
    write_page(out, drawn.content)
    return Viewed(out, drawn.rows, chosen.sample.rows, len(drawn.content), subject.bare, (*drawn.notes, *notes))


def sample_tasks(where: str, out: Path, size: int, seed: int, form: str | None, target: str) -> tuple[Viewed, Path]:
    """Writes the sample as tasks of `target` (TARGETS), and beside it what they are set up with; returns its path."""
    tool = TARGETS[target]
    if out.exists() and (out.is_dir() or tool.mark not in out.read_bytes()):
        raise OutputError(f"{out}: holds something that is no tasks of {tool.name}; name another file with --out")
    subject = open_subject(where, form)
    sample = draw_answers(subject.answers, size, seed)
    rows = list(subject.rows.rows(sample.keys))
    made = json.dumps(list(tool.tasks(rows, subject.corpus, subject.fingerprint)), ensure_ascii=False, indent=1)
    write_text(out, made + "\n")
    setup = out.with_suffix(tool.setup_suffix)
    write_text(setup, tool.setup(list(dict.fromkeys(label for row in rows for label in row["schema"]))))
    size_in_bytes = len(made.encode("utf-8", "surrogatepass"))
    return Viewed(out, len(rows), sample.rows, size_in_bytes, subject.bare, subject.notes()), setup


@dataclass(frozen=True, slots=True)
class Target:
    """A tool for people: its tasks, what these are set up with, and by what a file of them is known."""

    name: str
    tasks: Callable[[Iterable[Mapping[str, Any]], str, str], Iterable[Mapping[str, Any]]]
    setup: Callable[[Sequence[str]], str]
    setup_suffix: str
    mark: bytes


TARGETS = {
    "labelstudio": Target("Label Studio", tasks, interface, ".xml", b'"predictions"'),
    "argilla": Target(
        "Argilla",
        argilla.records,
        lambda labels: json.dumps(argilla.settings(labels), ensure_ascii=False, indent=1) + "\n",
        ".settings.json",
        b'"suggestions"',
    ),
}


def draw_answers(answers: Sequence[Answered], size: int, seed: int) -> Sample:
    """A sample over data sets: three quarters of it kept answers, a quarter dropped ones, as far as there are any."""
    kept = [(item.key, f"kept / {item.dataset}") for item in answers if item.kept]
    dropped = [(item.key, f"dropped / {item.dataset}") for item in answers if not item.kept]
    fewer = min(len(dropped), max(round(size * _DROPPED), size - len(kept)))
    one, two = draw(kept, size - fewer, seed), draw(dropped, fewer, seed)
    return Sample(one.keys | two.keys, {**one.layers, **two.layers}, one.rows + two.rows)


# --- back from people ---------------------------------------------------------------------------------


def read_back(where: str, files: Sequence[Path], form: str | None = None) -> dict[str, Any]:
    """The figures of people's verdicts on PATH, written where a corpus of ours keeps them.

    Raises InputError for files without a verdict, on another corpus, or on answers that are all gone.
    """
    subject = open_subject(where, form)
    gathered = gather(files, subject.corpus)
    said = list(gathered.verdicts.values())
    judged = list(_judged(subject, said))
    known = {(item.guid, item.answer) for item in judged}
    stale = sum(one.subject not in known for one in said)
    if not judged:
        raise InputError(
            f"{files[0]}: all {stale} verdicts are on answers that {where} does not hold (another version)"
        )
    if stale:
        gathered.notes.append(f"{stale} verdicts are on answers that are not in this version, and left out")
    sizes = Counter((item.kept, item.dataset) for item in subject.answers)
    predicted = [1.0 if item.score is None else item.score / 10 for item in subject.answers if item.kept]
    found = {
        "corpus": subject.corpus,
        "fingerprint": subject.fingerprint,
        "verdicts": len(said) - stale,
        **figures(judged, Population(sizes, predicted)),
    }
    wrong = {(item.guid, item.answer) for item in judged if not item.right}
    right = {(item.guid, item.answer) for item in judged if item.right}
    kept_wrong = sum(item.kept and not item.right for item in judged)
    written = _record(subject.rows, found, wrong, right) if isinstance(subject.rows, Corpus) else []
    return {**found, "disputed": kept_wrong, "notes": gathered.notes, "written": [str(path) for path in written]}


def _judged(subject: Subject, said: Iterable[Said]) -> Iterator[Judged]:
    """The answers that the verdicts are about, as they stand in the corpus."""
    by_subject: dict[tuple[str, str], list[Said]] = {}
    for one in said:
        by_subject.setdefault(one.subject, []).append(one)
    guids = {guid for guid, _ in by_subject}
    threshold = _threshold(subject.rows.manifest)
    for row in subject.rows.rows(guids if isinstance(subject.rows, Corpus) else None):
        if row["guid"] not in guids or not row.get("sentence") or subject.rows.withholds(row):
            continue
        taken: set[str] = set()
        for attempt in sorted(row["attempts"], key=lambda item: not item["kept"]):
            verdicts = by_subject.get((row["guid"], attempt["answer"]))
            if verdicts and attempt["answer"] not in taken and attempt.get("entities") is not None:
                taken.add(attempt["answer"])
                yield _one(row, attempt, verdicts, threshold)


def _threshold(manifest: Manifest | None) -> float | None:
    found: float | None = (manifest or {}).get("recipe", {}).get("select", {}).get("threshold")
    return found


def _one(row: Mapping[str, Any], attempt: Mapping[str, Any], said: Sequence[Said], threshold: float | None) -> Judged:
    score = attempt.get("score", row.get("score") if attempt["kept"] else None)
    passed = dict(attempt["passed"])
    if score is not None and threshold is not None:
        passed["judge"] = score >= threshold
    return Judged(
        guid=row["guid"],
        answer=attempt["answer"],
        kept=attempt["kept"],
        dataset=row["dataset"],
        entities=tuple(attempt["entities"]),
        passed=passed,
        score=score,
        said=tuple(said),
    )


def _record(
    rows: Corpus, found: Mapping[str, Any], wrong: set[tuple[str, str]], right: set[tuple[str, str]]
) -> list[Path]:
    """Writes figures and disputed answers beside the releases, and the figures into a candidate's manifest and card.

    The figures stand beside the answers that they are about: the next candidate says how many of these it has.
    """
    folder = kept_at(rows.folder, rows.manifest)
    written = [folder / AUDIT]
    judged = [{"guid": guid, "answer": answer} for guid, answer in sorted(wrong | right)]
    write_json(folder / AUDIT, {**found, JUDGED: judged})
    disputed = (read_disputed(folder) | wrong) - right
    if path := write_disputed(folder, disputed):
        written.append(path)
    if "key" in rows.manifest:
        written += _into_candidate(rows.folder, found)
    return written


def kept_at(folder: Path, manifest: Manifest) -> Path:
    """`releases/<corpus>` of a candidate (beside the folder of builds) or of a release."""
    whole = folder.resolve()
    if "key" in manifest:
        return whole.parents[2] / "releases" / str(manifest["corpus"])
    return whole.parent


def _into_candidate(folder: Path, found: Mapping[str, Any]) -> list[Path]:
    from nercot.corpus.tables import read_rows
    from nercot.report.card import write_card
    from nercot.report.stats import Stats

    manifest = {**read_manifest(folder), "audit": dict(found)}
    stats = Stats()
    default = manifest["files"][0]["config"]
    for file in manifest["files"]:
        for row in read_rows(folder / file["path"]) if file.get("config") == default else ():
            stats.add(row)
    write_json(folder / "manifest.json", manifest)
    write_card(folder, manifest, stats.summary())
    return [folder / "manifest.json", folder / "README.md"]
