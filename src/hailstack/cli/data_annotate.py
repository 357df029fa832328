"""``hailstack data annotate``: a page on which people draw boxes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.datasets.annotate import Annotator
    from hailstack.datasets.annotate.proposals import Propose


def data_annotate(
    folder: Annotated[Path, Parameter(name="DIR")],
    /,
    *,
    assist: Path | None = None,
    port: int | None = None,
    host: str = "127.0.0.1",
    token: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Label pictures in a browser: draw, move and resize boxes, alone or several people at once.

    Labels are YOLO text files beside the pictures, or in 'labels' for pictures in 'images'. What is drawn is kept at
    once as a draft in DIR/.hailstack; saving a picture (Space) writes its label file. The page works until Ctrl-C.

    Over ssh: ssh -L 8420:localhost:8420 MACHINE, and open http://localhost:8420 here.

    Parameters
    ----------
    folder
        A folder of pictures, or a YOLO dataset (folder or data.yaml).
    assist
        A detector, .hef or .onnx: its boxes are proposed, to be accepted or rejected.
    port
        Default: 8420, or the next free one. 0 takes any.
    host
        Listen on this address. Beyond this machine, the printed address holds a token that is asked for.
    token
        Ask for a token on this machine, too, where others have accounts.
    """
    from hailstack.datasets.annotate import Annotator

    with (
        _assistant(assist) as propose,
        Annotator(folder, host=host, port=port, propose=propose, with_token=token) as annotator,
    ):
        _serve(annotator)
    return 0


def _assistant(model: Path | None) -> AbstractContextManager[Propose | None]:
    if model is None:
        return nullcontext()
    from hailstack.cli.annotate_assist import open_assistant

    return open_assistant(model)


def _serve(annotator: Annotator) -> None:
    print(f"{annotator.pictures} pictures on {annotator.url}", flush=True)
    try:
        annotator.serve()
    except KeyboardInterrupt:
        print("stopped; drafts are kept")
