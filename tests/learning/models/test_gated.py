"""Gated convolutions: the published arrangement, and any image whose sides 4 divides."""

import pytest
import torch
from torch import nn

from latentbook.learning.models.gated import Gated, gated_decoder, gated_encoder


def test_gates_multiply_values():
    both = nn.Conv2d(2, 2 * 3, 3)
    x = torch.randn(4, 2, 8, 8)
    values, gates = both(x)[:, :3], both(x)[:, 3:]
    torch.testing.assert_close(Gated(both)(x), values * gates.sigmoid())


def test_the_widths_are_the_published_ones():
    """32, 32, 64, 64, 64 and 256 features, then what a code takes; the last kernel sees a quarter of the sides."""
    layers = [layer for layer in gated_encoder((1, 28, 28), 12).modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels // 2 for layer in layers] == [32, 32, 64, 64, 64, 256]
    assert [layer.stride for layer in layers] == [(1, 1), (2, 2), (1, 1), (2, 2), (1, 1), (1, 1)]
    assert layers[-1].kernel_size == (7, 7)
    backwards = [layer for layer in gated_decoder(10, (1, 28, 28)).modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert [layer.out_channels // 2 for layer in backwards] == [64, 64, 32, 32, 32, 32]
    assert backwards[0].kernel_size == (7, 7)


@pytest.mark.parametrize("event", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (1, 28, 20)])
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_images_and_batches_of_any_shape(event, batch):
    assert gated_encoder(event, 7)(torch.randn(*batch, *event)).shape == (*batch, 7)
    assert gated_decoder(7, event)(torch.randn(*batch, 7)).shape == (*batch, *event)
    assert gated_decoder(7, event, 2)(torch.randn(*batch, 7)).shape == (*batch, 2, *event[1:])


@pytest.mark.parametrize("event", [(1, 30, 28), (28, 28), (1, 2, 4)])
def test_other_shapes_are_refused(event):
    for build in (lambda: gated_encoder(event, 7), lambda: gated_decoder(7, event)):
        with pytest.raises(ValueError, match=r"`event_shape` is .*: give \(C, H, W\) with sides that 4 divides"):
            build()
