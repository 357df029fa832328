"""Virtual devices of the bindings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hailo_platform._native.errors import fail, native_statuses
from hailo_platform._native.hef import Hef, hef_model
from hailo_platform._native.infer_model import InferModel, make_infer_model
from hailo_platform._native.network import ConfiguredNetworkGroup, make_network_group
from hailo_platform._native.params import ConfigureParams, VDeviceParams
from hailo_platform._native.pybind import NativeObject, instance_of
from hailo_platform._profile import PROFILE, device_settings
from hailstack.emulator import core
from hailstack.errors import Status


class VDevice(NativeObject):
    """One or more chips, held until released."""

    __slots__ = ("_device",)
    _device: core.VirtualDevice

    @staticmethod
    def create(params: VDeviceParams, device_ids: list[str] | None = None) -> VDevice:
        """Open devices as the parameters say, or those of ``device_ids`` with default parameters."""
        if instance_of(VDeviceParams)(params).device_ids and device_ids:
            fail(
                Status.INVALID_OPERATION,
                "VDevice device_ids can be set in params or device_ids argument. "
                "Both parameters were passed to the c'tor",
            )
        return VDevice.create_from_ids(device_ids) if device_ids else _open(_core_params(params))

    @staticmethod
    def create_from_ids(device_ids: list[str]) -> VDevice:
        """Open devices by name, everything else as the version's default."""
        return _open(
            core.VDeviceParams(
                device_count=len(device_ids),
                device_ids=list(device_ids),
                scheduling_algorithm=PROFILE.python_scheduler,
            )
        )

    def get_physical_devices_ids(self) -> list[str]:
        """Names of the devices that it holds."""
        return list(self._device.device_ids)

    def configure(self, hef: Hef, configure_params: Mapping[str, ConfigureParams]) -> list[ConfiguredNetworkGroup]:
        """Put the network groups of a HEF on the devices."""
        params = {name: _group_params(one) for name, one in configure_params.items()}
        with native_statuses:
            groups = self._device.configure(hef_model(instance_of(Hef)(hef)), params)
        return [make_network_group(one, self._device, params.get(one.name, core.GroupParams())) for one in groups]

    def release(self) -> None:
        """Let go of the devices."""
        self._device.release()

    def create_infer_model_from_file(self, hef_path: str, network_name: str) -> InferModel:
        """The asynchronous view of a HEF file."""
        return self._create_infer_model(Hef.create_from_file(hef_path), network_name)

    def create_infer_model_from_buffer(self, buffer: bytes, network_name: str) -> InferModel:
        """The asynchronous view of a HEF in memory."""
        return self._create_infer_model(Hef.create_from_buffer(buffer), network_name)

    def _create_infer_model(self, hef: Hef, name: str) -> InferModel:
        with native_statuses:
            return make_infer_model(self._device.create_infer_model(hef_model(hef), name))


def _open(params: core.VDeviceParams) -> VDevice:
    made = VDevice.__new__(VDevice)
    with native_statuses:
        made._device = core.VirtualDevice(params, device_settings())
    return made


def _core_params(params: Any) -> core.VDeviceParams:
    return core.VDeviceParams(
        device_count=params.device_count,
        scheduling_algorithm=params.scheduling_algorithm,
        device_ids=params.device_ids,
        group_id=params.group_id,
        multi_process_service=params.multi_process_service,
    )


def _group_params(params: ConfigureParams) -> core.GroupParams:
    instance_of(ConfigureParams)(params)
    networks = {name: one.batch_size for name, one in params.network_params_by_name.items()}
    return core.GroupParams(params.batch_size, int(params.power_mode), networks)
