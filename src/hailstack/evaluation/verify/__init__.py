"""Whether an ONNX file is sound, and why it finds something where there is nothing. Needs onnxruntime alone."""

from hailstack.evaluation.verify.check import Verification, verify_export

__all__ = ["Verification", "verify_export"]
