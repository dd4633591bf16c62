"""Where each data set is, what fetching brings, and what is verified."""

import pytest
from torchvision import datasets

from latentbook.learning.data import DATASETS
from latentbook.learning.files import Published
from latentbook.learning.shelf import SIZES, fetch, files_of, listing, verify
from latentbook.learning.toys import TOYS
from tests.learning.formats import files_below, md5

CONTENTS = {"train-a.gz": b"first", "t10k-b.gz": b"second"}


@pytest.fixture
def places(monkeypatch, tmp_path):
    """A reader's folder and a cache, both empty, and two files in MNIST's place."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    monkeypatch.setattr(datasets.MNIST, "resources", [(file, md5(content)) for file, content in CONTENTS.items()])
    folders = [tmp_path / "given", tmp_path / "cache" / "latentbook" / "data"]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def put(folder, **changes):
    for file, content in CONTENTS.items():
        (folder / "MNIST" / "raw").mkdir(parents=True, exist_ok=True)
        (folder / "MNIST" / "raw" / file).write_bytes(changes.get(file.split("-")[0], content))


def line_of(name):
    [line] = [line for line in listing() if line.split()[0] == name]
    return line


def test_every_set_has_its_size():
    assert set(SIZES) | set(TOYS) == set(DATASETS)


def test_the_files_of_a_set_are_its_originals():
    for name in DATASETS:
        for file in files_of(name):
            assert isinstance(file, Published)
            assert len(file.checksum) in (0, 32, 64)
            assert file.mirrors or file.page
            # What cannot be checked is not fetched.
            assert file.checksum or not file.mirrors
    assert files_of("omniglot")[-1].path == "OMNIGLOT/chardata.mat"
    assert [name for name in DATASETS if not files_of(name)] == ["digits", "sprites", "clock", *TOYS]


def test_a_listing_says_where(places):
    given, cache = places
    assert line_of("mnist").endswith("not here")
    put(cache)
    assert line_of("mnist").endswith(f"  {cache}")
    (cache / "MNIST" / "raw" / "t10k-b.gz").unlink()
    assert line_of("mnist").endswith(f"1 of 2 files in {cache}")
    put(given)
    assert line_of("mnist").endswith(f"  {given}")
    (given / "MNIST" / "raw" / "t10k-b.gz").unlink()
    put(cache)
    assert line_of("mnist").endswith(f"  {given} and {cache}")
    assert "60,000" not in line_of("mnist")
    assert "not here: get it from https://mmlab" in line_of("celeba")


def test_fetching_brings_what_is_missing(monkeypatch, places, mirror):
    given, cache = places
    monkeypatch.setattr(datasets.MNIST, "mirrors", [mirror.url])
    put(given)
    (given / "MNIST" / "raw" / "t10k-b.gz").unlink()
    (mirror.folder / "t10k-b.gz").write_bytes(b"second")
    place = cache / "MNIST" / "raw" / "t10k-b.gz"
    assert list(fetch("mnist")) == [f"ok: {given / 'MNIST' / 'raw' / 'train-a.gz'}", f"ok: {place}"]
    assert place.read_bytes() == b"second"
    assert mirror.requests == ["/t10k-b.gz"]
    assert list(fetch("mnist"))
    assert len(mirror.requests) == 1


@pytest.mark.usefixtures("offline")
def test_a_fetch_without_network_leaves_nothing(places):
    with pytest.raises(FileNotFoundError, match=r"train-a\.gz is not in"):
        list(fetch("mnist"))
    assert all(files_below(folder) == [] for folder in places)


def test_every_copy_is_verified(places):
    given, cache = places
    assert list(verify()) == []
    missing = [(False, f"MNIST/raw/{file} is not here: run `latentbook data fetch mnist`") for file in CONTENTS]
    assert list(verify("mnist")) == missing
    put(given)
    put(cache, train=b"altered")
    for findings in (list(verify("mnist")), list(verify())):
        assert [right for right, _ in findings] == [True, False, True, True]
        assert str(cache / "MNIST" / "raw" / "train-a.gz") in findings[1][1]


def test_a_file_without_a_checksum_is_here_and_not_verified(places):
    given, _ = places
    (given / "OMNIGLOT").mkdir()
    (given / "OMNIGLOT" / "chardata.mat").write_bytes(b"whatever")
    words = f"here, and without a published checksum: {given / 'OMNIGLOT' / 'chardata.mat'}"
    assert list(verify("omniglot")) == [(True, words)]


def test_of_kinds_the_one_that_would_be_loaded_counts(places):
    given, _ = places
    assert "  chardata: not here: get it from https://github.com/yburda" in line_of("omniglot")
    assert line_of("caltech101").endswith("  split: not here")
    assert [right for right, _ in verify("omniglot")] == [False]
    (given / "OMNIGLOT").mkdir()
    for k in (1, 2):
        (given / "OMNIGLOT" / f"images_background_small{k}.zip").write_bytes(b"altered")
    assert line_of("omniglot").endswith(f"  small: {given}")
    wrong = [words for right, words in verify("omniglot") if not right]
    assert [words.split(" is ")[1].split(":")[0] for words in wrong] == ["truncated or altered"] * 2
    (given / "OMNIGLOT" / "chardata.mat").write_bytes(b"")
    assert line_of("omniglot").endswith(f"  chardata: {given}")


def test_a_folder_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("LATENTBOOK_DATA", "/nowhere")
    with pytest.raises(FileNotFoundError, match="LATENTBOOK_DATA is '/nowhere'"):
        list(listing())
