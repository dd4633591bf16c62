"""A surface, and on it the curves that were found: at their places, in the colours of their words, all of it seen."""

import math

import numpy as np
import pytest
import torch

from latentbook.geodesics import straight_line
from latentbook.press.figures import ACCENT, WARM
from latentbook.press.figures.geodesics import Surface, surfaces_figure, surfaces_phone
from latentbook.press.figures.geodesics.surfaces import ALONG, DASH, RADIUS, ROUND, SIDES, tube

# Coordinates are drawn in single precision.
SINGLE = 1e-5


def paraboloid(z):
    return torch.cat([z, z.square().sum(-1, keepdim=True)], -1)


def around(t):
    """Half a circle, from (-1, 0) to (1, 0)."""
    return torch.stack([-torch.cos(math.pi * t), torch.sin(math.pi * t)], -1)


def surface(title="paraboloid", **changes):
    across = straight_line(torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 0.0]))
    given = Surface(title, paraboloid, (-1.5, -1.0), (1.0, 2.0), across, around, (2.9579, math.pi))
    return given._replace(**changes)


def points(trace):
    return np.stack([trace.x, trace.y, trace.z], -1).astype(float)


def middles(mesh):
    """Return the middle of each ring of a tube's corners."""
    return points(mesh).reshape(-1, ROUND, 3).mean(1)


def test_the_sheet_is_the_surface_over_the_latents_that_were_asked_for():
    sheet = surfaces_figure([surface()]).data[0]
    assert sheet.x.shape == SIDES
    drawn = points(sheet)
    np.testing.assert_allclose(drawn[..., 2], drawn[..., 0] ** 2 + drawn[..., 1] ** 2, atol=SINGLE)
    np.testing.assert_allclose([drawn[0, 0, :2], drawn[-1, -1, :2]], [[-1.5, -1.0], [1.0, 2.0]], atol=SINGLE)


def test_curves_are_the_images_of_the_line_and_of_the_geodesic():
    _, straight, geodesic, ends = surfaces_figure([surface()]).data
    t = torch.linspace(0, 1, ALONG)
    x = 2 * t - 1
    np.testing.assert_allclose(middles(straight), torch.stack([x, 0 * x, x * x], -1), atol=SINGLE)
    np.testing.assert_allclose(middles(geodesic), paraboloid(around(t)), atol=SINGLE)
    np.testing.assert_allclose(points(ends), [[-1, 0, 1], [1, 0, 1]], atol=SINGLE)


def test_a_curve_has_the_colour_of_its_words_and_only_the_straight_one_is_dashed():
    figure = surfaces_figure([surface()])
    _, straight, geodesic, _ = figure.data
    title, first, second = figure.layout.annotations
    assert title.text == "<b>paraboloid</b>"
    assert (first.text, second.text) == ("╍╍ straight 2.958", "━━ geodesic 3.142")
    assert (straight.color, geodesic.color) == (first.font.color, second.font.color) == (WARM, ACCENT)
    assert len(geodesic.i) == 2 * ROUND * (ALONG - 1)
    assert len(straight.i) == len(geodesic.i) / 2
    assert len({note.yshift for note in (title, first, second)}) == 3


def test_a_tube_is_as_far_from_its_line_as_it_is_thick_and_never_twists():
    t = torch.linspace(0, 6, 200)
    line = torch.stack([t.cos(), t.sin(), 0.3 * t], -1)
    corners = tube(line, 0.05)[0].reshape(-1, ROUND, 3)
    np.testing.assert_allclose((corners - line[:, None]).norm(dim=-1), 0.05)
    # A ring stands across its line, up to the error of differences at the ends, a step in 33.
    along = torch.nn.functional.normalize(torch.gradient(line, dim=0)[0], dim=-1)
    np.testing.assert_allclose(((corners - line[:, None]) * along[:, None]).sum(-1), 0, atol=1e-12)
    # Neighbouring rings are turned against each other by no more than the line itself, a thirtieth of a radian.
    turn = (corners - line[:, None]).diff(dim=0).norm(dim=-1) / 0.05
    assert turn.max() < 1 / 30


def test_a_tube_s_triangles_join_neighbouring_rings_and_leave_no_gap():
    line = torch.stack([torch.arange(9.0), torch.zeros(9), torch.zeros(9)], -1)
    corners, triangles = (part.numpy() for part in tube(line, 1.0))
    assert set(np.ptp(triangles // ROUND, axis=1)) == {1}
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), axis=1)
    found, shared = np.unique(edges, axis=0, return_counts=True)
    open_edges = found[shared == 1] // ROUND
    # Every edge has two triangles but those of the first and the last ring.
    assert sorted(open_edges.ravel().tolist()) == [0] * 2 * ROUND + [8] * 2 * ROUND
    # Of a regular hexagon around a line of length 8.
    a, b, c = corners[triangles].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=-1).sum() / 2
    assert area == pytest.approx(8 * 2 * ROUND * math.sin(math.pi / ROUND))


def test_dashes_and_what_is_left_out_are_equally_long():
    line = torch.stack([torch.arange(25.0), torch.zeros(25), torch.zeros(25)], -1)
    steps = np.unique(tube(line, 1.0, dash=DASH)[1].numpy().min(1) // ROUND)
    assert steps.tolist() == [k for k in range(24) if k // DASH % 2 == 0]


def test_a_line_that_stands_still_has_no_tube_but_numbers():
    assert tube(torch.ones(5, 3), 0.1)[0].isfinite().all()


def test_one_thickness_for_both_curves_against_the_size_of_the_surface():
    _, straight, geodesic, _ = surfaces_figure([surface()]).data
    size = np.linalg.norm(np.ptp(points(surfaces_figure([surface()]).data[0]).reshape(-1, 3), axis=0))
    for mesh in (straight, geodesic):
        thickness = np.linalg.norm(points(mesh).reshape(-1, ROUND, 3) - middles(mesh)[:, None], axis=-1)
        np.testing.assert_allclose(thickness, RADIUS * size, rtol=1e-4)


def test_lengths_are_drawn_at_one_scale_along_all_axes_and_any_size_fits():
    """A unit along each axis is equally long on screen, and the box has the same diagonal whatever its size."""
    for stretch in (1.0, 100.0):

        def f(z, stretch=stretch):
            return stretch * paraboloid(z)

        figure = surfaces_figure([surface(f=f)])
        extent = np.ptp(points(figure.data[0]).reshape(-1, 3), axis=0)
        ratio = figure.layout.scene.aspectratio
        drawn = np.array([ratio.x, ratio.y, ratio.z])
        assert figure.layout.scene.aspectmode == "manual"
        np.testing.assert_allclose(drawn / extent, (drawn / extent).mean(), rtol=1e-3)
        assert np.linalg.norm(drawn) == pytest.approx(1, abs=1e-3)


def test_the_eye_keeps_its_distance_in_the_direction_that_was_asked_for():
    eyes = [
        surfaces_figure([surface(eye=eye)]).layout.scene.camera.eye.to_plotly_json() for eye in ((0, 3, 4), (1, 0, 0))
    ]
    first, second = (np.array([eye[axis] for axis in "xyz"]) for eye in eyes)
    np.testing.assert_allclose(first / np.linalg.norm(first), [0, 0.6, 0.8], atol=1e-3)
    assert np.linalg.norm(first) == pytest.approx(np.linalg.norm(second), abs=1e-3)
    # Beyond the ball of radius 1/2 that holds the box.
    assert np.linalg.norm(first) > 1


def test_surfaces_stand_side_by_side_each_with_its_own_scene_and_words():
    figure = surfaces_figure([surface("one"), surface("two"), surface("three")])
    assert [trace.scene for trace in figure.data] == ["scene"] * 4 + ["scene2"] * 4 + ["scene3"] * 4
    scenes = [figure.layout.scene, figure.layout.scene2, figure.layout.scene3]
    assert scenes[0].domain.x[1] < scenes[1].domain.x[0] < scenes[1].domain.x[1] < scenes[2].domain.x[0]
    assert scenes[2].domain.x[1] == pytest.approx(1)
    notes = figure.layout.annotations
    assert [note.text for note in notes[::3]] == ["<b>one</b>", "<b>two</b>", "<b>three</b>"]
    for index, note in enumerate(notes):
        assert note.x == pytest.approx(np.mean(scenes[index // 3].domain.x))
        # By itself, plotly hangs words near an edge by their own.
        assert (note.xanchor, note.yanchor) == ("center", "bottom")
    for scene in scenes:
        assert scene.dragmode == "turntable"
        assert all(scene[axis].visible is False for axis in ("xaxis", "yaxis", "zaxis"))


def test_on_a_phone_surfaces_stand_below_each_other_under_their_words():
    phone = surfaces_phone(3)
    places = [phone[f"{scene}.domain.y"] for scene in ("scene", "scene2", "scene3")]
    assert places[0][1] == 1
    assert places[0][0] > places[1][1] > places[1][0] > places[2][1] > places[2][0] >= 0
    for number in range(9):
        assert phone[f"annotations[{number}].y"] == places[number // 3][1]
        assert phone[f"annotations[{number}].x"] == 0.5
    # Three lines of words are 62 pixels high, and fit between two surfaces.
    gap = (places[0][0] - places[1][1]) * (phone["height"] - 70)
    assert gap >= 62


def test_too_many_surfaces_and_none_are_refused():
    for count in (0, 5):
        with pytest.raises(ValueError, match=f"`surfaces` has {count} of them"):
            surfaces_figure([surface()] * count)
