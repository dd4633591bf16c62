"""Maps whose metric is known, and decoders whose metric is not, for the rooms that differentiate."""

import math

import torch
from torch import nn
from torch.nn.utils import parametrizations

from latentbook.lipschitz import spectral_norm


def polar(z):
    r, t = z.unbind(-1)
    return torch.stack([r * t.cos(), r * t.sin()], -1)


def torus(z):
    u, v = z.unbind(-1)
    return torch.stack([(2 + u.cos()) * v.cos(), (2 + u.cos()) * v.sin(), u.sin()], -1)


def helicoid(z):
    u, v = z.unbind(-1)
    return torch.stack([u * v.cos(), u * v.sin(), 0.5 * v], -1)


def swiss_roll(z):
    t, h = z.unbind(-1)
    return torch.stack([t * t.cos(), h, t * t.sin()], -1)


def arc_length(t):
    return (t * (1 + t**2).sqrt() + t.asinh()) / 2


def unrolled(z):
    """The swiss roll by arc length: Newton's method inverts it, and forward mode passes through its steps."""
    s, h = z.unbind(-1)
    t = s
    for _ in range(40):
        t = t - (arc_length(t) - s) / (1 + t**2).sqrt()
    return swiss_roll(torch.stack([t, h], -1))


def sphere(z):
    colatitude, longitude = z.unbind(-1)
    x, y = colatitude.sin() * longitude.cos(), colatitude.sin() * longitude.sin()
    return torch.stack([x, y, colatitude.cos()], -1)


def stereographic(z):
    """The plane onto the unit sphere, conformally: lengths are multiplied by 2 / (1 + r^2)."""
    squared = z.square().sum(-1, keepdim=True)
    return torch.cat([2 * z, squared - 1], -1) / (1 + squared)


def paraboloid(z):
    return torch.cat([z, z.square().sum(-1, keepdim=True) / 2], -1)


def _diagonal(*entries):
    return torch.diag_embed(torch.stack(torch.broadcast_tensors(*entries), -1))


def _paraboloid_metric(z):
    return torch.eye(2, device=z.device) + z[..., :, None] * z[..., None, :]


# Each with its metric in closed form.
SURFACES = {
    "polar": (polar, lambda z: _diagonal(torch.ones_like(z[..., 0]), z[..., 0] ** 2)),
    "torus": (torus, lambda z: _diagonal(torch.ones_like(z[..., 0]), (2 + z[..., 0].cos()) ** 2)),
    "helicoid": (helicoid, lambda z: _diagonal(torch.ones_like(z[..., 0]), z[..., 0] ** 2 + 0.25)),
    "swiss roll": (swiss_roll, lambda z: _diagonal(1 + z[..., 0] ** 2, torch.ones_like(z[..., 0]))),
    "unrolled": (unrolled, lambda z: torch.eye(2, device=z.device).expand(*z.shape, 2)),
    "sphere": (sphere, lambda z: _diagonal(torch.ones_like(z[..., 0]), z[..., 0].sin() ** 2)),
    "stereographic": (stereographic, lambda z: _diagonal(*[4 / (1 + z.square().sum(-1)) ** 2] * 2)),
    "paraboloid": (paraboloid, _paraboloid_metric),
}

M = 3


def _convolutional():
    layers = [nn.Linear(M, 16), nn.Unflatten(-1, (4, 2, 2)), nn.BatchNorm2d(4), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Sigmoid())


def _normalised():
    last = spectral_norm(nn.ConvTranspose2d(4, 1, 4, 2, 1), (2, 2))
    return nn.Sequential(spectral_norm(nn.Linear(M, 16)), nn.Tanh(), nn.Unflatten(-1, (4, 2, 2)), last)


def _torch_normalised():
    return nn.Sequential(parametrizations.spectral_norm(nn.Linear(M, 8)), nn.Tanh(), nn.Linear(8, 5))


def _attention():
    # Without its own dropout: that one is off in eval mode too.
    return nn.Sequential(
        nn.Linear(M, 8), nn.Unflatten(-1, (2, 4)), nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    )


# Each makes a decoder of 3 latents, as it comes: in train mode.
DECODERS = {
    "tanh": lambda: nn.Sequential(nn.Linear(M, 16), nn.Tanh(), nn.Linear(16, 20)),
    "relu in place": lambda: nn.Sequential(nn.Linear(M, 16), nn.ReLU(inplace=True), nn.Linear(16, 20), nn.Sigmoid()),
    "image": lambda: nn.Sequential(nn.Linear(M, 48), nn.Unflatten(-1, (3, 4, 4)), nn.Softplus()),
    "number": lambda: nn.Sequential(nn.Linear(M, 8), nn.ELU(), nn.Linear(8, 1), nn.Flatten(0)),
    "convolutional with BatchNorm": _convolutional,
    "BatchNorm": lambda: nn.Sequential(nn.Linear(M, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 5)),
    "dropout": lambda: nn.Sequential(nn.Linear(M, 64), nn.Tanh(), nn.Dropout(0.5), nn.Linear(64, 5)),
    "spectral norm": _normalised,
    "torch's spectral norm": _torch_normalised,
    "attention": _attention,
}


class Counting:
    """A decoder that notes how many points it is given, call by call."""

    def __init__(self, decode=torch.sin):
        self.decode, self.seen = decode, []

    def __call__(self, z):
        self.seen.append(len(z))
        return self.decode(z)


def rotation(angle):
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s], [s, c]])


def orthonormal_columns(rows, columns):
    return torch.linalg.qr(torch.randn(rows, columns)).Q
