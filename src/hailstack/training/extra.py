"""PyTorch, where the ``train`` extra is installed; every module of this room takes it from here.

Raises:
    MissingExtraError: (when imported) PyTorch is not installed; the message names the extra.
"""

import os

from hailstack.errors import MissingExtraError

# PyTorch's threads spin while they wait for each other, which on a busy machine takes the others' time: 40 s an epoch
# came down to 7. Read when PyTorch is loaded; what the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    message = "training needs PyTorch, which is not installed: pip install 'hailstack[train]'"
    raise MissingExtraError(message) from error

__all__ = ["functional", "nn", "torch"]
