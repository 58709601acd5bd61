import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch.nn import functional as F

from pipeline.deepfill import weights
from pipeline.deepfill.attention import ContextualAttention
from pipeline.deepfill.discriminator import Discriminator
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layers import halving
from pipeline.deepfill.layout import Layout
from pipeline.deepfill.losses import critic_loss, deceit_loss, painting_loss
from pipeline.deepfill.smooth import spread
from pipeline.deepfill.window import Window
from pipeline.errors import WeightsError


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run beside each other


def hole_of(height, width, *boxes):
    hole = torch.zeros(1, 1, height, width)
    for top, left, bottom, right in boxes:
        hole[:, :, top:bottom, left:right] = 1
    return hole


def slow_attention(feature, hole, layout):
    """Follow the published definition cell by cell, in plain loops over one sample."""
    _, height, width = feature.shape
    h, w = height // 2, width // 2
    every = hole.shape[1] // h
    small, unknown = feature[:, ::2, ::2].double(), hole[0, ::every, ::every]
    cells = [(y, x) for y in range(h) for x in range(w)]
    padded, edge = F.pad(small, (1, 1, 1, 1)), F.pad(unknown, (1, 1, 1, 1))
    patch = {c: padded[:, c[0] : c[0] + 3, c[1] : c[1] + 3].flatten() for c in cells}
    known = {c: not edge[c[0] : c[0] + 3, c[1] : c[1] + 3].any() for c in cells}

    def length(p):
        return max(float((p.square().sum() + layout.added).sqrt()), layout.floor)

    score = {(j, i): float(patch[j] @ patch[i]) / length(patch[j]) for j in cells for i in cells}
    for order in (cells, [(y, x) for x in range(w) for y in range(h)]) if layout.fuse else ():
        at = {cell: number for number, cell in enumerate(order)}

        def moved(cell, by, order=order, at=at):
            there = at[cell] + by
            return order[there] if 0 <= there < len(order) else None

        score = {
            (j, i): sum(
                score[moved(j, by), moved(i, by)]
                for by in (-1, 0, 1)
                if moved(j, by) is not None and moved(i, by) is not None
            )
            for j, i in score
        }
    values = F.pad(feature.double(), (1, 1, 1, 1))
    pasted = torch.zeros_like(values)
    for i in cells:
        raised = {j: np.exp(10 * score[j, i] * known[j]) for j in cells}
        total = sum(raised.values())
        for j in cells:
            if known[j]:
                piece = values[:, 2 * j[0] : 2 * j[0] + 4, 2 * j[1] : 2 * j[1] + 4]
                window = pasted[:, 2 * i[0] : 2 * i[0] + 4, 2 * i[1] : 2 * i[1] + 4]
                window += raised[j] / total * piece
    return (pasted[:, 1:-1, 1:-1] / 4).float()


@pytest.mark.parametrize(
    "layout",
    [
        Layout(width=4),
        Layout(width=4, fuse=False),
        Layout(width=4, floor=0.0, added=0.1728),
    ],
    ids=["fused", "not fused", "length with an addend"],
)
def test_attention_equals_its_definition_on_each_sample_with_its_own_hole(layout):
    features = 0.5 * torch.randn(2, 3, 12, 8)
    hole = torch.cat([hole_of(48, 32, (8, 8, 24, 24)), hole_of(48, 32, (30, 0, 41, 9))])

    fast = ContextualAttention(layout)(features, hole, near_only=False)

    slow = [slow_attention(f, m, layout) for f, m in zip(features, hole, strict=True)]
    torch.testing.assert_close(fast, torch.stack(slow), atol=2e-6, rtol=1e-5)


def test_attention_of_a_hole_with_no_known_patch_is_zero():
    attention = ContextualAttention(Layout(width=4))

    result = attention(torch.randn(1, 2, 8, 8), torch.ones(1, 1, 32, 32), near_only=False)

    assert not result.any()


def test_attention_has_a_slope_where_a_patch_is_zero():
    features = torch.zeros(1, 2, 8, 8, requires_grad=True)

    ContextualAttention(Layout(width=4))(
        features, hole_of(32, 32, (0, 0, 9, 9)), near_only=False
    ).sum().backward()

    assert torch.isfinite(features.grad).all()


def test_the_published_width_has_the_published_names_shapes_and_size():
    path = Path(__file__).parent / "keys" / "nipponjo_pt.json"
    network = Generator(Layout(width=48))

    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}

    assert shapes == json.loads(path.read_text())
    assert sum(p.numel() for p in network.parameters()) == 4_052_478


@pytest.mark.parametrize(
    "layout",
    [
        Layout(width=8, fill="smooth"),
        Layout(width=8),
        Layout(width=8, inputs=(4, 4), gated_rgb=True, low=0.0, fill="white", added=0.17),
        Layout(width=8, padding="same", corners=True, fuse=False),
    ],
    ids=["ours", "published", "range from zero", "padded at the end"],
)
def test_a_batch_of_different_holes_equals_one_by_one(layout):
    network = Generator(layout).eval()
    images = torch.rand(3, 3, 64, 48) * 2 - 1
    cut = torch.cat(
        [
            hole_of(64, 48, (10, 10, 40, 30)),
            hole_of(64, 48, (0, 0, 9, 9), (50, 40, 64, 48)),
            hole_of(64, 48),
        ]
    )

    with torch.no_grad():
        together = network(images, cut)
        alone = [network(images[i : i + 1], cut[i : i + 1]) for i in range(3)]

    for stage in (0, 1):
        each = torch.cat([pair[stage] for pair in alone])
        torch.testing.assert_close(together[stage], each, atol=1e-5, rtol=0)


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "not fused"])
@pytest.mark.parametrize(
    "boxes",
    [[(70, 60, 100, 90)], [(0, 0, 20, 20)], [(33, 35, 36, 39), (100, 130, 128, 160)]],
    ids=["middle", "corner", "speck and edge"],
)
def test_attending_near_the_hole_only_paints_the_same_in_the_hole(fuse, boxes):
    network = Generator(Layout(width=8, fuse=fuse)).eval()
    image, cut = torch.rand(1, 3, 128, 160) * 2 - 1, hole_of(128, 160, *boxes)

    with torch.no_grad():
        everywhere = network(image, cut)[1]
        near = network(image, cut, near_only=True)[1]

    inside = cut.expand_as(image) > 0
    torch.testing.assert_close(near[inside], everywhere[inside], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "layout",
    [
        Layout(width=4, fill="smooth"),
        Layout(width=4, inputs=(4, 4), gated_rgb=True, low=0.0, fill="white", added=0.17),
        Layout(width=4, padding="same", corners=True),
    ],
    ids=["ours", "white", "padded at the end"],
)
@pytest.mark.parametrize(
    "boxes", [[(176, 182, 190, 197)], [(0, 356, 30, 376)]], ids=["middle", "corner"]
)
def test_a_small_hole_in_a_large_picture_is_painted_the_same_near_and_everywhere(layout, boxes):
    """Larger than all that a pixel depends on, so that every layer runs in a window."""
    network = Generator(layout).eval().double()
    image, cut = torch.rand(1, 3, 368, 376).double() * 2 - 1, hole_of(368, 376, *boxes).double()

    with torch.no_grad():
        everywhere, near = (network(image, cut, near_only=near) for near in (False, True))

    inside = cut.expand_as(image) > 0
    for first, second in zip(everywhere, near, strict=True):
        torch.testing.assert_close(second[inside], first[inside], atol=1e-9, rtol=0)


def test_a_window_grows_as_far_as_its_map_goes():
    near = Window.around(hole_of(16, 24, (5, 9, 7, 10), (15, 20, 16, 21)), 4)

    assert near == (1, 4, 2, 6, 4, 6)
    assert near.grown(1) == (0, 4, 1, 6, 4, 6)
    assert Window.around(hole_of(16, 24), 4) is None


@pytest.mark.parametrize("fill", ["smooth", "grey", "white"])
def test_what_lies_in_the_hole_is_never_read(fill):
    network = Generator(Layout(width=8, fill=fill)).eval()
    image, cut = torch.rand(1, 3, 32, 32) * 2 - 1, hole_of(32, 32, (8, 8, 20, 24))
    other = torch.where(cut > 0, torch.rand(1, 3, 32, 32), image)

    with torch.no_grad():
        first, second = network(image, cut)[1], network(other, cut)[1]

    torch.testing.assert_close(first, second, atol=0, rtol=0)


def test_a_network_that_corrects_begins_near_the_smooth_filling():
    network = Generator(Layout(width=16, fill="smooth"))
    image, cut = torch.rand(1, 3, 64, 64) * 2 - 1, hole_of(64, 64, (20, 20, 44, 44))

    with torch.no_grad():
        refined = network(image, cut)[1]

    assert (refined - spread(image, cut)).abs().max() < 0.5


def test_halving_at_the_end_looks_one_pixel_further_down_and_right():
    layout = Layout(width=4, padding="same")
    network = halving(1, 1, layout)
    image = torch.zeros(1, 1, 6, 6)
    image[..., 0, 0] = 1

    with torch.no_grad():
        seen = (network.conv(F.pad(image, (0, 1, 0, 1))) - network.conv.bias.view(1, -1, 1, 1)) != 0

    assert network(image).shape == (1, 1, 3, 3)
    assert seen[0, 0].nonzero().tolist() == [[0, 0]]


def test_spreading_keeps_known_pixels_and_continues_a_constant():
    image = torch.full((1, 3, 37, 21), 0.25)
    cut = hole_of(37, 21, (5, 3, 30, 20))
    image[cut.expand_as(image) > 0] = torch.nan

    filled = spread(torch.nan_to_num(image, nan=9.0), cut)

    torch.testing.assert_close(filled, torch.full_like(image, 0.25))


def test_spreading_continues_a_slope_between_its_ends():
    image = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    cut = hole_of(64, 64, (20, 20, 44, 44))

    filled = spread(image * (1 - cut), cut)

    assert (filled - image).abs().max() < 0.06  # a flat filling would be 0.19 off at the edges


def test_spreading_with_nothing_known_is_zero():
    assert not spread(torch.ones(1, 1, 9, 9), torch.ones(1, 1, 9, 9)).any()


def test_the_critic_judges_each_patch_and_its_layers_have_unit_norm():
    critic = Discriminator(4)
    for _ in range(30):  # the norm is found by power iteration, a step a forward pass
        judged = critic(torch.rand(2, 3, 64, 64), torch.zeros(2, 1, 64, 64))
    critic.eval()

    assert judged.shape == (2, 16)
    for layer in critic.convolutions:
        norm = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert float(norm) == pytest.approx(1, abs=0.05)


def test_the_critic_of_the_published_width_has_the_published_shapes():
    shapes = [tuple(layer.weight.shape) for layer in Discriminator(64).convolutions]

    assert shapes == [(64, 4, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5)] + [(256, 256, 5, 5)] * 3


def test_the_hinge_costs_nothing_beyond_its_margins():
    sure, wrong = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, -3.0])

    assert critic_loss(sure, wrong) == 0
    assert critic_loss(wrong, sure) == 0.5 * 3 + 0.5 * 3
    assert deceit_loss(sure) == -2


def test_the_painting_loss_weighs_hole_and_known_pixels_apart():
    truth, painting = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    cut = hole_of(4, 4, (0, 0, 2, 2))
    painting[..., :2, :2] = 0.5
    painting[..., 3, 3] = 1.2

    assert float(painting_loss(painting, truth, cut, known=0.1)) == pytest.approx(0.5 + 0.1 * 0.1)


def test_weights_come_back_as_they_were_written_in_the_same_bytes(tmp_path):
    network = Generator(Layout(width=8, fill="smooth", fuse=False))

    weights.save(network, tmp_path / "a")
    weights.save(network, tmp_path / "b")
    back = weights.load(tmp_path / "a")

    first, second = (sorted((tmp_path / name).iterdir()) for name in "ab")
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]
    assert back.layout == network.layout
    for name, tensor in network.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor)


def test_weights_that_are_missing_say_what_to_run(tmp_path):
    with pytest.raises(WeightsError, match="run dvc repro train_inpaint"):
        weights.load(tmp_path)


def test_weights_of_another_width_are_refused_by_name(tmp_path):
    weights.save(Generator(Layout(width=8)), tmp_path)
    tensors = Generator(Layout(width=12)).state_dict()
    (tmp_path / weights.FILE).write_bytes(save(tensors))

    with pytest.raises(WeightsError, match=r"does not fit its layout at \d+ names"):
        weights.load(tmp_path)


def test_damaged_weights_are_refused(tmp_path):
    weights.save(Generator(Layout(width=8)), tmp_path)
    (tmp_path / weights.FILE).write_bytes(b"not weights")

    with pytest.raises(WeightsError, match="is damaged"):
        weights.load(tmp_path)


def test_a_layout_that_is_unknown_is_refused(tmp_path):
    weights.save(Generator(Layout(width=8)), tmp_path)
    (tmp_path / weights.FILE).write_bytes(save(Generator(Layout(width=8)).state_dict()))
    (tmp_path / "generator.json").write_text('{"layout": {"width": 8, "colour": 1}}')

    with pytest.raises(WeightsError, match="describes no layout"):
        weights.load(tmp_path)


def test_half_precision_and_a_layout_within_the_file_are_read(tmp_path):
    """The embedded weights are such a file: a half of the size, and one file that says all."""
    network = Generator(Layout(width=8, fill="smooth"))
    halved = {name: tensor.half() for name, tensor in network.state_dict().items()}
    layout = msgspec.json.encode(network.layout).decode()
    path = tmp_path / "small.safetensors"
    path.write_bytes(save(halved, {"layout": layout}))

    back = weights.load(path)

    assert back.layout == network.layout
    for name, tensor in halved.items():
        assert torch.equal(back.state_dict()[name], tensor.float())


@pytest.mark.skipif(not weights.EMBEDDED.is_file(), reason="this checkout has no weights yet")
def test_the_embedded_weights_are_of_the_published_width_and_small_enough_for_git():
    network = weights.load(weights.EMBEDDED)

    assert network.layout.width == 48
    assert weights.EMBEDDED.stat().st_size <= 20e6
    assert not network.training
