"""Contextual attention: each patch near the hole becomes a mixture of known patches like it.

The published form builds several maps of every patch against every patch, adds neighbours by a
convolution with the identity and pastes by a transposed convolution. The same function is computed
here from matrix products and sums of slices, for the patches that can reach the hole only, and with
each sample's own mask (the published code takes the first sample's mask for the whole batch).

Source: Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018,
https://arxiv.org/abs/1801.07892.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # its usual name

from pipeline.deepfill.layers import unshortened
from pipeline.deepfill.layout import STRIDE, Layout

REACH = 4  # cells of 8 pixels: as far as what follows the attention carries its result
CHUNK = 1024  # patches handled at a time, which bounds the memory


class ContextualAttention(nn.Module):
    """Attention of a feature map to its own known part."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        # Published files hold the kernel whose convolution ``_scores`` computes by slices.
        self.register_buffer("fuse_weight", torch.eye(3).view(1, 1, 3, 3))

    def forward(self, features: Tensor, hole: Tensor, *, near_only: bool) -> Tensor:
        """Return features of the same shape, each patch rebuilt from known patches.

        Args:
            features: ``(N, C, H/4, W/4)``, both sides even.
            hole: ``(N, 1, H, W)``, 1 in the hole, 0 elsewhere.
            near_only: leave patches farther than ``REACH`` cells from the hole at zero; what the
                network paints into the hole is the same.
        """
        features = unshortened(features)
        pairs = zip(features, hole.to(features.dtype), strict=True)
        # Scores are sharpened ten times and more, so shorter numbers would choose other patches.
        with torch.autocast(features.device.type, enabled=False):
            return torch.stack([self._one(feature, mask, near_only) for feature, mask in pairs])

    def _one(self, feature: Tensor, hole: Tensor, near_only: bool) -> Tensor:
        channels, height, width = feature.shape
        size = height // 2, width // 2
        small = self._sampled(feature, size)  # (C, h, w)
        unknown = self._sampled(hole, size)  # (1, h, w)
        known = F.max_pool2d(unknown[None], 3, 1, 1).flatten() == 0  # (L,)
        patches = F.unfold(small[None], 3, padding=1)[0].T  # (L, 9C)
        values = F.unfold(feature[None], 4, padding=1, stride=2)[0].T[known]  # (K, 16C)
        keys = patches / self._length(patches)
        wanted = _near(hole) if near_only else torch.arange(len(known), device=feature.device)
        pasted = feature.new_zeros(len(known), 16 * channels)
        for part in wanted.split(CHUNK) if len(wanted) else ():  # a sample may have no hole
            logits = self.layout.sharpness * self._scores(patches, keys, part, size) * known
            mixed = torch.softmax(logits, dim=1)[:, known] @ values  # (n, 16C)
            pasted = pasted.index_copy(0, part, mixed)
        folded = F.fold(pasted.T[None], (height, width), 4, padding=1, stride=2)
        return folded[0] / 4  # four patches overlap at every cell

    def _sampled(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        if not self.layout.corners:
            step = maps.shape[1] // size[0]
            return maps[:, ::step, ::step]
        ends = zip(maps.shape[1:], size, strict=True)
        rows, columns = (
            (torch.linspace(0, full - 1, few, dtype=torch.float64) + 0.5).long()
            for full, few in ends
        )
        return maps[:, rows.to(maps.device)][:, :, columns.to(maps.device)]

    def _length(self, patches: Tensor) -> Tensor:
        squared = patches.square().sum(1, keepdim=True) + self.layout.added
        return squared.clamp(min=self.layout.floor**2).sqrt()  # clamped first: no slope at zero

    def _scores(
        self, patches: Tensor, keys: Tensor, wanted: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """Return ``(n, L)``: likeness of the wanted patches to every key.

        With ``fuse``, patch i and key j also count the likeness of i+1 and j+1 and of i-1 and
        j-1, first in the order of rows, then in the order of columns, ends wrapping to the next
        line as published.
        """
        if not self.layout.fuse:
            return patches[wanted] @ keys.T
        before, after = _column_neighbours(wanted, size)
        rows = _union([wanted, before, after], len(keys))
        needed = _union([rows, rows - 1, rows + 1], len(keys))
        raw = _Rows(patches[needed] @ keys.T, needed)
        fused = raw.at(rows)
        fused[:, :-1] += raw.at(rows + 1)[:, 1:]
        fused[:, 1:] += raw.at(rows - 1)[:, :-1]
        by_row = _Rows(fused, rows)
        here, ahead, behind = (by_row.at(i).view(-1, *size) for i in (wanted, after, before))
        here[:, :-1] += ahead[:, 1:]
        here[:, -1, :-1] += ahead[:, 0, 1:]
        here[:, 1:] += behind[:, :-1]
        here[:, 0, 1:] += behind[:, -1, :-1]
        return here.view(len(wanted), -1)


class _Rows:
    """Some rows of an ``(L, L)`` map, found by their number; rows outside the map are zero."""

    def __init__(self, rows: Tensor, numbers: Tensor) -> None:
        self.rows, self.numbers = rows, numbers

    def at(self, numbers: Tensor) -> Tensor:
        """Return a copy of the rows of these numbers, each of them held or outside the map."""
        inside = (numbers >= 0) & (numbers < self.rows.shape[1])
        found = torch.searchsorted(self.numbers, torch.where(inside, numbers, self.numbers[0]))
        rows = self.rows[found]
        return rows if bool(inside.all()) else rows * inside[:, None]


def _near(hole: Tensor) -> Tensor:
    cells = F.max_pool2d(hole[None], STRIDE)
    return F.max_pool2d(cells, 2 * REACH + 1, 1, REACH).flatten().nonzero()[:, 0]


def _column_neighbours(numbers: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the cells above and below, in row order; past an end, in the next column; -1 if none.

    Args:
        numbers: cells of an ``(h, w)`` grid, counted along rows.
        size: h and w.
    """
    height, width = size
    order = numbers % width * height + numbers // width  # counted along columns
    above, below = (
        torch.where(
            (near >= 0) & (near < height * width), near % height * width + near // height, -1
        )
        for near in (order - 1, order + 1)
    )
    return above, below


def _union(numbers: list[Tensor], below: int) -> Tensor:
    together = torch.cat(numbers).unique()
    return together[(together >= 0) & (together < below)]
