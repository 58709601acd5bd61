"""Two predicted masks, of a photo and of its restoration -> what of the objects is still found."""

import numpy as np

from pipeline.errors import MaskError


def remains(before: np.ndarray, after: np.ndarray, hole: np.ndarray) -> dict[str, int]:
    """Count the pixels of removed objects that still look like one.

    Args:
        before: ``(H, W)`` uint8, labels predicted on the photo.
        after: labels predicted on the restored photo.
        hole: ``(H, W)`` bool, what was filled.

    Returns:
        ``before`` and ``after`` as ``outcomes.REMAINS``.

    Raises:
        MaskError: the sizes differ.
    """
    if not before.shape == after.shape == hole.shape:
        raise MaskError(
            f"the photo's mask is {before.shape}, the restoration's {after.shape}, the hole "
            f"{hole.shape}; all three must be of one size"
        )
    removed = hole & (before > 0)
    return {"before": int(removed.sum()), "after": int((removed & (after > 0)).sum())}
