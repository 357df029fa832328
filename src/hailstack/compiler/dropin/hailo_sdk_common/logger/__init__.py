"""Where the vendor keeps the logger."""
