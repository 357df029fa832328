"""Where the vendor keeps the graph."""
