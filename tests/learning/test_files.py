"""What becomes of published files that are missing, altered, cut short, or cannot be kept."""

import errno
import gc
import gzip
import hashlib
import os
import re
import struct
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
from torchvision import datasets

from latentbook.core import ChecksumError
from latentbook.learning import files
from latentbook.learning.data import load
from latentbook.learning.files import Published, published_file
from tests.learning.formats import files_below, fill, idx, md5

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"

MNIST_TRAIN_PER_CLASS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST_PER_CLASS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def real(folder):
    root = os.environ.get("LATENTBOOK_DATA")
    there = root and (Path(root) / folder / "raw" / "train-images-idx3-ubyte.gz").is_file()
    return pytest.mark.skipif(not there, reason=f"needs LATENTBOOK_DATA=<folder> with {folder}/raw in it")


def pixels(*shape):
    return torch.randint(256, shape, dtype=torch.uint8)


def publish(monkeypatch, contents, mirrors):
    resources = [(file, md5(content)) for file, content in contents.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", mirrors)


@pytest.fixture
def x():
    return pixels(6, 28, 28)


@pytest.fixture
def published(monkeypatch, x):
    """Six training and three test images in MNIST's place, on mirrors that do not exist."""
    contents = {
        IMAGES: idx(x),
        LABELS: idx(torch.tensor([3, 1, 4, 1, 5, 9]).byte()),
        TEST_IMAGES: idx(x[:3] // 2),
        TEST_LABELS: idx(torch.tensor([2, 7, 1]).byte()),
    }
    publish(monkeypatch, contents, ["http://first.invalid/", "http://second.invalid/mnist/"])
    return contents


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache of this test alone, and no folder of data beside it."""
    monkeypatch.delenv("LATENTBOOK_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "latentbook" / "data" / "MNIST" / "raw"


@pytest.fixture
def given(monkeypatch, tmp_path, cache, published):
    """A LATENTBOOK_DATA that has every file."""
    folder = tmp_path / "given" / "MNIST" / "raw"
    fill(folder, published)
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    return folder


@pytest.mark.usefixtures("offline")
def test_a_given_folder_is_read_and_nothing_is_written(given, cache, x):
    def state():
        return {path: path.stat().st_mtime_ns for path in (given, *given.iterdir())}

    before = state()
    train, test, both = load("mnist"), load("mnist", "test"), load("mnist", "all")
    assert train.x.equal(x[:, None])
    assert (train.y.tolist(), test.y.tolist()) == ([3, 1, 4, 1, 5, 9], [2, 7, 1])
    assert both.x.equal(torch.cat([x, x[:3] // 2])[:, None])
    assert (train.classes, train.name, train.full_scale) == (tuple("0123456789"), "mnist", 255)
    assert state() == before
    assert not cache.exists()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("variable", [None, "", "empty"])
def test_the_cache_is_read_where_no_given_folder_has_the_file(variable, monkeypatch, tmp_path, cache, published):
    fill(cache, published)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    if variable is not None:
        monkeypatch.setenv("LATENTBOOK_DATA", variable)
    assert load("mnist").y.tolist() == [3, 1, 4, 1, 5, 9]


def test_a_file_is_downloaded_once(monkeypatch, capsys, mirror, cache, published):
    for file, content in published.items():
        (mirror.folder / file).write_bytes(content)
    publish(monkeypatch, published, [mirror.url])
    first, second = load("mnist"), load("mnist")
    assert first.x.equal(second.x)
    assert mirror.requests == [f"/{IMAGES}", f"/{LABELS}"]
    assert files_below(cache) == [IMAGES, LABELS]
    assert (cache / IMAGES).read_bytes() == published[IMAGES]
    # Progress belongs on a terminal: a chapter that writes to stderr fails the build.
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("first", ["absent", "altered", "cut"])
def test_the_next_mirror_helps_out(first, monkeypatch, mirror, cache, published):
    for file, content in published.items():
        (mirror.folder / file).write_bytes(content)
    (mirror.folder / "first").mkdir()
    for file, content in published.items():
        if first != "absent":
            bad = content[:-1] if first == "cut" else b"<html>please log in</html>"
            (mirror.folder / "first" / file).write_bytes(bad)
    publish(monkeypatch, published, [f"{mirror.url}first/", mirror.url])
    assert load("mnist", "test").y.tolist() == [2, 7, 1]
    assert files_below(cache) == [TEST_IMAGES, TEST_LABELS]
    # A connection left open warns when it is collected, and a warning is an error here.
    gc.collect()


def test_a_download_that_is_never_right_leaves_nothing(monkeypatch, mirror, cache, published):
    (mirror.folder / IMAGES).write_bytes(published[IMAGES][:-1])
    publish(monkeypatch, published, [mirror.url])
    with pytest.raises(FileNotFoundError, match=rf"{re.escape(mirror.url + IMAGES)} is truncated or altered") as caught:
        load("mnist")
    assert isinstance(caught.value.__cause__, ChecksumError)
    assert md5(published[IMAGES]) in str(caught.value)
    assert md5(published[IMAGES][:-1]) in str(caught.value)
    assert not cache.exists()


def test_a_connection_that_breaks_off_counts_as_no_network(monkeypatch, cache, published):
    class Broken:
        headers = {"Content-Length": "1000"}  # noqa: RUF012
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda *_: None  # noqa: E731

        def read(self, size):
            raise ConnectionResetError("broken off")

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Broken())
    with pytest.raises(FileNotFoundError, match=r"broken off.*LATENTBOOK_DATA=<folder>"):
        load("mnist")
    assert not cache.exists()


def test_every_request_has_a_time_limit(monkeypatch, cache, published):
    limits = []

    def note(request, *, timeout):
        limits.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(urllib.request, "urlopen", note)
    with pytest.raises(FileNotFoundError, match="timed out"):
        load("mnist")
    assert limits == [20, 20]


@pytest.mark.usefixtures("offline", "published")
def test_without_network_one_error_says_everything(monkeypatch, tmp_path, cache):
    (tmp_path / "given").mkdir()
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    with pytest.raises(FileNotFoundError) as caught:
        load("mnist")
    assert isinstance(caught.value.__cause__, urllib.error.URLError)
    for words in (
        f"{IMAGES} is not in {tmp_path / 'given' / 'MNIST' / 'raw'} and {cache}",
        f"http://first.invalid/{IMAGES} (<urlopen error no network here>)",
        f"http://second.invalid/mnist/{IMAGES} (",
        f"set LATENTBOOK_DATA=<folder> to a folder that has MNIST/raw/{IMAGES}",
        'pass dataset="digits"',
    ):
        assert words in str(caught.value)
    assert files_below(tmp_path) == []


@pytest.mark.usefixtures("offline", "cache")
@pytest.mark.parametrize(("name", "original"), [("mnist", datasets.MNIST), ("fashion", datasets.FashionMNIST)])
def test_without_network_the_originals_are_named(name, original):
    with pytest.raises(FileNotFoundError, match=f"{original.__name__}/raw/{TEST_IMAGES}") as caught:
        load(name, "test")
    assert all(f"{mirror}{TEST_IMAGES}" in str(caught.value) for mirror in original.mirrors)


@pytest.mark.usefixtures("offline", "cache")
def test_digits_need_no_file(monkeypatch):
    monkeypatch.setenv("LATENTBOOK_DATA", "nowhere")
    assert len(load("digits", "all")) == 1797


@pytest.mark.usefixtures("offline", "published", "cache")
def test_a_given_folder_that_is_none_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    for name in ("nowhere", "file"):
        monkeypatch.setenv("LATENTBOOK_DATA", name)
        words = f"LATENTBOOK_DATA is '{name}', but {tmp_path / name} is not a folder: correct it or unset it"
        with pytest.raises(FileNotFoundError, match=re.escape(words)):
            load("mnist")


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "altered": lambda content: content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", [IMAGES, LABELS])
def test_a_damaged_file_is_refused_even_where_a_good_one_is_near(
    file, damage, mirror, monkeypatch, given, cache, published
):
    for name, content in published.items():
        (mirror.folder / name).write_bytes(content)
    publish(monkeypatch, published, [mirror.url])
    fill(cache, published)
    damaged = DAMAGES[damage](published[file])
    (given / file).write_bytes(damaged)
    words = (
        f"{given / file} is truncated or altered: expected md5 {md5(published[file])}, found {md5(damaged)}: delete it"
    )
    with pytest.raises(ChecksumError, match=re.escape(words)):
        load("mnist")
    assert (given / file).read_bytes() == damaged
    assert mirror.requests == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (struct.pack(">4i", 0x803, 6, 28, 28) + bytes(6 * 28 * 28 - 1), r"shape \[6, 28, 28\] and 4719 bytes"),
        (struct.pack(">4i", 0x803, 6, 28, 28) + bytes(6 * 28 * 28 + 1), r"shape \[6, 28, 28\] and 4721 bytes"),
        (struct.pack(">4i", 0xD03, 6, 28, 28) + bytes(6 * 28 * 28), "magic number 0xd03"),
        (struct.pack(">2i", 0x801, 6) + bytes(6), "magic number 0x801"),
        (struct.pack(">4i", 0x803, -1, 2, 2) + bytes(4), r"shape \[-1, 2, 2\]"),
        (b"\0\0", "magic number 0x0"),
        (b"", "magic number 0x0"),
    ],
)
@pytest.mark.usefixtures("offline")
def test_what_is_no_idx_file_is_refused(content, found, monkeypatch, given, published):
    packed = gzip.compress(content)
    (given / IMAGES).write_bytes(packed)
    publish(monkeypatch, {**published, IMAGES: packed}, [])
    with pytest.raises(ValueError, match=f"{IMAGES} is not an idx file of bytes in 3 dimensions: .*{found}"):
        load("mnist")


@pytest.mark.usefixtures("unchecked")
def test_images_and_labels_of_different_numbers_are_refused(monkeypatch, given, published):
    contents = {**published, LABELS: idx(torch.zeros(5).byte())}
    (given / LABELS).write_bytes(contents[LABELS])
    publish(monkeypatch, contents, [])
    with pytest.raises(ValueError, match=r"`y` has shape \(5,\), but `x` has 6 examples"):
        load("mnist")


@pytest.fixture
def online(monkeypatch, mirror, published):
    for file, content in published.items():
        (mirror.folder / file).write_bytes(content)
    publish(monkeypatch, published, [mirror.url])


@pytest.mark.usefixtures("online")
def test_a_cache_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("LATENTBOOK_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_bytes(b"in the way")
    folder = tmp_path / "file" / "latentbook" / "data" / "MNIST" / "raw"
    with pytest.raises(
        OSError, match=rf"cannot be kept in {folder} .*set XDG_CACHE_HOME .*or LATENTBOOK_DATA"
    ) as caught:
        load("mnist")
    assert caught.value.errno == errno.ENOTDIR
    assert (tmp_path / "file").read_bytes() == b"in the way"


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_cache_that_refuses_is_named_and_left_clean(call, number, monkeypatch, tmp_path, cache):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(
            OSError, match=rf"{IMAGES} is downloaded, but cannot be kept in {cache} .*make room"
        ) as caught:
            load("mnist")
    assert caught.value.errno == number
    assert files_below(tmp_path) == [f"mirror/{file}" for file in sorted([IMAGES, LABELS, TEST_IMAGES, TEST_LABELS])]
    # The next attempt, on a disk with room, is not in the way of the last.
    assert len(load("mnist")) == 6
    assert files_below(cache) == [IMAGES, LABELS]


# ---- files that are too large for memory ----------------------------------------------------------------------------


LARGE = bytes(range(256)) * 10_000


@pytest.fixture
def large(mirror, cache):
    """A file of three pieces on a mirror, and the folder of the cache where it belongs."""
    (mirror.folder / "large.bin").write_bytes(LARGE)
    return Published("set/large.bin", md5(LARGE), [f"{mirror.url}absent/", mirror.url]), cache.parents[1] / "set"


def test_a_large_file_is_fetched_once_and_checked_at_each_reading(large, mirror):
    source, folder = large
    place = published_file(source)
    assert (place, place.read_bytes()) == (folder / "large.bin", LARGE)
    assert published_file(source) == place
    assert mirror.requests.count("/large.bin") == 1
    assert files_below(folder) == ["large.bin"]
    place.write_bytes(LARGE[:-1])
    with pytest.raises(ChecksumError, match=f"{place} is truncated or altered: expected md5 {md5(LARGE)}"):
        published_file(source)


@pytest.mark.parametrize("damage", [LARGE[:-1], LARGE[:-1] + b"?", b""])
def test_a_large_download_that_is_wrong_leaves_nothing(damage, large, mirror):
    source, folder = large
    (mirror.folder / "large.bin").write_bytes(damage)
    with pytest.raises(FileNotFoundError, match=rf"large\.bin is truncated or altered: .*found {md5(damage)}"):
        published_file(source)
    assert files_below(folder) == []


def test_a_large_download_that_breaks_off_leaves_nothing(large, monkeypatch):
    class Broken:
        headers = {}  # noqa: RUF012
        pieces = [LARGE[:1000]]  # noqa: RUF012
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda *_: None  # noqa: E731

        def read(self, size):
            if self.pieces:
                return self.pieces.pop()
            raise ConnectionResetError("broken off")

    source, folder = large
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Broken())
    with pytest.raises(FileNotFoundError, match="broken off"):
        published_file(source)
    assert files_below(folder) == []


@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_a_disk_that_refuses_a_large_file_is_named_and_no_other_mirror_is_asked(call, large, mirror, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source, folder = large
    source = source._replace(mirrors=[mirror.url, mirror.url])
    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(OSError, match=rf"cannot be kept in {folder} .*make room") as caught:
        published_file(source)
    assert caught.value.errno == errno.ENOSPC
    assert len(mirror.requests) <= 1
    assert files_below(mirror.folder.parent) == ["mirror/large.bin"]


@pytest.mark.usefixtures("cache")
def test_a_file_that_no_program_may_fetch_says_where_a_person_finds_it():
    source = Published("set/rare.zip", md5(b""), (), "https://some.invalid/page")
    for read in (files.published, published_file):
        with pytest.raises(
            FileNotFoundError, match=r"by a program: get it from https://some\.invalid/page, set LATENTBOOK_DATA"
        ):
            read(source)


# ---- checksums of other kinds, and none ------------------------------------------------------------------------------


SHA256 = hashlib.sha256(LARGE).hexdigest()


@pytest.mark.parametrize("read", [files.published, published_file])
def test_a_sha256_is_compared_as_an_md5_is(read, large, mirror):
    source, folder = large[0]._replace(checksum=SHA256), large[1]
    assert read(source) in (LARGE, folder / "large.bin")
    assert read(source) in (LARGE, folder / "large.bin")
    assert mirror.requests.count("/large.bin") == 1
    damaged = LARGE[:-1]
    (folder / "large.bin").write_bytes(damaged)
    words = f"large.bin is truncated or altered: expected sha256 {SHA256}, found {hashlib.sha256(damaged).hexdigest()}"
    with pytest.raises(ChecksumError, match=words):
        read(source)


def test_a_download_whose_sha256_is_wrong_leaves_nothing(large):
    source, folder = large
    with pytest.raises(FileNotFoundError, match=f"truncated or altered: expected sha256 {'0' * 64}, found {SHA256}"):
        published_file(source._replace(checksum="0" * 64))
    assert files_below(folder) == []


@pytest.mark.parametrize("read", [files.published, published_file])
def test_a_file_without_a_checksum_is_read_as_it_is(read, cache):
    source = Published("set/rare.mat", "", (), "https://some.invalid/page")
    place = cache.parents[1] / "set" / "rare.mat"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"whatever")
    assert read(source) in (b"whatever", place)


def test_the_kind_that_is_here_is_the_first_whose_files_all_are(cache):
    def source(name):
        return Published(f"set/{name}", "", (), "a page")

    kinds = {"best": [source("a")], "pair": [source("b"), source("c")], "last": [source("c")]}
    folder = cache.parents[1] / "set"
    folder.mkdir(parents=True)
    for name, kind in (("", "best"), ("b", "best"), ("c", "pair"), ("a", "best")):
        (folder / (name or "other")).write_bytes(b"")
        assert files.kind_here(kinds) == kind
    (folder / "a").unlink()
    (folder / "b").unlink()
    assert files.kind_here(kinds) == "last"


# ---- the originals ---------------------------------------------------------------------------------------------------


@real("MNIST")
def test_mnist_is_the_original():
    train, test = load("mnist"), load("mnist", "test")
    assert (train.x.shape, test.x.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    assert train.y.bincount().tolist() == MNIST_TRAIN_PER_CLASS
    assert test.y.bincount().tolist() == MNIST_TEST_PER_CLASS
    assert train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The mean and deviation that half the world's code subtracts, to their four decimals.
    assert (train[:].mean().item(), train[:].std().item()) == (
        pytest.approx(0.1307, abs=5e-5),
        pytest.approx(0.3081, abs=5e-5),
    )


@real("MNIST")
def test_mnist_splits():
    val, both = load("mnist", "val", held_out=10_000), load("mnist", "all")
    assert (len(val), len(both)) == (10_000, 70_000)
    assert val.x.equal(both.x[50_000:60_000])
    assert both.y.bincount().tolist() == [
        a + b for a, b in zip(MNIST_TRAIN_PER_CLASS, MNIST_TEST_PER_CLASS, strict=True)
    ]


@real("MNIST")
@pytest.mark.usefixtures("offline")
def test_mnist_cut_short_is_refused(monkeypatch, tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    source = Path(os.environ["LATENTBOOK_DATA"]) / "MNIST" / "raw"
    fill(
        folder,
        {TEST_IMAGES: (source / TEST_IMAGES).read_bytes(), TEST_LABELS: (source / TEST_LABELS).read_bytes()[:-1]},
    )
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path))
    with pytest.raises(ChecksumError, match="expected md5 ec29112dd5afa0611ce80d1b7f02629c"):
        load("mnist", "test")


@real("FashionMNIST")
def test_fashion_is_the_original():
    train, test = load("fashion"), load("fashion", "test")
    assert train.y.bincount().tolist() == [6000] * 10
    assert test.y.bincount().tolist() == [1000] * 10
    assert train.classes[0] == "T-shirt/top"
    assert train.classes[9] == "Ankle boot"
    assert [train.classes[label] for label in train.y[:3]] == ["Ankle boot", "T-shirt/top", "T-shirt/top"]
    assert (train[:].mean().item(), train[:].std().item()) == (
        pytest.approx(0.2860, abs=5e-5),
        pytest.approx(0.3530, abs=5e-5),
    )
