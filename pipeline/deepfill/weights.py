"""[disk] Networks on disk: weights as safetensors, their layout as JSON beside them."""

from pathlib import Path

import msgspec
import safetensors
import safetensors.torch
from torch import Tensor

from pipeline import store
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.errors import WeightsError

FILE = "generator.safetensors"


def save(generator: Generator, folder: Path) -> None:
    """Write ``generator.safetensors`` and ``generator.json``; the same weights, the same bytes."""
    path = folder / FILE
    tensors = {name: tensor.contiguous() for name, tensor in generator.state_dict().items()}
    store.write_bytes(path, safetensors.torch.save(tensors))
    store.write_json(path.with_suffix(".json"), {"layout": msgspec.to_builtins(generator.layout)})


def load(path: Path) -> Generator:
    """Read a generator that ``save`` wrote, ready to paint.

    Args:
        path: the folder, or the ``.safetensors`` file in it.

    Raises:
        WeightsError: a file is missing or damaged, or the weights do not fit the layout.
    """
    if path.is_dir():
        path = path / FILE
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: expected a .safetensors file or a folder that holds {FILE}")
    for needed in (path, path.with_suffix(".json")):
        if not needed.is_file():
            raise WeightsError(f"{needed} does not exist; run dvc repro train_inpaint")
    generator = Generator(_layout(path.with_suffix(".json")))
    _fit(generator, _tensors(path), path)
    return generator.eval().requires_grad_(requires_grad=False)


def _layout(path: Path) -> Layout:
    try:
        return msgspec.convert(store.read_json(path)["layout"], Layout)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise WeightsError(f"{path} describes no layout ({error}); train again") from error


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is damaged ({error}); train or fetch it again") from error


def _fit(generator: Generator, tensors: dict[str, Tensor], path: Path) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in generator.state_dict().items()}
    came = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(name for name in expected | came if expected.get(name) != came.get(name))
    if wrong:
        first = wrong[0]
        raise WeightsError(
            f"{path} does not fit its layout at {len(wrong)} names: {first} is "
            f"{came.get(first, 'missing')}, expected {expected.get(first, 'no such name')}; "
            "keep the .json that was written with it"
        )
    generator.load_state_dict(tensors)
