"""Rounding a layer's weights one after the other, so that each takes back what those before it lost.

Optimal brain quantisation as in GPTQ (Frantar et al. 2022), on plain arrays: with the second moments ``gram`` of a
layer's input, the error of rounding one weight is spread over the weights that are still to be rounded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

DAMPING = 0.1
"""Added to the diagonal, as a share of its mean, where pictures leave directions of the input unseen."""
REFIT_DAMPING = 3.0
"""The same for the least squares that move weights before they are rounded: these must not fit noise."""
SILENT = 1e-20
"""Inputs whose mean square is below this never say anything."""
WIDEST = 1152
"""Larger inputs are taken in parts of this size: the work grows with the cube."""


def refit(weights: Real, gram: Real, cross: Real) -> Real:
    """Weights that make of the quantised input what the float weights make of the float input.

    Least squares, held near the given weights.

    Args:
        weights: ``(groups, out, in)``.
        gram: ``(groups, in, in)``: second moments of the quantised input.
        cross: ``(groups, in, in)``: moments of (float minus quantised) input, by rows, with the quantised input.
    """
    damped, size = _damped(gram, REFIT_DAMPING)
    cross = cross / size
    return np.asarray(weights + np.swapaxes(np.linalg.solve(damped, np.swapaxes(weights @ cross, 1, 2)), 1, 2))


def round_in_turn(weights: Real, gram: Real, scale: Real, top: int) -> NDArray[np.int16]:
    """Integers for ``weights`` whose product with the input errs least.

    Args:
        weights: ``(groups, out, in)``.
        gram: ``(groups, in, in)``: second moments of the input around its mean (the mean is the bias's affair).
        scale: broadcasts to ``(groups, out, 1)``.
        top: the largest integer.
    """
    order = np.argsort(-np.diagonal(gram, axis1=1, axis2=2), axis=1, kind="stable")
    sorted_gram = np.take_along_axis(np.take_along_axis(gram, order[:, :, None], 1), order[:, None, :], 2)
    rounded = _round_sorted(np.take_along_axis(weights, order[:, None, :], 2), sorted_gram, scale, top)
    return np.take_along_axis(rounded, np.argsort(order, axis=1)[:, None, :], 2)


def _round_sorted(weights: Real, gram: Real, scale: Real, top: int) -> NDArray[np.int16]:
    damped, _ = _damped(gram, DAMPING)
    spread = np.swapaxes(np.linalg.cholesky(np.linalg.inv(damped)), 1, 2)
    left = weights.copy()
    made = np.zeros(weights.shape, np.int16)
    block = 64
    for start in range(0, weights.shape[2], block):
        stop = min(start + block, weights.shape[2])
        errors = np.zeros((*weights.shape[:2], stop - start))
        for i in range(start, stop):
            column = left[:, :, i]
            integers = np.clip(np.rint(column / scale[..., 0]), -top, top)
            made[:, :, i] = integers
            error = (column - integers * scale[..., 0]) / spread[:, i, i][:, None]
            errors[:, :, i - start] = error
            left[:, :, i + 1 : stop] -= error[:, :, None] * spread[:, None, i, i + 1 : stop]
        left[:, :, stop:] -= errors @ spread[:, start:stop, stop:]
    return made


def _damped(gram: Real, share: float) -> tuple[Real, Real]:
    """The moments as multiples of their mean diagonal, with ``share`` of it added, and that mean."""
    mean = np.diagonal(gram, axis1=1, axis2=2).mean(axis=1)[:, None, None]
    size = np.where(mean > SILENT, mean, 1.0)
    return gram / size + np.eye(gram.shape[1]) * share, size
