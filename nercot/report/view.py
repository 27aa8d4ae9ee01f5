"""`nercot view`: a corpus as one page to look at, kept and dropped rows together.

In: a candidate, a release, a Hub data set or files of any format that carries answers; or verdicts beside their rows.
Out: one HTML file (page.py) with every row, or, above a size, a seeded and stratified sample, which the page says.
Never changes what it reads; the same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nercot import __version__
from nercot.corpus.benchmarks import text_may_be_passed_on
from nercot.corpus.tables import replacing
from nercot.errors import InputError, OutputError, ShortfallError
from nercot.report.charts import funnel, lengths, scores
from nercot.report.page import MARK, Page
from nercot.report.sampling import Sample, draw
from nercot.report.shown import Corpus, Judged, Rows, open_rows
from nercot.report.withheld import without_text

Report = Callable[[str, int, int | None], None]

# More rows than this are sampled unless a size is asked for; more than MOST no browser scrolls.
ROWS = 20_000
MOST = 200_000
# Characters of text that a page may hold: what a browser opens, searches and keeps without trouble.
CHARACTERS = 120_000_000
_EVERY = 200
_FEWEST = 100
PAGE = "view.html"
WITHOUT_TEXT = "Rows without their text, which no known licence allows to be passed on"


class FullError(InputError):
    """More text than a page can hold."""


@dataclass(frozen=True, slots=True)
class Viewed:
    """A page that was written: where, how many rows of how many, how large; `without_text`: rows that stand there so,
    or, where people are to judge them, answers that were left out for it.
    """

    page: Path
    rows: int
    of: int
    bytes: int
    without_text: int = 0
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The result as JSON."""
        return {**asdict(self), "page": str(self.page)}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows that a page shows, of what, and why only those; `every`: it was drawn of all rows, not of some."""

    rows: Rows
    sample: Sample
    seed: int
    every: bool = True

    @property
    def wanted(self) -> frozenset[str] | None:
        """The keys to read; None for all."""
        return None if self.every and self.sample.whole else self.sample.keys


def view(
    where: str,
    out: Path,
    sample: int | None = None,
    seed: int = 0,
    beside: str | None = None,
    form: str | None = None,
    report: Report = lambda step, done, total: None,
) -> Viewed:
    """Writes the page of PATH to `out`.

    `sample`: how many rows at most; `beside`: the rows that the verdicts at PATH speak of.  Raises InputError
    (nothing there that can be read), ShortfallError (no rows), OutputError (a file that is no page of ours).
    """
    check_target(out)
    rows = open_rows(where, form, beside)
    if sample is None:
        chosen, drawn = _fitting(rows, where, seed, report)
    else:
        chosen = choose(rows, where, sample, seed)
        drawn = render(chosen, where, {"mode": "view"}, report)
    write_page(out, drawn.content)
    notes = (*drawn.notes, *_unmatched(chosen.rows))
    return Viewed(out, drawn.rows, chosen.sample.rows, len(drawn.content), drawn.without_text, notes)


def _fitting(rows: Rows, where: str, seed: int, report: Report) -> tuple[Chosen, Drawn]:
    """The page of as many rows as one can hold."""
    size = ROWS
    while True:
        chosen = choose(rows, where, size, seed)
        try:
            return chosen, render(chosen, where, {"mode": "view"}, report)
        except FullError:
            if size < _FEWEST:
                raise
            size //= 2


def release_page(folder: Path, manifest: Mapping[str, Any], report: Report = lambda step, done, total: None) -> None:
    """Writes the page of a release that is being made: the rows as they stand in its configs, of no version yet."""
    unnumbered = {name: value for name, value in manifest.items() if name != "version"}
    rows = Corpus(str(manifest["corpus"]), folder, unnumbered)
    _, drawn = _fitting(rows, str(folder), 0, report)
    write_page(folder / PAGE, drawn.content)


def choose(rows: Rows, where: str, size: int, seed: int) -> Chosen:
    """Draws `size` rows at most; ShortfallError where there are none."""
    if size > MOST:
        raise InputError(f"--sample {size}: a page holds {MOST} rows at most; ask for fewer")
    sample = draw(rows.strata(), size, seed)
    if not sample.rows:
        raise ShortfallError(f"{where}: there are no rows to show")
    return Chosen(rows, sample, seed)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The bytes of a page, its rows, how many of them stand without text, and what it says of all."""

    content: bytes
    rows: int
    without_text: int
    notes: tuple[str, ...]


def render(chosen: Chosen, where: str, more: Mapping[str, Any], report: Report) -> Drawn:
    """The page of the rows that were chosen.  `more`: what the mode adds."""
    page, told = Page(answers=more["mode"] == "audit"), _Told()
    for whole in chosen.rows.rows(chosen.wanted):
        row = without_text(whole) if chosen.rows.withholds(whole) else whole
        page.add(row)
        told.add(row)
        if told.characters > CHARACTERS:
            raise FullError(f"{where}: more text than a page can hold; ask for fewer rows with --sample")
        if page.rows % _EVERY == 0:
            report("view", page.rows, len(chosen.sample.keys))
    manifest = chosen.rows.manifest
    notes = told.notes(manifest)
    about = {
        "title": (manifest or {}).get("title") or chosen.rows.name,
        "corpus": (manifest or {}).get("corpus") or chosen.rows.name,
        "version": (manifest or {}).get("version"),
        "fingerprint": (manifest or {}).get("fingerprint"),
        "tool": __version__,
        "of": chosen.sample.rows,
        "sample": None if chosen.sample.whole else {"seed": chosen.seed, "layers": chosen.sample.layers},
        "notes": [*notes, *more.get("notes", ())],
        **{name: value for name, value in more.items() if name != "notes"},
    }
    return Drawn(page.finish(about, told.overview(manifest)), page.rows, told.without_text, tuple(notes))


class _Told:
    """What the overview of a page counts over its rows."""

    def __init__(self) -> None:
        self.characters = 0
        self.restricted = self.without_text = 0
        self.sentences: list[int] = []
        self.traces: list[int] = []
        self.scores: dict[str, int] = {}
        self.fates: dict[str, int] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        sentence, attempts = row.get("sentence"), row.get("attempts") or ()
        first = attempts[row["first"]] if attempts else {}
        self.characters += len(sentence or "") + sum(
            len(item.get("cot") or "") + len(item.get("completion") or "") for item in attempts
        )
        if sentence is not None:
            self.sentences.append(len(sentence))
            self.restricted += not text_may_be_passed_on(row.get("dataset") or "", row.get("license") or "unknown")
        else:
            self.without_text += row.get("input") is None
        if first.get("cot") is not None:
            self.traces.append(len(first["cot"]))
        if row.get("score") is not None:
            name = f"{row['score']:g}"
            self.scores[name] = self.scores.get(name, 0) + 1
        self.fates[row["kept"]] = self.fates.get(row["kept"], 0) + 1

    def overview(self, manifest: Mapping[str, Any] | None) -> str:
        """The pictures: of the whole corpus where a manifest knows it, else of the rows here."""
        whole = manifest or {}
        entered, kept = sum(self.fates.values()), self.fates.get("kept", 0)
        steps = whole.get("steps") or [{"step": "rows", "in": entered, "kept": kept}]
        threshold = whole.get("recipe", {}).get("select", {}).get("threshold")
        return "".join(
            (
                funnel(steps),
                scores(whole.get("scores") or self.scores, threshold),
                lengths("sentences", "Sentences", self.sentences),
                lengths("traces", "Traces", self.traces),
            )
        )

    def notes(self, manifest: Mapping[str, Any] | None) -> list[str]:
        found = []
        if self.restricted:
            found.append(
                f"Sentences that no known licence lets you pass on: {self.restricted}. Keep this page to yourself; in "
                "a release they stand without their text."
            )
        if self.without_text:
            found.append(f"{WITHOUT_TEXT}: {self.without_text}.{whole_page(manifest)}")
        return found


def whole_page(manifest: Mapping[str, Any] | None) -> str:
    """How the owner of a candidate gets a page that has all text."""
    if manifest is None or "key" not in manifest:
        return ""
    return (
        " Build with --license where you know that it may be; nercot release "
        f"{manifest['corpus']} --internal makes a page with the text, for yourself."
    )


def _unmatched(rows: Rows) -> list[str]:
    """What verdicts were about rows that are not there."""
    if not isinstance(rows, Judged):
        return []
    left = len(rows.verdicts) - len(rows.seen)
    return [f"{left} verdicts are about rows that are not in --rows"] if left else []


def check_target(out: Path) -> None:
    """Refuses to write over a file that is not a page of ours."""
    if out.is_dir():
        raise OutputError(f"{out}: a folder; name the file of the page, for example {out / 'view.html'}")
    if out.exists():
        with out.open("rb") as handle:
            if MARK.encode() not in handle.read(2000):
                raise OutputError(f"{out}: holds something that is no page of nercot; name another file with --out")


def write_page(out: Path, content: bytes) -> None:
    """Writes the page, whole or not at all."""
    with replacing(out) as temporary:
        temporary.write_bytes(content)
