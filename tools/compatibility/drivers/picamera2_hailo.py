"""Picamera2's Hailo class, without the camera library around it: describe, run, run a batch."""

import importlib.util
import sys

import cv2
import numpy as np

source, hef, picture = sys.argv[1:]
spec = importlib.util.spec_from_file_location("picamera2_hailo_class", source)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
sys.stdout.write(f"architecture {module.hailo_architecture()}\n")
with module.Hailo(hef) as hailo:
    height, width, _ = hailo.get_input_shape()
    image = cv2.cvtColor(cv2.resize(cv2.imread(picture), (width, height)), cv2.COLOR_BGR2RGB)
    result = hailo.run(image)
    classes = [i for i, boxes in enumerate(result) if len(boxes) and boxes[0][4] > 0.5]
    sys.stdout.write(f"inputs and outputs {hailo.describe()}\nclasses {classes}\n")
with module.Hailo(hef, batch_size=4) as hailo:
    batch = hailo.run(np.stack([image] * 4))
    same = all(len(a) == len(b) and np.array_equal(a, b) for one in batch for a, b in zip(one, result, strict=True))
    sys.stdout.write(f"batch of {len(batch)}, the same as alone: {same}\n")
