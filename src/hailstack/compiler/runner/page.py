"""What a profile says of a network, as a page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem }
th { border-bottom: 2px solid #888 } td { border-bottom: 1px solid #ddd } td.n { text-align: right }
.low { background: #fde8e0 } .note { color: #555 }
"""


def profile_page(profile: Mapping[str, Any]) -> str:
    """An HTML page: figures of the network, then its layers with their noise where it was measured."""
    stats = profile["stats"]
    figures = "".join(f"<tr><th>{_text(key)}</th><td>{_text(value)}</td></tr>" for key, value in stats.items())
    rows = "".join(map(_row, profile["layers"]))
    title = _text(f"{stats['model']} on {stats['hw_arch']}")
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
        f"<h1>{title}</h1><table>{figures}</table>"
        "<p class=note>Speed and contexts are estimates from published tables, not measurements.</p>"
        "<h2>Layers</h2><table><tr><th>layer<th>type<th>output<th>parameters<th>SNR (dB)</tr>"
        f"{rows}</table></html>"
    )


def _row(layer: Mapping[str, Any]) -> str:
    ratio = layer["snr_db"]
    shown = "" if ratio is None else f"{ratio:.1f}"
    mark = " class=low" if ratio is not None and ratio < 10 else ""
    return (
        f"<tr{mark}><td>{_text(layer['name'])}<td>{_text(layer['type'])}<td>{_text(_shape(layer['output_shape']))}"
        f"<td class=n>{layer['parameters']:,}<td class=n>{shown}</tr>"
    )


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape[1:]))


def _text(value: object) -> str:
    return html.escape(str(value))
