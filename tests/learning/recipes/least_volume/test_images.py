"""The data of an experiment: as they come, at paper scale as large as the original's."""

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes.least_volume import images, load_data, one_of_each, settings


def test_digits_come_as_they_are():
    training, test = load_data(settings(scale="smoke", device="cpu"))
    assert (training.event_shape, len(training), len(test)) == ((1, 8, 8), 1400, 397)


def test_the_original_s_images_have_32_pixels():
    training, test = load_data(settings(scale="paper", device="cpu"))
    assert training.event_shape == test.event_shape == (1, 32, 32)
    assert "Resized to 32 x 32." in training.note
    plain, _ = load_data(settings(scale="book", device="cpu"))
    # Enlarging keeps an image's mean; pixels are rounded to a sixteenth, four of them to one.
    torch.testing.assert_close(training[:].mean((1, 2, 3)), plain[:].mean((1, 2, 3)), atol=0.02, rtol=0)


@pytest.mark.parametrize(("scale", "counts"), [("book", [None, None]), ("paper", [30_000, 6_000])])
def test_synthetic_images_are_as_many_as_the_original_s(monkeypatch, scale, counts):
    asked = []

    def load(name, split, *, device, count=None):
        asked.append(count)
        return Dataset(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))

    monkeypatch.setattr(images, "load", load)
    load_data(settings(scale=scale, dataset="sprites", device="cpu"))
    assert asked == counts


@pytest.mark.parametrize(
    ("labels", "shown"),
    [([1, 1, 0, 0, 1, 2], [2, 0, 5, 3]), ([0, 0, 0, 0, 0, 0], [0, 1, 2, 3]), (None, [0, 1, 2, 3])],
)
def test_images_to_look_at_are_the_first_of_every_class_first(labels, shown):
    y = None if labels is None else torch.tensor(labels)
    assert one_of_each(Dataset(torch.rand(6, 1, 2, 2), y), 4) == shown
