"""The vendor's Python layer, over the software NPU."""
# ruff: noqa: F401

import hailo_platform.pyhailort._pyhailort as _pyhailort
from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform._python.board import (
    BOARD_INFO_NOT_CONFIGURED_ATTR,
    MEGA_MULTIPLIER,
    SUPPORTED_FW_MAJOR,
    SUPPORTED_FW_MINOR,
    SUPPORTED_FW_REVISION,
    SUPPORTED_PROTOCOL_VERSION,
    BoardInformation,
    CoreInformation,
    DeviceArchitectureTypes,
    ExtendedDeviceInformation,
    HailoFirmwareMode,
    HailoFirmwareType,
    HailoFirmwareVersion,
    SupportedFeatures,
)
from hailo_platform._python.configured_model import AsyncInferCompletionInfo, AsyncInferJob, ConfiguredInferModel
from hailo_platform._python.control import Control
from hailo_platform._python.detections import DetectionWithByteMask
from hailo_platform._python.device import Device
from hailo_platform._python.enums import (
    HailoCpuId,
    HailoFormatFlags,
    HailoPowerMode,
    HailoSchedulingAlgorithm,
    HailoStreamDirection,
    HailoStreamInterface,
)
from hailo_platform._python.errors import (
    ExceptionWrapper,
    HailoCommunicationClosedException,
    HailoRTDriverOperationFailedException,
    HailoRTEthException,
    HailoRTException,
    HailoRTFirmwareControlFailedException,
    HailoRTInvalidArgumentException,
    HailoRTInvalidFrameException,
    HailoRTInvalidHEFException,
    HailoRTInvalidOperationException,
    HailoRTNetworkGroupNotActivatedException,
    HailoRTNotFoundException,
    HailoRTPCIeDriverException,
    HailoRTStreamAborted,
    HailoRTStreamAbortedByUser,
    HailoRTTimeout,
    HailoRTUnsupportedOpcodeException,
    HailoStatusInvalidValueException,
    InvalidProtocolVersionException,
    get_status_message,
)
from hailo_platform._python.health import HealthInformation, TemperatureThrottlingLevel
from hailo_platform._python.hef import HEF, ConfigureParams
from hailo_platform._python.infer_model import InferModel
from hailo_platform._python.infer_vstreams import InferVStreams
from hailo_platform._python.network import (
    ActivatedNetwork,
    ActivatedNetworkContextManager,
    ConfiguredNetwork,
    EmptyContextManager,
)
from hailo_platform._python.pcie import InternalPcieDevice, PcieDeviceInfo
from hailo_platform._python.power import HailoPowerMeasurementUtils
from hailo_platform._python.transforms import BBOX_WITH_MASK_PARAMS, HailoRTTransformUtils
from hailo_platform._python.vdevice import VDevice
from hailo_platform._python.vstream_params import (
    DEFAULT_VSTREAM_QUEUE_SIZE,
    DEFAULT_VSTREAM_TIMEOUT_MS,
    InputVStreamParams,
    OutputVStreamParams,
)
from hailo_platform._python.vstreams import (
    InputVStream,
    InputVStreams,
    OutputLayerUtils,
    OutputVStream,
    OutputVStreams,
)
from hailo_platform.common.logger.logger import default_logger
from hailo_platform.pyhailort._pyhailort import (
    AveragingFactor,
    BootSource,
    DvmTypes,
    Endianness,
    FormatOrder,
    FormatType,
    MeasurementBufferIndex,
    NotificationId,
    OvercurrentAlertState,
    PowerMeasurementData,
    PowerMeasurementTypes,
    SamplingPeriod,
    SensorConfigTypes,
    TemperatureInfo,
    WatchdogMode,
)

if _PROFILE.by_score:
    from hailo_platform._python.detections import Detection
    from hailo_platform._python.errors import HailoRTHEFNotCompatibleWithDevice
else:
    HailoDetection = DetectionWithByteMask
    del DetectionWithByteMask

if _PROFILE.legacy_interfaces:
    from hailo_platform._python.errors import UdpRecvError
    from hailo_platform._python.ethernet import (
        HailoSocket,
        HailoUdpScan,
        InternalEthernetDevice,
        NetworkRateLimiter,
    )
    from hailo_platform._python.pcie import PcieDebugLog
    from hailo_platform.pyhailort._pyhailort import (
        HailoSocketDefs,
        IspLightFrequency,
        MipiClockSelection,
        MipiDataTypeRx,
        MipiInputStreamParams,
        MipiIspImageInOrder,
        MipiIspImageOutDataType,
        MipiPixelsPerClock,
    )

    HAILO_DEFAULT_ETH_CONTROL_PORT = _pyhailort.HailoRTDefaults.HAILO_DEFAULT_ETH_CONTROL_PORT()
else:
    from hailo_platform._python.genai import (
        LLM,
        VLM,
        LLMGeneratorCompletion,
        SegmentInfo,
        Speech2Text,
        Speech2TextTask,
    )
    from hailo_platform._python.sessions import HailoSession, HailoSessionListener

BBOX_PARAMS = _pyhailort.HailoRTDefaults.BBOX_PARAMS()
INPUT_DATAFLOW_BASE_PORT = _pyhailort.HailoRTDefaults.DEVICE_BASE_INPUT_STREAM_PORT()
OUTPUT_DATAFLOW_BASE_PORT = _pyhailort.HailoRTDefaults.DEVICE_BASE_OUTPUT_STREAM_PORT()
PCIE_ANY_DOMAIN = _pyhailort.HailoRTDefaults.PCIE_ANY_DOMAIN()
HAILO_UNIQUE_VDEVICE_GROUP_ID = _pyhailort.HailoRTDefaults.HAILO_UNIQUE_VDEVICE_GROUP_ID()

_adopt(globals())
