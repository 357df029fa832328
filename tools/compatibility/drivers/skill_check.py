"""The Hailo session of the skill-check bot: class scores of one picture of 224 x 224, 30 times."""

import sys

import cv2
from dbd.utils.hailo_backend import Hailo8Session

hef, picture = sys.argv[1:]
image = cv2.cvtColor(cv2.resize(cv2.imread(picture), (224, 224)), cv2.COLOR_BGR2RGB)
with Hailo8Session(hef) as session:
    best = {int(session.infer_rgb224(image).argmax()) for _ in range(30)}
sys.stdout.write(f"best class {best}\n")
