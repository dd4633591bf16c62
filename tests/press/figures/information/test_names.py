"""Rates are called after the codes that they are given."""

import pytest

from latentbook.press.figures.information import rate_name


def test_a_rate_names_all_layers_above():
    assert [rate_name(layer, 4) for layer in (1, 2, 3, 4)] == [
        "R(z₁ | z₂, z₃, z₄)",
        "R(z₂ | z₃, z₄)",
        "R(z₃ | z₄)",
        "R(z₄)",
    ]


@pytest.mark.parametrize(("layer", "layers"), [(0, 2), (3, 2), (1, 10)])
def test_a_layer_that_there_is_not_is_refused(layer, layers):
    with pytest.raises(ValueError, match=f"`layer` is {layer} of {layers}"):
        rate_name(layer, layers)
