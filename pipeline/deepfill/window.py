"""Compute only what can reach the hole: windows of maps, and layers that run within them.

A layer's result in a window depends on its input in the window grown by the layer's reach. It runs
on that part with its own padding: at the map's edge the padding is the one that it would have had,
elsewhere what the padding spoils is a rim as wide as the reach, which is cut off.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Layer = tuple[Callable[[Tensor], Tensor], int]  # keeps the size; its reach, cells


class Window(NamedTuple):
    """A part of a map: its rows ``top`` to ``bottom``, columns ``left`` to ``right``, exclusive.

    ``height`` and ``width`` are the whole map's.
    """

    top: int
    bottom: int
    left: int
    right: int
    height: int
    width: int

    @classmethod
    def around(cls, hole: Tensor, side: int) -> "Window | None":
        """Return the cells, ``side`` pixels each, that hold any of the holes; None if none does.

        Args:
            hole: ``(N, 1, H, W)``, both sides multiples of ``side``.
            side: of a cell.
        """
        cells = F.max_pool2d(hole.amax(0), side)[0]
        rows, columns = (cells.amax(axis).nonzero()[:, 0] for axis in (1, 0))
        if not len(rows):
            return None
        ends = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
        return cls(*map(int, ends), *cells.shape)

    @classmethod
    def whole(cls, maps: Tensor) -> "Window":
        """Return all of ``(..., H, W)``."""
        height, width = maps.shape[-2:]
        return cls(0, height, 0, width, height, width)

    def grown(self, cells: int) -> "Window":
        """Return the window and so many cells around it, as far as the map goes."""
        return self._replace(
            top=max(0, self.top - cells),
            bottom=min(self.height, self.bottom + cells),
            left=max(0, self.left - cells),
            right=min(self.width, self.right + cells),
        )

    def cut(self, maps: Tensor, have: "Window") -> Tensor:
        """Return this window of maps of which ``maps`` is the window ``have``; both in cells.

        ``maps`` may have several pixels a cell.
        """
        step = maps.shape[-2] // (have.bottom - have.top)
        rows = slice(step * (self.top - have.top), step * (self.bottom - have.top))
        return maps[..., rows, step * (self.left - have.left) : step * (self.right - have.left)]

    def placed(self, part: Tensor) -> Tensor:
        """Return whole maps, zero but for this window of them, which is ``part``."""
        step = part.shape[-2] // (self.bottom - self.top)
        beside = (self.left, self.width - self.right, self.top, self.height - self.bottom)
        return F.pad(part, [step * cells for cells in beside])


def through(layers: Sequence[Layer], maps: Tensor, have: Window, want: Window) -> Tensor:
    """Return what layers after each other give in the window ``want``.

    Args:
        layers: with their reaches.
        maps: ``(N, C, h, w)``, the input in ``have``.
        have: holds ``want`` grown by all reaches.
        want: in the same cells.
    """
    for number, (layer, _) in enumerate(layers):
        out = want.grown(sum(reach for _, reach in layers[number + 1 :]))
        need = out.grown(layers[number][1])
        maps, have = out.cut(layer(need.cut(maps, have)), need), out
    return torch.as_tensor(maps)
