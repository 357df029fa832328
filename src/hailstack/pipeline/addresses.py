"""Addresses that may hold a name and a password."""

from __future__ import annotations

import base64
import re
import urllib.request
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit


def without_password(address: str) -> str:
    """An address for people and records: a password in it replaced by stars."""
    return re.sub(r"^([a-z]+://[^/@:]*):[^/]*@", r"\1:***@", address, flags=re.IGNORECASE)


def is_whole(address: str) -> bool:
    """Whether an address names a host, and a port that can be one."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address that is none
        return False


def request_to(
    address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> urllib.request.Request:
    """A request to ``http[s]://name:password@host/…``: urllib takes the name and the password in a header only.

    Args:
        body: what is posted; None gets what is there.
    """
    parts = urlsplit(address)
    account, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)), body, dict(headers or {}))
    if account:
        token = base64.b64encode(unquote_to_bytes(account)).decode("ascii")
        request.add_header("Authorization", f"Basic {token}")
    return request
