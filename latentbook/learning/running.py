"""A training run as it stands: its terms, its callbacks, and the checkpoint that holds all of it."""

from __future__ import annotations

import abc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latentbook.learning import checkpoint as files

__all__ = ["Callback", "Moment", "Run", "Update"]


@dataclass(frozen=True)
class Moment:
    """What a callback sees.

    Attributes:
        step: Updates done.
        model: In the state after them; a callback leaves its mode and weights alone.
        terms: The unweighted terms so far, ``[steps, *members]`` each.
    """

    step: int
    model: nn.Module
    terms: Mapping[str, Tensor]


class Callback(abc.ABC):
    """Something that looks at a training run, and may stop it.

    Attributes:
        every: It is called after every so many steps, and after the last.
    """

    every: int

    @abc.abstractmethod
    def __call__(self, moment: Moment) -> bool | None:
        """Look; return True to stop the training."""

    def finish(self, model: nn.Module) -> None:  # noqa: B027  (most have nothing to do)
        """Called once, when the training has ended."""

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs: tensors, and what JSON can hold, by name."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027  (most have nothing to take)
        """Take back what `state` returned."""


class Update(abc.ABC):
    """A step of training. The default is one descent; a model may need several optimisers.

    Attributes:
        optimizers: All that have a state.
    """

    optimizers: Sequence[torch.optim.Optimizer]

    @abc.abstractmethod
    def __call__(self, model: Any, batch: Any, step: int) -> dict[str, Tensor]:
        """Make one step, and return the unweighted terms."""


class Run:
    """A training run as it stands: everything that a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        update: Update,
        generator: torch.Generator,
        callbacks: Sequence[Callback],
        spec: dict[str, Any],
        file: Path | None,
    ) -> None:
        self.model, self.update, self.generator, self.callbacks, self.file = model, update, generator, callbacks, file
        shapes = {name: [str(value.dtype), *value.shape] for name, value in model.state_dict().items()}
        self.spec = {**spec, "shapes": shapes}
        self.step, self.stopped, self.finished = 0, False, False
        self.names: list[str] = []
        self.waiting: list[Tensor] = []
        self.uncounted = 0
        self.chunks: list[Tensor] = []
        self.before, self.start, self.saved = 0.0, time.monotonic(), time.monotonic()

    # ---- terms ----

    def note(self, terms: Mapping[str, Tensor]) -> None:
        """Keep the terms of a step on the device."""
        self.names = list(terms)
        self.waiting.append(torch.stack([term.detach() for term in terms.values()]))
        self.step += 1
        self.uncounted += 1

    def read(self) -> int:
        """Bring the waiting steps to the host, refuse what is not finite, and say how many were not counted yet."""
        self._collect()
        count, self.uncounted = self.uncounted, 0
        return count

    def _collect(self) -> None:
        if not self.waiting:
            return
        chunk, count = torch.stack(self.waiting).cpu(), len(self.waiting)
        self.waiting = []
        broken = (~chunk.isfinite()).nonzero()
        if len(broken):
            row, column, *member = broken[0].tolist()
            where = f"step {self.step - count + row}" + (f", member {member[0]}" if member else "")
            value = chunk[row, column].flatten()[member[0] if member else 0].item()
            raise FloatingPointError(
                f"the term {self.names[column]!r} is {value} at {where}: lower the learning rate, or look at the data"
            )
        self.chunks.append(chunk)

    def history(self) -> dict[str, Tensor]:
        """Return what was read."""
        return dict(zip(self.names, torch.cat(self.chunks).unbind(1), strict=True)) if self.chunks else {}

    # ---- callbacks ----

    def call_back(self, last: bool) -> None:
        """Call those whose turn it is."""
        due = [callback for callback in self.callbacks if self.step % callback.every == 0 or last]
        if not due:
            return
        self._collect()
        moment = Moment(self.step, self.model, self.history())
        # All of them look, also when the first one wants to stop.
        self.stopped = any([bool(callback(moment)) for callback in due])

    def finish(self) -> None:
        """Let the callbacks end, once in a run's life, and keep the result."""
        if not self.finished:
            for callback in self.callbacks:
                callback.finish(self.model)
            self.finished = True
            if self.file:
                self.save()

    # ---- checkpoints ----

    def seconds(self) -> float:
        """Return the time of all parts."""
        return self.before + time.monotonic() - self.start

    def unsaved_seconds(self) -> float:
        """Return the time since the last checkpoint."""
        return time.monotonic() - self.saved

    def save(self) -> None:
        """Write the checkpoint."""
        assert self.file is not None  # asked for by the caller
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {"generator": self.generator.get_state(), "cpu": torch.get_rng_state()}
        tensors |= {f"cuda.{index}": state for index, state in enumerate(_cuda_states())}
        if self.chunks:
            tensors["history"] = torch.cat(self.chunks)
        facts: dict[str, Any] = {"spec": self.spec, "step": self.step, "names": self.names}
        facts |= {"stopped": self.stopped, "finished": self.finished, "seconds": self.seconds()}
        for kind, parts in (("optimizer", self.update.optimizers), ("callback", self.callbacks)):
            facts[kind] = []
            for index, part in enumerate(parts):
                held, rest = files.state_tensors(f"{kind}.{index}", _flat(part))
                tensors |= held
                facts[kind].append(rest)
        files.save(self.file, tensors, facts)
        self.saved = time.monotonic()

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        if self.file is None or not self.file.exists():
            return
        tensors, facts = files.load(self.file)
        self._require_same(facts["spec"])
        self.model.load_state_dict(files.split(tensors, "model"))
        self.generator.set_state(tensors["generator"])
        torch.set_rng_state(tensors["cpu"])
        for index, state in files.split(tensors, "cuda").items():
            torch.cuda.set_rng_state(state, int(index))
        for kind, parts in (("optimizer", self.update.optimizers), ("callback", self.callbacks)):
            for index, part in enumerate(parts):
                _restore(part, {**files.split(tensors, f"{kind}.{index}"), **facts[kind][index]})
        self.step, self.names, self.before = facts["step"], facts["names"], facts["seconds"]
        self.stopped, self.finished = facts["stopped"], facts["finished"]
        self.chunks = [tensors["history"]] if "history" in tensors else []

    def _require_same(self, spec: Mapping[str, Any]) -> None:
        # JSON has made lists of tuples.
        for name, value in self.spec.items():
            if (there := spec.get(name)) != value:
                told = f"its {name} is {there}, not {value}" if name != "shapes" else "its model has other shapes"
                raise ValueError(f"`checkpoint` {self.file} is of another run, {told}: delete it or pass another file")


def _flat(part: Any) -> dict[str, Any]:
    """Return the state of an optimiser or a callback, flat."""
    if not isinstance(part, torch.optim.Optimizer):
        return part.state()
    state = part.state_dict()
    inner = {f"{index}.{name}": value for index, held in state["state"].items() for name, value in held.items()}
    return {**inner, "param_groups": state["param_groups"]}


def _restore(part: Any, state: dict[str, Any]) -> None:
    if not isinstance(part, torch.optim.Optimizer):
        part.restore(state)
        return
    inner: dict[int, dict[str, Any]] = {}
    for name, value in state.items():
        index, _, key = name.partition(".")
        if key:
            inner.setdefault(int(index), {})[key] = value
    part.load_state_dict({"state": inner, "param_groups": state["param_groups"]})


def _cuda_states() -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
