"""The one span comparison: micro-F1, error kinds, and drift against a source's gold.

In: predictions and gold as answers (a model's text), records, entity lists, or mappings label -> mentions.
Out: frozen counts and figures, or the pairs of entities that belong together.  Never raises on what a model
wrote, never changes an entity, and knows nothing of files or models.

`exact` compares mentions as validation grounds them: what it calls right is right here; `paper` repeats the
normalisation and set semantics of the paper's released code, with a reader of its own (paper.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, TypeAlias, get_args

from nercot.corpus.labels import fold_label
from nercot.corpus.records import Entity, Record
from nercot.errors import InputError
from nercot.validation.folding import fold_mention
from nercot.validation.grounding import ground
from nercot.validation.paper import paper_label, paper_mention, paper_pairs, read_paper
from nercot.validation.scored import Scorable, entities_of

Mode = Literal["exact", "paper"]

# An answer that lists more is compared as it stands: looking each up in the sentence would take too long.
_MAX_GROUNDED = 1000

# What became of an entity, in the order in which `drift` decides ties.
KINDS = ("same", "relabelled", "boundary", "added", "removed")


@dataclass(frozen=True, slots=True)
class Score:
    """Micro-averaged figures in [0, 1] over `gold`, `predicted` and `matched` entities.

    `unreadable`: predictions that could not be read.  `per_type`: the same for each type, in the spelling of
    the gold where it has one.  `rows`: (gold, predicted, matched) of each row, what `bootstrap` draws from.
    """

    mode: Mode
    gold: int
    predicted: int
    matched: int
    unreadable: int = 0
    per_type: Mapping[str, Score] = field(default_factory=dict)
    rows: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)

    @property
    def precision(self) -> float:
        """Matched of predicted; 0 without predictions, but see `f1` for nothing at all."""
        return self.matched / self.predicted if self.predicted else self._nothing

    @property
    def recall(self) -> float:
        """Matched of gold; 0 without gold, but see `f1` for nothing at all."""
        return self.matched / self.gold if self.gold else self._nothing

    @property
    def f1(self) -> float:
        """2 matched / (gold + predicted); where both are empty, 1 in exact mode and 0 in paper mode."""
        total = self.gold + self.predicted
        return 2 * self.matched / total if total else self._nothing

    @property
    def _nothing(self) -> float:
        return float(self.mode == "exact" and not self.gold and not self.predicted)


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold and a found entity that belong together; `added` has no gold, `removed` nothing found."""

    kind: str
    gold: Entity | None
    found: Entity | None


@dataclass(frozen=True, slots=True)
class Errors:
    """How many entities went which way; `confusions` counts (gold label, found label), None where there is none."""

    correct: int
    missed: int
    spurious: int
    wrong_type: int
    boundary: int
    confusions: Mapping[tuple[str | None, str | None], int]


@dataclass(frozen=True, slots=True)
class Interval:
    """The bounds between which a share `level` of the resampled F1 values lies."""

    low: float
    high: float
    level: float


def micro_f1(
    predictions: Sequence[Scorable],
    golds: Sequence[Scorable],
    mode: Mode = "exact",
    *,
    offsets: bool = False,
    ignore: Collection[str] = (),
) -> Score:
    """Span micro-F1 of predictions against golds, row by row.

    `exact` (strict) counts the multiset of (mention, folded label), two spellings of a mention that validation takes
    for one (`Kestrel's` and `Kestrel 's`) being the same; with `offsets`, entities that have offsets
    on both sides are the same only at the same place.  `paper` counts the set of (mention, label), both
    normalised as the paper's released code does.  A record is its entities as a prediction; as gold its own
    gold, or its entities where it has none.  `ignore`: types (folded) whose mentions count on no side.  A
    prediction that cannot be read predicts nothing, and its gold counts.  Raises InputError for gold that cannot
    be read, ValueError for two different numbers of rows.
    """
    check_mode(mode)
    if mode == "paper" and offsets:
        raise ValueError("the paper's matching knows no offsets: use mode='exact'")
    labels = _labels_paper if mode == "paper" else _labels_offsets if offsets else _labels_exact
    totals: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    spelling: dict[str, str] = {}
    rows: list[tuple[int, int, int]] = []
    unreadable = 0
    for number, prediction, gold in _rows(predictions, golds):
        sides = labels(prediction, gold, spelling)
        if sides is None:
            sides = labels((), gold, spelling)
            unreadable += 1
        if sides is None:
            raise InputError(_unreadable(number))
        if ignore:
            sides = _without(sides, ignore)
        for total, side in zip(totals, sides, strict=True):
            total.update(side)
        rows.append((len(sides[0]), len(sides[1]), len(sides[2])))
    return Score(mode, *_sums(rows), unreadable, _per_type(mode, totals, spelling), tuple(rows))


def _unreadable(number: int) -> str:
    return (
        f"the gold of row {number} cannot be read: give it as an Answer, a record, entities with text and label, "
        "or label -> mentions"
    )


def _without(sides: _Sides, ignore: Collection[str]) -> _Sides:
    gold, found, matched = ([label for label in side if fold_label(label) not in ignore] for side in sides)
    return gold, found, matched


def check_mode(mode: str) -> None:
    """Raises ValueError for anything but `exact` and `paper`."""
    if mode not in get_args(Mode):
        raise ValueError(f"mode is {mode!r}: use 'exact' or 'paper'")


def bootstrap(score: Score, resamples: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """The percentile bootstrap interval of a score's F1 over its rows; the same for the same seed and rows.

    Rows with equal counts are drawn together (a multinomial over the distinct counts), which is the same
    distribution as drawing row by row and needs no memory in the number of rows.
    """
    if not score.rows:
        return Interval(score.f1, score.f1, level)
    import numpy as np  # comes with datasets; only this function needs it

    kinds, counts = np.unique(np.array(score.rows, dtype=np.int64), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(score.rows), counts / counts.sum(), size=resamples) @ kinds
    total = drawn[:, 0] + drawn[:, 1]
    empty = 1.0 if score.mode == "exact" else 0.0
    f1 = np.where(total > 0, 2 * drawn[:, 2] / np.maximum(total, 1), empty)
    low, high = np.quantile(f1, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


def error_kinds(predictions: Sequence[Scorable], golds: Sequence[Scorable]) -> Errors:
    """What kinds of errors predictions make, from `compare` of each row.

    correct + missed + wrong_type + boundary is the number of gold entities, with spurious in place of missed
    that of predicted ones.  Takes and raises what `micro_f1` does.
    """
    kinds: Counter[str] = Counter()
    confused: Counter[tuple[str | None, str | None]] = Counter()
    for number, prediction, gold in _rows(predictions, golds):
        sides = _both(prediction, gold) or _both((), gold)
        if sides is None:
            raise InputError(_unreadable(number))
        pairs = compare(*sides)
        kinds.update(pair.kind for pair in pairs)
        confused.update(confusions(pairs))
    return Errors(kinds["same"], kinds["removed"], kinds["added"], kinds["relabelled"], kinds["boundary"], confused)


def compare(gold: Sequence[Entity], found: Sequence[Entity]) -> tuple[Pair, ...]:
    """Every entity of both sides in exactly one pair.

    same: same place, same type.  relabelled: same place, another type.  boundary: same type, overlapping.
    What is left is removed (gold) or added (found), also where place and type both differ.  The place is the
    offsets where both entities have them, else the mention; without offsets, overlapping is containing.
    """
    pairs, left, right = _same(gold, found)
    pairs += _pair_off("relabelled", _at_one_place, left, right)
    pairs += _pair_off("boundary", _overlap_of_one_type, left, right)
    pairs += [Pair("added", None, entity) for entity in right]
    pairs += [Pair("removed", entity, None) for entity in left]
    return tuple(pairs)


def drift(gold: Sequence[Entity], found: Sequence[Entity]) -> str:
    """How a record's entities differ from its source's gold: `same`, or the commonest other kind of KINDS."""
    kinds = Counter(pair.kind for pair in compare(gold, found))
    if kinds["same"] == kinds.total():
        return "same"
    return max(KINDS[1:], key=kinds.__getitem__)


def confusions(pairs: Iterable[Pair]) -> Counter[tuple[str | None, str | None]]:
    """How often a gold label (None: added) became which found label (None: removed)."""
    return Counter((pair.gold.label if pair.gold else None, pair.found.label if pair.found else None) for pair in pairs)


def _rows(predictions: Sequence[Scorable], golds: Sequence[Scorable]) -> Iterable[tuple[int, Scorable, Scorable]]:
    """(row number from 1, prediction, gold)."""
    if len(predictions) != len(golds):
        raise ValueError(f"{len(predictions)} predictions for {len(golds)} golds: give one for each row")
    return zip(range(1, len(golds) + 1), predictions, golds, strict=True)


# What entities are looked up by.
_Key: TypeAlias = Hashable

# The labels of a row's gold, predicted and matched entities.
_Sides: TypeAlias = tuple[list[str], list[str], list[str]]


def _labels_exact(prediction: Scorable, gold: Scorable, spelling: dict[str, str]) -> _Sides | None:
    expected, found = entities_of(gold, gold=True), entities_of(prediction)
    if expected is None or found is None:
        return None
    sentence = _sentence(prediction, gold)
    found = found if sentence is None else _in_sentence(sentence, found)
    left, right = _gold_labels(expected, spelling), _found_labels(found, spelling)
    here = Counter((label, entity.text) for label, entity in zip(left, expected, strict=True))
    there = Counter((label, entity.text) for label, entity in zip(right, found, strict=True))
    same = here & there
    if same.total() < min(here.total(), there.total()):
        caseless = sentence is None
        same += _folded(here - same, caseless) & _folded(there - same, caseless)
    return left, right, [label for label, _ in same.elements()]


def _folded(entities: Counter[tuple[str, str]], caseless: bool) -> Counter[tuple[str, str]]:
    """The same mentions, in the form in which two spellings of one are equal."""
    folded: Counter[tuple[str, str]] = Counter()
    for (label, text), count in entities.items():
        folded[label, fold_mention(text.casefold() if caseless else text)] += count
    return folded


def _labels_offsets(prediction: Scorable, gold: Scorable, spelling: dict[str, str]) -> _Sides | None:
    sides = _both(prediction, gold)
    if sides is None:
        return None
    expected, found = sides
    matched = [pair.gold for pair in _same(expected, found)[0] if pair.gold]
    left, right = _gold_labels(expected, spelling), _found_labels(found, spelling)
    return left, right, _gold_labels(matched, spelling)


def _labels_paper(prediction: Scorable, gold: Scorable, spelling: dict[str, str]) -> _Sides | None:
    expected, found = _paper_set(gold, gold=True), _paper_set(prediction)
    if expected is None or found is None:
        return None
    return [label for _, label in expected], [label for _, label in found], [label for _, label in expected & found]


def _gold_labels(entities: Sequence[Entity], spelling: dict[str, str]) -> list[str]:
    """The folded labels; their spelling is what the figures per type go by."""
    labels = [fold_label(entity.label) for entity in entities]
    spelling.update((label, entity.label) for label, entity in zip(labels, entities, strict=True))
    return labels


def _found_labels(entities: Sequence[Entity], spelling: dict[str, str]) -> list[str]:
    labels = [fold_label(entity.label) for entity in entities]
    for label, entity in zip(labels, entities, strict=True):
        spelling.setdefault(label, entity.label)
    return labels


def _sums(rows: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    return sum(row[0] for row in rows), sum(row[1] for row in rows), sum(row[2] for row in rows)


def _per_type(
    mode: Mode, totals: tuple[Counter[str], Counter[str], Counter[str]], spelling: Mapping[str, str]
) -> dict[str, Score]:
    gold, predicted, matched = totals
    scores = {
        spelling.get(label, label): Score(mode, gold[label], predicted[label], matched[label])
        for label in gold.keys() | predicted.keys()
    }
    return dict(sorted(scores.items()))


def _both(prediction: Scorable, gold: Scorable) -> tuple[Sequence[Entity], Sequence[Entity]] | None:
    """(gold, predicted) entities of a row, their mentions as validation takes them; None where one cannot be read.

    With the sentence at hand a mention is the text that it is grounded in.  Without, case cannot be told from
    another spelling of the same mention, and is ignored.
    """
    expected, found = entities_of(gold, gold=True), entities_of(prediction)
    if expected is None or found is None:
        return None
    sentence = _sentence(prediction, gold)
    if sentence is None:
        return [_caseless(entity) for entity in expected], [_caseless(entity) for entity in found]
    return expected, _in_sentence(sentence, found)


def _sentence(prediction: Scorable, gold: Scorable) -> str | None:
    """The sentence of a row, where either side has it."""
    return next((side.sentence for side in (gold, prediction) if isinstance(side, Record)), None)


def _caseless(entity: Entity) -> Entity:
    return replace(entity, text=entity.text.casefold())


def _in_sentence(sentence: str, found: Sequence[Entity]) -> Sequence[Entity]:
    """The entities with the sentence's own text where validation finds them in it; what has its place stays."""
    bare = [(entity.label, entity.text) for entity in found if entity.start is None]
    if not bare or len(bare) > _MAX_GROUNDED:
        return found
    own = iter(ground(sentence, bare))
    return [Entity(next(own).text, entity.label) if entity.start is None else entity for entity in found]


def _paper_set(answer: Scorable, *, gold: bool = False) -> frozenset[tuple[str, str]] | None:
    """What the paper's code reads; gold that it reads as nothing is read as other gold is, and may be no Answer."""
    found = read_paper(answer) if isinstance(answer, str) else None
    if found or (isinstance(answer, str) and not gold):
        return found
    if isinstance(answer, Mapping) and not gold:
        inner = answer.get("entities")
        return paper_pairs(inner if len(answer) == 1 and isinstance(inner, Mapping) else answer)
    entities = entities_of(answer, gold=gold)
    if entities is None:
        return None
    return frozenset((paper_mention(entity.text), paper_label(entity.label)) for entity in entities)


def _same(gold: Sequence[Entity], found: Sequence[Entity]) -> tuple[list[Pair], list[Entity], list[Entity]]:
    """(pairs of kind same, gold left over, found left over), as many pairs as there can be, in linear time."""
    placed, left, right = _take(gold, found, _span, _spans)
    named, left, right = _take(left, right, _name, _names)
    return placed + named, left, right


def _take(
    gold: Sequence[Entity],
    found: Sequence[Entity],
    key: Callable[[Entity], _Key],
    wanted: Callable[[Entity], tuple[_Key, ...]],
) -> tuple[list[Pair], list[Entity], list[Entity]]:
    """Pairs each gold entity with the first found one whose key it wants, and gives what is left over."""
    waiting: dict[_Key, list[int]] = {}
    for position in reversed(range(len(found))):
        waiting.setdefault(key(found[position]), []).append(position)
    pairs: list[Pair] = []
    left: list[Entity] = []
    for entity in gold:
        positions = next((waiting[name] for name in wanted(entity) if waiting.get(name)), None)
        if positions:
            pairs.append(Pair("same", entity, found[positions.pop()]))
        else:
            left.append(entity)
    return pairs, left, [found[position] for position in sorted(chain.from_iterable(waiting.values()))]


def _span(entity: Entity) -> _Key:
    return None if entity.start is None else (entity.start, entity.end, fold_label(entity.label))


def _spans(entity: Entity) -> tuple[_Key, ...]:
    """Gold with offsets takes found with the same offsets; None is never looked up."""
    return () if entity.start is None else (_span(entity),)


def _name(entity: Entity) -> _Key:
    return (entity.start is None, fold_mention(entity.text), fold_label(entity.label))


def _names(entity: Entity) -> tuple[_Key, ...]:
    """Gold without offsets takes found with offsets first, and leaves those without to gold with offsets."""
    label, text = fold_label(entity.label), fold_mention(entity.text)
    bare, placed = (True, text, label), (False, text, label)
    return (placed, bare) if entity.start is None else (bare,)


def _pair_off(
    kind: str, likeness: Callable[[Entity, Entity], int], gold: list[Entity], found: list[Entity]
) -> list[Pair]:
    """Each gold entity with the found one most like it (0: not at all); both are taken off their lists."""
    pairs: list[Pair] = []
    rest: list[Entity] = []
    for entity in gold:
        alike, position = max(((likeness(entity, other), -i) for i, other in enumerate(found)), default=(0, 0))
        if alike:
            pairs.append(Pair(kind, entity, found.pop(-position)))
        else:
            rest.append(entity)
    gold[:] = rest
    return pairs


def _at_one_place(gold: Entity, found: Entity) -> int:
    if gold.start is None or found.start is None:
        return int(fold_mention(gold.text) == fold_mention(found.text))
    return int((gold.start, gold.end) == (found.start, found.end))


def _overlap_of_one_type(gold: Entity, found: Entity) -> int:
    """The number of characters that both cover, 0 for two types."""
    if fold_label(gold.label) != fold_label(found.label):
        return 0
    if gold.start is None or gold.end is None or found.start is None or found.end is None:
        here, there = fold_mention(gold.text), fold_mention(found.text)
        return min(len(here), len(there)) if here in there or there in here else 0
    return max(0, min(gold.end, found.end) - max(gold.start, found.start))
