"""[disk] Networks on disk: weights as safetensors, their layout within or as JSON beside."""

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
# What this package ships; half precision, so that it stays small enough for git.
EMBEDDED = Path(__file__).parents[1] / "weights" / "deepfill.safetensors"


def located(name: str, trained: Path) -> Path:
    """Return where weights are that a parameter names: ``embedded``, ``trained`` or a path."""
    return {"embedded": EMBEDDED, "trained": trained}.get(name, Path(name))


def save(generator: Generator, folder: Path) -> None:
    """Write ``generator.safetensors`` and ``generator.json``; the same weights, the same bytes."""
    path = folder / FILE
    tensors = {name: tensor.contiguous() for name, tensor in generator.state_dict().items()}
    store.write_bytes(path, safetensors.torch.save(tensors))
    store.write_json(path.with_suffix(".json"), {"layout": msgspec.to_builtins(generator.layout)})


def load(path: Path) -> Generator:
    """Read a generator, ready to paint; half precision is read as single.

    Args:
        path: a folder that ``save`` wrote, the ``.safetensors`` file in it, or ``EMBEDDED``. The
            layout is the file's own metadata ``layout``, or else that of the JSON beside it.

    Raises:
        WeightsError: a file is missing or damaged, or the weights do not fit the layout.
    """
    if path.is_dir():
        path = path / FILE
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: expected a .safetensors file or a folder that holds {FILE}")
    if path == EMBEDDED and not path.is_file():
        raise WeightsError(
            f"this installation lacks the embedded weights, {path}; take them from the repository, "
            "or train your own: train_inpaint.from: none, some train_inpaint.steps and "
            "inpaint.weights: trained"
        )
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; run dvc repro train_inpaint")
    generator = Generator(_layout(path))
    _fit(generator, _tensors(path), path)
    return generator.eval().requires_grad_(requires_grad=False)


def _layout(path: Path) -> Layout:
    beside = path.with_suffix(".json")
    try:
        if said := _metadata(path).get("layout"):
            return msgspec.json.decode(said, type=Layout)
        if not beside.is_file():
            raise WeightsError(f"{beside} does not exist, and {path.name} names no layout itself")
        return msgspec.convert(store.read_json(beside)["layout"], Layout)
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        raise WeightsError(
            f"{path} describes no layout ({error}); train or fetch it again"
        ) from error


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safetensors.safe_open(path, "pt") as file:
            return file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is damaged ({error}); train or fetch it again") from error


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors = safetensors.torch.load(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is damaged ({error}); train or fetch it again") from error
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


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
