"""The drawing of a network, from layers that are written down by hand."""

from pipeline import blueprint
from pipeline.anatomy import Layer


def layer(name, side, channels, takes=(), kind="Conv2D", held=1):
    return Layer(name, kind, (side, side, channels), held, takes)


U = [
    Layer("image", "InputLayer", (64, 64, 3), 0),
    layer("a", 64, 8, ("image",)),
    layer("b", 64, 8, ("a",)),
    layer("c", 32, 16, ("b",)),
    layer("d", 16, 32, ("c",)),
    layer("up1", 32, 32, ("d",), "UpSampling2D", 0),
    layer("join1", 32, 48, ("up1", "c"), "Concatenate", 0),
    layer("e", 32, 16, ("join1",)),
    layer("up2", 64, 16, ("e",), "UpSampling2D", 0),
    layer("join2", 64, 24, ("up2", "b"), "Concatenate", 0),
    layer("f", 64, 1, ("join2",)),
]


def test_layers_of_one_size_in_a_row_are_one_block():
    drawn = blueprint.draw(U)

    assert [block.size for block in drawn.blocks] == [
        (64, 64), (32, 32), (16, 16), (32, 32), (64, 64)
    ]  # fmt: skip
    assert [block.convolutions for block in drawn.blocks] == [2, 1, 1, 1, 1]
    assert [block.channels for block in drawn.blocks] == [8, 16, 32, 16, 1]
    assert (drawn.layers, drawn.parameters) == (11, 6)


def test_a_u_goes_down_and_up_again_and_skips_lie_level():
    drawn = blueprint.draw(U)
    one, two, three, four, five = drawn.blocks

    assert one.y < two.y < three.y > four.y > five.y
    assert (one.y, two.y) == (five.y, four.y)
    assert one.x < two.x < three.x < four.x < five.x
    assert [(x1 < x2, y1 == y2) for x1, y1, x2, y2 in drawn.skips] == [(True, True)] * 2
    assert len(drawn.flows) == 4
    assert drawn.lanes == []


def test_size_is_height_and_channels_are_width():
    one, two, three, *_ = blueprint.draw(U).blocks

    assert one.height > two.height > three.height
    assert one.width < two.width < three.width


def test_branches_lie_below_each_other_and_join_behind():
    rows = [
        layer("stage1.conv1", 64, 8),
        layer("stage1.conv2", 32, 8),
        layer("stage2.ca_conv1", 64, 8),
        layer("stage2.contextual_attention", 32, 8, kind="ContextualAttention", held=0),
        layer("stage2.conv_conv1", 64, 8),
        layer("stage2.conv_conv_bn1", 32, 8),
        layer("stage2.conv_bn6", 32, 8),
    ]
    drawn = blueprint.draw(rows)
    _, coarse, copied, attention, imagined, imagined_end, joint = drawn.blocks

    assert copied.x == imagined.x > coarse.x
    assert copied.y < coarse.y < imagined.y
    assert joint.x > attention.x == imagined_end.x
    assert joint.y == coarse.y
    assert [lane for _, _, lane in drawn.lanes] == ["stage1", "copied", "imagined", "stage2"]
    assert (drawn.lanes[1][0], drawn.lanes[3][0]) == (copied.x, joint.x)
    assert attention.special == "ContextualAttention"
    # two within the first stage and each branch, one to each branch, one from each to the joint
    assert len(drawn.flows) == 1 + 2 + 2 + 2


def test_nothing_is_drawn_of_nothing():
    assert blueprint.draw([]) is None
    assert blueprint.draw(U[:1]) is None


def test_all_lies_within_the_drawing():
    drawn = blueprint.draw(U)

    for block in drawn.blocks:
        assert block.x - block.width / 2 > 0
        assert block.x + block.width / 2 < drawn.width
        assert block.y - block.height / 2 > 0
        assert block.text_y + 14 < drawn.height
