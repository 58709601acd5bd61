import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from training import MOVING, PLAIN, REPORT, SHAPE, digests, export, paths, settle, squares

from pipeline import losses, outcomes, params, photos, recipes, train, unet
from pipeline.augment import STILL
from pipeline.errors import ParamsError, TrainingError
from pipeline.unet import UnetParams

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

masks = arrays(np.uint8, (2, 4, 5), elements=st.integers(0, 3))


def fitted(shape, params, train_photos, valid_photos, labels=1):
    import keras

    keras.utils.set_random_seed(params.seed)
    names = ["background", *"abc"[:labels]]
    trainer = train.Trainer(unet.build(shape, labels), unet.card(shape, names, None), params)
    return trainer, list(trainer.fit(train_photos, valid_photos))


@pytest.fixture(scope="module")
def learned():
    return fitted(SHAPE, PLAIN, squares(8), squares(4))


def test_training_lowers_the_loss(learned):
    _, rows = learned

    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]


def test_a_row_an_epoch_has_the_tables_columns(learned):
    _, rows = learned

    table = outcomes.HISTORY.frame(rows)
    assert table["epoch"].tolist() == [1, 2, 3, 4]
    assert table["learning_rate"].is_monotonic_decreasing
    assert table[["iou", "val_iou"]].stack().between(0, 1).all()


def test_the_network_that_is_kept_is_the_best_of_all_epochs(learned):
    trainer, rows = learned
    valid = squares(4)

    labels = unet.decided(trainer.logits(valid.images), 0)

    best = max(row["val_iou"] for row in rows)
    assert losses.ious(valid.masks, labels, 2).mean() == pytest.approx(best)


def test_the_threshold_is_one_of_those_tried(learned):
    trainer, _ = learned

    assert train.threshold(trainer, squares(4)) in train.THRESHOLDS
    assert train.threshold(trainer, photos.stack([], 32)) == 0.5


def test_several_categories_train_without_valid_images():
    params = msgspec.structs.replace(PLAIN, epochs=1)

    trainer, rows = fitted(SHAPE, params, squares(3, labels=3), photos.stack([], 32), labels=3)

    assert np.isfinite(rows[0]["loss"])
    assert np.isnan(rows[0]["val_iou"])
    assert train.threshold(trainer, squares(2, labels=3)) is None


def test_a_loss_that_is_no_number_stops_with_its_cure():
    params = msgspec.structs.replace(PLAIN, learning_rate=1e30, clip=0, epochs=8)

    with pytest.raises(TrainingError, match=r"lower train.learning_rate.*1e\+30"):
        fitted(REPORT, params, squares(8), photos.stack([], 32))


def test_epochs_at_full_size_that_are_no_better_end_the_training():
    """A rate of next to nothing: of the full-size epochs, the first is as good as any."""
    shape = msgspec.structs.replace(REPORT, size=64)
    still = msgspec.structs.replace(
        PLAIN, learning_rate=1e-30, weight_decay=0, ema=0, epochs=8, small_share=0.5, patience=2
    )

    _, rows = fitted(shape, still, squares(2, 64), squares(2, 64))

    assert [row["size"] for row in rows] == [32] * 4 + [64] * 3


def test_nothing_to_train_on_stops_with_its_cure():
    with pytest.raises(TrainingError, match=r"train.exclude"):
        fitted(SHAPE, PLAIN, photos.stack([], 32), squares(2))


def test_no_category_to_learn_stops_with_its_cure():
    network = unet.build(SHAPE, 1)

    with pytest.raises(TrainingError, match="names no category"):
        train.Trainer(network, unet.card(SHAPE, ["background"], None), PLAIN)


def test_the_reports_recipe_is_adam_and_cross_entropy_alone():
    plain = recipes.recipe(msgspec.structs.replace(PLAIN, fresh_epochs=7), "seed", 8)

    assert (plain.epochs, plain.learning_rate, plain.dice, plain.ema) == (7, 0.001, 0, 0)
    assert {recipes.rate(step, 100, plain) for step in range(100)} == {0.001}
    assert plain.augment == STILL


def test_losses_that_are_more_than_the_whole_are_refused():
    section = msgspec.to_builtins(PLAIN) | {"dice": 0.7, "lovasz": 0.4}

    with pytest.raises(ParamsError, match=r"dice 0.7 and lovasz 0.4 are more than 1"):
        params.convert(recipes.TrainParams, section, "train")


@pytest.mark.parametrize(
    ("images", "epochs"),
    [(None, 10), (200, 36), (8, 50), (9, 36), (1, 50), (0, 50)],
    ids=["known", "large", "a batch", "two batches", "one image", "none"],
)
def test_what_begins_anew_learns_longer_the_fewer_images_there_are(images, epochs):
    """By hand: batches of 8, and 50 steps at least."""
    settings = msgspec.structs.replace(
        PLAIN, epochs=10, fresh_epochs=36, fresh_steps=50, learning_rate=1, fresh_rate=4, batch=8
    )

    made = recipes.recipe(settings, "default", images)

    assert (made.epochs, made.learning_rate) == (epochs, 1 if images is None else 4)


@pytest.mark.parametrize(
    ("epochs", "share", "expected"),
    [(4, 0.75, [64, 64, 64, 160]), (1, 1.0, [160]), (2, 0.0, [160, 160]), (3, 1, [64, 64, 160])],
    ids=["mostly small", "one epoch is full", "none small", "the last is always full"],
)
def test_small_epochs_come_first(epochs, share, expected):
    params = msgspec.structs.replace(PLAIN, epochs=epochs, small_size=64, small_share=share)

    assert recipes.sizes(params, 160) == expected


def test_the_learning_rate_rises_then_falls():
    params = msgspec.structs.replace(PLAIN, warmup=0.1, learning_rate=0.01, final_rate=0.1)

    rates = np.array([recipes.rate(step, 200, params) for step in range(200)])

    assert rates.argmax() == 20
    assert rates.max() == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(0.001, rel=0.01)
    assert (np.diff(rates)[:20] > 0).all()
    assert (np.diff(rates)[20:] < 0).all()


def test_of_equal_thresholds_the_one_nearest_the_middle_is_chosen():
    limits = np.array([0.2, 0.4, 0.6, 0.8])

    assert train.choose(limits, np.array([0.9, 0.7, 0.9, 0.9])) == 0.6


@given(truth=masks, predicted=masks)
def test_overlap_agrees_with_the_definition_on_sets_of_pixels(truth, predicted):
    fast = losses.ious(truth, predicted, 4)

    for index in range(2):
        slow = []
        for label in (1, 2, 3):
            a = {tuple(p) for p in np.argwhere(truth[index] == label)}
            b = {tuple(p) for p in np.argwhere(predicted[index] == label)}
            if a | b:
                slow.append(len(a & b) / len(a | b))
        np.testing.assert_allclose(fast[index], np.mean(slow) if slow else np.nan)


def test_a_perfect_mask_overlaps_wholly_and_an_empty_one_has_no_score():
    truth = np.zeros((2, 4, 4), np.uint8)
    truth[0, 1:3, 1:3] = 1

    overlap = losses.ious(truth, truth, 2)

    assert overlap[0] == 1
    assert np.isnan(overlap[1])


def test_one_step_of_a_wrong_label_costs_more_than_a_right_one():
    truth = np.zeros((1, 2, 2), np.uint8)
    truth[0, 0, 0] = 2
    right, wrong = np.eye(4)[truth] * 9, np.eye(4)[(truth + 1) % 4] * 9
    weights = np.ones(4, np.float32)

    costs = [float(losses.loss(truth, x.astype(np.float32), weights, 0.5)) for x in (right, wrong)]

    assert costs[0] < 0.1 < costs[1]


def test_a_category_that_is_nowhere_costs_no_overlap():
    drawn = np.zeros((1, 2, 2, 2), np.float32)
    drawn[..., 0] = 1
    likely = np.stack([np.ones((1, 2, 2)), np.full((1, 2, 2), 0.4)], axis=-1).astype(np.float32)

    assert float(losses.dice_loss(drawn, likely)) == pytest.approx(0, abs=1e-6)


def lovasz(drawn, wrong):
    """The Choquet integral over thresholds: what the smooth loss is defined as, by sets."""
    total, last = 0.0, 0.0
    for limit in np.unique(wrong[wrong > 0]):
        mistaken = wrong >= limit
        found = ((drawn > 0) & ~mistaken).sum() / ((drawn > 0) | mistaken).sum()
        total += (limit - last) * (1 - found)
        last = limit
    return total


errors = arrays(np.float32, (2, 3, 4, 2), elements=st.integers(0, 5).map(lambda n: n / 4))
drawings = arrays(np.float32, (2, 3, 4, 2), elements=st.sampled_from([0.0, 1.0]))


@given(drawn=drawings, wrong=errors)
def test_the_smooth_overlap_loss_is_the_integral_it_is_defined_as(drawn, wrong):
    expected = []
    for image in range(2):
        costs = [
            lovasz(drawn[image, ..., k], wrong[image, ..., k])
            for k in range(2)
            if drawn[image, ..., k].any()
        ]
        expected.append(np.mean(costs) if costs else 0.0)

    assert float(losses.lovasz_loss(drawn, wrong)) == pytest.approx(np.mean(expected), abs=1e-5)


def test_a_pixel_is_wrong_by_the_hinge_or_by_its_probability():
    truth = np.array([[[0, 1]]], np.uint8)
    one = np.array([[[[0.5], [3.0]]]], np.float32)
    several = np.log(np.array([[[[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]]]], np.float32))

    np.testing.assert_allclose(losses.wrongness(truth, one)[0, 0, :, 0], [1.5, 0], atol=1e-6)
    np.testing.assert_allclose(
        losses.wrongness(truth, several)[0, 0], [[0.2, 0.1], [0.6, 0.1]], atol=1e-6
    )


def test_shares_of_the_losses_add_up():
    truth = squares(2).masks
    logits = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)
    ones = np.ones(2, np.float32)
    entropy, dice, smooth = (
        float(losses.loss(truth, logits, ones, *shares)) for shares in ((0, 0), (1, 0), (0, 1))
    )

    mixed = float(losses.loss(truth, logits, ones, 0.25, 0.25))

    assert mixed == pytest.approx(0.5 * entropy + 0.25 * dice + 0.25 * smooth, rel=1e-5)


def test_rare_labels_weigh_more_and_the_mean_pixel_weighs_one():
    drawn = np.array([[[0] * 90 + [1] * 9 + [2]]], np.uint8)

    weights = losses.label_weights(drawn, 3, 0.5)

    assert weights[0] < weights[1] < weights[2]
    assert weights[1] / weights[0] == pytest.approx(np.sqrt(10), rel=1e-5)
    assert (weights * [0.9, 0.09, 0.01]).sum() == pytest.approx(1, rel=1e-5)


def test_two_runs_of_the_stage_write_the_same_bytes(tmp_path, monkeypatch):
    from stages.train import main

    export(tmp_path, {"train": 3, "valid": 1})
    settings = msgspec.structs.replace(PLAIN, epochs=2, augment=MOVING, small_share=0.5)
    settle(tmp_path, SHAPE, settings)
    monkeypatch.chdir(tmp_path)

    lines = [main(*paths(tmp_path, run)) for run in ("first", "second")]

    first, second = (digests(tmp_path / run) for run in ("first", "second"))
    assert first == second
    assert {"model/unet.weights.h5", "model/model.json", "history.csv", "live/metrics.json"} <= set(
        first
    )
    assert "2 epochs: IoU" in lines[0]
    assert params.load(UnetParams, "unet") == SHAPE
