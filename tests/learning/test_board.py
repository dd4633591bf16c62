"""What TensorBoard shows of an autoencoder; that it is written, the recipes' tests read back."""

import torch
from torch import nn

from latentbook.learning.board import autoencoder_board
from latentbook.learning.dataset import Dataset
from latentbook.learning.family import Family
from latentbook.learning.models.autoencoder import Autoencoder


def model():
    encoder = nn.Sequential(nn.Flatten(-3), nn.Linear(6, 2))
    return Autoencoder(encoder, nn.Sequential(nn.Linear(2, 6), nn.Unflatten(-1, (1, 2, 3))))


def test_no_folder_no_board():
    assert autoencoder_board(None, Dataset(torch.rand(5, 3)), Dataset(torch.rand(5, 3))) == []


def test_widths_and_images_are_those_of_the_model(tmp_path):
    data, one = Dataset(torch.rand(20, 1, 2, 3)), model()
    [board] = autoencoder_board(tmp_path, data, data)
    torch.testing.assert_close(board.widths(one), one.encode(data[:]).std(0))
    image = board.images(one)["reconstructions"]
    assert image.shape == (1, 4, 24)
    assert image[:, :2, :3].equal(data[0])
    torch.testing.assert_close(image[:, 2:, :3], one.decode(one.encode(data[:1]))[0].clamp(0, 1))


def test_a_family_shows_every_member(tmp_path):
    data, members = Dataset(torch.rand(20, 1, 2, 3)), [model(), model(), model()]
    [board] = autoencoder_board(tmp_path, data, data)
    family = Family(members)
    torch.testing.assert_close(board.widths(family), torch.stack([board.widths(member) for member in members]))
    images = board.images(family)
    torch.testing.assert_close(images["reconstructions/2"], board.images(members[2])["reconstructions"])


def test_points_have_no_images(tmp_path):
    points = Dataset(torch.rand(20, 3))
    [board] = autoencoder_board(tmp_path, points, points)
    assert board.images is None
