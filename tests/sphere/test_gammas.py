"""Normaliser, divergence and their derivatives against forty digits, in both precisions."""

import mpmath
import pytest
import torch

from latentbook.core import jvp
from latentbook.sphere.gammas import power_divergence, power_normaliser

DIMENSIONS = [2, 3, 4, 8, 9, 10, 19, 20, 41, 500, 1000, 2000]
# Roundings: of the divergence all are relative; at float32 arguments are exact, the result is rounded.
CLOSE = {torch.float32: 2e-6, torch.float64: 3e-14}


def concentrations(dtype):
    most = 12 if dtype == torch.float64 else 8
    return torch.logspace(-6, most, 29, dtype=torch.float64).to(dtype)


def exact(m, k):
    """Return divergence, normaliser, and the derivatives ψ, ψ' of the latter."""
    with mpmath.workdps(50):
        b, k = mpmath.mpf(m - 1) / 2, mpmath.mpf(k)
        normaliser = sum(sign * mpmath.loggamma(x) for sign, x in ((1, 2 * b + k), (-1, b + k), (-1, 2 * b), (1, b)))
        slope, bend = (mpmath.psi(n, 2 * b + k) - mpmath.psi(n, b + k) for n in (0, 1))
        return [float(value) for value in (normaliser - k * slope, normaliser, slope, bend)]


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("m", DIMENSIONS)
def test_every_digit_is_right(m, dtype):
    k = concentrations(dtype).requires_grad_()
    divergence, normaliser = power_divergence(m, k), power_normaliser(m, k)
    slope = torch.autograd.grad(normaliser.sum(), k, create_graph=True)[0]
    bend = torch.autograd.grad(slope.sum(), k)[0]
    rise = torch.autograd.grad(divergence.sum(), k)[0]
    expected = torch.tensor([exact(m, value) for value in k.tolist()])
    for found, sought in (
        (divergence, expected[:, 0]),
        (slope, expected[:, 2]),
        (bend, expected[:, 3]),
        (rise, -k.double() * expected[:, 3]),
    ):
        assert (found.double() / sought - 1).abs().max() < CLOSE[dtype]
    # The normaliser is a part of a log-density, whose digits before the point are those of b ln(b + k).
    scale = expected[:, 1] + (m - 1) / 2 * torch.log(m + k.double())
    assert ((normaliser.double() - expected[:, 1]) / scale).abs().max() < CLOSE[dtype]


@pytest.mark.parametrize("dtype", CLOSE)
def test_ends(dtype):
    k = torch.tensor([0.0, 1e-30, 1e20, 1e37], dtype=dtype, requires_grad=True)
    for m in (2, 3, 500):
        divergence, normaliser = power_divergence(m, k), power_normaliser(m, k)
        rise = torch.autograd.grad(divergence.sum(), k)[0]
        slope = torch.autograd.grad(normaliser.sum(), k)[0]
        assert normaliser.isfinite().all()
        for value in (divergence, rise, slope):
            assert value.isfinite().all()
            assert (value >= 0).all()
        assert divergence[0] == rise[0] == 0


@pytest.mark.parametrize("function", [power_divergence, power_normaliser])
@pytest.mark.parametrize("m", [2, 3, 41])
def test_derivatives_of_every_kind(m, function):
    k = torch.tensor([1e-3, 0.4, 7.0, 300.0], requires_grad=True)

    def of(k):
        return function(m, k)

    assert torch.autograd.gradcheck(of, k)
    assert torch.autograd.gradgradcheck(of, k)
    slope = torch.func.vmap(torch.func.grad(of))
    torch.testing.assert_close(slope(k.detach()), torch.autograd.grad(of(k).sum(), k)[0])
    torch.testing.assert_close(jvp(of, k.detach(), torch.ones(4))[1], slope(k.detach()))
    twice = torch.func.vmap(torch.func.grad(torch.func.grad(of)))(k.detach())
    torch.testing.assert_close(jvp(slope, k.detach(), torch.ones(4))[1], twice)
