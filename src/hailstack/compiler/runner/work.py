"""What a runner holds: its network, and how far that has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hailstack.compiler.har import Har
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.recipe import Recipe, make_recipe
from hailstack.compiler.runner.definitions import States
from hailstack.compiler.runner.integers import IntegerNetwork
from hailstack.compiler.runner.vendor_errors import BackendScriptParserException, InvalidStateException
from hailstack.errors import ConfigError


@dataclass(slots=True)
class Work:
    """Changes with every step of a :class:`~hailstack.compiler.runner.client.ClientRunner`."""

    chip: str | None
    state: States = States.UNINITIALIZED
    parsed: ParsedNetwork | None = None
    recipe: Recipe | None = None
    integers: IntegerNetwork | None = None
    script: str = ""
    script_folder: Path = field(default_factory=Path)
    hef: bytes | None = None
    statistics: dict[str, NDArray[Any]] = field(default_factory=dict)
    kept: Har | None = None
    """The archive that it came from."""

    def require(self, call: str, *states: States) -> None:
        """Check that ``call`` makes sense now.

        Raises:
            InvalidStateException: it does not; the message says when it would.
        """
        if self.state not in states:
            message = (
                f"The execution of {call} is not available under the state: {self.state.value}. "
                f"It is available under: {', '.join(state.value for state in states)}"
            )
            raise InvalidStateException(message)

    def network(self) -> ParsedNetwork:
        """The parsed network.

        Raises:
            InvalidStateException: there is none.
        """
        if self.parsed is None:
            raise InvalidStateException("no network was parsed yet: call translate_onnx_model or load_har")
        return self.parsed

    def quantised(self, call: str) -> IntegerNetwork:
        """The network in integers, for ``call``.

        Raises:
            InvalidStateException: there is none.
        """
        if self.integers is None:
            message = f"{call}: the network is not quantised here; call optimize"
            raise InvalidStateException(message)
        return self.integers

    def make_recipe(self) -> Recipe:
        """What the script asks for.

        Raises:
            BackendScriptParserException: it asks for what is not there.
        """
        kept = None if self.kept is None else self.kept.nms_config
        return self.read_recipe(self.script, self.script_folder, kept)

    def read_recipe(self, script: str, folder: Path, kept: Mapping[str, Any] | None) -> Recipe:
        """What another script would ask for; as :meth:`make_recipe`."""
        try:
            return make_recipe(self.network(), script, folder, kept)
        except ConfigError as error:
            raise BackendScriptParserException(str(error)) from error

    def shapes(self) -> dict[str, Sequence[int]]:
        """Input layer → its shape, with an open batch in front."""
        parsed = self.network()
        return {name: parsed.hn["layers"][name]["output_shapes"][0] for name in parsed.input_layers}

    def forget(self) -> None:
        """Make room for another network."""
        self.parsed = self.recipe = self.integers = self.hef = self.kept = None
        self.script, self.script_folder, self.statistics = "", Path(), {}
