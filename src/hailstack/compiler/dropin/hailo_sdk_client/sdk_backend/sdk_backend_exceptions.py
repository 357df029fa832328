"""What optimising and compiling raise."""

from hailstack.compiler.runner.vendor_errors import BackendRuntimeException, BackendScriptParserException

__all__ = ["BackendRuntimeException", "BackendScriptParserException"]
