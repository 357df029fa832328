"""``python -m hailstack``: the same as the ``hailstack`` command."""

from hailstack.cli import main

main()
