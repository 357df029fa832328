"""Where the vendor keeps the states."""
