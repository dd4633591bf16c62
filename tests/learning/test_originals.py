"""Published sets in their original formats, on small files that are written here; checksums are patched to fit."""

import hashlib
import io
import os
import re
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torchvision import datasets

from latentbook.core import ChecksumError
from latentbook.learning import originals
from latentbook.learning.data import load
from latentbook.learning.originals import FILES, cifar10
from tests.learning.formats import files_below, idx, md5

GIVEN = os.environ.get("LATENTBOOK_DATA")
FIRST_4000 = Path(GIVEN or ".") / "CIFAR10_first4000" / "data_batch_1_first4000.bin"


def pixels(*shape):
    return torch.randint(256, shape, dtype=torch.uint8)


@pytest.fixture
def given(monkeypatch, tmp_path):
    """An empty LATENTBOOK_DATA and an empty cache beside it, without a network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


def put(folder, path, content):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return md5(content)


# ---- EMNIST ----------------------------------------------------------------------------------------------------------


def emnist_archive(kind, parts):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for part, (images, labels) in parts.items():
            files.writestr(f"gzip/emnist-{kind}-{part}-images-idx3-ubyte.gz", idx(images))
            files.writestr(f"gzip/emnist-{kind}-{part}-labels-idx1-ubyte.gz", idx(labels))
    return archive.getvalue()


@pytest.fixture
def emnist(monkeypatch, given):
    """Write an archive of one selection, and return its images."""

    def write(kind, first_label=0):
        images = pixels(5, 28, 28)
        labels = torch.arange(first_label, first_label + 5, dtype=torch.uint8)
        parts = {"train": (images, labels), "test": (images[:2], labels[:2])}
        monkeypatch.setattr(datasets.EMNIST, "md5", put(given, "EMNIST/raw/gzip.zip", emnist_archive(kind, parts)))
        return images

    return write


@pytest.mark.usefixtures("offline")
def test_emnist_is_turned_upright(emnist, given, tmp_path):
    images = emnist("balanced")
    train, both = load("emnist"), load("emnist", "all")
    assert train.x.equal(images.transpose(1, 2)[:, None])
    assert train.x.is_contiguous()
    assert train.y.tolist() == [0, 1, 2, 3, 4]
    assert (len(train.classes), train.classes[:11], train.name) == (47, tuple("0123456789A"), "emnist")
    assert len(both) == 7
    assert "'balanced'" in train.note
    assert files_below(tmp_path) == ["given/EMNIST/raw/gzip.zip"]


@pytest.mark.usefixtures("offline")
def test_emnist_letters_count_from_zero(emnist):
    emnist("letters", first_label=1)
    letters = load("emnist", kind="letters")
    assert [letters.classes[label] for label in letters.y] == list("abcde")
    assert len(letters.classes) == 26


@pytest.mark.usefixtures("offline")
def test_an_archive_without_the_selection_is_refused(emnist):
    emnist("digits")
    with pytest.raises(ValueError, match=r"gzip\.zip has no gzip/emnist-mnist-train-images-idx3-ubyte\.gz"):
        load("emnist", kind="mnist")


# ---- static MNIST ----------------------------------------------------------------------------------------------------


def amat(images):
    """Write a line of zeros and ones for each image, as Larochelle does."""
    return "".join(" ".join(map(str, image)) + "\n" for image in images.flatten(1).tolist()).encode()


@pytest.fixture
def static(monkeypatch, given):
    """Write the three files of static MNIST."""

    def write(contents):
        sources = [source._replace(checksum="") for source in originals.STATIC_MNIST]
        for k, content in enumerate(contents):
            put(given, sources[k].path, content)
            sources[k] = sources[k]._replace(checksum=hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(originals, "STATIC_MNIST", sources)

    return write


@pytest.mark.usefixtures("offline")
def test_static_mnist_keeps_its_draw_and_its_split(static, tmp_path):
    x = torch.randint(2, (9, 1, 28, 28), dtype=torch.uint8)
    static([amat(x[:5]), amat(x[5:7]), amat(x[7:])])
    train, val, test = (load("static-mnist", part, held_out=2) for part in ("train", "val", "test"))
    assert train.x.equal(x[:5])
    assert val.x.equal(x[5:7])
    assert test.x.equal(x[7:])
    assert load("static-mnist").x.equal(x[:7])
    assert (train.name, train.y, train.full_scale) == ("static-mnist", None, 1)
    assert train[:].equal(x[:5].double())
    assert "comparable with published ones of static MNIST" in train.note
    folder = "given/MNIST_static/binarized_mnist_"
    assert files_below(tmp_path) == [f"{folder}{part}.amat" for part in ("test", "train", "valid")]


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:-1] + b" ",
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b" ", b",", 1),
        lambda content: content.replace(b"1", b"2", 1),
        lambda content: content.replace(b"0", b"/", 1),
        lambda content: content[784:-784],
    ],
)
def test_what_is_no_table_of_zeros_and_ones_is_refused(damage, static):
    static([b"", b"", damage(amat(torch.randint(2, (3, 784))))])
    with pytest.raises(ValueError, match=r"binarized_mnist_test\.amat does not hold lines of 784 zeros and ones"):
        load("static-mnist", "test")


def test_checksums_of_static_mnist_are_of_three_files():
    assert [source.checksum[:8] for source in originals.STATIC_MNIST] == ["ad693b29", "1de3d397", "e6687bfe"]


# ---- CIFAR-10 --------------------------------------------------------------------------------------------------------


def cifar_archive(batches):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def records(x, y):
    return torch.cat([y[:, None], x.flatten(1)], 1).numpy().tobytes()


@pytest.fixture
def cifar(monkeypatch, given):
    """Write an archive in the binary layout."""

    def write(batches):
        checksum = put(given, "CIFAR10/cifar-10-binary.tar.gz", cifar_archive(batches))
        monkeypatch.setattr(originals, "CIFAR10", originals.CIFAR10._replace(checksum=checksum))

    return write


@pytest.mark.usefixtures("offline")
def test_cifar_batches_follow_each_other(cifar, tmp_path):
    x, y = pixels(12, 3, 32, 32), torch.arange(12, dtype=torch.uint8) % 10
    # In the published archive, too, the batches are out of order.
    batches = {f"data_batch_{k + 1}.bin": records(x[2 * k : 2 * k + 2], y[2 * k : 2 * k + 2]) for k in (3, 1, 0, 4, 2)}
    cifar({"batches.meta.txt": b"airplane\n", **batches, "test_batch.bin": records(x[10:], y[10:])})
    train, test = load("cifar10"), load("cifar10", "test")
    assert train.x.equal(x[:10])
    assert train.y.equal(y[:10].long())
    assert test.x.equal(x[10:])
    assert (train.image_shape, train.classes[6], train.name) == ((3, 32, 32), "frog", "cifar10")
    assert len(load("cifar10", "val", held_out=4)) == 4
    assert files_below(tmp_path) == ["given/CIFAR10/cifar-10-binary.tar.gz"]


@pytest.mark.usefixtures("offline")
def test_what_is_not_cifars_layout_is_refused(cifar):
    cifar({"test_batch.bin": bytes(3072)})
    with pytest.raises(ValueError, match=r"test_batch\.bin has 3072 bytes, which are no records of 3073 bytes"):
        load("cifar10", "test")
    with pytest.raises(
        ValueError, match=r"has no data_batch_1\.bin, .* data_batch_5\.bin: it is not CIFAR-10's binary"
    ):
        load("cifar10")


@pytest.mark.usefixtures("offline", "unchecked")
def test_labels_beyond_the_classes_are_refused(cifar):
    cifar({"test_batch.bin": records(pixels(1, 3, 32, 32), torch.tensor([10]).byte())})
    with pytest.raises(ValueError, match="`y` goes from 10 to 10, but there are 10 `classes`"):
        cifar10("test")


@pytest.mark.skipif(not FIRST_4000.is_file(), reason="needs LATENTBOOK_DATA=<folder> with CIFAR10_first4000 in it")
@pytest.mark.usefixtures("offline")
def test_real_records_are_read(cifar):
    """The first 4,000 training images, in the layout of the published batches; the first is a frog."""
    cifar({"test_batch.bin": FIRST_4000.read_bytes()})
    real = load("cifar10", "test")
    assert len(real) == 4000
    assert [real.classes[label] for label in real.y[:5]] == ["frog", "truck", "truck", "deer", "automobile"]
    # The means of the three channels over all of CIFAR-10 are 0.491, 0.482, 0.447.
    torch.testing.assert_close(real[:].mean((0, 2, 3)), torch.tensor([0.491, 0.482, 0.447]), atol=0.01, rtol=0)
    # Neighbours resemble each other: rows, columns and planes are where they belong.
    assert (real[:].diff(dim=-1).abs().mean(), real[:].diff(dim=-2).abs().mean()) < (0.1, 0.1)


# ---- SVHN ------------------------------------------------------------------------------------------------------------


def mat(variables):
    file = io.BytesIO()
    savemat(file, variables, do_compression=True)
    return file.getvalue()


@pytest.fixture
def svhn(monkeypatch, given):
    """Write one of SVHN's files."""

    def write(part, variables):
        file = f"{part}_32x32.mat"
        checksum = put(given, f"SVHN/{file}", mat(variables))
        listed = [f"http://first.invalid/{file}", file, checksum]
        monkeypatch.setattr(datasets.SVHN, "split_list", {**datasets.SVHN.split_list, part: listed})

    return write


@pytest.mark.usefixtures("offline")
def test_svhn_is_turned_around_and_its_ten_is_a_zero(svhn):
    images = np.random.default_rng(0).integers(256, size=(32, 32, 3, 4), dtype=np.uint8)
    labels = np.array([[10], [1], [9], [10]], np.uint8)
    for part in ("train", "test"):
        svhn(part, {"X": images, "y": labels})
        images = images[..., :3]
        labels = labels[:3]
    train, test = load("svhn"), load("svhn", "test")
    assert (train.x.shape, len(test)) == ((4, 3, 32, 32), 3)
    assert test.x.equal(torch.from_numpy(images).permute(3, 2, 0, 1))
    assert test.x.is_contiguous()
    assert train.y.tolist() == [0, 1, 9, 0]
    assert train.classes == tuple("0123456789")


@pytest.mark.usefixtures("offline", "unchecked")
def test_what_is_not_svhn_is_refused(svhn):
    svhn("test", {"X": np.zeros((32, 32, 3, 2)), "y": np.zeros((2, 1))})
    with pytest.raises(ValueError, match=r"test_32x32\.mat does not hold SVHN: `X` has shape .* and holds float64"):
        load("svhn", "test")
    svhn("test", {"Z": np.zeros(3)})
    with pytest.raises(ValueError, match=r"does not hold SVHN: `X` has shape \(0,\)"):
        load("svhn", "test")
    svhn("test", {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.zeros((3, 1))})
    with pytest.raises(ValueError, match=r"`y` has shape \(3,\), but `x` has 2 examples"):
        load("svhn", "test")


# ---- what holds for all of them --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline", "given")
@pytest.mark.parametrize("name", ["static-mnist", "emnist", "cifar10", "svhn"])
def test_without_network_the_originals_are_named(name):
    [source, *_] = FILES[name]()
    file = source.path.split("/")[-1]
    words = rf"{re.escape(file)} is not in .*{re.escape(source.mirrors[0] + file)} .*folder that has {source.path}"
    with pytest.raises(FileNotFoundError, match=words):
        load(name)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["static-mnist", "emnist", "cifar10", "svhn"])
def test_an_altered_file_is_refused_before_it_is_read(name, given):
    [source, *_] = FILES[name]()
    put(given, source.path, b"PK is what a zip begins with")
    with pytest.raises(
        ChecksumError, match=f"{source.path} is truncated or altered: expected (md5|sha256) {source.checksum}"
    ):
        load(name)


@pytest.mark.parametrize("length", [0, 1, 2351, 2352, 2353, 5000])
def test_a_stream_fills_what_there_is_room_for(length, monkeypatch):
    monkeypatch.setattr(originals, "PIECE", 1000)
    values, content = torch.zeros(3, 28, 28, dtype=torch.uint8), bytes(k % 251 + 1 for k in range(length))
    assert originals._filled(values, io.BytesIO(content)) == length
    # Of a stream that is too long, the length alone matters: it is refused.
    if length <= 2352:
        assert bytes(values.flatten()[:length].tolist()) == content


@pytest.mark.usefixtures("offline")
def test_pixels_are_in_memory_once(monkeypatch, given):
    """What Python itself allocates while MNIST is read is the packed file and pieces, not the pixels."""
    contents = {f"{part}-{what}-ubyte.gz": idx(values) for part, what, values in big_mnist()}
    resources = [(file, put(given, f"MNIST/raw/{file}", content)) for file, content in contents.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    load("mnist")
    tracemalloc.start()
    assert len(load("mnist")) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 15.7 MB of pixels are torch's; four pieces of 1 MB are Python's.
    assert peak < 5e6


def big_mnist():
    images, labels = torch.zeros(20_000, 28, 28, dtype=torch.uint8), torch.zeros(20_000, dtype=torch.uint8)
    return [("train", "images-idx3", images), ("train", "labels-idx1", labels)]
