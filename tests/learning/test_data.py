"""Laws of a data set, and what becomes of files that are missing, altered or cut short."""

import hashlib
import math
import subprocess
import sys
import types
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from latentbook.learning import data
from latentbook.learning.data import DATASETS, Dataset, load

# Counted once in the sources: scikit-learn's file and the four label files of each data set.
DIGITS_PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def pixels(*shape):
    return torch.randint(256, shape, dtype=torch.uint8)


# ---- a data set ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("full_scale", [16, 255])
def test_pixels_become_floats_of_the_default_dtype(dtype, full_scale, device):
    torch.set_default_dtype(dtype)
    x = torch.arange(full_scale + 1, dtype=torch.uint8, device=device).reshape(-1, 1, 1, 1)
    values = Dataset(x, full_scale=full_scale)[:]
    assert values.dtype == dtype
    assert values.device == x.device
    assert (values[0], values[-1]) == (0, 1)
    torch.testing.assert_close(values.flatten(), torch.arange(full_scale + 1, device=device) / full_scale)


def test_floats_stay_as_they_are():
    x = 100 * torch.randn(7, 3, dtype=torch.float32)
    assert Dataset(x)[:].dtype == torch.float32
    assert Dataset(x)[2:5].equal(x[2:5])


@pytest.mark.parametrize(
    "index", [3, -1, slice(2, 9, 3), [4, 4, 0], torch.tensor([[1, 2], [3, 4]]), torch.arange(10) > 6]
)
def test_every_kind_of_index(index):
    x = pixels(10, 1, 4, 4)
    assert Dataset(x)[index].equal(x[index] / 255)


def test_a_data_set_ends_like_any_sequence():
    dataset = Dataset(pixels(5, 2))
    assert len(dataset) == len(list(dataset)) == 5
    with pytest.raises(IndexError):
        dataset[5]


@pytest.mark.parametrize(("shape", "image_shape"), [((3, 1, 8, 9), (1, 8, 9)), ((3, 2), None), ((3,), None)])
def test_shapes_of_an_event(shape, image_shape):
    dataset = Dataset(torch.zeros(shape))
    assert dataset.event_shape == shape[1:]
    assert dataset.image_shape == image_shape


def test_what_a_reader_says_is_kept():
    dataset = Dataset(pixels(3, 2), torch.tensor([0, 1, 1]), classes=["cat", "dog"], name="pets", note="Ours.")
    for copy in (dataset, dataset.subset([0, 1]), dataset.to("cpu")):
        assert (copy.classes, copy.name, copy.note, copy.full_scale) == (("cat", "dog"), "pets", "Ours.", 255)
    assert repr(dataset) == "Dataset('pets', 3 x (2,), uint8, cpu)"
    assert Dataset(pixels(3, 2)).classes == ()
    assert Dataset(pixels(3, 2)).y is None


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_labels_index_tensors_whatever_their_dtype(dtype):
    y = Dataset(pixels(3, 2), torch.tensor([2, 0, 1], dtype=dtype)).y
    assert torch.tensor([10, 20, 30])[y].tolist() == [30, 10, 20]


def test_a_subset_keeps_labels_beside_their_examples():
    dataset = Dataset(torch.arange(10.0)[:, None], torch.arange(10))
    for index in (slice(3, 7), [5, 5, 2], torch.tensor([9, 0]), dataset.y % 2 == 0):
        subset = dataset.subset(index)
        assert subset.y.equal(torch.arange(10)[index])
        assert subset[:].flatten().equal(subset.y.to(subset[:].dtype))


def test_batches_repeat_with_their_generator(device):
    dataset = Dataset(pixels(50, 1, 4, 4)).to(device)

    def draw(seed):
        generator = torch.Generator(device).manual_seed(seed)
        return torch.stack([dataset.batch(8, generator) for _ in range(2)])

    assert draw(1).equal(draw(1))
    assert not draw(1).equal(draw(2))
    assert not draw(1)[0].equal(draw(1)[1])
    assert draw(1).device.type == device.type


def test_batches_are_uniform_with_replacement(device):
    """Of 40,000 draws from 4 examples each has 10,000, with a standard error of sqrt(40,000 x 1/4 x 3/4) = 87."""
    dataset = Dataset(torch.arange(4.0, device=device))
    counts = dataset.batch(40_000, torch.Generator(device).manual_seed(0)).long().bincount(minlength=4)
    # Four cells: a two-sided 5-sigma event in any of them has probability 2e-6.
    assert (counts - 10_000).abs().max() < 5 * 87


def test_a_batch_never_waits_for_the_host(device):
    if device.type != "cuda":
        pytest.skip("only CUDA runs beside the host: pass --device cuda")
    dataset = Dataset(pixels(50, 1, 4, 4)).to(device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        dataset.batch(8, torch.Generator(device))
    finally:
        torch.cuda.set_sync_debug_mode("default")


X = torch.zeros(3, 2)
REFUSED = [
    (
        (X, torch.zeros(2).long()),
        {},
        ValueError,
        r"`y` has shape \(2,\), but `x` has 3 examples: pass one label for each",
    ),
    ((X, torch.zeros(3, 1).long()), {}, ValueError, r"`y` has shape \(3, 1\).*pass one label for each"),
    ((X, torch.zeros(3)), {}, TypeError, r"`y` is a tensor of torch\.float32: pass a tensor of integer labels"),
    ((X, torch.zeros(3).bool()), {}, TypeError, r"`y` is a tensor of torch\.bool: pass a tensor of integer labels"),
    ((X, [0, 1, 0]), {}, TypeError, r"`y` is of type list: pass a tensor of integer labels"),
    ((X, torch.tensor([0, 1, 2])), {"classes": "ab"}, ValueError, r"`y` goes from 0 to 2, .* 2 `classes`: .* 0 to 1"),
    ((X, torch.tensor([0, -1, 0])), {"classes": "ab"}, ValueError, r"`y` goes from -1 to 0, .*pass labels from 0 to 1"),
    ((torch.zeros(0, 2),), {}, ValueError, r"`x` has shape \(0, 2\): pass at least one example"),
    ((torch.zeros(2, 0),), {}, ValueError, r"`x` has shape \(2, 0\): pass at least one example"),
    ((torch.tensor(1.0),), {}, ValueError, r"`x` has shape \(\): pass at least one example"),
    ((X.long(),), {}, TypeError, r"`x` is a tensor of torch\.int64: pass .* floats, or of pixels as torch\.uint8"),
    ((X.bool(),), {}, TypeError, r"`x` is a tensor of torch\.bool: pass .* floats"),
    ((X.cfloat(),), {}, TypeError, r"`x` is a tensor of torch\.complex64: pass .* floats"),
    ((X.numpy(),), {}, TypeError, r"`x` is of type ndarray: pass a tensor"),
    ((torch.tensor([1.0, math.nan, math.inf]),), {}, ValueError, r"`x` has 2 values that are not finite: remove or"),
    ((torch.tensor([3, 17]).byte(),), {"full_scale": 16}, ValueError, r"`x` reaches 17, .* is 16: .*`full_scale=17`"),
    ((X.byte(),), {"full_scale": 0}, ValueError, r"`full_scale` is 0: pass the uint8 value .* from 1 to 255"),
    ((X.byte(),), {"full_scale": 256}, ValueError, r"`full_scale` is 256: pass the uint8 value .* from 1 to 255"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("args", "options", "error", "message"), REFUSED)
def test_what_is_no_data_set_is_refused_with_the_repair(args, options, error, message):
    with pytest.raises(error, match=message):
        Dataset(*args, **options)


def test_an_empty_subset_is_refused():
    dataset = Dataset(X, torch.tensor([0, 1, 1]), classes=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"`x` has shape \(0, 2\): pass at least one example"):
        dataset.subset(dataset.y == 2)


@pytest.mark.usefixtures("unchecked")
def test_batches_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="`size` is 0: pass a batch size of at least 1"):
        Dataset(X).batch(0)
    elsewhere = types.SimpleNamespace(device=torch.device("cuda:1"))
    with pytest.raises(ValueError, match=r"`generator` is on cuda:1, .* on cpu: pass `torch\.Generator\('cpu'\)`"):
        Dataset(X).batch(2, elsewhere)


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
    def ramp(part, size):
        return Dataset(torch.arange(6.0)[:, None] + (0 if part == "train" else 6), name="ramp")

    monkeypatch.setitem(DATASETS, "ramp", ramp)
    assert load("ramp", "all")[:].flatten().tolist() == list(range(12))
    assert load("ramp", "val", held_out=2)[:].flatten().tolist() == [4, 5]
    assert load("ramp").y is None


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        (
            ("mnits",),
            {},
            ValueError,
            r"`name` is 'mnits', which is unknown: pass one of .*'digits', 'fashion', 'mnist'",
        ),
        ((0,), {}, TypeError, r"`name` is 0, not a string: pass one of .*'digits', 'fashion', 'mnist'"),
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
        (
            ("mnist",),
            {"size": 32},
            ValueError,
            r"`size` is 32, but 'mnist' is 28 x 28, and only 'digits' can be resized",
        ),
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
