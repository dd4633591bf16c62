"""The globe: laws on the sphere S^2 in R^3, drawn live, and what a decoder of S^2 makes of them, without a kernel."""

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
from latentbook.press.widgets.explorer import PALETTE
from latentbook.press.widgets.members import image_decoder
from latentbook.press.widgets.perceptron import halves
from latentbook.press.widgets.points import dataset_of, points_of

__all__ = ["Globe", "numbers_of"]

SCRIPTS = (
    *("mlp.js", "laws.js", "directions.js"),  # numbers
    *("page.js", "colours.js", "strip.js", "tiles.js", "ticks.js", "controls.js", "layout.js", "view.js"),
    *("concentration.js", "heights.js", "codes.js", "ball.js", "drag.js", "turning.js"),
    *("shared.css", "choices.css", "rings.css", "sphere.css", "sphere.js"),
)
LAWS = ("vmf", "power", "cauchy", "uniform")
# The slider's end, and samples at most: what can be drawn sixty times a second.
MOST_KAPPA, MOST_SAMPLES = 1000.0, 2000
# Numbers of a direction, and how much its length may differ from 1: single precision is told apart from a mistake.
AMBIENT, ROUNDING = 3, 1e-4
# Degrees by which the mean is right of the middle, and above it, where nobody says what is seen.
ASIDE = (24.0, 20.0)


def numbers_of(value: Any, count: int) -> list[float] | None:
    """Return so many finite numbers as a list, None if that is not what they are.

    Args:
        value: A sequence, an array or a tensor.
        count: How many.

    Chapter 5.
    """
    try:
        numbers = np.asarray(value.tolist() if isinstance(value, Tensor) else value)
    except ValueError:
        return None
    if numbers.shape != (count,) or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        return None
    return [float(number) for number in numbers]


class Direction(traitlets.TraitType[list[float], Any]):
    """A point of S^2 in R^3: a list of three numbers of length 1, given as anything that holds three."""

    info_text = "three numbers of length 1"

    def validate(self, obj: Any, value: Any) -> list[float]:
        """Return the numbers as a list, their length exactly 1."""
        return _direction(str(self.name), value)


class Place(traitlets.TraitType[list[float], Any]):
    """Longitude and latitude in degrees, as a list."""

    info_text = "longitude and latitude in degrees"

    def validate(self, obj: Any, value: Any) -> list[float]:
        """Return the numbers as a list."""
        numbers = numbers_of(value, 2)
        if numbers is None or abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
            found = f"`{self.name}` is {value!r}, but a place is a longitude from -180 to 180 and a latitude"
            raise traitlets.TraitError(f"{found} from -90 to 90, in degrees")
        return numbers


class Globe(anywidget.AnyWidget):
    r"""A globe to turn, shaded by a law's density, with samples of it; its concentration and its mean can be moved.

    The ambient dimension is 3: the globe is S^2 in R^3. Everything follows from closed forms, which the page computes
    itself. Samples are exact, quantiles of random numbers that stay while the law changes: so each of them moves
    continuously, as in a pathwise gradient. The spherical Cauchy law has the ρ at which its mean is as long as that of
    the von Mises-Fisher law.

    Args:
        law: Which law is shown first: ``"vmf"``, ``"power"``, ``"cauchy"`` or ``"uniform"``.
        kappa: Its concentration, from 0 to 1,000.
        loc: Its mean direction, three numbers of length 1.
        decoder: A decoder of three inputs, or a model that has one, which decodes to images: the image at the mean and
            those at some samples are shown. Its layers travel, rounded to half precision.
        codes: Of examples, ``(N, 3)`` and of length 1, to be shown on the globe.
        labels: One class for each code.
        classes: Names of the classes 0, 1, ...
        shape: What the numbers of a flat output form, as in ``(28, 28)``.
        samples: How many are drawn, from 1 to 2,000.
        seed: Which ones.
        view: Longitude and latitude of what is in the middle first, in degrees; by default a place beside the mean.
        shown: What is on the globe first: ``"law"`` or ``"codes"``; by default codes, if there are any.
        max_points: Codes that are shown at most.
        alt: What is there to be seen, for those who do not see it.

    Attributes:
        law: The law that is shown; like all that follows set by the reader, who is heard when he lets go, and by the
            kernel.
        kappa: Its concentration.
        loc: Its mean direction.
        view: Longitude and latitude of the middle of what is seen, in degrees.
        samples: How many are drawn.
        seed: Which ones.
        shown: What is on the globe: ``"law"`` or ``"codes"``.

    Raises:
        TypeError: If something is of the wrong kind.
        ValueError: If the decoder cannot travel, takes no three numbers or decodes to no image, or codes are off the
            sphere.
        traitlets.TraitError: If an attribute is out of range.

    Chapter 5.
    """

    _esm = scripts.constant("PALETTE", PALETTE) + scripts.join(*SCRIPTS)

    content = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)

    law = traitlets.Enum(LAWS, "vmf").tag(sync=True)
    kappa = traitlets.Float(10.0).tag(sync=True)
    loc = Direction([0.6, 0.48, 0.64]).tag(sync=True)
    view = Place([15.0, 20.0]).tag(sync=True)
    samples = traitlets.Int(MOST_SAMPLES).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    shown = traitlets.Enum(["law", "codes"], "law").tag(sync=True)

    def __init__(
        self,
        law: str = "vmf",
        kappa: float = 10.0,
        loc: Sequence[float] | np.ndarray | Tensor = (0.6, 0.48, 0.64),
        *,
        decoder: Any = None,
        codes: Tensor | np.ndarray | None = None,
        labels: Tensor | np.ndarray | Sequence[int] | None = None,
        classes: Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        samples: int = MOST_SAMPLES,
        seed: int = 0,
        view: Sequence[float] | None = None,
        shown: str | None = None,
        max_points: int = 1000,
        alt: str = "A globe shaded by the density of a law on the sphere, with its samples, and its numbers beside it.",
    ) -> None:
        names, points, marks = _codes(codes, labels, classes, max_points)
        if shown == "codes" and not points:
            raise ValueError("`shown` is 'codes', but there are none: pass `codes`, or 'law'")
        content, weights = _decoder(decoder, shape)
        loc = _direction("loc", loc)
        super().__init__(
            content={"alt": alt, "classes": names, **content},
            weights=weights,
            codes=points,
            labels=marks,
            **{"law": law, "kappa": kappa, "loc": loc, "samples": samples, "seed": seed},
            view=_beside(loc) if view is None else view,
            shown=shown or ("codes" if points else "law"),
        )

    @traitlets.validate("kappa")
    def _within_the_slider(self, proposal: Any) -> float:
        if not 0 <= proposal.value <= MOST_KAPPA:
            found = f"`kappa` is {proposal.value}, but the slider goes from 0 to {MOST_KAPPA:,.0f}"
            raise traitlets.TraitError(f"{found}: pass a number between")
        return proposal.value

    @traitlets.validate("samples")
    def _some_samples(self, proposal: Any) -> int:
        if not 1 <= proposal.value <= MOST_SAMPLES:
            raise traitlets.TraitError(f"`samples` is {proposal.value}, but must be from 1 to {MOST_SAMPLES:,}")
        return proposal.value


def _direction(name: str, value: Any) -> list[float]:
    """Return three numbers of length 1."""
    numbers = numbers_of(value, AMBIENT)
    if numbers is None:
        raise traitlets.TraitError(f"`{name}` is {value!r}, but a direction is three finite numbers")
    length = math.hypot(*numbers)
    if abs(length - 1) > ROUNDING:
        found = f"`{name}` has length {length:.6g}, but a point of S^2 has length 1"
        raise traitlets.TraitError(f"{found}: divide it by its norm")
    return [number / length for number in numbers]


def _beside(loc: Sequence[float]) -> list[float]:
    """Return a place from which a direction is seen, above and right of the middle."""
    longitude, latitude = math.degrees(math.atan2(loc[1], loc[0])), math.degrees(math.asin(loc[2]))
    along, up = ASIDE
    return [(longitude - along + 180) % 360 - 180, max(latitude - up, -90.0)]


def _decoder(model: Any, shape: Sequence[int] | None) -> tuple[dict[str, Any], bytes]:
    if model is not None:
        places = torch.cat([torch.eye(AMBIENT), -torch.eye(AMBIENT)]).double()
        return image_decoder(model, places, "a point of S^2 is 3", shape)
    if shape is not None:
        raise ValueError(f"`shape` is {tuple(shape)}, but there is no decoder: pass `decoder` too")
    return {}, b""


def _codes(codes: Any, labels: Any, classes: Sequence[str] | None, most: int) -> tuple[list[str], bytes, bytes]:
    """Return the names of classes, the codes that are shown, and their classes."""
    if codes is None:
        for name, value in (("labels", labels), ("classes", classes)):
            if value is not None:
                raise ValueError(f"`{name}` are given without `codes`: pass the points that they belong to")
        return [], b"", b""
    points = points_of(dataset_of(codes, labels, classes), None, most, wanted=False)
    if points.x.shape[1:] != (AMBIENT,):
        raise ValueError(f"`codes` has shape {tuple(codes.shape)}: pass points of S^2 in R^3, (N, {AMBIENT})")
    lengths = points.x.double().norm(dim=1)
    if bool(((lengths - 1).abs() > ROUNDING).any()):
        worst = float(lengths[(lengths - 1).abs().argmax()])
        raise ValueError(f"`codes` has a point of length {worst:.6g}: points of S^2 have length 1, divide by the norm")
    marks = b"" if points.labels is None else points.labels.to(torch.uint8).numpy().tobytes()
    return points.classes, halves(points.x), marks
