"""Read, write and describe HEF files, the vendor's container of a compiled model."""
