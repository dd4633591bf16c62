"""The trader: two weights of a hierarchy, and what they make of its rates and its distortion, without a kernel."""

from __future__ import annotations

import math
from typing import Any

import anywidget
import traitlets

from latentbook.press.widgets import scripts

__all__ = ["RateTrader"]

SCRIPTS = (
    *("page.js", "ticks.js", "weights.js", "rates.js", "view.js", "exact.js"),
    *("shared.css", "rates.css", "trader.css", "trader.js"),
)


class RateTrader(anywidget.AnyWidget):
    r"""Two sliders for the weights of the linear-Gaussian hierarchy, a point in the plane of its rates, and their sum.

    Everything follows from the closed form of `latentbook.information.linear_gaussian`, which the page computes itself.

    Args:
        beta_1: Weight of the rate of z_1, the layer next to the data, that is shown first.
        beta_2: Weight of the rate of z_2, the top layer, that is shown first.
        data_variance: Variance of the data, above 0; at 3 the model is right.
        span: The least and the largest weight of the sliders, above 0.
        alt: What is there to be seen, for those who do not see it.

    Attributes:
        beta_1: The weight that is shown; set by the reader, who is heard when he lets go, and by the kernel.
        beta_2: Likewise.

    Raises:
        ValueError: If the variance or the span does not fit.
        traitlets.TraitError: If a weight is outside the span.

    Chapter 4.
    """

    _esm = scripts.join(*SCRIPTS)

    content = traitlets.Dict().tag(sync=True)
    beta_1 = traitlets.Float(1.0).tag(sync=True)
    beta_2 = traitlets.Float(1.0).tag(sync=True)

    def __init__(
        self,
        beta_1: float = 1.0,
        beta_2: float = 1.0,
        *,
        data_variance: float = 3.0,
        span: tuple[float, float] = (0.1, 10.0),
        alt: str = "Two weights of a hierarchy, the plane of its rates, and its rates and distortion as a bar.",
    ) -> None:
        least, most = span
        if not 0 < least < most < math.inf:
            raise ValueError(f"`span` is {span}, but goes from a weight above 0 to a larger, finite one: as (0.1, 10)")
        if not 0 < data_variance < math.inf:
            raise ValueError(f"`data_variance` is {data_variance}, but must be a finite number above 0")
        content = {"span": [least, most], "variance": data_variance, "alt": alt}
        super().__init__(content=content, beta_1=beta_1, beta_2=beta_2)

    @traitlets.validate("beta_1", "beta_2")
    def _within_the_span(self, proposal: Any) -> float:
        least, most = self.content.get("span", (0.0, math.inf))
        if not least <= proposal.value <= most:
            found = f"`{proposal.trait.name}` is {proposal.value}"
            raise traitlets.TraitError(f"{found}, but the sliders go from {least} to {most}: pass a number between")
        return proposal.value
