"""Words that every room shares: derivatives, errors, devices, seeds, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import resource
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

__all__ = [
    "ChecksumError",
    "all_finite",
    "at_rest",
    "is_disk_s_fault",
    "jvp",
    "one_thread",
    "peak_memory",
    "resolve_device",
    "seeded",
    "write_atomically",
]


# No room left, or no leave to write: whatever is tried next would meet the same.
DISK_S_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class ChecksumError(ValueError):
    """A file is there, but its bytes are not the ones that were published."""


def jvp(
    f: Callable[[Tensor], Tensor], point: Tensor, direction: Tensor, *, strict: bool = False
) -> tuple[Tensor, Tensor]:
    r"""Return :math:`f(x)` and the derivative :math:`J(x)\,v` of `f` at a point along a direction, in one forward pass.

    It can be differentiated again, in either mode.

    Args:
        f: A function of one tensor.
        point: Where, :math:`x`.
        direction: Along what, :math:`v`, of the same shape.
        strict: Whether to refuse a value that torch cannot follow back to the point, as after a `detach`; else its
            derivative is zero.

    Returns:
        The value and the derivative, both of the shape of the value.

    Raises:
        RuntimeError: If an operation of `f` has no forward derivative, or `strict` refuses.

    Example:
        >>> jvp(lambda x: x**2, torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0]))
        (tensor([ 9., 25.]), tensor([6., 0.]))

    All chapters.
    """
    _load_forward_mode_rules()
    with _plain_attention(), _ByFormula():
        value, derivative = torch.func.jvp(f, (point,), (direction,), strict=strict)[:2]
    return value, derivative


@contextlib.contextmanager
def _plain_attention() -> Iterator[None]:
    """Use the one implementation of attention that has a forward derivative."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


class _ByFormula(TorchFunctionMode):
    """Compute some operations by their formulas.

    Of layer and instance norms, torch's forward derivative takes mean and deviation for constants when it is itself
    differentiated, and is silently wrong then; that of some activations cannot be differentiated in forward mode.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return _FORMULAS.get(func, func)(*args, **(kwargs or {}))


def _standardised(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    centred = x - x.mean(dims, keepdim=True)
    return centred * (centred.square().mean(dims, keepdim=True) + eps).rsqrt()


def _layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    x = _standardised(input, tuple(range(-len(normalized_shape), 0)), eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    if running_mean is not None or running_var is not None:
        return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    x = _standardised(input, tuple(range(2, input.ndim)), eps)
    channels = (-1, *[1] * (input.ndim - 2))
    x = x if weight is None else x * weight.reshape(channels)
    return x if bias is None else x + bias.reshape(channels)


def _gated(input, dim=-1):
    value, gate = input.chunk(2, dim)
    return value * gate.sigmoid()


# The names of torch's arguments, by which they may be given.
_FORMULAS = {
    F.layer_norm: _layer_norm,
    torch.layer_norm: _layer_norm,
    F.instance_norm: _instance_norm,
    F.silu: lambda input, inplace=False: input * input.sigmoid(),
    F.mish: lambda input, inplace=False: input * F.softplus(input).tanh(),
    F.glu: _gated,
}


@functools.cache
def _load_forward_mode_rules() -> None:
    # torch compiles these rules on first use, through a function that it has itself deprecated.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.script.*")
        torch.func.jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))


@contextlib.contextmanager
def at_rest(module: nn.Module) -> Iterator[None]:
    """Run a block with a module and all its parts in eval mode, and give each its own mode back afterwards.

    Args:
        module: Changed for the block alone.

    Returns:
        A context that holds nothing.

    Example:
        >>> layer = nn.Dropout().train()
        >>> with at_rest(layer):
        ...     layer(torch.ones(3))
        tensor([1., 1., 1.])
        >>> layer.training
        True

    All chapters.
    """
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


def all_finite(value: Tensor) -> bool:
    """Tell whether all entries of a tensor are finite, as far as they can be looked at.

    Args:
        value: Floating point. On a GPU the host waits for it: no check for a training step.

    Returns:
        False where one is infinite or nan; True inside `torch.func.vmap`, where values cannot be looked at.

    Example:
        >>> all_finite(torch.tensor([1.0, float("nan")]))
        False

    All chapters.
    """
    try:
        return bool(value.detach().isfinite().all())
    except RuntimeError:
        return True


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run a block with one thread of torch: for small batches more are slower, and on a busy machine many times so.

    Returns:
        A context that holds nothing. Afterwards there are as many threads as before.

    Example:
        >>> with one_thread():
        ...     torch.get_num_threads()
        1

    All chapters.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        # What later threads of Python start with is what was last set anywhere.
        torch.set_num_threads(before)


def resolve_device(device: str = "auto") -> torch.device:
    """Return the device that a run should use.

    Args:
        device: ``"auto"`` (CUDA where there is any, else the CPU), ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.

    Returns:
        The device, with its index.

    Raises:
        ValueError: If the name is unknown, or names a device that this machine does not have.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')

    All chapters.
    """
    choices = ["auto", "cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if device == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    name = "cuda:0" if device == "cuda" else device
    if name not in choices:
        raise ValueError(f"`device` is {device!r}, but this machine has {choices}: pass one of these")
    return torch.device(name)


def peak_memory(device: torch.device) -> int:
    """Return the most memory that this process has held: of the GPU, or of the host.

    Args:
        device: Where it computes.

    Returns:
        Bytes: on a GPU those that torch allocated there, else the process's resident set.

    Example:
        >>> peak_memory(torch.device("cpu")) > 10_000_000
        True

    All chapters.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # Linux counts kilobytes, macOS bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def seeded(seed: int):
    """Run a block under a fixed global seed, on every device, and give the caller's generators back afterwards.

    Args:
        seed: Any integer that `torch.manual_seed` takes.

    Example:
        >>> with seeded(0):
        ...     first = torch.rand(3)
        >>> with seeded(0):
        ...     assert torch.rand(3).equal(first)

    All chapters.
    """
    # Naming the devices keeps torch from warning where there are several.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader, or a crash at any moment, finds the old content or the new, never a part.

    Args:
        path: Where the content belongs; its folder is made if need be.
        content: The whole of the file, or its pieces in order, which may come from a slow source.

    Raises:
        OSError: If the disk refuses (full, read-only). Nothing is left beside ``path`` then, nor where the source of
            the pieces raises an error of its own.

    Example:
        >>> target = Path(tempfile.mkdtemp()) / "run" / "result.bin"
        >>> write_atomically(target, b"42")
        >>> target.read_bytes(), [p.name for p in target.parent.iterdir()]
        (b'42', ['result.bin'])

    All chapters.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a published one is as readable as any other.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def is_disk_s_fault(error: BaseException) -> bool:
    """Whether an error says that the disk is full, or may not be written, and not that something is wrong with a run.

    Args:
        error: What was raised.

    Returns:
        Whether what is tried next would meet the same.

    Example:
        >>> is_disk_s_fault(OSError(errno.ENOSPC, "no space")), is_disk_s_fault(ValueError())
        (True, False)

    All chapters.
    """
    return isinstance(error, OSError) and error.errno in DISK_S_FAULTS
