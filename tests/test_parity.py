"""``segment-restore parity`` with made-up cases: outputs that a family's own network painted."""

import checkpoints
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pipeline import store
from pipeline.deepfill import parity, weights
from pipeline.deepfill.parity import Difference
from pipeline.errors import ImageError, MaskError
from stages import cli
from stages import parity as stage


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # tests run beside each other


def picture(height=45, width=70, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@torch.no_grad()
def theirs(network, low, image, hole):
    """What a public program saves: cut to a multiple of 8, painted, composited, rounded down."""
    height, width = image.shape[0] // 8 * 8, image.shape[1] // 8 * 8
    x = torch.from_numpy(image[:height, :width].transpose(2, 0, 1).copy())[None].double() / 255
    x = 2 * x - 1 if low else x
    cut = torch.from_numpy(hole[:height, :width].copy())[None, None].double()
    y = x * (1 - cut) + network(x, cut)[1] * cut
    levels = (y + 1) * 127.5 if low else y * 255
    return np.floor(levels[0].permute(1, 2, 0).numpy().clip(0, 255) + 1e-6).astype(np.uint8)


def laid(folder, family, *, names=("_raw", "_mask", "_output"), fuse=True, off=0):
    """Write a checkpoint and one case of it; return the checkpoint."""
    state = checkpoints.random(family, width=8, seed=1)
    torch.save(state, folder / "w.pth")
    state = {name: tensor.double() for name, tensor in state.items()}
    network = checkpoints.REFERENCES[family](state)
    network.fuse = fuse
    image, hole = picture(), np.zeros((45, 70), bool)
    hole[12:30, 20:40] = True
    output = theirs(network, checkpoints.LOW[family], image, hole)
    output = (output + np.where(hole[:40, :64, None], off, 0)).clip(0, 255).astype(np.uint8)
    mask = np.repeat(hole[..., None] * np.uint8(255), 3, axis=2)
    for name, content in zip(names, (image, mask, output), strict=True):
        store.write_image(folder / "cases" / f"case1{name}.png", content)
    return folder / "w.pth"


def said(folder, checkpoint):
    return CliRunner().invoke(cli.app, ["parity", str(folder), "--weights", str(checkpoint)])


@pytest.mark.parametrize("family", ["nipponjo_pt", "csqiangwen", "zhaoyuzhi"])
@pytest.mark.parametrize(
    "names", [("_raw", "_mask", "_output"), ("", "_mask", "_out")], ids=["official", "nipponjo's"]
)
def test_what_the_own_network_painted_is_the_same(tmp_path, family, names):
    done = said(tmp_path / "cases", laid(tmp_path, family, names=names))

    assert done.exit_code == 0, done.output
    assert "of 255: same" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 cases: 1 same, 0 close, 0 different"


@pytest.mark.parametrize("fuse", [True, False])
def test_of_weights_from_tensorflow_it_tells_which_attention_they_were_run_with(tmp_path, fuse):
    done = said(tmp_path / "cases", laid(tmp_path, "nipponjo_tf", fuse=fuse))

    lines = (line.split(": ") for line in done.stdout.splitlines()[:-1])
    means = {case: float(told.split()[4]) for case, told, _ in lines}
    right, wrong = (
        ("case1 fused", "case1 not fused") if fuse else ("case1 not fused", "case1 fused")
    )
    assert means[right] < 0.02 < means[wrong]
    assert done.exit_code == 0


def test_another_output_is_different_and_the_exit_code_says_so(tmp_path):
    done = said(tmp_path / "cases", laid(tmp_path, "csqiangwen", off=40))

    assert done.exit_code == 1
    assert "0 same, 0 close, 1 different" in done.stdout


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        (Difference(2, 1.9), "same"),
        (Difference(30, 1.5), "close"),
        (Difference(30, 2.5), "different"),
    ],
)
def test_verdicts_follow_the_largest_and_the_mean_difference(difference, verdict):
    assert difference.verdict == verdict


def test_differences_are_those_of_the_hole_alone():
    ours, other, hole = picture(), picture(), np.zeros((45, 70), bool)
    hole[0, :4] = True
    other = other.copy()
    other[5, 5] ^= 255
    other[0, 0] = ours[0, 0] ^ 8

    found = parity.difference(ours, other, hole)

    assert found == Difference(8, 8 / 4)


def test_a_folder_without_cases_says_what_a_case_is(tmp_path):
    store.write_image(tmp_path / "a_raw.png", picture())

    with pytest.raises(ImageError, match="NAME_raw, NAME_mask"):
        parity.cases(tmp_path)


def test_pictures_of_other_sizes_are_refused(tmp_path):
    network = weights.load(laid(tmp_path, "nipponjo_pt"))
    (case,) = parity.cases(tmp_path / "cases")
    store.write_image(case.output, picture(16, 16))
    with pytest.raises(ImageError, match="of one size"):
        stage.compared(network, case)

    store.write_image(case.mask, picture(16, 16))
    with pytest.raises(MaskError, match="case1_mask"):
        stage.compared(network, case)


def test_a_black_mask_is_refused():
    with pytest.raises(ImageError, match="black all over"):
        parity.difference(picture(), picture(), np.zeros((45, 70), bool))
