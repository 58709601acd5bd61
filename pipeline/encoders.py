"""Published networks as the downward half of a U-Net, by way of ``keras.applications``.

Sources: Howard et al., "Searching for MobileNetV3", ICCV 2019, https://arxiv.org/abs/1905.02244
(Large, 2,996,352 parameters); Tan and Le, "EfficientNetV2", ICML 2021,
https://arxiv.org/abs/2104.00298 (B0, 5,919,312 parameters).
"""

from typing import Literal

from pipeline.errors import WeightsError
from pipeline.quiet import quietly

with quietly():
    import keras
    from keras import layers

Kind = Literal["none", "mobilenetv3", "efficientnet"]

PROBE = 64  # pixels, at which layers are told apart by what is left of them
# Of ImageNet's RGB as 0..1, which EfficientNetV2 was taught to expect; MobileNetV3 sees -1..1.
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def downward(image: keras.KerasTensor, kind: Kind) -> list[keras.KerasTensor]:
    """Return what the network makes of a picture at a half, a quarter ... a 32nd of its size.

    Args:
        image: ``(N, H, W, 3)``, pixels as -1..1.
        kind: any but ``none``.

    Returns:
        Five of ``(N, H/2^n, W/2^n, channels)``, the last thing the network computes at each size.
    """
    if kind == "efficientnet":
        scale = [0.5 / spread for spread in SPREAD]
        offset = [(0.5 - mean) / spread for mean, spread in zip(MEAN, SPREAD, strict=True)]
        image = layers.Rescaling(scale, offset, name="pixels")(image)
    places = _places(kind)
    encoder = _network(kind, image)
    last = encoder.layers[-len(places) :]
    return [layer.output for layer, wanted in zip(last, places, strict=True) if wanted]


def fetch(network: keras.Model, kind: Kind) -> None:
    """Give the encoder of a network its weights learned from ImageNet; Keras keeps the download.

    Raises:
        WeightsError: they are not on this machine and cannot be fetched.
    """
    try:
        with quietly():
            known = _network(kind, keras.Input((PROBE, PROBE, 3)), "imagenet")
    except Exception as error:  # Keras has no narrower one for a failed download
        raise WeightsError(
            f"unet.encoder_weights: imagenet for {kind} cannot be fetched "
            f"({str(error).splitlines()[0]}); connect to the internet, or set it to none"
        ) from error
    ours = {one.path: one for one in network.weights}
    for one in known.weights:
        ours[one.path].assign(one)


def _places(kind: Kind) -> list[bool]:
    """Return which layers, from the input's on, are the last of their size."""
    found = _network(kind, keras.Input((PROBE, PROBE, 3))).layers[1:]
    sides = [layer.output.shape[1] if len(layer.output.shape) == 4 else 0 for layer in found]
    last = {side: place for place, side in enumerate(sides)}
    wanted = {last[PROBE // 2**level] for level in range(1, 6)}
    return [place in wanted for place in range(len(found))]


def _network(
    kind: Kind, image: keras.KerasTensor, weights: Literal["imagenet"] | None = None
) -> keras.Model:
    make = {
        "mobilenetv3": keras.applications.MobileNetV3Large,
        "efficientnet": keras.applications.EfficientNetV2B0,
    }[kind]
    return make(include_top=False, weights=weights, input_tensor=image, include_preprocessing=False)
