"""What moves the weights: the optimizer, its learning rate at each step, and the mean of the weights so far."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

from hailstack.training.extra import nn, torch
from hailstack.training.network import Network
from hailstack.training.options import TrainOptions

LAST_SHARE = 0.01
"""Of the highest learning rate, at the end."""

MOMENTUM = 0.937
"""And the first of AdamW's two; YOLO networks are trained with it."""

MEAN_DECAY = 0.9999
MEAN_STEPS = 2000.0
"""Steps after which the mean is slow: before, it would remember the random weights of the beginning."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate: a straight rise, then a cosine (Loshchilov & Hutter 2016)."""

    highest: float
    steps: int
    warmup: int

    @classmethod
    def of(cls, options: TrainOptions, batches: int) -> Schedule:
        steps = options.epochs * batches
        return cls(options.learning_rate, steps, min(round(options.warmup_epochs * batches), steps // 2))

    def rate(self, step: int) -> float:
        """At a step, from 0."""
        fall = (1 + math.cos(math.pi * step / self.steps)) / 2
        rate = self.highest * (LAST_SHARE + (1 - LAST_SHARE) * fall)
        return rate * (step + 1) / self.warmup if step < self.warmup else rate


def make_optimizer(network: Network, options: TrainOptions) -> torch.optim.Optimizer:
    """Weights of convolutions decay; biases and normalisation do not (He et al. 2018, Bag of Tricks)."""
    trained = [one for one in network.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in trained if one.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [one for one in trained if one.ndim <= 1], "weight_decay": 0.0},
    ]
    if options.optimizer == "SGD":
        return torch.optim.SGD(groups, lr=options.learning_rate, momentum=MOMENTUM, nesterov=True)
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(MOMENTUM, 0.999))


class MeanWeights:
    """The exponential mean of a network's weights, which is measured and kept (Tarvainen & Valpola 2017)."""

    def __init__(self, network: Network) -> None:
        self.network: nn.Module = copy.deepcopy(network).eval().requires_grad_(False)
        self.steps = 0

    @torch.no_grad()
    def take_in(self, network: Network) -> None:
        """One step."""
        self.steps += 1
        decay = MEAN_DECAY * (1 - math.exp(-self.steps / MEAN_STEPS))
        current = network.state_dict()
        for name, mean in self.network.state_dict().items():
            if mean.dtype.is_floating_point:
                mean.lerp_(current[name], 1 - decay)
            else:
                mean.copy_(current[name])
