"""The ``hailo_emulator`` fixture for projects that test their Hailo code."""
