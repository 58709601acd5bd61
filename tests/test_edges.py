import numpy as np
import pytest
import torch

from pipeline.deepfill import edges, weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import DeepfillParams, Layout, chosen

HOLE = (slice(30, 70), slice(40, 80))


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run beside each other


def scene(dark):
    """A picture of two greys, 100 x 120, and its hole; ``dark`` says where it is dark."""
    rows, columns = np.mgrid[:100, :120]
    grey = np.where(dark(rows, columns), 60, 190).astype(np.uint8)
    hole = np.zeros((100, 120), bool)
    hole[HOLE] = True
    return grey, hole


def tensors(grey, hole):
    image = torch.from_numpy(np.repeat(grey[None, None], 3, 1)).float() / 127.5 - 1
    return image, torch.from_numpy(hole[None, None]).float()


def guided(dark):
    grey, hole = scene(dark)
    return edges.guide(*tensors(grey, hole))[0, 0].numpy() > 0


def test_a_horizon_is_drawn_through_the_hole():
    found = guided(lambda y, x: y < 50)

    rows, columns = np.nonzero(found[HOLE])
    assert len(set(columns)) == 40
    assert np.abs(rows + 30 - 50).max() <= 1


def test_a_slope_is_drawn_through_the_hole_where_it_would_go_on():
    found = guided(lambda y, x: y < 0.5 * x + 20)

    rows, columns = np.nonzero(found[HOLE])
    assert len(set(columns)) >= 38
    assert np.abs(rows + 30 - (0.5 * (columns + 40) + 20)).max() <= 2.5


def test_an_edge_that_ends_in_the_hole_is_not_drawn_in_it():
    found = guided(lambda y, x: (y < 50) & (x < 60))

    assert found[48:52, 5:30].any()
    assert not found[HOLE].any()


def test_the_surroundings_edges_are_there_and_none_of_the_fillings():
    found = guided(lambda y, x: (x > 10) & (x < 25) & (y > 10) & (y < 90))

    assert found[15:85, 9:13].any(axis=1).all()
    assert not found[:, 37:83].any()


def test_what_lies_in_the_hole_is_never_read():
    grey, hole = scene(lambda y, x: y < 50)
    other = grey.copy()
    other[hole] = np.random.default_rng(0).integers(0, 256, hole.sum())

    first, second = (edges.guide(*tensors(one, hole)) for one in (grey, other))

    assert torch.equal(first, second)


def test_edges_of_a_batch_are_those_of_each_alone():
    images, holes = zip(
        *(tensors(*scene(lambda y, x, at=at: y < at)) for at in (40, 50, 60)), strict=True
    )

    together = edges.guide(torch.cat(images), torch.cat(holes))

    for one, image, hole in zip(together, images, holes, strict=True):
        assert torch.equal(one[None], edges.guide(image, hole))
    assert not torch.equal(together[0], together[1])


def test_without_edges_the_network_is_as_it_was():
    plain = Layout(width=8, fill="smooth", fuse=True)
    asked = DeepfillParams(width=8, fill="smooth", fuse=True, edges=False)

    assert chosen(asked) == plain
    shapes = [Generator(layout).state_dict() for layout in (plain, chosen(asked))]
    assert [t.shape for t in shapes[0].values()] == [t.shape for t in shapes[1].values()]


def test_a_network_with_edges_takes_a_channel_more_in_both_stages_learns_from_it_and_comes_back(
    tmp_path,
):
    layout = chosen(DeepfillParams(width=8, fill="smooth", fuse=True, edges=True))
    network = Generator(layout)
    grey, hole = scene(lambda y, x: y < 50)
    image, cut = tensors(grey[:96], hole[:96])

    network(image, cut)[1].mean().backward()
    weights.save(network, tmp_path)
    back = weights.load(tmp_path)

    assert network.stage1.conv1.conv.weight.shape[1] == 6
    for layer in (network.stage1.conv1, network.stage2.conv_conv1, network.stage2.ca_conv1):
        assert layer.conv.weight.grad[:, -1].any()
    with torch.no_grad():
        full, near = (back(image, cut, near_only=near)[1] for near in (False, True))
    inside = cut.expand_as(image) > 0
    torch.testing.assert_close(near[inside], full[inside], atol=1e-6, rtol=0)
