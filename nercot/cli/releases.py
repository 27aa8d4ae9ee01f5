"""Commands on releases: release, diff, verify, hydrate, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nercot.cli.shell import command, print_json, print_table, progress

if TYPE_CHECKING:
    from nercot.release.diff import Diff

_SHOWN = 5


@command("release")
@click.argument("corpus")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("build"), show_default=True, help="Folder of builds."
)
@click.option(
    "--releases", type=click.Path(path_type=Path), help="Folder of releases.  [default: releases, beside the builds]"
)
@click.option("--version", metavar="X.Y.Z", help="Version, in place of the one that follows from what changed.")
@click.option(
    "--remove",
    type=click.Path(path_type=Path),
    metavar="GUIDS.txt",
    help="Take down: a guid a line (and a reason); left out of this and of every later build.",
)
@click.option("--internal", is_flag=True, help="Whole, whatever the licences: for yourself, never to be published.")
def release_command(
    corpus: str,
    out: Path,
    releases: Path | None,
    version: str | None,
    remove: Path | None,
    internal: bool,
    as_json: bool,
) -> None:
    """Freeze the candidate of CORPUS as a numbered release that never changes."""
    from nercot.release.release import freeze

    with progress(as_json) as report:
        done = freeze(corpus, out, releases, version, remove, report, internal)
    if as_json:
        print_json(done.as_json())
        return
    if not done.made:
        click.echo(f"{corpus}: nothing has changed since {done.version}; {done.folder} is it")
        return
    after = f" ({done.kind} change after {done.previous})" if done.previous else ""
    click.echo(f"{corpus} {done.version}{after}: {done.rows} rows")
    if done.removed:
        click.echo(f"taken down: {done.removed} sentences, here and in every later build")
        click.echo("  versions that were released before, also on the Hub, still hold them")
    for line in done.changes:
        click.echo(f"  {line}")
    if done.without_text:
        click.echo(f"  {done.without_text} rows stand without their text: no licence is known that lets you pass it on")
        click.echo("  build with --license where you know it, or release --internal for yourself")
    click.echo(f"release      {done.folder}\nfingerprint  {done.fingerprint}\n")
    click.echo("Next:")
    click.echo(f"  nercot verify {done.folder} --rebuild")
    if internal:
        click.echo("  keep it to yourself: it holds text whose licence is not known to allow passing it on")
    else:
        click.echo(f"  nercot publish {done.folder} org/{corpus} --dry-run")


@command("diff")
@click.argument("a")
@click.argument("b")
def diff_command(a: str, b: str, as_json: bool) -> None:
    """Show the rows that differ between A and B: folders, releases, or Hub ids at revisions."""
    from nercot.release.diff import diff

    found = diff(a, b)
    if as_json:
        print_json(found.as_json())
    else:
        _print_diff(found)
    if found.differs:
        raise SystemExit(1)


def _print_diff(found: Diff) -> None:
    counts = [["added", len(found.added)], ["removed", len(found.removed)], ["changed", len(found.changed)]]
    click.echo(f"{found.rows[0]} rows in {found.a}, {found.rows[1]} in {found.b}")
    print_table(["rows", "count"], counts)
    if found.columns:
        print_table(["column", "is"], [[name, state] for name, state in found.columns.items()])
    if found.changed:
        print_table(["column", "rows in which it differs"], [list(item) for item in found.changed_columns().items()])
    types = [[name, *pair] for name, pair in found.types.items() if pair[0] != pair[1]]
    if types:
        print_table(["type", "in a", "in b"], types[:20], len(types) - 20)
    steps = [[name, _kept(one), _kept(two)] for name, (one, two) in found.steps.items() if one != two]
    if steps:
        print_table(["kept by step", "in a", "in b"], steps)
    for title, guids in (("added", found.added), ("removed", found.removed), ("changed", list(found.changed))):
        if guids:
            more = f" and {len(guids) - _SHOWN} more" if len(guids) > _SHOWN else ""
            click.echo(f"{title}: {', '.join(guids[:_SHOWN])}{more}")


def _kept(step: Mapping[str, Any] | None) -> str:
    return "-" if step is None else f"{step['kept']} of {step['in']}"


@command("verify")
@click.argument("release")
@click.option("--rebuild", is_flag=True, help="Make the whole corpus again from the release's own answers.")
def verify_command(release: str, rebuild: bool, as_json: bool) -> None:
    """Check a release (a folder, or org/name@v1.0.0): every checksum, column, offset, count, and that it can be made
    again."""
    from nercot.formats.sources import corpus_folder
    from nercot.release.verify import verify

    with progress(as_json) as report:
        folder = corpus_folder(release)
        shared = folder != Path(release).expanduser()
        found = replace(verify(folder, rebuild, report, shared=shared), release=release)
    if as_json:
        print_json(found.as_json())
    else:
        for line in found.problems:
            click.echo(line)
        for line in found.notes:
            click.echo(f"note: {line}")
        again = ", made again from what is in it" if found.rebuilt else ""
        state = f"{len(found.problems)} problems" if found.problems else f"sound{again}"
        click.echo(f"{release}: {state} ({found.files} files, {found.rows} rows)")
    if found.problems:
        raise SystemExit(1)


@command("hydrate")
@click.argument("release")
@click.option(
    "--input", "source", required=True, metavar="PATH", help="Your copy of the sources: folder, file or Hub id."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where to write.  [default: hydrated/CORPUS/VERSION]"
)
def hydrate_command(release: str, source: str, out: Path | None, as_json: bool) -> None:
    """Put the text back into a release that may not pass it on, from your own copy of its sources."""
    from nercot.formats.sources import corpus_folder
    from nercot.release.standoff import hydrate

    with progress(as_json) as report:
        done = hydrate(corpus_folder(release), source, out, report)
    if as_json:
        print_json(done.as_json())
        return
    traces = f"; {done.without_trace} traces are not passed on" if done.without_trace else ""
    click.echo(f"{done.corpus} {done.version}: {done.rows} rows have their text again{traces}")
    click.echo(f"folder       {done.folder} (not to be passed on)\nfingerprint  {done.fingerprint}")


@command("publish")
@click.argument("release", type=click.Path(path_type=Path))
@click.argument("repo_id", metavar="ORG/NAME")
@click.option("--private", is_flag=True, help="Make a new repo private.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@click.option(
    "--force", is_flag=True, help="Also over a repo that holds something else, a newer version, or an edited card."
)
def publish_command(release: Path, repo_id: str, private: bool, dry_run: bool, force: bool, as_json: bool) -> None:
    """Put a release on the Hub: one commit, one tag, read back and compared."""
    from nercot.release.publish import publish
    from nercot.release.verify import verify

    done = publish(
        release,
        repo_id,
        verify=lambda folder: verify(folder).problems,
        private=private,
        dry_run=dry_run,
        force=force,
        report=lambda line: click.echo(line, err=as_json),
    )
    if as_json:
        print_json(asdict(done))
        return
    if dry_run:
        click.echo("Nothing was written.")
        return
    state = "published" if done.changes else "is already there"
    click.echo(f"{done.tag} {state}: {done.url}")
    click.echo(f"""  python -c 'from datasets import load_dataset; load_dataset("{repo_id}", revision="{done.tag}")'""")
