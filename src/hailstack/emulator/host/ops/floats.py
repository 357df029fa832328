"""Exponentials and sums in float32 with the roundings of the vendor's x86-64 build.

Two exponentials occur there: the C library's ``expf``, which works in double precision, and the polynomial that Eigen
3.4 evaluates four numbers at a time. Eigen also fixes the order in which a softmax adds up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKET = 4
"""Numbers in one SSE register."""

_EXP_STEPS = 32
"""``expf`` splits ``x / ln 2`` into 32nds: a table of their powers of two, a polynomial for the rest."""
_EXP_SCALE = float.fromhex("0x1.71547652b82fep+0") * _EXP_STEPS
_EXP_TABLE = np.exp2(np.arange(_EXP_STEPS) / _EXP_STEPS)
_EXP_C1 = float.fromhex("0x1.62e42ff0c52d6p-1") / _EXP_STEPS
_EXP_C2 = float.fromhex("0x1.ebfce50fac4f3p-3") / _EXP_STEPS**2
_EXP_C3 = float.fromhex("0x1.c6af84b912394p-5") / _EXP_STEPS**3

_LIMIT = np.float32(88.3762626647950)
_LOG2_E = np.float32(1.44269504088896341)
# ln 2 in two parts, so that multiples of the first are exact.
_LN2_HIGH = np.float32(-0.693359375)
_LN2_LOW = np.float32(2.12194440e-4)
# Cephes' minimax polynomial of (exp(r) - 1 - r) / r^2 on [-ln 2 / 2, ln 2 / 2], highest power first.
_P0, _P1, _P2, _P3, _P4, _P5 = (
    np.float32(value)
    for value in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
)


def exp(x: NDArray[Any]) -> NDArray[np.float32]:
    """``expf`` of the GNU C library (ARM's optimised routines): off by a hair more than half a unit at times."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scaled = np.clip(x.astype(np.float64), -150, 100) * _EXP_SCALE
        nearest = np.rint(scaled)
        r, step = scaled - nearest, nearest.astype(np.int64)
        power = np.ldexp(_EXP_TABLE[step & (_EXP_STEPS - 1)], (step >> 5).astype(np.int32))
        polynomial = (_EXP_C3 * r + _EXP_C2) * (r * r) + (_EXP_C1 * r + 1)
        powers: NDArray[np.float32] = (polynomial * power).astype(np.float32)
    return powers


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """``1 / (1 + expf(-x))``, rounded at every step."""
    one = np.float32(1)
    activated: NDArray[np.float32] = one / (one + exp(-x))
    return activated


def exp_packet(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Eigen 3.4's vectorised exponential (``pexp_float`` without fused multiply-add)."""
    one, half = np.float32(1), np.float32(0.5)
    with np.errstate(over="ignore", under="ignore"):
        clipped = np.maximum(np.minimum(x, _LIMIT), -_LIMIT)
        exponent = np.floor(clipped * _LOG2_E + half)
        r = exponent * _LN2_LOW + (exponent * _LN2_HIGH + clipped)
        r2 = r * r
        # The even and odd halves of the polynomial are added up apart.
        high = (_P0 * r + _P1) * r + _P2
        low = (_P3 * r + _P4) * r + _P5
        y = (high * (r2 * r) + low) * r2 + (r + one)
        powers: NDArray[np.float32] = np.maximum(np.ldexp(y, exponent.astype(np.int32)), x)
    return powers


def sum_packets(terms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums along the first axis in the order in which Eigen adds memory that starts at a register boundary.

    Whole registers go alternately into two accumulators, then the four lanes are added crosswise, then the rest.
    """
    packets = terms.shape[0] // PACKET
    if not packets:
        return _sequential(terms)
    lanes = terms[: packets * PACKET].reshape(packets, PACKET, *terms.shape[1:])
    total = _sum_lanes(lanes)
    for term in terms[packets * PACKET :]:
        total = total + term
    return total


def _sum_lanes(lanes: NDArray[np.float32]) -> NDArray[np.float32]:
    total = lanes[0]
    pairs = lanes.shape[0] // 2 * 2
    if pairs:
        odd = lanes[1]
        for index in range(2, pairs, 2):
            total, odd = total + lanes[index], odd + lanes[index + 1]
        total = total + odd
    if 0 < pairs < lanes.shape[0]:
        total = total + lanes[pairs]
    crossed = total[:2] + total[2:]
    sums: NDArray[np.float32] = crossed[0] + crossed[1]
    return sums


def _sequential(terms: NDArray[Any]) -> NDArray[np.float32]:
    # np.sum adds pairwise; accumulate keeps the order.
    total: NDArray[np.float32] = np.add.accumulate(terms, axis=0)[-1]
    return total


def weighted_sum(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """``0 * v0 + 1 * v1 + ...`` along the first axis, added from the first on."""
    weights = np.arange(values.shape[0], dtype=np.float32)
    return _sequential(values * weights.reshape(-1, *(1,) * (values.ndim - 1)))


def softmax(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax along the last axis of a C-contiguous array, without subtracting the maximum, as Eigen 3.4 does it.

    Memory that does not start at a register boundary is worked on with single-number operations up to there: with a
    number of features that is no multiple of four, rows differ in where that is.
    """
    count = x.shape[-1]
    lines = np.ascontiguousarray(x, np.float32).reshape(-1, count)
    out = np.empty_like(lines)
    period = PACKET // np.gcd(PACKET, count)
    for first in range(period):
        head = min(-(first * count) % PACKET, count)
        out[first::period] = _softmax_lines(lines[first::period], head)
    return out.reshape(x.shape)


def _softmax_lines(lines: NDArray[np.float32], head: int) -> NDArray[np.float32]:
    count = lines.shape[1]
    tail = head + (count - head) // PACKET * PACKET
    powers = np.empty_like(lines)
    powers[:, head:tail] = exp_packet(lines[:, head:tail])
    powers[:, :head] = exp(lines[:, :head])
    powers[:, tail:] = exp(lines[:, tail:])
    with np.errstate(invalid="ignore", over="ignore"):
        return powers / _sum_line(powers.T, head, tail)[:, None]


def _sum_line(powers: NDArray[np.float32], head: int, tail: int) -> NDArray[np.float32]:
    if tail == head:
        return _sequential(powers)
    total = sum_packets(powers[head:tail])
    for term in (*powers[:head], *powers[tail:]):
        total = total + term
    return total
