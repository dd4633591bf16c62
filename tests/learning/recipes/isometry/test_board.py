"""What TensorBoard shows: scores of decoders whose metric is known, and the plane that was drawn of them.

That all of it is written, and can be read back, the tests of the training say.
"""

import math

import pytest
import torch
from torch import nn

from latentbook.isometry import ellipse_radius, ellipses
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.plane import draw_plane
from latentbook.learning.recipes.isometry.board import isometry_board
from latentbook.metric import pullback_metric


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.float64)


def linear(*stretches, event=None):
    """An autoencoder of points: codes are divided by a stretch, and multiplied with it again."""
    scale = torch.tensor([float(stretch) for stretch in stretches])
    encoder, decoder = (nn.Linear(len(scale), len(scale), bias=False) for _ in range(2))
    with torch.no_grad():
        encoder.weight.copy_(torch.diag(1 / scale))
        decoder.weight.copy_(torch.diag(scale))
    if event:
        return Autoencoder(
            nn.Sequential(nn.Flatten(-len(event)), encoder), nn.Sequential(decoder, nn.Unflatten(-1, event))
        )
    return Autoencoder(encoder, decoder)


def board_of(folder, training, validation):
    [board] = isometry_board(folder, training, validation)
    return board


@pytest.fixture
def points():
    return Dataset(torch.randn(70, 3), torch.arange(70) % 4)


def test_no_folder_no_board(points):
    assert isometry_board(None, points, points) == []


@pytest.mark.parametrize(
    ("stretches", "distortion", "condition"),
    # Tr G^2 / (Tr G)^2 and the ratio of the largest and the smallest of G = diag(s^2), the same at all points.
    [((2, 2, 2), 1 / 3, 1.0), ((1, 1, 2), 18 / 36, 4.0), ((1, 3, 2), 98 / 196, 9.0)],
)
def test_scores_of_a_linear_decoder(tmp_path, points, stretches, distortion, condition):
    scores = board_of(tmp_path, points, points).scores(linear(*stretches))
    expected = {"validation/error": 0.0, "validation/distortion": distortion, "validation/MCN": condition}
    # Exact but for rounding.
    assert {name: value.item() for name, value in scores.items()} == pytest.approx(expected, abs=1e-12)


def test_the_error_is_the_mean_over_all_values(tmp_path):
    """Off by 0.5 in one of three coordinates."""
    model, data = linear(1, 1, 1), Dataset(torch.rand(20, 3))
    with torch.no_grad():
        model.encoder.weight[0, 0] = 0.0
        offset = nn.Parameter(torch.tensor([0.5, 0.0, 0.0]))
    model.decoder.bias = offset
    blind = Dataset(data.x * torch.tensor([0.0, 1.0, 1.0]))
    scores = board_of(tmp_path, data, blind).scores(model)
    assert scores["validation/error"].item() == pytest.approx(0.25 / 3, rel=1e-12)


def test_scores_are_of_the_first_thousand_for_validation_and_widths_of_those_for_training(tmp_path):
    """What comes after is so far away that it would be seen, and neither looks at the other's."""
    training, validation = torch.randn(1002, 2), 0.5 * torch.randn(1001, 2)
    training[1000:], validation[1000:] = 1e6, 1e6
    model = linear(1, 1)
    model.decoder = nn.Sequential(model.decoder, nn.Tanh())
    board = board_of(tmp_path, Dataset(training), Dataset(validation, torch.arange(1001) % 7))
    z = validation[:1000]
    torch.testing.assert_close(board.scores(model)["validation/error"], (z.tanh() - z).square().mean())
    slope = (1 - z.tanh().square()).square()
    ratio = slope.square().sum(1).mean() / slope.sum(1).mean().square()
    torch.testing.assert_close(board.scores(model)["validation/distortion"], ratio)
    torch.testing.assert_close(board.scores(model)["validation/MCN"], (slope.amax(1) / slope.amin(1)).mean())
    torch.testing.assert_close(board.widths(model), training[:1000].std(0))
    assert board.images(model)["latent plane"].shape == (3, 384, 384)


def expected_plane(model, data, labels):
    """Dots of all, and the ellipses of the first 60 in the plane of the first two latents."""
    z = model.encode(data[:])
    G = pullback_metric(model.decode, z[:60])[:, :2, :2]
    return draw_plane(z[:, :2], labels, ellipses(G, z[:60, :2], ellipse_radius(G, z[:60, :2])).outline)


def test_the_plane_has_the_first_two_latents_with_ellipses(tmp_path, points):
    model = linear(1, 3, 2)
    with torch.no_grad():
        # So that the ellipses are not along the axes, and a slice is another than a projection.
        model.decoder.weight[0, 1], model.decoder.weight[1, 2] = 1.5, 4.0
    plane = board_of(tmp_path, points, points).images(model)["latent plane"]
    assert plane.equal(expected_plane(model, points, points.y))
    unlabelled = Dataset(points.x)
    plain = board_of(tmp_path, unlabelled, unlabelled).images(model)["latent plane"]
    assert plain.equal(expected_plane(model, points, torch.zeros(70, dtype=torch.long)))
    assert not plain.equal(plane)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_stand_in_a_row_beside_their_reconstructions(tmp_path, channels):
    event = (channels, 1, 2)
    data, model = Dataset(torch.rand(20, *event)), linear(*[1] * 2 * channels, event=event)
    with torch.no_grad():
        model.decoder[0].weight.mul_(3)
    images = board_of(tmp_path, data, data).images(model)
    assert sorted(images) == ["input", "latent plane", "reconstruction"]
    assert images["input"].equal(torch.cat(list(data[:10]), -1))
    torch.testing.assert_close(images["reconstruction"], (3 * images["input"]).clamp(0, 1))
    assert images["reconstruction"].shape == (channels, 1, 20)
    assert images["reconstruction"].max() == 1


def test_images_beyond_grey_levels_are_cut_and_not_wrapped(tmp_path):
    data = Dataset(torch.tensor([-1.0, 0.5, 2.0]).reshape(3, 1, 1, 1).expand(3, 1, 1, 2))
    images = board_of(tmp_path, data, data).images(linear(1, 1, event=(1, 1, 2)))
    assert images["input"][0, 0].tolist() == images["reconstruction"][0, 0].tolist() == [0, 0, 0.5, 0.5, 1, 1]


@pytest.mark.parametrize("event", [(6,), (2, 3), (2, 1, 3), (6, 1, 1)])
def test_what_is_no_picture_has_the_plane_alone(tmp_path, event):
    """Two channels, or six, are no colours that could be shown."""
    data = Dataset(torch.randn(20, *event))
    assert list(board_of(tmp_path, data, data).images(linear(*[1] * 6, event=event))) == ["latent plane"]


def test_a_family_shows_every_member(tmp_path, points):
    members = [linear(1, 1, 1), linear(1, 2, 3), linear(3, 1, 1)]
    board, family = board_of(tmp_path, points, points), Family(members)
    torch.testing.assert_close(board.widths(family), torch.stack([board.widths(member) for member in members]))
    for look in (board.scores, board.images):
        together = look(family)
        assert len(together) == 3 * len(look(members[0]))
        for k, member in enumerate(members):
            for name, value in look(member).items():
                torch.testing.assert_close(together[f"{name}/{k}"], value)


def test_a_family_of_one_is_shown_as_one_model(tmp_path, points):
    board, model = board_of(tmp_path, points, points), linear(1, 2, 3)
    family = Family([model])
    torch.testing.assert_close(board.widths(family), board.widths(model))
    assert board.scores(family) == board.scores(model)
    assert board.images(family).keys() == board.images(model).keys()


def test_a_decoder_that_forgot_its_codes_can_be_looked_at(tmp_path, points):
    """Where a weight was too large: its distortion is not a number, and no ellipse can be drawn."""
    model = linear(1, 1, 1)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.encoder.weight.zero_()
    board = board_of(tmp_path, points, points)
    scores = board.scores(model)
    assert math.isnan(scores["validation/distortion"])
    torch.testing.assert_close(scores["validation/error"], points.x.square().mean())
    plane = board.images(model)["latent plane"]
    assert plane.equal(draw_plane(torch.zeros(70, 2), points.y))
