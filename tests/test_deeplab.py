"""DeepLabv3-ResNet101 by its public key list; no weights but random ones are at hand here."""

import hashlib

import numpy as np
import pytest
import safetensors.torch
import torch

from pipeline import deeplab
from pipeline.errors import ImageError, WeightsError

BLOCKS = {1: 3, 2: 4, 3: 23, 4: 3}


def _norm(name, width):
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (width,) for kind in kinds} | {f"{name}.num_batches_tracked": ()}


def _public(helper):
    """Names and shapes of the public file, from the layout that torchvision documents."""
    shapes = {"backbone.conv1.weight": (64, 3, 7, 7)} | _norm("backbone.bn1", 64)
    before = 64
    for stage, blocks in BLOCKS.items():
        width = 32 << stage
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            shapes[f"{name}.conv1.weight"] = (width, before, 1, 1)
            shapes[f"{name}.conv2.weight"] = (width, width, 3, 3)
            shapes[f"{name}.conv3.weight"] = (4 * width, width, 1, 1)
            for n, features in ((1, width), (2, width), (3, 4 * width)):
                shapes |= _norm(f"{name}.bn{n}", features)
            if block == 0:
                shapes[f"{name}.downsample.0.weight"] = (4 * width, before, 1, 1)
                shapes |= _norm(f"{name}.downsample.1", 4 * width)
            before = 4 * width
    for place in range(5):
        at, kernel = (1 if place == 4 else 0), (3 if place in (1, 2, 3) else 1)
        name = f"classifier.0.convs.{place}"
        shapes[f"{name}.{at}.weight"] = (256, 2048, kernel, kernel)
        shapes |= _norm(f"{name}.{at + 1}", 256)
    shapes["classifier.0.project.0.weight"] = (256, 1280, 1, 1)
    shapes |= _norm("classifier.0.project.1", 256)
    shapes["classifier.1.weight"] = (256, 256, 3, 3)
    shapes |= _norm("classifier.2", 256)
    shapes |= {"classifier.4.weight": (21, 256, 1, 1), "classifier.4.bias": (21,)}
    return shapes | (_helping() if helper else {})


def _helping():
    name = "aux_classifier"
    return {
        f"{name}.0.weight": (256, 1024, 3, 3),
        f"{name}.4.weight": (21, 256, 1, 1),
        f"{name}.4.bias": (21,),
    } | _norm(f"{name}.1", 256)


def _state(helper):
    made = torch.Generator().manual_seed(0)
    return {
        name: torch.tensor(7)
        if name.endswith("tracked")
        else torch.rand(shape, generator=made) * 0.02 + name.endswith("running_var")
        for name, shape in _public(helper).items()
    }


@pytest.fixture(scope="module")
def network():
    return deeplab.DeepLab().eval()


@pytest.mark.parametrize(("helper", "tensors", "parameters"), [
    (True, 676, 60_996_202),
    (False, 668, 58_630_997),
], ids=["with the helping head", "without"])  # fmt: skip
def test_names_shapes_and_parameters_are_those_of_the_public_file(helper, tensors, parameters):
    with torch.device("meta"):
        network = deeplab.DeepLab(helper=helper)
    state = {name: tuple(value.shape) for name, value in network.state_dict().items()}

    assert state == _public(helper)
    assert len(state) == tensors
    assert sum(weights.numel() for weights in network.parameters()) == parameters


def test_a_file_of_the_public_layout_loads_strictly_and_gives_masks_of_any_size(tmp_path):
    state = _state(helper=True)
    torch.save(state, tmp_path / "weights.pth")
    loaded = deeplab.load(tmp_path / "weights.pth")

    for name, value in loaded.state_dict().items():
        assert torch.equal(value, state[name]), name
    image = np.random.default_rng(0).integers(0, 256, (70, 41, 3), np.uint8)
    found = deeplab.classes(loaded, image, 32)
    assert found.shape == (70, 41)
    assert found.dtype == np.uint8
    assert found.max() < deeplab.CLASSES
    with torch.inference_mode():
        assert loaded(torch.zeros(2, 3, 33, 47)).shape == (2, 21, 33, 47)


def test_a_file_without_the_helping_head_or_as_safetensors_loads_too(tmp_path):
    safetensors.torch.save_file(_state(helper=False), tmp_path / "weights.safetensors")

    loaded = deeplab.load(tmp_path / "weights.safetensors")

    assert not hasattr(loaded, "aux_classifier")
    assert not loaded.training


def test_the_backbone_ends_at_an_eighth_and_its_late_stages_look_further(network):
    with torch.inference_mode():
        assert network.backbone(torch.zeros(1, 3, 64, 72)).shape == (1, 2048, 8, 9)
    middle = {
        (stage, block): getattr(network.backbone, f"layer{stage}")[block].conv2
        for stage, blocks in BLOCKS.items() for block in range(blocks)
    }  # fmt: skip
    for (stage, block), convolution in middle.items():
        first = block == 0
        assert convolution.stride == ((2, 2) if first and stage == 2 else (1, 1))
        # torchvision: the first block of a dilated stage keeps the dilation of the stage before.
        far = {1: 1, 2: 1, 3: 1 if first else 2, 4: 2 if first else 4}[stage]
        assert convolution.dilation == convolution.padding == (far, far)
    rates = [view[0].dilation for view in list(network.classifier[0].convs)[1:4]]
    assert rates == [(12, 12), (24, 24), (36, 36)]


@pytest.mark.parametrize("rate", [12, 24, 36])
def test_a_view_of_the_pyramid_sees_exactly_its_nine_cells(network, rate):
    view = network.classifier[0].convs[deeplab.RATES.index(rate) + 1]
    cells = torch.zeros(1, 2048, 75, 75, requires_grad=True)
    view[0](cells)[0, :, 37, 37].sum().backward()

    seen = cells.grad.abs().sum(dim=(0, 1)).nonzero().tolist()
    assert seen == [[37 + y * rate, 37 + x * rate] for y in (-1, 0, 1) for x in (-1, 0, 1)]


def test_the_pyramids_last_view_sees_the_whole_picture(network):
    cells = torch.zeros(1, 2048, 3, 5, requires_grad=True)
    network.classifier[0].convs[4][1](network.classifier[0].convs[4][0](cells)).sum().backward()

    assert (cells.grad.abs().sum(dim=1) > 0).all()


def test_colours_reach_the_network_as_imagenet_has_them():
    seen = []

    def network(pictures):
        seen.append(pictures.numpy())
        return torch.zeros(1, 21, *pictures.shape[-2:])

    image = np.zeros((40, 80, 3), np.uint8)
    image[...] = (255, 0, 51)
    found = deeplab.classes(network, image, 20)

    assert seen[0].shape == (1, 3, 20, 40)
    expected = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    np.testing.assert_allclose(seen[0][0, :, 5, 5], expected, rtol=1e-5)
    assert not found.any()  # of equal scores the first class, background


def test_another_file_than_was_meant_is_refused(tmp_path):
    content = b"something"
    digits = hashlib.sha256(content).hexdigest()
    right = tmp_path / f"net-{digits[:8]}.pth"
    wrong = tmp_path / "net-0123abcd.pth"
    for path in (right, wrong):
        path.write_bytes(content)

    with pytest.raises(WeightsError, match="does not hold the weights"):
        deeplab.load(right)
    with pytest.raises(WeightsError, match=f"SHA-256 {digits}, not 0123abcd"):
        deeplab.load(wrong)
    with pytest.raises(WeightsError, match="is not a file"):
        deeplab.load(tmp_path / "none.pth")


def test_weights_of_another_network_and_pickled_code_are_refused(tmp_path):
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save(deeplab.load, tmp_path / "code.pth")

    for name in ("other", "list", "code"):
        with pytest.raises(WeightsError, match="does not hold the weights of DeepLabv3"):
            deeplab.load(tmp_path / f"{name}.pth")


def test_a_grey_picture_is_refused(network):
    with pytest.raises(ImageError, match="RGB"):
        deeplab.classes(network, np.zeros((8, 8), np.uint8), 32)
