"""Where the vendor keeps the runner."""
