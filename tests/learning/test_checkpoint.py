"""One file for a run: it comes back as it went, and a byte that differs is noticed."""

import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentbook.core import ChecksumError
from latentbook.learning.checkpoint import load, save, split, state_tensors

TENSORS = {
    "float": torch.randn(3, 4),
    "half": torch.randn(5, dtype=torch.float64).half(),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "integers": torch.arange(7, dtype=torch.uint8),
    "transposed": torch.randn(3, 4).T,
}
FACTS = {"step": 7, "names": ["a", "b"], "rate": 0.1, "nested": {"x": None, "y": [1, 2.5, True]}}


def test_everything_comes_back(tmp_path):
    save(tmp_path / "run", TENSORS, FACTS)
    tensors, facts = load(tmp_path / "run")
    assert facts == FACTS
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].equal(value)
        assert tensors[name].dtype == value.dtype


def test_shared_memory_is_no_obstacle(tmp_path):
    whole = torch.randn(4, 4)
    save(tmp_path / "run", {"whole": whole, "part": whole[1:]}, {})
    assert load(tmp_path / "run")[0]["part"].equal(whole[1:])


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_no_altered_byte_goes_unnoticed(tmp_path_factory, place, change):
    """Anywhere in the file: in the numbers, in the names, in the facts."""
    file = tmp_path_factory.mktemp("run") / "run"
    save(file, {"w": torch.arange(20.0)}, {"step": 7})
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= change
    file.write_bytes(content)
    try:
        tensors, facts = load(file)
    except ChecksumError:
        return
    # Some bytes of a header mean nothing, a space for instance.
    assert tensors["w"].equal(torch.arange(20.0))
    assert facts == {"step": 7}


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_file_cut_short_is_refused_with_the_repair(tmp_path, kept):
    file = tmp_path / "run"
    save(file, TENSORS, FACTS)
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ChecksumError, match="delete it and train again"):
        load(file)


def test_another_program_s_safetensors_is_refused(tmp_path):
    import safetensors.torch

    safetensors.torch.save_file({"w": torch.zeros(2)}, tmp_path / "run")
    with pytest.raises(ChecksumError, match="no finished file of a run"):
        load(tmp_path / "run")


def test_a_full_disk_leaves_the_older_file(tmp_path, monkeypatch):
    save(tmp_path / "run", {"w": torch.zeros(2)}, {"step": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path / "run", {"w": torch.ones(2)}, {"step": 2})
    monkeypatch.undo()
    assert load(tmp_path / "run")[1] == {"step": 1}
    assert os.listdir(tmp_path) == ["run"]


def test_a_state_is_parted_and_joined():
    tensors, rest = state_tensors("part", {"w": torch.ones(1), "n": 3, "deep.w": torch.zeros(2)})
    assert list(tensors) == ["part.w", "part.deep.w"]
    assert rest == {"n": 3}
    assert list(split({**tensors, "partly.w": torch.zeros(1)}, "part")) == ["w", "deep.w"]
