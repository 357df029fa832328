"""ONNX networks made ready for compilation."""
