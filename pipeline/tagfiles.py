"""Tags as files that annotation tools take in, so that those who annotate see them.

Sources: https://docs.cvat.ai/docs/other/xml_format (FiftyOne reads it too, as CVATImageDataset),
https://labelstud.io/guide/predictions and https://labelstud.io/tags/choices
"""

import re
from collections.abc import Callable
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import msgspec
import pandas as pd

from pipeline.rules import NAMES

SERVED = "/data/local-files/?d="  # where Label Studio shows files of its document root
CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # not XML's
QUESTION = "problems"


def cvat(images: pd.DataFrame) -> dict[str, bytes]:
    """Return "CVAT for images 1.1": an image-level tag for each problem.

    Args:
        images: ``path``, ``width``, ``height`` and a boolean column a tag.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    ElementTree.SubElement(task, "size").text = str(len(images))
    ElementTree.SubElement(task, "mode").text = "annotation"
    labels = ElementTree.SubElement(task, "labels")
    for tag in _tags(images):
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = tag
        ElementTree.SubElement(label, "type").text = "tag"
    for number, (path, width, height, tags) in enumerate(_rows(images)):
        about = {"id": str(number), "name": CONTROL.sub("\ufffd", path)}
        sizes = {"width": str(width), "height": str(height)}
        image = ElementTree.SubElement(root, "image", about | sizes)
        for tag in tags:
            ElementTree.SubElement(image, "tag", {"label": tag, "source": "auto"})
    ElementTree.indent(root, " ")
    return {"tags.cvat.xml": ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n"}


def labelstudio(images: pd.DataFrame) -> dict[str, bytes]:
    """Return Label Studio's tasks, each with our tags as a prediction, and the interface for them.

    The pictures are those of the export's own folder, served as its local files.
    """
    tasks = [
        {
            "data": {"image": SERVED + quote(path.encode("utf-8", "surrogatepass"))},
            "predictions": [
                {
                    "model_version": "segment-restore audit",
                    "result": [
                        {
                            "from_name": QUESTION,
                            "to_name": "image",
                            "type": "choices",
                            "value": {"choices": tags},
                        }
                    ],
                }
            ],
        }
        for path, _, _, tags in _rows(images)
    ]
    lines = ["<View>", '  <Image name="image" value="$image" zoom="true"/>']
    lines += [f'  <Choices name="{QUESTION}" toName="image" choice="multiple">']
    lines += [f"    <Choice value={quoteattr(tag)}/>" for tag in _tags(images)]
    lines += ["  </Choices>", "</View>", ""]
    text = msgspec.json.format(msgspec.json.encode(tasks), indent=1) + b"\n"
    return {"tags.labelstudio.json": text, "tags.labelstudio.xml": "\n".join(lines).encode()}


FORMATS: dict[str, Callable[[pd.DataFrame], dict[str, bytes]]] = {
    "cvat": cvat,
    "labelstudio": labelstudio,
}


def _tags(images: pd.DataFrame) -> list[str]:
    return [tag for tag in NAMES if tag in images]


def _rows(images: pd.DataFrame) -> list[tuple[str, int, int, list[str]]]:
    """Return path, width, height and tags of each image."""
    tags = _tags(images)
    has = images[tags].to_numpy(bool)
    return [
        (row.path, row.width, row.height, [tag for tag, yes in zip(tags, own, strict=True) if yes])
        for row, own in zip(images.itertuples(), has, strict=True)
    ]
