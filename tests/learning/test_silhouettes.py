"""Caltech's silhouettes: upright, white on black, with his split or one of ours; on files that are written here."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from latentbook.core import ChecksumError
from latentbook.learning import silhouettes
from latentbook.learning.data import load
from latentbook.learning.silhouettes import KINDS
from tests.learning.formats import files_below, md5

GIVEN = os.environ.get("LATENTBOOK_DATA")
WHOLE = Path(GIVEN or ".") / "Caltech101Silhouettes" / "caltech101_silhouettes_28.mat"
real = pytest.mark.skipif(not WHOLE.is_file(), reason="needs LATENTBOOK_DATA=<folder> with Caltech101Silhouettes in it")
CLASSES = ["anchor", "yin yang", "wrench"]


def stored(x):
    """Store objects ``[N, 28, 28]`` of ones as Marlin does: in black, and counted down the columns."""
    return (1 - x.mT.flatten(1)).numpy()


def objects(count):
    return torch.randint(2, (count, 28, 28), dtype=torch.uint8)


def names():
    cells = np.empty((1, len(CLASSES)), object)
    cells[0, :] = CLASSES
    return cells


@pytest.fixture
def given(monkeypatch, tmp_path):
    """A LATENTBOOK_DATA, and a way to write the file of a kind there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()

    def write(kind, variables):
        file = io.BytesIO()
        savemat(file, {"classnames": names(), **variables}, do_compression=True)
        [source] = KINDS[kind]
        place = tmp_path / "given" / source.path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(file.getvalue())
        monkeypatch.setitem(KINDS, kind, [source._replace(checksum=md5(file.getvalue()))])
        return place

    return write


@pytest.fixture
def split(given):
    """Three training, two validation and one test image in the file with a split."""
    x = objects(6)
    pieces = {"train": slice(3), "val": slice(3, 5), "test": slice(5, 6)}
    numbers = np.array([[1], [3], [2], [2], [1], [3]], np.uint8)
    data = {f"{name}_data": stored(x[piece]) for name, piece in pieces.items()}
    given("split", data | {f"{name}_labels": numbers[piece] for name, piece in pieces.items()})
    return x


@pytest.mark.usefixtures("offline")
def test_his_split_is_upright_and_white_on_black(split, tmp_path):
    train, test = load("caltech101", kind="split"), load("caltech101", "test", kind="split")
    assert train.x.equal(split[:5, None])
    assert test.x.equal(split[5:, None])
    assert train.x.is_contiguous()
    assert (train.y.tolist(), test.y.tolist()) == ([0, 2, 1, 1, 0], [2])
    assert (train.classes, train.name, train.full_scale) == (tuple(CLASSES), "caltech101", 1)
    assert set(train[:].unique().tolist()) == {0, 1}
    val = load("caltech101", "val", kind="split", held_out=2)
    assert val.x.equal(split[3:5, None])
    assert "are comparable with published ones" in train.note
    assert files_below(tmp_path) == ["given/Caltech101Silhouettes/caltech101_silhouettes_28_split1.mat"]


@pytest.fixture
def whole(monkeypatch, given):
    """Nine images in the file without a split, of which two are for the test."""
    monkeypatch.setattr(silhouettes, "TEST", 2)
    x = objects(9)
    given("whole", {"X": stored(x), "Y": np.arange(9, dtype=np.uint8)[None] % 3 + 1})
    return x


@pytest.mark.usefixtures("offline")
def test_the_whole_is_split_here_and_says_so(whole):
    train, test, both = (load("caltech101", part) for part in ("train", "test", "all"))
    assert (len(train), len(test)) == (7, 2)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    assert both.x.equal(whole[order, None])
    assert both.y.equal(order % 3)
    assert load("caltech101").x.equal(train.x)
    assert train.name == "caltech101-whole"
    assert "split at random here (seed 0): likelihoods are not comparable with published ones" in train.note


@pytest.mark.usefixtures("offline", "whole")
def test_what_is_here_is_taken_his_split_before_ours_and_never_against_the_word(request):
    assert load("caltech101").name == "caltech101-whole"
    with pytest.raises(FileNotFoundError) as caught:
        load("caltech101", kind="split")
    for words in (
        "caltech101_silhouettes_28_split1.mat is not in",
        "https://people.cs.umass.edu/~marlin/data/caltech101_silhouettes_28_split1.mat",
        "a folder that has Caltech101Silhouettes/caltech101_silhouettes_28_split1.mat",
        'dataset="digits"',
    ):
        assert words in str(caught.value)
    request.getfixturevalue("split")
    assert load("caltech101").name == "caltech101"
    assert load("caltech101", kind="whole").name == "caltech101-whole"


@pytest.mark.usefixtures("offline", "given")
def test_without_any_file_his_split_is_asked_for():
    with pytest.raises(FileNotFoundError, match=r"caltech101_silhouettes_28_split1\.mat is not in"):
        load("caltech101")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"", lambda content: b"?" + content])
def test_a_truncated_file_is_refused_by_its_checksum(damage, given):
    place = given("whole", {"X": stored(objects(9)), "Y": np.ones((1, 9))})
    place.write_bytes(damage(place.read_bytes()))
    with pytest.raises(ChecksumError, match=r"caltech101_silhouettes_28\.mat is truncated or altered: expected md5"):
        load("caltech101", kind="whole")


@pytest.mark.usefixtures("offline", "unchecked")
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"X": np.zeros((9, 256)), "Y": np.ones((1, 9))}, r"`X` has shape \(9, 256\)"),
        ({"X": np.full((9, 784), 255), "Y": np.ones((1, 9))}, r"values \[255\], instead of .*zeros and ones"),
        ({"X": np.full((9, 784), 0.5), "Y": np.ones((1, 9))}, r"values \[0\.5\], instead of"),
        ({"X": np.ones((9, 784)), "Y": np.ones((1, 8))}, r"`X` has 9 silhouettes, but `Y` 8 numbers"),
        ({"X": np.ones((9, 784)), "Y": np.zeros((1, 9))}, "`y` goes from -1 to -1"),
        ({"x": np.ones((9, 784)), "Y": np.ones((1, 9))}, "has no array `X`"),
    ],
)
def test_what_does_not_hold_silhouettes_is_refused(variables, message, monkeypatch, given):
    monkeypatch.setattr(silhouettes, "TEST", 2)
    given("whole", variables)
    with pytest.raises(ValueError, match=message):
        silhouettes.caltech101("train", kind="whole")


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"`kind` is 'split1', .*pass one of \['split', 'whole'\]"):
        load("caltech101", kind="split1")
    with pytest.raises(TypeError, match="`kind` is 1, not a string"):
        load("caltech101", kind=1)


@real
@pytest.mark.usefixtures("offline")
def test_the_real_file():
    train, test, both = (load("caltech101", part, kind="whole") for part in ("train", "test", "all"))
    assert (train.x.shape, test.x.shape) == ((6364, 1, 28, 28), (2307, 1, 28, 28))
    assert (len(both.classes), both.classes[0], both.classes[-1]) == (101, "Airplanes Side 2", "yin yang")
    assert both.y.bincount(minlength=101)[[0, 3, 100]].tolist() == [798, 200, 60]
    # Objects are white: corners are black, middles are not.
    assert both[:].mean().item() == pytest.approx(1 - 0.54391, abs=1e-5)
    assert both[:][:, 0, 0, 0].mean() < 0.05
    assert both[:][:, 0, 14, 14].mean() > 0.9
    # Upright: aeroplanes fly to the right, their tails are at the top left.
    planes = both[:][both.y == 0, 0]
    assert planes[:, :9, :9].mean() > 3 * planes[:, :9, 19:].mean()
    # An umbrella's canopy is above its handle.
    umbrellas = both[:][both.y == both.classes.index("umbrella"), 0]
    assert umbrellas[:, :14].mean() > 1.5 * umbrellas[:, 14:].mean()


@real
@pytest.mark.usefixtures("offline")
def test_the_real_split_is_written_down():
    """Another order would change every number that rests on it."""
    assert load("caltech101", kind="whole").y[:12].tolist() == ORDER
    content = load("caltech101", "test", kind="whole").x.numpy().tobytes()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == CONTENT


ORDER = [6, 91, 4, 0, 81, 34, 19, 23, 74, 90, 3, 88]
CONTENT = "f5186ae0a5c8cd5d04f971a3d3e5d2c1"


def test_checksums_are_known_for_both_kinds():
    assert {kind: source.checksum[:8] for kind, [source] in KINDS.items()} == {"split": "4483e9c1", "whole": "1432d280"}
