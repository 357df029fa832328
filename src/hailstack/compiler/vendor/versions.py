"""Which releases of the vendor's model zoo, compiler and runtime belong together.

Source: the change log of the public model zoo, 2.8 to 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from hailstack.compiler.script.vocabulary import version_tuple
from hailstack.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Release:
    """Versions that were published together."""

    zoo: str
    compiler: str
    runtime: str


RELEASES = (
    Release("2.8", "3.24", "4.14"),
    Release("2.9", "3.25", "4.15"),
    Release("2.10", "3.26", "4.16"),
    Release("2.11", "3.27", "4.18"),
    Release("2.12", "3.28", "4.18"),
    Release("2.13", "3.29", "4.19"),
    Release("2.14", "3.30", "4.20"),
    Release("2.15", "3.31", "4.21"),
    Release("2.16", "3.32", "4.22"),
    Release("2.17", "3.33.0", "4.23"),
    Release("2.18", "3.33.1", "4.23"),
    Release("5.0", "5.0", "5.0"),
    Release("5.1", "5.1", "5.1"),
    Release("5.2", "5.2", "5.2"),
)

LINES = {3: ("hailo8", "hailo8r", "hailo8l"), 5: ("hailo10h", "hailo15h", "hailo15m", "hailo15l")}
"""First number of a compiler's version → the chips it compiles for."""


def check_target(compiler: str, target: str) -> None:
    """Go on only if this compiler compiles for ``target``.

    Raises:
        ConfigError: it is of the other line.
    """
    first = version_tuple(compiler)[:1]
    chips = LINES.get(first[0]) if first else None
    if chips is not None and target not in chips:
        other = next(f"{line}.x" for line, known in LINES.items() if line not in first)
        message = f"compiler {compiler} makes HEFs for {', '.join(chips)}, not for {target}; that takes {other}"
        raise ConfigError(message)


def warn_of_pair(compiler: str, runtime: str) -> str:
    """What to know before a HEF of ``compiler`` meets ``runtime``; empty when they belong together or nobody knows.

    A runtime reads HEFs of older compilers of its line, so only a compiler that is newer than the runtime counts.
    """
    mine = version_tuple(runtime)[:2]
    partners = [release for release in RELEASES if version_tuple(release.runtime)[:2] == mine]
    if not partners or not version_tuple(compiler):
        return ""
    newest = max(partners, key=lambda release: version_tuple(release.compiler))
    if version_tuple(compiler)[:2] <= version_tuple(newest.compiler)[:2] and compiler[0] == newest.compiler[0]:
        return ""
    fitting = [each.runtime for each in RELEASES if version_tuple(each.compiler)[:2] == version_tuple(compiler)[:2]]
    advice = f"; it goes with runtime {fitting[-1]}" if fitting else ""
    return (
        f"compiler {compiler} is newer than runtime {runtime}, which goes with compiler {newest.compiler}{advice}: "
        "the device may refuse the HEF"
    )
