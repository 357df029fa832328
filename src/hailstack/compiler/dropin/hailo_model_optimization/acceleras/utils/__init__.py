"""Where the vendor keeps quantisation."""
