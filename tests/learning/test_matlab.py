"""MATLAB files: read by name, and refused with one error wherever they are cut."""

import io

import numpy as np
import pytest
from scipy.io import savemat

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
        ValueError, match=r"some\.mat has no variable `c`, but `a`, `b`: it is truncated, or another file"
    ):
        read_variables(place, ["c", "a"])


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_cut_anywhere_is_one_error(compressed, tmp_path):
    place, content = tmp_path / "cut.mat", mat(compressed)
    # What is behind the last value, to a multiple of eight bytes, is not missed.
    for length in [*range(0, 300, 7), *range(300, len(content), 97), len(content) - 2]:
        place.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"cut\.mat (is truncated, or no MATLAB file|has no variable `[ab]`)"):
            read_variables(place, ["a", "b"])


@pytest.mark.filterwarnings("ignore")
def test_a_variable_that_cannot_be_read_is_an_error_where_scipy_only_warns(tmp_path):
    """An array of a class that scipy does not know."""
    content = bytearray(mat(False))
    # Behind the header of 128 bytes and two tags of 8 bytes is the array's class: 6, a double.
    assert content[144] == 6
    content[144] = 99
    (tmp_path / "odd.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.mat is truncated, or no MATLAB file up to version 7\.2"):
        read_variables(tmp_path / "odd.mat", ["a"])


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + bytes(600), b"<html>please log in</html>" * 20])
def test_another_format_is_refused(content, tmp_path):
    (tmp_path / "other.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.mat (is truncated, or no MATLAB file|has no variable)"):
        read_variables(tmp_path / "other.mat", ["a"])


def test_a_file_that_is_not_there_is_no_truncated_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_variables(tmp_path / "none.mat", ["a"])
