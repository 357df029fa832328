"""Where the vendor keeps targets."""
