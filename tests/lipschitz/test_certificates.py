"""Every constant is attained, or as close as a grid comes, and the product holds for networks."""

import copy
import math

import pytest
import torch
from torch import nn

from latentbook.lipschitz import lipschitz_bound, operator_norm, spectral_norm

SLOPES = {
    nn.ReLU(): 1,
    nn.ReLU6(): 1,
    nn.Hardtanh(): 1,
    nn.LeakyReLU(0.2): 1,
    nn.LeakyReLU(-3.0): 3,
    nn.ELU(): 1,
    nn.ELU(alpha=2.5): 2.5,
    nn.Softplus(beta=3): 1,
    nn.Tanh(): 1,
    nn.Sigmoid(): 0.25,
    nn.GELU(): 1.128904145,
    nn.GELU("tanh"): 1.128993069,
    nn.SiLU(): 1.099839320,
    nn.Identity(): 1,
}


@pytest.mark.parametrize(("activation", "slope"), SLOPES.items(), ids=str)
def test_the_steepest_slope_of_an_activation(activation, slope):
    """On a grid of 1e-4 no slope is above the bound, and one comes as close as the grid and the last digit."""
    x = torch.linspace(-12, 12, 240_001, requires_grad=True)
    steepest = torch.autograd.grad(activation(x).sum(), x)[0].abs().max().item()
    bound = lipschitz_bound(activation, (5,))
    assert bound == pytest.approx(slope, rel=1e-6)
    assert bound * (1 - 1e-6) <= steepest <= bound * (1 + 1e-12)


def test_a_parametric_slope_is_the_steepest_of_its_channels():
    layer = nn.PReLU(3)
    layer.weight.data.copy_(torch.tensor([0.1, -4.0, 2.0]))
    assert lipschitz_bound(layer, (3, 5)) == 4.0
    assert lipschitz_bound(nn.PReLU(), (5,)) == 1.0


def jacobian_norm(layer, x):
    jacobian = torch.func.jacrev(layer)(x[None]).reshape(-1, x.numel())
    return torch.linalg.matrix_norm(jacobian, 2).item()


LINEAR = [
    (nn.AvgPool1d(2), (3, 8), 1 / math.sqrt(2)),
    (nn.AvgPool2d(2), (1, 8, 6), 0.5),
    (nn.AvgPool2d(3, stride=1, padding=1), (2, 6, 5), None),
    (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), (2, 6, 5), None),
    (nn.AvgPool3d(2), (1, 4, 4, 4), 1 / math.sqrt(8)),
    (nn.AdaptiveAvgPool2d((2, 3)), (2, 5, 7), None),
    (nn.AdaptiveAvgPool1d(1), (1, 9), 1 / 3),
    (nn.Upsample(scale_factor=2), (3, 4), math.sqrt(2)),
    (nn.Upsample(scale_factor=(2, 3)), (1, 4, 5), math.sqrt(6)),
    (nn.Upsample(size=(5, 9)), (1, 4, 4), math.sqrt(2 * 3)),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 4, 4), None),
    (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (1, 20, 20), None),
    (nn.BatchNorm2d(3), (3, 2, 2), None),
    (nn.BatchNorm1d(3, affine=False), (3,), None),
    (nn.Flatten(), (2, 3), 1.0),
    (nn.Unflatten(1, (2, 3)), (6,), 1.0),
    (nn.Dropout(), (4,), 1.0),
    (nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), (2, 4, 4), None),
    (nn.ConvTranspose1d(2, 4, 3, stride=2, output_padding=1), (2, 5), None),
    (nn.Linear(4, 3), (4,), None),
]


@pytest.mark.parametrize(("layer", "in_shape", "known"), LINEAR, ids=lambda value: str(value)[:40])
def test_layers_that_are_matrices(layer, in_shape, known):
    """Against the SVD of their Jacobian; Lanczos takes over above 64 inputs, with 1e-9."""
    layer = copy.deepcopy(layer).double()
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        layer.running_var.uniform_(0.1, 2)
        if layer.affine:
            nn.init.normal_(layer.weight)
    bound = lipschitz_bound(layer, in_shape)
    assert bound == pytest.approx(jacobian_norm(layer.eval(), torch.randn(in_shape)), rel=1e-8)
    if known is not None:
        assert bound == pytest.approx(known, rel=1e-8)


@pytest.mark.parametrize(
    ("layer", "in_shape", "squared"),
    [
        (nn.MaxPool1d(2), (1, 8), 1),
        (nn.MaxPool1d(3, stride=1), (1, 8), 3),
        (nn.MaxPool1d(3, stride=1), (1, 3), 1),
        (nn.MaxPool1d(3, stride=2, padding=1), (1, 8), 2),
        (nn.MaxPool1d(3, stride=1, dilation=2, padding=1), (1, 9), 3),
        (nn.MaxPool2d(3, stride=2, padding=1), (1, 7, 7), 4),
        (nn.MaxPool2d((3, 2), stride=(1, 2)), (1, 7, 7), 3),
        (nn.MaxPool2d(3, stride=2, ceil_mode=True), (2, 6, 6), 4),
        (nn.MaxPool3d(2, stride=1), (1, 4, 4, 4), 8),
    ],
    ids=str,
)
def test_windows_that_overlap_add_up(layer, in_shape, squared):
    """One input that is the largest of all its windows moves all their outputs: the bound is attained."""
    assert lipschitz_bound(layer, in_shape) == pytest.approx(math.sqrt(squared), rel=1e-12)
    steps = torch.eye(torch.Size(in_shape).numel()).reshape(-1, *in_shape)
    moved = (layer(steps) - layer(torch.zeros_like(steps))).flatten(1).norm(dim=1)
    assert moved.max().item() == pytest.approx(math.sqrt(squared), rel=1e-12)


def decoder(build=lambda layer, *in_shape: layer):
    return nn.Sequential(
        build(nn.Linear(4, 27)),
        nn.Sequential(nn.BatchNorm1d(27), nn.Unflatten(1, (3, 3, 3)), nn.ELU()),
        build(nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1), (3, 3)),
        nn.MaxPool2d(3, stride=1),
        nn.Dropout(0.5),
        nn.Upsample(scale_factor=2),
        nn.SiLU(),
        build(nn.Conv2d(4, 1, 3, padding=1, padding_mode="circular"), (8, 8)),
        nn.Sigmoid(),
    )


def test_a_network_stretches_no_more_than_its_bound():
    """Steps between random points, short ones and long ones, and Jacobians."""
    for seed in range(5):
        torch.manual_seed(seed)
        model = decoder().eval()
        bound = lipschitz_bound(model, (4,))
        x, step = torch.randn(1000, 4), torch.randn(1000, 4) * torch.logspace(-4, 1, 1000)[:, None]
        ratios = (model(x + step) - model(x)).flatten(1).norm(dim=1) / step.norm(dim=1)
        assert ratios.max().item() <= bound * (1 + 1e-8)
        assert max(jacobian_norm(model, point) for point in x[:10]) <= bound * (1 + 1e-8)


def test_the_bound_is_the_product():
    model = decoder().eval()
    factors = [operator_norm(model[0]), operator_norm(model[2], (3, 3)), operator_norm(model[7], (8, 8))]
    others = [(1 + 1e-5) ** -0.5, 3.0, 2.0, 1.0998393, 0.25]
    assert lipschitz_bound(model, (4,)) == pytest.approx(math.prod(factors + others), rel=1e-7)


def test_normalised_layers_count_as_they_are():
    model = decoder(lambda layer, *in_shape: spectral_norm(layer, *in_shape, lipschitz=0.5))
    expected = 0.5**3 * 3 * 2 * 1.0998393 * 0.25
    assert lipschitz_bound(model, (4,)) == pytest.approx(expected, rel=3e-3)


def test_a_linear_network_attains_its_bound():
    model = nn.Sequential(nn.Linear(3, 5), nn.Identity(), nn.Flatten())
    assert lipschitz_bound(model, (3,)) == pytest.approx(jacobian_norm(model, torch.zeros(3)), rel=1e-8)


def test_a_layer_that_stands_there_twice_counts_twice():
    layer = nn.Linear(3, 3)
    assert lipschitz_bound(nn.Sequential(layer, layer), (3,)) == pytest.approx(operator_norm(layer) ** 2, rel=1e-8)


def test_the_model_is_left_alone():
    model = decoder(spectral_norm).train()
    model[4].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert lipschitz_bound(model, (4,)) == lipschitz_bound(model, (4,))
    assert [layer.training for layer in model] == [True] * 4 + [False] + [True] * 4
    assert all(model.state_dict()[name].equal(value) for name, value in before.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_and_device_follow_the_model(dtype, device):
    model = decoder().to(device=device, dtype=dtype)
    single = lipschitz_bound(model, (4,))
    assert single == pytest.approx(lipschitz_bound(model.double(), (4,)), rel=1e-6)


class Residual(nn.Module):
    def forward(self, x):
        return x + 1


class Squared(nn.Tanh):
    def forward(self, input):
        return input**2


@pytest.mark.parametrize(
    ("model", "in_shape", "error", "message"),
    [
        (Residual(), (3,), TypeError, "`model` has Residual, a Residual, whose .*: pass a Sequential of known layers"),
        (nn.Sequential(nn.ReLU(), Squared()), (3,), TypeError, r"`model` has Sequential\[1\], a Squared"),
        (nn.Sequential(nn.Sequential(nn.LayerNorm(3))), (3,), TypeError, r"has Sequential\[0\]\[0\], a LayerNorm"),
        (nn.BatchNorm1d(3, track_running_stats=False), (3,), ValueError, "no running statistics: its outputs depend"),
        (nn.Linear(3, 3), (4,), ValueError, r"`in_shape` is \(4,\), but Linear, .* does not take .*, \(4,\): pass the"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(3, 3)),
            (2, 2),
            ValueError,
            r"Sequential\[1\].*, \(4,\): pass the shape",
        ),
    ],
)
def test_what_has_no_certificate(model, in_shape, error, message):
    with pytest.raises(error, match=message):
        lipschitz_bound(model, in_shape)


def test_a_normalised_layer_refuses_another_size():
    layer = spectral_norm(nn.Conv2d(1, 1, 3), (8, 8))
    with pytest.raises(ValueError, match=r"received \(6, 6\)"):
        lipschitz_bound(layer, (1, 6, 6))
