"""The holes whose truth is known, and everything that was put into them."""

from glob import escape
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import fidelity, store

OURS = "deepfill"


def holes(images: pd.DataFrame, raw: Path, plates: Path, folders: tuple[Path, Path]) -> list[dict]:
    """List the holes whose truth is known: on a plate, or in the photo itself.

    Args:
        images: columns as ``tables.IMAGES``.
        raw: the photos.
        plates: pictures of the scenes without objects, by the export's own stems; may be missing.
        folders: what ``inpaint`` wrote: of the objects, and of holes transplanted to bare ground.

    Returns:
        For each ``file_name``, ``kind``, and the paths ``photo``, ``truth``, ``hole``, ``filled``
        and, a list, ``baselines``.
    """
    work = []
    for kind, folder in zip(("clean", "transplant"), folders, strict=True):
        for image in images[images["split"] == "test"].itertuples():
            photo = raw / image.path
            # A plate bears the export's own stem, which validate may have made unique.
            plate = plates / f"{Path(image.file_name).stem}.png" if kind == "clean" else photo
            hole = folder / "holes" / f"{image.stem}.png"
            if plate.is_file() and hole.is_file():
                work.append(
                    {"file_name": image.file_name, "kind": kind, "photo": photo, "truth": plate}
                    | {"hole": hole, "filled": folder / "test" / f"{image.stem}.png"}
                    | {"baselines": sorted(folder.glob(f"baselines/*/{escape(image.stem)}.png"))}
                )
    return work


def read(work: dict) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return the truth, the hole and, by method, what was put into it; none of an empty hole."""
    hole, truth = store.read_mask(work["hole"]) > 0, store.read_image(work["truth"])
    if not hole.any():
        return truth, hole, {}
    photo = store.read_image(work["photo"])
    made = {OURS: store.read_image(work["filled"])}
    made |= {path.parent.name: store.read_image(path) for path in work["baselines"]}
    made |= {name: fill(photo, hole) for name, fill in fidelity.BASELINES.items()}
    return truth, hole, made
