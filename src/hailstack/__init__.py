"""Edge vision on Hailo NPUs, from labelled photos to a counted field; everything also runs with no NPU."""

__version__ = "0.1.0"
