"""Laws of a data set: indices, labels, factors, batches and zeros and ones."""

import math
import types

import pytest
import torch

from latentbook.learning.dataset import Dataset


def pixels(*shape):
    return torch.randint(256, shape, dtype=torch.uint8)


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
    drawn = dataset.binarized("dynamic")
    torch.cuda.set_sync_debug_mode("error")
    try:
        dataset.batch(8, torch.Generator(device))
        drawn.batch(8, torch.Generator(device))
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
    (
        (X,),
        {"factors": torch.zeros(2, 1)},
        ValueError,
        r"`factors` has shape \(2, 1\), but `x` has 3 examples: pass one row for each",
    ),
    ((X,), {"factors": torch.zeros(3)}, ValueError, r"`factors` has shape \(3,\), .*pass one row for each"),
    (
        (X,),
        {"factors": X.long()},
        TypeError,
        r"`factors` is a tensor of torch\.int64: pass a tensor of floats",
    ),
    (
        (X,),
        {"factors": X, "factor_names": ["angle"]},
        ValueError,
        "`factor_names` has 1 names, but `factors` has 2 columns: pass one name for each",
    ),
    ((X.byte(),), {"full_scale": 256}, ValueError, r"`full_scale` is 256: pass the uint8 value .* from 1 to 255"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("args", "options", "error", "message"), REFUSED)
def test_what_is_no_data_set_is_refused_with_the_repair(args, options, error, message):
    with pytest.raises(error, match=message):
        Dataset(*args, **options)


def test_examples_are_found_by_their_labels(device):
    y = torch.tensor([3, 0, 7, 3, 0], dtype=torch.uint8)
    dataset = Dataset(torch.arange(5.0).to(device), y)
    assert dataset.labels.tolist() == y.tolist()
    assert dataset.indices_of([0, 3]).tolist() == [0, 1, 3, 4]
    assert dataset.indices_of(map(int, "77")).tolist() == [2]
    assert dataset.indices_of([]).tolist() == dataset.indices_of([1]).tolist() == []
    assert dataset.indices_of([3]).device == dataset.device


def test_data_without_labels_say_so():
    bare = Dataset(torch.eye(2), name="mine")
    with pytest.raises(ValueError, match=r"the data 'mine' have no labels: pass `Dataset\(x, y\)`"):
        bare.indices_of([0])


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


def test_data_that_are_where_they_shall_be_stay_what_they_are(device):
    dataset = Dataset(pixels(3, 2)).to(device)
    assert dataset.to(device) is dataset
    assert dataset.to(dataset.device) is dataset


def test_the_checksum_is_of_all_that_a_training_sees_and_computed_once(monkeypatch):
    x, y = pixels(5, 2), torch.arange(5)
    whole = Dataset(x, y, factors=torch.zeros(5, 1))
    found = whole.checksum()
    others = [
        Dataset(x),
        Dataset(x, y),
        whole.subset([0, 1, 2, 3]),
        whole.replaced(y=y.flip(0)),
        whole.replaced(factors=torch.ones(5, 1)),
        whole.binarized("dynamic"),
        whole.binarized("threshold"),
    ]
    assert len({found, *(part.checksum() for part in others)}) == len(others) + 1
    assert Dataset(x.clone(), y.clone(), name="other", factors=torch.zeros(5, 1)).checksum() == found
    monkeypatch.setattr("hashlib.sha256", lambda *_: pytest.fail("computed"))
    assert whole.checksum() == found


# ---- factors ---------------------------------------------------------------------------------------------------------


def test_factors_stay_beside_their_examples(device):
    factors = torch.stack([torch.arange(6.0), -torch.arange(6.0)], 1)
    dataset = Dataset(torch.arange(6.0, device=device)[:, None], factors=factors, factor_names=["up", "down"])
    assert dataset.factors.device.type == device.type
    part = dataset.subset([4, 1]).to("cpu")
    assert part.factors.tolist() == [[4, -4], [1, -1]]
    assert part.factor_names == ("up", "down")
    assert Dataset(X).factors is None
    assert Dataset(X, factors=torch.zeros(3, 0)).factors.shape == (3, 0)


# ---- zeros and ones --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grey", [torch.arange(256).byte(), torch.arange(256) / 255])
def test_dynamic_draws_have_the_grey_levels_as_means(grey, device):
    """A mean of 4,000 draws of level p has a standard error of sqrt(p (1 - p) / 4,000)."""
    p = (grey / 255 if grey.dtype == torch.uint8 else grey).to(device)
    dataset = Dataset(grey[None]).to(device).binarized("dynamic")
    drawn = dataset.batch(4000, torch.Generator(device).manual_seed(0))
    assert set(drawn.unique().tolist()) == {0, 1}
    # Of 256 cells, one beyond 5 standard errors has probability 1.5e-4; near 0 and 1 a single hit counts as well.
    assert ((drawn.mean(0) - p).abs() <= 5 * (p * (1 - p) / 4000).sqrt() + 1 / 4000).all()
    assert (drawn[:, 0].sum(), drawn[:, 255].sum()) == (0, 4000)


def test_dynamic_draws_are_new_each_time_and_repeat_with_their_generator():
    grey = Dataset(pixels(20, 1, 8, 8), torch.arange(20))
    dataset = grey.binarized("dynamic")
    assert not dataset[:].equal(dataset[:])
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    assert dataset.batch(16, generators[0]).equal(dataset.batch(16, generators[1]))
    for other in (dataset.subset([0, 1]), dataset.to("cpu")):
        assert set(other[:].unique().tolist()) == {0, 1}
    assert dataset.x.equal(grey.x)
    assert dataset.y.equal(grey.y)
    assert grey[:].equal(grey.x / 255)


def test_a_fixed_draw_stays():
    grey = Dataset(pixels(20, 1, 8, 8), torch.arange(20), note="Ours.")
    fixed = grey.binarized("fixed", seed=4)
    assert fixed[:].equal(fixed[:])
    assert fixed.x.equal(grey.binarized("fixed", seed=4).x)
    assert not fixed.x.equal(grey.binarized("fixed").x)
    assert fixed[:].equal(fixed.x.double())
    assert fixed.note == (
        "Ours. Binarised by one draw with seed 4: not comparable with another draw, published ones included."
    )
    # A fixed draw of what is drawn anew is fixed.
    assert grey.binarized("dynamic").binarized("fixed", seed=4)[:].equal(fixed[:])


@pytest.mark.parametrize("full_scale", [1, 2, 5, 16, 255])
def test_the_threshold_is_one_half(full_scale):
    x = torch.arange(full_scale + 1, dtype=torch.uint8)[:, None]
    ones = (torch.arange(full_scale + 1) / full_scale > 0.5).double()
    assert Dataset(x, full_scale=full_scale).binarized("threshold")[:][:, 0].equal(ones)
    assert Dataset(x / full_scale).binarized("threshold")[:][:, 0].equal(ones)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("kind", ["dynamic", "fixed", "threshold"])
def test_what_is_no_probability_is_not_binarised(kind):
    with pytest.raises(ValueError, match=r"`x` goes from -0\.5 to 2, but must be in \[0, 1\] here: rescale it"):
        Dataset(torch.tensor([[0.0, -0.5], [2.0, 1.0]])).binarized(kind)


@pytest.mark.usefixtures("unchecked")
def test_wrong_words_of_binarisation():
    with pytest.raises(ValueError, match=r"`kind` is 'static', .*: pass one of \['dynamic', 'fixed', 'threshold'\]"):
        Dataset(X).binarized("static")
    with pytest.raises(TypeError, match=r"`seed` is 0\.5, not an integer"):
        Dataset(X).binarized("fixed", seed=0.5)
