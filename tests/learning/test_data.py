"""What `load` returns: digits, splits, options, and what it refuses."""

import hashlib
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from latentbook.learning import data
from latentbook.learning.data import DATASETS, Dataset, load

# Counted once in the sources: scikit-learn's file and the four label files of each data set.
DIGITS_PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


# ---- digits, and what holds for every name ---------------------------------------------------------------------------


def test_digits_are_the_source_each_once():
    from sklearn.datasets import load_digits

    source = torch.from_numpy(load_digits().images).reshape(-1, 64)
    labels = torch.from_numpy(load_digits().target)
    train, test, both = load("digits"), load("digits", "test"), load("digits", "all")
    assert (train.x.shape, test.x.shape) == ((1400, 1, 8, 8), (397, 1, 8, 8))
    assert torch.cat([train.x, test.x]).equal(both.x)
    assert torch.cat([train.y, test.y]).equal(both.y)
    assert both.y.bincount().tolist() == DIGITS_PER_CLASS

    def rows(x, y):
        return sorted(map(tuple, torch.cat([x.flatten(1).long(), y[:, None]], 1).tolist()))

    assert rows(both.x, both.y) == rows(source, labels)


def test_digits_reach_from_zero_to_one():
    digits = load("digits")
    assert (digits.full_scale, digits.x.dtype) == (16, torch.uint8)
    assert (digits[:].min(), digits[:].max()) == (0, 1)
    assert digits.classes == tuple("0123456789")
    assert "not comparable" in digits.note


def test_digits_keep_their_order():
    """Written down once: another order would change every number in the book."""
    assert load("digits").y[:12].tolist() == [6, 5, 5, 7, 9, 9, 8, 4, 6, 8, 6, 0]
    assert load("digits", "test").y[:12].tolist() == [0, 6, 0, 3, 4, 0, 6, 0, 3, 5, 3, 8]
    found = hashlib.md5(load("digits").x.numpy().tobytes(), usedforsecurity=False).hexdigest()
    assert found == "fa4e6eb838077258338ff97fb112db94"


def test_loading_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    load("digits")
    assert torch.get_rng_state().equal(before)


def enlarged_exactly(image, size):
    """Bilinear interpolation between pixel centres, in fractions, half rounded up."""

    def weights(i):
        centre = min(max((Fraction(2 * i + 1, 2) * 8 / size) - Fraction(1, 2), 0), 7)
        low = min(int(centre), 6)
        return low, centre - low

    def value(i, j):
        (a, s), (b, t) = weights(i), weights(j)
        top = (1 - t) * image[a][b] + t * image[a][b + 1]
        bottom = (1 - t) * image[a + 1][b] + t * image[a + 1][b + 1]
        return math.floor(((1 - s) * top + s * bottom) * 255 / 16 + Fraction(1, 2))

    return [[value(i, j) for j in range(size)] for i in range(size)]


@pytest.mark.parametrize("size", [9, 28, 32])
def test_enlarged_digits_are_the_bilinear_ones(size):
    small, large = load("digits", "test"), load("digits", "test", size=size)
    assert (large.x.dtype, large.full_scale, large.image_shape) == (torch.uint8, 255, (1, size, size))
    assert large.y.equal(small.y)
    assert f"8 x 8 to {size} x {size}" in large.note
    for k in range(5):
        assert large.x[k, 0].tolist() == enlarged_exactly(small.x[k, 0].tolist(), size)


def test_digits_at_their_own_size_are_untouched():
    assert load("digits", size=8).x.equal(load("digits").x)
    assert load("digits", size=8).full_scale == 16


def test_held_out_examples_are_the_last_of_the_training_part():
    whole = load("digits")
    train, val = load("digits", held_out=200), load("digits", "val", held_out=200)
    assert (len(train), len(val)) == (1200, 200)
    assert torch.cat([train.x, val.x]).equal(whole.x)
    assert torch.cat([train.y, val.y]).equal(whole.y)
    assert "last 200 of 1400 training examples" in train.note
    assert "last 200" not in whole.note
    for split in ("test", "all"):
        assert load("digits", split, held_out=200).x.equal(load("digits", split).x)
    assert len(load("digits", held_out=1399)) == 1


def test_data_are_on_the_device_asked_for(device):
    digits = load("digits", device=str(device))
    assert digits.device.type == digits.y.device.type == digits[:3].device.type == device.type
    assert load("digits", device="cpu").device == torch.device("cpu")


def test_another_data_set_is_one_entry_of_the_table(monkeypatch):
    def ramp(part):
        return Dataset(torch.arange(6.0)[:, None] + (0 if part == "train" else 6), name="ramp")

    monkeypatch.setitem(DATASETS, "ramp", ramp)
    assert load("ramp", "all")[:].flatten().tolist() == list(range(12))
    assert load("ramp", "val", held_out=2)[:].flatten().tolist() == [4, 5]
    assert load("ramp").y is None


DRAWN = {"sprites": {"size": 8}, "clock": {"size": 8}, "curve": {}, "noisy-surface": {}}


@pytest.mark.parametrize("name", DRAWN)
def test_splits_of_drawn_sets(name, device):
    options = {**DRAWN[name], "count": 20, "device": str(device)}
    train, val = (load(name, split, held_out=5, **options) for split in ("train", "val"))
    whole, test, both = (load(name, split, **options) for split in ("train", "test", "all"))
    assert (len(train), len(val), len(test), len(both)) == (15, 5, 20, 40)
    assert train.factors.device.type == device.type
    for field in ("x", "factors"):
        a, b, c, d, e = (getattr(part, field) for part in (train, val, whole, test, both))
        assert torch.cat([a, b]).equal(c)
        assert torch.cat([c, d]).equal(e)
        assert not c.equal(d)
    assert both.factor_names == train.factor_names
    assert load(name, **options).x.equal(whole.x)
    assert not load(name, seed=1, **options).x.equal(whole.x)


@pytest.mark.parametrize("name", DRAWN)
def test_drawing_does_not_depend_on_the_default_dtype_or_the_global_generator(name):
    in_double = load(name, count=10)
    torch.set_default_dtype(torch.float32)
    before = torch.get_rng_state()
    in_single = load(name, count=10)
    assert torch.get_rng_state().equal(before)
    assert in_single.factors.equal(in_double.factors.float())
    assert in_single.x.equal(in_double.x.to(in_single.x.dtype))


def test_held_out_examples_keep_what_the_set_is_called():
    val = load("clock", "val", count=10, held_out=3, size=8)
    assert (val.name, val.factor_names) == ("clock", ("hour", "minute"))
    assert "last 3 of 10 training examples" in val.note


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        (
            ("mnits",),
            {},
            ValueError,
            r"`name` is 'mnits', which is unknown: pass one of .*'digits',.*'fashion', 'mnist'",
        ),
        ((0,), {}, TypeError, r"`name` is 0, not a string: pass one of .*'digits',.*'fashion', 'mnist'"),
        (("digits", "valid"), {}, ValueError, r"`split` is 'valid', .*: pass one of \['all', 'test', 'train', 'val'\]"),
        (("digits", 1), {}, TypeError, r"`split` is 1, not a string: pass one of \['all', 'test', 'train', 'val'\]"),
        (("digits", "val"), {}, ValueError, r"`held_out` is 0, .*pass the same `held_out=` to 'val' and to 'train'"),
        (("digits",), {"held_out": -1}, ValueError, r"`held_out` is -1: pass a whole number of at least 0"),
        (("digits",), {"held_out": 0.5}, TypeError, r"`held_out` is 0\.5, not an integer: pass a whole number"),
        (
            ("digits",),
            {"held_out": 1400},
            ValueError,
            r"`held_out` is 1400, .*1400 training examples: pass at most 1399",
        ),
        (("digits", "val"), {"held_out": 1500}, ValueError, r"`held_out` is 1500, .*: pass at most 1399"),
        (("digits",), {"size": 7}, ValueError, r"`size` is 7: pass a whole number of at least 8"),
        (("digits",), {"size": 28.0}, TypeError, r"`size` is 28\.0, not an integer"),
        (("mnist",), {"size": 32}, TypeError, "`size` is no option of the data set 'mnist': it has none of its own"),
        (("digits",), {"hands": 1}, TypeError, "`hands` is no option of the data set 'digits': it knows `size`"),
        (
            ("clock",),
            {"colour": True},
            TypeError,
            "`colour` is no option of .* 'clock': it knows `hands`, `size`, `count`, `seed`",
        ),
        (("square",), {"kind": "curve"}, TypeError, "`kind` is no option of .* 'square': it knows `count`, `seed`"),
        (("emnist",), {"kind": "all"}, ValueError, r"`kind` is 'all', .*: pass one of \['balanced', 'byclass'"),
        (("sprites",), {"held_out": 3, "count": 3}, ValueError, "`held_out` is 3, .*3 training .*pass at most 2"),
        (("digits",), {"device": "tpu"}, ValueError, r"`device` is 'tpu'"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_repair(args, options, error, message):
    with pytest.raises(error, match=message):
        load(*args, **options)


def test_importing_the_module_imports_no_source():
    code = (
        "import sys, latentbook.learning.data as d; print(*d.DATASETS, {'sklearn', 'torchvision'} & set(sys.modules))"
    )
    root = Path(data.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=300, check=True
    )
    assert done.stdout.split() == [*DATASETS, "set()"]
