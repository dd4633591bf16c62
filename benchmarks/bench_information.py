"""Information trading: mutual information by matrix products, and the grid of chapter 4, trained and measured."""

from __future__ import annotations

import math

import torch
from timing import STATUS, Row, compare, memory_of, timed
from torch import Tensor
from torch.distributions import Normal

from latentbook.information import mutual_information
from latentbook.learning.family import Family
from latentbook.learning.models.hierarchical import HierarchicalVAE
from latentbook.learning.recipes import classifiers, information

# Codes of test images, as chapter 4 has them.
LATENTS, IMAGES, CLASSES = 32, 2000, 10
MANY = 10_000
# Of the grid, on a GPU.
MEMBERS = 49


def measure() -> list[Row]:
    """Return the time against the repeated form, how far the values are apart, and the memory of many codes."""
    mean, std, labels = _codes(IMAGES)

    def ours() -> float:
        return mutual_information(mean, std, labels, generator=_source()).value

    def repeated() -> float:
        return _by_repeats(mean, std, labels, mean + std * torch.randn(mean.shape, generator=_source()))

    words = f"mutual information, {IMAGES:,} codes of {LATENTS}"
    row = compare(words, ours, repeated, "every pair written out", repeats=3)
    apart = abs(ours() / repeated() - 1)
    rows = [
        Row(row.name, row.ours, row.peer, row.against, asked="at least 30 x"),
        Row("by what part the two values differ", apart, unit="%", asked="at most 0.001 %"),
    ]
    if STATUS.exists():
        rows.append(Row(f"memory of {MANY:,} codes", memory_of(_estimate, MANY), unit="MiB"))
    return [*rows, *_grid(), *(_on_gpu() if torch.cuda.is_available() else [])]


def _grid() -> list[Row]:
    """Return the CPU time of the chapter's grid at book scale."""
    settings = information.settings(scale="book", device="cpu")
    data, samples = information.load_data(settings), information.SCALES["book"].samples
    judge = classifiers.train(classifiers.settings(scale="book", device="cpu"), data=data).model
    runs, training = timed(lambda: information.family(settings))
    _, measuring = timed(lambda: information.evaluate(runs, data=data, classifier=judge, samples=samples))
    return [
        Row(f"{len(runs)} hierarchies at book scale, trained, CPU", training, asked="at most 90 s"),
        Row("the same, measured, CPU", measuring, asked="at most 50 s"),
    ]


def _on_gpu() -> list[Row]:
    """Return the time of a step of the original's convolutions, 49 as one against one."""
    settings = information.settings(scale="paper", dataset="cifar10", device="cuda")
    one = information.build(settings, (3, 32, 32)).cuda()
    x = torch.rand(settings.batch_size, 3, 32, 32, device="cuda")
    noise = one.draw_noise((len(x),), x)
    together = Family([one] * MEMBERS)

    def alone() -> None:
        one.zero_grad()
        torch.stack([*_terms(one, x, noise).values()]).sum().backward()
        torch.cuda.synchronize()

    def as_one() -> None:
        together.zero_grad()
        torch.stack([*together.call(_terms, x, noise).values()]).sum().backward()
        torch.cuda.synchronize()

    row = compare(f"a step of {MEMBERS} convolutional hierarchies", as_one, alone, "one of them")
    return [Row(row.name, row.ours, row.peer, row.against, asked="at most 5 x the time of one")]


def _terms(model: HierarchicalVAE, x: Tensor, noise: tuple[Tensor, ...]) -> dict[str, Tensor]:
    return model.terms(x, noise)


def _codes(count: int) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    # At least two classes, however few the codes.
    labels = torch.arange(count) % CLASSES
    centres = 0.3 * torch.randn(CLASSES, LATENTS, generator=draw)
    mean = centres[labels] + 0.3 * torch.randn(count, LATENTS, generator=draw)
    return mean, 1 + torch.rand(count, LATENTS, generator=draw), labels


def _source() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def _by_repeats(mean: Tensor, std: Tensor, labels: Tensor, z: Tensor) -> float:
    """The published form: for each class, every sample is repeated beside every posterior of the class."""
    logs = []
    for one in range(CLASSES):
        own = labels == one
        count = int(own.sum())
        samples = z.repeat_interleave(count, 0)
        posteriors = Normal(mean[own].repeat(len(z), 1), std[own].repeat(len(z), 1))
        logs.append(posteriors.log_prob(samples).sum(-1).reshape(len(z), count).logsumexp(1) - math.log(count))
    by_class = torch.stack(logs, 1).double()
    shares = torch.bincount(labels, minlength=CLASSES).double() / len(labels)
    terms = by_class.gather(1, labels[:, None]).squeeze(1) - (by_class + shares.log()).logsumexp(1)
    return terms.mean().item()


def _estimate(count: int) -> None:
    mean, std, labels = _codes(count)
    mutual_information(mean, std, labels)
