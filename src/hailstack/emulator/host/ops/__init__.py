"""What the host library computes after the chip: boxes and their suppression, argmax, softmax."""
