"""The vendor's compiled module, over the software NPU."""
# ruff: noqa: F401

from hailo_platform._native.defaults import HailoRTDefaults, TransformParams
from hailo_platform._native.detections import (
    Detection,
    DetectionWithByteMask,
    HailoRectangle,
    convert_nms_by_score_buffer_to_detections,
    convert_nms_with_byte_mask_buffer_to_detections,
)
from hailo_platform._native.device import Device
from hailo_platform._native.device_enums import (
    AveragingFactor,
    BootSource,
    DvmTypes,
    FwLoggerInterface,
    FwLoggerLevel,
    MeasurementBufferIndex,
    NotificationId,
    OvercurrentAlertState,
    PowerMeasurementTypes,
    ResetDeviceMode,
    SamplingPeriod,
    SensorConfigTypes,
    SleepState,
    TemperatureZone,
    WatchdogMode,
)
from hailo_platform._native.enums import (
    CpuId,
    DeviceArchitecture,
    Endianness,
    FormatFlags,
    FormatOrder,
    FormatType,
    LatencyMeasurementFlags,
    PipelineElemStatsFlags,
    PowerMode,
    SchedulingAlgorithm,
    StreamDirection,
    StreamInterface,
    TransformMode,
    VStreamStatsFlags,
)
from hailo_platform._native.errors import (
    HailoRTCustomException,
    HailoRTException,
    HailoRTStatusException,
    get_status_message,
)
from hailo_platform._native.hef import Hef
from hailo_platform._native.identity import (
    BoardInformation,
    CoreInformation,
    ExtendedDeviceInformation,
    FirmwareVersion,
    PowerMeasurementData,
    SupportedFeatures,
    TemperatureInfo,
)
from hailo_platform._native.infer_model import (
    AsyncInferJob,
    ConfiguredInferModel,
    ConfiguredInferModelBindings,
    ConfiguredInferModelInferStream,
    InferModel,
    InferModelInferStream,
)
from hailo_platform._native.infer_vstreams import InferVStreams
from hailo_platform._native.infos import NetworkGroupInfo, StreamInfo, VStreamInfo
from hailo_platform._native.network import ActivatedApp, ActivatedNetworkGroup, ConfiguredNetworkGroup
from hailo_platform._native.params import (
    ActivateNetworkGroupParams,
    ConfigureParams,
    IntegratedInputStreamParams,
    IntegratedOutputStreamParams,
    NetworkParameters,
    PcieInputStreamParams,
    PcieOutputStreamParams,
    StreamParameters,
    VDeviceParams,
    VStreamParams,
)
from hailo_platform._native.quantization import (
    dequantize_output_buffer,
    dequantize_output_buffer_in_place,
    get_dtype,
    get_format_data_bytes,
    is_qp_valid,
    quantize_input_buffer,
)
from hailo_platform._native.records import HailoFormat, ImageShape, NmsInfo, NmsShape, QuantInfo
from hailo_platform._native.vdevice import VDevice
from hailo_platform._native.vstreams import InputVStream, InputVStreams, OutputVStream, OutputVStreams
from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt

if _PROFILE.legacy_interfaces:
    from hailo_platform._native.legacy import (
        HailoSocketDefs,
        I2CSlaveConfig,
        NetworkRateLimiter,
        PcieDeviceInfo,
        PcieScan,
        UdpScan,
    )
    from hailo_platform._native.mipi import (
        IspLightFrequency,
        MipiClockSelection,
        MipiCommonParams,
        MipiDataTypeRx,
        MipiInputStreamParams,
        MipiIspImageInOrder,
        MipiIspImageOutDataType,
        MipiIspParams,
        MipiPixelsPerClock,
    )
else:
    from hailo_platform._native.genai import (
        LLMGeneratorCompletionStatus,
        LLMWrapper,
        Session,
        SessionListener,
        Speech2Text,
        Speech2TextTask,
        VLMWrapper,
    )
    from hailo_platform._native.legacy import I2CSlaveConfig, PcieDeviceInfo, PcieScan

if not _PROFILE.by_score:
    HailoDetectionWithByteMask = DetectionWithByteMask
    del Detection, DetectionWithByteMask, convert_nms_by_score_buffer_to_detections

__version__ = _PROFILE.version
_adopt(globals())
