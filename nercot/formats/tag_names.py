"""The names of tags that are numbers: from the file's own features, a list beside it, a card, or the user.

In: a file of rows and the key of its tags.  Out: the names by number, () where nobody gives them.  Looked at, in this
order: what the user says; the features in Parquet and Arrow files; label.json and its kin (names to numbers, numbers
to names, or a list), a model's config.json, dataset_info.json and labels.txt in its folder or the one above; the card
in either.  Never guesses a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nercot.errors import InputError
from nercot.formats.files import arrow_schema, folder_of
from nercot.formats.tags import named

LABEL_FILES = (
    *("label.json", "labels.json", "label2id.json", "label_to_id.json", "tag2id.json", "tag_to_id.json", "tags.json"),
    *("id2label.json", "id_to_label.json", "label_map.json", "label_mapping.json", "label_list.json", "ner_tags.json"),
    *("config.json", "dataset_info.json"),
)
_LISTS = ("labels.txt", "label.txt", "label_list.txt", "tags.txt", "classes.txt", "ner_tags.txt")
# What lies beside the data of a saved data set or model, and is no data.
NOT_DATA = named("dataset_infos.json dataset_dict.json state.json special_tokens_map.json tokenizer_config.json") | {
    *LABEL_FILES,
    *_LISTS,
}
_INSIDE = ("label2id", "id2label", "labels", "names", "tags", "label_to_id", "ner_tags")


def tag_names(path: Path, key: str, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the tags under a key, by number; () where nobody names them."""
    if asked:
        return tuple(asked)
    return next((names for names in _found(path, key) if names), ())


def _found(path: Path, key: str) -> Iterator[tuple[str, ...]]:
    yield _in_features(_features(arrow_schema(path)), key)
    folder = folder_of(path)
    for place in (folder, folder.parent):
        for name in LABEL_FILES:
            if (place / name).is_file() and place / name != path:
                yield _in_json(place / name, key)
        for name in _LISTS:
            if (place / name).is_file() and place / name != path:
                yield tuple(line.strip() for line in (place / name).read_text("utf-8-sig").splitlines() if line.strip())
        yield _in_card(place / "README.md", key)


def _features(schema: Any) -> Any:
    """The features that the Hub's library writes into Parquet and Arrow files."""
    try:
        return json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def _in_features(features: Any, key: str) -> tuple[str, ...]:
    inner = features.get(key) if isinstance(features, Mapping) else None
    while isinstance(inner, list | dict) and inner:
        inner = inner[0] if isinstance(inner, list) else inner
        if isinstance(inner, dict) and isinstance(inner.get("names"), list):
            return tuple(map(str, inner["names"]))
        inner = inner.get("feature") if isinstance(inner, dict) else None
    return ()


def _in_json(path: Path, key: str) -> tuple[str, ...]:
    """The names in a JSON file beside the data."""
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); mend it, or name the tags with --labels") from error
    if isinstance(value, Mapping) and "features" in value:
        return _in_features(value["features"], key)
    return names_of(value) or next(
        (names for inside in _INSIDE if isinstance(value, Mapping) and (names := names_of(value.get(inside)))), ()
    )


def names_of(value: Any) -> tuple[str, ...]:
    """Names by number, of a list, of names to numbers, or of numbers to names; () where it is none of these."""
    if isinstance(value, list):
        return tuple(value) if value and all(isinstance(name, str) for name in value) else ()
    if not isinstance(value, Mapping) or not value:
        return ()
    pairs = list(value.items())
    if all(type(number) is int for _, number in pairs):
        by_number = {number: str(name) for name, number in pairs}
    elif all(str(number).isdecimal() and isinstance(name, str) for number, name in pairs):
        by_number = {int(number): name for number, name in pairs}
    else:
        return ()
    whole = set(by_number) == set(range(len(by_number)))
    return tuple(by_number[number] for number in range(len(by_number))) if whole else ()


def _in_card(path: Path, key: str) -> tuple[str, ...]:
    """The names in the features of a dataset card."""
    if not path.is_file():
        return ()
    import yaml

    text = path.read_text("utf-8", "replace")
    head = text.split("\n---", 1)[0].removeprefix("---") if text.startswith("---") else ""
    try:
        info = (yaml.safe_load(head) or {}).get("dataset_info")
    except (yaml.YAMLError, AttributeError):
        return ()
    for config in info if isinstance(info, list) else [info]:
        for feature in (config or {}).get("features") or () if isinstance(config, Mapping) else ():
            if isinstance(feature, Mapping) and feature.get("name") == key:
                return _in_class(feature)
    return ()


def _in_class(feature: Mapping[str, Any]) -> tuple[str, ...]:
    for word in ("sequence", "list", "dtype"):
        inner = feature.get(word)
        label = inner.get("class_label") if isinstance(inner, Mapping) else None
        names = names_of(label.get("names")) if isinstance(label, Mapping) else ()
        if names:
            return names
    return ()
