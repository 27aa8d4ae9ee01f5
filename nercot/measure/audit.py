"""`nercot audit`: a sample of answers for people to judge, and their verdicts back as figures.

In: any PATH whose rows carry answers; later the files that people saved.  Out: a page with verdict keys, or tasks of
Label Studio; then figures (audited.py), which for a corpus of ours stand in `releases/<corpus>/audit.json` and in the
manifest and card of the candidate, and the answers that people call wrong in `releases/<corpus>/disputed.jsonl`, by
guid and answer: the next candidate leaves them out, a better answer to the same sentence is not lost.
Never changes a release, and never judges for anybody.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nercot.building.manifest import AUDIT
from nercot.corpus.disputed import read_disputed, write_disputed
from nercot.corpus.manifest import Manifest, read_manifest
from nercot.corpus.tables import write_json, write_text
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.measure.audited import Judged, Population, figures
from nercot.measure.tasks import interface, tasks
from nercot.measure.verdicts import Said, gather
from nercot.report.sampling import Sample, draw
from nercot.report.shown import Answered, Corpus, Rows, open_rows
from nercot.report.view import Chosen, Report, Viewed, check_target, render, write_page

# Of a sample of kept and dropped answers this share is dropped ones: what the checks refuse wrongly shows there.
_DROPPED = 0.25


@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited: its rows, its name and fingerprint, and all its answers."""

    rows: Rows
    corpus: str
    fingerprint: str
    answers: tuple[Answered, ...]


def open_subject(where: str, form: str | None = None) -> Subject:
    """The answers at PATH; ShortfallError where none can be judged."""
    rows = open_rows(where, form)
    answers = tuple(rows.answers())
    if not answers:
        raise ShortfallError(f"{where}: no row has a sentence and an answer to judge; name a corpus, or answers")
    manifest: Mapping[str, Any] = rows.manifest or {}
    whole = "\n".join(sorted(f"{item.key} {item.answer}" for item in answers))
    own = manifest.get("fingerprint") or hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    return Subject(rows, manifest.get("corpus") or rows.name, own, answers)


# --- out to people ------------------------------------------------------------------------------------


def sample_page(where: str, out: Path, size: int, seed: int, form: str | None, report: Report) -> Viewed:
    """Writes the audit page of a sample."""
    check_target(out)
    subject = open_subject(where, form)
    chosen = Chosen(subject.rows, draw_answers(subject.answers, size, seed), seed)
    more = {"mode": "audit", "corpus": subject.corpus, "fingerprint": subject.fingerprint}
    content, page = render(chosen, where, more, report)
    write_page(out, content)
    return Viewed(out, page.rows, chosen.sample.rows, len(content))


def sample_tasks(where: str, out: Path, size: int, seed: int, form: str | None) -> Viewed:
    """Writes the sample as tasks of Label Studio, and the labelling interface beside it as .xml."""
    if out.exists() and (out.is_dir() or b'"predictions"' not in out.read_bytes()):
        raise OutputError(f"{out}: holds something that is no tasks of Label Studio; name another file with --out")
    subject = open_subject(where, form)
    sample = draw_answers(subject.answers, size, seed)
    rows = list(subject.rows.rows(None if sample.whole else sample.keys))
    rows = [row for row in rows if row.get("sentence") and row["attempts"]]
    made = json.dumps(list(tasks(rows, subject.corpus, subject.fingerprint)), ensure_ascii=False, indent=1)
    write_text(out, made + "\n")
    labels = dict.fromkeys(label for row in rows for label in row["schema"])
    write_text(out.with_suffix(".xml"), interface(labels))
    return Viewed(out, len(rows), sample.rows, len(made.encode("utf-8", "surrogatepass")))


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
        if row["guid"] not in guids or not row.get("sentence"):
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
    """Writes figures and disputed answers beside the releases, and the figures into a candidate's manifest and card."""
    folder = kept_at(rows.folder, rows.manifest)
    written = [folder / AUDIT]
    write_json(folder / AUDIT, found)
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
