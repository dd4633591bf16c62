"""The latent explorer: the plane of a model, or of a family of them, to be walked through on a page or in JupyterLab.

Only layers and codes travel; whatever is decoded, measured and drawn is computed where it is looked at.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import anywidget
import numpy as np
import torch
import traitlets
from plotly.colors import sequential
from torch import Tensor

from latentbook.learning.dataset import Dataset
from latentbook.metric import pullback_metric
from latentbook.press.figures import CLASSES, THEMED
from latentbook.press.widgets import scripts
from latentbook.press.widgets.members import LATENTS, Event, Member, event_of, members_of
from latentbook.press.widgets.perceptron import halves, packed
from latentbook.press.widgets.planes import Planes, planes_of, radius_of
from latentbook.press.widgets.points import Points, dataset_of, landmarks, points_of

__all__ = ["LatentExplorer", "Rounding"]

SCRIPTS = (
    *("mlp.js", "metric.js", "spline.js", "energy.js", "geodesic.js", "reduce.js", "members.js"),  # numbers
    *("page.js", "colours.js", "fields.js", "shades.js", "strip.js", "plane.js", "pad.js", "paths.js", "readout.js"),
    *("ticks.js", "controls.js", "probe.js", "layout.js", "kernel.js"),
    *("shared.css", "choices.css", "rings.css", "explorer.css", "explorer.js", "mount.js"),
)
# Colours of the classes 0 to 9, on paper and on near black, and those of the area scale: the book's own.
PALETTE = {
    "classes": [THEMED.get(colour, (colour, colour)) for colour in CLASSES],
    "magnitude": sequential.Cividis,
}
# Room above and below what is drawn, as a fraction of it.
MARGIN = 0.05
# What a reader can draw on: the data set of that name, and its images.
PADS = {"digits": (8, 8), "mnist": (28, 28)}


class Rounding(NamedTuple):
    """What half precision costs: the most that anything changes at the points shown, over all members.

    Attributes:
        data: Of a decoded value, in data units.
        metric: Of the metric, as a fraction of it, by the Frobenius norm.
    """

    data: float
    metric: float


class Code(traitlets.TraitType[list[float], Any]):
    """A point of a latent plane: a list of two finite numbers, given as anything that holds two."""

    info_text = "two finite numbers"

    def validate(self, obj: Any, value: Any) -> list[float]:
        """Return the numbers as a list."""
        try:
            numbers = np.asarray(value.tolist() if isinstance(value, Tensor) else value)
        except ValueError:
            numbers = np.empty(0)
        if numbers.shape == (LATENTS,) and numbers.dtype.kind in "iuf" and np.isfinite(numbers).all():
            return [float(number) for number in numbers]
        raise traitlets.TraitError(f"`{self.name}` is {value!r}, but a code is two finite numbers: pass [z1, z2]")


class Weight(traitlets.TraitType[float | None, Any]):
    """One of the explorer's values of λ; None where its one model has none."""

    def validate(self, obj: Any, value: Any) -> float | None:
        """Return the value as the list has it."""
        for known in obj._lambdas:
            if value is known or (isinstance(value, Real) and value == known):
                return known
        found = f"`{self.name}` is {value!r}, but the models have {obj._lambdas}"
        raise traitlets.TraitError(f"{found}: pass one of these")


class LatentExplorer(anywidget.AnyWidget):
    """A latent plane with codes, ellipses of the metric, a probe that is decoded, and a path between two codes.

    Models are perceptrons; their weights are copied, rounded to half precision, and nothing about them changes. Planes
    of a family are turned and mirrored onto each other, which changes nothing that a model says about data.

    Args:
        models: One model, or a sequence with one for each λ. A model has an `encoder` and a `decoder`, as those of the
            contract do, is a bare decoder, or is a pair of encoder and decoder, as a tuple; networks are torch's, or
            from `from_arrays`.
        data: Examples, ``(N, *event)``, or a data set; where models have no encoder, codes ``(N, 2)``. Without any the
            plane is the square around the prior.
        labels: One class for each, if the data set does not bring them.
        lam: One value a model, increasing: what the slider chooses.
        shown: The value that is shown first; by default the first.
        words: A sentence a model, shown beside the slider.
        classes: Names of the classes 0, 1, ...
        shape: What the numbers of a flat output form, as in ``(28, 28)``.
        radius: Length of all steps of an ellipse, in data units, above 0; by default one by which the ellipses of the
            model shown first can be told apart.
        examples: Whether the examples themselves travel, if they fit.
        bones: Pairs of joints that are joined, where the data are skeletons, ``(J, 2)`` or ``(J, 3)``.
        pad: What a reader draws on: ``"digits"``, 8 x 8, ``"mnist"``, 28 x 28, or ``""``; by default what the data set
            is.
        max_points: Points that are shown at most.
        alt: What is there to be seen, for those who do not see it.

    Attributes:
        lam: Value of the model shown; None for one model without.
        probe: Code of the model shown, as a list of two numbers.
        start: Where the path starts, likewise.
        end: Where it ends.
        example: Index of the point that the probe is attached to, None when it is free.
        ellipses: Where there are ellipses: ``"none"``, ``"grid"``, ``"codes"``.
        magnification: Whether the plane is shaded by how much the decoder enlarges areas.

    Raises:
        TypeError: If something is of the wrong kind.
        ValueError: If a model has layers that cannot travel or does more than they say, has not two latents, or
            arguments do not fit each other.

    Chapter 2.
    """

    _esm = scripts.constant("PALETTE", PALETTE) + scripts.join(*SCRIPTS)

    content = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)
    examples = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)

    lam = Weight(None).tag(sync=True)
    probe = Code([0.0, 0.0]).tag(sync=True)
    start = Code([0.0, 0.0]).tag(sync=True)
    end = Code([0.0, 0.0]).tag(sync=True)
    example = traitlets.Int(None, allow_none=True).tag(sync=True)
    ellipses = traitlets.Enum(["none", "grid", "codes"], "grid").tag(sync=True)
    magnification = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        models: Any,
        data: Dataset | Tensor | np.ndarray | None = None,
        labels: Tensor | np.ndarray | Sequence[int] | None = None,
        lam: Sequence[float] | np.ndarray | Tensor | float | None = None,
        *,
        shown: float | None = None,
        words: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        radius: float | None = None,
        examples: bool = True,
        bones: Sequence[Sequence[int]] | None = None,
        pad: str | None = None,
        max_points: int = 1000,
        alt: str | None = None,
    ) -> None:
        self._members = members = members_of(models)
        self._lambdas = _lambdas(lam, len(members))
        first = _index(self._lambdas, shown)
        dataset = _dataset(data, labels, classes)
        has_encoder = members[0].encoder is not None
        event = event_of(members, dataset.event_shape if dataset and has_encoder else None, shape, bones)
        points = points_of(dataset, event if has_encoder else None, max_points, examples) if dataset else None
        # What decoders decode to, where it is known.
        x = points.x if points and has_encoder else None
        self._planes = planes = planes_of(members, points)
        for member, places in zip(members, planes.places, strict=True):
            member.compare(places, x)
        content = {
            "event": {**_described(event), "range": _range(event, members, planes, x)},
            "members": _told(members, self._lambdas, _words(words, len(members)), planes),
            "classes": points.classes if points else [],
            "plane": {"centre": planes.centre, "reach": planes.reach},
            "radius": radius_of(radius, members[first], planes.places[first], planes),
            "pad": _pad(pad, event, has_encoder, dataset.name if dataset else ""),
            "examples": points.kind if points else "",
            "count": len(planes.own[0]),
            "notes": points.notes if points else [],
            "alt": _alt(event, len(planes.own[0])) if alt is None else alt,
        }
        super().__init__(
            content=content,
            weights=b"".join(packed(network.layers) for member in members for network in member.networks),
            codes=b"".join(map(halves, planes.turned)),
            examples=points.examples if points else b"",
            labels=_bytes(points),
            lam=self._lambdas[first],
            **_marks(planes, first, points),
        )

    @property
    def rounding(self) -> Rounding:
        """What half precision costs at the points shown."""
        data = metric = 0.0
        for member, places in zip(self._members, self._planes.places, strict=True):
            exact, rounded = member.decoder, member.decoder.rounded()
            data = max(data, float((rounded(places) - exact(places)).abs().max()))
            G = pullback_metric(exact, places)
            change = (pullback_metric(rounded, places) - G).flatten(1).norm(dim=1)
            # Where nothing changes, a metric may be zero.
            share = torch.where(change == 0, 0, change / G.flatten(1).norm(dim=1))
            metric = max(metric, float(share.max()))
        return Rounding(data, metric)

    @property
    def megabytes(self) -> float:
        """How much a page grows by, packed as servers send it, in millions of bytes."""
        parts = [base64.b64encode(part) for part in (self.weights, self.codes, self.examples, self.labels)]
        text = [json.dumps(self.content).encode(), str(self._esm).encode()]
        return len(gzip.compress(b"".join(parts + text), 6, mtime=0)) / 1e6

    @traitlets.validate("example")
    def _one_of_the_points(self, proposal: Any) -> int | None:
        value, count = proposal["value"], len(self._planes.own[0])
        if value is not None and not 0 <= value < count:
            raise traitlets.TraitError(f"`example` is {value}, but there are {count} points: pass an index, or None")
        return value


def _lambdas(lam: Any, count: int) -> list[float | None]:
    """Return what the slider chooses from."""
    if lam is None:
        if count > 1:
            raise ValueError(f"`lam` is missing: pass {count} increasing values, one for each of the models")
        return [None]
    values = np.atleast_1d(lam.detach().cpu().numpy() if isinstance(lam, Tensor) else np.asarray(lam, float))
    found: list[float | None] = [float(value) for value in values.flatten()]
    if len(found) != count:
        raise ValueError(f"`lam` has {len(found)} values for {count} models: pass one for each")
    if not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise ValueError(f"`lam` is {found}, but the slider needs finite values that increase: sort the models by it")
    return found


def _index(lambdas: list[float | None], shown: float | None) -> int:
    if shown is None:
        return 0
    if shown not in lambdas:
        raise ValueError(f"`shown` is {shown}, but `lam` is {lambdas}: pass one of these")
    return lambdas.index(shown)


def _words(words: Sequence[str] | None, count: int) -> list[str]:
    told = [words] if isinstance(words, str) else [""] * count if words is None else [*words]
    if len(told) != count:
        raise ValueError(f"`words` has {len(told)} sentences for {count} models: pass one for each")
    return [str(sentence) for sentence in told]


def _dataset(data: Any, labels: Any, classes: Sequence[str] | None) -> Dataset | None:
    if data is not None:
        return dataset_of(data, labels, classes)
    for name, value in (("labels", labels), ("classes", classes)):
        if value is not None:
            raise ValueError(f"`{name}` are given without `data`: pass the examples that they belong to")
    return None


def _told(members: list[Member], lambdas: list[float | None], words: list[str], planes: Planes) -> list[dict[str, Any]]:
    """Return what the page has to know of each member."""
    told = zip(members, lambdas, words, planes.turns, strict=True)
    return [
        {"lam": lam, "words": sentence, "turn": turn.tolist(), **member.described}
        for member, lam, sentence, turn in told
    ]


def _range(event: Event, members: list[Member], planes: Planes, x: Tensor | None) -> list[float]:
    """Return between what values data are drawn."""
    if event.kind == "image":
        return [0.0, 1.0]
    shown = [member.decoder(codes).flatten() for member, codes in zip(members, planes.places, strict=True)]
    values = torch.cat(shown if x is None else [*shown, x.double().flatten()])
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 0.5
    return [low - margin, high + margin]


def _pad(pad: str | None, event: Event, has_encoder: bool, name: str) -> str:
    fitting = [
        pad
        for pad, sides in PADS.items()
        if has_encoder and event.kind == "image" and event.shape in (sides, (1, *sides))
    ]
    if pad is None:
        return name if name in fitting else ""
    if pad not in ("", *PADS):
        raise ValueError(f"`pad` is {pad!r}, but must be one of {['', *PADS]}")
    if pad and pad not in fitting:
        high, wide = PADS[pad]
        raise ValueError(f"`pad` is {pad!r}, which needs an encoder of images {high} x {wide}: pass '' for none")
    return pad


def _described(event: Event) -> dict[str, Any]:
    return {"kind": event.kind, "shape": list(event.shape), "bones": [list(bone) for bone in event.bones]}


def _alt(event: Event, count: int) -> str:
    points = f"with the codes of {count:,} points" if count else "around the prior"
    return f"A latent plane {points}, ellipses of the decoder's metric, and a probe that decodes to one {event.kind}."


def _marks(planes: Planes, first: int, points: Points | None) -> dict[str, Any]:
    """Return where probe, start and end are at first."""
    if points is None:
        half = planes.reach / 2
        return {"probe": [0.0, 0.0], "start": [-half, -half], "end": [half, half]}
    codes = planes.own[first]
    probe, start, end = landmarks(planes.turned[first], points.labels)
    return {"example": probe, "probe": codes[probe], "start": codes[start], "end": codes[end]}


def _bytes(points: Points | None) -> bytes:
    """Return the class of each point."""
    if points is None or points.labels is None:
        return b""
    return points.labels.to(torch.uint8).numpy().tobytes()
