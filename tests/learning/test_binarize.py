"""Drawn pixels have the grey levels as means, and a fixed draw is one draw."""

import math
import os
from pathlib import Path

import pytest
import torch

from latentbook.learning import binarize as room
from latentbook.learning.binarize import binarize, binarize_fixed, require_unit_interval
from latentbook.learning.data import load

MNIST = Path(os.environ.get("LATENTBOOK_DATA") or ".") / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
real = pytest.mark.skipif(not MNIST.is_file(), reason="needs LATENTBOOK_DATA=<folder> with MNIST/raw in it")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_means_converge_to_the_grey_levels(dtype, device):
    """A mean of 10,000 draws of level p has a standard error of sqrt(p (1 - p) / 10,000), at most 0.005."""
    p = torch.linspace(0, 1, 11, dtype=dtype, device=device)
    drawn = binarize(p.expand(10_000, 11), torch.Generator(device).manual_seed(0))
    assert (drawn.dtype, drawn.device) == (p.dtype, p.device)
    assert ((drawn == 0) | (drawn == 1)).all()
    # Eleven cells: a 5-sigma event in any of them has probability 6e-6.
    assert ((drawn.mean(0) - p).abs() <= 5 * (p * (1 - p) / 10_000).sqrt() + 1e-6).all()


@pytest.mark.parametrize("full_scale", [16, 255])
def test_a_fixed_draw_has_the_same_means(full_scale):
    levels = torch.arange(full_scale + 1, dtype=torch.uint8)
    p = levels / full_scale
    mean = binarize_fixed(levels.expand(4000, -1), 0, full_scale).double().mean(0)
    # 5 standard errors of 4,000 draws; near 0 and 1 a single hit counts as well.
    assert ((mean - p).abs() <= 5 * (p * (1 - p) / 4000).sqrt() + 1 / 4000).all()
    assert (mean[0], mean[-1]) == (0, 1)


def test_a_fixed_draw_does_not_depend_on_what_it_is_drawn_from(monkeypatch, device):
    x = torch.randint(256, (50, 3), dtype=torch.uint8)
    once = binarize_fixed(x, 1)
    assert once.dtype == torch.uint8
    assert binarize_fixed(x / 255, 1).equal(once)
    assert binarize_fixed(x.to(device), 1).cpu().equal(once)
    before = torch.get_rng_state()
    monkeypatch.setattr(room, "CHUNK", 7)
    assert binarize_fixed(x, 1).equal(once)
    assert torch.get_rng_state().equal(before)


def test_a_fixed_draw_is_written_down():
    """Another draw would change every likelihood that rests on it."""
    assert binarize_fixed(torch.full((12,), 0.5), 0).tolist() == [0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("draw", [binarize, binarize_fixed, require_unit_interval])
@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0, math.nan])
def test_what_is_no_probability_is_refused(draw, value):
    with pytest.raises(ValueError, match=r"`x` goes from .* to .*, but must be in \[0, 1\] here: rescale it, or pass"):
        draw(torch.tensor([0.5, value]))


def test_the_ends_are_probabilities():
    require_unit_interval(torch.tensor([0.0, 1.0]))
    require_unit_interval(torch.zeros(0))


@real
@pytest.mark.parametrize("kind", ["dynamic", "fixed"])
def test_mnist_drawn_has_its_grey_levels_as_means(kind, device):
    """A grey level is x / 255. Where that is forgotten every pixel above 0 is drawn: 19 % of them, not 13 %."""
    grey = load("mnist", "test", device=str(device))
    share, lit = grey[:].mean().item(), (grey.x > 0).double().mean().item()
    assert (share, lit) == (pytest.approx(0.1325, abs=1e-4), pytest.approx(0.1927, abs=1e-4))
    drawn = grey.binarized(kind)
    once, twice = drawn[:], drawn[:]
    assert once.equal(twice) == (kind == "fixed")
    assert ((once == 0) | (once == 1)).all()
    # The variance of the mean of 7.84 million pixels, each on its own: one draw has a standard error of 5e-5.
    error = (grey[:] * (1 - grey[:])).sum().sqrt().item() / once.numel()
    assert abs(once.mean().item() - share) < 5 * error
    # And level by level: 256 cells, of which one beyond 5 standard errors has probability 1.5e-4.
    level = grey.x.flatten().long()
    counts = level.bincount(minlength=256)
    p = torch.arange(256, device=counts.device) / 255
    means = once.flatten().double().new_zeros(256).index_add(0, level, once.flatten().double()) / counts
    assert ((means - p).abs() <= 5 * (p * (1 - p) / counts).sqrt()).all()


@real
def test_mnist_s_batches_are_drawn_anew():
    """Two draws of one image differ, and many of them average to it."""
    drawn = load("mnist", "test", device="cpu").subset([0]).binarized("dynamic")
    generator = torch.Generator().manual_seed(0)
    batch = drawn.batch(4000, generator)
    assert not batch[0].equal(batch[1])
    p = drawn.x[0] / 255
    # 784 cells: one beyond 5 standard errors has probability 4.5e-4, and a single hit counts as well.
    assert ((batch.mean(0) - p).abs() <= 5 * (p * (1 - p) / 4000).sqrt() + 1 / 4000).all()
