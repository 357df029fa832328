"""``ClientRunner``: the vendor's class over this compiler."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.har import read_har, write_har
from hailstack.compiler.recipe import Recipe
from hailstack.compiler.runner.archiving import integer_parameters, make_archive, restore
from hailstack.compiler.runner.arguments import Names, listed, model_file, named_shapes
from hailstack.compiler.runner.console import console_logger, tell_parsed
from hailstack.compiler.runner.definitions import SUPPORTED_HW_ARCHS, InferenceContext, ParamsKinds, States
from hailstack.compiler.runner.inference import NetworkFunction, OpenContext, compute, stacked, with_shapes
from hailstack.compiler.runner.integers import compile_network, quantise_network
from hailstack.compiler.runner.layer_view import GraphView
from hailstack.compiler.runner.noise import as_statistics, measure_noise
from hailstack.compiler.runner.parsing import parse_model
from hailstack.compiler.runner.profile import make_profile
from hailstack.compiler.runner.samples import Data, read_samples
from hailstack.compiler.runner.vendor_errors import (
    BackendRuntimeException,
    InvalidArgumentsException,
    UnsupportedInputShapesError,
    UnsupportedModelError,
)
from hailstack.compiler.runner.work import Work
from hailstack.compiler.script.text import read_text
from hailstack.errors import ConfigError, ModelError

NOISE_SAMPLES = 64

_PARSED = (States.HAILO_MODEL, States.FP_OPTIMIZED_MODEL, States.QUANTIZED_MODEL, States.COMPILED_MODEL)
_INTEGERS = (States.QUANTIZED_MODEL, States.COMPILED_MODEL)


class ClientRunner:
    """Takes a network from ONNX to HEF, step by step.

    The HEF runs on the emulated chip only. What the script asks of the vendor's placement has no effect here.
    """

    __module__ = "hailo_sdk_client.runner.client_runner"

    def __init__(
        self,
        hw_arch: str | None = None,
        hn: object = None,
        params: object = None,
        har: Path | str | None = None,
        har_path: Path | str | None = None,
        **_: object,
    ) -> None:
        """A runner without a network, or with that of an archive.

        Args:
            hw_arch: the chip; None: the archive's, else hailo8.
            hn, params: not supported; load an archive.
            har, har_path: an archive.

        Raises:
            InvalidArgumentsException: there is no such chip, or a bare graph was given.
        """
        if hn is not None or params is not None:
            raise InvalidArgumentsException("hn and params cannot be given apart; load a HAR")
        if hw_arch is not None and hw_arch not in SUPPORTED_HW_ARCHS:
            message = f"hw_arch {hw_arch!r} is not supported; possible are {', '.join(SUPPORTED_HW_ARCHS)}"
            raise InvalidArgumentsException(message)
        self._logger = console_logger()
        self._work = Work(hw_arch)
        source = har if har is not None else har_path
        if source is not None:
            self.load_har(source)

    # What is known

    @property
    def state(self) -> States:
        return self._work.state

    @property
    def hw_arch(self) -> str:
        return self._work.chip or "hailo8"

    @property
    def model_name(self) -> str:
        return "" if self._work.parsed is None else self._work.parsed.name

    @property
    def model_script(self) -> str:
        return self._work.script

    @property
    def hef(self) -> bytes | None:
        """The compiled network; may be set to a HEF's path or bytes."""
        return self._work.hef

    @hef.setter
    def hef(self, value: bytes | str | Path) -> None:
        self._work.hef = value if isinstance(value, bytes) else Path(value).read_bytes()

    @property
    def modifications_meta_data(self) -> SimpleNamespace:
        """What the script does to inputs and outputs: nothing beyond normalisation and colour order."""
        return SimpleNamespace(inputs={}, outputs={})

    @property
    def _hw_arch(self) -> str | None:
        return self._work.chip

    @property
    def _hn(self) -> GraphView:
        return self.get_hn_model()

    @property
    def _original_model_meta(self) -> dict[str, Any]:
        return {} if self._work.parsed is None else dict(self._work.parsed.origin)

    # Parsing

    def translate_onnx_model(
        self,
        model: Path | str | None = None,
        net_name: str = "model",
        start_node_names: Names = None,
        end_node_names: Names = None,
        net_input_shapes: Mapping[str, Sequence[int]] | Sequence[Any] | None = None,
        augmented_path: Path | str | None = None,
        disable_shape_inference: bool = False,
        disable_rt_metadata_extraction: bool = False,
        net_input_format: Mapping[str, Sequence[object]] | None = None,
        disable_onnx_simplifier: bool = False,
        **_: object,
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Parse an ONNX file; gives its graph and float parameters.

        Raises:
            ParsingWithRecommendationException: its end does not run on the chip; the message says where to cut.
            MisspellNodeError: it has no such node.
            UnsupportedModelError: it cannot be compiled.
            FileNotFoundError: there is no such file.
        """
        self._work.require("translate_onnx_model", States.UNINITIALIZED, States.ORIGINAL_MODEL, *_PARSED)
        path = model_file(model)
        shapes = named_shapes(path, net_input_shapes)
        return self._translate(path, net_name, start_node_names, end_node_names, shapes, augmented_path)

    def translate_tf_model(
        self,
        model_path: Path | str | None = None,
        net_name: str = "model",
        start_node_names: Names = None,
        end_node_names: Names = None,
        tensor_shapes: Mapping[str, Sequence[int]] | None = None,
        **_: object,
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Parse a TensorFlow Lite file of floats; as :meth:`translate_onnx_model`."""
        path = model_file(model_path)
        if path.suffix != ".tflite":
            message = f"{path}: only TensorFlow Lite models are parsed; convert this one to .tflite or ONNX"
            raise UnsupportedModelError(message)
        return self._translate(path, net_name, start_node_names, end_node_names, tensor_shapes, None)

    def _translate(
        self,
        path: Path,
        name: str,
        start_nodes: Names,
        end_nodes: Names,
        shapes: Mapping[str, Sequence[int]] | None,
        augmented: Path | str | None,
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        began = time.perf_counter()
        kind = "TensorFlow Lite" if path.suffix == ".tflite" else "ONNX"
        self._logger.info("Translation started on %s model %s", kind, name)
        try:
            parsed = parse_model(
                path, name, start_nodes=listed(start_nodes), end_nodes=listed(end_nodes), input_shapes=shapes
            )
        except ConfigError as error:
            raise UnsupportedInputShapesError(str(error)) from error
        except ModelError as error:
            raise UnsupportedModelError(str(error)) from error
        self._work.forget()
        self._work.parsed, self._work.state, self._work.chip = parsed, States.HAILO_MODEL, self.hw_arch
        tell_parsed(self._logger, parsed, kind, time.perf_counter() - began)
        if augmented is not None:
            onnx.save(parsed.graph.model, str(augmented))
        return dict(parsed.hn), dict(parsed.params)

    # Script

    def load_model_script(self, model_script: Path | str | None = None, append: bool = False) -> None:
        """Take commands from a file or a text, instead of those before or after them.

        Raises:
            BackendScriptParserException: they cannot be read, or ask for what is not there.
        """
        self._work.require("load_model_script", *_PARSED)
        text, folder, source = read_text(model_script)
        self._logger.info("Loading model script commands to %s from %s", self.model_name, source)
        script = f"{self._work.script.rstrip()}\n{text}" if append and self._work.script else text
        self._work.recipe = self._work.read_recipe(script, folder, None)
        self._work.script, self._work.script_folder = script, folder
        if self._work.state is States.FP_OPTIMIZED_MODEL:
            self._work.state = States.HAILO_MODEL

    # Optimising

    def optimize_full_precision(self, calib_data: Data = None, **_: object) -> None:
        """Apply the script's changes in float."""
        self._work.require("optimize_full_precision", States.HAILO_MODEL, States.FP_OPTIMIZED_MODEL)
        self._logger.info("Starting Full Precision Optimization")
        self._work.recipe = self._work.make_recipe()
        self._work.state = States.FP_OPTIMIZED_MODEL
        self._logger.info("Full Precision Optimization is done")

    def optimize(self, calib_data: Data, data_type: object = "auto", work_dir: object = None, **_: object) -> None:
        """Quantise the network on ``calib_data``: arrays with channels last, or whatever :data:`Data` is.

        Raises:
            BadInputsShape: the data have another shape than the network's input.
            AccelerasInputsError: the data cannot be read.
            UnsupportedModelError: the network is not one that this compiler quantises.
        """
        self._work.require("optimize", States.HAILO_MODEL, States.FP_OPTIMIZED_MODEL, States.QUANTIZED_MODEL)
        recipe, parsed = self._work.make_recipe(), self._work.network()
        self._tell_optimising(recipe)
        samples = read_samples(calib_data, self._work.shapes())
        self._work.integers = quantise_network(parsed, recipe, samples)
        count = self._work.integers.calibration.count
        self._logger.info("Using dataset with %d entries for calibration", count)
        self._work.recipe, self._work.hef, self._work.state = recipe, None, States.QUANTIZED_MODEL
        self._logger.info("Model Optimization is done")

    quantize = optimize

    def _tell_optimising(self, recipe: Recipe) -> None:
        self._logger.info("Starting Model Optimization")
        self._logger.info("Optimization level %d", recipe.options.level)
        if recipe.idle:
            self._logger.info("Without effect in this compiler: %s", ", ".join(recipe.idle))

    # Computing

    @contextmanager
    def infer_context(self, inference_context: InferenceContext, *_: object, **__: object) -> Iterator[OpenContext]:
        """Open a way to compute; use it with :meth:`infer`.

        Raises:
            InvalidStateException: the network has not come so far.
        """
        needed = {
            "SDK_NATIVE": _PARSED,
            "SDK_FP_OPTIMIZED": (*_PARSED,),
            "SDK_QUANTIZED": (*_PARSED,),
            "SDK_BIT_EXACT": _INTEGERS,
            "SDK_HAILO_HW": _PARSED,
        }
        self._work.require(f"infer_context({inference_context.name})", *needed[inference_context.name])
        yield OpenContext(inference_context)

    def infer(
        self,
        context: OpenContext,
        dataset: Data,
        data_type: object = "auto",
        data_count: int | None = None,
        batch_size: int = 1,
        **_: object,
    ) -> Any:
        """The network's outputs for all samples: an array ``(n, …)`` with channels last, a list of them if several.

        Of a detector with NMS in its script: boxes ``(n, classes, 5, most)``, each y_min, x_min, y_max, x_max, score.
        """
        self._logger.info("Inference of %s in %s", self.model_name, context.inference_context.name)
        samples = read_samples(dataset, self._work.shapes())
        if data_count is not None:
            samples = (sample for sample, _ in zip(samples, range(data_count), strict=False))
        if context.inference_context is InferenceContext.SDK_HAILO_HW and self._work.hef is None:
            self.compile()
        outputs = stacked(compute(self._work, context.inference_context, samples))
        shaped = with_shapes(outputs, [layer.output_shape[1:] for layer in self.get_hn_model().get_output_layers()])
        return shaped[0] if len(shaped) == 1 else shaped

    def get_keras_model(self, context: OpenContext, *_: object, **__: object) -> NetworkFunction:
        """The network to call on a batch. It is no Keras model: nothing in it can be trained or looked at."""
        return NetworkFunction(self.infer, lambda: self.get_hn_model().get_real_output_layers(), context)

    def analyze_noise(
        self,
        dataset: Data,
        data_type: object = "auto",
        data_count: int | None = None,
        batch_size: int = 1,
        **_: object,
    ) -> None:
        """Measure each layer's signal-to-noise ratio; the results are among the statistics and in the archive."""
        self._work.require("analyze_noise", *_INTEGERS)
        integers = self._work.quantised("analyze_noise")
        samples = read_samples(dataset, self._work.shapes())
        taken = (sample for sample, _ in zip(samples, range(data_count or NOISE_SAMPLES), strict=False))
        noise = measure_noise(self._work.network(), integers, taken)
        for layer in self._work.network().output_layers:
            if layer in noise:
                self._logger.info("%s SNR: %.2f dB", layer, noise[layer])
        self._work.statistics |= as_statistics(noise)

    # Compiling

    def compile(self) -> bytes:
        """The HEF, for the emulated chip.

        Raises:
            BackendRuntimeException: the network is not quantised.
        """
        self._work.require("compile", *_PARSED)
        integers = self._work.integers
        if integers is None:
            raise BackendRuntimeException(
                "Model requires quantized weights in order to run on HW, but none were given. "
                "Did you forget to quantize?"
            )
        self._logger.info("Compiling %s for %s (emulated)", self.model_name, self.hw_arch)
        self._work.hef = compile_network(self._work.network(), integers, self.hw_arch)
        self._work.state = States.COMPILED_MODEL
        self._logger.info("Successful Compilation")
        return self._work.hef

    def get_hw_representation(self, **_: object) -> bytes:
        """The older name of :meth:`compile`."""
        return self.compile()

    # Archives

    def save_har(self, har_path: Path | str, compilation_only: bool = False) -> None:
        """Put everything into an archive, from which another process can go on.

        Raises:
            InvalidStateException: there is no network yet.
        """
        self._work.require("save_har", *_PARSED)
        write_har(Path(har_path), make_archive(self._work))
        self._logger.info("Saved HAR to: %s", Path(har_path).absolute())

    def load_har(self, har: Path | str | None = None, **_: object) -> None:
        """Go on from an archive, ours or the vendor's.

        A vendor's archive is rebuilt from its graph and float parameters; its integers are the vendor's own, so it
        has to be optimised again here.

        Raises:
            UnsupportedModelError: the vendor's network cannot be rebuilt; the message names the layer.
        """
        if har is None:
            raise InvalidArgumentsException("load_har needs the path of a HAR")
        restore(self._work, read_har(Path(har)), str(har))

    # Graph and parameters

    def get_hn(self) -> dict[str, Any]:
        """The graph: ``name``, ``net_params``, ``layers``."""
        self._work.require("get_hn", *_PARSED)
        return json.loads(json.dumps(self._work.network().hn))  # type: ignore[no-any-return]

    get_hn_dict = get_native_hn = get_hn

    def get_hn_str(self) -> str:
        return json.dumps(self.get_hn(), indent=2)

    def get_hn_model(self) -> GraphView:
        """The graph as an object."""
        return GraphView(self.get_hn())

    get_native_hn_model = get_fp_hn_model = get_hn_model

    def save_hn(self, path: Path | str) -> None:
        Path(path).write_text(self.get_hn_str(), encoding="utf-8")

    def get_params(self, keys: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Float parameters as parsed."""
        params = self._work.network().params
        return {key: value for key, value in params.items() if keys is None or key in keys}

    get_native_params = get_params_fp_optimized = get_params_pre_quantization = get_params

    def get_params_translated(self, keys: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Integer parameters and their scales."""
        self._work.require("get_params_translated", *_INTEGERS)
        params = integer_parameters(self._work)
        return {key: value for key, value in params.items() if keys is None or key in keys}

    get_params_hailo_optimized = get_params_translated

    def get_params_statistics(self) -> dict[str, NDArray[Any]]:
        """Ranges of the outputs, and what :meth:`analyze_noise` found."""
        self._work.require("get_params_statistics", *_INTEGERS)
        ranges = {key: value for key, value in integer_parameters(self._work).items() if "stats_limvals" in key}
        return {**ranges, **self._work.statistics}

    def save_params(self, path: Path | str, params_kind: object = ParamsKinds.NATIVE) -> None:
        """Save parameters as ``.npz``."""
        kind = getattr(params_kind, "name", str(params_kind))
        chosen = {
            "TRANSLATED": self.get_params_translated,
            "HAILO_OPTIMIZED": self.get_params_translated,
            "STATISTICS": self.get_params_statistics,
        }.get(kind, self.get_params)
        np.savez(Path(path), **chosen())  # type: ignore[arg-type]  # its stub has no room for names with slashes

    def set_hn(self, hn: object) -> None:
        """Not supported: the network is kept as ONNX, which an edited graph would leave behind."""
        raise NotImplementedError("set_hn: change the ONNX model and parse it again; the HN here only describes it")

    def load_params(self, params: object, **_: object) -> None:
        """Not supported, as :meth:`set_hn`."""
        raise NotImplementedError("load_params: change the ONNX model and parse it again")

    def join(self, *_: object, **__: object) -> None:
        """Not supported: a HEF of this compiler holds one network."""
        raise NotImplementedError("join: compile each network to a HEF of its own and load both on the device")

    def get_hailo_runtime_model(self) -> None:
        """Not supported: there is no execution provider for onnxruntime that runs an emulated HEF."""
        raise NotImplementedError("get_hailo_runtime_model: run the HEF with hailo_platform")

    # Profile

    def profile(self, should_use_logical_layers: bool = True, **_: object) -> dict[str, Any]:
        """Figures of the network: size, estimated speed, and the noise of each layer where it was measured."""
        self._work.require("profile", *_PARSED)
        noise = {key.partition("/layer_noise_analysis")[0]: float(v[0]) for key, v in self._work.statistics.items()}
        return make_profile(self._work.network(), self.hw_arch, self._work.state.value, noise)

    def model_summary(self) -> None:
        """Print the layers."""
        for layer in self.get_hn_model():
            self._logger.info("%-40s %-14s %s", layer.name, layer.op, layer.output_shape)
