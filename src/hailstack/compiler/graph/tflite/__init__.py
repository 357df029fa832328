"""TensorFlow Lite models as ONNX models."""
