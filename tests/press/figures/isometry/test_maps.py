"""What stands on the surface is what the map makes of what stands on the plane."""

import numpy as np
import torch

from latentbook.press.figures.isometry import maps_figure, maps_phone, surface_figure


def points(trace):
    return np.stack([np.array(trace.x, dtype=float), np.array(trace.y, dtype=float)], 1)


def test_a_map_moves_grid_and_ellipses():
    def turned(z):
        return z.flip(-1) * torch.tensor([1.0, -1.0])

    figure = maps_figure([("turned", turned)], reach=1.0, radius=0.1)
    grid, rings, mapped_grid, mapped_rings = figure.data
    for before, after in ((grid, mapped_grid), (rings, mapped_rings)):
        np.testing.assert_allclose(points(after), points(before)[:, ::-1] * [1, -1], atol=2e-3)
    assert (rings.xaxis, mapped_rings.xaxis) == ("x", "x2")
    assert figure.layout.annotations[0].text == "turned"


def test_ellipses_become_circles_where_the_map_is_linear():
    figure = maps_figure([("linear", lambda z: z * torch.tensor([3.0, 0.5]))], reach=1.0, radius=0.1)
    mapped = points(figure.data[3])
    first = mapped[: np.isnan(mapped[:, 0]).argmax()]
    distance = np.linalg.norm(first - first[:-1].mean(0), axis=1)
    np.testing.assert_allclose(distance, 0.1, atol=2e-3)


def test_a_flat_surface_is_seen_at_a_slant():
    """A plane in space looks like a plane: straight lines stay straight, and parallel ones parallel."""
    figure = surface_figure(lambda z: torch.cat([z, 0 * z[:, :1]], -1), 1.0, torch.zeros(1, 2), 0.2)
    seen = points(figure.data[2])
    line = seen[: np.isnan(seen[:, 0]).argmax()]
    steps = np.diff(line, axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps.mean(0), steps.shape), atol=2e-3)
    ring = points(figure.data[1])
    np.testing.assert_allclose(np.linalg.norm(ring[:-1], axis=1), 0.2, atol=2e-3)


def test_on_a_phone_every_map_has_a_row():
    phone = maps_phone(2)
    assert phone["yaxis.domain"] == phone["yaxis3.domain"]
    assert phone["xaxis.domain"][1] < phone["xaxis3.domain"][0]
    assert phone["yaxis2.domain"][1] < phone["yaxis.domain"][0]
