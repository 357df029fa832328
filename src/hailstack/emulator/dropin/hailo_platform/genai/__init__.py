"""Language models and speech, which version 5 has. They import; opening one says that it is not emulated."""

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.genai, __name__)

from hailo_platform import VDevice  # noqa: E402
from hailo_platform.pyhailort.pyhailort import LLM, VLM, Speech2Text, Speech2TextTask  # noqa: E402

__all__ = ["LLM", "VLM", "Speech2Text", "Speech2TextTask", "VDevice"]
