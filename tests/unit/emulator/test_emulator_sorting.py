from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hailstack.emulator.host.ops.sorting import descending_order


def drawn(count: int, levels: int) -> NDArray[np.float32]:
    """Keys from a linear congruential generator, so that a C++ program can draw the same."""
    state, keys = 12345, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        keys.append((state >> 8) % levels)
    return np.array(keys, np.float32)


def killer(count: int) -> NDArray[np.float32]:
    """Keys for which the median of three is always a bad pivot (Musser 1997), each four times."""
    half = count // 2
    keys = np.empty(count, np.float32)
    for index in range(1, half + 1):
        keys[index - 1] = index if index % 2 else half + index - 1
        keys[half + index - 1] = 2 * index
    return -keys // 4


# sha256 of the permutations (int32) that std::sort of libstdc++ 12 leaves, first 16 digits.
FROM_LIBSTDCPP = {
    "lcg 16 3": "3b1fe8589e8b7c1f",
    "lcg 17 3": "d51c85a9f362386f",
    "lcg 40 5": "8edd905018531ebf",
    "lcg 300 9": "3f92f97d837e5a8b",
    "lcg 1000 64": "d4bb13bf135c4b53",
    "lcg 5000 200": "8575e70aeb953ece",
    "killer 200": "071b9bb46bcb18d2",
    "killer 2000": "f30799d0ec096880",
}


@pytest.mark.parametrize("case", FROM_LIBSTDCPP)
def test_equal_keys_end_where_std_sort_leaves_them(case: str) -> None:
    kind, *numbers = case.split()
    keys = drawn(*map(int, numbers)) if kind == "lcg" else killer(int(numbers[0]))

    order = descending_order(keys)

    assert hashlib.sha256(order.astype("<i4").tobytes()).hexdigest()[:16] == FROM_LIBSTDCPP[case]


@given(st.lists(st.integers(0, 20), max_size=400))
def test_every_key_appears_once_in_descending_order(keys: list[int]) -> None:
    order = descending_order(np.array(keys, np.float32))

    assert sorted(order.tolist()) == list(range(len(keys)))
    assert [keys[index] for index in order] == sorted(keys, reverse=True)


@given(st.lists(st.integers(0, 3), max_size=16))
def test_up_to_sixteen_keys_equal_ones_keep_their_places(keys: list[int]) -> None:
    order = descending_order(np.array(keys, np.float32)).tolist()

    assert order == sorted(range(len(keys)), key=lambda index: -keys[index])
