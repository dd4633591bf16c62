"""Three tasks as a surface: its corners are the models, and the best of each task is named."""

import pytest
import torch

from latentbook.press.figures.information import tasks_figure

A = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).double()
B = torch.tensor([[5.0, 9.0], [7.0, 6.0]]).double()
C = torch.tensor([[0.9, 0.1], [0.2, float("nan")]], dtype=torch.float64)
AXES = [("PSNR", A), ("score", B), ("accuracy", C)]
SHARE = torch.tensor([[0.5, 0.1], [0.9, 0.7]], dtype=torch.float64)


def test_models_are_where_their_metrics_are():
    surface, cells, *_ = tasks_figure(AXES, SHARE, [0.1, 10.0]).data
    assert surface.x.tolist() == A.tolist()
    assert surface.surfacecolor.tolist() == SHARE.tolist()
    assert [*cells.x] == [1, 2, 3, 4]
    assert [*cells.y] == [5, 9, 7, 6]
    assert [*map(list, cells.customdata)][1] == ["0.1", "10"]


def test_the_best_of_each_task_is_named():
    *_, first, second, third = tasks_figure(AXES, SHARE, [0.1, 10.0]).data
    assert (first.x[0], first.y[0]) == (4, 6)
    assert (second.x[0], second.y[0]) == (2, 9)
    assert (third.x[0], third.z[0]) == (1, 0.9)
    assert [trace.text[0] for trace in (first, second, third)] == ["best PSNR", "best score", "best accuracy"]
    assert "β₁ = 10, β₂ = 10" in first.hovertemplate
    assert "β₁ = 0.1, β₂ = 10" in second.hovertemplate


def test_wrong_metrics_are_refused():
    with pytest.raises(ValueError, match="`axes` has 2"):
        tasks_figure(AXES[:2], SHARE, [0.1, 10.0])
    with pytest.raises(ValueError, match="values of score"):
        tasks_figure([AXES[0], ("score", B[:1]), AXES[2]], SHARE, [0.1, 10.0])
