"""Random networks, in torch and as the scripts get them."""

import itertools

import torch
from torch import nn

ACTIVATIONS = {
    "tanh": (nn.Tanh, 0.0),
    "relu": (nn.ReLU, 0.0),
    "leaky_relu": (lambda: nn.LeakyReLU(0.2), 0.2),
    "softplus": (lambda: nn.Softplus(beta=3.0), 3.0),
    "silu": (nn.SiLU, 0.0),
}
OUTPUTS = {"linear": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def network(sizes, activation="tanh", output="linear", seed=0, scale=1.5):
    """Return a perceptron of torch, and its layers and numbers for a script: the same numbers, of single precision."""
    generator = torch.Generator().manual_seed(seed)
    make, parameter = ACTIVATIONS[activation]
    modules, layers, numbers = [], [], []
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        linear, is_last = nn.Linear(inputs, outputs), index == len(sizes) - 2
        for value, size in ((linear.weight, scale / inputs**0.5), (linear.bias, 0.5)):
            value.data = (size * torch.randn(value.shape, generator=generator)).float().to(value)
        modules += [linear, OUTPUTS[output]() if is_last else make()]
        name, own = (output, 0.0) if is_last else (activation, parameter)
        layers.append({"inputs": inputs, "outputs": outputs, "activation": name, "parameter": own})
        numbers += [*linear.weight.flatten().tolist(), *linear.bias.tolist()]
    return nn.Sequential(*modules), layers, numbers
