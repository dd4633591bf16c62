"""OMNIGLOT in both its forms, on small files in their formats, written here, and on real drawings where they are."""

import hashlib
import io
import os
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from latentbook.core import ChecksumError
from latentbook.learning import characters
from latentbook.learning.characters import KINDS
from latentbook.learning.data import load
from tests.learning.formats import files_below

GIVEN = os.environ.get("LATENTBOOK_DATA")
SMALL = Path(GIVEN or ".") / "OMNIGLOT" / "images_background_small2.zip"
real = pytest.mark.skipif(not SMALL.is_file(), reason="needs LATENTBOOK_DATA=<folder> with OMNIGLOT in it")


@pytest.fixture
def given(monkeypatch, tmp_path):
    """An empty LATENTBOOK_DATA, an empty cache, and a way to write one of OMNIGLOT's files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    (tmp_path / "given" / "OMNIGLOT").mkdir(parents=True)
    monkeypatch.setattr(characters, "COUNTS", {"train": 7, "test": 3})

    def write(file, content):
        place = tmp_path / "given" / "OMNIGLOT" / file
        place.write_bytes(content)
        for kind in ("archives", "small"):
            changed = [
                source._replace(checksum=hashlib.sha256(content).hexdigest()) if source.path.endswith(file) else source
                for source in KINDS[kind]
            ]
            monkeypatch.setitem(KINDS, kind, changed)
        return place

    return write


# ---- the grey levels of Burda et al. ---------------------------------------------------------------------------------


def chardata(images, alphabets, **changes):
    """Store images ``[N, 28, 28]`` as columns that count down their own columns, and alphabets as columns of fifty."""
    variables = {}
    for prefix, part in (("", slice(7)), ("test", slice(7, 10))):
        variables[f"{prefix}data"] = images[part].mT.flatten(1).T.numpy()
        variables[f"{prefix}target"] = torch.eye(50)[alphabets[part]].T.numpy()
        variables[f"{prefix}targetchar"] = np.ones((1, len(images[part])))
    file = io.BytesIO()
    savemat(file, variables | changes, do_compression=True)
    return file.getvalue()


@pytest.fixture
def grey():
    return torch.rand(10, 28, 28)


ALPHABETS = torch.tensor([0, 3, 49, 3, 1, 2, 0, 5, 6, 49])


@pytest.mark.usefixtures("offline")
def test_grey_levels_are_upright_and_keep_their_split(given, grey, tmp_path):
    given("chardata.mat", chardata(grey, ALPHABETS))
    train, test = load("omniglot"), load("omniglot", "test")
    assert train.x.equal(grey[:7, None])
    assert test.x.equal(grey[7:, None])
    assert train.x.is_contiguous()
    assert torch.cat([train.y, test.y]).equal(ALPHABETS)
    assert (train.name, train.classes) == ("omniglot", ())
    assert load("omniglot", "val", held_out=2).x.equal(grey[5:7, None])
    assert "are comparable with published ones" in train.note
    assert files_below(tmp_path) == ["given/OMNIGLOT/chardata.mat"]


@pytest.mark.usefixtures("offline")
def test_grey_levels_come_in_the_default_dtype_and_are_drawn(given, grey):
    given("chardata.mat", chardata(grey, ALPHABETS))
    torch.set_default_dtype(torch.float32)
    train = load("omniglot")
    assert train.x.dtype == torch.float32
    assert set(train.binarized("dynamic")[:].unique().tolist()) == {0, 1}


@pytest.mark.usefixtures("offline")
def test_grey_levels_that_are_cut_short_are_refused_though_no_checksum_is_known(given, grey):
    content = chardata(grey, ALPHABETS)
    for length in range(0, len(content), len(content) // 40):
        place = given("chardata.mat", content[:length])
        with pytest.raises(ValueError, match=rf"{place} (is truncated|has no array)"):
            load("omniglot", "all")


@pytest.mark.usefixtures("offline", "unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": np.zeros((784, 6))}, r"`data` has shape \(784, 6\) .*, instead of 784 pixels of 7 images"),
        ({"data": np.zeros((7, 784))}, r"is not the file of Burda et al\.: `data` has shape \(7, 784\)"),
        ({"target": np.zeros((50, 6))}, r"`target` \(50, 6\), instead of .* 7 images, and as many columns"),
        ({"data": np.full((784, 7), 255.0)}, r"`data` goes from 255 to 255, but must be in \[0, 1\]"),
    ],
)
def test_what_is_not_the_known_file_is_refused(changes, message, given, grey):
    given("chardata.mat", chardata(grey, ALPHABETS, **changes))
    with pytest.raises(ValueError, match=message):
        load("omniglot")


@pytest.mark.usefixtures("offline", "given")
def test_without_the_files_one_error_says_everything(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load("omniglot")
    for words in (
        f"chardata.mat is not in {tmp_path / 'given' / 'OMNIGLOT'} and {tmp_path / 'cache'}",
        "get it from https://github.com/yburda/iwae/raw/master/datasets/OMNIGLOT/chardata.mat",
        "no checksum of it is published",
        '`kind="archives"`',
        "set LATENTBOOK_DATA=<folder> to a folder that has OMNIGLOT/chardata.mat",
        'dataset="digits"',
    ):
        assert words in str(caught.value)
    assert files_below(tmp_path) == []


# ---- the drawings of Lake et al. -------------------------------------------------------------------------------------


def png(ink, mode="1"):
    file = io.BytesIO()
    Image.fromarray(((1 - ink) * 255).numpy().astype(np.uint8)).convert(mode).save(file, "PNG")
    return file.getvalue()


def drawing(number):
    return torch.randint(2, (105, 105), generator=torch.Generator().manual_seed(number))


def archive(folder, numbers):
    """Pack drawings as the original does; the number of one is a hundred times its character's, and its person's."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as files:
        files.writestr(f"{folder}/", b"")
        for number in numbers:
            place = f"{ALPHABET[number // 100]}/character{number // 100:02}/{number // 100:04}_{number % 100:02}.png"
            files.writestr(f"{folder}/{place}", png(drawing(number)))
    return file.getvalue()


ALPHABET = {1: "Balinese", 2: "Balinese", 3: "Early_Aramaic", 4: "Korean"}
FIRST, SECOND = [101, 102, 201, 301, 302], [301, 302, 401, 402, 403]


@pytest.fixture
def small(given):
    for k, numbers in enumerate([FIRST, SECOND], 1):
        given(f"images_background_small{k}.zip", archive(f"images_background_small{k}", numbers))


def averaged_exactly(ink):
    """Share of ink in each of 28 x 28 cells, in 225ths, from areas in fractions."""
    side = Fraction(105, 28)

    def share(cell, pixel):
        return max(Fraction(0), min((cell + 1) * side, pixel + 1) - max(cell * side, pixel))

    weights = [[share(cell, pixel) for pixel in range(105)] for cell in range(28)]
    # Quarters of a pixel, so that the sums are over whole numbers.
    quarters = torch.tensor([[int(4 * weight) for weight in row] for row in weights])
    assert quarters.sum(1).tolist() == [15] * 28
    return quarters @ ink @ quarters.T


def which(images):
    """Return the numbers of the drawings that images were made from."""
    known = {tuple(averaged_exactly(drawing(number)).flatten().tolist()): number for number in {*FIRST, *SECOND}}
    return [known[tuple(image.flatten().tolist())] for image in images]


@pytest.mark.usefixtures("offline", "small")
def test_drawings_are_averaged_upright_and_white_on_black():
    both = load("omniglot", "all")
    assert (both.x.dtype, both.full_scale, both.image_shape) == (torch.uint8, 225, (1, 28, 28))
    assert sorted(which(both.x)) == sorted({*FIRST, *SECOND})
    torch.testing.assert_close(both[:].sum() * 3.75**2, sum(drawing(n).sum() for n in {*FIRST, *SECOND}) * 1.0)


@pytest.mark.usefixtures("offline", "small")
def test_what_both_small_archives_have_is_there_once_and_in_one_part():
    train, test, both = (load("omniglot", part, kind="small") for part in ("train", "test", "all"))
    assert (len(train), len(test)) == (7, 1)
    assert which(train.x) + which(test.x) == which(both.x)
    assert both.classes == ("Balinese", "Early Aramaic", "Korean")
    for number, label in zip(which(both.x), both.y, strict=True):
        assert both.classes[label] == ALPHABET[number // 100].replace("_", " ")
    assert load("omniglot", kind="small").x.equal(train.x)
    # Mixed: the parts are not the first and the last alphabets.
    assert which(both.x) != sorted(which(both.x))


@pytest.mark.usefixtures("offline", "small")
def test_drawings_never_pass_for_the_grey_levels(given, grey):
    found = load("omniglot")
    assert found.name == "omniglot-small"
    assert "not comparable with published ones, which are of chardata.mat" in found.note
    for kind, file in (("chardata", "chardata.mat"), ("archives", "images_background.zip")):
        with pytest.raises(FileNotFoundError, match=f"{file} is not in"):
            load("omniglot", kind=kind)
    given("chardata.mat", chardata(grey, ALPHABETS))
    assert load("omniglot").name == "omniglot"


@pytest.mark.usefixtures("offline")
def test_background_is_for_training_and_evaluation_for_the_test(given):
    for name, numbers in (("images_background", [101, 102, 401]), ("images_evaluation", [301, 302])):
        given(f"{name}.zip", archive(name, numbers))
    train, test, both = (load("omniglot", part) for part in ("train", "test", "all"))
    assert sorted(which(train.x)) == [101, 102, 401]
    assert sorted(which(test.x)) == [301, 302]
    # The names are the same in both parts, which are joined.
    assert train.classes == test.classes == both.classes == ("Balinese", "Early Aramaic", "Korean")
    assert test.y.tolist() == [1, 1]
    assert train.name == "omniglot-archives"
    assert "'test' is of other alphabets" in train.note


@pytest.mark.usefixtures("offline", "small")
@pytest.mark.parametrize("chunk", [1, 3, 7, 8])
def test_pieces_do_not_matter(chunk, monkeypatch):
    whole = load("omniglot", "all").x
    monkeypatch.setattr(characters, "CHUNK", chunk)
    assert load("omniglot", "all").x.equal(whole)


@pytest.mark.usefixtures("offline", "small")
def test_a_truncated_archive_is_refused_by_its_checksum(tmp_path):
    place = tmp_path / "given" / "OMNIGLOT" / "images_background_small2.zip"
    place.write_bytes(place.read_bytes()[:-10])
    with pytest.raises(ChecksumError, match=rf"{place} is truncated or altered: expected sha256 [0-9a-f]{{64}}, found"):
        load("omniglot")


@pytest.mark.usefixtures("offline", "small")
def test_one_archive_alone_is_not_the_set(tmp_path):
    (tmp_path / "given" / "OMNIGLOT" / "images_background_small1.zip").unlink()
    with pytest.raises(FileNotFoundError, match=r"chardata\.mat is not in"):
        load("omniglot")
    address = r"https://raw\.githubusercontent\.com/brendenlake/omniglot/master/python/images_background_small1\.zip"
    with pytest.raises(FileNotFoundError, match=rf"images_background_small1\.zip is not in .*{address}"):
        load("omniglot", kind="small")


@pytest.mark.usefixtures("offline", "small", "unchecked")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(torch.zeros(28, 28)), r"0401_01\.png is an image of 28 x 28 pixels in mode '1', instead of 105 x 105"),
        (png(torch.zeros(105, 105), "L"), r"0401_01\.png is an image of 105 x 105 pixels in mode 'L', instead of"),
    ],
)
def test_other_pictures_are_refused(content, message, given):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as files:
        files.writestr("images_background_small2/Korean/character04/0401_01.png", content)
    given("images_background_small2.zip", file.getvalue())
    with pytest.raises(ValueError, match=message):
        load("omniglot", "all")


@pytest.mark.usefixtures("offline", "small")
def test_an_archive_without_pictures_is_refused(given):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as files:
        files.writestr("README", b"")
    given("images_background_small1.zip", file.getvalue())
    with pytest.raises(ValueError, match=r"OMNIGLOT/images_background_small1\.zip has no PNG files"):
        load("omniglot")


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"`kind` is 'zips', .*pass one of \['archives', 'chardata', 'small'\]"):
        load("omniglot", kind="zips")
    with pytest.raises(TypeError, match="`kind` is True, not a string"):
        load("omniglot", kind=True)


def test_checksums_are_known_but_for_one_file():
    sums = {source.path.split("/")[1]: source.checksum[:8] for sources in KINDS.values() for source in sources}
    assert sums == {
        "images_background.zip": "ad41ab67",
        "images_evaluation.zip": "1f61a8f3",
        "images_background_small1.zip": "f38eb80f",
        "images_background_small2.zip": "3ccaa407",
        "chardata.mat": "",
    }


# ---- the originals ---------------------------------------------------------------------------------------------------


@real
@pytest.mark.usefixtures("offline")
def test_the_real_small_archives():
    train, test, both = (load("omniglot", part, kind="small") for part in ("train", "test", "all"))
    # 2,720 and 3,120 drawings, 1,000 of which are in both.
    assert (len(train), len(test)) == (3872, 968)
    assert both.classes[:4] == ("Balinese", "Early Aramaic", "Greek", "Japanese (katakana)")
    # Twenty people drew 24, 22, 24, 47, 40, 26, 42 and 17 characters.
    assert both.y.bincount().tolist() == [480, 440, 480, 940, 800, 520, 840, 340]
    assert len(both.x.flatten(1).unique(dim=0)) == 4840
    # White strokes on black; the border is empty.
    assert 0.07 < both[:].mean() < 0.09
    assert both[:][:, 0, 0].mean() < 0.02
    # Upright: words are written under a line in Sanskrit, which is the alphabet's brightest row.
    sanskrit = both[:][both.y == both.classes.index("Sanskrit"), 0].mean((0, 2))
    assert sanskrit.argmax() < 10


@real
@pytest.mark.usefixtures("offline")
def test_the_real_split_is_written_down():
    """Another order would change every number that rests on it."""
    assert load("omniglot", kind="small").y[:12].tolist() == ORDER
    content = load("omniglot", "test", kind="small").x.numpy().tobytes()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == CONTENT


ORDER = [4, 0, 2, 4, 4, 4, 0, 4, 3, 0, 4, 3]
CONTENT = "4f13f4bf23bafc997458c2c0da4e0741"
