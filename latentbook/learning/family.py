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
from torch.func import functional_call, vmap
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
        # The shape of a member; its own numbers are never used. Outside the tuple it would count as a submodule.
        self._shape = (copy.deepcopy(members[0]),)
        self.stacked = nn.ParameterDict()
        self._names: dict[str, str] = {}
        for name, _ in members[0].named_parameters():
            parts = [dict(member.named_parameters())[name].detach() for member in members]
            self._names[_key(name)] = name
            self.stacked[_key(name)] = nn.Parameter(torch.stack(parts))
        for name, _ in members[0].named_buffers():
            self._names[_key(name)] = name
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
        body, state = _Call(self._shape[0], function), self._state()
        places = [0 if own else None for own in (each or [False] * len(arguments))]
        body.train(self.training)

        def one(state: dict[str, Tensor], *arguments: Any) -> Any:
            return functional_call(body, state, arguments)

        if self._runs_batched():
            return vmap(one, in_dims=(0, *places), randomness="error")(state, *arguments)
        # A member's buffers are views of the stacked ones, so that what it updates in place is kept.
        results = [one(_own(state, True, k), *_own_arguments(arguments, places, k)) for k in range(self.count)]
        return _stack(results)

    def members(self) -> list[nn.Module]:
        """Return the members as ordinary models, with numbers of their own."""
        state, models = self._state(), []
        for k in range(self.count):
            model = copy.deepcopy(self._shape[0]).train(self.training)
            model.load_state_dict({name.removeprefix("model."): value[k] for name, value in state.items()})
            models.append(model.to(next(iter(state.values())).device))
        return models

    def _state(self) -> dict[str, Tensor]:
        """Return stacked parameters and buffers by the names that `_Call` knows them by."""
        held = {**dict(self.stacked.items()), **{key: getattr(self, key) for key in self._buffers}}
        return {f"model.{self._names[key]}": value for key, value in held.items()}

    def _runs_batched(self) -> bool:
        if self.batched is not None:
            return self.batched
        on_cpu = next(iter(self.stacked.values())).device.type == "cpu"
        return not (on_cpu and any(isinstance(module, _ConvNd) for module in self._shape[0].modules()))


class _Call(nn.Module):
    """A function of a model as a module's forward pass, which is what `functional_call` can run."""

    def __init__(self, model: nn.Module, function: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *arguments: Any) -> Any:
        return self.function(self.model, *arguments)


def family_loss(loss: Loss, each: Sequence[bool] | None = None) -> Loss:
    """Return a loss of a family from a loss of one member.

    Args:
        loss: ``loss(model, batch, step)`` to named scalar terms.
        each: One truth value: whether a batch's first dimension counts members, each with examples of its own.

    Returns:
        ``loss(family, batch, step)`` to named terms ``[K]``.

    Example:
        >>> family = Family([nn.Linear(2, 2) for _ in range(3)])
        >>> loss = family_loss(lambda model, x, step: {"error": (model(x) - x).square().mean()})
        >>> loss(family, torch.rand(8, 2), 0)["error"].shape
        torch.Size([3])

    All chapters.
    """

    def whole(family: Family, batch: Any, step: int) -> dict[str, Tensor]:
        return family.call(lambda model, examples: loss(model, examples, step), batch, each=each)

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


def _own(tree: Any, counted: bool, k: int) -> Any:
    """Return member k's part of a tree of tensors."""
    return tree_map(lambda value: value[k], tree) if counted else tree


def _own_arguments(arguments: Sequence[Any], places: Sequence[int | None], k: int) -> list[Any]:
    return [_own(argument, place == 0, k) for argument, place in zip(arguments, places, strict=True)]


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
