"""MATLAB files: read by name, and refused with one error wherever they are cut."""

import io

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array

from latentbook.learning.matlab import read_variables

A, B = np.arange(600.0).reshape(20, 30), np.arange(7, dtype=np.uint8)


def mat(compressed):
    file = io.BytesIO()
    savemat(file, {"a": A, "b": B}, do_compression=compressed)
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_variables_are_read_by_name(compressed, tmp_path):
    place = tmp_path / "some.mat"
    place.write_bytes(mat(compressed))
    b, a = read_variables(place, ["b", "a"])
    assert (a == A).all()
    assert (b == B[None]).all()
    assert a.dtype == np.float64
    assert b.dtype == np.uint8
    with pytest.raises(
        ValueError, match=r"some\.mat has no array `c` \(it has `a`, `b`\): it is truncated, or another file"
    ):
        read_variables(place, ["c", "a"])


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_cut_anywhere_is_one_error(compressed, tmp_path):
    place, content = tmp_path / "cut.mat", mat(compressed)
    # What is behind the last value, to a multiple of eight bytes, is not missed.
    for length in [*range(0, 300, 7), *range(300, len(content), 97), len(content) - 2]:
        place.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"cut\.mat (is truncated, or no MATLAB file|has no array `[ab]`)"):
            read_variables(place, ["a", "b"])


def test_what_is_no_array_is_refused_by_its_name(tmp_path):
    """A sparse matrix, or the words that scipy may leave where it cannot read."""
    savemat(tmp_path / "odd.mat", {"a": csc_array(A), "b": B})
    with pytest.raises(
        ValueError, match=r"odd\.mat has no array `a` \(it has `a`, `b`\): it is truncated, or another file"
    ):
        read_variables(tmp_path / "odd.mat", ["b", "a"])


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + bytes(600), b"<html>please log in</html>" * 20])
def test_another_format_is_refused(content, tmp_path):
    (tmp_path / "other.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.mat (is truncated, or no MATLAB file|has no array)"):
        read_variables(tmp_path / "other.mat", ["a"])


def test_a_file_that_is_not_there_is_no_truncated_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_variables(tmp_path / "none.mat", ["a"])
