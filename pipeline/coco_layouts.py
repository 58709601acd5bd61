"""How COCO files and their pictures lie in a folder: a folder a split, a file a split, or one file.

A split has one annotation file, or shards of it.
"""

from pathlib import Path

from pipeline import shards
from pipeline.folders import SPLIT_OF, Split, files_below, folders_in, is_file, pictures, split_in


def _folder_a_split(root: Path) -> list[Split]:
    """Roboflow's own: ``train/_annotations.coco.json`` with its pictures beside or below it."""
    splits = []
    for folder in folders_in(root):
        name = SPLIT_OF.get(folder.name.lower())
        annotations = _annotations(folder) if name else None
        if name and annotations:
            splits.append(Split(name, annotations, pictures(folder)))
    return splits


def _annotations(folder: Path) -> tuple[Path, ...]:
    """Return a split's COCO files: those of Roboflow's name, else the only one, else a folder's.

    Raises:
        PullError: several are COCO, and it is not clear which are meant; or a shard is missing.
    """
    texts = [path for path in files_below(folder) if path.suffix.lower() == ".json"]
    found = shards.named(folder, texts)
    asked = [one for one in texts if not found or one.parent == folder / shards.FOLDER]
    coco = [one for one in asked if one not in found and shards.is_coco(one)]
    if found and len(coco) > 1:
        raise shards.several(folder, [*found, *coco])
    if split := found or shards.apart(folder, coco, folder / shards.FOLDER):
        return split
    if len(coco) > 1:
        raise shards.several(folder, coco)
    return tuple(coco)


def _file_a_split(root: Path) -> list[Split]:
    """Plain COCO: ``annotations/instances_train2017.json`` or ``train.json``, pictures apart."""
    found: dict[tuple[str, Path], list[Path]] = {}
    for path in (*sorted(root.glob("*.json")), *sorted(root.glob("annotations/*.json"))):
        name = split_in(path.stem)
        if name and shards.of_objects(path) and shards.is_coco(path):
            found.setdefault((name, path.parent), []).append(path)
    for path in sorted(root.glob("annotations/*/*.json")):
        name = SPLIT_OF.get(path.parent.name.lower())
        if name and shards.of_objects(path) and shards.is_coco(path):
            found.setdefault((name, path.parent), []).append(path)
    splits = []
    for (name, folder), paths in found.items():
        together = folder.parent.name.lower() == shards.FOLDER or shards.counted(paths)
        groups = [shards.apart(root, paths, folder)] if together else [(one,) for one in paths]
        below = pictures(_picture_folder(root, name))
        splits += [Split(name, group, below) for group in groups]
    return splits


def _one_file(root: Path) -> list[Split]:
    """COCO for all in one file or shards: a project never split; validate carves the rest."""
    found = shards.named(root, [path for path in root.glob("*.json") if is_file(path)])
    if not found:
        coco = [
            path for place in ("*.json", "annotations/*.json") for path in root.glob(place)
            if shards.of_objects(path) and shards.is_coco(path)
        ]  # fmt: skip
        found = tuple(coco)
        if len(coco) > 1:
            found = shards.apart(root, coco, root / shards.FOLDER) if shards.counted(coco) else ()
    return [Split("train", found, pictures(root))] if found else []


def _picture_folder(root: Path, split: str) -> Path:
    """Return where a split's pictures are when its JSON is not beside them."""
    for parent in (root, root / "images"):
        if parent.is_dir():
            for folder in folders_in(parent):
                if split_in(folder.name) == split:
                    return folder
    return root / "images" if (root / "images").is_dir() else root


READERS = (_folder_a_split, _file_a_split, _one_file)
