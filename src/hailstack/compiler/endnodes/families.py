"""How the heads of detectors code their boxes.

In the formulas ``x, y`` are a cell's column and row, ``s`` its stride in pixels, ``t`` is what leaves the network,
``aw, ah`` an anchor's size, ``o`` the plan's offset (0.5 where a box lies in the middle of its cell).
"""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: Mapping[str, str] = {
    "blaze": "centre = t / input size + anchor's centre, size = t / input size; key points as centres (MediaPipe)",
    "centernet": "a box at each peak of the heat map: centre = (x + offset) * s, size beside it",
    "detr": "boxes of queries: centre and size as parts of the picture, behind a sigmoid",
    "fcos": "sides as for yolo26, with a centreness (or objectness) that scales the score",
    "movenet": "one person: the peak nearest the centre's, regressed points refined by each point's own peak",
    "nanodet": "as yolov8, scores and bins in one map",
    "scrfd": "sides as for yolo26, several boxes in a cell, five points as distances from its centre",
    "ssd": "centre = t / factor * aw + (x + o) * s, size = exp(t / factor) * aw; their order: coordinates",
    "yolo26": "sides = (x + o) * s -+ t * s; the sigmoid of the scores comes behind all levels",
    "yolov3": "centre = (sigmoid(t) + x) * s, size = exp(t) * aw; score = sigmoid(objectness) * sigmoid(class)",
    "yolov4": "as yolov3 with centre = (reach * sigmoid(t) - (reach - 1) / 2 + x) * s",
    "yolov5": "centre = (2 * sigmoid(t) - 0.5 + x) * s, size = (2 * sigmoid(t))² * aw; scores as yolov3; v7, too",
    "yolov6": "as yolo26, with the sigmoid of the scores in each level",
    "yolov8": "sides = (x + o) * s -+ sum(bin * softmax(t over bins)) * s; v9 to v12, DAMO-YOLO, PicoDet, too",
    "yolox": "centre = (t + x) * s, size = exp(t) * s; score = objectness * class; YOLOv6 0.1, YuNet, too",
}
"""Name → formula. Names go by the coding, not by the project: what decodes alike is called alike."""
