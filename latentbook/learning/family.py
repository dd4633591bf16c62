"""Families: K models of one shape, trained as one, with one batched forward and backward pass.

The members' parameters are stacked, ``(K, *shape)``, and so is the optimiser's state. A loss is written for one model;
`Family.call` runs it for all. Terms become ``[K]``, and a weight may be a tensor of K numbers: that is the grid.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd
from torch.utils._pytree import tree_map

from latentbook.learning.train import History, Loss

__all__ = ["Family", "family_loss", "member_histories"]


class Family(nn.Module):
    """K models of one shape as one.

    Perceptrons run batched everywhere. Convolutions run batched on a GPU, and one after another on the CPU, where a
    batched one is slower.

    Args:
        members: The models, of one class and with parameters of the same shapes; they are copied.
        batched: Whether to run as one; None for what is faster.

    Raises:
        ValueError: If there is no member, or two differ in shape, or one has dropout: its masks would be others than
            alone.

    Example:
        >>> family = Family([nn.Linear(2, 3) for _ in range(5)])
        >>> family.call(lambda model, x: model(x), torch.zeros(4, 2)).shape
        torch.Size([5, 4, 3])

    All chapters.
    """

    def __init__(self, members: Sequence[nn.Module], batched: bool | None = None) -> None:
        super().__init__()
        _require_alike(members)
        self.count, self.batched = len(members), batched
        # The shape of a member; its own numbers are never used. Outside the tuples they would count as submodules.
        self._shape, self._body = (copy.deepcopy(members[0]),), (copy.deepcopy(members[0]),)
        self._slots = _Slots(self._body[0])
        self.stacked = nn.ParameterDict()
        for name, _ in members[0].named_parameters():
            parts = [dict(member.named_parameters())[name].detach() for member in members]
            self.stacked[_key(name)] = nn.Parameter(torch.stack(parts))
        for name, _ in members[0].named_buffers():
            self.register_buffer(_key(name), torch.stack([dict(member.named_buffers())[name] for member in members]))

    def call(self, function: Callable[..., Any], *arguments: Any, each: Sequence[bool] | None = None) -> Any:
        """Call ``function(member, *arguments)`` for every member.

        Args:
            function: To a tensor, or a dict or tuple of tensors.
            arguments: Shared by the members, unless `each` says otherwise.
            each: For each argument whether its first dimension counts members.

        Returns:
            What the function returns, with a first dimension that counts members.

        Raises:
            RuntimeError: If the function draws random numbers: pass noise as an argument.
        """
        body, state = self._body[0].train(self.training), self._state()
        places = [0 if own else None for own in (each or [False] * len(arguments))]

        def one(state: Sequence[Tensor], *arguments: Any) -> Any:
            self._slots.fill(state)
            return function(body, *arguments)

        try:
            if self._runs_batched():
                return vmap(one, in_dims=(0, *places), randomness="error")(state, *arguments)
            # A member's buffers are views of the stacked ones, so that what it updates in place is kept.
            results = [one([value[k] for value in state], *_own(arguments, places, k)) for k in range(self.count)]
            return _stack(results)
        finally:
            self._slots.empty()

    def members(self) -> list[Any]:
        """Return the members as ordinary models of their own class, with numbers of their own."""
        held = dict(zip(self._slots.names, self._state(), strict=True))
        models = []
        for k in range(self.count):
            model = copy.deepcopy(self._shape[0]).train(self.training)
            for name, value in [*model.named_parameters(), *model.named_buffers()]:
                value.data = held[name][k].detach().clone()
            models.append(model)
        return models

    def _state(self) -> list[Tensor]:
        """Return stacked parameters and buffers in the order of the slots."""
        held = {**dict(self.stacked.items()), **self._buffers}
        return [held[_key(name)] for name in self._slots.names]

    def _runs_batched(self) -> bool:
        if self.batched is not None:
            return self.batched
        on_cpu = next(iter(self.stacked.values())).device.type == "cpu"
        return not (on_cpu and any(isinstance(module, _ConvNd) for module in self._shape[0].modules()))


class _Slots:
    """The places of a model's parameters and buffers.

    `torch.func.functional_call` finds them by name at every call, which for small models takes longer than the models.
    """

    def __init__(self, model: nn.Module) -> None:
        known = {id(value): name for name, value in [*model.named_parameters(), *model.named_buffers()]}
        # A tied parameter has one name and several places.
        places: dict[str, list[tuple[dict[str, Any], str]]] = {name: [] for name in known.values()}
        for module in model.modules():
            for held in (module._parameters, module._buffers):
                for leaf, value in held.items():
                    if value is not None:
                        places[known[id(value)]].append((held, leaf))
        self.names = [*places]
        self._places = [*places.values()]

    def fill(self, values: Sequence[Tensor | None]) -> None:
        """Put values into the model, in the order of the names."""
        for places, value in zip(self._places, values, strict=True):
            for held, leaf in places:
                held[leaf] = value

    def empty(self) -> None:
        """Leave nothing in the model: what vmap made lives no longer than its call."""
        self.fill([None] * len(self._places))


def family_loss(loss: Callable[..., dict[str, Tensor]], *, own_batches: bool = False, **grid: Tensor) -> Loss:
    """Return a loss of a family from a loss of one member.

    Args:
        loss: ``loss(model, batch, step, **values)`` to named scalar terms.
        own_batches: Whether a batch's first dimension counts members, each with examples of its own.
        grid: What differs between members inside the loss, a lift or a temperature, ``[K]`` each. Weights of terms
            need no entry: `fit` takes them as ``[K]``.

    Returns:
        ``loss(family, batch, step)`` to named terms ``[K]``.

    Example:
        >>> family = Family([nn.Linear(2, 2) for _ in range(3)])
        >>> def error(model, x, step, power):
        ...     return {"error": (model(x) - x).abs().pow(power).mean()}
        >>> loss = family_loss(error, power=torch.tensor([1.0, 2.0, 4.0]))
        >>> loss(family, torch.rand(8, 2), 0)["error"].shape
        torch.Size([3])

    All chapters.
    """
    each = [own_batches, *[True] * len(grid)]

    def whole(family: Family, batch: Any, step: int) -> dict[str, Tensor]:
        def of_one(model: nn.Module, examples: Any, *values: Tensor) -> dict[str, Tensor]:
            return loss(model, examples, step, **dict(zip(grid, values, strict=True)))

        return family.call(of_one, batch, *grid.values(), each=each)

    return whole


def member_histories(history: History) -> list[History]:
    """Return each member's own history.

    Args:
        history: Of a family, with one column a member.

    Returns:
        One for each member; the seconds are those of all.

    Example:
        >>> [member.terms["a"].tolist() for member in member_histories(History({"a": torch.eye(2)}, 1.0))]
        [[1.0, 0.0], [0.0, 1.0]]

    All chapters.
    """
    count = next(iter(history.terms.values())).shape[1]
    terms = [{name: values[:, k] for name, values in history.terms.items()} for k in range(count)]
    return [History(own, history.seconds) for own in terms]


def _key(name: str) -> str:
    """Return a name that a parameter dict and a buffer may have: dots would mean submodules."""
    return name.replace(".", "/")


def _own(arguments: Sequence[Any], places: Sequence[int | None], k: int) -> list[Any]:
    """Return member k's part of the arguments that count members, and all of the others."""
    paired = zip(arguments, places, strict=True)
    return [tree_map(lambda value: value[k], tree) if place == 0 else tree for tree, place in paired]


def _stack(results: Sequence[Any]) -> Any:
    return tree_map(lambda *parts: torch.stack(parts), *results)


def _require_alike(members: Sequence[nn.Module]) -> None:
    if not members:
        raise ValueError("`members` is empty: a family has at least one model")
    first = _shapes(members[0])
    for index, member in enumerate(members):
        for name in {**first, **_shapes(member)}:
            here, there = first.get(name), _shapes(member).get(name)
            if here != there:
                raise ValueError(f"`members` differ: {name!r} is {there} in member {index} and {here} in member 0")
        for module in member.modules():
            if isinstance(module, _DropoutNd) and module.p > 0:
                raise ValueError(f"`members` have {module}: train models with dropout one by one, or take it out")
            if isinstance(module, _BatchNorm) and module.momentum is None:
                raise ValueError(f"`members` have {module} with momentum=None: give it a number")


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}
