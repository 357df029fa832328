"""What the vendor's Python layer offers: named exceptions, numpy arrays, context managers."""
