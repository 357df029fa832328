"""Kinds of parameters in an archive."""

from hailstack.compiler.runner.definitions import ParamsKinds

__all__ = ["ParamsKinds"]
