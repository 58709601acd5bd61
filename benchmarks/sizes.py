"""An export of two categories made of one: people tall in the picture, who are near, and others.

    python -m benchmarks.sizes EXPORT OUT [--near 0.7]

EXPORT is a folder of splits with ``_annotations.coco.json``, such as data/sample; OUT gets the
changed files and links to the pictures. What several categories cost is measured on it.
"""

import argparse
from pathlib import Path

from pipeline import store
from pipeline.tables import SPLITS

NAMES = ("near person", "far person")  # their ids are 1 and 2
FILE = "_annotations.coco.json"


def parted(content: dict, near: float) -> dict:
    """Return COCO's content with its annotations' categories by the height of their boxes.

    Args:
        content: of one annotation file.
        near: share of the picture's height from which a person is near.
    """
    heights = {image["id"]: image["height"] for image in content["images"]}
    objects = [
        one | {"category_id": 1 if one["bbox"][3] >= near * heights[one["image_id"]] else 2}
        for one in content["annotations"]
    ]
    categories = [
        {"id": number, "name": name, "supercategory": "person"}
        for number, name in enumerate(NAMES, start=1)
    ]
    return content | {"annotations": objects, "categories": categories}


def main() -> None:
    """Write the export."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.sizes")
    asked.add_argument("export", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--near", type=float, default=0.7)
    said = asked.parse_args()
    for split in SPLITS:
        content = store.read_json(said.export / split / FILE)
        store.write_json(said.out / split / FILE, parted(content, said.near))
        for image in content["images"]:
            link = said.out / split / image["file_name"]
            link.unlink(missing_ok=True)
            link.symlink_to((said.export / split / image["file_name"]).resolve())


if __name__ == "__main__":
    main()
