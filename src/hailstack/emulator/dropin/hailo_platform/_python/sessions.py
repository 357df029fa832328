"""Raw connections to the device, of version 5: names to import, and a refusal when opened."""

from __future__ import annotations

from typing import Any

from hailo_platform._native import genai
from hailo_platform._python.errors import ExceptionWrapper
from hailo_platform._python.wrapping import named_errors


class HailoSession:
    """A raw connection to the device."""

    def __init__(self, session: Any) -> None:
        self._session = session

    @staticmethod
    @named_errors
    def connect(port: int, device_id: str = "") -> HailoSession:
        """Refused."""
        return HailoSession(genai.Session.connect(port, device_id))

    @named_errors
    def write(self, input_data: Any) -> Any:
        """Send bytes."""
        return self._session.write(input_data)

    @named_errors
    def read(self) -> Any:
        """Receive bytes."""
        return self._session.read()

    @named_errors
    def close(self) -> Any:
        """End the connection."""
        return self._session.close()

    def __enter__(self) -> HailoSession:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class HailoSessionListener:
    """Waits for raw connections from the device."""

    def __init__(self, port: int, device_id: str = "") -> None:
        self._device_id = device_id
        self._port = port
        with ExceptionWrapper():
            self._listener: Any = genai.SessionListener.create(self._port, self._device_id)

    @named_errors
    def accept(self) -> HailoSession:
        """The next connection."""
        return HailoSession(session=self._listener.accept())
