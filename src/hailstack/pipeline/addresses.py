"""Addresses that may hold a name and a password."""

from __future__ import annotations

import re


def without_password(address: str) -> str:
    """An address for people and records: a password in it replaced by stars."""
    return re.sub(r"^([a-z]+://[^/@:]*):[^/]*@", r"\1:***@", address, flags=re.IGNORECASE)
