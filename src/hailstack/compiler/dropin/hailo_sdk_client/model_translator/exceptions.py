"""What parsing raises."""

from hailstack.compiler.runner.vendor_errors import (
    MisspellNodeError,
    ModelTranslationError,
    ParsingWithRecommendationException,
    UnsupportedInputShapesError,
    UnsupportedModelError,
)

__all__ = [
    "MisspellNodeError",
    "ModelTranslationError",
    "ParsingWithRecommendationException",
    "UnsupportedInputShapesError",
    "UnsupportedModelError",
]
