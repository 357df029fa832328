"""What is damaged in a dataset: labels, names, pictures, splits; and mending what can be mended safely.

``rules`` names the kinds of damage. ``surveying`` reads a dataset as it lies on the disk into one ``survey`` whatever
its format (``yolo_*``, ``coco``, ``voc``); ``boxes``, ``twins``, ``balance``, ``pictures`` and ``copies`` look through
that; ``mending`` changes label files.
"""

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.rules import RULES, Rule, check_codes
from hailstack.datasets.verify.survey import Listener
from hailstack.datasets.verify.verify import Verification, verify

__all__ = ["RULES", "Finding", "Listener", "Rule", "Verification", "check_codes", "verify"]
