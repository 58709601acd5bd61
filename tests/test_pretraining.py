"""The scripts behind the shipped weights draw, pack and learn with what the pipeline uses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import store
from pretraining import pack, packed, scenes

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "pipeline" / "weights"

# TensorFlow and PyTorch never share a process, so each side of a comparison has its own.
DRAW = """
import sys, numpy as np, safetensors.torch, torch
from pretraining import unet
torch.manual_seed(3)
twin = unet.Unet()
for layer in twin.modules():
    if isinstance(layer, torch.nn.BatchNorm2d):
        layer.running_mean.uniform_(-0.2, 0.2)
        layer.running_var.uniform_(0.5, 2)
        torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
        torch.nn.init.uniform_(layer.bias, -0.3, 0.3)
found = unet.keras_weights(twin)
twin.load_state_dict({name: value.half().float() if value.is_floating_point() else value
                      for name, value in twin.state_dict().items()})
image = torch.rand(2, 3, 64, 96) * 2 - 1
with torch.no_grad():
    logits = twin.eval()(image)
safetensors.torch.save_file(found, sys.argv[1])
np.savez(sys.argv[2], image=image.numpy(), logits=logits.numpy())
"""
MEET = """
import sys, numpy as np
from pathlib import Path
from pipeline import starts, unet
params = unet.UnetParams(**{**unet_params, "init": "file", "init_file": sys.argv[1]})
network = unet.build(params, 1)
starts.begin(network, params)
drawn = np.load(sys.argv[2])
image = drawn["image"].transpose(0, 2, 3, 1)
logits = np.asarray(unet.to_logits(network)(image, training=False))[..., 0]
print(np.abs(logits - drawn["logits"][:, 0]).max())
"""


def ran(code: str, *args: object) -> str:
    """Run code in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_twin_network_computes_what_the_pipelines_does(tmp_path):
    from pipeline import params
    from pipeline.unet import UnetParams

    known = params.load(UnetParams, "unet", ROOT / "params.yaml")
    values = {name: getattr(known, name) for name in known.__struct_fields__}
    ran(DRAW, tmp_path / "twin.safetensors", tmp_path / "drawn.npz")
    code = f"unet_params = {values!r}\n" + MEET
    apart = float(ran(code, tmp_path / "twin.safetensors", tmp_path / "drawn.npz").split()[-1])

    assert apart < 1e-3


def test_attention_of_a_whole_batch_is_that_of_the_pipeline():
    torch = pytest.importorskip("torch")
    from pipeline.deepfill.attention import ContextualAttention
    from pipeline.deepfill.layout import Layout
    from pretraining.deepfill import DenseAttention

    random = torch.Generator().manual_seed(0)
    features = torch.randn(2, 16, 16, 24, generator=random) * 0.05
    hole = torch.zeros(2, 1, 64, 96)
    hole[0, :, 10:40, 20:60] = 1
    hole[1, :, 30:50, 5:30] = 1
    for fuse in (True, False):
        layout = Layout(width=8, fill="smooth", fuse=fuse)
        slow = ContextualAttention(layout)(features, hole, near_only=False)
        fast = DenseAttention(layout)(features, hole, near_only=False)

        torch.testing.assert_close(fast, slow, rtol=0, atol=1e-6)


def test_a_scene_depends_on_its_number_alone(tmp_path):
    for folder in ("one", "two"):
        scenes.draw(3, tmp_path / folder)

    for kind, ending in scenes.FILES.items():
        one, two = (tmp_path / name / kind / f"000003.{ending}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    mask = store.read_mask(tmp_path / "one" / "mask" / "000003.png")
    assert 0 < mask.mean() < 0.9


def test_what_is_packed_comes_out_again(tmp_path):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = (200, 60, 10)
    mask = np.zeros((40, 60), np.uint8)
    mask[5:20, 7:30] = 1
    rows = [pack.real(image, mask), pack.real(image[:20], mask[:20])]
    np.savez(tmp_path / "pack.npz", **pack.columns(rows))

    pictures = packed.pictures(tmp_path / "pack.npz", "photo")
    masks = packed.masks(tmp_path / "pack.npz", "photo_mask")

    assert [one.shape for one in pictures] == [(40, 60, 3), (20, 60, 3)]
    assert np.abs(pictures[0][20, 50].astype(int) - (200, 60, 10)).max() < 12
    np.testing.assert_array_equal(masks[0], mask)
    np.testing.assert_array_equal(masks[1], mask[:20])


@pytest.mark.parametrize("path", sorted(WEIGHTS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_shipped_weights_are_small_and_say_where_they_come_from(path):
    told = json.loads(path.with_suffix(".json").read_text())

    assert path.stat().st_size < 16e6
    ours = {"what", "command", "data", "machine", "steps"}
    others = {"what", "source", "sha256", "licence"}
    assert ours <= set(told) or others <= set(told)
