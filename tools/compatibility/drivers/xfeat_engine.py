"""The engine of Navigator, with the vendor's HEF of its network: one picture twice through the same streams."""

import sys

import cv2
import numpy as np
from hailo_platform import FormatType
from modules.hailo import Hailo

hef, picture = sys.argv[1:]
grey = cv2.resize(cv2.imread(picture, cv2.IMREAD_GRAYSCALE), (320, 224)).astype(np.float32)
frame = ((grey - grey.mean()) / grey.std())[None, :, :, None]
engine = Hailo(hef, input_dtype=FormatType.FLOAT32, output_dtype=FormatType.FLOAT32)
first = engine.infer(frame)
second = engine.infer(frame)
for name, values in sorted(first.items()):
    sys.stdout.write(f"{name} {values.shape} mean {values.mean():.3f} deviation {values.std():.3f}\n")
sys.stdout.write(f"both times the same: {all(np.array_equal(first[name], second[name]) for name in first)}\n")
