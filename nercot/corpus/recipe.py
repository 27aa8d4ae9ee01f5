"""TOML -> Recipe: how one corpus is built.

In: a recipe's name or path, and `key=value` overrides.  Out: a frozen Recipe whose values are checked
against schemas/recipe.schema.json.  An unknown key names the nearest known one.  Never reads a secret:
a recipe names the environment variable that holds a key, not the key.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from nercot.corpus.labels import PAPER_IGNORED
from nercot.corpus.recordings import read_header
from nercot.corpus.resources import resource
from nercot.errors import RecipeError

# Paths of a recipe start at its folder, paths of the command line where the user stands.
_PATH_KEYS = re.compile(r"source\.path|benchmarks\.path|prompts\..+|recorded\..+")
EMBEDDED = "embedded"
LOCAL = "local"
RECORDED = "recorded"
NOBODY = "none"
# The ways to a corpus that has rows without a trace.
_MERGING = (("merge",), ("annotate", "validate", "merge"), ("draw", "annotate", "validate", "merge"))
# The paper's sizes: its RE subset, and in its supervised setting the rows of each category, and without an entity.
RE_SIZE, PER_CATEGORY = 4703, 50


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; None is unknown."""

    input: float | None = None
    cached_input: float | None = None
    output: float | None = None

    @property
    def known(self) -> bool:
        """Whether a cost can be computed."""
        return self.input is not None and self.output is not None


@dataclass(frozen=True, slots=True)
class Model:
    """A teacher or a judge: an OpenAI-compatible endpoint, `local` (a GGUF file), `recorded`, or `embedded`.

    `url`: one or several replicas of one model; the words `embedded`, `local` and `recorded` are not addresses.
    `rpm`, `tpm`: requests and tokens per minute; None is no limit.  `extra`: sent with every request.
    `file`: the GGUF file of a local model, whose name is then `model`.  `recorded`: the files of recorded answers
    that stand in for it.
    """

    url: tuple[str, ...] = (EMBEDDED,)
    provider: str | None = None
    model: str = EMBEDDED
    api_key_env: str | None = None
    concurrency: int = 64
    rpm: int | None = None
    tpm: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    attempts: int = 1
    until: str = "valid"
    extra: Mapping[str, Any] = field(default_factory=dict)
    price: Price = Price()
    file: str | None = None
    recorded: tuple[str, ...] = ()

    @property
    def is_recorded(self) -> bool:
        """Whether recorded answers stand in for an endpoint."""
        return self.url == (RECORDED,)

    @property
    def embedded(self) -> bool:
        """Whether this is the offline annotator or rubric (embedded.py), which is no model."""
        return self.url == (EMBEDDED,)


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One dataset of a source: `schema` for its rows that have none, `renamed` labels old -> new."""

    schema: tuple[str, ...] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)


# Keys of a source that say how files of tokens are read: how they become a sentence, the column of tags, what ends one.
READING = ("join", "column", "sentences")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where sentences and schemas come from: a path, or a Hub dataset at a revision.

    `labels`: the schema of rows that have none; `renamed`: labels old -> new; `ignore_labels`: labels that are
    left out; `datasets`: the same for single datasets by name, and for a draw the datasets that it wants.
    """

    path: str | None = None
    hub: str | None = None
    revision: str | None = None
    format: str | None = None
    split: str | None = None
    labels: tuple[str, ...] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignore_labels: tuple[str, ...] = ()
    datasets: Mapping[str, DatasetSpec] = field(default_factory=dict)
    join: str | None = None
    column: str | None = None
    sentences: str | None = None

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> SourceSpec:
        """The table `source` of a recipe, or of a manifest: `labels` is a list (a schema) or a table (old -> new)."""
        schema, renamed = _labels(table.get("labels"))
        datasets = {name: DatasetSpec(*_labels(own.get("labels"))) for name, own in table.get("datasets", {}).items()}
        plain = {key: table.get(key) for key in ("path", "hub", "revision", "format", "split", *READING)}
        if plain["column"] is not None:
            plain["column"] = str(plain["column"])
        ignored = _ignored(table.get("ignore_labels", ()))
        return cls(**plain, labels=schema, renamed=renamed, ignore_labels=ignored, datasets=datasets)

    def instead(self, where: str) -> SourceSpec:
        """The same for another source, a path or Hub dataset: files are known by name and hash, not by their folder."""
        base, colon, config = where.rpartition(":")
        if Path(where).expanduser().exists() or (colon and Path(base).is_dir()):
            return replace(self, path=None, hub=None, revision=None)
        name, _, revision = (base if colon else where).partition("@")
        return replace(self, path=None, hub=f"{name}{colon}{config if colon else ''}", revision=revision or None)

    def written(self) -> dict[str, Any]:
        """What `read` takes, without what is not set; of a path only its name."""
        labels = {name: own.renamed or own.schema for name, own in self.datasets.items()}
        table: dict[str, Any] = {
            "path": None if self.path is None else Path(self.path).name,
            "hub": self.hub,
            "revision": self.revision,
            "format": self.format,
            "split": self.split,
            "labels": dict(self.renamed) or (None if self.labels is None else list(self.labels)),
        }
        table |= {key: value for key in READING if (value := getattr(self, key)) is not None}
        if self.ignore_labels:
            table["ignore_labels"] = list(self.ignore_labels)
        if self.datasets:
            table["datasets"] = {name: {"labels": listed} if listed else {} for name, listed in labels.items()}
        return table


def _ignored(value: Any) -> tuple[str, ...]:
    """A list of labels, or `paper` for those that the paper's code leaves out."""
    return PAPER_IGNORED if value == "paper" else tuple(value)


def _labels(value: Any) -> tuple[tuple[str, ...] | None, Mapping[str, str]]:
    """A list of labels is a schema, a table renames them."""
    return (None, dict(value)) if isinstance(value, Mapping) else (tuple(value) if value else None, {})


@dataclass(frozen=True, slots=True)
class Sample:
    """A draw.  `size`: rows in all (1 or more), or the share of each dataset (below 1); in hybrid rows a category.

    `cap`: a dataset counts as having at most so many rows, where the size is one of rows in all.
    """

    size: float = RE_SIZE
    seed: int = 0
    cap: int = 10_000
    allow_missing: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one corpus is built; `folder` is where relative paths of the recipe start."""

    name: str
    folder: Path
    steps: tuple[str, ...]
    title: str
    license: str = "unknown"
    language: tuple[str, ...] = ("en",)
    about: str = ""
    citation: str = ""
    source: SourceSpec = SourceSpec()
    sample: Sample = Sample()
    digits: int = 1
    teacher: Model = Model()
    reader: Model = Model()
    judge: Model = Model()
    prompts: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] | None = None
    trace: str = "required"
    threshold: float = 9.0
    duplicates: str = "drop"
    near_duplicates: str = "flag"
    contamination: str = "flag"
    benchmarks: str | None = None
    validation: int = 0
    test: int = 0
    retry_seconds: float = 600.0
    max_cost: float | None = None


def load_recipe(name: str = "quickstart", overrides: Sequence[tuple[str, Any]] = ()) -> Recipe:
    """The recipe of that name (corpora/) or at that path, with overrides put in.

    Raises RecipeError in one line: no such recipe, no TOML, unknown key, wrong type or value.
    """
    path = _find(name)
    data = _read(path)
    _forget_host(data, dict(overrides))
    for key, value in overrides:
        _put(data, key, _from_here(value) if _PATH_KEYS.fullmatch(key) else value)
    _check(data, path.name)
    return _recipe(data, path.parent)


def _forget_host(data: dict[str, Any], overridden: Mapping[str, Any]) -> None:
    """Key, price and provider belong to the recipe's own host: another address does not get them.

    Recorded answers say themselves which model gave them.
    """
    for role in ("teacher", "reader", "judge"):
        if f"{role}.url" in overridden and isinstance(data.get(role), dict):
            for name in ("api_key_env", "price", "provider"):
                data[role].pop(name, None)
            if overridden[f"{role}.url"] == RECORDED:
                data[role].pop("model", None)


def _from_here(path: Any) -> Any:
    if isinstance(path, list):
        return [_from_here(one) for one in path]
    return str(Path(path).expanduser().absolute()) if isinstance(path, str) else path


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    return sorted(path.stem for path in resource("corpora").glob("*.toml") if "steps" in _read(path))


def parse_override(text: str) -> tuple[str, Any]:
    """`key=value` of --set: the value is TOML where it reads as such, else a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {text!r}: write it as key=value, for example select.threshold=8")
    try:
        return key.strip(), tomllib.loads(f"value = {value.strip()}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return key.strip(), value.strip()


def _find(name: str) -> Path:
    path = Path(name).expanduser()
    if path.suffix == ".toml" or path.is_file() or "/" in name:
        if not path.is_file():
            raise RecipeError(f"{name}: no such recipe file; check the path")
        return path.resolve()
    try:
        return resource("corpora", f"{name}.toml")
    except Exception as error:
        raise RecipeError(f"no recipe {name!r}; there are {', '.join(recipe_names())}, or give a TOML file") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as handle:
            return tomllib.load(handle)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8; convert it") from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for name in tables:
        data = data.setdefault(name, {})
        if not isinstance(data, dict):
            raise RecipeError(f"{key}: {name} is a value, not a table of keys")
    data[last] = value


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(resource("schemas", "recipe.schema.json").read_text(encoding="utf-8"))
    return loaded


def known_keys() -> list[str]:
    """Every key of a recipe, dotted, as the schema lists them."""
    return sorted(_keys(_schema(), ""))


def _keys(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    if "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
    for name, child in node.get("properties", {}).items():
        key = f"{prefix}{name}"
        inner = list(_keys(child, f"{key}."))
        yield from inner or [key]


def _check(data: dict[str, Any], name: str) -> None:
    from jsonschema import Draft202012Validator

    validator = cast(Any, Draft202012Validator)(_schema())
    errors = sorted(validator.iter_errors(data), key=lambda error: list(map(str, error.path)))
    if errors:
        raise RecipeError(f"{name}: {_line(errors[0])}")


def _line(error: Any) -> str:
    """One line of a schema error: the key, what is wrong, what would be right."""
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        return _unknown(error, key)
    if error.validator == "required":
        return f"the key {'.'.join(filter(None, (key, error.message.split(chr(39))[1])))} is missing"
    wanted: dict[str, Callable[[], str]] = {
        "type": lambda: f"must be {_article(error.validator_value)}",
        "enum": lambda: f"must be one of {', '.join(map(str, error.validator_value))}",
        "minimum": lambda: f"must be at least {error.validator_value}",
        "maximum": lambda: f"must be at most {error.validator_value}",
        "exclusiveMinimum": lambda: f"must be more than {error.validator_value}",
        "pattern": lambda: "has characters that it cannot have",
        "anyOf": lambda: f"must have another form ({error.schema.get('description')})",
    }
    what = wanted.get(error.validator, lambda: str(error.message))
    return f"{key} {what()}, not {_shown(error.instance)}"


def _article(kind: str) -> str:
    names = {
        "string": "a text",
        "integer": "a whole number",
        "number": "a number",
        "array": "a list",
        "object": "a table",
    }
    return names.get(kind, kind)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unknown(error: Any, prefix: str) -> str:
    from rapidfuzz import process

    known = error.schema.get("properties", {})
    name = next(key for key in error.instance if key not in known)
    full = ".".join(filter(None, (prefix, name)))
    children = (f"{full}.{key}" for key in error.instance[name]) if isinstance(error.instance[name], dict) else ()
    near = process.extractOne(next(iter(children), full), known_keys())
    return f"unknown key {full}" + (f"; did you mean {near[0]}?" if near else "")


def _recipe(data: dict[str, Any], folder: Path) -> Recipe:
    corpus, source = data["corpus"], data.get("source", {})
    select, validate = data.get("select", {}), data.get("validate", {})
    benchmarks, split = data.get("benchmarks", {}).get("path"), data.get("split", {})
    if select.get("contamination") == "drop" and not benchmarks:
        raise RecipeError("select.contamination = drop needs test sets: set benchmarks.path to a folder of them")
    if source.get("path") and source.get("hub"):
        raise RecipeError("source.path and source.hub are both set; keep one")
    rules = validate.get("rules")
    steps = _steps(tuple(data["steps"]))
    return Recipe(
        name=corpus["name"],
        folder=folder,
        steps=steps,
        title=corpus.get("title", corpus["name"]),
        license=corpus.get("license", "unknown"),
        language=tuple(corpus.get("language", ("en",))),
        about=corpus.get("about", "").strip(),
        citation=corpus.get("citation", "").strip(),
        source=SourceSpec.read(source),
        sample=_sample(data.get("sample", {}), steps),
        digits=data.get("partition", {}).get("digits", 1),
        teacher=_teacher(_with_recorded(data, "teacher", folder), steps),
        judge=_model(_with_recorded(data, "judge", folder), attempts=3),
        prompts=data.get("prompts", {}),
        rules=None if rules is None else tuple(rules),
        trace=validate.get("trace", "required"),
        threshold=float(select.get("threshold", 9.0)),
        duplicates=select.get("duplicates", "drop"),
        near_duplicates=select.get("near_duplicates", "flag"),
        contamination=select.get("contamination", "flag"),
        benchmarks=benchmarks,
        validation=split.get("validation", 0),
        test=split.get("test", 0),
        retry_seconds=float(data.get("retry", {}).get("max_seconds", 600)),
        max_cost=data.get("budget", {}).get("max_cost"),
    )


def _steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps, if those of a draw stand where they can."""
    rest = steps[1:] if steps[0] == "stratify" else steps
    if not {"stratify", "draw", "merge"}.isdisjoint(rest) and rest not in _MERGING:
        ways = "; ".join(map(", ".join, _MERGING))
        raise RecipeError(f"steps: {', '.join(steps)} leads to no corpus; stratify goes first, merge in: {ways}")
    return steps


def _sample(data: Mapping[str, Any], steps: Sequence[str]) -> Sample:
    sample = Sample(**{"size": PER_CATEGORY if "draw" in steps else RE_SIZE, **data})
    if sample.size >= 1 and not isinstance(sample.size, int):
        # 1.0 may mean one row as well as all of them.
        raise RecipeError(f"sample.size must be a whole number of rows, or a share below 1, not {sample.size}")
    if "draw" in steps and sample.size < 1:
        raise RecipeError(f"sample.size must be a number of rows for each category, not the share {sample.size:g}")
    return sample


def _teacher(data: Mapping[str, Any], steps: Sequence[str]) -> Model:
    """The teacher; none where rows without a trace are merged in and nobody is named to write one (yet)."""
    return Model(model=NOBODY) if "merge" in steps and "url" not in data else _model(data, attempts=1)


def _with_recorded(data: Mapping[str, Any], role: str, folder: Path) -> Mapping[str, Any]:
    """The table of a role with the files of its recorded answers, and the model that gave them where none is named."""
    table = data.get(role, {})
    if table.get("url") not in (RECORDED, [RECORDED]):
        return cast(Mapping[str, Any], table)
    named = data.get("recorded", {}).get(role, ())
    paths = [folder / Path(path).expanduser() for path in ([named] if isinstance(named, str) else named)]
    if not paths:
        raise RecipeError(f'{role}.url = "recorded": from which file? set recorded.{role} to one')
    models = {path: read_header(path).model for path in paths}
    wanted = table.get("model", models[paths[0]])
    chosen = [str(path) for path, model in models.items() if model == wanted]
    if not chosen or (len(chosen) < len(paths) and "model" not in table):
        held = ", ".join(sorted(set(models.values())))
        raise RecipeError(f"{role}.model: whose recorded answers? the files of recorded.{role} hold those of {held}")
    return {**table, "model": wanted, "recorded": tuple(chosen)}


def _model(data: Mapping[str, Any], attempts: int) -> Model:
    url = data.get("url", EMBEDDED)
    urls = (url,) if isinstance(url, str) else tuple(url)
    if len(urls) > 1 and not {EMBEDDED, LOCAL, RECORDED}.isdisjoint(urls):
        raise RecipeError("embedded, local and recorded stand alone as url; they are no replicas of a server")
    plain = {key: value for key, value in data.items() if key not in ("url", "price")}
    if urls == (EMBEDDED,):
        plain["model"] = EMBEDDED
    elif not data.get("model"):
        raise RecipeError(
            f"{urls[0]}: which model? give --teacher-model or --judge-model (recipe key teacher.model, judge.model)"
        )
    if urls == (LOCAL,):
        # A local model is called by its file's name, wherever the file lies.
        plain |= {"file": plain["model"], "model": Path(plain["model"]).name}
    return Model(**{"attempts": attempts, **plain, "url": urls, "price": Price(**data.get("price", {}))})
