"""CelebA on an archive of a few small faces, written here."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets, transforms

from latentbook.learning.data import load
from latentbook.learning.faces import celeba_files
from tests.learning.formats import files_below, md5

NUMBERS = [0, 0, 0, 1, 2, 2]
FILES = [f"{k + 1:06}.jpg" for k in range(len(NUMBERS))]
SMILES = [1, -1, 1, 1, -1, 1]


def photograph(k):
    """A smooth picture of 218 x 178 pixels, which JPEG keeps well."""
    y, x = np.mgrid[:218, :178]
    return Image.fromarray(np.stack([x, y, 0 * x + 20 * k], -1).astype(np.uint8))


def jpeg(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def given(monkeypatch, tmp_path):
    """A LATENTBOOK_DATA with CelebA's three files, of six faces, and a way to change one of them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    folder = tmp_path / "given" / "celeba"
    folder.mkdir(parents=True)

    def write(file, content):
        (folder / file).write_bytes(content)
        listed = {name: checksum for _, checksum, name in datasets.CelebA.file_list} | {file: md5(content)}
        monkeypatch.setattr(datasets.CelebA, "file_list", [("", checksum, name) for name, checksum in listed.items()])

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as images:
        for k, file in enumerate(FILES):
            images.writestr(f"img_align_celeba/{file}", jpeg(photograph(k)))
    write("img_align_celeba.zip", archive.getvalue())
    write("list_eval_partition.txt", "".join(f"{f} {n}\n" for f, n in zip(FILES, NUMBERS, strict=True)).encode())
    # The original pads its columns with spaces.
    rows = "".join(f"{f}  1 {smile:2d}\n" for f, smile in zip(FILES, SMILES, strict=True))
    write("list_attr_celeba.txt", f"{len(FILES)}\nMale Smiling \n{rows}".encode())
    return write


@pytest.mark.usefixtures("offline", "given")
def test_faces_are_cropped_and_resized_as_torchvision_does(tmp_path):
    test = load("celeba", "test", size=20)
    assert (test.x.shape, test.x.dtype) == ((2, 3, 20, 20), torch.uint8)
    change = transforms.Compose([transforms.CenterCrop(150), transforms.Resize(20), transforms.PILToTensor()])
    for k, image in zip((4, 5), test.x, strict=True):
        assert change(Image.open(io.BytesIO(jpeg(photograph(k))))).equal(image)
        # The picture that was packed: a ramp to the right, a ramp down, a constant; JPEG errs by a few levels.
        assert (image.double().mean((1, 2)) - torch.tensor([88.5, 108.5, 20.0 * k])).abs().max() < 3
    assert files_below(tmp_path / "given") == [
        f"celeba/{file}" for file in ("img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt")
    ]
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("offline", "given")
def test_labels_parts_and_the_original_validation():
    whole, val = load("celeba", size=8), load("celeba", "val", held_out=1, size=8)
    assert whole.y.tolist() == [1, 0, 1, 1]
    assert whole.classes == ("not Smiling", "Smiling")
    assert val.x.equal(whole.x[3:])
    assert load("celeba", count=2, size=8).x.equal(whole.x[:2])
    assert load("celeba", count=2, size=8, attribute="Male").y.tolist() == [1, 1]
    assert load("celeba", "all").x.shape == (6, 3, 32, 32)


@pytest.mark.usefixtures("offline")
def test_without_the_files_a_person_is_told_where_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError) as caught:
        load("celeba")
    for words in (
        f"is not in {tmp_path / 'celeba'} and {tmp_path / 'cache'}",
        "cannot be downloaded by a program: get it from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        "Google Drive",
        "img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt",
        "set LATENTBOOK_DATA=<folder> to a folder that has celeba/list_attr_celeba.txt",
    ):
        assert words in str(caught.value)
    assert files_below(tmp_path) == []


def test_checksums_are_torchvisions():
    assert [source.checksum[:8] for source in celeba_files()] == ["00d2c5bc", "75e246fa", "d32c9cbf"]


@pytest.mark.usefixtures("offline", "unchecked")
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 4}, ValueError, "`size` is 4: pass a whole number of at least 8"),
        ({"count": 0}, ValueError, "`count` is 0: pass a whole number of at least 1"),
        ({"attribute": "Happy"}, ValueError, r"`attribute` is 'Happy', .*pass one of \['Male', 'Smiling'\]"),
    ],
)
def test_wrong_options(given, options, error, message):
    with pytest.raises(error, match=message):
        load("celeba", **options)


@pytest.mark.usefixtures("offline")
def test_files_that_do_not_fit_each_other(given):
    given("list_eval_partition.txt", b"000001.jpg 0\n000099.jpg 2\n")
    with pytest.raises(ValueError, match=r"list_attr_celeba\.txt has no line for 000099\.jpg"):
        load("celeba", "test")
    given("list_attr_celeba.txt", b"1\nMale Smiling\n000099.jpg 1 1\n")
    with pytest.raises(ValueError, match=r"img_align_celeba\.zip has no img_align_celeba/000099\.jpg"):
        load("celeba", "test")
