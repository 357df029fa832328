"""Where the vendor keeps archives."""
