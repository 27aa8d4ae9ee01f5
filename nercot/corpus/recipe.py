"""TOML -> Recipe: how one corpus is built.

In: a recipe's name or path, and `key=value` overrides.  Out: a frozen Recipe whose values are checked
against schemas/recipe.schema.json.  An unknown key names the nearest known one.  Never reads a secret:
a recipe names the environment variable that holds a key, not the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from nercot.corpus.recipe_keys import check, put
from nercot.corpus.recipe_source import SourceSpec
from nercot.corpus.recordings import read_header
from nercot.corpus.records import READ_RULES
from nercot.corpus.resources import resource
from nercot.errors import RecipeError

# Paths of a recipe start at its folder, paths of the command line where the user stands.
_PATH_KEYS = re.compile(r"source\.path|benchmarks\.path|prompts\..+|recorded\..+")
# A setting of one teacher, and of none of a cascade by its number.
_ONE_TEACHER = re.compile(r"teacher\.[^0-9].*")
LOCAL = "local"
RECORDED = "recorded"
NOBODY = "none"
# The ways to a corpus that a judge selects.
_SELECTING = (("annotate", "validate", "score", "select"), ("annotate", "validate", "read", "score", "select"))
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
    """A teacher, a reader or a judge: an OpenAI-compatible endpoint, `local` (a GGUF file), `recorded`, or nobody.

    `url`: one or several replicas of one model; the words `local` and `recorded` are not addresses.
    `rubric`: of a judge, "strict" (five sub-scores and a score) or "paper" (one score).
    `rpm`, `tpm`: requests and tokens per minute; None is no limit.  `extra`: sent with every request.
    `file`: the GGUF file of a local model, whose name is then `model`.  `recorded`: the files of recorded answers
    that stand in for it.
    """

    url: tuple[str, ...] = ()
    provider: str | None = None
    model: str = NOBODY
    api_key_env: str | None = None
    concurrency: int = 64
    rpm: int | None = None
    tpm: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    attempts: int = 1
    until: str = "valid"
    rubric: str = "strict"
    extra: Mapping[str, Any] = field(default_factory=dict)
    price: Price = Price()
    file: str | None = None
    recorded: tuple[str, ...] = ()

    @property
    def is_recorded(self) -> bool:
        """Whether recorded answers stand in for an endpoint."""
        return self.url == (RECORDED,)

    @property
    def absent(self) -> bool:
        """Whether nobody is named."""
        return self.model == NOBODY


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
    """How one corpus is built; `folder` is where relative paths of the recipe start.

    `given`: the keys that whoever runs it has said, beside the recipe's own file.
    `teachers`: in the order in which they are asked, each about what the earlier ones did not get kept.
    """

    name: str
    folder: Path
    steps: tuple[str, ...]
    title: str
    license: str = "unknown"
    language: tuple[str, ...] = ("en",)
    about: str = ""
    citation: str = ""
    source: SourceSpec = field(default_factory=SourceSpec)
    sample: Sample = Sample()
    digits: int = 1
    teachers: tuple[Model, ...] = (Model(),)
    reader: Model = Model()
    judge: Model = Model()
    prompts: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] | None = None
    trace: str = "required"
    threshold: float = 9.0
    duplicates: str = "drop"
    near_duplicates: str = "flag"
    contamination: str = "flag"
    agreement: int = 1
    pairs: bool = True
    benchmarks: str | None = None
    calibration: str | None = None
    validation: int = 0
    test: int = 0
    retry_seconds: float = 600.0
    max_cost: float | None = None
    given: frozenset[str] = frozenset()

    def of_another_source(self) -> Recipe:
        """The same without what it says of its own source, which is not the one that is read: texts and licence."""
        neutral: dict[str, Any] = {
            "title": self.name,
            "about": "",
            "citation": "",
            "license": "unknown",
            "language": (),
        }
        silent = {name: value for name, value in neutral.items() if f"corpus.{name}" not in self.given}
        return replace(self, **silent)

    @property
    def teacher(self) -> Model:
        """The first teacher, whose `until` holds for all."""
        return self.teachers[0]

    @property
    def asks_somebody(self) -> bool:
        """Whether a teacher is named: a policy may not be served yet."""
        return self.teacher.model != NOBODY

    def models(self) -> list[tuple[str, Model]]:
        """Every model that the steps of this recipe ask, with its role; those of a cascade as `teacher.1`, ..."""
        # A policy that is merged in with gold may not be there yet.
        wanted = self.asks_somebody or "merge" not in self.steps
        numbered = [(f"teacher.{number}", model) for number, model in enumerate(self.teachers, 1)]
        asked = {
            "annotate": numbered if len(numbered) > 1 else [("teacher", self.teacher)],
            "read": [("reader", self.reader)],
            "score": [("judge", self.judge)],
        }
        return [item for step in self.steps if wanted for item in asked.get(step, ())]


def load_recipe(name: str = "quickstart", overrides: Sequence[tuple[str, Any]] = ()) -> Recipe:
    """The recipe of that name (corpora/) or at that path, with overrides put in.

    Raises RecipeError in one line: no such recipe, no TOML, unknown key, wrong type or value.
    """
    said = dict(overrides)
    if said.get("source.license") and "corpus.license" not in said:
        # Whoever states the licence of the rows states it of this corpus, whatever the recipe says of its own.
        overrides = [*overrides, ("corpus.license", said["source.license"])]
    made = _recipe(tables_of(name, overrides), _find(name).parent)
    return replace(made, given=frozenset(key for key, _ in overrides))


def tables_of(name: str, overrides: Sequence[tuple[str, Any]] = ()) -> dict[str, Any]:
    """The tables of a recipe with overrides put in, checked against the schema.  Raises RecipeError."""
    path = _find(name)
    data = _read(path)
    _forget_host(data, dict(overrides))
    for key, value in overrides:
        put(data, key, _from_here(value) if _PATH_KEYS.fullmatch(key) else value)
    check(data, path.name)
    return data


def empty_recipe(name: str, overrides: Sequence[tuple[str, Any]]) -> Recipe:
    """A recipe of nothing but overrides, for commands that build no corpus.  Raises RecipeError as load_recipe does."""
    data: dict[str, Any] = {"corpus": {"name": name}, "steps": list(_SELECTING[0])}
    for key, value in overrides:
        put(data, key, _from_here(value) if _PATH_KEYS.fullmatch(key) else value)
    check(data, name)
    return _recipe(data, Path())


def _forget_host(data: dict[str, Any], overridden: Mapping[str, Any]) -> None:
    """Key, price and provider belong to the recipe's own host: another address does not get them.

    Recorded answers say themselves which model gave them.  A teacher of one's own takes the place of a whole cascade.
    """
    if isinstance(data.get("teacher"), list) and any(_ONE_TEACHER.fullmatch(key) for key in overridden):
        data["teacher"] = {name: value for name, value in data["teacher"][0].items() if name == "until"}
    for place, table in _models_in(data):
        if f"{place}.url" in overridden:
            for name in ("api_key_env", "price", "provider"):
                table.pop(name, None)
            if overridden[f"{place}.url"] == RECORDED:
                table.pop("model", None)


def _models_in(data: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The tables of models in a recipe, by their keys."""
    found = {role: data.get(role) for role in ("teacher", "reader", "judge")}
    teachers = found["teacher"]
    if isinstance(teachers, list):
        found |= {f"teacher.{number}": table for number, table in enumerate(teachers, 1)}
    return [(place, table) for place, table in found.items() if isinstance(table, dict)]


def _from_here(path: Any) -> Any:
    if isinstance(path, list):
        return [_from_here(one) for one in path]
    return str(Path(path).expanduser().absolute()) if isinstance(path, str) else path


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    return sorted(path.stem for path in resource("corpora").glob("*.toml") if "steps" in _read(path))


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


def _recipe(data: dict[str, Any], folder: Path) -> Recipe:
    corpus, source = data["corpus"], data.get("source", {})
    select, validate = data.get("select", {}), data.get("validate", {})
    benchmarks, split = data.get("benchmarks", {}).get("path"), data.get("split", {})
    calibration = data.get("recorded", {}).get("calibration")
    if select.get("contamination") == "drop" and not benchmarks:
        raise RecipeError("select.contamination = drop needs test sets: set benchmarks.path to a folder of them")
    if source.get("path") and source.get("hub"):
        raise RecipeError("source.path and source.hub are both set; keep one")
    rules = validate.get("rules")
    steps = _steps(tuple(data["steps"]))
    teachers = _teachers(data, folder, steps)
    reader = _model("reader", _with_recorded({**data, "reader": _reader(data)}, "reader", folder), attempts=2)
    _check_reading(steps, reader, rules or ())
    return Recipe(
        name=corpus["name"],
        folder=folder,
        steps=steps,
        title=corpus.get("title", corpus["name"]),
        license=corpus.get("license", source.get("license", "unknown")),
        language=tuple(corpus.get("language", ("en",))),
        about=corpus.get("about", "").strip(),
        citation=corpus.get("citation", "").strip(),
        source=SourceSpec.read(source),
        sample=_sample(data.get("sample", {}), steps),
        digits=data.get("partition", {}).get("digits", 1),
        teachers=teachers,
        reader=reader,
        judge=_model("judge", _with_recorded(data, "judge", folder), attempts=3),
        prompts=data.get("prompts", {}),
        rules=None if rules is None else tuple(rules),
        trace=validate.get("trace", "required"),
        threshold=float(select.get("threshold", 9.0)),
        duplicates=select.get("duplicates", "drop"),
        near_duplicates=select.get("near_duplicates", "flag"),
        contamination=select.get("contamination", "flag"),
        agreement=_agreement(select.get("agreement", 1), teachers),
        pairs=select.get("pairs", True),
        benchmarks=benchmarks,
        calibration=None if calibration is None else str(folder / Path(calibration).expanduser()),
        validation=split.get("validation", 0),
        test=split.get("test", 0),
        retry_seconds=float(data.get("retry", {}).get("max_seconds", 600)),
        max_cost=data.get("budget", {}).get("max_cost"),
    )


def _steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps, if they lead to a corpus."""
    rest = steps[1:] if steps[0] == "stratify" else steps
    if rest and rest not in (*_MERGING, *_SELECTING):
        ways = "; ".join(", ".join(way) for way in (*_SELECTING, *_MERGING))
        raise RecipeError(f"steps: {', '.join(steps)} leads to no corpus; there are {ways}; and stratify before each")
    return steps


def _check_reading(steps: Sequence[str], reader: Model, rules: Sequence[str]) -> None:
    """A step that reads needs a reader, and a rule about what a trace means needs the step."""
    if "read" in steps and reader.absent:
        raise RecipeError("steps: who reads the traces? set reader.url and reader.model (--reader-url, --reader-model)")
    needy = [rule for rule in rules if rule in READ_RULES]
    if needy and "read" not in steps:
        raise RecipeError(f"validate.rules: only the step read can find {needy[0]}; add that step, or leave it out")


def _sample(data: Mapping[str, Any], steps: Sequence[str]) -> Sample:
    sample = Sample(**{"size": PER_CATEGORY if "draw" in steps else RE_SIZE, **data})
    if sample.size >= 1 and not isinstance(sample.size, int):
        # 1.0 may mean one row as well as all of them.
        raise RecipeError(f"sample.size must be a whole number of rows, or a share below 1, not {sample.size}")
    if "draw" in steps and sample.size < 1:
        raise RecipeError(f"sample.size must be a number of rows for each category, not the share {sample.size:g}")
    return sample


def _teachers(data: Mapping[str, Any], folder: Path, steps: Sequence[str]) -> tuple[Model, ...]:
    """The teachers in order; none where rows without a trace are merged in and nobody is named to write one (yet)."""
    named = data.get("teacher", {})
    tables = named if isinstance(named, list) else [named]
    if "merge" in steps and not any("url" in table for table in tables):
        return (Model(model=NOBODY),)
    until = tables[0].get("until", "valid")
    for number, table in enumerate(tables[1:], 2):
        if table.get("until", until) != until:
            raise RecipeError(f"teacher.{number}.until: it is one for all teachers, that of the first; leave it out")
    if len(tables) > 1 and "merge" in steps:
        raise RecipeError("teacher: one policy annotates a corpus that is merged with gold; keep one table [teacher]")
    places = [f"teacher.{number}" if len(tables) > 1 else "teacher" for number in range(1, len(tables) + 1)]
    made = [
        _with_recorded({**data, "teacher": table}, "teacher", folder, place)
        for place, table in zip(places, tables, strict=True)
    ]
    return tuple(
        _model(place, {**table, "until": until}, attempts=1) for place, table in zip(places, made, strict=True)
    )


def _agreement(wanted: int, teachers: Sequence[Model]) -> int:
    """How many teachers have to agree, if so many can."""
    if wanted > len(teachers):
        raise RecipeError(f"select.agreement: {wanted} teachers cannot agree, there are {len(teachers)} ([[teacher]])")
    if wanted > 1 and teachers[0].until != "all":
        raise RecipeError('select.agreement: every teacher has to be asked about every record; set until = "all"')
    return wanted


def _reader(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reader's table; a reader without an address is the judge's model on the judge's server."""
    own, judge = data.get("reader", {}), data.get("judge", {})
    if "url" in own:
        return cast(Mapping[str, Any], own)
    if judge.get("url") in (RECORDED, [RECORDED]):
        # Recorded readings say themselves who gave them.
        return {"url": RECORDED, **own} if data.get("recorded", {}).get("reader") else own
    return {**{name: value for name, value in judge.items() if name != "attempts"}, **own}


def _with_recorded(data: Mapping[str, Any], role: str, folder: Path, place: str | None = None) -> Mapping[str, Any]:
    """The table of a role with the files of its recorded answers, and the model that gave them where none is named.

    `place`: the table's own key, of a cascade.
    """
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
        raise RecipeError(
            f"{place or role}.model: whose recorded answers? the files of recorded.{role} hold those of {held}"
        )
    return {**table, "model": wanted, "recorded": tuple(chosen)}


def _model(place: str, data: Mapping[str, Any], attempts: int) -> Model:
    url = data.get("url", ())
    urls = (url,) if isinstance(url, str) else tuple(url)
    if len(urls) > 1 and not {LOCAL, RECORDED}.isdisjoint(urls):
        raise RecipeError("local and recorded stand alone as url; they are no replicas of a server")
    plain = {key: value for key, value in data.items() if key not in ("url", "price")}
    if not urls:
        plain["model"] = NOBODY
    elif not data.get("model"):
        option = f"--{place}-model" if place.isalpha() else f"--set {place}.model=NAME"
        raise RecipeError(f"{place}.url = {urls[0]}: which model? give {option} (recipe key {place}.model)")
    if urls == (LOCAL,):
        # A local model is called by its file's name, wherever the file lies.
        plain |= {"file": plain["model"], "model": Path(plain["model"]).name}
    return Model(**{"attempts": attempts, **plain, "url": urls, "price": Price(**data.get("price", {}))})
