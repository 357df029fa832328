"""From labelled pictures to a trained network, to ONNX, and the proof that both are the same. Needs PyTorch."""
