"""Limits of what goes to devices on Ethernet, which versions before 5 had."""

from __future__ import annotations

from typing import Any

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.legacy_interfaces, __name__)

from hailo_platform.pyhailort.pyhailort import HEF, INPUT_DATAFLOW_BASE_PORT, NetworkRateLimiter  # noqa: E402

DEFAULT_MAX_KBPS = 850e3
BYTES_IN_Kbits = 125.0


class RateLimiterException(Exception):
    """A limit cannot be worked out."""


class BadTCParamError(Exception):
    """A limit makes no sense."""


class BadTCCallError(Exception):
    """A limit could not be set."""


class RateLimiterWrapper:
    """``with``: the inputs of a group are limited."""

    def __init__(
        self, configured_network_group: Any, fps: float = 1, fps_factor: float = 1.0, remote_ip: str | None = None
    ) -> None:
        if remote_ip is None:
            raise RateLimiterException("In order to use RateLimiterWrapper, one should pass 'remote_ip'")
        self._network_group = configured_network_group
        self._remote_ip = remote_ip
        self._fps = fps
        self._fps_factor = fps_factor
        self._rates_dict: dict[int, int] = {}
        self._tc_dict: dict[int, NetworkRateLimiter] = {}

    def __enter__(self) -> None:
        fps = self._fps * self._fps_factor
        self._rates_dict = self._network_group.get_udp_rates_dict(fps, DEFAULT_MAX_KBPS * BYTES_IN_Kbits)
        for port, rate in self._rates_dict.items():
            self._tc_dict[port] = NetworkRateLimiter(self._remote_ip, port, rate)
            self._tc_dict[port].reset_rate_limit()
            self._tc_dict[port].set_rate_limit()

    def __exit__(self, *args: object, **kwargs: object) -> None:
        for limiter in self._tc_dict.values():
            limiter.reset_rate_limit()


class UDPRateLimiter:
    """The limit of one port."""

    def __init__(self, remote_ip: str, port: int, rate_kbits_per_sec: float = 0) -> None:
        self._tc = NetworkRateLimiter(remote_ip, port, rate_kbits_per_sec * BYTES_IN_Kbits)

    def set_rate_limit(self) -> Any:
        """Refused."""
        return self._tc.set_rate_limit()

    def reset_rate_limit(self) -> Any:
        """Refused."""
        return self._tc.reset_rate_limit()

    @staticmethod
    def calc_udp_rate(
        hef: Any, network_group_name: str, fps: float, fps_factor: float = 1, max_supported_kbps_rate: float = 850e3
    ) -> dict[int, float]:
        """Port → kbit/s that each input of a HEF needs."""
        opened = HEF(hef)
        limit = max_supported_kbps_rate * BYTES_IN_Kbits
        rates = opened.get_udp_rates_dict(int(fps * fps_factor), limit, network_group_name)
        infos = opened.get_input_stream_infos(network_group_name)
        if len(infos) != len(rates):
            raise RateLimiterException("There is a missmatch between the calculated rates and the network inputs.")
        return {info.sys_index + INPUT_DATAFLOW_BASE_PORT: rates[info.name] / BYTES_IN_Kbits for info in infos}


_adopt(globals())
