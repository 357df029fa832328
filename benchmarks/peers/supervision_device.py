"""The same loop with the model on a Hailo device, by the vendor's blocking interface, as such programs have it."""

import sys

import cv2
import numpy as np
import supervision
from hailo_platform import (
    HEF,
    ConfigureParams,
    FormatType,
    HailoStreamInterface,
    InferVStreams,
    InputVStreamParams,
    OutputVStreamParams,
    VDevice,
)

SIDE = 640


def letterbox(frame):
    height, width = frame.shape[:2]
    scale = SIDE / max(height, width)
    small = cv2.resize(frame, (round(width * scale), round(height * scale)))
    out = np.full((SIDE, SIDE, 3), 114, np.uint8)
    out[: small.shape[0], : small.shape[1]] = small
    return cv2.cvtColor(out, cv2.COLOR_BGR2RGB), scale


def read(by_class, scale):
    rows = [
        (*one[[1, 0, 3, 2]] * SIDE / scale, one[4], number) for number, rows in enumerate(by_class) for one in rows
    ]
    if not rows:
        return supervision.Detections.empty()
    table = np.array(rows, np.float32)
    return supervision.Detections(table[:, :4], confidence=table[:, 4], class_id=table[:, 5].astype(int))


path, video, target = sys.argv[1:]
boxes, labels = supervision.BoxAnnotator(), supervision.LabelAnnotator()
hef, found = HEF(path), 0
with VDevice() as device:
    group = device.configure(hef, ConfigureParams.create_from_hef(hef, HailoStreamInterface.PCIe))[0]
    inputs = InputVStreamParams.make(group, format_type=FormatType.UINT8)
    outputs = OutputVStreamParams.make(group, format_type=FormatType.FLOAT32)
    into, out = hef.get_input_vstream_infos()[0].name, hef.get_output_vstream_infos()[0].name
    sink = supervision.VideoSink(target, supervision.VideoInfo.from_video_path(video))
    with group.activate(), InferVStreams(group, inputs, outputs) as pipeline, sink:
        for frame in supervision.get_video_frames_generator(video):
            picture, scale = letterbox(frame)
            detections = read(pipeline.infer({into: picture[None]})[out][0], scale)
            found += len(detections)
            sink.write_frame(labels.annotate(boxes.annotate(frame.copy(), detections), detections))
print(found)
