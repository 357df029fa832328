"""Which network interface reaches a device on Ethernet. Importable; there is no such device."""

from __future__ import annotations

from ipaddress import ip_address as _address
from ipaddress import ip_network as _network
from typing import NoReturn

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.legacy_interfaces, __name__)

SIOCGIFTXQLEN = 0x8942
SIOCGIFTXQLEN_FMT = "16sI"


class NoInterfaceError(Exception):
    """No interface reaches the address."""


def get_interface_from_ip(ip_address: str) -> NoReturn:
    """Always raises: interfaces are not looked at."""
    message = f"No interface for {ip_address} found among []"
    raise NoInterfaceError(message)


def get_interface_address(interface_name: str) -> NoReturn:
    """Always raises: interfaces are not looked at."""
    message = f"Interfaces are not emulated: {interface_name}"
    raise NoInterfaceError(message)


def is_ip_in_network(network_ip: str, netmask: str, ip_in_question: str) -> bool:
    """Whether an address belongs to a network."""
    return _address(ip_in_question) in _network(f"{network_ip}/{netmask}", strict=False)


_adopt(globals())
