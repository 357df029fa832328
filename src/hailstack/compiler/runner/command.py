"""The ``hailo`` command: ``python -m hailstack.compiler.runner.command`` with the vendor's words and options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hailstack.compiler.har import read_har
from hailstack.compiler.runner.client import ClientRunner
from hailstack.compiler.runner.console import console_logger, dfc_version
from hailstack.compiler.runner.definitions import SUPPORTED_HW_ARCHS
from hailstack.compiler.runner.page import profile_page
from hailstack.compiler.runner.vendor_errors import ParsingWithRecommendationException, SdkError
from hailstack.errors import HailstackError, InputError

RANDOM_SAMPLES = 64
SEED = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 1 after an error, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    if options.run is None:
        _parser().print_help()
        return 2
    try:
        run: Callable[[argparse.Namespace], None] = options.run
        run(options)
    except (SdkError, HailstackError, NotImplementedError) as error:
        sys.stderr.write(f"[error] {type(error).__name__}: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hailo", description="Networks from ONNX to HEF, without the vendor's compiler, for the emulated chip."
    )
    parser.add_argument("--version", action="version", version=f"Hailo Dataflow Compiler v{dfc_version()} (Hailstack)")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_add_parser, _add_optimize, _add_compiler, _add_profiler, _add_noise, _add_har):
        add(commands)
    return parser


def _chip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hw-arch", choices=SUPPORTED_HW_ARCHS, help="the chip (default: the archive's, else hailo8)")


def _add_parser(commands: Any) -> None:
    parser = commands.add_parser("parser", help="ONNX or TensorFlow Lite -> HAR")
    frameworks = parser.add_subparsers(title="frameworks", metavar="FRAMEWORK", required=True)
    for name in ("onnx", "tf"):
        command = frameworks.add_parser(name, help=f"parse a model ({name})")
        command.add_argument("model_path", type=Path)
        command.add_argument("--net-name")
        command.add_argument("--start-node-names", nargs="+", default=[])
        command.add_argument("--end-node-names", nargs="+", default=[])
        command.add_argument("--tensor-shapes", nargs="+", default=[], metavar="[1,3,h,w]")
        command.add_argument("--input-format", nargs="+", default=[], metavar="NAME=BCHW")
        command.add_argument("--har-path", "--output-har-path", type=Path)
        command.add_argument("--augmented-path", type=Path)
        command.add_argument("--parsing-report-path", type=Path)
        for flag in ("--disable-rt-metadata-extraction", "--disable-onnx-simplifier", "--compare"):
            command.add_argument(flag, action="store_true")
        command.add_argument("-y", action="store_true", help="take the recommended end nodes without asking")
        _chip(command)
        command.set_defaults(run=_parse, framework=name)


def _parse(options: argparse.Namespace) -> None:
    name = options.net_name or options.model_path.stem
    runner = ClientRunner(hw_arch=options.hw_arch)
    try:
        _translate(runner, options, name, options.end_node_names)
    except ParsingWithRecommendationException as error:
        if not (options.y or _agreed(error)):
            raise
        nodes = list(error.recommended_end_node_names)
        console_logger().info("According to recommendations, retrying parsing with end node names: %s.", nodes)
        _translate(runner, options, name, nodes)
    runner.save_har(options.har_path or Path(f"{name}.har"))


def _translate(runner: ClientRunner, options: argparse.Namespace, name: str, end_nodes: list[str]) -> None:
    shapes = [_numbers(text) for text in options.tensor_shapes]
    if options.framework == "tf":
        runner.translate_tf_model(options.model_path, name, options.start_node_names, end_nodes)
        return
    runner.translate_onnx_model(
        options.model_path,
        name,
        start_node_names=options.start_node_names,
        end_node_names=end_nodes,
        net_input_shapes=shapes or None,
        augmented_path=options.augmented_path,
    )


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.rpartition("=")[2].strip("[]").split(",")]
    except ValueError as error:
        message = f"--tensor-shapes {text!r} is not of the form [1,3,480,640]"
        raise InputError(message) from error


def _agreed(error: ParsingWithRecommendationException) -> bool:
    """Whether the person wants the recommended end nodes; programs that answer nothing do not."""
    names = ", ".join(error.recommended_end_node_names)
    sys.stdout.write(f"Parse again with these end node names: {names}? (y/n)\n")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower().startswith("y")


def _add_optimize(commands: Any) -> None:
    parser = commands.add_parser("optimize", help="HAR -> quantised HAR")
    parser.add_argument("har_path", type=Path)
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--calib-set-path", help="an .npy or .npz file, or a folder of .npy files")
    data.add_argument("--use-random-calib-set", action="store_true", help="noise, to see whether the network compiles")
    parser.add_argument("--model-script", type=Path)
    parser.add_argument("--output-har-path", type=Path)
    parser.add_argument("--full-precision-only", action="store_true")
    parser.add_argument("--work-dir")
    _chip(parser)
    parser.set_defaults(run=_optimize)


def _optimize(options: argparse.Namespace) -> None:
    runner = ClientRunner(hw_arch=options.hw_arch, har=options.har_path)
    if options.model_script is not None:
        runner.load_model_script(options.model_script)
    if options.full_precision_only:
        runner.optimize_full_precision()
    elif options.calib_set_path is not None:
        runner.optimize(options.calib_set_path)
    elif options.use_random_calib_set:
        runner.optimize(_noise(runner))
    else:
        raise InputError("give --calib-set-path FILE, or --use-random-calib-set to try without data")
    runner.save_har(options.output_har_path or Path(f"{runner.model_name}_optimized.har"))


def _noise(runner: ClientRunner) -> Mapping[str, np.ndarray[Any, Any]]:
    console_logger().warning("the calibration set is noise: the HEF compiles, and its results mean nothing")
    generator = np.random.default_rng(SEED)
    shapes = {layer.name: layer.output_shape[1:] for layer in runner.get_hn_model().get_input_layers()}
    return {
        name: generator.integers(0, 256, (RANDOM_SAMPLES, *shape), np.uint8).astype(np.uint8)
        for name, shape in shapes.items()
    }


def _add_compiler(commands: Any) -> None:
    parser = commands.add_parser("compiler", help="quantised HAR -> HEF")
    parser.add_argument("har_path", type=Path)
    parser.add_argument("--model-script", type=Path)
    parser.add_argument("--auto-model-script", type=Path)
    parser.add_argument("--output-dir", type=Path, default=Path())
    parser.add_argument("--output-har-path", type=Path)
    _chip(parser)
    parser.set_defaults(run=_compile)


def _compile(options: argparse.Namespace) -> None:
    runner = ClientRunner(hw_arch=options.hw_arch, har=options.har_path)
    if options.model_script is not None:
        runner.load_model_script(options.model_script, append=True)
    content = runner.compile()
    options.output_dir.mkdir(parents=True, exist_ok=True)
    hef = options.output_dir / f"{runner.model_name}.hef"
    hef.write_bytes(content)
    console_logger().info("Saved HEF to: %s", hef.absolute())
    runner.save_har(options.output_har_path or options.output_dir / f"{runner.model_name}_compiled.har")


def _add_profiler(commands: Any) -> None:
    parser = commands.add_parser("profiler", help="HAR -> a page with its figures")
    parser.add_argument("har_path", type=Path)
    parser.add_argument("--runtime-data", type=Path)
    parser.add_argument("--out-path", type=Path)
    parser.add_argument("--no-browser", action="store_true")
    _chip(parser)
    parser.set_defaults(run=_profile)


def _profile(options: argparse.Namespace) -> None:
    runner = ClientRunner(hw_arch=options.hw_arch, har=options.har_path)
    page = options.out_path or Path(f"{runner.model_name}_{runner.state.value}_profiler.html")
    page.write_text(profile_page(runner.profile()), encoding="utf-8")
    console_logger().info("Saved profile to: %s", page.absolute())


def _add_noise(commands: Any) -> None:
    parser = commands.add_parser("analyze-noise", help="signal-to-noise ratio of each layer, into the HAR")
    parser.add_argument("har_path", type=Path)
    parser.add_argument("--data-path", required=True)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--data-count", type=int)
    parser.add_argument("--analyze-mode", choices=("simple", "advanced"), default="simple")
    parser.add_argument("--output-har-path", type=Path)
    parser.set_defaults(run=_analyze)


def _analyze(options: argparse.Namespace) -> None:
    runner = ClientRunner(har=options.har_path)
    runner.analyze_noise(options.data_path, data_count=options.data_count, batch_size=options.batch_size)
    runner.save_har(options.output_har_path or options.har_path)


def _add_har(commands: Any) -> None:
    parser = commands.add_parser("har", help="look into a HAR")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, run in (("info", _info), ("extract", _extract)):
        action = actions.add_parser(name)
        action.add_argument("har_path", type=Path)
        action.set_defaults(run=run)
        if name == "extract":
            action.add_argument("--output-dir", type=Path, default=Path())
            action.add_argument("--auto-model-script-path", type=Path)


def _info(options: argparse.Namespace) -> None:
    har = read_har(options.har_path)
    runner = ClientRunner(har=options.har_path)
    graph = runner.get_hn_model()
    lines = [
        f"Network: {har.name}",
        f"State: {har.state}",
        f"SDK version: {har.metadata.get('sdk_version', 'unknown')}",
        f"HW arch: {har.metadata.get('hw_arch', 'unknown')}",
        *(f"Input: {layer.name} {layer.output_shape[1:]}" for layer in graph.get_input_layers()),
        *(f"Output: {layer.name} {layer.output_shape[1:]}" for layer in graph.get_real_output_layers()),
    ]
    if har.script:
        lines += ["Model script:", *(f"  {line}" for line in har.script.splitlines())]
    sys.stdout.write("\n".join(lines) + "\n")


def _extract(options: argparse.Namespace) -> None:
    import tarfile

    har = read_har(options.har_path)
    if options.auto_model_script_path is not None:
        script = har.auto_script or har.script
        options.auto_model_script_path.write_text(script, encoding="utf-8")
        console_logger().info("Saved model script to: %s", options.auto_model_script_path.absolute())
        return
    options.output_dir.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.har_path) as archive:
        archive.extractall(options.output_dir, filter="data")
        console_logger().info("Extracted: %s", ", ".join(archive.getnames()))


if __name__ == "__main__":
    sys.exit(main())
