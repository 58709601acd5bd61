"""What a network says of itself, against the network."""

import pytest

from pipeline import anatomy
from pipeline.anatomy import Layer
from pipeline.errors import TableError


@pytest.fixture(scope="module")
def seed():
    from pipeline import unet

    made = unet.build(unet.UnetParams(preset="seed", init="none", size=160), 1)
    return made, anatomy.of_keras(made, 160)


def test_the_reports_network_has_its_parameters_layer_by_layer(seed):
    network, rows = seed

    assert sum(row.parameters for row in rows) == 3_823_409 == network.count_params()
    assert [row.name for row in rows] == [layer.name for layer in network.layers]


def test_shapes_are_those_of_the_size_that_is_asked_for(seed):
    _, rows = seed
    at = {row.name: row for row in rows}

    assert at["down0a"].shape == (160, 160, 12)
    assert at["bottomb"].shape == (5, 5, 384)
    assert at["logits"].shape == (160, 160, 1)


def test_a_joint_names_both_layers_that_it_takes(seed):
    _, rows = seed
    joint = next(row for row in rows if row.name == "up0_join")

    assert set(joint.takes) == {"up0_raise", "down4b"}


def test_layers_of_pytorch_come_as_they_run_and_a_gate_is_part_of_its_convolution():
    import torch

    from pipeline.deepfill.generator import Generator
    from pipeline.deepfill.layout import Layout

    network = Generator(Layout(width=4))
    with torch.inference_mode(), anatomy.watched(network) as rows:
        network(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64))
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64))  # no longer watched

    assert rows[0] == Layer("stage1.conv1", "GatedConv", (64, 64, 2), 5 * 5 * 5 * 4 + 4)
    assert rows[-1].name == "stage2.conv_to_rgb"
    assert len({row.name for row in rows}) == len(rows)
    assert sum(row.parameters for row in rows) == sum(one.numel() for one in network.parameters())


def test_rows_come_back_as_they_were_written(tmp_path):
    rows = [Layer("a", "Conv2D", (4, 6, 8), 10, ("image",)), Layer("b", "ReLU", (4, 6, 8), 0)]
    anatomy.write(tmp_path, rows)

    assert anatomy.read(tmp_path) == rows
    assert anatomy.read(tmp_path / "elsewhere") == []


def test_a_file_of_another_form_is_said(tmp_path):
    (tmp_path / anatomy.FILE).write_text('[{"name": 1}]', "utf-8")

    with pytest.raises(TableError, match=r"layers\.json"):
        anatomy.read(tmp_path)
