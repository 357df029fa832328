"""The exceptions of the vendor's compiler by their names, and where programs import them from."""

from __future__ import annotations

from collections.abc import Sequence


class SdkError(Exception):
    """Anything that the vendor's compiler raises on purpose. The class has no counterpart there."""


class ModelTranslationError(SdkError):
    """A model that cannot be parsed."""

    __module__ = "hailo_sdk_client.model_translator.exceptions"


class MisspellNodeError(ModelTranslationError):
    """A start or end node that the model does not have."""

    __module__ = "hailo_sdk_client.model_translator.exceptions"


class ParsingWithRecommendationException(ModelTranslationError):
    """A model that can be parsed if it is cut; the message lists the nodes in the way and those to cut at.

    Args:
        errors: what stands in the way, one sentence a node.
        end_nodes: where to cut.
    """

    __module__ = "hailo_sdk_client.model_translator.exceptions"

    def __init__(self, errors: Sequence[str], end_nodes: Sequence[str]) -> None:
        found = "".join(f"\n {error}" for error in errors)
        advice = f"Please try to parse the model again, using these end node names: {', '.join(end_nodes)}"
        super().__init__(f"Parsing failed. The errors found in the graph are:{found}\n{advice}")
        self.recommended_end_node_names = tuple(end_nodes)


class UnsupportedModelError(ModelTranslationError):
    """A model that no part of can be parsed."""

    __module__ = "hailo_sdk_common.hailo_nn.exceptions"


class UnsupportedInputShapesError(ModelTranslationError):
    """Input shapes that do not fit the model."""

    __module__ = "hailo_sdk_client.model_translator.exceptions"


class InvalidArgumentsException(SdkError):
    """Arguments that contradict each other or name what does not exist."""

    __module__ = "hailo_sdk_client.runner.client_runner"


class InvalidStateException(SdkError):
    """A call that makes no sense in the runner's state."""

    __module__ = "hailo_sdk_common.states.states"


class BackendRuntimeException(SdkError):
    """The compiler was asked for something that it lacks the means for."""

    __module__ = "hailo_sdk_client.sdk_backend.sdk_backend_exceptions"


class BackendScriptParserException(SdkError):
    """A model script that cannot be parsed or applied."""

    __module__ = "hailo_sdk_client.sdk_backend.sdk_backend_exceptions"


class BadInputsShape(SdkError, ValueError):
    """Data whose shape is not the network's."""

    __module__ = "hailo_model_optimization.acceleras.utils.acceleras_exceptions"

    def __init__(self, layer: str, wanted: Sequence[int], given: Sequence[int]) -> None:
        super().__init__(
            f"Data shape {tuple(given)} for layer {layer} doesn't match network's input shape {tuple(wanted)}"
        )


class AccelerasInputsError(SdkError, ValueError):
    """Calibration data that cannot be read."""

    __module__ = "hailo_model_optimization.acceleras.utils.acceleras_exceptions"
