"""Chapter 1's experiment: one autoencoder for each weight of the volume penalty, and what pruning does to it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from latentbook.core import resolve_device, seeded
from latentbook.learning.data import Dataset, load
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.nets import mlp_decoder, mlp_encoder
from latentbook.learning.parameters import check_choice, check_integer, check_number
from latentbook.learning.progress import Progress
from latentbook.learning.train import History, fit
from latentbook.volume import latent_set_dimension, latent_std, pruning_curve, reconstruction_error, volume_penalty

__all__ = [
    "LAMBDAS",
    "SCALES",
    "Run",
    "Scale",
    "Settings",
    "build",
    "family",
    "load_data",
    "pca_curve",
    "settings",
    "train",
]


@dataclass(frozen=True)
class Scale:
    """How long and how gently to train.

    Attributes:
        steps: Updates of each model.
        batch_size: Examples in a batch.
        learning_rate: Of Adam.
        betas: Of Adam.
    """

    steps: int
    batch_size: int
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)


SCALES = {
    "smoke": Scale(steps=500, batch_size=256, learning_rate=3e-3),
    "book": Scale(steps=4000, batch_size=256, learning_rate=1e-3),
    # The original's optimiser and 400 epochs of 60,000 images; its network is convolutional, and has 128 latents.
    "paper": Scale(steps=240_000, batch_size=100, learning_rate=1e-4, betas=(0.9, 0.99)),
}

# From "every dimension is kept" to "nothing is kept". The penalty stands against a mean over the values of an event, so
# that larger images collapse at smaller weights.
LAMBDAS = (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
LAMBDAS_28 = (0.0003, 0.001, 0.003, 0.006, 0.01, 0.03, 0.1, 0.2)
# The weight that is looked at closely: a third of the dimensions or so survive.
CHOSEN, CHOSEN_28 = 0.03, 0.003

# Grey images; the network is a perceptron on their pixels.
DATASETS = ("digits", "mnist", "fashion", "emnist")
HIDDEN = {8: (128, 128), 28: (256, 128)}


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run of the chapter, checked. Made by `settings`.

    Attributes:
        scale: Name of the scale.
        dataset: Name of the data set.
        seed: Of initial weights and batches.
        device: Where it runs.
        lam: The weight that the chapter looks at closely.
        eta: Lift of the volume penalty.
        latent_dim: Size of a code.
    """

    scale: str
    dataset: str
    seed: int
    device: torch.device
    lam: float
    eta: float
    latent_dim: int

    @property
    def lambdas(self) -> tuple[float, ...]:
        """The weights that the chapter trains, sorted; `lam` is one of them."""
        grid = LAMBDAS if _is_small(self.dataset) else LAMBDAS_28
        return tuple(sorted({*grid, self.lam}))


def settings(
    *,
    scale: object = "book",
    dataset: object = "digits",
    seed: object = 0,
    device: object = "auto",
    lam: object = None,
    eta: object = 1.0,
    latent_dim: object = 32,
) -> Settings:
    """Check the chapter's parameters, before anything is loaded or trained.

    Args:
        scale: ``"smoke"``, ``"book"`` or ``"paper"``.
        dataset: ``"digits"``, ``"mnist"``, ``"fashion"`` or ``"emnist"``.
        seed: An integer, at least 0.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:<index>"``.
        lam: Weight of the volume penalty against a mean squared error over all values, at least 0; None for 0.03, or
            0.003 for images of 28 x 28.
        eta: Lift of the widths, in latent units, at least 0.
        latent_dim: Size of a code, at least 2.

    Returns:
        The checked parameters, with the device found.

    Raises:
        TypeError: If a value has the wrong type; says how to pass it through papermill.
        ValueError: If a value is out of range; lists what is allowed.

    Example:
        >>> settings(scale="smoke", device="cpu").lambdas
        (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)

    Chapter 1.
    """
    names = ["auto", "cpu", "cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    name = check_choice("dataset", dataset, DATASETS)
    if lam is None:
        lam = CHOSEN if _is_small(name) else CHOSEN_28
    return Settings(
        scale=check_choice("scale", scale, SCALES),
        dataset=name,
        seed=check_integer("seed", seed, 0),
        device=resolve_device(check_choice("device", device, names)),
        lam=check_number("lam", lam, 0.0),
        eta=check_number("eta", eta, 0.0),
        latent_dim=check_integer("latent_dim", latent_dim, 2, 4096),
    )


def _is_small(dataset: str) -> bool:
    return dataset == "digits"


@dataclass(frozen=True)
class Run:
    """One trained autoencoder and what it is worth on held-out data.

    Attributes:
        lam: Weight of its volume penalty.
        model: The model, in eval mode.
        history: Its terms over the training.
        std: Widths of its latent dimensions on the training data, in their own order.
        curve: Test errors after pruning the 0 to m narrowest dimensions to their training means.
        dimensions: How many dimensions it needs, by the 1 % rule; 0 if it collapsed.
    """

    lam: float
    model: Autoencoder
    history: History
    std: Tensor
    curve: Tensor
    dimensions: int

    @property
    def error(self) -> float:
        """Mean L2 distance between a test example and its reconstruction from the dimensions that are needed."""
        return float(self.curve[len(self.std) - self.dimensions])


def build(
    chosen: Settings, event_shape: tuple[int, ...], *, lipschitz: bool = True, eta: float | None = None
) -> Autoencoder:
    """Return an untrained autoencoder: perceptrons with LeakyReLU, the decoder's layers of spectral norm 1.

    Args:
        chosen: Checked parameters, from `settings`.
        event_shape: Shape of one example.
        lipschitz: Whether the decoder's layers are spectrally normalised.
        eta: Lift of the penalty, if another than the settings'.

    Returns:
        The model, on the CPU, with weights from the global generator.

    Example:
        >>> build(settings(device="cpu"), (1, 8, 8)).encode(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 32])

    Chapter 1.
    """
    activation = functools.partial(nn.LeakyReLU, 0.2)
    hidden = HIDDEN[min(HIDDEN, key=lambda size: abs(size - event_shape[-1]))]
    encoder = mlp_encoder(event_shape, hidden, chosen.latent_dim, activation)
    norm = spectral_norm if lipschitz else None
    decoder = mlp_decoder(chosen.latent_dim, hidden[::-1], event_shape, activation, norm)
    penalty = functools.partial(volume_penalty, eta=chosen.eta if eta is None else eta)
    return Autoencoder(encoder, decoder, {"volume": penalty})


def train(
    chosen: Settings,
    lam: float,
    *,
    lipschitz: bool = True,
    eta: float | None = None,
    data: tuple[Dataset, Dataset] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train one autoencoder, and measure it on the test data.

    Args:
        chosen: Checked parameters, from `settings`.
        lam: Weight of the volume penalty.
        lipschitz: Whether the decoder's layers are spectrally normalised.
        eta: Lift of the penalty, if another than the settings'.
        data: Training and test data, if others than the settings'.
        progress: A line to advance.

    Returns:
        The model and its measurements.

    Example:
        >>> run = train(settings(scale="smoke", device="cpu"), lam=0.03)
        >>> run.std.shape, run.curve.shape
        (torch.Size([32]), torch.Size([33]))

    Chapter 1.
    """
    training, test = data or load_data(chosen)
    scale = SCALES[chosen.scale]
    line = Progress(scale.steps, _label(lam, lipschitz, eta)) if progress is None else contextlib.nullcontext(progress)
    with seeded(chosen.seed):
        model = build(chosen, training.event_shape, lipschitz=lipschitz, eta=eta).to(chosen.device)
    with line as shared:
        history = fit(
            model,
            training,
            lambda model, x, step: model.terms(x),
            weights={"reconstruction": 1.0, "volume": lam},
            steps=scale.steps,
            batch_size=scale.batch_size,
            seed=chosen.seed,
            optimizer=functools.partial(torch.optim.Adam, lr=scale.learning_rate, betas=scale.betas, fused=True),
            progress=shared,
        )
    return _evaluate(model, history, lam, training, test)


def _label(lam: float, lipschitz: bool, eta: float | None) -> str:
    """Return what a lone run is called on its line of progress."""
    unusual = [] if lipschitz else ["no Lipschitz bound"]
    unusual += [] if eta is None else [f"η = {eta:g}"]
    return ", ".join([f"λ = {lam:g}", *unusual])


@torch.no_grad()
def _evaluate(model: Autoencoder, history: History, lam: float, training: Dataset, test: Dataset) -> Run:
    """Measure widths on the training data and pruning on the test data."""
    codes, x = model.encode(training[:]), test[:]
    std = latent_std(codes)
    curve = pruning_curve(model.decode, x, model.encode(x), mean=codes.mean(0), std=std)
    return Run(lam, model, history, std.cpu(), curve.cpu(), latent_set_dimension(curve))


def family(
    chosen: Settings, lambdas: Iterable[float] | None = None, data: tuple[Dataset, Dataset] | None = None
) -> list[Run]:
    """Train one autoencoder for each weight, from the same initial weights and on the same batches.

    Args:
        chosen: Checked parameters, from `settings`.
        lambdas: Weights of the volume penalty; by default the settings' grid.
        data: Training and test data, if others than the settings'.

    Returns:
        The runs, in the order of the weights.

    Example:
        >>> [run.lam for run in family(settings(scale="smoke", device="cpu"), [0.01, 0.1])]
        [0.01, 0.1]

    Chapter 1.
    """
    weights = list(chosen.lambdas if lambdas is None else lambdas)
    data = data or load_data(chosen)
    with Progress(len(weights) * SCALES[chosen.scale].steps, f"{len(weights)} autoencoders") as progress:
        return [train(chosen, lam, data=data, progress=progress) for lam in weights]


def load_data(chosen: Settings) -> tuple[Dataset, Dataset]:
    """Return the training and the test data.

    Args:
        chosen: Checked parameters, from `settings`.

    Returns:
        Both, on the settings' device.

    Example:
        >>> [len(part) for part in load_data(settings(device="cpu"))]
        [1400, 397]

    Chapter 1.
    """
    device = str(chosen.device)
    return load(chosen.dataset, "train", device=device), load(chosen.dataset, "test", device=device)


def pca_curve(training: Tensor, test: Tensor, most: int) -> Tensor:
    """Return the test error of principal components, for 0 to `most` of them.

    Args:
        training: Data that the components come from, ``(N, *event)``.
        test: Data that is reconstructed, ``(M, *event)``.
        most: Largest number of components.

    Returns:
        Mean L2 errors, ``(most + 1,)``.

    Example:
        >>> line = torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
        >>> pca_curve(line, line, 1).round(decimals=4).tolist()
        [0.9428, 0.0]

    Chapter 1.
    """
    mean, x = training.flatten(1).mean(0), test.flatten(1)
    # Eigenvalues come in rising order: the last columns are the first components.
    axes = torch.linalg.eigh(torch.cov(training.flatten(1).T)).eigenvectors.flip(1)
    projected = [mean + (x - mean) @ axes[:, :k] @ axes[:, :k].T for k in range(most + 1)]
    return torch.stack([reconstruction_error(x, y) for y in projected])
