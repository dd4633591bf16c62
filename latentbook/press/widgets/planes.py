"""The planes of an explorer's models: codes, turned onto each other, in one square."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from latentbook.isometry import ellipse_radius
from latentbook.metric import pullback_metric
from latentbook.press.figures.isometry.align import onto
from latentbook.press.figures.isometry.planes import SIZE
from latentbook.press.widgets.members import LATENTS, Member
from latentbook.press.widgets.perceptron import require_half
from latentbook.press.widgets.points import Points

__all__ = ["Planes", "planes_of", "radius_of"]

# Half the side of the plane without points, in standard deviations of the prior, and the room around points.
PRIOR, ROOM = 3.0, 1.12
# Points along a side of the plane where there are no codes to measure at.
GRID = 12


@dataclasses.dataclass(frozen=True, eq=False)
class Planes:
    """The planes of a family.

    Attributes:
        own: Codes of the points shown, ``(n, 2)`` for each member, in its own latents.
        turns: What turns them, ``(2, 2)`` and orthogonal for each member.
        turned: Codes in the plane that all members share, ``own @ turn``.
        centre: Middle of the square that holds all of these.
        reach: Half its side.
        places: Where a decoder is measured, in its own latents: at the codes, or all over a square without any.
    """

    own: list[Tensor]
    turns: list[Tensor]
    turned: list[Tensor]
    centre: list[float]
    reach: float
    places: list[Tensor]


def planes_of(members: Sequence[Member], points: Points | None) -> Planes:
    """Return the planes of a family, each turned and mirrored onto the one before, the first as it is.

    Bare decoders share their codes, and are not turned.

    Args:
        members: Of one family.
        points: What is shown, examples where there are encoders, otherwise codes; None for the square around the prior.

    Raises:
        ValueError: If points without an encoder are no codes, or codes are too large for the page.

    Chapter 2.
    """
    own = [_codes(member, points) for member in members]
    turns = [torch.eye(LATENTS, dtype=torch.float64)] * len(own)
    if points is not None and members[0].encode is not None:
        turns = _turns(own)
    turned = [codes @ turn for codes, turn in zip(own, turns, strict=True)]
    centre, reach = _square(torch.cat(turned))
    return Planes(own, turns, turned, centre, reach, [codes if len(codes) else _grid(centre, reach) for codes in own])


def radius_of(radius: float | None, member: Member, places: Tensor, planes: Planes) -> float:
    """Return the radius of ellipses: what is asked for, or one by which those of a member can be told apart.

    Args:
        radius: In data units, if it is asked for.
        member: The one shown first.
        places: Where it is measured.
        planes: Of the family.

    Raises:
        ValueError: If it is not finite and above 0.

    Chapter 2.
    """
    if radius is not None:
        if not 0 < radius < math.inf:
            raise ValueError(f"`radius` is {radius}, but must be a finite number above 0, in data units")
        return float(radius)
    if bool((places == places[0]).all()):
        places = _grid(planes.centre, planes.reach)
    G = pullback_metric(member.decoder, places)
    # Of a metric that is flat the trace says how long steps are; a constant decoder has no ellipses.
    half_trace = G.diagonal(dim1=-2, dim2=-1).mean(-1).median()
    flat = SIZE * float(places.var(0, correction=0).mean().sqrt() * half_trace.sqrt())
    return float(ellipse_radius(G, places, SIZE)) or flat or 1.0


def _codes(member: Member, points: Points | None) -> Tensor:
    """Return the codes of the points shown, in the model's own latents."""
    if points is None:
        return torch.zeros(0, LATENTS, dtype=torch.float64)
    if member.encode is None and points.x.shape[1:] != (LATENTS,):
        found = f"`data` has examples of shape {tuple(points.x.shape[1:])}, but `{member.name}` has no encoder"
        raise ValueError(f"{found}: pass codes (N, {LATENTS}), or a pair of encoder and decoder")
    codes = points.x.double() if member.encode is None else member.encode(points.x)
    require_half(f"the codes of `{member.name}`", codes)
    return codes


def _turns(own: list[Tensor]) -> list[Tensor]:
    turns = [torch.eye(LATENTS, dtype=torch.float64)]
    for before, codes in itertools.pairwise(own):
        turns.append(onto(codes, before @ turns[-1]))
    return turns


def _square(points: Tensor) -> tuple[list[float], float]:
    """Return middle and half the side of the square that holds points, and some room."""
    if not len(points):
        return [0.0, 0.0], PRIOR
    low, high = points.amin(0), points.amax(0)
    # All points in one place have none around them.
    return ((low + high) / 2).tolist(), ROOM * float((high - low).max()) / 2 or 1.0


def _grid(centre: list[float], reach: float) -> Tensor:
    steps = torch.linspace(-reach, reach, GRID, dtype=torch.float64)
    return torch.cartesian_prod(steps, steps) + torch.tensor(centre, dtype=torch.float64)
