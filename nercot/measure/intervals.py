"""Shares with their intervals, and figures that two samples make together.

In: counts, or values of a stratified sample.  Out: estimates with 95 % intervals, or None where a figure is not
defined; never a division by nothing and never an interval without a width.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance
from typing import Any

# The normal quantile of a two-sided 95 % interval.
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of 0-1 with its 95 % interval, and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """The estimate as JSON, rounded."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "n": self.n,
        }


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share seen in `n` observations, which may be an effective number."""
    middle, spread = share + Z * Z / (2 * n), Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    whole = 1 + Z * Z / n
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def proportion(right: int, n: int) -> Estimate | None:
    """A plain share; None of nothing."""
    if not n:
        return None
    return Estimate(right / n, *wilson(right / n, n), n)


def weighted(values: Sequence[tuple[float, float]]) -> Estimate | None:
    """A share of (0 or 1, weight) observations, weighted back to what a stratified sample was drawn from; None of none.

    A weight is the size of the layer over the number of its rows that were seen.  The interval is Wilson's at the
    effective number of observations, the square of the summed weights over their summed squares (Kish 1965; Korn and
    Graubard 1998).
    """
    total = sum(weight for _, weight in values)
    if not total:
        return None
    share = min(1.0, sum(value * weight for value, weight in values) / total)
    effective = total * total / sum(weight * weight for _, weight in values)
    return Estimate(share, *wilson(share, effective), len(values))


@dataclass(frozen=True, slots=True)
class Seen:
    """One layer for `corrected`: verdicts (0 or 1) beside what was predicted of the same rows, and its size."""

    truth: Sequence[float]
    predicted: Sequence[float]
    of: int


def corrected(layers: Sequence[Seen], predictions: Mapping[str, float], n: int) -> Estimate | None:
    """The share of right answers in a corpus: what was predicted of all rows, corrected by people's verdicts on some.

    `predictions`: mean and variance of the prediction over all `n` rows.  The estimate is lambda x mean prediction +
    the weighted mean of (verdict - lambda x prediction), its variance that of both samples together: prediction-powered
    inference (Angelopoulos et al., Science 382, 2023), lambda chosen so that a useless prediction costs nothing
    (PPI++, arXiv 2311.01453), the correction stratified (arXiv 2406.04291).  Where people's verdicts do not vary, that
    variance is 0 and says nothing: the interval is then Wilson's over the verdicts alone.
    """
    seen = [layer for layer in layers if layer.truth]
    total, count = sum(layer.of for layer in seen), sum(len(layer.truth) for layer in seen)
    if not total or not n:
        return None
    truth = [value for layer in seen for value in layer.truth]
    if len(set(truth)) == 1:
        return weighted([(value, layer.of / len(layer.truth)) for layer in seen for value in layer.truth])
    power = _power(truth, [value for layer in seen for value in layer.predicted], predictions["variance"], count / n)
    pooled = variance(
        [one - power * two for layer in seen for one, two in zip(layer.truth, layer.predicted, strict=True)]
    )
    value, spread = power * predictions["mean"], power * power * predictions["variance"] / n
    for layer in seen:
        rest = [one - power * two for one, two in zip(layer.truth, layer.predicted, strict=True)]
        weight = layer.of / total
        value += weight * fmean(rest)
        spread += weight * weight * (variance(rest) if len(rest) > 1 else pooled) / len(rest)
    half = Z * sqrt(spread)
    value = min(1.0, max(0.0, value))
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), count)


def _power(truth: Sequence[float], predicted: Sequence[float], spread: float, ratio: float) -> float:
    """How far to trust the prediction, 0-1: the lambda of PPI++ for a mean."""
    middle, other = fmean(truth), fmean(predicted)
    together = fmean((one - middle) * (two - other) for one, two in zip(truth, predicted, strict=True))
    return min(1.0, max(0.0, together / ((1 + ratio) * spread))) if spread > 0 else 0.0


def auc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """The chance that a right answer has a higher score than a wrong one, ties counted half; None without both."""
    if not right or not wrong:
        return None
    ranked = sorted(wrong)
    won = sum(bisect_left(ranked, score) + bisect_right(ranked, score) for score in right) / 2
    return won / (len(right) * len(wrong))


def kappa(pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Cohen's kappa (1960) of two raters' labels of the same items, with the base rate of each label.

    `kappa` is None where it is not defined: no items, or chance agreement is whole (both used one and the same label).
    """
    n = len(pairs)
    labels = sorted({label for pair in pairs for label in pair}, key=str)
    rates = {str(label): [sum(pair[side] == label for pair in pairs) / n for side in (0, 1)] for label in labels}
    found: dict[str, Any] = {"n": n, "agree": sum(one == two for one, two in pairs)}
    found["base_rates"] = {label: [round(rate, 4) for rate in both] for label, both in rates.items()}
    chance = sum(one * two for one, two in rates.values())
    defined = n > 0 and chance < 1
    found["kappa"] = round((found["agree"] / n - chance) / (1 - chance), 4) if defined else None
    return found
