"""``hailortcli`` in software: the vendor's command line on the emulated chip.

Texts, options and exit codes are those of the vendor's tool (4.23 as observed, 5.2 as documented), because shell
scripts and programs read them. Work that needs a real board (firmware, power, sensors) answers
``HAILO_NOT_IMPLEMENTED``.
"""

from hailstack.emulator.hailortcli.tool import main

__all__ = ["main"]
