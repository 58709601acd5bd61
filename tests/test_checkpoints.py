"""Published checkpoints load, every name used, and paint as their own networks do."""

import pickle
from pathlib import Path

import checkpoints
import pytest
import torch
from safetensors.torch import save_file

from pipeline.deepfill import families, weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.errors import WeightsError

FAMILIES = ["nipponjo_pt", "nipponjo_tf", "csqiangwen", "zhaoyuzhi"]
COUNTS = {"nipponjo_pt": 4_052_478, "nipponjo_tf": 4_052_478, "csqiangwen": 16_170_000}
COUNTS |= {"zhaoyuzhi": 26_950_000}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # tests run beside each other


def written(folder, content, name="w.pth", **options):
    torch.save(content, folder / name, **options)
    return folder / name


def scene(height, width, boxes, seed=0):
    draw = torch.Generator().manual_seed(seed)
    holes = torch.zeros(len(boxes), 1, height, width)
    for hole, (top, left, bottom, right) in zip(holes, boxes, strict=True):
        hole[:, top:bottom, left:right] = 1
    return torch.rand(len(boxes), 3, height, width, generator=draw) * 2 - 1, holes


def expected(family, state, images, holes):
    """What the family's own network paints, one by one, brought to -1..1."""
    low = checkpoints.LOW[family]
    network = checkpoints.REFERENCES[family](state)
    inner = images if low else (images + 1) / 2
    each = [network(inner[i : i + 1], holes[i : i + 1]) for i in range(len(images))]
    stages = [torch.cat(stage) for stage in zip(*each, strict=True)]
    return stages if low else [2 * stage - 1 for stage in stages]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_of_published_size_loads_and_comes_back_from_our_own_file(tmp_path, family):
    state = checkpoints.random(family)

    network = weights.load(written(tmp_path, state))
    weights.save(network, tmp_path)
    back = weights.load(tmp_path / weights.FILE)

    assert network.notice
    assert back.layout == network.layout
    assert network.layout.width == checkpoints.WIDTHS[family]
    numbers = sum(p.numel() for p in network.parameters())
    assert numbers == pytest.approx(COUNTS[family], rel=1e-3 if COUNTS[family] % 1000 == 0 else 0)
    for name, tensor in network.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(72, 104), (40, 24)], ids=["9 x 13 cells", "5 x 3 cells"])
@torch.no_grad()
def test_a_loaded_checkpoint_paints_what_its_own_network_paints(tmp_path, family, size):
    height = size[0]
    state = checkpoints.random(family, width=8, seed=1)
    images, holes = scene(*size, [(8, 5, 30, 20), (height - 17, 0, height, 11)])
    path = written(tmp_path, state)
    # In double precision, for rounding alone comes near 1e-4 where layers are normalised.
    images, holes = images.double(), holes.double()
    state = {name: tensor.double() for name, tensor in state.items()}

    network = weights.load(path).double()
    painted = network(images, holes)
    near = network(images, holes, near_only=True)[1]

    inside = holes.expand_as(images) > 0
    for ours, theirs in zip(painted, expected(family, state, images, holes), strict=True):
        assert theirs.std() > 0.02  # a dull picture would hide a difference
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(near[inside], painted[1][inside], atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_ways_of_the_families_differ_so_that_a_mix_up_would_show(tmp_path):
    """The oracle is worth something only if another padding, sampling or fuse paints otherwise."""
    state = checkpoints.random("nipponjo_tf", width=8, seed=1)
    images, holes = scene(72, 104, [(8, 5, 30, 20)])
    path = written(tmp_path, state)

    own = weights.load(path)(images, holes)[1]
    unfused = weights.load(path, fuse=False)(images, holes)[1]
    (_, theirs) = checkpoints.Nipponjo(state, tensorflow=True, fuse=False)(images, holes)

    torch.testing.assert_close(unfused, theirs, atol=1e-4, rtol=0)
    assert (own - unfused).abs().max() > 1e-3


def test_a_spectral_norm_is_one_step_of_the_power_iteration():
    weight, left = torch.randn(6, 2, 3, 3), torch.randn(6)
    left /= left.norm()
    layer = torch.nn.utils.spectral_norm(torch.nn.Conv2d(2, 6, 3))
    layer.weight_orig.data, layer.weight_u = weight.clone(), left.clone()
    layer.train()(torch.zeros(1, 2, 3, 3))  # PyTorch's own takes one step in a pass of training

    torch.testing.assert_close(families.unit_norm(weight, left), layer.weight.detach())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"G": state, "n_iter": 3},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": {f"module.{n}": t for n, t in state.items()}, "epoch": 1},
        lambda state: {n: t for n, t in state.items() if n != checkpoints.FUSE},
        lambda state: {n: t.half() for n, t in state.items()},
    ],
    ids=["in a container", "from DataParallel", "both", "without the buffer", "in half precision"],
)
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_what_surrounds_the_tensors_does_not_matter(tmp_path, wrap, legacy):
    state = checkpoints.random("nipponjo_pt", width=8)
    path = written(tmp_path, wrap(state), _use_new_zipfile_serialization=not legacy)

    network = weights.load(path)

    theirs = state["stage2.conv_bn6.conv.weight"]
    torch.testing.assert_close(network.state_dict()["stage2.conv_bn6.conv.weight"], theirs,
                               atol=1e-3, rtol=1e-3)  # fmt: skip


def test_a_spectral_norm_is_folded_in_single_precision_out_of_half(tmp_path):
    state = checkpoints.random("csqiangwen", width=8)
    half = {name: tensor.half() for name, tensor in state.items()}

    loaded = weights.load(written(tmp_path, half)).state_dict()

    name = "coarse.12.gated_conv2d.conv2d"
    single = {key: tensor.float() for key, tensor in half.items()}
    expected, _ = checkpoints.Csqiangwen(single).weight(name)
    ours = loaded["stage1.up_block1.conv1_upsample.conv.conv.weight"][: len(expected)]
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-6)


def test_a_prefix_of_some_names_only_is_no_prefix(tmp_path):
    state = checkpoints.random("csqiangwen", width=8)
    assert any(".module." in name for name in state)

    assert weights.load(written(tmp_path, state)).layout.inputs == (4, 4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_partial_file_is_refused_with_five_names_at_most(tmp_path, family):
    state = checkpoints.random(family, width=8)
    gone = [name for name in state if name != checkpoints.FUSE][10:17]
    for name in gone:
        del state[name]
    state["stranger"] = torch.zeros(1)

    with pytest.raises(WeightsError) as caught:
        weights.load(written(tmp_path, state))
    assert f"lacks {', '.join(gone[:5])} and 2 more and has stranger too many" in str(caught.value)


def test_tensors_of_other_shapes_are_refused_by_name(tmp_path):
    state = checkpoints.random("nipponjo_tf", width=8)
    state["xconv3.conv.weight"] = torch.zeros(2, 2, 3, 3)

    with pytest.raises(WeightsError, match=r"at 1 names: stage2\.conv_down_block1\.conv2"):
        weights.load(written(tmp_path, state))


def test_shapes_that_do_not_go_together_are_refused(tmp_path):
    state = checkpoints.random("csqiangwen", width=8)
    state["coarse.12.gated_conv2d.conv2d.module.weight_u"] = torch.zeros(3)

    with pytest.raises(WeightsError, match="does not fit csqiangwen"):
        weights.load(written(tmp_path, state))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"a.weight": torch.zeros(2)},
            r"of no family that is known; it holds a\.weight; known are",
        ),
        ({}, "it holds nothing"),
        ([torch.zeros(2)], "holds no tensors by name"),
        ({"stage1.conv1.conv.weight": 3}, "holds no tensors by name"),
    ],
    ids=["unknown names", "empty", "a list", "a number"],
)
def test_files_of_no_family_are_refused(tmp_path, content, said):
    with pytest.raises(WeightsError, match=said):
        weights.load(written(tmp_path, content))


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = checkpoints.random("nipponjo_pt", width=8)
    state["stage1.conv1.conv.bias"][0] = torch.nan

    with pytest.raises(WeightsError, match=r"no weights.*: stage1\.conv1\.conv\.bias"):
        weights.load(written(tmp_path, state))


class Trap:
    def __reduce__(self):
        return (Path.write_text, (Path("sprung"), "!"))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_code_in_a_file_is_never_run(tmp_path, monkeypatch, legacy):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, {"G": Trap()}, _use_new_zipfile_serialization=not legacy)

    with pytest.raises(WeightsError, match="holds more than tensors"):
        weights.load(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "content",
    [b"", b"not weights", b"PK\x03\x04", b"\x80\x02}q\x00.", b"<html>", pickle.dumps(3), bytes(99),
     bytes(8) + b"{" + bytes(30)],
)  # fmt: skip
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)

    with pytest.raises(WeightsError) as caught:
        weights.load(tmp_path / "w.pth")
    assert "\n" not in str(caught.value)


def test_a_published_checkpoint_may_be_safetensors_too(tmp_path):
    state = checkpoints.random("csqiangwen", width=8)
    save_file(state, tmp_path / "w.safetensors")

    assert weights.load(tmp_path / "w.safetensors").layout.low == 0


def test_our_own_file_may_go_alone(tmp_path):
    network = Generator(Layout(width=8, fill="smooth", fuse=False))
    weights.save(network, tmp_path)
    alone = (tmp_path / weights.FILE).rename(tmp_path / "0123abcd")
    (tmp_path / "generator.json").unlink()

    assert weights.load(alone).layout == network.layout
    assert weights.load(alone).notice == ""


def test_tensors_under_our_names_with_no_layout_are_refused(tmp_path):
    """They may be ours, which fill holes smoothly, or published ones, which fill them with grey."""
    save_file(Generator(Layout(width=8)).state_dict(), tmp_path / "w.safetensors")

    with pytest.raises(WeightsError, match="names no layout itself"):
        weights.load(tmp_path / "w.safetensors")


def test_names_of_places_lead_to_their_files():
    assert weights.located("trained", Path("data/inpainter")) == Path("data/inpainter")
    assert weights.located("embedded", Path("data/inpainter")) == weights.EMBEDDED
    assert weights.located("some/w.pth", Path("data/inpainter")) == Path("some/w.pth")


# The first DeepFill, which is the same graph without gates


def first(width=8, seed=0):
    """A random checkpoint of the first DeepFill, named as the PyTorch code names it."""
    draw = torch.Generator().manual_seed(seed)
    state = {}
    for name, sides in checkpoints.shapes("nipponjo_tf", width).items():
        coarse = name.startswith("conv")
        name = name.replace("_upsample.conv", "")
        name = ("coarse_generator." if coarse else "fine_generator.") + name.removeprefix("x")
        colour = name.split(".")[1].endswith("conv17")
        outs = sides[0] if colour else sides[0] // 2  # no gates
        ins = [5] if len(sides) == 4 and sides[1] in {3, 5} else sides[1:2]
        tensor = torch.randn([outs, *ins, *sides[2:]], generator=draw)
        state[name] = tensor * (2.5 / tensor[0].numel()) ** 0.5 if len(sides) == 4 else tensor * 0.1
    return state


class First(checkpoints.Nipponjo):
    """The first DeepFill, stated anew: plain convolutions, colours cut off, a sharper attention."""

    def __init__(self, state):
        super().__init__(state, tensorflow=False)

    def conv(self, x, name, stride=1, dilation=1, activation=torch.nn.functional.elu):
        name = name.removesuffix(".conv").replace("_upsample", "")
        weight, bias = self.state[f"{name}.conv.weight"], self.state[f"{name}.conv.bias"]
        pad = dilation * (weight.shape[2] - 1) // 2
        x = torch.nn.functional.conv2d(x, weight, bias, stride, pad, dilation)
        return x if activation is None else activation(x)

    def __call__(self, image, hole):
        n, ones = checkpoints.TENSORFLOW, torch.ones_like(hole)
        fine = {
            key: [f"fine_generator.{name.removeprefix('x')}" for name in names]
            for key, names in n.items()
            if isinstance(names, list)
        }
        bare = image * (1 - hole)
        x = self.chain(
            torch.cat([bare, ones, hole], 1), [f"coarse_generator.{name}" for name in n["coarse"]]
        )
        coarse = self.conv(x, "coarse_generator.conv17", activation=None).clamp(-1, 1)
        joined = torch.cat([coarse * hole + bare * (1 - hole), ones, hole], 1)
        imagined = self.chain(joined, fine["imagining"])
        copied = self.chain(joined, fine["copying"])
        copied = self.conv(copied, "fine_generator.pmconv6", activation=torch.relu)
        copied = checkpoints.attention(copied, hole, corners=False, fuse=True, sharpness=2550)
        copied = self.chain(copied, fine["after"])
        x = self.chain(torch.cat([imagined, copied], 1), fine["joining"])
        return coarse, self.conv(x, "fine_generator.allconv17", activation=None).clamp(-1, 1)


@torch.no_grad()
def test_the_first_deepfill_paints_what_its_own_network_paints(tmp_path):
    state = first()
    images, holes = scene(40, 56, [(8, 5, 30, 20), (23, 0, 40, 11)])

    painted = weights.load(written(tmp_path, state))(images, holes)

    each = [First(state)(images[i : i + 1], holes[i : i + 1]) for i in range(2)]
    for stage in (0, 1):
        theirs = torch.cat([pair[stage] for pair in each])
        assert theirs.std() > 0.05
        torch.testing.assert_close(painted[stage], theirs, atol=1e-3, rtol=0)
