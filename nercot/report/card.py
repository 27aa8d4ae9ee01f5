"""Manifest + stats -> README.md, the dataset card.

In: the manifest of a candidate and what stats.py counted.  Out: a card whose YAML declares every config with
explicit types and row counts (the datasets library enforces them).  Data that ends up in the text is escaped:
a type named `<script>` or `|` stays a word.  Never says what the manifest does not hold.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from nercot.corpus.provenance import annotators_of, license_of_all, provenance, sources_of
from nercot.corpus.resources import resource
from nercot.corpus.tables import COLUMNS, declared, write_text
from nercot.errors import InputError
from nercot.report.findings import audited, findings

_TOP_TYPES = 40
# What stands between these two lines of a card is the user's.
NOTES = (
    "<!-- notes: what you write between these two lines stays when the card is made again -->",
    "<!-- end of notes -->",
)
_WHAT = {
    "cot": "the corpus: selected records, with trace and entities (default)",
    "raw": "every answer of the teacher, with its judgement where it was judged",
    "dropped": "records that a step refused, with step, reason and detail",
    "sft": "prompt and completion for supervised fine-tuning, rendered from `cot`",
    "preference": "a kept answer and a failed one to the same sentence, for DPO and its kin",
    "re": "the corpus: the rows that were drawn, with gold (default)",
    "grpo": "prompt, gold and schema for training with reward functions",
}
# Configs that hold what was not kept, and the second name of one that is alone.
_REFUSED = {"raw": "answers", "dropped": "refused"}
# What both templates of corpora say alike, by the names of their files.
_SHARED = ("audit", "bring", "labels", "licences", "template")
_PLAIN = "the corpus: every row with gold as its entities, without a trace (default)"
_MERGED = "every row of the source, with a trace where an answer said what gold says (default)"
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_MODEL = "The traces were written by a language model; they have its habits, its errors and its bias."


def cell(text: Any) -> str:
    """Text as it may stand in a table of Markdown: one line, no markup of its own."""
    plain = html.escape(" ".join(str(text).split()), quote=False)
    for sign in "\\`*_{}[]|~$":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def write_card(
    folder: Path, manifest: Mapping[str, Any], stats: Mapping[str, Any], pictures: Sequence[tuple[str, str]] = ()
) -> None:
    """Writes README.md of a candidate, or of a release with its pictures (path, caption).

    What a README.md that is already there holds between the two lines of NOTES is taken over.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    data = DatasetCardData(
        language=list(manifest["language"]) or None,
        license=license_of_all(manifest),
        pretty_name=manifest["title"],
        task_categories=["token-classification", "text-generation"],
        task_ids=["named-entity-recognition"],
        annotations_creators=annotators_of(manifest),
        source_datasets=sources_of(manifest),
        size_categories=[_size(stats["rows"])],
        tags=["named-entity-recognition", "chain-of-thought", "reasoning", "nercot"],
        configs=_configs(manifest),
        dataset_info=_never_alone([_info(folder, manifest, config) for config in _config_names(manifest)]),
    )
    card = DatasetCard.from_template(
        data,
        template_str=_template(manifest),
        pictures=pictures,
        **_values(manifest, stats),
    )
    path = folder / "README.md"
    begin, end = NOTES
    write_text(path, f"{str(card).rstrip()}\n\n## Notes\n\n{begin}\n{notes_of(path)}{end}\n")


def notes_of(card: Path) -> str:
    """What a user wrote between the two lines of NOTES in a card; '' without a card or lines."""
    if not card.exists():
        return ""
    begin, end = NOTES
    try:
        _, opened, after = card.read_text(encoding="utf-8").rpartition(f"\n{begin}\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{card}: not UTF-8, so your notes in it cannot be read; save it as UTF-8") from error
    # Notes are the last section: where the line that ends them is gone, they go on to the end.
    written, closed, _ = after.partition(end)
    return (written if closed or not written else f"{written.rstrip()}\n") if opened else ""


def _template(manifest: Mapping[str, Any]) -> str:
    """The template of a corpus that a judge has selected, or of one that was drawn or merged, with what both say."""
    page, *parts = (
        resource("cards", f"{name}.md.j2").read_text(encoding="utf-8") for name in (_page(manifest), *_SHARED)
    )
    for name, part in zip(_SHARED, parts, strict=True):
        page = page.replace(f"{{# {name} #}}", part.rstrip("\n"))
    return page


def _page(manifest: Mapping[str, Any]) -> str:
    return "dataset" if "duplicates" in manifest else "subset"


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>10M")


def _config_names(manifest: Mapping[str, Any]) -> list[str]:
    """Configs that have rows: an empty one cannot be loaded."""
    return list(dict.fromkeys(file["config"] for file in manifest["files"]))


def _configs(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = _config_names(manifest)
    found = [
        {
            "config_name": name,
            "data_files": [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in _splits(manifest, name)],
            # Refused answers are nobody's default: where nothing was kept, a config has to be named.
            **({"default": True} if name == names[0] and name not in _REFUSED else {}),
        }
        for name in names
    ]
    return _never_alone(found)


def _never_alone(configs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of configs; of one that holds what was not kept, and is alone, a second under another name.

    The datasets library takes a lone config, or a lone `dataset_info`, for the default one; of two it asks for a name.
    """
    again = _REFUSED.get(configs[0]["config_name"]) if len(configs) == 1 else None
    return configs if again is None else [*configs, {**deepcopy(configs[0]), "config_name": again}]


def _splits(manifest: Mapping[str, Any], config: str) -> dict[str, list[Mapping[str, Any]]]:
    """The files of a config by split, as their names say."""
    splits: dict[str, list[Mapping[str, Any]]] = {}
    for file in manifest["files"]:
        if file["config"] == config:
            splits.setdefault(Path(file["path"]).name.partition("-")[0], []).append(file)
    return splits


def _info(folder: Path, manifest: Mapping[str, Any], config: str) -> dict[str, Any]:
    splits = [
        {
            "name": split,
            "num_bytes": sum((folder / file["path"]).stat().st_size for file in files),
            "num_examples": sum(file["rows"] for file in files),
        }
        for split, files in _splits(manifest, config).items()
    ]
    size = sum(split["num_bytes"] for split in splits)
    return {
        "config_name": config,
        **({"version": manifest["version"]} if "version" in manifest else {}),
        # The datasets library caches a local folder by name and card: a new fingerprint is a new card.
        "description": f"{manifest['corpus']} {manifest['fingerprint']}",
        "features": declared(COLUMNS[config]),
        "splits": splits,
        "download_size": size,
        "dataset_size": size,
    }


def _values(manifest: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Any]:
    types = list(stats["types"].items())
    return {
        "title": cell(manifest["title"]),
        "name": manifest["corpus"],
        "about": manifest["about"] or "A corpus for named entity recognition with reasoning.",
        "internal": manifest.get("internal", False),
        "tool": manifest["tool"],
        "rows": stats["rows"],
        "entities": stats["entities"],
        "types_used": len(types),
        "types_asked": stats["types_asked"],
        "rows_without_entities": stats["rows_without_entities"],
        "rows_with_trace": stats["rows_with_trace"],
        "teacher": _named(manifest["models"]["teacher"]),
        "reader": _named(manifest["models"]["reader"]) if "reader" in manifest["models"] else None,
        "judge": _named(manifest["models"]["judge"]),
        "teachers": _teachers(manifest),
        "ways": _ways(manifest),
        "own_words": _own_words(manifest),
        "license": cell(", ".join(stats["licenses"]) or manifest["license"]),
        "fingerprint": manifest["fingerprint"],
        "version": manifest.get("version"),
        "page": "version" in manifest,
        "partial": manifest["partial"],
        "pending": sum(step["pending"] for step in manifest["steps"]),
        "made": _made(manifest),
        "funnel": [_funnel_row(step) for step in manifest["steps"]],
        "findings": [(cell(name.replace("_", " ")), count) for name, count in manifest["source"]["findings"].items()],
        "threshold": f"{manifest['recipe']['select']['threshold']:g}",
        "scores": _scores(manifest),
        "golden": _golden(manifest),
        "agreement": _agreement(manifest),
        "everybody": _asks_everybody(manifest),
        "configs": [
            {"name": name, "rows": _rows(manifest, name), "what": _what(manifest, name)}
            for name in _config_names(manifest)
        ],
        "trained": {
            **{name: name in _config_names(manifest) for name in ("sft", "grpo")},
            "merged": "merge" in manifest["recipe"]["steps"],
        },
        "datasets": _cells(stats["datasets"].items()),
        "types": _cells(types[:_TOP_TYPES]),
        "types_left": max(0, len(types) - _TOP_TYPES),
        "mentions_left": sum(count for _, count in types[_TOP_TYPES:]),
        "sources": [{"name": cell(file["name"]), "sha256": file["sha256"]} for file in manifest["source"]["files"]],
        "limits": _MODEL,
        "citation": manifest["citation"],
        "splits": _split_rows(manifest),
        "audit": audited(manifest, cell),
        "preference": _preference(manifest),
        **provenance(manifest, cell),
        **(findings(manifest, cell) if "duplicates" in manifest else {}),
    }


def _preference(manifest: Mapping[str, Any]) -> str:
    """What has to be known of the config preference; '' without it."""
    found = manifest.get("preference")
    if not found or "preference" not in _config_names(manifest):
        return ""
    chosen, rejected = found["chosen_characters"], found["rejected_characters"]
    low, high = sorted((chosen, rejected))
    longer = "longer" if chosen > rejected else "shorter"
    risk = (
        f"  The chosen are {longer}, and a model can learn that {longer} is better in place of why: "
        "compare pairs of like length, or use a loss that allows for length."
    )
    return (
        f"The config `preference` has {_rows(manifest, 'preference')} pairs of a kept answer and a failed one to the "
        "same sentence, both in the same format, in the columns that TRL's `DPOTrainer` takes as they are; "
        f"`rejected_step` and `rejected_reason` say why the other failed.  Mean length: {chosen:,} characters chosen, "
        f"{rejected:,} rejected.{risk if high > 1.1 * low else ''}  In {found['equal'] or 'none'} both sides say the "
        f"same and teach nothing; {found['late'] or 'none'} first differ beyond the 1,024 tokens (of about 4 "
        "characters) that a trainer commonly keeps of prompt and answer."
    )


def _split_rows(manifest: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The rows of each split of the default config; nothing where all is train."""
    names = _config_names(manifest)
    splits = _splits(manifest, names[0]) if names else {}
    return [(name, sum(file["rows"] for file in files)) for name, files in splits.items()] if len(splits) > 1 else []


def _cells(pairs: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(cell(name), count) for name, count in pairs]


def _what(manifest: Mapping[str, Any], config: str) -> str:
    if config == "cot" and "merge" in manifest["recipe"]["steps"]:
        return _MERGED if "traces" in manifest else _PLAIN
    return _WHAT[config]


def _rows(manifest: Mapping[str, Any], config: str) -> int:
    return sum(file["rows"] for file in manifest["files"] if file["config"] == config)


def _named(model: Mapping[str, Any]) -> str:
    """The model as asked for, and as its replies named themselves where that differs."""
    asked, named = model["asked"], list(model["named"])
    if set(named) <= set(asked.split(", ")):
        return cell(asked)
    return f"{cell(asked)} (replies name {cell(', '.join(named))})"


def _funnel_row(step: Mapping[str, Any]) -> dict[str, Any]:
    reasons: Sequence[tuple[str, int]] = Counter(step["dropped"]).most_common()
    return {
        "step": step["step"],
        "entered": step["in"],
        "kept": step["kept"],
        "dropped": sum(step["dropped"].values()),
        "not_drawn": step["not_drawn"],
        "pending": step["pending"],
        "reasons": ", ".join(f"{cell(reason)} {count}" for reason, count in reasons),
    }


def _made(manifest: Mapping[str, Any]) -> str:
    teacher, judge = manifest["models"]["teacher"], manifest["models"]["judge"]
    many = "teachers" in manifest
    who = f"The teacher{'s' * many} {_named(teacher)}"
    reader = manifest["models"].get("reader")
    checked = (
        f"its trace, read by {_named(reader)} without its answer, concludes what it says"
        if reader
        else "its trace speaks of each of them.  What a trace means was not read"
    )
    scored = f"The judge {_named(judge)} scored what was valid."
    return (
        f"{who} annotated each sentence of the source under its schema and argued for every entity.  Validation kept "
        "an answer only if it is well formed, its types are of the schema, its mentions stand in the sentence, and "
        f"{checked}.  {scored}{_recorded(manifest)}"
    )


def _teachers(manifest: Mapping[str, Any]) -> list[list[str]]:
    """What each teacher of a cascade brought: a line of heads, and a row a teacher; empty columns are left out."""
    rows = manifest.get("teachers", ())
    if not rows:
        return []
    names = [name for name in rows[0] if name in ("teacher", "asked", "kept") or any(row[name] for row in rows)]
    heads = {"rules": "refused by the rules", "reading": "refused by the reading"}
    return [
        [heads.get(name, name.replace("_", " ")) for name in names],
        *([cell(row[name]) for name in names] for row in rows),
    ]


def _asks_everybody(manifest: Mapping[str, Any]) -> bool:
    """Whether each teacher was asked about every record."""
    teachers = manifest["recipe"].get("teacher")
    return isinstance(teachers, list) and teachers[0]["until"] == "all"


def _agreement(manifest: Mapping[str, Any]) -> str:
    """How far the teachers agree, where several were asked about a record."""
    found = manifest.get("agreement")
    if not found:
        return ""
    teachers, alone = len(manifest["teachers"]), found["mentions"].get("1", 0)
    same = sum(count for number, count in found["same"].items() if int(number) > 1)
    who = "both" if teachers == 2 else "two or more"
    wanted = manifest["recipe"]["select"].get("agreement", 1)
    asked = f"  Only rows on which {wanted} of them agree were selected." if wanted > 1 else ""
    silent = f"  {found['silent']} times a teacher gave no answer that could be read." if found["silent"] else ""
    return (
        f"{found['records']} records were given to more than one teacher.  To {same} of them {who} give the same "
        f"entities (by text and type).  Of {sum(found['mentions'].values())} mentions that any of them took, {alone} "
        f"were taken by one alone.{silent}{asked}"
    )


def _scores(manifest: Mapping[str, Any]) -> list[list[Any]]:
    """The scores in bins of half a point: a line of heads, and a row a bin; with gold, how many equal it."""
    bins: dict[float, Counter[str]] = {}
    known = manifest.get("gold_by_score", {})
    for score, count in manifest["scores"].items():
        found = bins.setdefault(int(float(score) * 2) / 2, Counter())
        found.update(known.get(score, {}) | {"judged": count})
    heads = ["score", "attempts", *(["with gold", "equal to it"] if known else [])]
    names = ("judged", *(("attempts", "equal") if known else ()))
    rows = [[_bin(low), *(count[name] for name in names)] for low, count in sorted(bins.items())]
    return [heads, *rows]


def _bin(low: float) -> str:
    return f"{low:g} to below {low + 0.5:g}" if low < 10 else "10"


def _golden(manifest: Mapping[str, Any]) -> str:
    """What share of the judged answers says what gold says, at the threshold and below; '' without gold."""
    least = manifest["recipe"]["select"]["threshold"] if "select" in manifest["recipe"] else 0
    sides: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for score, counts in manifest.get("gold_by_score", {}).items():
        sides[float(score) >= least].update(counts)
    told = [
        f"{where} {count['equal']} of {count['attempts']} answers ({count['equal'] / count['attempts']:.0%})"
        for where, count in (("at the threshold and above", sides[True]), ("below it", sides[False]))
        if count["attempts"]
    ]
    return f"What the source's own annotation says, by text and type: {', '.join(told)}." if told else ""


def _ways(manifest: Mapping[str, Any]) -> str:
    """How many records each way of checking would have kept."""
    words = {
        "paper_rules": "by the paper's four rules",
        "rules": "by all rules",
        "reading": "by rules and reading",
        "judge": "with the judge",
    }
    counts = manifest.get("ways", {})
    return ", ".join(f"{counts[way]} {text}" for way, text in words.items() if counts.get(way) is not None)


def _own_words(manifest: Mapping[str, Any]) -> list[str]:
    """Lines about a reader or judge that is a teacher's own model."""
    models = manifest["models"]
    teachers = models["teacher"]["asked"].split(", ")
    return [
        f"The {role} is {cell(models[role]['asked'])}, a teacher's own model: it checks its own words."
        for role in ("reader", "judge")
        if role in models and models[role]["asked"] in teachers and models[role]["asked"] not in ("none",)
    ]


def _recorded(manifest: Mapping[str, Any]) -> str:
    """What a reader should know of recorded answers: nobody was asked, and to which prompt they were given."""
    facts = manifest.get("recorded", ())
    if not facts:
        return ""
    files = ", ".join(f"`{fact['file']}` ({cell(fact['model'])}, {fact['answers']} answers)" for fact in facts)
    older = sorted({fact["role"] for fact in facts if not fact["prompt_is_todays"]})
    changed = f"  Prompts changed since they were recorded: {', '.join(older)}." if older else ""
    return (
        "\n\nNo model was asked for this build: the answers of real models were recorded once and are kept with the"
        f" recipe, in {files}.{changed}"
    )
