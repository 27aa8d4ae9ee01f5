"""Manifest -> croissant.json: the release in the words of ML Commons' Croissant 1.0, with its RAI fields.

In: the folder of a release with its configs, its manifest, what stats.py counted.  Out: croissant.json, which
mlcroissant reads and validates (the tests have it do so; a release does not need it).  The same release gives the
same bytes: no dates, no addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nercot.corpus.provenance import licenses_named
from nercot.corpus.tables import COLUMNS, write_json

NAME = "croissant.json"
_MEANINGS = {
    "guid": "Identity of the record: a hash of sentence, schema and dataset.",
    "sentence": "The sentence X.",
    "schema": "The entity types S that were asked for, in the source's spelling and order.",
    "gold": "The source's own entities; null where it has none.",
    "cot": "The chain of thought C.",
    "entities": "The entities E that the trace justifies, with character offsets.",
    "score": "The judge's score of the trace, 0-10.",
    "prompt": "Messages that ask for the entities.",
    "completion": "What the model said, or should say.",
    "chosen": "The answer that was kept.",
    "rejected": "An answer to the same prompt that failed.",
    "rejected_step": "The step at which the rejected answer failed.",
    "rejected_reason": "Why it failed.",
    "score_chosen": "The judge's score of the kept answer, 0-10.",
    "score_rejected": "The judge's score of the rejected answer; null where it was not judged.",
}
# mlcroissant 1.1.1 reads a null list of structures as one structure of nulls.
_SOME_NULL = " Null in some rows, which some readers give as one item without content."
# The words of Croissant and where each is defined: what makes the document JSON-LD.
_TERMS = (
    "citeAs column conformsTo:dct equivalentProperty extract field fileObject fileProperty fileSet format includes "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
    "separator source subField transform"
)
_TYPED = {"data": "@json", "dataType": "@vocab", "examples": "@json"}
_SPACES = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}


def write_croissant(folder: Path, manifest: Mapping[str, Any], stats: Mapping[str, Any]) -> None:
    """Writes croissant.json of a release."""
    configs = list(dict.fromkeys(file["config"] for file in manifest["files"] if "config" in file))
    document = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest["corpus"],
        "description": f"{manifest['title']}: {stats['rows']} sentences whose entities a reasoning trace justifies.",
        "version": manifest["version"],
        "license": _one(licenses_named(manifest)),
        **({"inLanguage": list(manifest["language"])} if manifest["language"] else {}),
        "keywords": ["named entity recognition", "chain of thought", "reasoning"],
        "citeAs": "A Reasoning Paradigm for Named Entity Recognition. AAAI 2026. arXiv:2511.11978.",
        "distribution": list(_distribution(manifest, configs)),
        "recordSet": [_record_set(folder, manifest, config) for config in configs],
        **{f"rai:{name}": value for name, value in _responsible(manifest).items()},
    }
    write_json(folder / NAME, document)


def _context() -> dict[str, Any]:
    terms = {}
    for term in _TERMS.split():
        name, _, space = term.partition(":")
        terms[name] = f"{space or 'cr'}:{name}"
    return {**_SPACES, **terms, **{name: {"@id": f"cr:{name}", "@type": kind} for name, kind in _TYPED.items()}}


def _one(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _responsible(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What Croissant's vocabulary of responsible AI asks of a dataset."""
    teacher, judge = (manifest["models"][role]["asked"] for role in ("teacher", "judge"))
    return {
        "dataCollection": "Sentences and types of the source named in manifest.json; no text was collected for it.",
        "dataCollectionType": ["Secondary Data Analysis", "Software Collection"],
        "dataAnnotationProtocol": (
            f"{teacher} annotated each sentence and argued for every entity; rules kept what the trace justifies; "
            f"{judge} scored it 0-10. The prompts are in manifest.json."
        ),
        "machineAnnotationTools": _one(list(dict.fromkeys((teacher, judge)))),
        "annotationsPerItem": str(max(map(int, manifest["attempts"]), default=1)),
        "dataPreprocessingProtocol": "Mentions grounded to character offsets; duplicates and low scores dropped.",
        "dataBiases": "Types, languages and registers are those of the source; traces have the habits of their author.",
        "dataLimitations": "Traces argue for answers and do not prove them; not to be used as facts about the world.",
        "dataUseCases": "Training and evaluating named entity recognition with reasoning.",
        "personalSensitiveInformation": "Sentences may name real people, as their source does.",
        "dataReleaseMaintenancePlan": "Releases are numbered and never changed; takedowns leave rows out of later.",
    }


def _distribution(manifest: Mapping[str, Any], configs: list[str]) -> Iterator[dict[str, Any]]:
    kind = {"encodingFormat": "application/x-parquet"}
    for file in manifest["files"]:
        if "config" in file:
            path = file["path"]
            named = {"@type": "cr:FileObject", "@id": path, "name": path, "contentUrl": path, **kind}
            yield {**named, "sha256": file["sha256"]}
    for config in configs:
        name = f"{config}-files"
        yield {"@type": "cr:FileSet", "@id": name, "name": name, "includes": f"{config}/*.parquet", **kind}


def _record_set(folder: Path, manifest: Mapping[str, Any], config: str) -> dict[str, Any]:
    paths = [folder / file["path"] for file in manifest["files"] if file.get("config") == config]
    fields = [_field(config, column, _nulls(paths, column)) for column in COLUMNS[config]]
    return {"@type": "cr:RecordSet", "@id": config, "name": config, "field": fields}


def _nulls(paths: list[Path], column: pa.Field) -> str:
    """Whether a list of structures is null in `no`, `some` or `all` rows; other columns are not looked at."""
    if not (pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type)):
        return "no"
    rows = nulls = 0
    for path in paths:
        with pq.ParquetFile(path) as stored:
            for group in range(stored.num_row_groups):
                values = stored.read_row_group(group, columns=[column.name]).column(0)
                rows, nulls = rows + len(values), nulls + values.null_count
    return "no" if not nulls else "all" if nulls == rows else "some"


def _field(config: str, column: pa.Field, nulls: str) -> dict[str, Any]:
    """A column; a structure has a sub-field for each of its parts, unless there is none in the whole corpus."""
    repeated = pa.types.is_list(column.type)
    kind = column.type.value_type if repeated else column.type
    meaning = _MEANINGS.get(column.name, column.name.replace("_", " ")) + (_SOME_NULL if nulls == "some" else "")
    field = {"@type": "cr:Field", "@id": f"{config}/{column.name}", "name": column.name, "description": meaning}
    if pa.types.is_struct(kind) and nulls != "all":
        parts = [_part(config, column.name, part) for part in kind]
        return {**field, "repeated": repeated, "subField": parts}
    return {**field, "dataType": _data_type(kind), "repeated": repeated, "source": _source(config, column.name)}


def _part(config: str, column: str, part: pa.Field) -> dict[str, Any]:
    """One part of a structure, found in its column by its key."""
    named = {"@type": "cr:Field", "@id": f"{config}/{column}/{part.name}", "name": part.name}
    source = {**_source(config, column), "transform": {"jsonPath": part.name}}
    return {**named, "dataType": _data_type(part.type), "source": source}


def _source(config: str, column: str) -> dict[str, Any]:
    return {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column}}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
