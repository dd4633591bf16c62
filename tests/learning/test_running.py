"""A run that is killed, at any moment, ends as if it had not been."""

import functools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss
from torch.nn.utils.parametrizations import spectral_norm

from latentbook.core import ChecksumError
from latentbook.learning.callbacks import BestModel, EarlyStopping, Validation
from latentbook.learning.checkpoint import load
from latentbook.learning.data import Dataset
from latentbook.learning.running import Callback, Update
from latentbook.learning.train import fit

ROOT = Path(__file__).parents[2]


def make(device="cpu"):
    """A model with everything that has a state: buffers that iterate, statistics that run, noise of its own."""
    torch.manual_seed(0)
    layers = [spectral_norm(nn.Linear(6, 16)), nn.BatchNorm1d(16), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(16, 6)]
    return nn.Sequential(*layers).to(device)


def make_data(device="cpu"):
    return Dataset(torch.rand(200, 6, generator=torch.Generator().manual_seed(1)).to(device))


def error(model, x, step):
    return {"error": mse_loss(model(x), x), "size": model[4].weight.square().mean()}


def run(model, data, steps=300, **options):
    settings = {"weights": {"error": 1.0, "size": lambda step: 1e-3 * step}, "batch_size": 32, "seed": 5}
    optimizer = functools.partial(torch.optim.Adam, lr=1e-2)
    return fit(model, data, error, **{**settings, "steps": steps, "optimizer": optimizer, **options})


class Interrupt(Callback):
    """Stands in for a kill: raises at a step."""

    def __init__(self, at):
        self.at, self.every = at, 1

    def __call__(self, moment):
        if moment.step == self.at:
            raise KeyboardInterrupt


class Bystander(Callback):
    """Takes the interrupt's place in the run that goes on."""

    every = 1

    def __call__(self, moment):
        return False


def validation(data, every=30):
    return Validation(lambda model: mse_loss(model(data[:]), data[:]), every)


def test_an_interrupted_run_ends_like_an_uninterrupted_one(device, tmp_path):
    data, whole, parts = make_data(device), make(device), make(device)
    seen, seen_in_parts = validation(data), validation(data)
    expected = run(whole, data, callbacks=[seen, BestModel(seen), Bystander()])
    file = tmp_path / "run"
    for at in (7, 61, 200):
        callbacks = [seen_in_parts, BestModel(seen_in_parts), Interrupt(at)]
        with pytest.raises(KeyboardInterrupt):
            run(make(device), data, checkpoint=file, every=0.0, callbacks=callbacks)
        # What a new process knows: nothing but the file.
        seen_in_parts = validation(data)
    history = run(parts, data, checkpoint=file, callbacks=[seen_in_parts, BestModel(seen_in_parts), Bystander()])
    for name, terms in expected.terms.items():
        assert history.terms[name].equal(terms), name
    for name, value in whole.state_dict().items():
        assert parts.state_dict()[name].equal(value), name
    assert seen_in_parts.values == seen.values


def test_sgd_with_momentum_and_a_model_without_state_resume_too(tmp_path):
    data = make_data()
    optimizer = functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9)
    whole, parts = make(), make()
    run(whole, data, optimizer=optimizer)
    with pytest.raises(KeyboardInterrupt):
        run(make(), data, optimizer=optimizer, checkpoint=tmp_path / "run", every=0.0, callbacks=[Interrupt(123)])
    run(parts, data, optimizer=optimizer, checkpoint=tmp_path / "run", callbacks=[Bystander()])
    assert all(parts.state_dict()[name].equal(value) for name, value in whole.state_dict().items())


KILLED = """
import hashlib, sys, torch
from pathlib import Path
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
from tests.learning.test_running import make, make_data, run
# The first steps of a process load code for seconds; kills belong into the training.
run(make(), make_data(), steps=2)
model = make()
print("started", flush=True)
history = run(model, make_data(), steps=8000, checkpoint=Path(sys.argv[1]), every=0.02)
digest = hashlib.sha256()
for value in [*model.state_dict().values(), *history.terms.values()]:
    digest.update(value.contiguous().numpy().tobytes())
print("ended", digest.hexdigest(), len(history.terms["error"]), flush=True)
"""


@pytest.mark.kernel
def test_sigkill_at_twenty_random_moments(tmp_path):
    """Real kills of a real process, at moments spread over its life; then it ends like one that was never killed."""
    expected = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "whole")], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    moments, kills, steps = random.Random(0), 0, []
    file = tmp_path / "parts"
    while kills < 20:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout.readline() == "started\n"
            time.sleep(moments.uniform(0.0, 0.25))
            process.send_signal(signal.SIGKILL)
            assert "ended" not in process.stdout.read(), "the run is too short for twenty kills"
        kills += 1
        steps.append(load(file)[1]["step"] if file.exists() else 0)
        # Only the checkpoint, or what was being written beside it, is ever there.
        for leftover in tmp_path.glob(".parts.*"):
            leftover.unlink()
    assert steps == sorted(steps)
    assert 0 < steps[-1] < 8000
    said = subprocess.run(
        [sys.executable, "-c", KILLED, str(file)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    assert said == expected


def test_a_finished_run_is_not_trained_again(tmp_path):
    data, calls = make_data(), []
    first = run(make(), data, checkpoint=tmp_path / "run")
    model = make()
    model.register_forward_hook(lambda *_: calls.append(1))
    again = run(model, data, checkpoint=tmp_path / "run")
    assert not calls
    assert again.terms["error"].equal(first.terms["error"])
    assert again.seconds == pytest.approx(first.seconds, abs=1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 400}, "its steps is 300, not 400"),
        ({"batch_size": 16}, "its batch_size is 32, not 16"),
        ({"seed": 6}, "its seed is 5, not 6"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    run(make(), make_data(), checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match=rf"{message}: delete it or pass another file"):
        run(make(), make_data(), **change, checkpoint=tmp_path / "run")


@pytest.mark.parametrize(
    ("there", "asked", "message"),
    [
        ({"lam": 1.0}, {"lam": 2.0}, "its lam is 1.0, not 2.0"),
        # A grid, which JSON gives back as a list, and a name that the run uses too.
        ({"lam": [1.0, 2.0]}, {"lam": [1.0, 3.0]}, r"its lam is \[1.0, 2.0\], not \[1.0, 3.0\]"),
        ({"model": "a"}, {"model": "b"}, "its model is a, not b"),
        ({}, {"lam": 2.0}, "its lam is None, not 2.0"),
    ],
)
def test_a_checkpoint_of_another_question_is_refused(tmp_path, there, asked, message):
    run(make(), make_data(), checkpoint=tmp_path / "run", spec=there)
    run(make(), make_data(), checkpoint=tmp_path / "run", spec=there)
    with pytest.raises(ValueError, match=rf"{message}: delete it or pass another file"):
        run(make(), make_data(), checkpoint=tmp_path / "run", spec=asked)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    run(make(), make_data(), checkpoint=tmp_path / "run")
    other = nn.Sequential(*[nn.Linear(6, 6) for _ in range(5)])
    with pytest.raises(ValueError, match="its model has other shapes"):
        run(other, make_data(), checkpoint=tmp_path / "run")


def test_an_altered_checkpoint_is_refused(tmp_path):
    run(make(), make_data(), checkpoint=tmp_path / "run")
    content = bytearray((tmp_path / "run").read_bytes())
    content[-5] ^= 1
    (tmp_path / "run").write_bytes(content)
    with pytest.raises(ChecksumError, match="is altered"):
        run(make(), make_data(), checkpoint=tmp_path / "run")


def test_a_nan_keeps_the_last_good_checkpoint(tmp_path):
    def breaks(model, x, step):
        return {"error": mse_loss(model(x), x) * (float("nan") if step >= 130 else 1.0)}

    options = {"weights": {"error": 1.0}, "steps": 300, "batch_size": 32, "seed": 0, "every": 0.0}
    with pytest.raises(FloatingPointError, match="'error' is nan at step 130"):
        fit(make(), make_data(), breaks, **options, checkpoint=tmp_path / "run")
    tensors, facts = load(tmp_path / "run")
    assert facts["step"] == 130
    assert all(value.isfinite().all() for name, value in tensors.items() if name.startswith("model"))


def test_several_optimisers_have_their_states_kept(tmp_path):
    class TwoStep(Update):
        """The first layer by Adam, then the last by SGD with momentum."""

        def __init__(self, model):
            self.optimizers = [
                torch.optim.Adam(model[0].parameters(), lr=1e-2),
                torch.optim.SGD(model[4].parameters(), lr=1e-2, momentum=0.9),
            ]

        def __call__(self, model, batch, step):
            for optimizer in self.optimizers:
                optimizer.zero_grad()
                terms = error(model, batch, step)
                terms["error"].backward()
                optimizer.step()
            return terms

    data, whole, parts = make_data(), make(), make()
    run(whole, data, update=TwoStep)
    with pytest.raises(KeyboardInterrupt):
        run(make(), data, update=TwoStep, checkpoint=tmp_path / "run", every=0.0, callbacks=[Interrupt(77)])
    run(parts, data, update=TwoStep, checkpoint=tmp_path / "run", callbacks=[Bystander()])
    assert all(parts.state_dict()[name].equal(value) for name, value in whole.state_dict().items())


def test_an_early_stop_is_remembered(tmp_path):
    data = make_data()
    constant = Validation(lambda model: 1.0, 10)
    history = run(make(), data, checkpoint=tmp_path / "run", callbacks=[constant, EarlyStopping(constant, 3)])
    assert len(history.terms["error"]) == 40
    fresh = Validation(lambda model: 1.0, 10)
    again = run(make(), data, checkpoint=tmp_path / "run", callbacks=[fresh, EarlyStopping(fresh, 3)])
    assert len(again.terms["error"]) == 40
    assert fresh.values == constant.values
