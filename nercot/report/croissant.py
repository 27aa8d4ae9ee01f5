"""Manifest -> croissant.json: the release in the words of ML Commons' Croissant, with its RAI fields.

In: the folder of a release with its configs, its manifest, what stats.py counted.  Out: croissant.json, built and
validated with mlcroissant (extra `publish`).  The same release gives the same bytes: no dates, no addresses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from nercot.corpus.provenance import licenses_named
from nercot.corpus.tables import COLUMNS, write_json
from nercot.errors import OutputError

NAME = "croissant.json"
_MEANINGS = {
    "guid": "Identity of the record: a hash of sentence, schema and dataset.",
    "sentence": "The sentence X.",
    "schema": "The entity types S that were asked for, in the source's spelling and order.",
    "gold": "The source's own entities.",
    "cot": "The chain of thought C.",
    "entities": "The entities E that the trace justifies, with character offsets.",
    "score": "The judge's score of the trace, 0-10.",
    "prompt": "Messages that ask for the entities.",
    "completion": "What the model said, or should say.",
}


def write_croissant(folder: Path, manifest: Mapping[str, Any], stats: Mapping[str, Any]) -> None:
    """Writes croissant.json of a release.  Raises OutputError where mlcroissant is missing or objects."""
    try:
        import mlcroissant as mlc
    except ImportError as error:
        raise OutputError('a release needs mlcroissant: pip install "nercot[publish]"') from error
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        metadata = _metadata(mlc, folder, manifest, stats)
        problems = sorted(metadata.ctx.issues.errors)
    except mlc.ValidationError as error:
        problems = str(error).splitlines()
    if problems:
        raise OutputError(f"{folder / NAME}: mlcroissant objects ({problems[0].strip()}); this is a defect of nercot")
    write_json(folder / NAME, _plain(metadata.to_json()))


def _plain(value: Any) -> Any:
    """The JSON of it, with the keys of the context sorted so that it is the same every time."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return json.loads(text)


def _metadata(mlc: Any, folder: Path, manifest: Mapping[str, Any], stats: Mapping[str, Any]) -> Any:
    teacher, judge = (manifest["models"][role]["asked"] for role in ("teacher", "judge"))
    configs = list(dict.fromkeys(file["config"] for file in manifest["files"] if "config" in file))
    return mlc.Metadata(
        name=manifest["corpus"],
        description=f"{manifest['title']}: {stats['rows']} sentences whose entities a reasoning trace justifies.",
        version=manifest["version"],
        license=licenses_named(manifest),
        in_language=list(manifest["language"]),
        keywords=["named entity recognition", "chain of thought", "reasoning"],
        cite_as="A Reasoning Paradigm for Named Entity Recognition. AAAI 2026. arXiv:2511.11978.",
        distribution=list(_distribution(mlc, manifest, configs)),
        record_sets=[_record_set(mlc, config) for config in configs],
        data_collection="Sentences and types of the source named in manifest.json; no text was collected for it.",
        data_collection_type=["Secondary Data Analysis", "Software Collection"],
        data_annotation_protocol=(
            f"{teacher} annotated each sentence and argued for every entity; rules kept what the trace justifies; "
            f"{judge} scored it 0-10. The prompts are in manifest.json."
        ),
        machine_annotation_tools=list(dict.fromkeys((teacher, judge))),
        annotations_per_item=str(max(map(int, manifest["attempts"]), default=1)),
        data_preprocessing_protocol=["Mentions grounded to character offsets; duplicates and low scores dropped."],
        data_biases=["Types, languages and registers are those of the source; traces have the habits of their author."],
        data_limitations=["Traces argue for answers and do not prove them; not to be used as facts about the world."],
        data_use_cases=["Training and evaluating named entity recognition with reasoning."],
        personal_sensitive_information=["Sentences may name real people, as their source does."],
        data_release_maintenance_plan="Releases are numbered and never changed; takedowns leave rows out of later.",
    )


def _distribution(mlc: Any, manifest: Mapping[str, Any], configs: list[str]) -> Iterator[Any]:
    for file in manifest["files"]:
        if "config" in file:
            yield mlc.FileObject(
                id=file["path"],
                name=file["path"],
                content_url=file["path"],
                encoding_formats=["application/x-parquet"],
                sha256=file["sha256"],
            )
    for config in configs:
        yield mlc.FileSet(
            id=f"{config}-files",
            name=f"{config}-files",
            encoding_formats=["application/x-parquet"],
            includes=[f"{config}/*.parquet"],
        )


def _record_set(mlc: Any, config: str) -> Any:
    return mlc.RecordSet(
        id=config,
        name=config,
        fields=[_field(mlc, config, field) for field in COLUMNS[config]],
    )


def _field(mlc: Any, config: str, field: pa.Field) -> Any:
    """A column; a structure has a sub-field for each of its parts."""
    name = f"{config}/{field.name}"
    repeated = pa.types.is_list(field.type)
    kind = field.type.value_type if repeated else field.type
    described = {"name": field.name, "description": _MEANINGS.get(field.name, field.name.replace("_", " "))}
    if pa.types.is_struct(kind):
        parts = [_part(mlc, config, field.name, part) for part in kind]
        return mlc.Field(id=name, **described, repeated=repeated, sub_fields=parts)
    source = mlc.Source(file_set=f"{config}-files", extract=mlc.Extract(column=field.name))
    return mlc.Field(id=name, **described, data_types=[_data_type(mlc, kind)], repeated=repeated, source=source)


def _part(mlc: Any, config: str, column: str, part: pa.Field) -> Any:
    """One part of a structure, found in its column by its key."""
    source = mlc.Source(
        file_set=f"{config}-files",
        extract=mlc.Extract(column=column),
        transforms=[mlc.Transform(json_path=part.name)],
    )
    return mlc.Field(
        id=f"{config}/{column}/{part.name}", name=part.name, data_types=[_data_type(mlc, part.type)], source=source
    )


def _data_type(mlc: Any, kind: pa.DataType) -> Any:
    if pa.types.is_integer(kind):
        return mlc.DataType.INTEGER
    return mlc.DataType.FLOAT if pa.types.is_floating(kind) else mlc.DataType.TEXT
