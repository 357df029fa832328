"""Ultralytics' own way through a video: ``predict`` on an ONNX file, the annotated video saved."""

import sys

from ultralytics import YOLO

model, video, project = sys.argv[1:]
results = YOLO(model, task="detect").predict(
    video, stream=True, save=True, project=project, conf=0.25, iou=0.7, verbose=False, device="cpu"
)
print(sum(len(one.boxes) for one in results))
