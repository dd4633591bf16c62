"""Which points are shown, and what travels of them."""

import numpy as np
import pytest
import torch

from latentbook.learning.data import load
from latentbook.learning.dataset import Dataset
from latentbook.press.widgets.members import Event
from latentbook.press.widgets.points import MOST_BYTES, dataset_of, landmarks, points_of

IMAGE, CURVE = Event("image", (1, 2, 2)), Event("curve", (4,))


def images(count, classes=3):
    x = torch.arange(count * 4, dtype=torch.float64).reshape(count, 1, 2, 2) / (count * 4)
    return dataset_of(x, torch.arange(count) % classes)


# ---- data and labels ----


def test_a_data_set_brings_its_labels_and_names():
    dataset = dataset_of(Dataset(torch.rand(4, 3), torch.tensor([1, 0, 1, 1]), classes=["a", "b"]))
    assert (dataset.y.tolist(), dataset.classes) == ([1, 0, 1, 1], ("a", "b"))
    assert dataset_of(dataset, classes=["x", "y"]).classes == ("x", "y")
    assert dataset_of(dataset.subset([1]), classes=["x", "y"]).classes == ("x",)


def test_labels_go_before_those_of_the_data_set():
    dataset = dataset_of(Dataset(torch.rand(3, 3), torch.tensor([1, 0, 1]), classes=["a", "b"]), [5, 2, 2])
    # A class has its colour by its number, whichever are there.
    assert (dataset.y.tolist(), dataset.classes) == ([5, 2, 2], ("0", "1", "2", "3", "4", "5"))


def test_numbers_beyond_the_colours_are_counted_anew():
    dataset = dataset_of(torch.rand(3, 3), [70, 3, 70])
    assert (dataset.y.tolist(), dataset.classes) == ([1, 0, 1], ("3", "70"))


@pytest.mark.parametrize("kind", [lambda y: y, np.array, torch.tensor, lambda y: torch.tensor(y, dtype=torch.uint8)])
def test_labels_of_any_kind(kind):
    assert dataset_of(torch.rand(3, 3), kind([1, 0, 1])).y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "data", [torch.rand(3, 5).float(), np.random.default_rng(0).random((3, 5)), torch.ones(3, 5).byte()]
)
def test_data_of_any_kind(data):
    dataset = dataset_of(data)
    assert (len(dataset), dataset.event_shape, dataset.y) == (3, (5,), None)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[1.0]],), TypeError, "`data` is of type list: pass a Dataset, or a tensor"),
        ((torch.ones(3, 2, dtype=torch.int64),), TypeError, "`data` holds torch.int64: pass floats, or pixels"),
        ((torch.ones(0, 2),), ValueError, r"`data` has shape \(0, 2\): pass at least one example"),
        ((torch.ones(3),), ValueError, r"`data` has shape \(3,\): pass at least one example, as \(N, \*event\)"),
        ((torch.full((3, 2), torch.nan),), ValueError, "`data` has 6 values that are not finite"),
        ((torch.ones(3, 2), [0, 1]), ValueError, r"`labels` has shape \(2,\), but `data` has 3 examples"),
        ((torch.ones(3, 2), [0, 1, -1]), ValueError, "`labels` has -1: classes count from 0"),
        ((torch.ones(3, 2), torch.ones(3)), TypeError, "`labels` holds torch.float32: pass integers"),
        ((torch.ones(3, 2), torch.ones(3) > 0), TypeError, "`labels` holds torch.bool"),
        ((torch.ones(11, 2), range(11)), ValueError, "`labels` has 11 classes, but there are 10 colours"),
        ((torch.ones(3, 2), [0, 1, 2], ["a", "b"]), ValueError, "`classes` has 2 names, but `labels` goes up to 2"),
        ((torch.ones(3, 2), None, ["a"]), ValueError, "`classes` names 1 classes, but there are no labels"),
    ],
)
def test_data_that_do_not_fit(arguments, error, words):
    with pytest.raises(error, match=words):
        dataset_of(*arguments)


# ---- the choice ----


def test_all_points_are_shown_in_their_order():
    data = images(7)
    points = points_of(data, IMAGE, 7, True)
    assert points.x.equal(data.x)
    assert points.labels.tolist() == data.y.tolist()
    assert (points.classes, points.notes) == (["0", "1", "2"], [])


def test_of_too_many_those_at_equal_steps_of_every_class():
    data = images(3000)
    points = points_of(data, IMAGE, 30, False)
    assert points.labels.bincount().tolist() == [10, 10, 10]
    assert points.notes == ["30 of 3,000 points are shown."]
    index = (points.x[:, 0, 0, 0] * 3000).round().long()
    # In the order of the data; a class has 1000 examples, of which every hundredth is taken.
    assert index.tolist() == sorted(index.tolist())
    assert index[points.labels == 1].tolist() == [300 * k + 1 for k in range(10)]


def test_small_classes_leave_room_to_the_others():
    y = torch.tensor([0] * 500 + [1] * 3)
    points = points_of(dataset_of(torch.rand(503, 4), y), CURVE, 20, True)
    assert points.labels.bincount().tolist() == [17, 3]


def test_without_labels_at_equal_steps():
    x = torch.arange(100.0)[:, None].expand(100, 2)
    points = points_of(dataset_of(x), None, 10, True)
    assert points.x[:, 0].tolist() == list(range(0, 100, 10))
    assert (points.labels, points.classes) == (None, [])


def test_points_keep_the_numbers_of_their_classes():
    points = points_of(dataset_of(torch.rand(4, 2), [2, 1, 2, 1]), None, 9, True)
    assert (points.labels.tolist(), points.classes) == ([2, 1, 2, 1], ["0", "1", "2"])


@pytest.mark.parametrize(
    ("most", "words"), [(0, "`max_points` is 0: pass 1 or more"), (2, "leaves room for 2, but there are 3 classes")]
)
def test_too_little_room(most, words):
    with pytest.raises(ValueError, match=words):
        points_of(images(9), IMAGE, most, True)


# ---- examples ----


def test_grey_levels_travel_as_bytes():
    x = torch.tensor([0.0, 0.5, 1.0, 0.2]).reshape(1, 1, 2, 2)
    points = points_of(dataset_of(x), IMAGE, 9, True)
    assert (points.kind, list(points.examples)) == ("uint8", [0, 128, 255, 51])


def test_pixels_travel_as_they_are_held():
    x = torch.arange(256, dtype=torch.uint8).reshape(64, 1, 2, 2)
    assert points_of(Dataset(x), IMAGE, 100, True).examples == x.numpy().tobytes()


def test_digits_come_back_exactly():
    digits = load("digits", "test", device="cpu")
    found = np.frombuffer(points_of(digits, Event("image", (1, 8, 8)), 1000, True).examples, np.uint8)
    # Sixteen steps, which a byte tells apart.
    assert (np.round(found / 255 * 16) == digits.x.numpy().flatten()).all()


def test_other_events_travel_in_half_precision():
    x = torch.randn(5, 4)
    points = points_of(dataset_of(x), CURVE, 9, True)
    assert (points.kind, points.examples) == ("half", x.numpy().astype("<f2").tobytes())


def test_examples_stay_at_home():
    for event, wanted in ((IMAGE, False), (None, True)):
        points = points_of(images(9), event, 9, wanted)
        assert (points.kind, points.examples, points.notes) == ("", b"", [])


def test_points_are_fewer_where_more_examples_do_not_fit():
    event = Event("image", (1, 40, 50))
    points = points_of(Dataset(torch.zeros(600, 1, 40, 50, dtype=torch.uint8)), event, 1000, True)
    assert len(points.x) == 500
    assert (points.kind, len(points.examples)) == ("uint8", MOST_BYTES)
    assert points.notes == ["500 of 600 points are shown."]


def test_examples_go_where_too_few_would_fit():
    event = Event("image", (1, 80, 80))
    points = points_of(Dataset(torch.zeros(250, 1, 80, 80, dtype=torch.uint8)), event, 240, True)
    assert (len(points.x), points.kind, points.examples) == (240, "", b"")
    assert points.notes == [
        "240 of 250 points are shown.",
        "The examples are too large to be shown here; their reconstructions are.",
    ]
    # A few of them fit all.
    assert points_of(Dataset(torch.zeros(9, 1, 80, 80, dtype=torch.uint8)), event, 240, True).kind == "uint8"


@pytest.mark.parametrize(("x", "event"), [(torch.full((1, 1, 2, 2), 1.1), IMAGE), (-torch.ones(1, 1, 2, 2), IMAGE)])
def test_values_that_are_no_grey_levels(x, event):
    with pytest.raises(ValueError, match=r"`data` has images with values from .* but grey levels are in \[0, 1\]"):
        points_of(dataset_of(x), event, 9, True)
    assert points_of(dataset_of(x), event, 9, False).kind == ""


def test_values_that_half_precision_does_not_hold():
    with pytest.raises(ValueError, match="`data` has a number of size 100000"):
        points_of(dataset_of(torch.full((1, 4), 1e5)), CURVE, 9, True)


def test_drawn_pixels_are_drawn_alike_and_leave_the_generator():
    data = Dataset(torch.full((9, 1, 2, 2), 0.5)).binarized("dynamic")
    before = torch.get_rng_state()
    first, second = points_of(data, IMAGE, 9, True), points_of(data, IMAGE, 9, True)
    assert first.x.equal(second.x)
    assert set(first.x.flatten().tolist()) == {0.0, 1.0}
    assert torch.get_rng_state().equal(before)


# ---- landmarks ----


def test_a_path_joins_the_middles_of_the_first_and_the_last_class():
    middle = torch.tensor([[-5.0, 0.0], [0.0, 0.0], [5.0, 0.0]])
    steps = torch.tensor([[0.3, 0.3], [0.0, 0.0], [-0.3, 0.3], [0.3, -0.3], [-0.3, -0.3]])
    codes = (middle[:, None] + steps).reshape(15, 2)
    labels = torch.arange(3).repeat_interleave(5)
    probe, start, end = landmarks(codes, labels)
    assert (start, end) == (1, 11)
    # The probe is in a class between, and not on its middle.
    assert labels[probe] == 1
    assert probe != 6


@pytest.mark.parametrize("labels", [None, torch.zeros(20, dtype=torch.int64)])
def test_without_classes_a_path_joins_what_is_far_apart(labels):
    codes = torch.randn(20, 2)
    probe, start, end = landmarks(codes, labels)
    assert (codes[start] - codes[end]).norm() > 0.5 * torch.cdist(codes, codes).max()
    assert (codes[probe] - codes.median(0).values).norm() < 1


def test_one_point_is_all_landmarks():
    assert landmarks(torch.ones(1, 2), None) == (0, 0, 0)
    assert landmarks(torch.ones(1, 2), torch.tensor([3])) == (0, 0, 0)
