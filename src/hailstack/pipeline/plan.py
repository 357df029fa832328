"""The file that names several models for one run: ``--net models.toml``.

::

    [[model]]
    net = "yolov8n.hef"         # paths are relative to this file
    name = "people"             # else the file's name without ending
    priority = 20               # 0 to 31, 16 where nothing is said: who is served first
    sources = ["camera:0"]      # of those that the command names; else all of them

    [[model]]
    net = "palm.hef"
    fps = 10                    # a quota: at most so many frames a second, of all its sources together

    [model.then]                # a second network that looks at what this one finds
    net = "hand.hef"

One file and not one option a model: what there is to say about a model (:class:`ModelSpec`) is more than an option
can hold, and a second network belongs to the first one. TOML, because Python reads it without a further package.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hailstack.errors import ConfigError, NotFoundError
from hailstack.heads import HeadName
from hailstack.pipeline.configuration import Strict, validated
from hailstack.runtime import FaultPolicy

SUFFIX = ".toml"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class NetSpec(Strict):
    """A network, and how it is run; what is left out is as for a run with one model."""

    net: str
    """The HEF, relative to the file."""
    name: str = ""
    """By which results, files and the summary know it: letters, digits, ``.``, ``_``, ``-``."""
    postprocess: Literal["auto", HeadName] = "auto"
    config: str | None = None
    """JSON with class names and thresholds, relative to the file."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    batch_size: int = Field(default=1, ge=1)
    depth: int | None = Field(default=None, ge=1)
    on_fault: tuple[str, ...] = ()
    """In addition to the command's; of two rules about one kind, these count."""
    priority: int | None = Field(default=None, ge=0, le=31)
    threshold: int | None = Field(default=None, ge=1)
    """Frames that wait before its turn comes, unless the device has nothing else to do."""
    threshold_timeout_ms: int | None = Field(default=None, ge=0)
    """After so long since its last turn, fewer will do."""

    @field_validator("on_fault")
    @classmethod
    def _are_rules(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        FaultPolicy.parse(rules)
        return rules

    @model_validator(mode="after")
    def _is_named(self) -> NetSpec:
        name = self.name or re.sub(r"[^A-Za-z0-9._-]+", "-", Path(self.net).stem)
        if not NAME.fullmatch(name):
            message = f"a name is letters, digits, '.', '_' and '-', not {name!r}"
            raise ValueError(message)
        object.__setattr__(self, "name", name)  # frozen for everybody else
        return self


class SecondSpec(NetSpec):
    """A network that looks at what another one has found."""

    classes: frozenset[str] = frozenset()
    """Names of those that it looks at; none: all."""
    at_most: int | None = Field(default=None, ge=1)
    """Objects of each frame, the strongest first."""


class ModelSpec(NetSpec):
    """A network that looks at frames."""

    sources: tuple[str, ...] | None = None
    """As the command names them."""
    stride: int = Field(default=1, ge=1)
    """Every n-th frame."""
    fps: float | None = Field(default=None, gt=0)
    """Frames a second at most, of all its sources together."""
    then: SecondSpec | None = None


class Plan(Strict):
    """Several models for one run."""

    model: Annotated[tuple[ModelSpec, ...], Field(min_length=1)]

    @property
    def nets(self) -> Iterator[NetSpec]:
        """All networks, each before the one that looks at its finds."""
        for one in self.model:
            yield one
            if one.then is not None:
                yield one.then


def is_plan(net: str) -> bool:
    """Whether ``--net`` names such a file."""
    return net.lower().endswith(SUFFIX)


def read_plan(path: str) -> Plan:
    """The models that a file names, with paths as seen from here.

    Raises:
        NotFoundError: no such file.
        ConfigError: naming the file, the key and the value that is wrong.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        message = f"{path}: no such file"
        raise NotFoundError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ConfigError(message) from error
    except ValueError as error:
        message = f"{path}: not TOML: {error}"
        raise ConfigError(message) from error
    plan = validated(Plan, content, path)
    names = [one.name for one in plan.nets]
    if twice := [name for name in names if names.count(name) > 1]:
        message = f"{path}: two models are called {twice[0]!r}; give one another 'name'"
        raise ConfigError(message)
    folder = Path(path).parent
    return plan.model_copy(update={"model": tuple(_placed(one, folder) for one in plan.model)})


def _placed(spec: ModelSpec, folder: Path) -> ModelSpec:
    then = spec.then
    placed = {"then": then.model_copy(update=_paths(then, folder))} if then is not None else {}
    return spec.model_copy(update={**_paths(spec, folder), **placed})


def _paths(spec: NetSpec, folder: Path) -> dict[str, str]:
    paths = {"net": spec.net, "config": spec.config}
    return {key: str(folder / path) for key, path in paths.items() if path is not None}
