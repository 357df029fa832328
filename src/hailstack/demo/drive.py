"""The robot's way through the field, and the cameras it carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hailstack.demo.camera import Camera, Lens, Pose


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a camera sits on the robot. Angles in degrees, relative to the robot."""

    aside_m: float = 0.0
    height_m: float = 1.32
    heading_deg: float = 0.0
    pitch_deg: float = 15.5


@dataclass(frozen=True, slots=True)
class Drive:
    """A robot that follows a row, shaken a little by the ground."""

    speed_m_s: float = 0.75
    start_y_m: float = 1.0
    row_x_m: float = 0.0
    shake: float = 1.0
    phase: float = 0.0
    """Turns the shaking into another one, radians."""

    def pose(self, time_s: float, mount: Mount) -> Pose:
        """Where the camera on ``mount`` is at ``time_s`` since the start."""
        wave = [math.sin(rate * time_s + self.phase * (k + 1)) for k, rate in enumerate((1.3, 5.1, 2.2, 7.3, 3.4))]
        x = self.row_x_m + mount.aside_m + self.shake * 0.02 * wave[0]
        y = self.start_y_m + self.speed_m_s * time_s
        z = mount.height_m + self.shake * (0.004 * wave[1] + 0.006 * wave[2])
        pitch = mount.pitch_deg + self.shake * (0.12 * wave[3] + 0.25 * wave[2])
        heading = mount.heading_deg + self.shake * (0.7 * wave[0] + 0.15 * wave[4])
        return Pose.looking((x, y, z), heading, pitch, self.shake * 0.35 * wave[4])

    def camera(self, time_s: float, lens: Lens, mount: Mount) -> Camera:
        """The camera on ``mount`` at ``time_s``."""
        return Camera(lens, self.pose(time_s, mount))
