"""Training descends on the weighted sum, repeats itself under a seed, and stops where a term is not finite."""

import functools

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from latentbook.learning.data import Dataset
from latentbook.learning.progress import Progress
from latentbook.learning.train import fit


@pytest.fixture
def data(device):
    return Dataset(torch.rand(64, 3, generator=torch.Generator().manual_seed(0)).to(device))


def linear(device, seed=0):
    torch.manual_seed(seed)
    return nn.Linear(3, 3).to(device)


def error(model, x, step):
    return {"error": mse_loss(model(x), x)}


SHORT = {"weights": {"error": 1.0}, "steps": 120, "batch_size": 16, "seed": 0}


def test_it_learns_the_identity(device, data):
    model = linear(device)
    sgd = functools.partial(torch.optim.Adam, lr=0.05)
    history = fit(model, data, error, **{**SHORT, "steps": 800}, optimizer=sgd)
    assert history.terms["error"].shape == (800,)
    assert history.terms["error"].device.type == "cpu"
    torch.testing.assert_close(model.weight.detach(), torch.eye(3, device=device), atol=0.02, rtol=0)


def test_one_step_is_the_gradient_step_written_out(device, data):
    """Weights, batch and step by hand; the weight of the second term is a function of the step."""
    model, twin = linear(device), linear(device)

    def loss(f, x, step):
        return {"error": mse_loss(f(x), x), "size": f.weight.square().sum()}

    sgd = functools.partial(torch.optim.SGD, lr=0.1)
    weights = {"error": 2.0, "size": lambda step: 0.5 + step}
    history = fit(model, data, loss, weights=weights, steps=1, batch_size=16, seed=3, optimizer=sgd)
    batch = data.batch(16, torch.Generator(device).manual_seed(3))
    terms = loss(twin, batch, 0)
    (2.0 * terms["error"] + 0.5 * terms["size"]).backward()
    torch.testing.assert_close(model.weight.detach(), twin.weight.detach() - 0.1 * twin.weight.grad)
    torch.testing.assert_close(history.terms["size"][0], terms["size"].detach().cpu())


def test_a_seed_repeats_weights_and_history(device, data):
    runs = []
    for _ in range(2):
        model = linear(device)
        runs.append((fit(model, data, error, **SHORT).terms["error"], model.weight.detach().clone()))
    assert runs[0][0].equal(runs[1][0])
    assert runs[0][1].equal(runs[1][1])


def test_another_seed_draws_other_batches(device, data):
    histories = [fit(linear(device), data, error, **{**SHORT, "seed": seed}).terms["error"] for seed in (0, 1)]
    assert not histories[0].equal(histories[1])


def test_the_global_generator_is_left_alone(device, data):
    model = linear(device)
    before = torch.random.get_rng_state()
    fit(model, data, error, **SHORT)
    assert torch.random.get_rng_state().equal(before)


def test_the_model_trains_in_train_mode_and_is_left_in_eval_mode(device, data):
    modes, model = [], nn.Sequential(linear(device), nn.Dropout(0.1))

    def loss(f, x, step):
        modes.append(f.training)
        return error(f, x, step)

    fit(model, data, loss, **SHORT)
    assert all(modes)
    assert not model.training


@pytest.mark.parametrize("at", [0, 49, 50, 73, 119])
def test_a_nan_names_its_term_and_its_true_step(device, data, at):
    def loss(f, x, step):
        return {**error(f, x, step), "extra": f.weight.sum() * (float("nan") if step == at else 1.0)}

    with pytest.raises(FloatingPointError, match=rf"'extra' is nan at step {at}:"):
        fit(linear(device), data, loss, **{**SHORT, "weights": {"error": 1.0, "extra": 0.0}})


@pytest.mark.parametrize("weights", [{}, {"error": 1.0, "extra": 1.0}, {"eror": 1.0}])
def test_weights_and_terms_must_match(device, data, weights):
    with pytest.raises(ValueError, match=r"`weights` names .*\['error'\]: give each term one weight"):
        fit(linear(device), data, error, **{**SHORT, "weights": weights})


@pytest.mark.parametrize("name", ["steps", "batch_size"])
def test_numbers_must_be_positive(device, data, name):
    with pytest.raises(ValueError, match=rf"`{name}` is 0, but must be at least 1"):
        fit(linear(device), data, error, **{**SHORT, name: 0})


def test_several_runs_share_a_line(device, data):
    with Progress(240) as line:
        for _ in range(2):
            fit(linear(device), data, error, **SHORT, progress=line)
    assert line.done == 240


def test_a_batch_is_no_larger_than_the_data(device, data):
    with pytest.raises(ValueError, match="`batch_size` is 65, but the data have 64 examples: pass at most 64"):
        fit(linear(device), data, error, **{**SHORT, "batch_size": 65})


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("wrong", [None, 1.0, {}, {"error": 1.0}])
def test_a_loss_returns_named_tensors(device, data, wrong):
    with pytest.raises(TypeError, match=r"`loss` returned .*: return a dict of named tensors"):
        fit(linear(device), data, lambda f, x, step: wrong, **SHORT)


def test_a_term_is_a_scalar(device, data):
    def wrong(f, x, step):
        return {"error": (f(x) - x).square()}

    with pytest.raises(ValueError, match=r"terms of the shapes \{'error': \(16, 3\)\}: each is a scalar"):
        fit(linear(device), data, wrong, **SHORT)


def test_a_batch_may_carry_noise_from_the_run_s_generator(device, data):
    def draw(data, size, generator):
        return data.batch(size, generator), torch.randn(size, 3, generator=generator, device=data.device)

    def noisy(f, batch, step):
        x, noise = batch
        return {"error": mse_loss(f(x + 0.1 * noise), x)}

    histories = [fit(linear(device), data, noisy, **SHORT, draw=draw).terms["error"] for _ in range(2)]
    assert histories[0].equal(histories[1])


def test_what_a_model_draws_by_itself_is_seeded_with_the_run(device, data):
    def dropping(f, x, step):
        return {"error": mse_loss(nn.functional.dropout(f(x), 0.5), x)}

    histories = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(histories))
        model = linear(device)
        torch.manual_seed(99 + len(histories))
        histories.append(fit(model, data, dropping, **{**SHORT, "seed": seed}).terms["error"])
    assert histories[0].equal(histories[1])
    assert not histories[0].equal(histories[2])


def test_a_schedule_scales_the_optimiser_s_rate():
    """Plain descent with a rate that falls to nothing: by hand, and by `fit`."""
    data, rate, steps = Dataset(torch.ones(4, 1)), 0.1, 5
    model = nn.Linear(1, 1, bias=False)
    weight = model.weight.item()
    fit(
        model,
        data,
        lambda f, x, step: {"error": mse_loss(f(x), torch.zeros_like(x))},
        weights={"error": 1.0},
        steps=steps,
        batch_size=4,
        seed=0,
        optimizer=functools.partial(torch.optim.SGD, lr=rate),
        schedule=lambda step: 1 - step / steps,
    )
    for step in range(steps):
        weight -= rate * (1 - step / steps) * 2 * weight
    assert model.weight.item() == pytest.approx(weight, rel=1e-12)


@pytest.mark.parametrize(("width", "used"), [(3, 1), (600, 2)])
def test_a_small_model_trains_with_one_thread(width, used):
    """Three layers of 600 x 600 have more than a million parameters."""
    layers = [nn.Linear(3, width), *[nn.Linear(width, width) for _ in range(3)], nn.Linear(width, 3)]
    model, seen = nn.Sequential(*layers), []

    def loss(model, x, step):
        seen.append(torch.get_num_threads())
        return {"error": mse_loss(model(x), x)}

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        fit(model, Dataset(torch.rand(8, 3)), loss, weights={"error": 1.0}, steps=2, batch_size=4, seed=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [used, used]
