"""Cosines are those of whole members, and matrices share one scale of colours."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.geodesics import cosines, grams_figure, grams_phone, mean_cosine

MATRICES = {
    name: torch.full((3, 3), low).fill_diagonal_(1.0)
    for name, low in (("images, straight", 0.9), ("images, geodesic", 0.4), ("features", -0.2))
}


def test_a_member_is_one_vector_whatever_its_shape():
    sequence = torch.randn(4, 3, 2, 5)
    rows = sequence.reshape(4, -1)
    expected = torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1)
    torch.testing.assert_close(cosines(sequence), expected)
    # The length of a member does not count.
    torch.testing.assert_close(cosines(sequence * torch.rand(4, 1, 1, 1).add(0.1)), expected)


def test_the_mean_leaves_out_each_member_with_itself():
    matrix = torch.tensor([[1.0, 0.2, 0.3], [0.2, 1.0, 0.7], [0.3, 0.7, 1.0]])
    assert mean_cosine(matrix) == pytest.approx(0.4)


def test_matrices_are_drawn_from_the_top_at_one_scale_with_one_bar():
    lopsided = torch.tensor([[1.0, 0.1, 0.2], [0.1, 1.0, 0.5], [0.2, 0.5, 1.0]])
    figure = grams_figure({**MATRICES, "fourth": lopsided})
    for trace, matrix in zip(figure.data, [*MATRICES.values(), lopsided], strict=True):
        np.testing.assert_allclose(trace.z, matrix, atol=6e-4)
        assert (trace.zmin, trace.zmax) == (pytest.approx(-0.2), 1)
    assert [trace.showscale for trace in figure.data] == [False, False, False, True]
    assert figure.data[3].colorbar.title.text == "cosine"
    for axis in (figure.layout.yaxis, figure.layout.yaxis4):
        assert axis.autorange == "reversed"
    assert figure.layout.yaxis2.scaleanchor == "x2"
    assert [note.text for note in figure.layout.annotations] == [*MATRICES, "fourth"]
    assert [note.xref for note in figure.layout.annotations][:2] == ["x domain", "x2 domain"]
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert figure.layout.xaxis4.domain[1] == pytest.approx(1)


def test_on_a_phone_two_stand_in_a_row():
    phone = grams_phone(4)
    assert phone["xaxis.domain"] == phone["xaxis3.domain"]
    assert phone["xaxis.domain"][1] < phone["xaxis2.domain"][0]
    assert phone["yaxis.domain"] == phone["yaxis2.domain"]
    assert phone["yaxis.domain"][0] > phone["yaxis3.domain"][1]
    assert phone["yaxis3.domain"][0] >= 0
    assert grams_phone(1)["xaxis.domain"] == [0, 1]
    assert grams_phone(2)["height"] < phone["height"]


def test_what_does_not_fit_is_refused():
    for count in (0, 5):
        with pytest.raises(ValueError, match=f"`matrices` has {count} of them"):
            grams_figure({str(k): torch.eye(2) for k in range(count)})
    with pytest.raises(ValueError, match=r"`matrix of wide` has shape \(2, 3\)"):
        grams_figure({"wide": torch.zeros(2, 3)})
