"""[disk] What a network knows before it is trained: weights of a file, given by name.

The embedded weights were learned from generated scenes and from photos of people; ``weights`` says
from which. A file holds float16 or float32 tensors named ``<layer>/<variable>``, such as
``down0a/kernel``, shaped as Keras has them.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

from pipeline import encoders, unet
from pipeline.errors import WeightsError
from pipeline.quiet import quietly
from pipeline.unet import UnetParams

with quietly():
    import keras

EMBEDDED = Path(__file__).with_name("weights") / "unet.safetensors"
HEADS = {"half", "logits"}  # the layer that knows how many categories there are


class Start(NamedTuple):
    """What a network begins with.

    Attributes:
        words: what that is.
        fresh: its last layer knows nothing yet; perhaps no layer does.
    """

    words: str
    fresh: bool


def begin(network: keras.Model, params: UnetParams) -> Start:
    """Give an untrained network its first weights, by ``unet.init``.

    Args:
        network: of ``unet.build`` with the same parameters.
        params: ``init`` is ``none``, ``embedded`` or ``file``: then ``init_file`` is the path of a
            ``.safetensors`` file or of a folder that training wrote. There are embedded weights
            for the default network alone: another begins with nothing, as with ``none``, but for
            what ``encoder_weights`` asks.

    Raises:
        WeightsError: the file is missing or damaged, is of a network of other shapes, or cannot be
            fetched.
    """
    if params.init == "none" or (params.init == "embedded" and not embeds(params)):
        if params.encoder != "none" and params.encoder_weights == "imagenet":
            encoders.fetch(network, params.encoder)
            return Start("ImageNet's weights of the encoder", fresh=True)
        return Start("nothing", fresh=True)
    path = EMBEDDED if params.init == "embedded" else Path(params.init_file)
    head = fit(network, read(path), str(path))
    whose = "embedded weights" if params.init == "embedded" else f"the weights of {path}"
    return Start(f"{whose}{'' if head else ' without their last layer'}", fresh=not head)


def embeds(params: UnetParams) -> bool:
    """Say whether weights for this network come with the package."""
    return params.preset == "default" and params.encoder == "none"


def read(path: Path) -> dict[str, np.ndarray]:
    """Read a ``.safetensors`` file, or a folder that training wrote, as float32 by name.

    Raises:
        WeightsError: it is missing, damaged or of another kind.
    """
    if path.is_dir():
        network, _ = unet.load(path)
        return {one.path: one.numpy() for one in network.weights}
    if path.suffix != ".safetensors" or not path.is_file():
        raise WeightsError(
            f"unet.init_file: {path} is no .safetensors file and no folder of a trained network; "
            "give one, or set unet.init to embedded or none"
        )
    try:
        tensors = safetensors.numpy.load(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is damaged ({error}); fetch or train it again") from error
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def fit(network: keras.Model, tensors: dict[str, np.ndarray], where: str) -> bool:
    """Give the network's variables the tensors of their names.

    Args:
        network: anything of ``unet.build``.
        tensors: by name, one for each variable. The last layer's are only taken if they are for as
            many categories as the network has; its own stay otherwise.
        where: begins the message of a refusal.

    Returns:
        Whether the last layer's were taken.

    Raises:
        WeightsError: a name is missing or unknown, a shape differs, or a number is not finite.
    """
    variables = {one.path: one for one in network.weights}
    expected = {name: tuple(one.shape) for name, one in variables.items()}
    came = {name: tensor.shape for name, tensor in tensors.items()}
    odd = {name for name in expected | came if expected.get(name) != came.get(name)}
    other = {name for name in odd if name.split("/")[0] in HEADS}
    if wrong := sorted(odd - other):
        first = wrong[0]
        raise WeightsError(
            f"{where} is of another network, {len(wrong)} names differ: {first} is "
            f"{came.get(first, 'missing')}, expected {expected.get(first, 'no such name')}; "
            "give weights of this preset, or unet.init: none"
        )
    if bad := sorted(name for name, tensor in tensors.items() if not np.isfinite(tensor).all()):
        raise WeightsError(f"{where}: {bad[0]} holds what is no number; fetch or train it again")
    for name, variable in variables.items():
        if not other or name.split("/")[0] not in HEADS:
            variable.assign(tensors[name])
    return not other
