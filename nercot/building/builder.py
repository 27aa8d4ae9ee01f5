"""recipe -> candidate: the whole way, in the order source, rounds of annotate-validate-score, select, candidate.

In: a recipe and what the command line adds.  Out: `build/<corpus>/candidate/` and a BuildResult.  Every
stage is skipped whose inputs have not changed; a second run makes no call and writes no file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nercot import __version__
from nercot.building.candidate import WRITER, Contents, replace_folder, tidy, write_tables
from nercot.building.pipeline import (
    STAGES,
    Done,
    Position,
    RecordStep,
    Report,
    Work,
    clean,
    content_key,
    done_before,
    funnel,
    kept_guids,
    run_step,
    source_records,
    stage_records,
)
from nercot.corpus.provenance import licenses_of
from nercot.corpus.recipe import LOCAL, NOBODY, Model, Recipe, load_recipe
from nercot.corpus.recordings import said_of_prompts
from nercot.corpus.records import Record
from nercot.corpus.removed import read_removed
from nercot.corpus.tables import write_json, writing
from nercot.errors import BusyError, InputError, NercotError, RecipeError
from nercot.formats import DataFile
from nercot.formats.relabel import Relabel
from nercot.formats.sources import Source, open_source, options_of
from nercot.llm.prompts import default_template, read_template
from nercot.steps.hybrid import write_draw, write_merged, write_subset
from nercot.steps.ingest import Ingested, ingest
from nercot.steps.roster import tree_roster
from nercot.steps.select import Checker, Selected, Selection, select, selected_before
from nercot.steps.stratify import Draw

if TYPE_CHECKING:
    from nercot.llm.asking import Asked, Progress
    from nercot.llm.ledger import Ledger
    from nercot.llm.messages import Request
    from nercot.steps.contamination import BenchmarkFiles


CALIBRATION = "calibration.json"


# Requests that a local model answers at a time: more share the same processors.
_LOCAL_SLOTS = 2


def quiet(step: str, done: int, total: int | None) -> None:
    """A report that says nothing."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a run adds to its recipe.

    `out`: folder of all corpora and of the ledger.  `limit`: only the first so many records of the source;
    the candidate is then marked partial.  `strict`: the first bad row is an error.  `releases`: folder of
    the releases, whose takedowns hold here too (None: `releases` beside `out`).  `batch`: models are asked by
    batch jobs of their provider, at its price for those, within a day.
    """

    out: Path = Path("build")
    input: str | None = None
    input_format: str | None = None
    limit: int | None = None
    strict: bool = False
    releases: Path | None = None
    batch: bool = False


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build came to; `as_json` is the document of `build --json`.

    `calls`, `tokens`, `cost` are those of this run.  `shortfall`: why the build is not complete, or None.
    `recorded`: answers that came out of recorded files, by role.  `notes`: what the user should know of this run.
    `next`: what can be done with it, a line each.
    """

    corpus: str
    candidate: Path
    fingerprint: str
    steps: list[dict[str, Any]]
    rows_read: int
    records: int
    calls: dict[str, int]
    tokens: dict[str, int]
    cost: float | None
    changed: bool
    shortfall: str | None = None
    recorded: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The result as JSON."""
        return {**asdict(self), "candidate": str(self.candidate)}


@dataclass(slots=True)
class _Bill:
    """What this run asked of models."""

    calls: Counter[str] = field(default_factory=lambda: Counter(teacher=0, judge=0))
    tokens: Counter[str] = field(default_factory=lambda: Counter(input=0, cached_input=0, output=0))
    cost: float = 0.0
    unpriced: int = 0
    stopped: str | None = None
    recorded: Counter[str] = field(default_factory=lambda: Counter(teacher=0, judge=0))
    missing: list[str] = field(default_factory=list)

    def add(self, who: str, asked: Asked) -> None:
        seen = asked.progress
        self.recorded[who] += seen.recorded
        self.missing += [asked.missing] if asked.missing else []
        self.calls[who] += seen.calls
        self.tokens.update(input=seen.tokens_in, cached_input=seen.tokens_cached, output=seen.tokens_out)
        self.cost += seen.cost
        self.unpriced += seen.unpriced
        self.stopped = self.stopped or asked.stopped


def build(
    recipe: Recipe | str = "quickstart", options: BuildOptions | None = None, report: Report = quiet
) -> BuildResult:
    """Builds a corpus; see BuildOptions.

    Raises NercotError in one line for what the user has to change.  A build that ended short of its
    data (records pending, nothing kept, budget used up) returns with `shortfall` set.
    """
    options = options or BuildOptions()
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    check_models(recipe)
    source = source_of(recipe, options)
    if options.input is not None:
        recipe = replace(recipe, source=recipe.source.instead(options.input))
    work = Work(options.out / recipe.name)
    with ExitStack() as stack:
        stack.enter_context(alone(work.root))
        run = Build(recipe, options, work, report, stack)
        try:
            return run.run(read_source(source, recipe, options, work, report))
        except NercotError as error:
            if (position := work.position()) is not None:
                work.note(replace(position, error=str(error)))
            raise


def check_models(recipe: Recipe, roles: Sequence[str] = ("teacher", "judge")) -> None:
    """Finds out before anything is read whether the models can be asked at all (key, price)."""
    for role in roles:
        model: Model = getattr(recipe, role)
        if model.embedded or model.is_recorded:
            continue
        from nercot.llm.address import api_key

        for url in model.url:
            if url != LOCAL:
                api_key(model, url, role)
        if recipe.max_cost is not None and not model.price.known:
            raise RecipeError(
                f"--max-cost needs a price: set {role}.price.input and {role}.price.output (USD per million tokens)"
            )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a build reads: a source, and what is drawn of it (None: it is read whole)."""

    source: Source
    draw: Draw | None = None


def source_of(recipe: Recipe, options: BuildOptions) -> Reading:
    """What a build reads: what the command line names, else the recipe's path or Hub dataset."""
    spec, where = recipe.source, _where(recipe, options)
    draw, files = _draw_of(recipe, options, where)
    form, read = options.input_format or spec.format, options_of(spec)
    return Reading(open_source(where, form, read, recipe.license, spec.split, Relabel(spec), files), draw)


def _draw_of(recipe: Recipe, options: BuildOptions, where: str) -> tuple[Draw | None, tuple[DataFile, ...] | None]:
    """What is drawn of a source, and the files to draw from where a tree has them; wrong ones are an error here."""
    stratified = "stratify" in recipe.steps
    if not stratified and "merge" not in recipe.steps:
        return None, None
    if stratified and options.limit:
        raise RecipeError(f"{recipe.name} is a draw, not the first rows: use --set sample.size={options.limit}")
    if recipe.duplicates == "flag" and "select" not in recipe.steps:
        raise RecipeError("select.duplicates: only the step select can flag; drop them before the draw, or say off")
    wanted, allow = tuple(recipe.source.datasets), recipe.sample.allow_missing
    path = Path(where).expanduser()
    seen, files = None, None
    if wanted and path.is_dir() and not (path / "README.md").exists():
        seen, files = tree_roster(wanted, path, recipe.source.split or "train")
        seen.check(where, allow)
    step = "stratify" if stratified else "source"
    repeated = recipe.duplicates == "drop" and "select" not in recipe.steps
    return Draw(recipe.sample if stratified else None, where, wanted, seen, allow, repeated, step), files


def _where(recipe: Recipe, options: BuildOptions) -> str:
    """The path or Hub id of the source."""
    spec = recipe.source
    where = options.input
    if where is None and spec.path is not None:
        where = str(recipe.folder / Path(spec.path).expanduser())
    if where is None and spec.hub is not None:
        name, colon, config = spec.hub.partition(":")
        where = f"{name}@{spec.revision}{colon}{config}" if spec.revision else spec.hub
    if where is None:
        raise RecipeError(f"{recipe.name}: no source; give --input PATH (recipe key source.path or source.hub)")
    return where


def read_source(reading: Reading, recipe: Recipe, options: BuildOptions, work: Work, report: Report) -> Ingested:
    """The source stage of a build, without what was taken down."""
    removed = read_removed(options.releases or options.out.parent / "releases", recipe.name)
    source, draw = reading.source, reading.draw
    return ingest(work, source, recipe.digits, options.limit, options.strict, report, removed, draw)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Holds the corpus' work folder, cleared of what a killed build left; a second one at the same time is refused."""
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(
                f"{root}: another build of this corpus is running; wait for it, or give another --out"
            ) from error
        tidy(root / "candidate")
        yield
    finally:
        os.close(handle)


class Build:
    """One run: the settings that every stage shares."""

    def __init__(self, recipe: Recipe, options: BuildOptions, work: Work, report: Report, stack: ExitStack) -> None:
        self.recipe, self.options, self.work, self.report, self.stack = recipe, options, work, report, stack
        self.bill = _Bill()
        self.prompts = prompts_of(recipe)
        self.benchmarks = benchmark_files(recipe)
        self._ledger: Ledger | None = None
        self._servers: dict[str, str] = {}
        self.notes: list[str] = []
        self.ingested: Ingested
        self.parts: list[str]

    def run(self, ingested: Ingested) -> BuildResult:
        """Everything after the source stage."""
        self.ingested = ingested
        self.parts = sorted(ingested.partitions)
        rounds, keys = self._rounds() if self.asks else (0, {})
        clean(self.work, self.parts, rounds)
        selected = Selected(content_key(rounds, keys), {}, {}) if self._unjudged else self._select(rounds, keys)
        result = self._candidate(rounds, selected)
        self.work.note(None)
        return result

    @property
    def asks(self) -> bool:
        """Whether records are annotated."""
        return is_annotated(self.recipe)

    @property
    def _unjudged(self) -> bool:
        return not is_judged(self.recipe)

    # --- models ---------------------------------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """The ledger of all corpora of the out folder, opened when a model is first needed."""
        if self._ledger is None:
            from nercot.llm.ledger import Ledger

            self._ledger = self.stack.enter_context(Ledger(self.options.out / "ledger.sqlite"))
        return self._ledger

    def _ask(self, who: str, model: Model, requests: Iterator[Request], position: Position) -> None:
        """Has every request answered in the ledger, as far as time and budget allow."""
        if self.bill.stopped:
            return
        from nercot.llm.batch import ask_batch
        from nercot.llm.endpoint import Patience, ask_all
        from nercot.llm.pacing import Budget

        budget = None if self.recipe.max_cost is None else Budget(self.recipe.max_cost)
        label = f"{who} {model.model}"

        def progress(seen: Progress) -> None:
            done = min(position.done + seen.done + seen.found, position.entered)
            self.report(label, done, position.entered)
            self.work.note(replace(position, done=done))

        self.work.note(position)
        if model.is_recorded:
            return self._open_book(who, model, requests, progress)
        patience = Patience(max_seconds=self.recipe.retry_seconds)
        served = self._served(model) if model.file else model
        hidden = who == "teacher" and self.recipe.trace == "required"
        ask = ask_batch if self.options.batch and not model.file else partial(ask_all, wants_trace=hidden)
        self.bill.add(who, ask(requests, served, self.ledger, budget=budget, patience=patience, progress=progress))

    def _open_book(
        self, who: str, model: Model, requests: Iterator[Request], progress: Callable[[Progress], None]
    ) -> None:
        """Has every request answered in the ledger that recorded files answer."""
        from nercot.llm.recorded import Book, ask_recorded

        if who == "teacher" and self.options.limit is None:
            known = {row["guid"] for part in self.parts for row in self.work.source(part)}
            if strangers := Book(who, model.recorded).strangers(known):
                self.notes.append(strangers)
        self.bill.add(who, ask_recorded(requests, model, self.ledger, progress))

    def _recorded(self) -> list[dict[str, Any]]:
        """What the manifest says of recorded answers: whose, from which file, to which prompt."""
        if not any(model.is_recorded for model in (self.recipe.teacher, self.recipe.judge)):
            return []
        from nercot.llm.recorded import recorded_facts

        return recorded_facts(self.recipe, self.prompts)

    def _served(self, model: Model) -> Model:
        """A local model behind an address of this machine, for as long as the build lasts."""
        from nercot.llm.local import serving

        assert model.file
        if model.file not in self._servers:
            self._servers[model.file] = self.stack.enter_context(serving(model.file, _LOCAL_SLOTS))
        return replace(model, url=(self._servers[model.file],), concurrency=_LOCAL_SLOTS)

    # --- rounds ---------------------------------------------------------------------------------

    def _rounds(self) -> tuple[int, dict[str, str]]:
        """Runs rounds until no record needs another attempt; returns their number and a key for each partition."""
        teacher = self.recipe.teacher
        last = 1 if teacher.embedded else teacher.attempts
        without: dict[str, frozenset[str]] = {part: frozenset() for part in self.parts}
        history: dict[str, list[str]] = {part: [self.ingested.partitions[part]] for part in self.parts}
        for attempt in range(1, last + 1):
            done = self._round(attempt, without, history)
            judged = teacher.until == "selected" and not self._unjudged
            stage, threshold = ("4-scored", self.recipe.threshold) if judged else ("3-valid", None)
            for part in self.parts:
                history[part].append(content_key(done[part].key, threshold))
                if attempt < last:
                    without[part] = kept_guids(self.work, stage, part, attempt, threshold)
            left = self.ingested.kept - sum(map(len, without.values()))
            if attempt < last and (left == 0 or self.bill.stopped):
                break
        return attempt, {part: content_key(*history[part]) for part in self.parts}

    def _round(
        self, attempt: int, without: Mapping[str, frozenset[str]], history: Mapping[str, list[str]]
    ) -> dict[str, Done]:
        """One round: annotate, validate and score what earlier rounds did not keep."""
        from nercot.steps.validate import validate_step

        recipe, work = self.recipe, self.work

        def unkept(part: str) -> Iterator[Record]:
            return source_records(work, part, without[part])

        def raw(part: str) -> Iterator[Record]:
            return stage_records(work, "2-raw", part, attempt)

        def valid(part: str) -> Iterator[Record]:
            return stage_records(work, "3-valid", part, attempt)

        settings = [_answers(recipe.teacher), self.prompts.get("annotate"), attempt]
        keys = {part: content_key("annotate", settings, history[part]) for part in self.parts}
        position = Position("annotate", attempt, self.ingested.kept - sum(map(len, without.values())))
        annotated = self._step(position, keys, unkept, self._annotator(position, keys, unkept))
        rules = ["validate", recipe.rules, recipe.trace]
        keys = {part: content_key(rules, annotated[part].key) for part in self.parts}
        position = Position("validate", attempt, _settled(annotated.values())[1])
        validated = self._step(position, keys, raw, lambda rows: validate_step(rows, recipe.rules, recipe.trace))
        if self._unjudged:
            return validated
        settings = [_answers(recipe.judge), recipe.judge.attempts, self.prompts.get("judge")]
        keys = {part: content_key("score", settings, validated[part].key) for part in self.parts}
        position = Position("score", attempt, _settled(validated.values())[1])
        return self._step(position, keys, valid, self._scorer(position, keys, valid))

    def _step(
        self,
        position: Position,
        keys: Mapping[str, str],
        records: Callable[[str], Iterator[Record]],
        action: RecordStep,
    ) -> dict[str, Done]:
        """Runs one step of one round on every partition."""
        step, attempt = position.step, position.attempt
        to_do, _ = self._to_do(position, keys)
        done: dict[str, Done] = {}
        for number, part in enumerate(self.parts, 1):
            done[part] = run_step(self.work, step, part, attempt, keys[part], records(part), action)
            self.report(step, number, len(self.parts))
            if to_do:
                settled, kept = _settled(done.values())
                self.work.note(replace(position, done=settled, kept=kept))
        return done

    def _to_do(self, position: Position, keys: Mapping[str, str]) -> tuple[list[str], Position]:
        """The partitions whose file of this step has to be made, and the position with the other ones done."""
        stage, attempt = STAGES[position.step], position.attempt
        found = {part: done_before(self.work.file(stage, part, attempt), keys[part]) for part in self.parts}
        whole = {part: done for part, done in found.items() if done is not None and not done.tally.pending}
        return [part for part in self.parts if part not in whole], replace(position, done=_settled(whole.values())[0])

    def _annotator(
        self, position: Position, keys: Mapping[str, str], records: Callable[[str], Iterator[Record]]
    ) -> RecordStep:
        model = self.recipe.teacher
        if model.embedded:
            from nercot.embedded import annotate, require_gold

            require_gold(chain.from_iterable(records(part) for part in self.parts))
            return annotate
        from nercot.steps.annotate import Teacher

        teacher = Teacher(self.recipe.name, model, self.prompts["annotate"])
        attempt = position.attempt
        parts, position = self._to_do(position, keys)
        if parts:
            requests = teacher.requests(chain.from_iterable(records(part) for part in parts), attempt)
            self._ask("teacher", model, requests, position)
        return lambda rows: teacher.outcomes(rows, self.ledger, attempt)

    def _scorer(
        self, position: Position, keys: Mapping[str, str], records: Callable[[str], Iterator[Record]]
    ) -> RecordStep:
        model = self.recipe.judge
        if model.embedded:
            from nercot.embedded import score

            return score
        from nercot.steps.score import Judge

        judge = Judge(self.recipe.name, model, self.prompts["judge"])
        parts, position = self._to_do(position, keys)
        for ask in range(1, model.attempts + 1) if parts else ():
            rows = chain.from_iterable(records(part) for part in parts)
            self._ask("judge", model, judge.requests(rows, self.ledger, ask), position)
        return lambda rows: judge.outcomes(rows, self.ledger)

    # --- selection and candidate ----------------------------------------------------------------

    def _select(self, rounds: int, keys: Mapping[str, str]) -> Selected:
        """Selects over the whole corpus."""
        recipe = self.recipe
        selection = Selection(
            recipe.threshold,
            recipe.duplicates,
            recipe.near_duplicates,
            recipe.contamination,
            recipe.validation,
            recipe.test,
        )
        against = None if self.benchmarks is None else self.benchmarks.hashes()
        key = content_key("select", asdict(selection), dict(keys), rounds, against)
        known = selected_before(self.work, self.parts, key)
        return known or select(self.work, self.parts, rounds, key, selection, self._checker(), self.report)

    def _checker(self) -> Checker | None:
        """What knows the test sets; None where the recipe names none."""
        if self.benchmarks is None:
            return None
        from nercot.steps.contamination import Contamination

        return Contamination(self.benchmarks)

    def _calibration(self) -> Any:
        """What `nercot calibrate --out` left beside the candidate, if it did."""
        path = self.work.root / CALIBRATION
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error}); delete it, or calibrate again") from error

    def _candidate(self, rounds: int, selected: Selected) -> BuildResult:
        folder = self.work.root / "candidate"
        recipe = self.recipe
        card = [recipe.title, recipe.about, recipe.citation, recipe.language, recipe.license]
        made_of = [self.ingested.key, selected.key, _manifest_recipe(recipe), self.prompts, WRITER, self._calibration()]
        made_of += self._recorded()
        key = content_key("candidate", card, *made_of)
        manifest = _read_manifest(folder)
        changed = manifest is None or manifest.get("key") != key
        if changed:
            manifest = self._write_candidate(folder, rounds, selected, key)
        assert manifest
        return self._result(folder, manifest, changed)

    def _write_candidate(self, folder: Path, rounds: int, selected: Selected, key: str) -> dict[str, Any]:
        import shutil

        from nercot.report.card import write_card

        new = folder.with_name(".candidate.new")
        shutil.rmtree(new, ignore_errors=True)
        with writing(folder):
            new.mkdir(parents=True)
            if (folder / "README.md").exists():
                shutil.copyfile(folder / "README.md", new / "README.md")
            self.report("candidate", 0, 1)
            contents = self._tables(new, rounds, selected)
            manifest = self._manifest(contents, selected, key)
            write_card(new, manifest, contents.stats.summary())
            write_json(new / "manifest.json", manifest)
        replace_folder(new, folder)
        self.report("candidate", 1, 1)
        return manifest

    def _tables(self, folder: Path, rounds: int, selected: Selected) -> Contents:
        """Writes the configs of the candidate."""
        recipe, work, parts, prompts = self.recipe, self.work, self.parts, self.prompts
        if not self._unjudged:
            return write_tables(work, parts, rounds, recipe.teacher.until, folder, prompts, selected.splits)
        if "merge" not in recipe.steps:
            return write_subset(work, parts, folder, prompts)
        if "draw" not in recipe.steps:
            return write_merged(work, parts, rounds, folder, prompts, None)
        if self.asks:
            return write_merged(work, parts, rounds, folder, prompts, recipe.sample)
        return write_draw(work, parts, folder, prompts, recipe.sample)

    def _steps(self) -> tuple[str, ...]:
        """The steps of the funnel: those that this run took."""
        steps = self.recipe.steps
        if "draw" in steps:
            return ("source", *(step for step in steps if (step != "draw") is self.asks))
        return ("source", *(step for step in steps if self.asks or step in ("stratify", "merge")))

    def _sampled(self, contents: Contents) -> dict[str, Any]:
        """What the manifest says of draws and traces."""
        told: dict[str, Any] = {"sample": self.ingested.sample} if self.ingested.sample else {}
        if contents.draw:
            sample = self.recipe.sample
            asked = {"size": int(sample.size), "seed": sample.seed}
            told["sample"] = {**told.get("sample", {}), **asked, "datasets": contents.draw}
        if contents.traces and self.asks:
            told["traces"] = contents.traces
        return told if self.asks or "draw" not in self.recipe.steps else {**told, "stage": "draw"}

    def _manifest(self, contents: Contents, selected: Selected, key: str) -> dict[str, Any]:
        recipe, ingested = self.recipe, self.ingested
        dropped = {
            "source": ingested.dropped,
            **{step: count for step, count in contents.dropped.items() if step != "source"},
        }
        teacher = recipe.teacher.model if self.asks else NOBODY
        judge = NOBODY if self._unjudged else recipe.judge.model
        drawn = sum(row["drawn"] for row in contents.draw)
        not_drawn = {"stratify": ingested.not_drawn, "draw": ingested.kept - drawn}
        steps = funnel(self._steps(), ingested.rows, dropped, contents.pending, not_drawn)
        return {
            "corpus": recipe.name,
            "title": recipe.title,
            "about": recipe.about,
            "citation": recipe.citation,
            "language": list(recipe.language),
            "license": recipe.license,
            "fingerprint": contents.fingerprint,
            "key": key,
            "partial": ingested.partial,
            "tool": __version__,
            "writer": WRITER,
            "recipe": _manifest_recipe(recipe),
            "prompts": self.prompts,
            "models": {
                "teacher": {"asked": teacher, "named": _counts(contents.teachers)},
                "judge": {"asked": judge, "named": _counts(contents.judges)},
            },
            "source": {"format": ingested.format, "files": ingested.files, "findings": ingested.findings},
            "licenses": licenses_of(contents.stats.origins),
            **self._sampled(contents),
            "steps": [step.row() for step in steps],
            "attempts": {str(attempt): count for attempt, count in sorted(contents.attempts.items())},
            "scores": {f"{score:g}": count for score, count in sorted(contents.scores.items())},
            "drift": contents.stats.drift_summary(),
            **selected.findings,
            **({"recorded": recorded} if (recorded := self._recorded()) else {}),
            **({"calibration": calibration} if (calibration := self._calibration()) else {}),
            "files": contents.files,
        }

    def _result(self, folder: Path, manifest: Mapping[str, Any], changed: bool) -> BuildResult:
        steps = manifest["steps"]
        records = steps[-1]["kept"]
        bill = self.bill
        return BuildResult(
            corpus=self.recipe.name,
            candidate=folder,
            fingerprint=manifest["fingerprint"],
            steps=steps,
            rows_read=steps[0]["in"],
            records=records,
            calls=dict(bill.calls),
            tokens=dict(bill.tokens),
            cost=None if bill.unpriced else round(bill.cost, 6),
            changed=changed,
            shortfall=_shortfall(steps, records, bill.stopped or next(iter(bill.missing), None)),
            recorded=dict(bill.recorded),
            notes=[*self.notes, *said_of_prompts(manifest.get("recorded", ()))],
            next=self._next(folder),
        )

    def _next(self, folder: Path) -> list[str]:
        """What comes next, in commands and words."""
        if "draw" in self.recipe.steps and not self.asks:
            return [
                f"train the policy on the config grpo of {folder}, and serve it",
                "then run the same command with --teacher-url URL --teacher-model NAME: it annotates every row",
            ]
        check = [] if self.recipe.steps == ("stratify",) else [f"nercot validate {folder}{self._optional}"]
        load = f"""python -c 'from datasets import load_dataset; print(load_dataset("{folder}")["train"][0])'"""
        return [f"nercot stats {folder}", *check, load]

    @property
    def _optional(self) -> str:
        return " --trace optional" if self.recipe.trace == "optional" else ""


def _settled(done: Iterable[Done]) -> tuple[int, int]:
    """How many records some files of a step have settled, and how many of them it kept."""
    tallies = [each.tally for each in done]
    return sum(tally.entered - tally.pending for tally in tallies), sum(tally.kept for tally in tallies)


def _shortfall(steps: Sequence[Mapping[str, Any]], records: int, stopped: str | None) -> str | None:
    waiting = sum(step["pending"] for step in steps)
    if waiting and stopped and "recorded" in stopped:
        return f"{waiting} records wait for an answer ({stopped})"
    if waiting:
        why = {"budget": "the budget is used up: raise --max-cost", None: "their time for retries is used up"}.get(
            stopped, stopped
        )
        return f"{waiting} records wait for an answer ({why}); the same command goes on where this one ended"
    if records == 0:
        return "no record is left: every one was dropped; the table says where and why"
    return None


def is_judged(recipe: Recipe) -> bool:
    """Whether a judge scores and selects; else the corpus is only drawn, or merged with gold."""
    return "merge" not in recipe.steps and recipe.steps != ("stratify",)


def is_annotated(recipe: Recipe) -> bool:
    """Whether somebody annotates: not where a corpus is only drawn, nor while a policy is not named yet."""
    return ("annotate" in recipe.steps or is_judged(recipe)) and recipe.teacher.model != NOBODY


def prompts_of(recipe: Recipe) -> dict[str, str]:
    """The texts of the prompts that this recipe uses; the embedded annotator and rubric are given none."""
    used = {"annotate": not recipe.teacher.embedded, "judge": not recipe.judge.embedded, "extract": True}
    used["answer"] = recipe.trace == "optional"
    return {name: _template(recipe, name) for name, use in used.items() if use}


def benchmark_files(recipe: Recipe) -> BenchmarkFiles | None:
    """The benchmark files that a recipe names, where it looks for them."""
    if recipe.benchmarks is None or recipe.contamination == "off":
        return None
    from nercot.steps.contamination import find_benchmark_files

    return find_benchmark_files(recipe.folder / Path(recipe.benchmarks).expanduser())


def _template(recipe: Recipe, name: str) -> str:
    """The text of a prompt.  A policy whose traces are merged in is asked with the prompt that it was trained on."""
    path = recipe.prompts.get(name)
    if path is None and name == "annotate" and "merge" in recipe.steps:
        return _template(recipe, "extract")
    return default_template(name) if path is None else read_template(recipe.folder / Path(path).expanduser())


def _counts(counter: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _content(model: Model) -> dict[str, Any]:
    """What of a model's settings decides its answers (not where it runs, how fast, or what it costs)."""
    if model.embedded:
        return {"model": model.model}
    from nercot.llm.address import provider_of

    return {
        "provider": provider_of(model),
        "model": model.model,
        "temperature": model.temperature,
        "max_tokens": model.max_tokens,
        "extra": dict(model.extra),
    }


def _answers(model: Model) -> list[Any]:
    """What decides a model's answers in a build: its settings, and recorded ones their files."""
    if not model.is_recorded:
        return [_content(model)]
    from nercot.llm.recorded import recorded_key

    return [_content(model), recorded_key(model)]


def _manifest_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the manifest holds it: what decides the content, and nothing of where or how it ran."""
    draws = {"sample": asdict(recipe.sample)} if {"stratify", "draw"} & set(recipe.steps) else {}
    return {
        "steps": list(recipe.steps),
        "source": recipe.source.written(),
        **draws,
        "partition": {"digits": recipe.digits},
        "teacher": {**_content(recipe.teacher), "attempts": recipe.teacher.attempts, "until": recipe.teacher.until},
        "judge": {**_content(recipe.judge), "attempts": recipe.judge.attempts},
        "validate": {"rules": None if recipe.rules is None else list(recipe.rules), "trace": recipe.trace},
        "select": {
            "threshold": recipe.threshold,
            "duplicates": recipe.duplicates,
            "near_duplicates": recipe.near_duplicates,
            "contamination": recipe.contamination,
        },
        "split": {"validation": recipe.validation, "test": recipe.test},
    }


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a whole candidate; None where a file of it is missing."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        whole = (folder / "README.md").exists() and all((folder / file["path"]).exists() for file in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return manifest if whole else None
