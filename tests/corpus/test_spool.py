"""Numbers and hashes on disk give what they would give in memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nercot.corpus import spool
from nercot.corpus.spool import Hashes, Numbers

# Few values, many of which share the upper half alone.
NUMBERS = st.lists(st.builds(lambda high, low: high << 32 | low, st.integers(0, 5), st.integers(0, 9)), max_size=200)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, st.integers(1, 7))
def test_repeated_numbers_are_found_with_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: list[int], chunk: int
) -> None:
    monkeypatch.setattr(spool, "_CHUNK", chunk)
    column = Numbers(tmp_path / "numbers")
    for start in range(0, len(numbers), 3):
        column.add(np.array(numbers[start : start + 3], np.uint64))
    counts = Counter(numbers)
    wanted = sorted(value for value, count in counts.items() if count > 1)
    found = column.repeated()
    assert found.tolist() == wanted
    places, values = column.holding(found)
    assert places.tolist() == [place for place, value in enumerate(numbers) if counts[value] > 1]
    assert values.tolist() == [numbers[place] for place in places.tolist()]
    assert len(column) == len(numbers)
    column.close()
    assert not (tmp_path / "numbers").exists()


@pytest.mark.parametrize("waiting", [1 << 22, 64])
def test_the_digest_is_that_of_the_sorted_hashes(monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    monkeypatch.setattr(spool, "_WAITING_BYTES", waiting)
    rows = [hashlib.sha256(str(number % 90).encode()).digest() for number in range(300)]
    hashes = Hashes()
    for row in rows:
        hashes.add(row)
    assert hashes.digest() == hashlib.sha256(b"".join(sorted(rows))).hexdigest()
    assert Hashes().digest() == hashlib.sha256().hexdigest()
