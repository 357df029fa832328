"""Where the vendor keeps the parser."""
