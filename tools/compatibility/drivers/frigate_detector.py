"""Frigate's Hailo detector, as Frigate's detection process calls it: one picture of the model's size."""

import sys
from types import SimpleNamespace

import cv2
from frigate.detectors.plugins import hailo8l

hef, picture, cache = sys.argv[1:]
hailo8l.MODEL_CACHE_DIR = cache  # /config/model_cache in Frigate's container
model = SimpleNamespace(path=hef, height=416, width=416)
detector = hailo8l.HailoDetector(SimpleNamespace(device="PCIe", model=model))
image = cv2.cvtColor(cv2.resize(cv2.imread(picture), (416, 416)), cv2.COLOR_BGR2RGB)
for class_id, score, *box in detector.detect_raw(image[None]):
    if score:
        sys.stdout.write(f"class {int(class_id)} {score:.2f} {[round(float(side), 2) for side in box]}\n")
detector.close()
