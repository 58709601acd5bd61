"""[disk] Networks on disk: ours as safetensors with their layout, and published checkpoints."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import safetensors.torch
from torch import Tensor

from pipeline import store
from pipeline.deepfill import families, tensors
from pipeline.deepfill.families import FUSE, Family
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.deepfill.tensors import some
from pipeline.errors import WeightsError

FILE = "generator.safetensors"
# What this package ships; half precision, so that it stays small enough for git.
EMBEDDED = Path(__file__).parents[1] / "weights" / "deepfill.safetensors"


def save(generator: Generator, folder: Path) -> None:
    """Write ``generator.safetensors`` and ``generator.json``; the same weights, the same bytes.

    The layout stands in both, so that the first may go alone.
    """
    path = folder / FILE
    named = {name: tensor.contiguous() for name, tensor in generator.state_dict().items()}
    layout = msgspec.json.encode(generator.layout, order="sorted").decode()
    store.write_bytes(path, safetensors.torch.save(named, {"layout": layout}))
    store.write_json(path.with_suffix(".json"), {"layout": msgspec.to_builtins(generator.layout)})


def located(name: str, trained: Path) -> Path:
    """Return where weights are that a parameter names: ``embedded``, ``trained`` or a path."""
    return {"embedded": EMBEDDED, "trained": trained}.get(name, Path(name).expanduser())


def load(path: Path, *, fuse: bool | None = None) -> Generator:
    """Read a generator, ready to paint; half precision is read as single.

    Args:
        path: a folder that ``save`` wrote, the ``.safetensors`` file in it, or ``EMBEDDED``; or a
            published checkpoint of one of ``families.FAMILIES``, which is told by its names. The
            layout of ours is the file's own metadata ``layout``, or else that of the JSON beside.
        fuse: whether the attention fuses, where that is to differ from the family's way.

    Raises:
        WeightsError: a file is missing, damaged or of no family, or the weights do not fit.
    """
    path = path / FILE if path.is_dir() else path
    if path == EMBEDDED and not path.is_file():
        raise WeightsError(
            f"this installation lacks the embedded weights, {path}; take them from the repository, "
            "or train your own: train_inpaint.from: none, some train_inpaint.steps and "
            "inpaint.weights: trained"
        )
    if not path.is_file():
        raise WeightsError(
            f"{path} does not exist; run dvc repro train_inpaint, or correct inpaint.weights"
        )
    found, words = tensors.read(path)
    made = _ours(found, words, path) if _is_ours(found, words, path) else _of_family(found, path)
    if fuse is not None and made.layout.graph == "branches":
        layout = msgspec.structs.replace(made.layout, fuse=fuse)
        made.stage2.contextual_attention.layout = made.layout = layout
    return made.eval().requires_grad_(requires_grad=False)


def _is_ours(found: Mapping[str, Tensor], words: dict[str, str] | None, path: Path) -> bool:
    """Say whether a file is of ours: safetensors with a layout, or under names of ours."""
    if words is None:
        return False
    described = "layout" in words or path.with_suffix(".json").is_file()
    return described or families.told(found) is families.FAMILIES[0]  # which has our names


def _ours(found: Mapping[str, Tensor], words: dict[str, str], path: Path) -> Generator:
    beside = path.with_suffix(".json")
    if "layout" not in words and not beside.is_file():
        raise WeightsError(f"{beside} does not exist, and {path.name} names no layout itself")
    generator = Generator(_layout(words.get("layout"), beside))
    tensors.fit(generator, found, path)
    return generator


def _of_family(found: Mapping[str, Tensor], path: Path) -> Generator:
    family = families.told(found)
    if family is None:
        raise WeightsError(
            f"{path} is of no family that is known; it holds {some(found) or 'nothing'}; "
            f"known are {', '.join(family.name for family in families.FAMILIES)}"
        )
    _complete(family, found, path)
    width = family.width(found)
    if not 4 <= width <= 192 or width % 4:
        raise WeightsError(f"{path}: {width} features at half resolution; 4 to 192 are possible")
    generator = Generator(family.layout(width))
    try:
        converted = family.converted(found)
    except RuntimeError as error:  # shapes that do not go together
        raise WeightsError(f"{path} does not fit {family.name}: {error}") from error
    buffer = {FUSE: generator.state_dict()[FUSE]} if FUSE in generator.state_dict() else {}
    tensors.fit(generator, converted | buffer, path)
    generator.notice = family.notice
    return generator


def _complete(family: Family, found: Mapping[str, Tensor], path: Path) -> None:
    """Refuse a file that lacks a name of its family's or has one too many."""
    expected = family.names()
    missing = [name for name in expected if name not in found]
    unexpected = sorted(set(found) - set(expected) - {FUSE})
    wrong = [f"lacks {some(missing)}"] * bool(missing)
    wrong += [f"has {some(unexpected)} too many"] * bool(unexpected)
    if wrong:
        raise WeightsError(f"{path} is of {family.name} and {' and '.join(wrong)}")


def _layout(text: str | None, beside: Path) -> Layout:
    """Return the layout that stands in the weights, else the one beside them."""
    try:
        plain = msgspec.json.decode(text) if text else store.read_json(beside)["layout"]
        return msgspec.convert(plain, Layout)
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        raise WeightsError(
            f"{beside} describes no layout ({error}); train or fetch it again"
        ) from error
