"""Wrong arguments of `load` are answered with the right ones."""

import pytest

from latentbook.learning.options import require_choice, require_integer, require_options

pytestmark = pytest.mark.usefixtures("unchecked")


def make(part, *, size=28, seed=0):
    return part, size, seed


def test_right_values_pass():
    require_choice("split", "train", ["train", "test"])
    require_integer("size", 8, 8)
    require_options("made", make, ["seed", "size"])
    require_options("made", make, [])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("valid", ValueError, r"`split` is 'valid', which is unknown: pass one of \['test', 'train'\]"),
        (["train"], TypeError, r"`split` is \['train'\], not a string: pass one of \['test', 'train'\]"),
    ],
)
def test_wrong_choices(value, error, message):
    with pytest.raises(error, match=message):
        require_choice("split", value, ["train", "test"])


@pytest.mark.parametrize(("value", "error"), [(7, ValueError), (8.0, TypeError), (True, TypeError), (None, TypeError)])
def test_wrong_integers(value, error):
    with pytest.raises(error, match=f"`size` is {value}.*: pass a whole number of at least 8"):
        require_integer("size", value, 8)


def test_wrong_options_name_the_right_ones():
    with pytest.raises(TypeError, match="`colour` is no option of the data set 'made': it knows `size`, `seed`"):
        require_options("made", make, ["seed", "colour"])
    # The part is no option: the split decides it.
    with pytest.raises(TypeError, match="`part` is no option"):
        require_options("made", make, ["part"])
