"""The loop of supervision's tutorials: read, infer, annotate, write, a frame at a time. The model is Ultralytics'."""

import sys

import supervision
from ultralytics import YOLO

weights, video, target = sys.argv[1:]
model = YOLO(weights, task="detect")
boxes, labels = supervision.BoxAnnotator(), supervision.LabelAnnotator()
found = 0
with supervision.VideoSink(target, supervision.VideoInfo.from_video_path(video)) as sink:
    for frame in supervision.get_video_frames_generator(video):
        result = model(frame, verbose=False, conf=0.25, iou=0.7, device="cpu")[0]
        detections = supervision.Detections.from_ultralytics(result)
        found += len(detections)
        sink.write_frame(labels.annotate(boxes.annotate(frame.copy(), detections), detections))
print(found)
