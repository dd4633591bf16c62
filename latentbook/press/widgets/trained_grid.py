"""The grid: hierarchies trained at all pairs of two weights, and what each makes of images, without a kernel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import anywidget
import numpy as np
import torch
import traitlets
from plotly.colors import sequential
from torch import Tensor

from latentbook.press.figures.information import rate_name
from latentbook.press.figures.parts import expect_shape, png
from latentbook.press.widgets import scripts

__all__ = ["GridMetric", "TrainedGrid"]

SCRIPTS = (
    *("page.js", "ticks.js", "weights.js", "rates.js", "view.js", "cells.js", "pick.js", "images.js"),
    *("heat.js", "dots.js", "table.js", "shared.css", "rates.css", "grid.css", "grid.js"),
)
# The page draws grey images in the ink of its theme; what travels is how dense it is.
INK = (0, 0, 0)
# How far a value of an image may be outside [0, 1], and a weight or a rate from what it should be: single precision.
TOLERANCE = 1e-6
CELLS = "one row for each of `betas_1`, one column for each of `betas_2`"


class GridMetric(NamedTuple):
    """A number for each cell of a grid.

    Attributes:
        label: What it is called, as in "PSNR of reconstructions".
        values: ``(A, B)``, a row for each weight β₁, a column for each weight β₂; NaN where a training failed.
        unit: As in "dB", "nats", "%".
        larger: Whether larger is better; None where neither is.
    """

    label: str
    values: Tensor
    unit: str = ""
    larger: bool | None = None


class TrainedGrid(anywidget.AnyWidget):
    r"""Hierarchical VAEs, one for each pair of weights: two sliders, a heat map and the plane of rates.

    A reader chooses a cell in any of them, and sees what it makes of images, samples of its prior, and all its metrics.

    Args:
        betas_1: Weights of the rate of z_1, the layer next to the data, increasing and above 0: A of them.
        betas_2: Weights of the rate of z_2, and of all above, likewise: B of them.
        metrics: By a short name each, in the order of the table.
        rates: Of the top layer and of z_1 in each cell, ``(A, B)`` each, in nats; NaN where a training failed.
        inputs: Images that every cell reconstructs, ``(n, C, H, W)`` in [0, 1] with C 1 or 3.
        reconstructions: What comes back, ``(A, B, n, C, H, W)`` in [0, 1]; NaN where a training failed.
        samples: Of the prior of each cell, ``(A, B, s, C, H, W)``, likewise.
        layers: Of the hierarchies.
        beta_1: The weight shown first: the trained one that is nearest, by ratio.
        beta_2: Likewise.
        metric: Name of the metric that colours the cells first; by default the first one.
        alt: What is there to be seen, for those who do not see it.

    Attributes:
        beta_1: The trained weight that is shown; set by the reader, who is heard when he lets go, and by the kernel.
        beta_2: Likewise.
        metric: Name of the metric that colours the cells, likewise.

    Raises:
        ValueError: If weights, shapes or values do not fit.
        traitlets.TraitError: If a trait is set to a weight that was not trained, or to a metric that there is none of.

    Chapter 4.
    """

    _esm = scripts.constant("MAGNITUDE", sequential.Cividis) + scripts.join(*SCRIPTS)

    content = traitlets.Dict().tag(sync=True)
    beta_1 = traitlets.Float(1.0).tag(sync=True)
    beta_2 = traitlets.Float(1.0).tag(sync=True)
    metric = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        betas_1: Sequence[float] | np.ndarray | Tensor,
        betas_2: Sequence[float] | np.ndarray | Tensor,
        metrics: Mapping[str, GridMetric],
        *,
        rates: tuple[Tensor, Tensor],
        inputs: Tensor,
        reconstructions: Tensor,
        samples: Tensor,
        layers: int = 2,
        beta_1: float = 1.0,
        beta_2: float = 1.0,
        metric: str | None = None,
        alt: str = "Hierarchies trained at pairs of two weights: a map of a metric, their rates, and images.",
    ) -> None:
        betas = [_weights("betas_1", betas_1), _weights("betas_2", betas_2)]
        shape = (len(betas[0]), len(betas[1]))
        if not metrics:
            raise ValueError("`metrics` is empty: pass at least one, which colours the cells")
        if metric is not None and metric not in metrics:
            raise ValueError(f"`metric` is {metric!r}, but `metrics` has {[*metrics]}: pass one of these")
        content = {
            "betas": betas,
            "metrics": [{"name": name, **_described(name, one, shape)} for name, one in metrics.items()],
            "rates": _rates(rates, shape),
            "names": [rate_name(layers, layers), rate_name(1, layers)],
            "areAll": layers == 2,
            "images": _images(inputs, reconstructions, samples, shape),
            "alt": alt,
        }
        super().__init__(
            content=content,
            beta_1=_nearest("beta_1", beta_1, betas[0]),
            beta_2=_nearest("beta_2", beta_2, betas[1]),
            metric=next(iter(metrics)) if metric is None else metric,
        )

    @traitlets.validate("beta_1", "beta_2")
    def _one_that_was_trained(self, proposal: Any) -> float:
        name, value = proposal.trait.name, proposal.value
        trained = self.content["betas"][("beta_1", "beta_2").index(name)]
        for known in trained:
            if math.isclose(value, known, rel_tol=TOLERANCE):
                return known
        raise traitlets.TraitError(f"`{name}` is {value}, but was trained at {trained}: pass one of these")

    @traitlets.validate("metric")
    def _one_of_the_metrics(self, proposal: Any) -> str:
        names = [metric["name"] for metric in self.content["metrics"]]
        if proposal.value not in names:
            raise traitlets.TraitError(f"`metric` is {proposal.value!r}, but there are {names}: pass one of these")
        return proposal.value


def _weights(name: str, betas: Any) -> list[float]:
    values = [float(beta) for beta in betas]
    if not values:
        raise ValueError(f"`{name}` is empty: pass the weights that were trained")
    ends = [0.0, *values, math.inf]
    if not all(low < high for low, high in itertools.pairwise(ends)):
        raise ValueError(f"`{name}` is {values}, but weights are finite, above 0 and increase: sort the grid by them")
    return values


def _nearest(name: str, beta: float, trained: list[float]) -> float:
    """Return the trained weight with the ratio to this one that is nearest to 1."""
    if not 0 < beta < math.inf:
        raise ValueError(f"`{name}` is {beta}, but a weight is a finite number above 0")
    return min(trained, key=lambda known: abs(math.log(known / beta)))


def _described(name: str, metric: GridMetric, shape: tuple[int, int]) -> dict[str, Any]:
    values = _cells(f"metrics[{name!r}].values", metric.values, shape)
    return {"label": metric.label, "unit": metric.unit, "larger": metric.larger, "values": values}


def _rates(rates: tuple[Tensor, Tensor], shape: tuple[int, int]) -> list[list[list[float | None]]]:
    for name, values in zip(("rates[0]", "rates[1]"), rates, strict=True):
        if (values < -TOLERANCE).any():
            raise ValueError(
                f"`{name}` has a rate of {float(values.min()):.3g}, but a rate is a divergence: at least 0"
            )
    return [_cells(f"rates[{index}]", values, shape) for index, values in enumerate(rates)]


def _cells(name: str, values: Tensor, shape: tuple[int, int]) -> list[list[float | None]]:
    """Return values of the cells in six figures; None, which JSON knows, where they are NaN."""
    expect_shape(name, values, shape, CELLS)
    if values.isinf().any():
        raise ValueError(f"`{name}` has infinite values: pass nan where a training failed")
    return [[None if math.isnan(value) else float(f"{value:.6g}") for value in row] for row in values.tolist()]


def _images(inputs: Tensor, reconstructions: Tensor, samples: Tensor, shape: tuple[int, int]) -> dict[str, Any]:
    expect_shape("inputs", inputs, (None, None, None, None), "images, channels, rows, columns")
    count, *event = inputs.shape
    if event[0] not in (1, 3) or not inputs.numel():
        raise ValueError(f"`inputs` has shape {tuple(inputs.shape)}: pass at least one image, of 1 or 3 channels")
    if inputs.isnan().any():
        raise ValueError("`inputs` has values that are nan: pass images that every cell was given")
    why = f"{CELLS}, then images as those of `inputs`"
    expect_shape("reconstructions", reconstructions, (*shape, count, *event), why)
    expect_shape("samples", samples, (*shape, None, *event), why)
    if not samples.numel():
        raise ValueError(f"`samples` has shape {tuple(samples.shape)}: pass at least one of each cell")
    return {
        "shape": event,
        "inputs": _sheet("inputs", inputs[None, None]),
        "reconstructions": _sheet("reconstructions", reconstructions),
        "samples": _sheet("samples", samples),
    }


def _sheet(name: str, images: Tensor) -> dict[str, Any]:
    """Return images of all cells as one: a line for each row of cells, which stand side by side with their images."""
    found = images[~images.isnan()]
    if len(found) and not (found.min() >= -TOLERANCE and found.max() <= 1 + TOLERANCE):
        ends = f"from {float(found.min()):.3g} to {float(found.max()):.3g}"
        raise ValueError(f"`{name}` has values {ends}, but what is shown is in [0, 1]: clamp it")
    rows, columns, count, channels, height, width = images.shape
    sheet = images.permute(0, 4, 1, 2, 5, 3).reshape(rows * height, columns * count * width, channels)
    return {"count": count, "source": png(sheet.detach().cpu().to(torch.float32).numpy(), INK)}
