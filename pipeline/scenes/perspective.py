"""A street seen by a camera: from metres to units."""

from dataclasses import dataclass

import numpy as np

from pipeline.scenes.canvas import NX, Canvas, Point, Surface

SIDE = 880  # units, side of every place's canvas
FOCAL = 800.0  # units; a wide, phone-like view of 58 degrees across 880 units


@dataclass(frozen=True)
class View:
    """A camera that looks straight ahead.

    Attributes:
        middle: column of the vanishing point, units.
        horizon: its row, units.
        eye: height of the camera over the ground, metres.
    """

    middle: float
    horizon: float
    eye: float = 1.6

    def at(self, x: float, height: float, away: float) -> Point:
        """Return where a point is seen: metres to the right, over the ground, and away."""
        scale = FOCAL / away
        return (self.middle + x * scale, self.horizon + (self.eye - height) * scale)

    def wall(self, canvas: Canvas, panel: Canvas, x: float, away: Point, height: Point) -> None:
        """Put a panel up along the street at ``x``, from ``away[0]`` (near) to ``away[1]`` metres.

        ``height`` is the panel's lower and upper edge, metres. The panel is darkened to the side
        it faces and takes the depth of its middle.
        """
        near, far = away
        low, high = height
        left, right = (near, far) if x < 0 else (far, near)
        corners = [
            self.at(x, high, left),
            self.at(x, high, right),
            self.at(x, low, right),
            self.at(x, low, left),
        ]
        canvas.put(turned(panel, 0.85 if x < 0 else -0.85), corners, depth_of((near + far) / 2))

    def front(
        self, canvas: Canvas, panel: Canvas, box: tuple[float, float, float], away: float
    ) -> None:
        """Put a panel up facing the camera; ``box`` is its left edge, foot and width in metres."""
        x, low, width = box
        high = low + width * panel.height / panel.width
        corners = [
            self.at(x, high, away),
            self.at(x + width, high, away),
            self.at(x + width, low, away),
            self.at(x, low, away),
        ]
        canvas.put(panel, corners, depth_of(away))


class Plot:
    """A piece of canvas measured from the foot of what stands there: ``unit`` right and up."""

    def __init__(self, canvas: Canvas, foot: Point, unit: float) -> None:
        self.canvas, self.foot, self.unit = canvas, foot, unit

    def at(self, x: float, y: float) -> Point:
        """Return where a point right of and above the foot lies on the canvas."""
        return self.foot[0] + x * self.unit, self.foot[1] - y * self.unit

    def rect(self, left: float, top: float, size: Point, surface: Surface) -> None:
        """Paint an upright rectangle from its top left corner."""
        width, height = size
        self.canvas.rect(*self.at(left, top), (width * self.unit, height * self.unit), surface)

    def poly(self, points: list[Point], surface: Surface) -> None:
        """Paint a polygon."""
        self.canvas.poly([self.at(*point) for point in points], surface)

    def ellipse(self, centre: Point, radii: Point, surface: Surface) -> None:
        """Paint an upright ellipse."""
        size = (radii[0] * self.unit, radii[1] * self.unit)
        self.canvas.ellipse(self.at(*centre), size, surface)


def turned(panel: Canvas, nx: float) -> Canvas:
    """Return the panel with its surfaces facing sideways."""
    other = Canvas(2, 2, 1)
    other.scale, other.width, other.height = panel.scale, panel.width, panel.height
    other.data = panel.data.copy()
    other.data[NX] = nx
    return other


def depth_of(away: float) -> float:
    """Return the depth of something ``away`` metres: 0 near, 0.5 at 100 m, 1 at infinity."""
    return float(1 - 1 / (1 + np.maximum(away, 0) / 100))
