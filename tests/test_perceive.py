"""LPIPS: against the package of its authors, against the definition, and through the stage."""

import importlib.util
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from pipeline import outcomes, perceive, store
from pipeline.errors import ImageError, WeightsError
from stages import perceive as stage

KINDS = ("alex", "vgg")
KEPT = []  # a library of operators is forgotten with its object


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run beside each other


def backbone(kind, path):
    """What torchvision publishes, with random numbers: all its features, and a classifier."""
    network = perceive.Lpips(kind)
    found = {k: v for k, v in network.state_dict().items() if k.startswith("features")}
    torch.save(found | {"classifier.1.weight": torch.zeros(2, 2)}, path)
    return path


def pictures(height=70, width=90):
    rng = np.random.default_rng(1)
    truth = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), (0, 0), 2)
    hole = np.zeros((height, width), bool)
    hole[20:50, 30:60] = True
    filled = truth.copy()
    filled[hole] = 128
    return truth, filled, hole


def theirs_package():
    """The authors' package, if somebody put it here with torchvision; neither is a dependency.

    torchvision's compiled part may not load beside a PyTorch for processors alone; then the names
    of two operators are declared first, of which LPIPS needs none.
    """
    for name in ("lpips", "torchvision"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is absent: pip install --no-deps lpips torchvision")
    alone = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True)
    if alone.returncode and not KEPT:
        KEPT.append(torch.library.Library("torchvision", "DEF"))
        for operator in ("nms", "qnms"):
            KEPT[0].define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("lpips")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_distance_of_the_authors_own_package(kind, tmp_path):
    """Their network on the same random backbone, and their heads, not ours; see the fixture."""
    lpips = theirs_package()
    path = backbone(kind, tmp_path / "net.pth")
    theirs = lpips.LPIPS(net=kind, pnet_rand=True, spatial=True, verbose=False)
    ours = torch.load(path, weights_only=True)
    own = theirs.net.state_dict()
    for name in own:
        own[name] = ours["features." + name.split(".", 1)[1]]
    theirs.net.load_state_dict(own)
    truth, filled, hole = pictures()

    found = perceive.distances(perceive.load(path), truth, {"it": filled}, hole, 1024)["it"]

    first, second = (
        torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1 for picture in (truth, filled)
    )
    with torch.inference_mode():
        expected = float(theirs(first, second)[0, 0][torch.from_numpy(hole)].mean())
    assert found == pytest.approx(expected, rel=1e-5)
    torch.save(theirs.state_dict(), tmp_path / "whole.pth")
    whole = perceive.load(tmp_path / "whole.pth")
    assert perceive.distances(whole, truth, {"it": filled}, hole, 1024)["it"] == found


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_definition_cell_by_cell(kind, tmp_path):
    """The paper's sum: features of length one, their squared differences weighed, enlarged."""
    network = perceive.load(backbone(kind, tmp_path / "net.pth"))
    truth, filled, hole = pictures()
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet

    def looks(image):
        x = torch.tensor((image / 255 - mean) / deviation, dtype=torch.float32)
        x, seen = x.permute(2, 0, 1)[None], []
        layers = list(network.features)
        for place, layer in enumerate(layers):
            x = layer(x)
            ends = place == len(layers) - 1 or isinstance(layers[place + 1], nn.MaxPool2d)
            if isinstance(layer, nn.ReLU) and (kind == "alex" or ends):
                seen.append(x[0].numpy())
        return seen

    def lengths(features):
        return np.maximum(np.linalg.norm(features, axis=0), 1e-10)

    total = np.zeros(truth.shape[:2])
    with torch.inference_mode():
        seen = zip(looks(truth), looks(filled), network.heads, strict=True)
    for one, other, head in seen:
        one, other = one / lengths(one), other / lengths(other)
        apart = np.einsum("c,chw->hw", head.numpy(), (one - other) ** 2)
        total += cv2.resize(apart, truth.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    found = perceive.distances(network, truth, {"it": filled}, hole, 1024)["it"]

    # ImageNet's mean, rounded to three digits in -1..1, differs in the fourth.
    assert found == pytest.approx(total[hole].mean(), rel=0.02)


def test_equal_pictures_are_at_no_distance_and_worse_fillings_are_farther(tmp_path):
    network = perceive.load(backbone("alex", tmp_path / "net.pth"))
    truth, filled, hole = pictures()
    little = truth.copy()
    little[hole] = np.clip(truth[hole].astype(int) + 6, 0, 255)

    found = perceive.distances(
        network, truth, {"same": truth, "little": little, "much": filled}, hole, 1024
    )

    assert found["same"] == 0
    assert 0 < found["little"] < found["much"]


def test_long_pictures_are_looked_at_smaller_and_tiny_or_whole_ones_not_at_all(tmp_path):
    network = perceive.load(backbone("alex", tmp_path / "net.pth"))
    truth, filled, hole = pictures()
    big = {
        name: cv2.resize(picture, (180, 140), interpolation=cv2.INTER_NEAREST)
        for name, picture in (("truth", truth), ("filled", filled), ("hole", hole.astype("u1")))
    }

    small = perceive.distances(network, truth, {"it": filled}, hole, 90)
    scaled = perceive.distances(network, big["truth"], {"it": big["filled"]}, big["hole"] > 0, 90)

    assert scaled["it"] == pytest.approx(small["it"], rel=1e-5)
    assert perceive.distances(network, truth[:20], {"it": filled[:20]}, hole[:20], 90) == {}
    assert perceive.distances(network, truth, {"it": filled}, np.zeros_like(hole), 90) == {}
    with pytest.raises(ImageError, match="must be of one size"):
        perceive.distances(network, truth, {"it": filled[1:]}, hole, 90)


def test_what_is_no_such_network_is_refused_by_name(tmp_path):
    good = torch.load(backbone("alex", tmp_path / "net.pth"), weights_only=True)
    name = "features.3.weight"
    for changed, message in (
        ({"x": torch.zeros(1)}, "neither AlexNet nor VGG-16"),
        (good | {name: torch.zeros(2, 2)}, f"not the alex .* {name} are missing"),
        (good | {name: good[name] * np.nan}, f"no weights: {name}"),
        ({k: v for k, v in good.items() if k != name}, f"{name} are missing"),
    ):
        torch.save(changed, tmp_path / "bad.pth")
        with pytest.raises(WeightsError, match=message):
            perceive.load(tmp_path / "bad.pth")


def test_the_heads_that_come_along_are_all_there_and_none_counts_against_a_difference():
    for kind in KINDS:
        heads = perceive._shipped(kind)

        assert len(heads) == 5
        assert all((head >= 0).all() and head.max() > 0.1 for head in heads.values())


@pytest.fixture
def folder(tmp_path, monkeypatch, make_dataset):
    """One photo with a transplanted hole, filled by us; the params of the shipped file."""
    from pipeline import coco

    monkeypatch.chdir(tmp_path)
    truth, filled, hole = pictures()
    dataset = make_dataset([[[2, 2, 9, 2, 9, 9]]])
    dataset.images.loc[:, "split"] = "test"
    dataset.annotations.loc[:, "split"] = "test"
    coco.save(tmp_path / "valid", dataset)
    row = dataset.images.iloc[0]
    store.write_image(tmp_path / "raw" / row.path, truth)
    store.write_image(tmp_path / "transplanted/test" / f"{row.stem}.png", filled)
    store.write_mask(tmp_path / "transplanted/holes" / f"{row.stem}.png", hole.astype(np.uint8))
    return tmp_path


def told(folder, **values):
    settings = {"weights": None, "sha256": None, "side": 1024, "threads": 1} | values
    sections = {"perceive": settings, "tables": {"parquet_above": 3}}
    (folder / "params.yaml").write_text(yaml.safe_dump(sections))
    names = ("raw", "truth", "valid", "filled", "transplanted", "perceived.csv")
    said = stage.main(*(folder / name for name in names))
    return said, store.read_table(folder / "perceived.csv", outcomes.PERCEIVED)


def test_the_stage_measures_every_filling_and_without_weights_says_that_it_does_not(folder):
    said, table = told(folder)
    assert "not measured" in said
    assert table.empty

    said, table = told(folder, weights=str(backbone("alex", folder / "net.pth")))

    assert "LPIPS over 1 holes" in said
    assert said.endswith("; perceived.csv as Parquet")
    assert sorted(table["method"]) == ["deepfill", "mean", "ns", "telea"]
    assert (table["kind"] == "transplant").all()
    assert (table["lpips"] > 0).all()
    again = told(folder, weights=str(folder / "net.pth"))[1]
    pd.testing.assert_frame_equal(table, again)


def test_another_file_than_the_checksum_names_is_refused(folder):
    path = backbone("alex", folder / "net.pth")
    with pytest.raises(WeightsError, match="not the file that sha256 names"):
        told(folder, weights=str(path), sha256="0" * 64)
