"""What quantisation cost: layer by layer, output by output, object by object, and which step on the way parted."""
