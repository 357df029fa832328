"""The NPU in software: a drop-in for the vendor's ``hailo_platform`` package and the device behind it."""
