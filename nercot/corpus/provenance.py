"""Where the rows of a corpus come from, in the words of its card: licences, draws, traces, rows without text.

In: a manifest, and how text is escaped.  Out: values for the templates in cards/, and the licence that the card
claims for the whole.  A corpus of several licences claims none that is weaker than that of any part.  Computes
nothing that the manifest does not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nercot.corpus.benchmarks import find_benchmark, free_licenses, text_may_be_passed_on

Manifest = Mapping[str, Any]
Escape = Callable[[Any], str]

# Parts of a licence's id that hold for everything that is made with it.
_TERMS = {"non_commercial": "nc", "share_alike": "sa"}
_WITHOUT_CONDITIONS = frozenset(("cc0-1.0", "pddl", "unlicense"))
# Licences that ask for no more than to be named and kept with the text, as those of Creative Commons do.
_PERMISSIVE = frozenset(("apache-2.0", "mit", "isc", "bsd", "bsd-2-clause", "bsd-3-clause", "odc-by", "ecl-2.0"))
# The names of the datasets that nercot's own sentences are in.
_TOUR = "quickstart-"
_WORDS = {"non_commercial": "non-commercial", "share_alike": "share-alike"}


def licenses_of(origins: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """Rows by (dataset, licence) as the manifest holds them, with what the licence allows and asks for."""
    return [
        {
            "dataset": dataset,
            "license": license,
            "rows": rows,
            "text": text_may_be_passed_on(dataset, license),
            **{term: _asks(term, dataset, license) for term in _TERMS},
        }
        for (dataset, license), rows in sorted(origins.items())
    ]


def _asks(term: str, dataset: str, license: str) -> bool:
    known = find_benchmark(dataset)
    return _TERMS[term] in license.lower().split("-") or bool(known and getattr(known, term))


def license_of_all(manifest: Manifest) -> str:
    """The Hub licence id of the whole: the strictest of its parts, or `other` where none holds for all of them.

    A corpus that says little of its rows' licences has that of its recipe.
    """
    parts = manifest.get("licenses") or []
    found = licenses_named(manifest)
    terms = [short for term, short in _TERMS.items() if any(part[term] for part in parts)]
    if len(found) == 1 and set(terms) <= set(found[0].split("-")):
        return found[0] if found[0] in (*free_licenses(), "other", "unknown") else "other"
    # Who gives something away without conditions asks for nothing that another licence would break.
    binding = [name for name in found if name not in _WITHOUT_CONDITIONS]
    if any(not part["text"] for part in parts) or any("nd" in name.split("-") for name in binding):
        return "other"
    if len(binding) < 2 and not terms:
        return next(iter(binding), found[0])
    attributed = [name for name in binding if name.startswith("cc-by-")]
    if not attributed or any(name not in _PERMISSIVE for name in binding if name not in attributed):
        return "other"
    return "-".join(["cc-by", *terms, "4.0"])


def licenses_named(manifest: Manifest) -> list[str]:
    """Every licence that a row of the default config has, that of the recipe where nothing is known of rows."""
    parts = manifest.get("licenses") or [manifest]
    return sorted({str(part["license"]).lower() for part in parts})


def sources_of(manifest: Manifest) -> list[str]:
    """What the corpus was made of, as the Hub names sources: dataset ids where they are known."""
    datasets = sorted({part["dataset"] for part in manifest.get("licenses") or ()})
    if datasets and all(name.startswith(_TOUR) for name in datasets):
        return ["original"]
    if hub := manifest["recipe"]["source"].get("hub"):
        return [hub.partition(":")[0]]
    known = [benchmark.hub[0] if benchmark and benchmark.hub else None for benchmark in map(find_benchmark, datasets)]
    ids = sorted({name.partition(":")[0] for name in known if name})
    return [*ids, "extended|other"] if None in known or not known else ids


def annotators_of(manifest: Manifest) -> list[str]:
    """Who annotated, as the Hub names it: `found` are the source's own annotations."""
    steps = manifest["recipe"]["steps"]
    if "duplicates" in manifest:
        return ["machine-generated"]
    return ["found", "machine-generated"] if "annotate" in steps and "traces" in manifest else ["found"]


def provenance(manifest: Manifest, cell: Escape) -> dict[str, Any]:
    """The values of the card's sections about rows and where they come from."""
    parts = manifest.get("licenses") or []
    sample = manifest.get("sample") or {}
    return {
        "licenses": [_part(part, cell) for part in parts],
        "terms": _terms(parts, cell),
        "standoff": _standoff(manifest, cell),
        "shares": [_named(row, cell) for row in sample.get("datasets", ())],
        "shares_total": _total(sample.get("datasets", ()), ("rows", "counted", "drawn", "negatives")),
        "sample": sample,
        "absent": _absent(sample, cell),
        "not_listed": [cell(name) for name in sample.get("not_listed", ())],
        "traces": [_named(row, cell) for row in manifest.get("traces") or ()],
        "traces_disputed": sum(row.get("disputed", 0) for row in manifest.get("traces") or ()),
        "labels": _labels(manifest["recipe"]["source"], cell),
        "stage": manifest.get("stage"),
    }


def _part(part: Mapping[str, Any], cell: Escape) -> dict[str, Any]:
    terms = [word for term, word in _WORDS.items() if part[term]]
    text = "yes" if part["text"] else "no"
    return {**part, "dataset": cell(part["dataset"]), "license": cell(part["license"]), "terms": terms, "text": text}


def _terms(parts: Iterable[Mapping[str, Any]], cell: Escape) -> list[tuple[str, str]]:
    """(non-commercial or share-alike, the datasets that ask for it)."""
    named = {word: [cell(part["dataset"]) for part in parts if part[term]] for term, word in _WORDS.items()}
    return [(word, ", ".join(dict.fromkeys(datasets))) for word, datasets in named.items() if datasets]


def _standoff(manifest: Manifest, cell: Escape) -> dict[str, Any] | None:
    found = manifest.get("standoff")
    if not found:
        return None
    datasets = [(cell(name), count) for name, count in found["datasets"].items()]
    bring = [(cell(name), count, _origin(name, cell)) for name, count in found["datasets"].items()]
    return {**found, "datasets": datasets, "bring": bring, "hydrated": manifest.get("restricted_text", False)}


def _origin(dataset: str, cell: Escape) -> str:
    """Where the registry says that a dataset is to be had; '' where it knows none of that name."""
    known = find_benchmark(dataset)
    return cell(known.source) if known else ""


def _named(row: Mapping[str, Any], cell: Escape) -> dict[str, Any]:
    categories = {cell(name): count for name, count in row.get("categories", {}).items()}
    return {**row, "name": cell(row["name"]), "categories": categories}


def _total(table: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in table:
        sums.update({name: row.get(name, 0) for name in columns})
    return dict(sums)


def _absent(sample: Mapping[str, Any], cell: Escape) -> str:
    """The datasets that the corpus was drawn without."""
    said = [(how, [cell(name) for name in sample.get(how, ())]) for how in ("missing", "empty")]
    return "; ".join(f"{how}: {', '.join(names)}" for how, names in said if names)


def _labels(source: Mapping[str, Any], cell: Escape) -> dict[str, Any]:
    """The label maps of the recipe: (dataset, old, new), and the labels that are left out."""
    maps = [("every dataset", source.get("labels"))]
    maps += [(name, own.get("labels")) for name, own in (source.get("datasets") or {}).items()]
    renamed = [
        (cell(name), cell(old), cell(new))
        for name, labels in maps
        if isinstance(labels, Mapping)
        for old, new in labels.items()
    ]
    return {"renamed": renamed, "ignored": [cell(label) for label in source.get("ignore_labels", ())]}
