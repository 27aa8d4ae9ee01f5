"""recipe -> candidate: the whole way, stage after stage of the list that the recipe is.

In: a recipe and what the command line adds.  Out: `build/<corpus>/candidate/` and a BuildResult.  Every
stage is skipped whose inputs have not changed; a second run makes no call and writes no file.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nercot.building.candidate import WRITER, Contents, replace_folder, tidy
from nercot.building.engines.start import is_shared, run_rounds, stored
from nercot.building.lists import prompts_of, stages_of
from nercot.building.manifest import (
    audit_of,
    audited,
    calibration_of,
    manifest_of,
    manifest_recipe,
    measured_of,
    whole_manifest,
)
from nercot.building.models import Bill, Models, check_models, same_models
from nercot.building.options import BuildOptions, BuildResult
from nercot.building.progress import note, noted
from nercot.building.runner import Runner, Went
from nercot.building.source import read_source, refuse_replacing, resolved, say_without_text
from nercot.building.stages import SOURCE, Made, StageList
from nercot.building.worker import Setup, Worker
from nercot.corpus.disputed import read_disputed
from nercot.corpus.recipe import Recipe, load_recipe
from nercot.corpus.recordings import said_of_prompts
from nercot.corpus.tables import read_rows, write_json, writing
from nercot.corpus.work import Report, Work, content_key, quiet
from nercot.errors import BusyError, NercotError
from nercot.llm.recorded import Book, recorded_facts
from nercot.steps.ingest import Ingested
from nercot.steps.select import Scored, Selected, select, selected_before

# From so many records on a process of its own is worth its start and its memory.
PAYS_FROM = 2000
__all__ = ["Build", "BuildOptions", "BuildResult", "alone", "build", "check_models"]


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
    recipe, source = resolved(recipe, options)
    work = Work(options.out / recipe.name)
    with ExitStack() as stack:
        stack.enter_context(alone(work.root))
        stack.enter_context(stored(work, recipe, options))
        prompts = prompts_of(recipe)
        beside = (options.releases or options.out.parent / "releases") / recipe.name
        stages = stages_of(recipe, prompts).without(read_disputed(beside))
        try:
            refuse_replacing(work.root / "candidate", source, options)
            ingested = read_source(source, recipe, options, work, report)
            say_without_text(work, ingested)
            models = Models(recipe, options, stack)
            run = Build(recipe, prompts, stages, work, models, report, options=options)
            run.calibration, run.measured = calibration_of(work), measured_of(recipe)
            run.recorded = recorded_facts(recipe, prompts)
            run.audit = audit_of(beside)
            run.notes = strangers_in(recipe, options, work, ingested)
            return run.run(ingested)
        except NercotError as error:
            if (position := noted(work)) is not None:
                position.error = str(error)
                note(work, position)
            raise


def strangers_in(recipe: Recipe, options: BuildOptions, work: Work, ingested: Ingested) -> list[str]:
    """Lines about recorded answers to records that the source does not have."""
    recorded = [path for teacher in recipe.teachers for path in teacher.recorded]
    if options.limit is not None or not recorded:
        return []
    known = (row["guid"] for part in ingested.partitions for row in read_rows(work.file(SOURCE, part), ["guid"]))
    found = Book("teacher", recorded).strangers(known)
    return [found] if found else []


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


@dataclass(slots=True)
class Build:
    """One run of a list of stages, after its source stage.

    `calibration`, `audit`: what was measured of rules and judge, and what people said, for the card (None: nothing).
    `measured`: a calibration that is kept with the recipe, for the corpus of its fingerprint.
    `recorded`: what is said of recorded answers: whose, from which file, to which prompt.  `notes`: what the user
    should know of this run.
    """

    recipe: Recipe
    prompts: Mapping[str, str]
    stages: StageList
    work: Work
    models: Models
    report: Report
    calibration: Any = None
    measured: Any = None
    audit: Any = None
    recorded: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    options: BuildOptions = field(default_factory=BuildOptions)

    def run(self, ingested: Ingested) -> BuildResult:
        """Every stage in order, down to the candidate."""
        batches = self.models.in_batches
        alone = batches or is_shared(self.options) or ingested.kept < PAYS_FROM
        beside = None if alone else self._worker()
        runner = Runner(self.stages, self.work, self.models, self.report, beside=beside, together=batches)
        key = runner.finish(self._rounds(runner, ingested.partitions))
        selected = self._select(sorted(ingested.partitions), key)
        result = self._candidate(ingested, selected)
        note(self.work, None)
        return result

    def _worker(self) -> Worker | None:
        """What runs stages beside the event loop, where there is one."""
        if not any(stage.asking and self.models.is_live(stage.asking) for stage in self.stages.kinds):
            return None
        return Worker(Setup(self.recipe, self.prompts, self.work.root.absolute(), self.models.ledger_path.absolute()))

    def _rounds(self, runner: Runner, partitions: Mapping[str, str]) -> dict[str, Went]:
        """All rounds, in this process or by workers."""
        if not is_shared(self.options):
            return runner.rounds(partitions)
        bill = self.models.bill
        return run_rounds(self.recipe, self.prompts, self.options, self.work, partitions, bill, self.report)

    def _select(self, parts: Sequence[str], key: str) -> Selected:
        """Selects over the whole corpus, where the list says so."""
        stage = self.stages.select
        if stage is None:
            return Selected(key, {}, {})
        key = content_key(stage.name, stage.settings, key)
        scored = Scored(self.work, parts, len(self.stages.rounds), stage.scored, stage.answered)
        known = selected_before(self.work, parts, key)
        found = known or select(scored, key, stage.selection, stage.checker(), self.report)
        return replace(found, findings={**found.findings, **stage.told})

    def _candidate(self, ingested: Ingested, selected: Selected) -> BuildResult:
        folder, recipe = self.work.root / "candidate", self.recipe
        card = [recipe.title, recipe.about, recipe.citation, recipe.language, recipe.license]
        made_of = [ingested.key, selected.key, manifest_recipe(recipe), self.prompts, WRITER, self.calibration]
        said = [each for each in (self.measured, self.audit) if each]
        made_of += [*self.recorded, *said, *sorted(self.stages.disputed)]
        key = content_key(self.stages.ending.name, card, *made_of)
        manifest = whole_manifest(folder)
        changed = manifest is None or manifest.get("key") != key
        if changed:
            manifest = self._write_candidate(folder, ingested, selected, key)
        assert manifest
        return self._result(folder, manifest, changed)

    def _write_candidate(self, folder: Path, ingested: Ingested, selected: Selected, key: str) -> dict[str, Any]:
        from nercot.report.card import write_card

        stages, parts = self.stages, sorted(ingested.partitions)
        chosen = self.recipe.threshold, selected, self.recipe.agreement, stages.disputed
        made = Made(self.work, parts, self.prompts, stages.rounds, *chosen)
        new = folder.with_name(".candidate.new")
        shutil.rmtree(new, ignore_errors=True)
        with writing(folder):
            new.mkdir(parents=True)
            if (folder / "README.md").exists():
                shutil.copyfile(folder / "README.md", new / "README.md")
            self.report("candidate", 0, 1)
            contents = stages.ending.tables(made, new)
            said: dict[str, Any] = {"key": key, "prompts": dict(self.prompts)}
            heard = audited(self.audit, contents, new)
            said |= {"recorded": self.recorded, "calibration": self._calibration(contents), "audit": heard}
            manifest = manifest_of(self.recipe, stages, ingested, contents, selected, said)
            write_card(new, manifest, contents.stats.summary())
            write_json(new / "manifest.json", manifest)
        replace_folder(new, folder)
        self.report("candidate", 1, 1)
        return manifest

    def _calibration(self, contents: Contents) -> Any:
        """What was measured of this corpus: by whoever builds it, else by whoever made its recipe."""
        if self.calibration is not None or self.measured is None:
            return self.calibration
        return self.measured if self.measured.get("fingerprint") == contents.fingerprint else None

    def _result(self, folder: Path, manifest: Mapping[str, Any], changed: bool) -> BuildResult:
        steps = manifest["steps"]
        records = steps[-1]["kept"]
        bill, storage = self.models.bill, self.options.storage
        where = f"{storage}/{self.recipe.name}/candidate" if storage else str(folder)
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
            teachers=list(manifest.get("teachers", ())),
            shortfall=_shortfall(steps, records, bill),
            recorded=dict(bill.recorded),
            notes=[*self.notes, *bill.notes(), *_gone_on(steps, bill), *self._said(manifest, changed)],
            where=where,
            next=[line.replace("{folder}", where) for line in self._next(steps)],
        )

    def _next(self, steps: Sequence[Mapping[str, Any]]) -> list[str]:
        """What can be done with the candidate: where rows fell, first how to see why, and that alone if all did."""
        fell = any(step["dropped"] for step in steps)
        further = self.stages.ending.next if steps[-1]["kept"] else ()
        return [*(["nercot dropped {folder}"] if fell else []), *further]

    def _said(self, manifest: Mapping[str, Any], changed: bool) -> list[str]:
        """What should be known of the models, by recipe and manifest; of recorded prompts once, as the card does."""
        recorded = manifest.get("recorded", ()) if changed else ()
        return [*same_models(self.recipe), *said_of_prompts(recorded)]


def _waiting(steps: Sequence[Mapping[str, Any]]) -> int:
    return sum(step["pending"] for step in steps)


def _gone_on(steps: Sequence[Mapping[str, Any]], bill: Bill) -> list[str]:
    """Lines about what is not recorded, where no record waits for it: other teachers' answers were taken."""
    return [] if _waiting(steps) else [f"{line}; other teachers' answers were taken" for line in bill.absent()]


def _shortfall(steps: Sequence[Mapping[str, Any]], records: int, bill: Bill) -> str | None:
    waiting, absent = _waiting(steps), bill.absent()
    if waiting and absent and not bill.stopped:
        return f"{waiting} records wait for an answer ({'; '.join(absent)})"
    if waiting:
        unreached = f"{' and '.join(bill.unreached)} could not be asked" if bill.unreached else ""
        stopped = bill.stopped or unreached or "their time for retries is used up"
        why = "the budget is used up: raise --max-cost" if stopped == "budget" else stopped
        return f"{waiting} records wait for an answer ({why}); the same command goes on where this one ended"
    if records == 0:
        return "no record is left: every one was dropped; the table says where and why"
    return None
