"""What computes, by its older names."""

from hailstack.compiler.runner.definitions import InferenceContext, ParamsKinds

SdkNative = InferenceContext.SDK_NATIVE
SdkFPOptimized = InferenceContext.SDK_FP_OPTIMIZED
SdkPartialNumeric = InferenceContext.SDK_QUANTIZED

__all__ = ["ParamsKinds", "SdkFPOptimized", "SdkNative", "SdkPartialNumeric"]
