"""Virtual devices: what programs open."""

from __future__ import annotations

import gc
import os
from typing import Any

from hailo_platform._native.params import VDeviceParams
from hailo_platform._native.vdevice import VDevice as NativeVDevice
from hailo_platform._python.device import Device, the_only
from hailo_platform._python.errors import ExceptionWrapper, HailoRTException
from hailo_platform._python.hef import HEF
from hailo_platform._python.infer_model import InferModel
from hailo_platform._python.network import ConfiguredNetwork
from hailo_platform._python.wrapping import named_errors


class VDevice:
    """One or more chips, held until released."""

    def __init__(self, params: VDeviceParams | None = None, *, device_ids: list[str] | None = None) -> None:
        gc.collect()
        self._vdevice: Any = None
        self._id = "VDevice"
        self._params = params
        self._loaded_network_groups: list[ConfiguredNetwork] = []
        self._creation_pid = os.getpid()
        self._device_ids = device_ids
        self._open_vdevice()

    def _open_vdevice(self) -> None:
        if self._params is None:
            self._params = VDevice.create_params()
        with ExceptionWrapper():
            self._vdevice = NativeVDevice.create(self._params, self._device_ids or [])

    def __enter__(self) -> VDevice:
        return self

    def release(self) -> None:
        """Let go of the chips. May be called twice."""
        if self._vdevice is not None:
            self._vdevice.release()
            self._vdevice = None

    def __exit__(self, *args: object) -> None:
        self.release()

    def __del__(self) -> None:
        # Dropping it lets go of the chips as soon as that is safe: the collector may run in the middle of anything.
        self._vdevice = None

    @staticmethod
    @named_errors
    def create_params() -> VDeviceParams:
        """Parameters with the version's defaults."""
        return VDeviceParams.default()

    def configure(self, hef: HEF, configure_params_by_name: dict[str, Any] = {}) -> list[ConfiguredNetwork]:  # noqa: B006
        """The network groups of a HEF, ready to run."""
        if self._creation_pid != os.getpid():
            raise HailoRTException("VDevice can only be configured from the process it was created in.")
        with ExceptionWrapper():
            groups = self._vdevice.configure(hef._hef, configure_params_by_name)
        configured = [ConfiguredNetwork(group) for group in groups]
        self._loaded_network_groups.extend(configured)
        return configured

    def get_physical_devices(self) -> list[Device]:
        """The chips that it holds."""
        return [Device(device_id) for device_id in self.get_physical_devices_ids()]

    @named_errors
    def get_physical_devices_ids(self) -> list[str]:
        """Names of the chips that it holds."""
        return self._vdevice.get_physical_devices_ids()  # type: ignore[no-any-return]

    def create_infer_model(self, hef_source: str | bytes, name: str = "") -> InferModel:
        """A HEF, by path or bytes, for asynchronous inference."""
        if os.getpid() != self._creation_pid:
            raise HailoRTException("InferModel can be created only from the process VDevice was created in.")
        with ExceptionWrapper():
            if type(hef_source) is bytes:
                model = self._vdevice.create_infer_model_from_buffer(hef_source, name)
            else:
                model = self._vdevice.create_infer_model_from_file(hef_source, name)
        return InferModel(model, hef_source)

    @property
    def loaded_network_groups(self) -> list[ConfiguredNetwork]:
        """Everything that was configured."""
        return self._loaded_network_groups

    @property
    def _loaded_network_group(self) -> ConfiguredNetwork:
        return the_only(self._loaded_network_groups)  # type: ignore[no-any-return]
