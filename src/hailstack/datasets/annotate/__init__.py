"""The page on which people draw boxes: a small web server over a folder of pictures with YOLO labels.

``lines`` and ``merge`` say what an edit is and how two people's edits come together; ``drafts``, ``reviews`` and
``classes`` keep what is on disk; ``desk`` is the dataset as the page sees it; ``app``, ``gate`` and ``people`` are the
server. Nothing here knows a network: who proposes boxes is handed in.
"""

from hailstack.datasets.annotate.server import Annotator

__all__ = ["Annotator"]
