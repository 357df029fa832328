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

LEAST_WARMUP = 100
"""Steps in which the learning rate rises at least, however few an epoch has."""

BIAS_RATE = 0.1
"""At which biases begin: classes that are rarer or more frequent than expected are so found at once."""

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
        warmup = max(round(options.warmup_epochs * batches), LEAST_WARMUP) if options.warmup_epochs else 0
        return cls(options.learning_rate, steps, min(warmup, steps // 2))

    def rate(self, step: int) -> float:
        """At a step, from 0."""
        fall = (1 + math.cos(math.pi * step / self.steps)) / 2
        rate = self.highest * (LAST_SHARE + (1 - LAST_SHARE) * fall)
        return rate * (step + 1) / self.warmup if step < self.warmup else rate

    def bias_rate(self, step: int) -> float:
        """That of biases, which falls while the others rise."""
        if step >= self.warmup:
            return self.rate(step)
        return BIAS_RATE + (self.rate(self.warmup) - BIAS_RATE) * step / self.warmup

    def apply(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Set the rates of a step."""
        for group in optimizer.param_groups:
            group["lr"] = self.bias_rate(step) if group["biases"] else self.rate(step)


def make_optimizer(network: Network, options: TrainOptions) -> torch.optim.Optimizer:
    """Weights of convolutions decay; biases and normalisation do not (He et al. 2018, Bag of Tricks)."""
    trained = {name: one for name, one in network.named_parameters() if one.requires_grad}
    biases = [one for name, one in trained.items() if name.endswith(".bias")]
    scales = [one for name, one in trained.items() if one.ndim == 1 and not name.endswith(".bias")]
    groups = [
        {"params": [one for one in trained.values() if one.ndim > 1], "biases": False},
        {"params": scales, "biases": False, "weight_decay": 0.0},
        {"params": biases, "biases": True, "weight_decay": 0.0},
    ]
    rate, decay = options.learning_rate, options.weight_decay
    if options.optimizer == "SGD":
        return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM, nesterov=True, weight_decay=decay)
    return torch.optim.AdamW(groups, lr=rate, betas=(MOMENTUM, 0.999), weight_decay=decay)


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
