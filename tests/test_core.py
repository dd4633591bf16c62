"""Files that appear whole or not at all; devices and seeds."""

import os
import signal
import subprocess
import sys

import pytest
import torch
from torch import nn

from latentbook.core import all_finite, at_rest, jvp, resolve_device, seeded, write_atomically

KILLED = """
import os, signal, sys
from pathlib import Path
from latentbook import core
{sabotage}
core.write_atomically(Path(sys.argv[1]), b"new" * 100_000)
"""
IN_THE_MIDDLE = {
    "while writing": "core.os.fdopen = lambda *a: (os.write(a[0], b'ne'), os.kill(os.getpid(), signal.SIGKILL))",
    "before it is on disk": "core.os.fsync = lambda *a: os.kill(os.getpid(), signal.SIGKILL)",
    "before it is in place": "core.os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)",
}


def test_write_replaces_the_whole(tmp_path):
    file = tmp_path / "a" / "b.bin"
    write_atomically(file, b"old and long")
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new"
    assert os.listdir(file.parent) == ["b.bin"]


def test_written_files_are_as_readable_as_any_other(tmp_path):
    (tmp_path / "other").touch()
    write_atomically(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call):
    def full(*_):
        raise OSError(28, "No space left on device")

    file = tmp_path / "file"
    write_atomically(file, b"old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("moment", IN_THE_MIDDLE)
def test_sigkill_leaves_the_old_file(tmp_path, moment):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    code = KILLED.format(sabotage=IN_THE_MIDDLE[moment])
    done = subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"old"


def test_pieces_become_one_file(tmp_path):
    write_atomically(tmp_path / "file", iter([b"a", b"", b"bc"]))
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_pieces_that_break_off_leave_the_old_file_and_no_other(tmp_path):
    def pieces():
        yield b"new"
        raise ConnectionResetError("broken off")

    write_atomically(tmp_path / "file", b"old")
    with pytest.raises(ConnectionResetError, match="broken off"):
        write_atomically(tmp_path / "file", pieces())
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_seeded_block_repeats_itself_and_disturbs_nobody():
    torch.manual_seed(1)
    undisturbed = torch.rand(3)
    torch.manual_seed(1)
    with seeded(0):
        first = torch.rand(3)
    assert torch.rand(3).equal(undisturbed)
    with seeded(0):
        assert torch.rand(3).equal(first)


def test_devices():
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "mps"])
def test_a_device_that_is_not_there(name):
    with pytest.raises(ValueError, match=rf"`device` is '{name}', but this machine has \['auto', 'cpu'"):
        resolve_device(name)


def test_forward_mode_is_the_derivative_and_says_nothing(device):
    """Warnings are errors here, and torch has one at the first use of forward mode."""
    x, v = torch.randn(2, 5, device=device)
    value, derivative = jvp(lambda x: x.sin() * x.sum(), x, v)
    torch.testing.assert_close(value, x.sin() * x.sum())
    torch.testing.assert_close(derivative, x.cos() * v * x.sum() + x.sin() * v.sum())


def test_a_detached_value_has_no_derivative_or_is_refused():
    x = torch.ones(3)
    assert jvp(torch.detach, x, x)[1].equal(torch.zeros(3))
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        jvp(torch.detach, x, x, strict=True)


@pytest.mark.parametrize("fused", [True, False])
def test_attention_has_a_derivative_where_its_fused_form_has_none(fused):
    """Central differences with steps of 1e-5: an error of 1e-10 and as much rounding."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    x, dx = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    torch.backends.mha.set_fastpath_enabled(fused)
    with torch.no_grad():
        derivative = jvp(layer, x, dx)[1]
        difference = (layer(x + 1e-5 * dx) - layer(x - 1e-5 * dx)) / 2e-5
    assert torch.backends.mha.get_fastpath_enabled() == fused
    torch.backends.mha.set_fastpath_enabled(True)
    torch.testing.assert_close(derivative, difference, rtol=1e-7, atol=1e-8)


# Each takes (N, 2, 6).
LAYERS = {
    "layer norm": nn.LayerNorm(6),
    "layer norm of two dimensions": nn.LayerNorm((2, 6)),
    "layer norm without weights": nn.LayerNorm(6, elementwise_affine=False),
    "torch.layer_norm": lambda x: torch.layer_norm(x, (6,), eps=1e-3),
    "instance norm": nn.InstanceNorm1d(2),
    "instance norm with weights": nn.InstanceNorm1d(2, affine=True),
    "instance norm with statistics": nn.InstanceNorm1d(2, track_running_stats=True).eval(),
    "group norm": nn.Sequential(nn.Flatten(), nn.GroupNorm(2, 12)),
    "root mean square norm": nn.RMSNorm(6),
    "softmax": nn.Softmax(-1),
    "SiLU": nn.SiLU(),
    "SiLU in place": nn.Sequential(nn.Tanh(), nn.SiLU(inplace=True)),
    "Mish": nn.Mish(),
    "GELU": nn.GELU(),
    "GLU": nn.GLU(),
    "GLU of channels": nn.GLU(dim=1),
    "attention": nn.TransformerEncoderLayer(6, 2, 8, activation="gelu", batch_first=True).eval(),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_derivative_can_be_differentiated_again(name):
    """Against central differences of the derivative: steps of 1e-5 leave 1e-10 of truncation and of rounding."""
    f, (x, u, v) = LAYERS[name], torch.randn(3, 4, 2, 6)
    if isinstance(f, nn.Module):
        f = f.double().requires_grad_(False)
        for parameter in f.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))

    def along(x):
        return jvp(f, x, v)[1]

    expected = (along(x + 1e-5 * u) - along(x - 1e-5 * u)) / 2e-5
    close = {"rtol": 1e-6, "atol": 1e-7}
    torch.testing.assert_close(jvp(along, x, u)[1], expected, **close)
    with torch.no_grad():
        # Where no graph is kept, torch takes other formulas for some layers.
        torch.testing.assert_close(jvp(along, x, u)[1], expected, **close)
    torch.testing.assert_close(torch.func.vmap(lambda u: jvp(along, x, u)[1])(u[None])[0], expected, **close)
    w = torch.randn_like(expected)
    (pulled,) = torch.func.vjp(along, x)[1](w)
    torch.testing.assert_close((pulled * u).sum(), (expected * w).sum(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(jvp(f, x, u)[0], f(x.clone()), rtol=1e-12, atol=1e-12)


def test_finite_as_far_as_it_can_be_seen():
    assert all_finite(torch.ones(3))
    assert not all_finite(torch.tensor([1.0, -torch.inf]))
    seen = []
    torch.vmap(lambda x: seen.append(all_finite(x)) or x)(torch.full((2, 3), torch.nan))
    assert seen == [True]


def test_modes_are_given_back_after_an_error():
    model = nn.Sequential(nn.Dropout(), nn.Dropout()).train()
    model[0].eval()

    def fails():
        with at_rest(model):
            assert not any(part.training for part in model.modules())
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert [part.training for part in model.modules()] == [True, False, True]
