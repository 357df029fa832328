"""Archives of networks on their way from ONNX to HEF, as the vendor's tools keep them (``.har``)."""

from hailstack.compiler.har.archive import Har, State, read_har, write_har
from hailstack.compiler.har.rebuild import rebuild_network

__all__ = ["Har", "State", "read_har", "rebuild_network", "write_har"]
