"""Which engine runs a build, and where its work folder lies.

In: what the command line says.  Out: all rounds run, here or by workers; a work folder that is a copy of what lies in a
storage, put back at the end of every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

from nercot.building.engines.desk import Desk, together
from nercot.building.engines.job import Job, check_shareable
from nercot.building.engines.mirror import Mirror
from nercot.building.lists import stages_of
from nercot.building.models import Bill
from nercot.building.options import BuildOptions
from nercot.building.progress import Position, note, say_figures
from nercot.building.runner import Went
from nercot.corpus.recipe import Recipe
from nercot.corpus.storage import Storage
from nercot.corpus.work import Report, Work

LEDGER_COPY = "ledger.parquet"


def is_shared(options: BuildOptions) -> bool:
    """Whether workers run a build, not this process."""
    return options.engine != "local" or options.workers is not None


def run_rounds(
    recipe: Recipe,
    prompts: Mapping[str, str],
    options: BuildOptions,
    work: Work,
    partitions: Mapping[str, str],
    bill: Bill,
    report: Report,
) -> dict[str, Went]:
    """Has workers run all rounds of the partitions; adds what they asked to the bill."""
    check_shareable(recipe, options.batch)
    mirror = Mirror(f"{options.storage}/{recipe.name}") if options.storage else None
    if mirror is not None:
        mirror.push_source(work)
    desk = Desk(Job(recipe, prompts, work.root.absolute(), mirror), partitions)
    if options.engine == "ray":
        _on_ray(desk, recipe, options, work, report)
    else:
        _on_processes(desk, recipe, options, work, report)
    _looking(desk, dict, work, report)()
    if mirror is not None:
        mirror.pull(work, sorted(partitions))
    for ran in desk.ran.values():
        bill.merge(ran.bill)
    return {part: desk.ran[part].went for part in sorted(partitions)}


def _on_processes(desk: Desk, recipe: Recipe, options: BuildOptions, work: Work, report: Report) -> None:
    from nercot.building.engines.processes import run_processes
    from nercot.llm.owner import Owner

    with closing(Owner(options.ledger_path, recipe.name, recipe.max_cost)) as owner:
        told = cast(Callable[[], Mapping[str, Position]], owner.told)
        run_processes(options.workers or 1, desk, owner, _looking(desk, told, work, report))


def _on_ray(desk: Desk, recipe: Recipe, options: BuildOptions, work: Work, report: Report) -> None:
    from nercot.building.engines.ray import Cluster

    options.ledger_path.parent.mkdir(parents=True, exist_ok=True)
    with Cluster(options.address, options.ledger_path, recipe.name, recipe.max_cost) as cluster:
        cluster.run(desk, options.workers, _looking(desk, cluster.told, work, report))


def _looking(desk: Desk, told: Callable[[], Mapping[str, Position]], work: Work, report: Report) -> Callable[[], None]:
    """Says and notes how far the workers are, and what became of records so far."""
    job = desk.job()
    kinds = stages_of(job.recipe, job.prompts).kinds
    last = kinds[-1].name if kinds else ""

    def look() -> None:
        ended = [ran.position for ran in list(desk.ran.values())]  # threads add to it
        if (position := together(told(), ended)) is not None:
            note(work, position)
            say_figures(report, position.figures(last))
        report("partitions", len(desk.ran), desk.wanted)

    return look


@contextmanager
def stored(work: Work, recipe: Recipe, options: BuildOptions) -> Iterator[None]:
    """Holds a work folder that lies in a storage: brings what is there, and puts back what was made, come what may."""
    if options.storage is None:
        yield
        return
    mirror, storage = Mirror(f"{options.storage}/{recipe.name}"), Storage(options.storage)
    with mirror.claimed():
        mirror.pull(work)
        _fetch_ledger(storage, options.ledger_path)
        try:
            yield
        finally:
            mirror.push_all(work)
            _store_ledger(storage, options.ledger_path)


def _fetch_ledger(storage: Storage, path: Path) -> None:
    """A new ledger begins with what the storage has of an older one: answers that are paid for."""
    if path.exists() or storage.read(LEDGER_COPY) is None:
        return
    from nercot.llm.exchange import import_parquet
    from nercot.llm.ledger import Ledger

    copy = path.with_name(f".{LEDGER_COPY}")
    storage.download(LEDGER_COPY, copy)
    with Ledger(path) as ledger:
        import_parquet(ledger, copy)
    copy.unlink()


def _store_ledger(storage: Storage, path: Path) -> None:
    if not path.exists():
        return
    from nercot.llm.exchange import export_parquet
    from nercot.llm.ledger import Ledger

    copy = path.with_name(f".{LEDGER_COPY}")
    with Ledger(path) as ledger:
        export_parquet(ledger, copy)
    storage.upload(copy, LEDGER_COPY)
    copy.unlink()
