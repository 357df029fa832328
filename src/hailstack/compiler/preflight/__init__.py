"""What a network will cost on a chip, before anything is compiled."""
