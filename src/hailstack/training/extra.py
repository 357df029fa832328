"""PyTorch, where the ``train`` extra is installed; every module of this room takes it from here.

Raises:
    MissingExtraError: (when imported) PyTorch is not installed; the message names the extra.
"""

from hailstack.errors import MissingExtraError

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    message = "training needs PyTorch, which is not installed: pip install 'hailstack[train]'"
    raise MissingExtraError(message) from error

__all__ = ["functional", "nn", "torch"]
