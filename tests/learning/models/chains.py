"""A chain of unit steps, z_L ~ N(0, 1) down to x ~ N(z_1, 1), whose posteriors are known: what hierarchies are held to.

The data are N(0, L + 1), and an ELBO at the true posterior is the evidence of every example.
"""

import math

import torch
from torch import nn

from latentbook.learning.likelihoods import Gaussian
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.models.hierarchies import Joined

FLOOR = 1e-4


def free(std):
    """The number whose softplus, with the floor, is a standard deviation."""
    return math.log(math.expm1(std - FLOOR))


def linear(slopes, variance):
    """A network from some numbers to a mean that is linear in them, and one variance."""
    network = nn.Linear(len(slopes), 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([slopes, [0.0] * len(slopes)]))
        network.bias.copy_(torch.tensor([0.0, free(math.sqrt(variance))]))
    return network


def of_both(of_z, of_x, variance):
    """A network of data and a code: they are put together with the data first."""
    return Joined(nn.Identity(), nn.Identity(), linear([of_x, of_z], variance))


def chain(layers=2, inference="top-down"):
    """The model at its true posterior, of an exact decoder."""
    if inference == "top-down":
        # q(z_l | z_{l+1}, x): one step down from z_{l+1}, l steps to x.
        below = [of_both(step / (step + 1), 1 / (step + 1), step / (step + 1)) for step in range(1, layers)]
        posteriors = [*below, linear([1 / (layers + 1)], layers / (layers + 1))]
    elif inference == "ladder":
        # What the data say of z_l alone is N(x, l).
        posteriors = [*(linear([1.0], step) for step in range(1, layers))]
        posteriors.append(linear([1 / (layers + 1)], layers / (layers + 1)))
    else:
        # q(z_l | z_{l-1}): the prior of z_l is N(0, L + 1 - l), with one step down to z_{l-1}.
        widths = [layers + 1 - layer for layer in range(1, layers + 1)]
        posteriors = [linear([width / (width + 1)], width / (width + 1)) for width in widths]
    priors = [linear([1.0], 1.0) for _ in range(layers - 1)]
    decoder = nn.Linear(1, 1)
    with torch.no_grad():
        decoder.weight.fill_(1.0)
        decoder.bias.zero_()
    noise = Gaussian((1,), sigma=1.0)
    return HierarchicalVAE(posteriors, priors, decoder, noise, [1] * layers, inference=inference, floor=FLOOR)
