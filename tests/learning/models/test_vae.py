"""The variational autoencoder: its two terms in closed form, its gradients, and its family."""

import copy
import functools
import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from latentbook.isometry import relaxed_distortion
from latentbook.learning.data import Dataset
from latentbook.learning.family import Family, family_loss, member_histories
from latentbook.learning.models.vae import VAE, DiagonalGaussian
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.train import fit


def make(event=(1, 4, 4), m=3, device="cpu", **options):
    encoder, decoder = mlp_encoder(event, [8], 2 * m, nn.Tanh), mlp_decoder(m, [8], event, nn.Tanh)
    return VAE(encoder, decoder, **options).to(device)


def perfect(dimensions, sigma):
    """A model whose decoder returns the very data, ones, whatever the code."""
    model = VAE(nn.Linear(dimensions, 4), nn.Linear(2, dimensions), sigma=sigma)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.fill_(1.0)
    return model


# ---- the likelihood --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sigma", "nats"), [(1.0, -720.447810), (0.1, 1084.778903)])
def test_a_perfect_reconstruction_has_the_likelihood_of_the_sheet(sigma, nats):
    """Reference case 17, with six decimals."""
    found = perfect(784, sigma).log_likelihood(torch.ones(5, 784), torch.randn(5, 2))
    torch.testing.assert_close(found, torch.full((5,), nats), rtol=0, atol=1e-6)


@pytest.mark.parametrize("event", [(6,), (1, 4, 4), (2, 3, 2, 2)])
def test_the_likelihood_is_torchs_normal_summed_over_the_event(event, device):
    model = make(event, sigma=0.3, device=device)
    x, z = torch.rand(5, *event, device=device), torch.randn(5, 3, device=device)
    expected = Independent(Normal(model.decode(z), model.sigma), len(event)).log_prob(x)
    torch.testing.assert_close(model.log_likelihood(x, z), expected)


def test_several_codes_of_each_example():
    model, x, z = make(), torch.rand(5, 1, 4, 4), torch.randn(7, 5, 3)
    each = torch.stack([model.log_likelihood(x, codes) for codes in z])
    torch.testing.assert_close(model.log_likelihood(x, z), each)


def test_the_best_sigma_is_the_root_of_the_mean_square():
    """Where d log p / d log sigma = 0."""
    x, z = torch.rand(50, 1, 4, 4), torch.randn(50, 3)
    model = make()
    with torch.no_grad():
        model.log_sigma.copy_((model.decode(z) - x).square().mean().sqrt().log())
    (slope,) = torch.autograd.grad(model.log_likelihood(x, z).mean(), model.log_sigma)
    # 16 values an example, each with a slope of about 1.
    assert abs(slope) < 1e-12 * 16


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("log_sigma", [-60.0, 60.0])
def test_an_extreme_sigma_gives_no_nan(log_sigma, dtype):
    model = perfect(784, 1.0).to(dtype)
    with torch.no_grad():
        model.log_sigma.fill_(log_sigma)
    nats = model.log_likelihood(torch.ones(2, 784, dtype=dtype), torch.zeros(2, 2, dtype=dtype))
    expected = torch.full((2,), -784 * (log_sigma + 0.5 * math.log(2 * math.pi)), dtype=dtype)
    torch.testing.assert_close(nats, expected)


# ---- the divergence --------------------------------------------------------------------------------------------------


def gaussian(mean, log_std):
    return DiagonalGaussian(torch.as_tensor(mean), torch.as_tensor(log_std))


@pytest.mark.parametrize(
    ("mean", "log_std", "nats"), [(0.0, math.log(2), 0.806852819), (1.0, 0.0, 0.5), (0.0, 0.0, 0.0)]
)
def test_rates_of_the_sheet(mean, log_std, nats):
    """Reference case 17, of one dimension, with nine decimals; three dimensions have three times as much."""
    for count in (1, 3):
        found = kl_divergence(gaussian([mean] * count, [log_std] * count), gaussian([0.0] * count, [0.0] * count))
        torch.testing.assert_close(found, torch.tensor(count * nats), rtol=0, atol=count * 1e-9)


def beliefs(device="cpu"):
    return [DiagonalGaussian(*torch.randn(2, 4, 6, 3, device=device)) for _ in range(2)]


def test_divergence_density_and_entropy_are_torchs(device):
    p, q = beliefs(device)
    plain = [Independent(Normal(one.mean, one.stddev), 1) for one in (p, q)]
    torch.testing.assert_close(kl_divergence(p, q), kl_divergence(*plain))
    value = torch.randn(5, 4, 6, 3, device=device)
    torch.testing.assert_close(p.log_prob(value), plain[0].log_prob(value))
    torch.testing.assert_close(p.entropy(), plain[0].entropy())
    assert (p.batch_shape, p.event_shape) == ((4, 6), (3,))


def test_the_rate_is_the_mean_of_log_ratios():
    """Monte Carlo, 200,000 samples of 24 beliefs, each within 4 standard errors: by chance one test of 660 fails."""
    p, q = beliefs()
    z = p.rsample((200_000,))
    ratio = p.log_prob(z) - q.log_prob(z)
    error = ratio.std(0) / len(z) ** 0.5
    assert ((ratio.mean(0) - kl_divergence(p, q)).abs() < 4 * error).all()


@pytest.mark.parametrize(("log_std", "dtype"), [(-60.0, torch.float32), (-300.0, torch.float64), (50.0, torch.float64)])
def test_an_extreme_deviation_gives_finite_rates_and_gradients(log_std, dtype):
    own = torch.full((2, 3), log_std, dtype=dtype, requires_grad=True)
    zeros = torch.zeros(2, 3, dtype=dtype)
    rate = kl_divergence(DiagonalGaussian(zeros, own), DiagonalGaussian(zeros, zeros))
    # Per dimension (s^2 - 1) / 2 - log s.
    expected = 3 * (0.5 * math.expm1(2 * log_std) - log_std)
    torch.testing.assert_close(rate, torch.full((2,), expected, dtype=dtype))
    rate.sum().backward()
    torch.testing.assert_close(own.grad, torch.full((2, 3), math.exp(2 * log_std) - 1, dtype=dtype))
    assert DiagonalGaussian(zeros, own).log_prob(zeros).isfinite().all()
    assert DiagonalGaussian(zeros, own).entropy().isfinite().all()


def test_a_rate_near_zero_keeps_its_digits():
    """Expanded: a deviation of e^h costs h^2, where the terms of the formula are near 1; and never below 0."""
    h = torch.tensor([1e-2, 1e-3], dtype=torch.float32)
    rate = kl_divergence(DiagonalGaussian(0 * h[:, None], h[:, None]), DiagonalGaussian(0 * h[:, None], 0 * h[:, None]))
    # What remains is the rounding of h itself in float32, relative to h: 6e-8 / 1e-3, and the next order, 2 h / 3.
    torch.testing.assert_close(rate, h.square() * (1 + 2 * h / 3), rtol=3e-4, atol=0)
    assert (rate >= 0).all()


def test_a_belief_can_be_expanded():
    p = DiagonalGaussian(torch.randn(2, 3), torch.randn(2, 3))
    many = p.expand((5, 2))
    assert isinstance(many, DiagonalGaussian)
    assert many.batch_shape == (5, 2)
    assert many.log_prob(many.mean)[4].equal(p.log_prob(p.mean))


# ---- the contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(5,), (1,), (2, 5)])
@pytest.mark.parametrize("event", [(6,), (1, 4, 4), (3, 2, 5)])
def test_shapes_of_the_contract(event, batch, device):
    model, x = make(event, device=device), torch.rand(*batch, *event, device=device)
    z = model.encode(x)
    assert z.shape == (*batch, 3)
    assert model.decode(z).shape == x.shape
    assert model.posterior(x).mean.equal(z)
    assert model.posterior(x).rsample((7,)).shape == (7, *batch, 3)
    assert model.prior(z).sample().shape == z.shape
    for term in model.terms(x).values():
        assert (term.shape, term.device.type, term.dtype) == ((), device.type, torch.float64)


def test_in_float32(device):
    model = make(device=device, penalties={"isometry": relaxed_distortion}).float()
    terms = model.terms(torch.rand(5, 1, 4, 4, dtype=torch.float32, device=device))
    assert {term.dtype for term in terms.values()} == {torch.float32}


def test_the_encoder_gives_means_and_then_log_deviations():
    model = VAE(nn.Identity(), nn.Linear(2, 4))
    belief = model.posterior(torch.tensor([[1.0, 2.0, 0.0, math.log(3)]]))
    torch.testing.assert_close(belief.mean, torch.tensor([[1.0, 2.0]]))
    torch.testing.assert_close(belief.stddev, torch.tensor([[1.0, 3.0]]))


def test_terms_are_unweighted_means_in_nats():
    model, x, noise = make(sigma=0.5), torch.rand(5, 1, 4, 4), torch.randn(5, 3)
    belief, terms = model.posterior(x), model.terms(x, noise)
    z = belief.mean + belief.stddev * noise
    assert list(terms) == ["distortion", "rate"]
    torch.testing.assert_close(terms["distortion"], -model.log_likelihood(x, z).mean())
    torch.testing.assert_close(terms["rate"], kl_divergence(belief, model.prior(z)).mean())


def test_more_samples_of_each_code():
    model, x, noise = make(), torch.rand(5, 1, 4, 4), torch.randn(7, 5, 3)
    each = torch.stack([model.terms(x, one)["distortion"] for one in noise])
    torch.testing.assert_close(model.terms(x, noise)["distortion"], each.mean())


def test_terms_encode_once():
    model, calls = make(penalties={"isometry": relaxed_distortion}), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model.terms(torch.rand(5, 1, 4, 4))
    assert len(calls) == 1


def test_noise_is_drawn_from_torchs_generator():
    model, x = make(), torch.rand(5, 1, 4, 4)
    torch.manual_seed(3)
    drawn = model.terms(x)
    torch.manual_seed(3)
    given = model.terms(x, torch.randn(5, 3))
    assert drawn["distortion"].equal(given["distortion"])
    assert not drawn["distortion"].equal(model.terms(x)["distortion"])


def test_values_are_not_looked_at():
    """That would wait for the device at every step; `fit` says which term is nan, and at which step."""
    terms = make().terms(torch.full((5, 1, 4, 4), math.nan))
    assert all(term.isnan() for term in terms.values())


def test_the_elbo_is_below_the_evidence_and_meets_it_at_the_true_posterior():
    """For x = a z + s e: evidence N(0, a^2 + s^2), posterior N(a x / (a^2 + s^2), s^2 / (a^2 + s^2))."""
    a, s, x = 2.0, 0.5, torch.randn(9, 1)
    total = a**2 + s**2
    model = VAE(nn.Linear(1, 2), nn.Linear(1, 1, bias=False), sigma=s)
    with torch.no_grad():
        model.decoder.weight.fill_(a)
        model.encoder.weight.copy_(torch.tensor([[a / total], [0.0]]))
        model.encoder.bias.copy_(torch.tensor([0.0, math.log(s / total**0.5)]))
    evidence = Normal(0.0, total**0.5).log_prob(x).mean()
    # By quadrature over the noise, exact for a quadratic: +1 and -1 have the moments of a standard normal up to three.
    noise = torch.stack([torch.ones(9, 1), -torch.ones(9, 1)])
    terms = model.terms(x, noise)
    torch.testing.assert_close(-(terms["distortion"] + terms["rate"]), evidence)
    with torch.no_grad():
        model.encoder.bias.add_(0.1)
    terms = model.terms(x, noise)
    assert -(terms["distortion"] + terms["rate"]) < evidence


# ---- gradients -------------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_finite_differences():
    """Of all terms, with respect to every parameter and the data, at given noise: gradcheck's own tolerances."""
    model, noise = make((4,), 2, penalties={"isometry": relaxed_distortion}), torch.randn(3, 2)
    names = [name for name, _ in model.named_parameters()]

    def terms(x, *values):
        state = dict(zip(names, values, strict=True))
        both = {"code": noise, "isometry": torch.tensor([[0.1, 0.4], [0.9, 0.2], [0.5, 0.7]])}
        return tuple(torch.func.functional_call(Terms(model), {f"model.{k}": v for k, v in state.items()}, (x, both)))

    inputs = [torch.rand(3, 4), *(value.detach().clone() for value in model.parameters())]
    assert torch.autograd.gradcheck(terms, [value.requires_grad_() for value in inputs])


class Terms(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, noise):
        return list(self.model.terms(x, noise).values())


def test_a_sample_follows_its_mean_and_deviation():
    mean, log_std = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    noise = torch.randn(5, 3)
    DiagonalGaussian(mean, log_std).at(noise).sum().backward()
    assert mean.grad.equal(torch.ones(5, 3))
    torch.testing.assert_close(log_std.grad, noise * log_std.detach().exp())


def test_reparametrised_gradients_are_those_of_the_expectation():
    r"""For E z^4 the slopes are 4 mu^3 + 12 mu s^2 and, along log s, 12 s^2 (mu^2 + s^2); 4 standard errors of 1e6."""
    mean, log_std = torch.tensor([0.7], requires_grad=True), torch.tensor([-0.4], requires_grad=True)
    noise = torch.randn(1_000_000, 1)
    mu, s = 0.7, math.exp(-0.4)
    z = DiagonalGaussian(mean, log_std).at(noise)
    slopes = torch.autograd.grad(z.pow(4).mean(), [mean, log_std])
    each = 4 * z.detach() ** 3
    for slope, values, expected in (
        (slopes[0], each, 4 * mu**3 + 12 * mu * s**2),
        (slopes[1], each * noise * s, 12 * s**2 * (mu**2 + s**2)),
    ):
        assert abs(slope - expected) < 4 * values.std() / 1000


# ---- penalties -------------------------------------------------------------------------------------------------------


def test_a_penalty_is_given_the_decoder_and_the_sampled_codes():
    seen = {}

    def penalty(decode, z, noise=None):
        seen.update(z=z, noise=noise, x=decode(z))
        return z.square().sum()

    model, x, noise = make(penalties={"size": penalty}), torch.rand(5, 1, 4, 4), torch.randn(5, 3)
    terms = model.terms(x, noise)
    belief = model.posterior(x)
    torch.testing.assert_close(seen["z"], belief.mean + belief.stddev * noise)
    assert seen["noise"] is None
    assert seen["x"].equal(model.decode(seen["z"]))
    torch.testing.assert_close(terms["size"], seen["z"].square().sum())
    own = torch.rand(2)
    model.terms(x, {"code": noise, "size": own})
    assert seen["noise"] is own


def test_the_isometric_vae_is_one_penalty():
    model, x = make(penalties={"isometry": relaxed_distortion}), torch.rand(5, 1, 4, 4)
    noise = {"code": torch.randn(5, 3), "isometry": torch.rand(5, 2)}
    terms = model.terms(x, noise)
    z = model.posterior(x).at(noise["code"])
    torch.testing.assert_close(terms["isometry"], relaxed_distortion(model.decode, z, noise=noise["isometry"]))
    grads = torch.autograd.grad(
        terms["isometry"], [*model.encoder.parameters(), *model.decoder.parameters()], allow_unused=True
    )
    # The first encoder layers and the decoder's: means and deviations too, through the sample.
    assert all(grad.abs().sum() > 0 for grad in grads[:4])
    assert grads[-2].abs().sum() > 0


def test_a_penalty_may_keep_gradients_from_the_encoder():
    model = make(penalties={"isometry": functools.partial(relaxed_distortion, detach=True)})
    term = model.terms(torch.rand(5, 1, 4, 4))["isometry"]
    assert torch.autograd.grad(term, [*model.encoder.parameters()], allow_unused=True) == (None,) * 4


# ---- training, alone and as a family ---------------------------------------------------------------------------------

LAMBDAS = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)


def draw(data, size, generator):
    def random(draw, width):
        return draw(size, width, generator=generator, device=data.device)

    return data.batch(size, generator), {"code": random(torch.randn, 2), "isometry": random(torch.rand, 2)}


def terms(model, batch, step):
    return model.terms(*batch)


def train(model, data, lam, loss, steps=60):
    weights = {"distortion": 1.0, "rate": 1.0, "isometry": lam}
    optimizer = functools.partial(torch.optim.Adam, lr=3e-3)
    return fit(model, data, loss, weights=weights, steps=steps, batch_size=16, seed=4, optimizer=optimizer, draw=draw)


@pytest.mark.parametrize("batched", [True, False])
def test_a_family_equals_separate_runs_with_the_same_noise(batched, device):
    """Sixty steps, three weights of the isometry: history, weights and sigma, to 1e-5."""
    data = Dataset(torch.rand(100, 12, generator=torch.Generator().manual_seed(0)).to(device))
    alone = []
    for seed in range(3):
        torch.manual_seed(seed)
        alone.append(make((12,), 2, device, penalties={"isometry": relaxed_distortion}, sigma=0.1 * (seed + 1)))
    family = Family([copy.deepcopy(model) for model in alone], batched)
    parted = member_histories(train(family, data, LAMBDAS.to(device), family_loss(terms)))
    for k, (model, member) in enumerate(zip(alone, family.members(), strict=True)):
        own = train(model, data, LAMBDAS[k].item(), terms)
        for name, values in own.terms.items():
            torch.testing.assert_close(parted[k].terms[name], values, rtol=1e-5, atol=1e-5)
        for name, value in member.state_dict().items():
            torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-5, atol=1e-5)
        assert isinstance(member, VAE)
    assert alone[0].log_sigma != math.log(0.1)


def test_noise_that_is_not_given_cannot_be_drawn_in_a_family():
    family = Family([make((12,), 2, penalties={"isometry": relaxed_distortion}) for _ in range(2)])
    for noise in (None, torch.randn(8, 2)):
        with pytest.raises(RuntimeError, match="random"):
            family.call(lambda model, x, noise=noise: model.terms(x, noise), torch.rand(8, 12))


def test_training_finds_the_noise_of_the_data():
    """A line in the plane with noise of 0.1: what is left of each value is noise, but for what the code can follow."""
    t = torch.rand(2000, 1) * 4 - 2
    x = torch.cat([t, -t], 1) + 0.1 * torch.randn(2000, 2)
    model = VAE(nn.Linear(2, 2), nn.Linear(1, 2))
    weights = {"distortion": 1.0, "rate": 1.0}
    optimizer = functools.partial(torch.optim.Adam, lr=2e-2)
    fit(
        model,
        Dataset(x),
        lambda model, x, step: model.terms(x),
        weights=weights,
        steps=1500,
        batch_size=100,
        seed=0,
        optimizer=optimizer,
    )
    # The linear case is probabilistic PCA, whose noise is what the first component leaves: the smallest eigenvalue of
    # the covariance. Adam at this rate stays within a few percent of it.
    left = torch.linalg.eigvalsh(x.T.cov())[0].sqrt()
    assert abs(model.sigma / left - 1) < 0.05


# ---- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("width", "decoder", "message"),
    [
        (5, (2, 4), r"`encoder` returned \(3, 5\) for data of shape \(3, 4\): .* so make it 2 m"),
        (4, (2, 1), r"`decoder` returned \(3, 1\) for codes of shape \(3, 2\), but `x` has shape"),
        (4, None, r"`decoder` returned \(6,\) for codes of shape \(3, 2\)"),
    ],
)
def test_networks_that_do_not_fit(width, decoder, message):
    decoder = nn.Linear(*decoder) if decoder else nn.Flatten(0)
    with pytest.raises(ValueError, match=message):
        VAE(nn.Linear(4, width), decoder).terms(torch.rand(3, 4))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("shape", [(3,), (1, 3), (5, 2), (4, 3)])
def test_noise_is_not_broadcast(shape):
    with pytest.raises(ValueError, match=r"`noise` has shape .* for codes of shape \(5, 3\): give each code its own"):
        make().terms(torch.rand(5, 1, 4, 4), torch.randn(shape))


def test_noise_for_nothing():
    with pytest.raises(ValueError, match=r"`noise` names 'isometry', but the model knows \['code'\]"):
        make().terms(torch.rand(5, 1, 4, 4), {"isometry": torch.rand(5, 2)})


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
def test_sigma_is_positive(sigma):
    with pytest.raises(ValueError, match=r"`sigma` is .*, but must be a finite number above 0"):
        make(sigma=sigma)


@pytest.mark.parametrize("name", ["distortion", "rate", "code"])
def test_a_penalty_has_a_name_of_its_own(name):
    with pytest.raises(ValueError, match=f"`penalties` has '{name}', which the model uses"):
        make(penalties={name: relaxed_distortion})
