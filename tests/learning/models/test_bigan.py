"""The bidirectional adversarial network: its losses against divergences by quadrature, its contract, its sizes."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal

from latentbook.learning.models.autoencoder import PointMass
from latentbook.learning.models.bigan import BiGAN, PairDiscriminator, bigan_conv, bigan_mlp

LOG4 = math.log(4)


class Judge(nn.Module):
    """A discriminator that is one given function."""

    def __init__(self, logit):
        super().__init__()
        self.logit = logit

    def forward(self, x, z):
        return self.logit(x, z)


def plain(logit, encoder=None, generator=None):
    return BiGAN(encoder or nn.Identity(), generator or nn.Identity(), Judge(logit))


# ---- losses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("logit", [0.0, 1.5, -3.0])
def test_losses_where_the_discriminator_never_looks(logit):
    """-log s(c) - log s(-c), the same for both; at 0 they are log 4, the least of all."""
    terms = plain(lambda x, z: torch.full(x.shape[:-1], logit)).terms(torch.randn(7, 2))
    expected = torch.tensor(math.log1p(math.exp(-logit)) + math.log1p(math.exp(logit)))
    torch.testing.assert_close(terms, {"discriminator": expected, "generator": expected})
    assert expected >= LOG4 - 1e-12


def test_each_kind_of_pair_has_its_own_sign():
    """Data have first entries of 1, noise of -1; the logit is three times that entry."""
    model = plain(lambda x, z: 3 * x[..., 0])
    terms = model.terms(torch.ones(5, 2), -torch.ones(5, 2))
    right, wrong = math.log1p(math.exp(-3)), math.log1p(math.exp(3))
    assert terms["discriminator"].item() == pytest.approx(2 * right)
    assert terms["generator"].item() == pytest.approx(2 * wrong)


def test_the_discriminator_sees_examples_with_their_codes():
    """The data's pair is (x, E(x)), the other one (G(z), z), in this order."""
    seen = []
    model = plain(lambda x, z: seen.append((x, z)) or x.sum(-1), encoder=nn.Linear(3, 2), generator=nn.Linear(2, 3))
    x, z = torch.randn(5, 3), torch.randn(5, 2)
    model.terms(x, z)
    for (image, code), kind in zip(seen, ["data", "generated", "generated", "data"], strict=True):
        expected = (x, model.encoder(x)) if kind == "data" else (model.generator(z), z)
        torch.testing.assert_close((image, code), expected)


def quantiles(law, count=20_001):
    """Return numbers of equal weight, whose mean of a function is its expectation but for what the tails hold."""
    return law.icdf((torch.arange(count) + 0.5) / count)[:, None]


def divergence(p, q):
    """Return the Jensen-Shannon divergence of two densities on the line, by the midpoint rule."""
    x = torch.linspace(-40, 40, 400_001)
    a, b = p.log_prob(x), q.log_prob(x)
    middle = torch.logaddexp(a, b) - math.log(2)
    return 0.5 * ((a.exp() * (a - middle) + b.exp() * (b - middle)).sum() * (x[1] - x[0]))


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.0, 2.0), (1.0, 1.0), (3.0, 0.5)])
def test_the_best_discriminator_measures_the_jensen_shannon_divergence(mean, std):
    """Both kinds of pairs lie on the diagonal: x is N(mean, std), generated are standard normal numbers themselves."""
    data, prior = Normal(torch.tensor(mean), std), Normal(torch.tensor(0.0), 1.0)

    def best(x, z):
        return (data.log_prob(x) - prior.log_prob(x)).squeeze(-1)

    x, z = quantiles(data), quantiles(prior)
    least = plain(best).terms(x, z)["discriminator"]
    # A tail beyond the outermost quantile weighs 5e-5 / 2, times a logit of a few; the error falls with the count.
    torch.testing.assert_close(least, LOG4 - 2 * divergence(data, prior), rtol=0, atol=1e-4)
    for other in (lambda x, z: best(x, z) + 0.3, lambda x, z: 1.2 * best(x, z) - 0.1):
        assert plain(other).terms(x, z)["discriminator"] > least + 1e-3


def test_equal_laws_cost_log_4():
    terms = plain(lambda x, z: torch.zeros(len(x))).terms(torch.randn(50, 3))
    assert terms["discriminator"].item() == pytest.approx(LOG4)
    assert terms["generator"].item() == pytest.approx(LOG4)


def test_the_generator_s_loss_does_not_saturate():
    """Where the discriminator is sure, its own slope is nothing, the generator's is one."""
    sure = torch.tensor(-30.0, requires_grad=True)
    terms = plain(lambda x, z: torch.where(x[..., 0] > 0, -sure, sure)).terms(torch.ones(4, 1), -torch.ones(4, 1))
    (own,) = torch.autograd.grad(terms["discriminator"], sure, retain_graph=True)
    (other,) = torch.autograd.grad(terms["generator"], sure)
    assert abs(own) < 1e-12
    # Of both pairs, each up to e^-30.
    assert other.item() == pytest.approx(-2)


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_extreme_logits_give_finite_losses(logit):
    terms = plain(lambda x, z: logit * x[..., 0]).terms(torch.ones(3, 1).float(), -torch.ones(3, 1).float())
    assert sorted(term.item() for term in terms.values()) == [0.0, pytest.approx(2e4)]


# ---- noise -----------------------------------------------------------------------------------------------------------


def test_noise_is_drawn_from_torchs_generator_or_given():
    model, x = bigan_mlp(3, (4,)).eval(), torch.randn(5, 4)
    torch.manual_seed(3)
    drawn = model.terms(x)
    torch.manual_seed(3)
    noise = torch.randn(5, 3)
    for given in (noise, {"code": noise}):
        assert all(model.terms(x, given)[name].equal(term) for name, term in drawn.items())
    assert not model.terms(x)["generator"].equal(drawn["generator"])


def test_noise_is_standard_normal():
    """40,000 numbers: mean and variance within 5 standard errors of 0 and 1."""
    (_, (_, z)) = plain(lambda x, z: x).pairs(torch.zeros(10_000, 4))
    assert abs(z.mean()) < 5 / 200
    assert abs(z.var() - 1) < 5 * 2**0.5 / 200


def test_wrong_noise_is_refused():
    model = bigan_mlp(3, (4,))
    with pytest.raises(ValueError, match=r"`noise` has shape \(5, 2\) for codes of shape \(5, 3\)"):
        model.terms(torch.randn(5, 4), torch.randn(5, 2))
    with pytest.raises(ValueError, match="`noise` names 'isometry', but the model knows"):
        model.terms(torch.randn(5, 4), {"isometry": torch.randn(5, 3)})


# ---- contract and networks -------------------------------------------------------------------------------------------

MODELS = {
    "conv": lambda: (bigan_conv(4, (1, 8, 8)), (1, 8, 8)),
    "mlp": lambda: (bigan_mlp(4, (1, 8, 8)), (1, 8, 8)),
    "points": lambda: (bigan_mlp(4, (3,), (16,)), (3,)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("batch", [(5,), (1,), (2, 3)])
def test_shapes_of_the_contract(name, batch, device):
    model, event = MODELS[name]()
    model, x = model.to(device).eval(), torch.rand(*batch, *event, device=device)
    z = model.encode(x)
    assert z.shape == (*batch, 4)
    assert model.decode(z).shape == x.shape
    assert isinstance(model.posterior(x), PointMass)
    assert model.posterior(x).mean.equal(z)
    assert model.discriminate(x, z).shape == batch
    for term in model.terms(x).values():
        assert (term.shape, term.device.type, term.dtype) == ((), device.type, torch.float64)


@pytest.mark.parametrize("name", MODELS)
def test_in_float32(name, device):
    model, event = MODELS[name]()
    terms = model.to(device).float().terms(torch.rand(5, *event, dtype=torch.float32, device=device))
    assert {term.dtype for term in terms.values()} == {torch.float32}


@pytest.mark.parametrize("name", MODELS)
def test_the_discriminator_judges_pairs(name):
    model, event = MODELS[name]()
    model.eval()
    x, z = torch.rand(5, *event), torch.randn(5, 4)
    logits = model.discriminate(x, z)
    for other in (model.discriminate(torch.rand(5, *event), z), model.discriminate(x, torch.randn(5, 4))):
        assert ((other - logits).abs() > 1e-6).all()


def test_a_pair_is_judged_by_its_parts():
    judge = PairDiscriminator(nn.Linear(3, 2), nn.Linear(1, 2), nn.Linear(4, 1))
    x, z = torch.randn(5, 3), torch.randn(5, 1)
    both = torch.cat([judge.of_x(x), judge.of_z(z)], -1)
    torch.testing.assert_close(judge(x, z), (both @ judge.of_both.weight.T + judge.of_both.bias)[:, 0])


def test_images_are_grey_and_points_are_free():
    z = 100 * torch.randn(50, 4)
    for name in ("conv", "mlp"):
        x = MODELS[name]()[0].eval().decode(z)
        assert 0 <= x.min() <= x.max() <= 1
    x = MODELS["points"]()[0].eval().decode(z)
    assert x.min() < 0
    assert x.max() > 1


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_parameter_counts_of_the_original():
    """The sheet says 25k of the generator. The discriminator: two sides, 1152 and 32 numbers, then 32, then one."""
    model = bigan_conv(16)
    assert size(model.generator) == 25_021
    assert size(model.encoder) == 23_456
    image = 16 * (16 + 1) + 32 + 32 * (16 * 9 + 1) + 64
    code = 16 * (16 + 1) + 32 + 32 * (16 + 1) + 64
    assert size(model.discriminator) == image + code + 32 * (1184 + 1) + 64 + 33 == 43_937


def test_perceptrons_have_the_hidden_sizes_of_both_directions():
    def widths(network):
        return [tuple(layer.weight.shape) for layer in network.modules() if isinstance(layer, nn.Linear)]

    model = bigan_mlp(4, (1, 8, 8), (32, 16))
    assert widths(model.encoder) == [(32, 64), (16, 32), (4, 16)]
    assert widths(model.generator) == [(16, 4), (32, 16), (64, 32)]
    assert widths(model.discriminator) == [(32, 68), (16, 32), (1, 16)]


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"`event_shape` is \(1, 27, 28\)"):
        bigan_conv(4, (1, 27, 28))
