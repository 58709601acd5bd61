"""Pack scenes, photos and holes into files that a machine with a GPU can learn from.

    python -m pretraining.pack SCENES EXPORT OUT [--scenes 6000] [--plates 1800] [--holes 4000]

Only the train split of the export is packed to learn from; its valid and test photos go into
``OUT/held.npz``, to score on. Pictures are WebP inside, so that ``OUT/unet.npz`` and
``OUT/deepfill.npz`` are some fifty megabytes each.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, delayed
from pycocotools import mask as rle

from pipeline import holes, store

SCENE = 192  # side of a scene for the U-Net, pixels
QUALITY = {"scene": 86, "plate": 88, "photo": 90}  # of WebP
HELD = ("valid", "test")
LONGEST = 640  # side of a real photo, pixels
HOLE = 256  # side of a hole's square
SHARE = (0.22, 0.62)  # longer side of a person-shaped hole, of the square's
BRUSH = 0.3  # share of holes that are strokes
TWO = 0.15  # share of person-shaped holes that are two people
SMALLEST = 32  # longer side of an outline worth using, pixels


def webp(image: np.ndarray, kind: str) -> np.ndarray:
    """Encode ``(H, W, 3)`` RGB; returns the bytes as uint8."""
    flags = [cv2.IMWRITE_WEBP_QUALITY, QUALITY[kind]]
    return cv2.imencode(".webp", image[..., ::-1], flags)[1].ravel()


def bits(mask: np.ndarray) -> np.ndarray:
    """Encode a mask as a PNG of one bit a pixel; returns the bytes as uint8."""
    flags = [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9]
    return cv2.imencode(".png", (mask > 0).astype(np.uint8) * 255, flags)[1].ravel()


def scene(folder: Path, number: int) -> dict[str, np.ndarray]:
    """Return a scene's photo and mask, for the U-Net."""
    photo = store.read_image(folder / "photo" / f"{number:06d}.jpg")
    mask = store.read_mask(folder / "mask" / f"{number:06d}.png").astype(np.float32)
    photo, mask = (
        cv2.resize(one, (SCENE, SCENE), interpolation=cv2.INTER_AREA) for one in (photo, mask)
    )
    return {"scene": webp(photo, "scene"), "scene_mask": bits(mask >= 0.5)}


def plate(folder: Path, number: int) -> dict[str, np.ndarray]:
    """Return a scene without its people, for DeepFill."""
    return {"plate": webp(store.read_image(folder / "plate" / f"{number:06d}.jpg"), "plate")}


def people(record: dict, objects: list[dict]) -> np.ndarray:
    """Return the ``(H, W)`` uint8 mask of everyone in a photo of an export."""
    size = record["height"], record["width"]
    mask = np.zeros(size, np.uint8)
    for one in objects:
        shape = one["segmentation"]
        parts = rle.frPyObjects(shape, *size)
        mask |= rle.decode(rle.merge(parts) if isinstance(parts, list) else parts)
    return mask


def photos(export: Path, split: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return photo and mask of each picture of a split, by file name."""
    folder = export / split
    told = json.loads((folder / "_annotations.coco.json").read_bytes())
    objects: dict[int, list[dict]] = {}
    for one in told["annotations"]:
        objects.setdefault(one["image_id"], []).append(one)
    rows = sorted(told["images"], key=lambda row: row["file_name"])
    return [
        (store.read_image(folder / row["file_name"]), people(row, objects.get(row["id"], [])))
        for row in rows
    ]


def cut(shapes: list[np.ndarray], number: int) -> np.ndarray:
    """Return hole ``number``: a brush's strokes, a person or two."""
    rng = np.random.default_rng([5, number])
    if rng.random() < BRUSH:
        return bits(holes.brush(HOLE, rng))
    hole = np.zeros((HOLE, HOLE), bool)
    for _ in range(2 if rng.random() < TWO else 1):
        shape = shapes[rng.integers(len(shapes))]
        hole |= holes.placed(shape, HOLE, SHARE, rng)
    return bits(holes.grown(hole, 0.02, 3))


def columns(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return for each name the files one after the other, and where each ends."""
    packed = {}
    for name in sorted({name for row in rows for name in row}):
        files = [row[name] for row in rows if name in row]
        packed[name] = np.concatenate(files)
        packed[f"{name}_ends"] = np.cumsum([len(one) for one in files])
    return packed


def real(photo: np.ndarray, mask: np.ndarray, name: str = "photo") -> dict[str, np.ndarray]:
    """Return a photo and its people under a name, at most ``LONGEST`` long."""
    scale = min(1, LONGEST / max(mask.shape))
    size = (round(mask.shape[1] * scale), round(mask.shape[0] * scale))
    return {
        name: webp(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), "photo"),
        f"{name}_mask": bits(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)),
    }


def main() -> None:
    """Pack what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="SCENES", type=Path)
    parser.add_argument("export", metavar="EXPORT", type=Path)
    parser.add_argument("out", metavar="OUT", type=Path)
    parser.add_argument("--scenes", type=int, default=6000)
    parser.add_argument("--plates", type=int, default=1800)
    parser.add_argument("--holes", type=int, default=4000)
    args = parser.parse_args()
    run = Parallel(-1, batch_size=50)
    pairs = photos(args.export, "train")
    shown = [real(*pair) for pair in pairs]
    drawn = [
        store.read_mask(args.folder / "mask" / f"{number:06d}.png")
        for number in range(min(400, args.scenes))
    ]
    outlines = [mask for _, mask in pairs] + drawn
    shapes = [shape for mask in outlines for shape in holes.shapes(mask, SMALLEST)]
    scenes = run(delayed(scene)(args.folder, number) for number in range(args.scenes))
    plates = run(delayed(plate)(args.folder, number) for number in range(args.plates))
    cuts = [{"hole": one} for one in run(delayed(cut)(shapes, n) for n in range(args.holes))]
    held = [real(*one, split) for split in HELD for one in photos(args.export, split)]
    packs = {"unet": scenes + shown, "deepfill": plates + shown + cuts, "held": held}
    for name, rows in packs.items():
        packed = columns(rows)
        args.out.mkdir(parents=True, exist_ok=True)
        np.savez(args.out / f"{name}.npz", **packed)


if __name__ == "__main__":
    main()
