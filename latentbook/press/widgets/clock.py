"""The clock: two circles to turn, one for each factor of S^1 x S^1, and what a decoder makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from torch import Tensor

from latentbook.press.widgets import scripts
from latentbook.press.widgets.members import image_decoder
from latentbook.press.widgets.sphere import numbers_of

__all__ = ["Clock"]

SCRIPTS = (
    *("mlp.js", "circles.js"),  # numbers
    *("page.js", "strip.js", "layout.js", "view.js", "drag.js", "dial.js"),
    *("shared.css", "rings.css", "clock.css", "clock.js"),
)


class Angles(traitlets.TraitType[list[float], Any]):
    """Two angles in radians, as a list, given as anything that holds two."""

    info_text = "two angles in radians"

    def validate(self, obj: Any, value: Any) -> list[float]:
        """Return the angles as a list."""
        numbers = numbers_of(value, 2)
        if numbers is None:
            found = f"`{self.name}` is {value!r}, but there are two circles"
            raise traitlets.TraitError(f"{found}: pass two finite numbers, in radians")
        return numbers


class Clock(anywidget.AnyWidget):
    r"""Two circles to turn, the image that a decoder makes of both, and around each circle the images on the way round.

    The code is (cos a, sin a, cos b, sin b): a point of S^1 x S^1 in R^2 x R^2, the product of circles in the order of
    the decoder's inputs. On the page angles count from twelve o'clock, with the clock.

    Args:
        decoder: A decoder of four inputs, or a model that has one, which decodes to images. Its layers travel, rounded
            to half precision.
        angles: Angles a and b that are shown first, in radians.
        names: What the two circles are called.
        shape: What the numbers of a flat output form, as in ``(28, 28)``.
        alt: What is there to be seen, for those who do not see it.

    Attributes:
        angles: The angles that are shown, in radians; set by the reader, who is heard when he lets go, and by the
            kernel.

    Raises:
        TypeError: If the decoder is none.
        ValueError: If it cannot travel, takes no four numbers or decodes to no image, or there are not two names.
        traitlets.TraitError: If angles are not two finite numbers.

    Chapter 5.
    """

    _esm = scripts.join(*SCRIPTS)

    content = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)

    angles = Angles([0.0, 0.0]).tag(sync=True)

    def __init__(
        self,
        decoder: Any,
        angles: Sequence[float] | np.ndarray | Tensor = (5.3, 0.9),
        *,
        names: Sequence[str] = ("first circle", "second circle"),
        shape: Sequence[int] | None = None,
        alt: str = "Two circles, one for each factor of a product of circles, and the image that is decoded from both.",
    ) -> None:
        if isinstance(names, str) or len(names) != 2:
            raise ValueError(f"`names` is {names!r}, but there are two circles: pass a name for each")
        content, weights = image_decoder(decoder, _round_trip(), "a point of S^1 x S^1 is 2 + 2", shape)
        super().__init__(content={"alt": alt, "names": [*names], **content}, weights=weights, angles=angles)


def _round_trip() -> Tensor:
    """Return codes on the way round both circles, the second at another pace."""
    a = torch.linspace(0, 2 * math.pi, 9, dtype=torch.float64)
    return torch.stack([a.cos(), a.sin(), (3 * a).cos(), (3 * a).sin()], dim=1)
