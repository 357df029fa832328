"""Old home of the package, which versions before 5 kept as aliases."""

import warnings

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.legacy_interfaces, __name__)

warnings.warn(
    "Importing from 'hailo_platform.drivers' is deprecated, One should import from 'hailo_platform' module directly.",
    DeprecationWarning,
    stacklevel=2,
)
