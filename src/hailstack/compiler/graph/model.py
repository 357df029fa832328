"""An ONNX network made ready for compilation: batch 1, constants folded, every shape known.

The names that other rooms use, in one place.
"""

from hailstack.compiler.graph.load import load_graph
from hailstack.compiler.graph.session import infer, open_session, session_options
from hailstack.compiler.graph.shaping import as_maps
from hailstack.compiler.graph.structure import Graph, Scaling, attribute, label, reads, whole

__all__ = [
    "Graph",
    "Scaling",
    "as_maps",
    "attribute",
    "infer",
    "label",
    "load_graph",
    "open_session",
    "reads",
    "session_options",
    "whole",
]
