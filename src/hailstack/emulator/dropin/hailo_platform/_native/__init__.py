"""What the vendor's compiled module offers, over the software NPU: plain data, statuses as exceptions, raw frames."""
