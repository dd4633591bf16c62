"""Crops and mirrors: each a window of the padded image, all of them as likely, and nothing that the host decides."""

import pytest
import torch
from torch.nn.functional import pad

from latentbook.learning.augment import cropped_and_flipped

MARGIN, SIDES = 2, (5, 6)
CHOICES = (2 * MARGIN + 1) ** 2


def windows(image):
    """Return every window of an image with a border, then those of its mirror image."""
    height, width = SIDES
    padded = pad(image, [MARGIN] * 4)
    moves = range(2 * MARGIN + 1)
    plain = [padded[:, row : row + height, column : column + width] for row in moves for column in moves]
    return torch.stack([*plain, *(window.flip(-1) for window in plain)])


def test_every_window_and_its_mirror_image_is_as_likely(device):
    """8,000 draws in 50 cells: the statistic of Pearson is chi-square of 49 degrees, above 94 once in 10,000."""
    image, count = torch.rand(3, *SIDES, device=device), 8000
    made = cropped_and_flipped(image.expand(count, -1, -1, -1), margin=MARGIN, generator=_generator(device))
    same = (made[:, None] == windows(image)).flatten(2).all(-1)
    assert same.sum(1).eq(1).all()
    seen, expected = same.sum(0).double(), count / (2 * CHOICES)
    assert ((seen - expected) ** 2 / expected).sum() < 94


def test_images_of_a_batch_are_moved_apart_and_keep_their_colours_together(device):
    x = torch.rand(64, 3, *SIDES, device=device)
    made = cropped_and_flipped(x, margin=MARGIN, generator=_generator(device))
    assert made.shape == x.shape
    assert made.is_contiguous()
    which = [(one == windows(image)).flatten(1).all(1).nonzero().item() for image, one in zip(x, made, strict=True)]
    assert len({*which}) > 25


def test_without_a_margin_images_are_mirrored_alone(device):
    x = torch.rand(64, 1, *SIDES, device=device)
    made = cropped_and_flipped(x, margin=0, generator=_generator(device))
    left, mirrored = ((made == seen).flatten(1).all(1) for seen in (x, x.flip(-1)))
    assert (left ^ mirrored).all()
    # 32 on the average, with a standard deviation of 4.
    assert 16 < mirrored.sum() < 48


def test_the_generator_decides_alone(device):
    x = torch.rand(16, 1, *SIDES, device=device)
    before = torch.get_rng_state()
    one, same = (cropped_and_flipped(x, margin=MARGIN, generator=_generator(device)) for _ in range(2))
    assert same.equal(one)
    assert torch.get_rng_state().equal(before)
    assert not cropped_and_flipped(x, margin=MARGIN, generator=_generator(device, 1)).equal(one)


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match="`margin` is -1, but must be at least 0"):
        cropped_and_flipped(torch.rand(2, 1, *SIDES), margin=-1)


def _generator(device, seed=0):
    return torch.Generator(device).manual_seed(seed)
