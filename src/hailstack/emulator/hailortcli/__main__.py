"""``python -m hailstack.emulator.hailortcli``."""

import sys

from hailstack.emulator.hailortcli.tool import main

sys.exit(main())
