"""``hailstack script lint``: what is wrong with model scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.compiler.script import ChipLayer, Finding


def script_lint(
    scripts: Annotated[list[Path], Parameter(negative="", allow_leading_hyphen=True)],
    /,
    *,
    model: Path | None = None,
    dfc: str = "",
    gpu: bool | None = None,
    images: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Check model scripts (.alls) of the vendor's compiler: commands, keys, values, layers, what they add up to.

    Each finding names line and column and, where clear, the line to write instead. The exit code is 2 when there are
    errors, 0 when there are only warnings or nothing.

    Parameters
    ----------
    scripts
        The files; - reads standard input.
    model
        The network they are for: an ONNX or TFLite file, or a HAR. Then layers, outputs and the post-processing's
        configuration are checked, too.
    dfc
        The compiler's version, such as 3.33.1; then commands that it does not know are found.
    gpu
        Whether the compiler will have a GPU.
    images
        Size of the calibration set.
    json
        The findings for programs.
    """
    from hailstack.compiler.script import lint, scan_script

    layers = None if model is None else _layers(model)
    found = {}
    for path in scripts:
        text = _read(path)
        folder = Path() if str(path) == "-" else path.parent
        script = scan_script(text, "<stdin>" if str(path) == "-" else str(path))
        found[script.name] = lint(
            script,
            layers=layers,
            dfc=dfc,
            gpu=gpu,
            calibration_images=images,
            folder=None if model is None else folder,
        )
    _print(found, as_json=json)
    return 2 if any(each.severity == "error" for findings in found.values() for each in findings) else 0


def _read(path: Path) -> str:
    import sys

    from hailstack.errors import ConfigError, NotFoundError

    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"{path}: no such model script"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: not a text file: {error}"
        raise ConfigError(message) from error


def _layers(model: Path) -> tuple[ChipLayer, ...]:
    from hailstack.compiler.har.archive import read_har
    from hailstack.compiler.script import chip_layers
    from hailstack.compiler.script.network import parsed_layers

    if model.suffix == ".har":
        return chip_layers(read_har(model).hn["layers"])
    return parsed_layers(model)


def _print(found: dict[str, tuple[Finding, ...]], *, as_json: bool) -> None:
    from hailstack.compiler.script.lint import describe

    if as_json:
        import json

        print(json.dumps({name: [each.to_json() for each in findings] for name, findings in found.items()}, indent=2))
        return
    for name, findings in found.items():
        for each in findings:
            print(f"{each.severity}: {describe(name, each)}")
        errors = sum(each.severity == "error" for each in findings)
        print(f"{name}: {_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}")


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
