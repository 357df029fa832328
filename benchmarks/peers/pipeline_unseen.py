"""The ``inference.py`` of SangatsuUsagi/hailo_inference_pipeline as it is, but that nobody looks: no window opens.

python pipeline_unseen.py ARGUMENTS, in its checkout
"""

from __future__ import annotations

import runpy
import sys

import cv2

NO_KEY = -1

cv2.imshow = lambda title, picture: None
cv2.waitKey = lambda delay=0: NO_KEY
for name in ("namedWindow", "destroyAllWindows", "destroyWindow", "moveWindow", "resizeWindow"):
    setattr(cv2, name, lambda *arguments: None)

sys.path.insert(0, ".")
sys.argv[0] = "inference.py"
runpy.run_path("inference.py", run_name="__main__")
