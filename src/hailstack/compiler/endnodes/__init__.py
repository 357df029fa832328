"""Where a network ends on the chip, and what its outputs mean."""
