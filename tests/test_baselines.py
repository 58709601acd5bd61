"""What others would paint: partial convolutions, the first DeepFill, LaMa."""

import msgspec
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from test_checkpoints import first  # a random checkpoint of the first DeepFill
from torch import nn

from pipeline import baselines, inpaint, params, store
from pipeline.baselines.partial import PartialConv, PartialUNet
from pipeline.errors import WeightsError
from stages import evaluate as evaluate_stage
from stages import fillings
from stages import inpaint as inpaint_stage

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit")
NONE = {"partial": None, "deepfill1": None, "lama": None}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run beside each other


def partial_by_hand(conv, x, masks, *, scaled):
    """The definition, pixel by pixel, with a mask value for each channel."""
    every = torch.cat([m.expand(n, *m.shape) for m, n in zip(masks, conv.ins, strict=True)])
    weight, bias = conv.conv2d.weight, conv.conv2d.bias
    outs, ins, k, _ = weight.shape
    stride, pad = conv.conv2d.stride[0], k // 2
    height, width = ((side + 2 * pad - k) // stride + 1 for side in x.shape[1:])
    made, mask = torch.zeros(outs, height, width), torch.zeros(height, width)
    for row in range(height):
        for column in range(width):
            known, total = 0.0, torch.zeros(outs)
            for c in range(ins):
                for dy in range(k):
                    for dx in range(k):
                        y, z = row * stride + dy - pad, column * stride + dx - pad
                        if 0 <= y < x.shape[1] and 0 <= z < x.shape[2] and every[c, y, z]:
                            known += 1
                            total += weight[:, c, dy, dx] * x[c, y, z]
            if known:
                made[:, row, column] = total * (ins * k * k if scaled else 1) / known + bias
                mask[row, column] = 1
    return made, mask


@pytest.mark.parametrize("scaled", [True, False], ids=["as published", "naoto0804"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 2)])
@torch.no_grad()
def test_a_partial_convolution_and_its_mask_are_those_of_the_definition(scaled, kernel, stride):
    conv = PartialConv((2, 1), 3, kernel, stride, scaled=scaled)
    x, masks = torch.randn(1, 3, 9, 11), torch.zeros(1, 2, 9, 11)
    masks[0, 0, :3, 4:], masks[0, 1, :2, :5] = 1, 1

    made, mask = conv(x, masks)

    expected, known = partial_by_hand(conv, x[0], masks[0], scaled=scaled)
    torch.testing.assert_close(made[0], expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(mask[0, 0], known)
    assert 0 < known.mean() < 1


@torch.no_grad()
def test_a_partial_convolution_of_all_known_is_a_convolution():
    """At the border the padding counts as unknown, so only there the two differ."""
    conv = PartialConv((3,), 4, 3, 1, scaled=True)
    x = torch.randn(2, 3, 8, 8)

    made, mask = conv(x, torch.ones(2, 1, 8, 8))

    torch.testing.assert_close(made[..., 1:-1, 1:-1], conv.conv2d(x)[..., 1:-1, 1:-1])
    assert mask.all()


def named(depth=7, *, counts=True):
    """A checkpoint as naoto0804 writes it: each convolution beside constants that count."""
    state = {}
    features = (3, 64, 128, 256, 512, 512, 512, 512)
    kernels = (7, 5, 5, 3, 3, 3, 3)

    def block(name, ins, outs, kernel, normed):
        for kind in ("conv2d", "mask2d") if counts else ("conv2d",):
            shape = (outs, ins, kernel, kernel)
            weight = torch.randn(shape) * (2 / (ins * kernel**2)) ** 0.5
            state[f"{name}.conv.{kind}.weight"] = weight if kind == "conv2d" else torch.ones(shape)
            state[f"{name}.conv.{kind}.bias"] = torch.zeros(outs)
        if normed:
            for part in ("weight", "bias", "running_mean", "running_var"):
                state[f"{name}.bn.{part}"] = torch.rand(outs)
            state[f"{name}.bn.num_batches_tracked"] = torch.tensor(7)

    for level in range(1, depth + 1):
        ins, outs = features[level - 1], features[level]
        block(f"enc_{level}", ins, outs, kernels[level - 1], level > 1)
        block(f"dec_{level}", outs + ins, ins, 3, level > 1)
    return {"n_iter": 1_000_000, "model": state, "optimizer": {"state": {}, "param_groups": []}}


@pytest.mark.parametrize("counts", [True, False], ids=["naoto0804", "as published"])
def test_partial_convolutions_weights_load_whole_and_in_their_own_scale(tmp_path, counts):
    torch.save(named(counts=counts), tmp_path / "w.pth")

    network = baselines.load(NONE | {"partial": str(tmp_path / "w.pth")})["partial"]

    assert network.enc_4.conv.scaled is not counts
    theirs = torch.load(tmp_path / "w.pth")["model"]["dec_4.conv.conv2d.weight"]
    assert torch.equal(network.dec_4.conv.conv2d.weight, theirs)


def test_a_partial_checkpoint_with_a_name_too_few_is_refused(tmp_path):
    content = named(depth=4)
    del content["model"]["dec_2.bn.weight"]
    torch.save(content, tmp_path / "w.pth")

    with pytest.raises(WeightsError, match=r"dec_2\.bn\.weight is missing"):
        baselines.load(NONE | {"partial": str(tmp_path / "w.pth")})


@torch.no_grad()
def test_the_u_net_fills_all_at_any_size_and_never_reads_the_hole():
    network = PartialUNet(4).eval()
    image, hole = torch.rand(1, 3, 37, 50) * 2 - 1, torch.zeros(1, 1, 37, 50)
    hole[..., 9:30, 12:40] = 1

    painting, _ = network(image, hole)
    other, _ = network(torch.where(hole > 0, 0.5, image), hole)

    assert painting.shape == image.shape
    assert painting.isfinite().all()
    assert torch.equal(painting, other)


class Tiny(nn.Module):
    """Stands in for LaMa's program: fills with the known pixels' mean, asserts its convention."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        assert image.size(2) % 8 == 0
        assert image.size(3) % 8 == 0
        assert float(image.min()) >= 0.0
        assert float(image.max()) <= 1.0
        known = 1 - mask
        mean = (image * known).sum(dim=(2, 3), keepdim=True) / known.sum(dim=(2, 3), keepdim=True)
        return image * known + mean * mask


@pytest.fixture
def program(tmp_path):
    torch.jit.script(Tiny()).save(str(tmp_path / "big-lama.pt"))
    return str(tmp_path / "big-lama.pt")


def settings(**changed):
    section = yaml.safe_load(params.SHIPPED.read_text())["inpaint"]
    return params.convert(inpaint.InpaintParams, section | changed, "test")


def scene():
    image = np.full((45, 61, 3), (10, 120, 240), np.uint8)
    hole = np.zeros((45, 61), bool)
    hole[10:30, 20:40] = True
    return np.where(hole[..., None], np.uint8(99), image), hole


def test_lamas_program_is_given_what_it_expects_and_fills_the_hole(program):
    lama = baselines.load(NONE | {"lama": program})["lama"]
    image, hole = scene()

    filled = inpaint.fill(lama, image, hole, settings())

    assert not (filled != image)[~hole].any()
    assert np.abs(filled[hole] - np.array([10, 120, 240])).max() <= 1


@pytest.mark.parametrize("name", ["partial", "deepfill1", "lama"])
@pytest.mark.parametrize("content", [None, b"", b"no weights", b"PK\x03\x04"])
def test_a_baselines_file_that_is_none_is_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / "w").write_bytes(content)

    with pytest.raises(WeightsError):
        baselines.load(NONE | {name: str(tmp_path / "w")})


def test_weights_of_the_second_deepfill_are_not_those_of_the_first(tmp_path):
    import checkpoints

    torch.save(checkpoints.random("csqiangwen", width=8), tmp_path / "w.pth")

    with pytest.raises(WeightsError, match="is not of the first DeepFill"):
        baselines.load(NONE | {"deepfill1": str(tmp_path / "w.pth")})


def test_those_that_are_given_are_scored_and_no_others(tmp_path, program):
    torch.save(first(), tmp_path / "gen.pt")
    chosen = settings(baselines=NONE | {"lama": program, "deepfill1": str(tmp_path / "gen.pt")})
    painters = {"deepfill": PartialUNet(4).eval()}  # stands in for ours
    painters |= baselines.load(msgspec.to_builtins(chosen.baselines))
    image, hole = scene()
    folder = tmp_path / "transplanted"
    inpaint_stage.paint(painters, folder / "test" / "a.png", (image, hole), chosen)
    store.write_image(tmp_path / "raw" / "test" / "a.png", image)
    images = [{"split": "test", "path": "test/a.png", "stem": "a", "file_name": "a.png"}]

    (work,) = fillings.holes(
        pd.DataFrame(images), tmp_path / "raw", tmp_path / "none", (tmp_path / "filled", folder)
    )
    rows = evaluate_stage._compare(work)

    methods = {row["method"] for row in rows}
    assert {"deepfill", "deepfill1", "lama", "telea", "mean"} <= methods
    assert "partial" not in methods
