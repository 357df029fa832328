"""The enums of device control: power, resets, notifications, sensors, firmware logs."""

from __future__ import annotations

from hailo_platform._native.enums import INT_MAX
from hailo_platform._native.pybind import enumeration, flags
from hailo_platform._profile import PROFILE

DvmTypes = enumeration(
    "DvmTypes",
    AUTO=INT_MAX,
    VDD_CORE=0,
    VDD_IO=1,
    MIPI_AVDD=2,
    MIPI_AVDD_H=3,
    USB_AVDD_IO=4,
    VDD_TOP=5,
    USB_AVDD_IO_HV=6,
    AVDD_H=7,
    SDIO_VDD_IO=8,
    OVERCURRENT_PROTECTION=9,
)
PowerMeasurementTypes = enumeration(
    "PowerMeasurementTypes", AUTO=INT_MAX, SHUNT_VOLTAGE=0, BUS_VOLTAGE=1, POWER=2, CURRENT=3
)
SamplingPeriod = enumeration(
    "SamplingPeriod",
    **{f"PERIOD_{us}us": code for code, us in enumerate((140, 204, 332, 588, 1100, 2116, 4156, 8244))},
)
AveragingFactor = enumeration(
    "AveragingFactor", **{f"AVERAGE_{count}": code for code, count in enumerate((1, 4, 16, 64, 128, 256, 512, 1024))}
)
MeasurementBufferIndex = enumeration(
    "MeasurementBufferIndex", **{f"MEASUREMENT_BUFFER_INDEX_{index}": index for index in range(4)}
)
NotificationId = enumeration(
    "NotificationId",
    ETHERNET_RX_ERROR=0,
    HEALTH_MONITOR_TEMPERATURE_ALARM=1,
    HEALTH_MONITOR_DATAFLOW_SHUTDOWN=2,
    HEALTH_MONITOR_OVERCURRENT_ALARM=3,
    HEALTH_MONITOR_LCU_ECC_CORRECTABLE_ERROR=4,
    HEALTH_MONITOR_LCU_ECC_UNCORRECTABLE_ERROR=5,
    HEALTH_MONITOR_CPU_ECC_ERROR=6,
    HEALTH_MONITOR_CPU_ECC_FATAL=7,
    DEBUG=8,
    CONTEXT_SWITCH_BREAKPOINT_REACHED=9,
    HEALTH_MONITOR_CLOCK_CHANGED_EVENT=10,
    **({} if PROFILE.legacy_interfaces else {"THROTTLING_STATE_CHANGE_EVENT": 14, "NN_CORE_CRC_ERROR_EVENT": 13}),
)
OvercurrentAlertState = enumeration("OvercurrentAlertState", OVERCURRENT_ZONE_GREEN=0, OVERCURRENT_ZONE_RED=1)
TemperatureZone = enumeration(
    "TemperatureZone", TEMPERATURE_ZONE_GREEN=0, TEMPERATURE_ZONE_ORANGE=1, TEMPERATURE_ZONE_RED=2
)
WatchdogMode = enumeration("WatchdogMode", WATCHDOG_MODE_HW_SW=0, WATCHDOG_MODE_HW_ONLY=1)
SensorConfigTypes = enumeration(
    "SensorConfigTypes",
    SENSOR_GENERIC=0,
    ONSEMI_AR0220AT=1,
    SENSOR_RASPICAM=2,
    ONSEMI_AS0149AT=3,
    HAILO8_ISP=0x80000000,
)
ResetDeviceMode = enumeration(
    "ResetDeviceMode",
    CHIP=0,
    NN_CORE=1,
    SOFT=2,
    FORCED_SOFT=3,
    **({} if PROFILE.legacy_interfaces else {"REBOOT": 4}),
)
BootSource = enumeration("BootSource", INVALID=0, PCIE=1, FLASH=2)
SleepState = enumeration("SleepState", SLEEP_STATE_SLEEPING=0, SLEEP_STATE_AWAKE=1)
FwLoggerInterface = flags("FwLoggerInterface", PCIE=1, UART=2)
FwLoggerLevel = enumeration("FwLoggerLevel", TRACE=0, DEBUG=1, INFO=2, WARN=3, ERROR=4, FATAL=5)
