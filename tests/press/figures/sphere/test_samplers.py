"""A point for each seed and kind of sampler, at one scale, and lines between points of one seed."""

import dataclasses
import math

import pytest
import torch

from latentbook.press.figures import ACCENT, WARM
from latentbook.press.figures.sphere import SamplersPanel, samplers_figure

BOUNDS = {"published": torch.tensor([-27.1, -27.0]), "exact": torch.tensor([-26.6, -26.8])}
PANEL = SamplersPanel("S³⁹", BOUNDS)
BETTER = SamplersPanel("S⁹ × 4", {kind: values + 3 for kind, values in BOUNDS.items()})


def test_each_kind_has_a_point_for_each_seed():
    figure = samplers_figure([PANEL, BETTER])
    _, published, exact, _, _, better = figure.data
    assert ([*published.x], [*published.y]) == ([0, 0], pytest.approx([-27.1, -27.0]))
    assert ([*exact.x], [*exact.y]) == ([1, 1], pytest.approx([-26.6, -26.8]))
    assert ([*better.y], better.xaxis) == (pytest.approx([-23.6, -23.8]), "x2")
    assert [*exact.customdata] == ["seed 0: −26.6", "seed 1: −26.8"]
    assert [*figure.layout.xaxis2.ticktext] == ["published", "exact"]
    assert [note.text for note in figure.layout.annotations] == ["S³⁹", "S⁹ × 4"]


def test_lines_join_points_of_one_seed():
    lines = samplers_figure([PANEL, BETTER]).data[0]
    assert [*lines.x[:2], *lines.x[3:5]] == [0, 1, 0, 1]
    assert [*lines.y[:2], *lines.y[3:5]] == pytest.approx([-27.1, -26.6, -27.0, -26.8])
    assert math.isnan(lines.y[2])


def test_panels_have_one_scale_that_holds_all():
    layout = samplers_figure([PANEL, BETTER]).layout
    low, high = layout.yaxis.range
    assert layout.yaxis2.range == (low, high)
    assert low < -27.1
    assert high > -23.6


def test_the_first_kind_is_warm_and_the_last_one_has_the_accent():
    three = {**BOUNDS, "third": BOUNDS["exact"]}
    panels = [PANEL, BETTER], [dataclasses.replace(PANEL, bounds=three)] * 2
    looks = [[trace.marker.color for trace in samplers_figure(both).data if trace.mode == "markers"] for both in panels]
    assert looks[0] == [WARM, ACCENT] * 2
    assert (looks[1][0], looks[1][2]) == (WARM, ACCENT)
    assert len(set(looks[1])) == 3


def test_equal_bounds_have_a_scale_too():
    same = dataclasses.replace(PANEL, bounds={"exact": torch.full((3,), -25.0)})
    low, high = samplers_figure([same, same]).layout.yaxis.range
    assert low < -25 < high


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`panels` has 1 of them"):
        samplers_figure([PANEL])
    four = {str(number): BOUNDS["exact"] for number in range(4)}
    for panels in ([PANEL, dataclasses.replace(PANEL, bounds={"exact": BOUNDS["exact"]})],
                   [dataclasses.replace(PANEL, bounds=four)] * 2,
                   [dataclasses.replace(PANEL, bounds={})] * 2):  # fmt: skip
        with pytest.raises(ValueError, match="`bounds` of S³⁹ has"):
            samplers_figure(panels)
    with pytest.raises(ValueError, match="`exact` has shape \\(1,\\)"):
        samplers_figure([PANEL, dataclasses.replace(PANEL, bounds={**BOUNDS, "exact": torch.tensor([-26.0])})])
