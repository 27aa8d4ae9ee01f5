"""After training: merge an adapter, write the model card, push.

    python training/finish.py runs/qwen3-8b-sft-paper [--evaluation DIR/evaluation.json] [--push org/name --license ID]

In: a run's folder (`model/`, `run.json`).  Out: `final/`: the whole model, its tokenizer with the verbatim template,
`run.json`, and README.md with the data's version, the settings and the figures.  Pushing follows the rules of
`nercot publish`: one commit on top of what was looked at, nothing that a repo holds beside it is left, never over a
repo that holds something else, the same call again does nothing, and what was pushed is read back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, ModelCard, ModelCardData
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from nercot.corpus.resources import resource
from nercot.errors import InputError, NercotError, OutputError, ShortfallError
from nercot.formats.hub import HUB_ERRORS, Patience, explain, passing, quiet

_PATIENCE = 600.0
_MARK = "run.json"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def finish(run: Path, evaluation: Path | None, license: str | None) -> Path:
    """Writes `final/` and returns it.  Raises InputError where the run is not finished."""
    about = _json(run / _MARK)
    final = run / "final"
    if not (run / "model").is_dir():
        raise InputError(f"{run}: no folder model; train first (the same command goes on where it stopped)")
    if final.exists():
        shutil.rmtree(final)
    _merge(run / "model", final, about["settings"]["model"])
    about = _without_places(about)
    (final / _MARK).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    card = _card(about, run.resolve().name, None if evaluation is None else _json(evaluation), license)
    (final / "README.md").write_text(card, encoding="utf-8")
    return final


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not there or not JSON; name the folder of a finished run") from error
    return found


def _without_places(value: Any) -> Any:
    """The same without where things lie on this machine: of an absolute path its last part."""
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    return Path(value).name if isinstance(value, str) and value.startswith(("/", "~")) else value


def _merge(model: Path, final: Path, base: Mapping[str, Any]) -> None:
    """The whole model: a copy, or base and adapter in one."""
    if not (model / "adapter_config.json").is_file():
        shutil.copytree(model, final, ignore=shutil.ignore_patterns("README.md", "training_args.bin"))
        return
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer

    code = bool(base["trust_remote_code"])
    adapted = AutoPeftModelForCausalLM.from_pretrained(
        model, dtype=getattr(torch, base["dtype"]), trust_remote_code=code
    )
    adapted.merge_and_unload().save_pretrained(final)
    AutoTokenizer.from_pretrained(model, trust_remote_code=code).save_pretrained(final)


def _card(about: Mapping[str, Any], name: str, evaluation: Mapping[str, Any] | None, license: str | None) -> str:
    settings = about["settings"]
    corpora = about["data"]["corpora"]
    hub = [name for corpus in corpora if _on_hub(name := corpus["name"].partition("@")[0])]
    # A run that went on with another one's model goes back to what that one began with.
    base = settings["model"].get("base") or settings["model"]["name"]
    data = ModelCardData(
        license=license,
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=base if _on_hub(base) else None,
        datasets=hub or None,
        tags=["named-entity-recognition", "chain-of-thought", "reasoning", "nercot"],
    )
    template = resource("cards", "model.md.j2").read_text(encoding="utf-8")
    values = {"name": name, "base": base, "kind": settings["kind"], "settings": json.dumps(settings, indent=2)}
    lora = settings.get("lora")
    return str(
        ModelCard.from_template(
            data,
            template_str=template,
            **values,
            lora=lora,
            corpora=corpora,
            rows=about["data"]["rows"],
            fates=about["data"]["fates"],
            versions=about["versions"],
            last=_last(about["log"]),
            evaluation=evaluation,
        )
    )


def _on_hub(name: str) -> bool:
    """Whether a model or dataset was taken from the Hub: by its id, and not out of a folder."""
    return _HUB_ID.fullmatch(name) is not None and not Path(name).is_dir()


def _last(log: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The last logged figures of training that say something about the model."""
    told = [entry for entry in log if "loss" in entry]
    wanted = ("loss", "mean_token_accuracy", "reward", "kl", "completions/mean_length", "frac_reward_zero_std")
    last = told[-1] if told else {}
    return {
        name: last[name] for name in (*wanted, *(key for key in last if key.startswith("rewards/"))) if name in last
    }


# --- push -----------------------------------------------------------------------------------------


def push(final: Path, repo_id: str, *, private: bool, dry_run: bool) -> list[str]:
    """Makes the model repo hold `final`, and reads it back; returns what was (would be) changed, in lines.

    Raises OutputError (the repo holds something else, the Hub refuses), ShortfallError (busy, or read back otherwise).
    """
    try:
        with quiet():
            return _push(final, repo_id, private, dry_run, Patience(_PATIENCE))
    except HUB_ERRORS as error:
        kind = ShortfallError if passing(error) else OutputError
        raise kind(explain(error, repo_id)) from error


def _push(final: Path, repo_id: str, private: bool, dry_run: bool, ask: Patience) -> list[str]:
    api = HfApi()
    there = _there(api, repo_id, ask)
    files = {path.relative_to(final).as_posix(): path for path in sorted(final.rglob("*")) if path.is_file()}
    foreign = sorted(set(there or {}) - {".gitattributes"})
    if foreign and _MARK not in foreign:
        raise OutputError(f"{repo_id}: holds {foreign[0]}, but no model of ours; choose another name")
    sent = [name for name, path in files.items() if there is None or not _same(path, there.get(name))]
    gone = sorted(set(foreign) - set(files))
    changes = [*([f"create {repo_id}"] if there is None else []), *(f"send {name}" for name in sent)]
    changes += [f"delete {name}" for name in gone]
    if dry_run or not changes:
        return changes
    if there is None:
        ask(lambda: api.create_repo(repo_id, private=private, exist_ok=True))
    head = str(ask(lambda: api.model_info(repo_id)).sha)
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(name, files[name]) for name in sent
    ]
    operations += [CommitOperationDelete(name) for name in gone]
    message = f"nercot: {final.resolve().parent.name}"
    ask(lambda: api.create_commit(repo_id, operations, commit_message=message, parent_commit=head))
    after = _there(api, repo_id, ask) or {}
    if wrong := [name for name, path in files.items() if not _same(path, after.get(name))]:
        raise ShortfallError(f"{repo_id}: {wrong[0]} reads back otherwise than it was sent; run this again")
    return changes


def _there(api: HfApi, repo_id: str, ask: Patience) -> dict[str, RepoFile] | None:
    """The files of the repo by path, None where there is no repo."""
    try:
        entries = ask(lambda: list(api.list_repo_tree(repo_id, recursive=True)))
    except RepositoryNotFoundError:
        return None
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _same(path: Path, there: RepoFile | None) -> bool:
    if there is None or there.size != path.stat().st_size:
        return False
    hashed = hashlib.sha256() if there.lfs else hashlib.sha1(b"blob %d\0" % there.size)
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest() == (there.lfs.sha256 if there.lfs else there.blob_id)


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="After training: merge, card, push.")
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("--evaluation", type=Path, help="evaluation.json that `nercot evaluate --out` wrote")
    parser.add_argument("--license", help="the licence of the model: that of base and data together")
    parser.add_argument("--push", metavar="ORG/NAME", help="model repo on the Hub")
    parser.add_argument("--private", action="store_true")
    parser.add_argument("--dry-run", action="store_true", help="say what --push would change, and change nothing")
    arguments = parser.parse_args()
    try:
        final = finish(arguments.run, arguments.evaluation, arguments.license)
        print(f"{final}: the model, its tokenizer and its card")
        if arguments.push:
            changes = push(final, arguments.push, private=arguments.private, dry_run=arguments.dry_run)
            print(
                "\n".join(f"{'would ' if arguments.dry_run else ''}{line}" for line in changes) or "nothing to change"
            )
    except NercotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
