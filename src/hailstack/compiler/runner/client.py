"""``ClientRunner``: the vendor's class over this compiler."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.endnodes.hosted import host_kind
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.har import Har, read_har, write_har
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.recipe import Recipe, make_recipe
from hailstack.compiler.runner import contexts
from hailstack.compiler.runner.arguments import Names, known_chip, listed, model_file, named_shapes
from hailstack.compiler.runner.console import clock, console_logger, dfc_version
from hailstack.compiler.runner.definitions import (
    SUPPORTED_HW_ARCHS,
    InferenceContext,
    ParamsKinds,
    States,
)
from hailstack.compiler.runner.integers import (
    IntegerNetwork,
    compile_network,
    load_integers,
    quantise_network,
    save_integers,
)
from hailstack.compiler.runner.kept import load_parsed, save_parsed
from hailstack.compiler.runner.layer_view import GraphView
from hailstack.compiler.runner.noise import as_statistics, measure_noise
from hailstack.compiler.runner.parsing import parse_model
from hailstack.compiler.runner.profile import make_profile
from hailstack.compiler.runner.samples import Data, read_samples
from hailstack.compiler.runner.vendor_errors import (
    BackendRuntimeException,
    BackendScriptParserException,
    InvalidArgumentsException,
    InvalidStateException,
    UnsupportedInputShapesError,
    UnsupportedModelError,
)
from hailstack.compiler.script.text import read_text
from hailstack.errors import ConfigError, ModelError

NOISE_SAMPLES = 64

_PARSED = (States.HAILO_MODEL, States.FP_OPTIMIZED_MODEL, States.QUANTIZED_MODEL, States.COMPILED_MODEL)
_INTEGERS = (States.QUANTIZED_MODEL, States.COMPILED_MODEL)


@dataclass(frozen=True, slots=True)
class OpenContext:
    """What :meth:`ClientRunner.infer_context` gives."""

    inference_context: InferenceContext


@dataclass(frozen=True, slots=True)
class NetworkFunction:
    """A network to call on a batch, as a Keras model is called."""

    runner: ClientRunner
    context: OpenContext

    def __call__(self, data: Data, *_: object, **__: object) -> Any:
        return self.runner.infer(self.context, data)

    predict = __call__

    @property
    def output_names(self) -> list[str]:
        return [layer.name for layer in self.runner.get_hn_model().get_real_output_layers()]


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
        self._hw_arch = hw_arch
        self._state = States.UNINITIALIZED
        self._parsed: ParsedNetwork | None = None
        self._recipe: Recipe | None = None
        self._integers: IntegerNetwork | None = None
        self._script, self._script_folder = "", Path()
        self._hef: bytes | None = None
        self._statistics: dict[str, NDArray[Any]] = {}
        self._kept: Har | None = None
        source = har if har is not None else har_path
        if source is not None:
            self.load_har(source)

    # What is known

    @property
    def state(self) -> States:
        return self._state

    @property
    def hw_arch(self) -> str:
        return self._hw_arch or "hailo8"

    @property
    def model_name(self) -> str:
        return "" if self._parsed is None else self._parsed.name

    @property
    def model_script(self) -> str:
        return self._script

    @property
    def hef(self) -> bytes | None:
        """The compiled network; may be set to a HEF's path or bytes."""
        return self._hef

    @hef.setter
    def hef(self, value: bytes | str | Path) -> None:
        self._hef = value if isinstance(value, bytes) else Path(value).read_bytes()

    @property
    def modifications_meta_data(self) -> SimpleNamespace:
        """What the script does to inputs and outputs: nothing beyond normalisation and colour order."""
        return SimpleNamespace(inputs={}, outputs={})

    @property
    def _hn(self) -> GraphView:
        return self.get_hn_model()

    @property
    def _original_model_meta(self) -> dict[str, Any]:
        return {} if self._parsed is None else dict(self._parsed.origin)

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
        self._require("translate_onnx_model", States.UNINITIALIZED, States.ORIGINAL_MODEL, *_PARSED)
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
        self._forget()
        self._parsed, self._state, self._hw_arch = parsed, States.HAILO_MODEL, self.hw_arch
        self._tell_parsed(parsed, kind, time.perf_counter() - began)
        if augmented is not None:
            onnx.save(parsed.graph.model, str(augmented))
        return dict(parsed.hn), dict(parsed.params)

    def _tell_parsed(self, parsed: ParsedNetwork, kind: str, seconds: float) -> None:
        if parsed.detected:
            family = "detector" if parsed.head is None else parsed.head.family
            self._logger.info("NMS structure of %s (or equivalent architecture) was detected.", family)
            wanted = "In order to use HailoRT post-processing capabilities, these end node names should be used: %s."
            self._logger.info(wanted, " ".join(parsed.detected))
        layers = parsed.hn["layers"]
        starts = ", ".join(f"{layers[name]['original_names'][0]!r}: {name!r}" for name in parsed.input_layers)
        self._logger.info("Start nodes mapped from original model: %s.", starts)
        self._logger.info("End nodes mapped from original model: %s.", ", ".join(map(repr, parsed.end_names)))
        done = clock(seconds)
        self._logger.info("Translation completed on %s model %s (completion time: %s)", kind, parsed.name, done)

    # Script

    def load_model_script(self, model_script: Path | str | None = None, append: bool = False) -> None:
        """Take commands from a file or a text, instead of those before or after them.

        Raises:
            BackendScriptParserException: they cannot be read, or ask for what is not there.
        """
        self._require("load_model_script", *_PARSED)
        text, folder, source = read_text(model_script)
        self._logger.info("Loading model script commands to %s from %s", self.model_name, source)
        script = f"{self._script.rstrip()}\n{text}" if append and self._script else text
        self._recipe = self._read_recipe(script, folder, None)
        self._script, self._script_folder = script, folder
        if self._state is States.FP_OPTIMIZED_MODEL:
            self._state = States.HAILO_MODEL

    # Optimising

    def optimize_full_precision(self, calib_data: Data = None, **_: object) -> None:
        """Apply the script's changes in float."""
        self._require("optimize_full_precision", States.HAILO_MODEL, States.FP_OPTIMIZED_MODEL)
        self._logger.info("Starting Full Precision Optimization")
        self._recipe = self._make_recipe()
        self._state = States.FP_OPTIMIZED_MODEL
        self._logger.info("Full Precision Optimization is done")

    def optimize(self, calib_data: Data, data_type: object = "auto", work_dir: object = None, **_: object) -> None:
        """Quantise the network on ``calib_data``: arrays with channels last, or whatever :data:`Data` is.

        Raises:
            BadInputsShape: the data have another shape than the network's input.
            AccelerasInputsError: the data cannot be read.
            UnsupportedModelError: the network is not one that this compiler quantises.
        """
        self._require("optimize", States.HAILO_MODEL, States.FP_OPTIMIZED_MODEL, States.QUANTIZED_MODEL)
        recipe, parsed = self._make_recipe(), self._network()
        self._tell_optimising(recipe)
        samples = read_samples(calib_data, self._shapes())
        self._integers = quantise_network(parsed, recipe, samples)
        count = self._integers.calibration.count
        self._logger.info("Using dataset with %d entries for calibration", count)
        self._recipe, self._hef, self._state = recipe, None, States.QUANTIZED_MODEL
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
        self._require(f"infer_context({inference_context.name})", *needed[inference_context.name])
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
        samples = read_samples(dataset, self._shapes())
        if data_count is not None:
            samples = (sample for sample, _ in zip(samples, range(data_count), strict=False))
        rows = list(self._compute(context.inference_context, samples))
        if not rows:
            raise InvalidArgumentsException("the data set holds no samples")
        outputs = [np.stack(column) for column in zip(*rows, strict=True)]
        shapes = [layer.output_shape[1:] for layer in self.get_hn_model().get_output_layers()]
        if len(shapes) == len(outputs):
            outputs = [
                values.reshape(-1, *shape) if values[0].size == np.prod(shape) else values
                for values, shape in zip(outputs, shapes, strict=True)
            ]
        return outputs[0] if len(outputs) == 1 else outputs

    def _compute(
        self, context: InferenceContext, samples: Iterator[contexts.Feed]
    ) -> Iterator[list[NDArray[np.float32]]]:
        if context is InferenceContext.SDK_NATIVE:
            return contexts.run_native(self._network(), samples)
        if context is InferenceContext.SDK_HAILO_HW:
            return self._compute_on_device(samples)
        if context is InferenceContext.SDK_FP_OPTIMIZED:
            recipe = self._recipe or self._make_recipe()
            return self._found(recipe.plan, contexts.run_optimised(self._network(), recipe, samples))
        integers = self._quantised("infer in SDK_QUANTIZED")
        return self._found(integers.plan, contexts.run_integers(integers, samples))

    def _found(self, plan: HeadPlan, rows: Iterator[contexts.Outputs]) -> Iterator[contexts.Outputs]:
        if host_kind(plan) is None:
            return rows
        if plan.mask_coefficients:
            raise NotImplementedError("infer: masks are made by the runtime only; run the HEF with hailo_platform")
        finder = contexts.box_finder(self._network(), self._recipe or self._make_recipe())
        return ([finder.find(row)] for row in rows)

    def _compute_on_device(self, samples: Iterator[contexts.Feed]) -> Iterator[contexts.Outputs]:
        from hailstack.compiler.runner.device import run_on_device

        hef = self._hef if self._hef is not None else self.compile()
        order = [name.rpartition("/")[2] for name in self._network().output_layers]
        return run_on_device(hef, order, samples)

    def get_keras_model(self, context: OpenContext, *_: object, **__: object) -> NetworkFunction:
        """The network to call on a batch. It is no Keras model: nothing in it can be trained or looked at."""
        return NetworkFunction(self, context)

    def analyze_noise(
        self,
        dataset: Data,
        data_type: object = "auto",
        data_count: int | None = None,
        batch_size: int = 1,
        **_: object,
    ) -> None:
        """Measure each layer's signal-to-noise ratio; the results are among the statistics and in the archive."""
        self._require("analyze_noise", *_INTEGERS)
        integers = self._quantised("analyze_noise")
        samples = read_samples(dataset, self._shapes())
        taken = (sample for sample, _ in zip(samples, range(data_count or NOISE_SAMPLES), strict=False))
        noise = measure_noise(self._network(), integers, taken)
        for layer in self._network().output_layers:
            if layer in noise:
                self._logger.info("%s SNR: %.2f dB", layer, noise[layer])
        self._statistics |= as_statistics(noise)

    # Compiling

    def compile(self) -> bytes:
        """The HEF, for the emulated chip.

        Raises:
            BackendRuntimeException: the network is not quantised.
        """
        self._require("compile", *_PARSED)
        integers = self._integers
        if integers is None:
            raise BackendRuntimeException(
                "Model requires quantized weights in order to run on HW, but none were given. "
                "Did you forget to quantize?"
            )
        self._logger.info("Compiling %s for %s (emulated)", self.model_name, self.hw_arch)
        self._hef = compile_network(self._network(), integers, self.hw_arch)
        self._state = States.COMPILED_MODEL
        self._logger.info("Successful Compilation")
        return self._hef

    def get_hw_representation(self, **_: object) -> bytes:
        """The older name of :meth:`compile`."""
        return self.compile()

    # Archives

    def save_har(self, har_path: Path | str, compilation_only: bool = False) -> None:
        """Put everything into an archive, from which another process can go on.

        Raises:
            InvalidStateException: there is no network yet.
        """
        self._require("save_har", *_PARSED)
        write_har(Path(har_path), self._archive())
        self._logger.info("Saved HAR to: %s", Path(har_path).absolute())

    def _archive(self) -> Har:
        parsed = self._network()
        files = dict(self._kept.files) if self._kept is not None else {}
        files |= save_parsed(parsed)
        plan = self._integers.plan if self._integers is not None else parsed.raw_plan
        tail = cut_tail(parsed.graph, replace(plan, ends=tuple(replace(end, sigmoid=False) for end in plan.ends)))
        if tail is not None:
            files["postprocess.onnx"] = tail.model.SerializeToString()
        if self._integers is not None:
            files |= save_integers(self._integers)
        if self._hef is not None and self._state is States.COMPILED_MODEL:
            files["hef"] = self._hef
        metadata = {"state": self._state.value, "sdk_version": dfc_version(), "hw_arch": self.hw_arch}
        return Har(
            parsed.name,
            parsed.hn,
            {**metadata, "model_name": parsed.name, "made_by": "hailstack"},
            params=parsed.params,
            params_quantized={**self._quantised_params(), **self._statistics},
            script=self._script,
            nms_config=(self._recipe or self._make_recipe()).nms_config,
            files=files,
        )

    def load_har(self, har: Path | str | None = None, **_: object) -> None:
        """Go on from an archive, ours or the vendor's.

        A vendor's archive is rebuilt from its graph and float parameters; its integers are the vendor's own, so it
        has to be optimised again here.

        Raises:
            UnsupportedModelError: the vendor's network cannot be rebuilt; the message names the layer.
        """
        if har is None:
            raise InvalidArgumentsException("load_har needs the path of a HAR")
        archive = read_har(Path(har))
        try:
            parsed, state = load_parsed(archive, str(har))
        except ModelError as error:
            raise UnsupportedModelError(str(error)) from error
        self._forget()
        self._parsed, self._state, self._kept = parsed, States(state), archive
        self._hw_arch = self._hw_arch or known_chip(archive.metadata.get("hw_arch"))
        self._script = archive.script
        self._script_folder = Path()
        self._integers = load_integers(archive.files, str(har))
        self._hef = archive.files.get("hef")
        self._statistics = {key: value for key, value in archive.params_quantized.items() if "noise_analysis" in key}

    # Graph and parameters

    def get_hn(self) -> dict[str, Any]:
        """The graph: ``name``, ``net_params``, ``layers``."""
        self._require("get_hn", *_PARSED)
        return json.loads(json.dumps(self._network().hn))  # type: ignore[no-any-return]

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
        params = self._network().params
        return {key: value for key, value in params.items() if keys is None or key in keys}

    get_native_params = get_params_fp_optimized = get_params_pre_quantization = get_params

    def get_params_translated(self, keys: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Integer parameters and their scales."""
        self._require("get_params_translated", *_INTEGERS)
        params = self._quantised_params()
        return {key: value for key, value in params.items() if keys is None or key in keys}

    get_params_hailo_optimized = get_params_translated

    def get_params_statistics(self) -> dict[str, NDArray[Any]]:
        """Ranges of the outputs, and what :meth:`analyze_noise` found."""
        self._require("get_params_statistics", *_INTEGERS)
        ranges = {key: value for key, value in self._quantised_params().items() if "stats_limvals" in key}
        return {**ranges, **self._statistics}

    def save_params(self, path: Path | str, params_kind: object = ParamsKinds.NATIVE) -> None:
        """Save parameters as ``.npz``."""
        kind = getattr(params_kind, "name", str(params_kind))
        chosen = {
            "TRANSLATED": self.get_params_translated,
            "HAILO_OPTIMIZED": self.get_params_translated,
            "STATISTICS": self.get_params_statistics,
        }.get(kind, self.get_params)
        np.savez(Path(path), **chosen())  # type: ignore[arg-type]  # its stub has no room for names with slashes

    def _quantised_params(self) -> dict[str, NDArray[Any]]:
        from hailstack.compiler.runner.kept import integer_parameters

        return {} if self._integers is None else integer_parameters(self._network(), self._integers)

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
        self._require("profile", *_PARSED)
        noise = {key.partition("/layer_noise_analysis")[0]: float(v[0]) for key, v in self._statistics.items()}
        return make_profile(self._network(), self.hw_arch, self._state.value, noise)

    def model_summary(self) -> None:
        """Print the layers."""
        for layer in self.get_hn_model():
            self._logger.info("%-40s %-14s %s", layer.name, layer.op, layer.output_shape)

    # Inside

    def _require(self, call: str, *states: States) -> None:
        if self._state not in states:
            message = (
                f"The execution of {call} is not available under the state: {self._state.value}. "
                f"It is available under: {', '.join(state.value for state in states)}"
            )
            raise InvalidStateException(message)

    def _network(self) -> ParsedNetwork:
        if self._parsed is None:
            raise InvalidStateException("no network was parsed yet: call translate_onnx_model or load_har")
        return self._parsed

    def _quantised(self, call: str) -> IntegerNetwork:
        if self._integers is None:
            message = f"{call}: the network is not quantised here; call optimize"
            raise InvalidStateException(message)
        return self._integers

    def _make_recipe(self) -> Recipe:
        kept = None if self._kept is None else self._kept.nms_config
        return self._read_recipe(self._script, self._script_folder, kept)

    def _read_recipe(self, script: str, folder: Path, kept: Mapping[str, Any] | None) -> Recipe:
        try:
            return make_recipe(self._network(), script, folder, kept)
        except ConfigError as error:
            raise BackendScriptParserException(str(error)) from error

    def _shapes(self) -> dict[str, Sequence[int]]:
        parsed = self._network()
        return {name: parsed.hn["layers"][name]["output_shapes"][0] for name in parsed.input_layers}

    def _forget(self) -> None:
        self._parsed = self._recipe = self._integers = self._hef = self._kept = None
        self._script, self._script_folder, self._statistics = "", Path(), {}
