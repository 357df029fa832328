"""Where the vendor keeps the back-end."""
