"""A corpus of the user's own data: the recipe own, named after the file, with whom the command line names.

In: `--input`, what else is said, and a file of types.  Out: a Recipe.  Never guesses a licence, and never asks a model
that nobody named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

from nercot.corpus.recipe import Recipe, load_recipe
from nercot.errors import InputError, RecipeError
from nercot.formats.sources import find_files

_SUFFIX = re.compile(
    r"(\.(jsonl?|ndjson|jsonlines|txt|tsv|csv|parquet|conllu?|bio|iob2?|iobes|gz|zst|xml|ann|spacy))+$", re.IGNORECASE
)
_OF_SERVER = re.compile(r"teacher\.(url|model|api_key_env|price.*)")


def own_recipe(where: str, overrides: Sequence[tuple[str, Any]]) -> Recipe:
    """The recipe own for the data at `where`.

    Without a judge the teacher's own model judges, which is said; with a reader the traces are read as well.
    """
    said = dict(overrides)
    if "teacher.url" not in said:
        find_files(where)  # what is not there is said before who is missing
        raise RecipeError(
            "who annotates? give --teacher-url URL --teacher-model NAME (an OpenAI-compatible server), or --teacher-url"
            " local --teacher-model FILE.gguf, or a recipe with recorded answers (nercot recipe --new FILE)"
        )
    more: list[tuple[str, Any]] = []
    if "corpus.name" not in said:
        more.append(("corpus.name", name_of(where)))
    if "judge.url" not in said:
        teacher = {
            key: value for key, value in said.items() if re.fullmatch(r"teacher\.(url|model|api_key_env|price.*)", key)
        }
        more += [(key.replace("teacher", "judge", 1), value) for key, value in teacher.items()]
    if "reader.url" in said and "steps" not in said:
        more.append(("steps", ["annotate", "validate", "read", "score", "select"]))
    return load_recipe("own", [*more, *overrides])


def name_of(where: str) -> str:
    """A corpus' name out of a path or Hub id: `data/My notes.txt` is `My-notes`."""
    base = where if "://" in where else str(Path(where).expanduser())
    last = re.split(r"[@:]", base.rstrip("/").rpartition("/")[2])[0] or Path(where).expanduser().resolve().name
    plain = normalize("NFKD", _SUFFIX.sub("", last)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-._") or "own"


def described(path: Path) -> dict[str, str]:
    """Type -> meaning ('' where none is given), in the order of a file of types; InputError where it is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path of --types") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8; save it as UTF-8") from error
    found = _of_json(path, text) if text.lstrip()[:1] in ("{", "[") else _of_lines(text)
    if not found:
        raise InputError(f"{path}: no types in it; write one a line, for example `person: a named human being`")
    return found


def _of_json(path: Path, text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: begins as JSON and is none ({error})") from error
    if isinstance(value, list):
        listed = [item if isinstance(item, dict) else {"label": item} for item in value]
        value = {item.get("label", item.get("name")): item.get("description") or "" for item in listed}
    if not all(isinstance(label, str) and label.strip() and isinstance(said, str) for label, said in value.items()):
        raise InputError(f'{path}: not {{"type": "meaning", ...}} nor [{{"label": ..., "description": ...}}, ...]')
    return {label.strip(): " ".join(said.split()) for label, said in value.items()}


def _of_lines(text: str) -> dict[str, str]:
    """`type<TAB>meaning` or `type: meaning`, a line each; blank ones and those that begin with `# ` are left out."""
    found: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("# "):
            label, _, said = line.partition("\t") if "\t" in line else line.partition(": ")
            found[label.strip()] = " ".join(said.split())
    return found
