"""Every pair is a dot at its improvement, in the row of its model, under the name of its experiment."""

import numpy as np
import pytest
import torch

from latentbook.press.figures.geodesics import improvements_figure
from latentbook.press.figures.geodesics.spreads import COLOURS, JITTER

GROUPS = {
    "prior": {"VAE": torch.tensor([0.1, 0.02, 0.3]), "BiGAN": torch.tensor([0.2, 0.25])},
    "images": {"VAE": torch.tensor([0.0, -0.01]), "BiGAN": torch.tensor([0.5, 0.4, 0.6, 0.1])},
}


def rows(figure):
    """Return by experiment and model the trace of dots, and that of the mean."""
    names = [(title, model) for title, models in GROUPS.items() for model in models]
    return dict(zip(names, zip(figure.data[::2], figure.data[1::2], strict=True), strict=True))


def test_dots_are_percentages_and_the_bar_is_their_mean():
    for (title, model), (dots, mean) in rows(improvements_figure(GROUPS)).items():
        values = GROUPS[title][model]
        # Rounded to three digits after the point.
        np.testing.assert_allclose(dots.x, 100 * values, atol=6e-4)
        assert mean.x[0] == pytest.approx(100 * values.mean().item(), abs=6e-4)
        assert dots.hovertemplate.startswith(model)
        assert f"mean {100 * values.mean():.2f} %" in mean.hovertemplate


def test_a_row_is_labelled_by_its_model_and_coloured_alike_in_every_experiment():
    figure = improvements_figure(GROUPS)
    axis, drawn = figure.layout.yaxis, rows(figure)
    assert list(axis.ticktext) == ["VAE", "BiGAN", "VAE", "BiGAN"]
    for place, (dots, mean) in zip(axis.tickvals, drawn.values(), strict=True):
        assert mean.y[0] == place
        assert np.abs(np.array(dots.y) - place).max() <= JITTER + 1e-3
    assert [dots.marker.color for dots, _ in drawn.values()] == [*COLOURS[:2]] * 2


def test_dots_of_one_row_do_not_lie_on_those_of_another():
    """Rows are a unit apart, dots stay within less than half of it."""
    places = np.array(improvements_figure(GROUPS).layout.yaxis.tickvals)
    assert (np.diff(places) < -1 + 1e-9).all()
    assert JITTER < 0.5


def test_equal_values_are_moved_apart():
    dots = improvements_figure({"prior": {"VAE": torch.zeros(64)}}).data[0]
    assert len(set(np.array(dots.y).tolist())) > 60


def test_the_order_of_the_pairs_changes_nothing():
    """Neighbours in value are moved apart, not neighbours in the list."""
    values = torch.rand(40)
    pictures = [improvements_figure({"prior": {"VAE": some}}).data[0] for some in (values, values.flip(0))]
    first, second = (sorted(zip(dots.x, dots.y, strict=True)) for dots in pictures)
    assert first == second


def test_an_experiment_is_named_above_its_rows_and_everything_is_in_sight():
    figure = improvements_figure(GROUPS)
    titles, places = figure.layout.annotations, figure.layout.yaxis.tickvals
    assert [note.text for note in titles] == ["<b>prior</b>", "<b>images</b>"]
    assert titles[0].y > places[0] > places[1] > titles[1].y > places[2] > places[3]
    low, high = figure.layout.yaxis.range
    assert low < places[3] - JITTER
    assert high > titles[0].y
    # The line of no improvement passes by all rows of its experiment, and by no title.
    for zero, title, ends in zip(figure.layout.shapes, titles, (places[:2], places[2:]), strict=True):
        assert (zero.x0, zero.x1, zero.xref, zero.yref) == (0, 0, "x", "y")
        assert title.y > zero.y0 > max(ends)
        assert zero.y1 < min(ends)


def test_more_rows_make_a_higher_figure():
    one, two = improvements_figure({"prior": GROUPS["prior"]}), improvements_figure(GROUPS)
    assert two.layout.height > one.layout.height + 60


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`groups` is empty"):
        improvements_figure({})
    with pytest.raises(ValueError, match="more than 4 models"):
        improvements_figure({"prior": {str(k): torch.zeros(2) for k in range(5)}})
    with pytest.raises(ValueError, match=r"`improvements of VAE` has shape \(2, 3\)"):
        improvements_figure({"prior": {"VAE": torch.zeros(2, 3)}})
