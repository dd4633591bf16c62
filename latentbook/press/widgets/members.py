"""The models of an explorer: what they are made of, whether that is all that they do, and what they decode to."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentbook.core import at_rest
from latentbook.press.widgets.perceptron import Perceptron, described, layers_of, packed

__all__ = ["LATENTS", "Event", "Member", "event_of", "image_decoder", "members_of"]

# The explorer draws planes.
LATENTS = 2
# Points at which a model is compared with its layers, and how much of the largest value they may differ: single
# precision adds up in another order. Of coarser numbers, so many of their steps.
COMPARED, TOLERANCE, ULPS = 50, 1e-4, 16
NETWORK = "a module, or what `from_arrays` returns"


@dataclasses.dataclass(frozen=True)
class Event:
    """What decoders decode to.

    Attributes:
        kind: ``"image"``, ``"curve"`` or ``"skeleton"``.
        shape: ``(C, H, W)`` or ``(H, W)`` of an image, ``(D,)`` of a curve, ``(J, 2)`` or ``(J, 3)`` of a skeleton.
        bones: Pairs of joints that are joined.
    """

    kind: str
    shape: tuple[int, ...]
    bones: tuple[tuple[int, int], ...] = ()

    @property
    def size(self) -> int:
        """How many numbers it is."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
    """One model of an explorer.

    Attributes:
        name: What errors call it.
        decoder: Its decoder's layers.
        encoder: Its encoder's layers, if it has one.
        decode: The model's own way from codes to data; like `encode` in eval mode, without a graph, and in numbers of
            double precision on the CPU.
        encode: Its own way from data to mean codes, None without an encoder.
        tolerance: How much its layers may differ from that, as a fraction of the largest value.
    """

    name: str
    decoder: Perceptron
    encoder: Perceptron | None
    decode: Callable[[Tensor], Tensor]
    encode: Callable[[Tensor], Tensor] | None
    tolerance: float

    @property
    def networks(self) -> tuple[Perceptron, ...]:
        """What travels: the decoder, and the encoder if there is one."""
        return (self.decoder,) if self.encoder is None else (self.decoder, self.encoder)

    @property
    def described(self) -> dict[str, Any]:
        """What the page has to know of its layers."""
        encoder = None if self.encoder is None else described(self.encoder.layers)
        spread = self.encoder is not None and self.encoder.outputs > LATENTS
        return {"decoder": described(self.decoder.layers), "encoder": encoder, "spread": spread}

    def compare(self, codes: Tensor, x: Tensor | None) -> None:
        """Refuse a model that is not what its layers say.

        Args:
            codes: ``(N, 2)``, where it is asked to decode.
            x: ``(N, *event)``, what it is asked to encode, if anything.

        Raises:
            ValueError: If its own outputs are others.

        Chapter 2.
        """
        some = _some(codes)
        self._require_same("decode", self.decode(some).flatten(1), self.decoder(some))
        if x is not None and self.encoder is not None and self.encode is not None:
            some = _some(x)
            self._require_same("encode", self.encode(some), self.encoder(some.flatten(1))[:, :LATENTS])

    def _require_same(self, what: str, own: Tensor, layers: Tensor) -> None:
        same = own.shape == layers.shape
        # Written so that nan is a difference.
        if not (same and bool((own - layers).abs().max() <= self.tolerance * own.abs().max())):
            raise ValueError(
                f"`{self.name}`: its {what} does more than its layers, which are all that travels to the page: move "
                "that into a Linear layer or out of the model, or draw it with figures"
            )


def members_of(models: Any) -> list[Member]:
    """Return the members of a family, or of one model.

    Args:
        models: A model, or a sequence of them. A model is a module with an `encoder` and a `decoder`, a bare decoder,
            or a pair of encoder and decoder, as a tuple.

    Raises:
        TypeError: If something else is among them.
        ValueError: If there is none, one has layers that cannot travel or another number of latents, or some have an
            encoder and others not.

    Chapter 2.
    """
    several = isinstance(models, (Sequence, nn.ModuleList)) and not _is_pair(models)
    named = [(f"models[{index}]", model) for index, model in enumerate(models)] if several else [("models", models)]
    if not named:
        raise ValueError("`models` is empty: pass a model, or one for each λ")
    members = [_member(name, model) for name, model in named]
    with_encoder = [member.encoder is not None for member in members]
    if any(with_encoder) and not all(with_encoder):
        without = members[with_encoder.index(False)].name
        raise ValueError(
            f"`{without}` has no encoder, but others of the family have: pass all with one, or all without"
        )
    return members


def image_decoder(model: Any, codes: Tensor, takes: str, shape: Sequence[int] | None) -> tuple[dict[str, Any], bytes]:
    """Return what the page has to know of a decoder to images, and its numbers.

    Args:
        model: A model with a `decoder`, or a bare decoder: the argument `decoder` of a widget.
        codes: ``(N, inputs)``, where it is compared with its layers.
        takes: What a code is, for the error, as in ``"a point of S^2 is 3"``.
        shape: What the numbers of a flat output form.

    Raises:
        TypeError: If it is no decoder.
        ValueError: If it has layers that cannot travel or does more than they say, takes codes of another size, or
            decodes to something else than images.

    Chapter 5.
    """
    network, inputs = getattr(model, "decoder", model), codes.shape[1]
    decoder = _perceptron(network, "decoder")
    if decoder.inputs != inputs:
        raise ValueError(f"`decoder` takes {decoder.inputs} numbers, but {takes}: pass a decoder of {inputs} inputs")
    decode = _own("decoder", getattr(model, "decode", network), model, network)
    member = Member("decoder", decoder, None, decode, None, _tolerance(network))
    event = event_of([member], None, shape)
    if event.kind != "image":
        raise ValueError(f"`decoder` decodes to {event.shape}, which is no image: say with `shape` what it forms")
    member.compare(codes, None)
    told = {**dataclasses.asdict(event), "range": [0.0, 1.0]}
    return {"decoder": described(decoder.layers), "event": told}, packed(decoder.layers)


def event_of(
    members: Sequence[Member],
    examples: tuple[int, ...] | None = None,
    shape: Sequence[int] | None = None,
    bones: Sequence[Sequence[int]] | None = None,
) -> Event:
    """Return what all members decode to.

    Args:
        members: Of one family.
        examples: Shape of one example, where there are any.
        shape: What the numbers of a flat output form, if the examples do not say so.
        bones: Pairs of joints, of a skeleton.

    Raises:
        ValueError: If members decode to different shapes, or these are not those of the examples, or nothing that the
            page can draw.

    Chapter 2.
    """
    shapes = [tuple(member.decode(torch.zeros(1, member.decoder.inputs)).shape[1:]) for member in members]
    for member, other in zip(members, shapes, strict=True):
        if other != shapes[0]:
            found = f"`{member.name}` decodes to {other}, but `{members[0].name}` to {shapes[0]}"
            raise ValueError(f"{found}: models of one family share the shape of their data")
    size = math.prod(shapes[0])
    if examples is not None and math.prod(examples) != size:
        raise ValueError(f"`data` has examples of shape {examples}, but the models decode to {shapes[0]}: pass theirs")
    if shape is not None and math.prod(shape) != size:
        raise ValueError(f"`shape` is {tuple(shape)}, but the models decode to {shapes[0]}: pass one of {size} numbers")
    for member in members:
        if member.encoder is not None and member.encoder.inputs != size:
            found = f"`{member.name}` encodes {member.encoder.inputs} numbers and decodes to {size}"
            raise ValueError(f"{found}: encoder and decoder share the shape of their data")
    chosen = tuple(int(side) for side in shape) if shape is not None else examples or shapes[0]
    return Event("skeleton", chosen, _pairs(bones, chosen)) if bones is not None else Event(_kind(chosen), chosen)


def _kind(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return "curve"
    if len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3)):
        return "image"
    raise ValueError(
        f"`models` decode to {shape}, which the page cannot draw: it has images (H, W) or (C, H, W) with C 1 or 3, "
        "curves (D,), and skeletons (J, 2) or (J, 3) with `bones`; `shape` says what a flat output forms"
    )


def _pairs(bones: Sequence[Sequence[int]], shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return the bones of a skeleton, each a pair of its joints."""
    if len(shape) != 2 or shape[1] not in (2, 3):
        raise ValueError(f"`bones` joins joints, but the models decode to {shape}: pass them for (J, 2) or (J, 3) only")
    found = []
    for bone in bones:
        pair = tuple(int(joint) for joint in bone)
        if len(pair) != 2 or not all(0 <= joint < shape[0] for joint in pair):
            raise ValueError(f"`bones` has {pair}, but a bone is a pair of joints from 0 to {shape[0] - 1}")
        found.append(pair)
    return tuple(found)


def _member(name: str, model: Any) -> Member:
    """Read one model."""
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        encoder, decoder = model.encoder, model.decoder
        names = f"{name}.encoder", f"{name}.decoder"
        encode, decode = getattr(model, "encode", encoder), getattr(model, "decode", decoder)
    elif _is_pair(model):
        encoder, decoder = encode, decode = model
        names = f"{name}[0]", f"{name}[1]"
    elif isinstance(model, (nn.Module, Perceptron)):
        encoder = encode = None
        decoder = decode = model
        names = "", name
    else:
        found = f"`{name}` is of type {type(model).__name__}"
        raise TypeError(f"{found}: pass a model with encoder and decoder, or a bare decoder: {NETWORK}")
    member = Member(
        name,
        _perceptron(decoder, names[1]),
        None if encoder is None else _perceptron(encoder, names[0]),
        _own(name, decode, model, decoder),
        None if encode is None or encoder is None else _own(name, lambda x: encode(x)[..., :LATENTS], model, encoder),
        max(_tolerance(decoder), _tolerance(encoder)),
    )
    _require_plane(member)
    return member


def _is_pair(model: Any) -> bool:
    """Tell whether something is an encoder and a decoder: a tuple of two networks that are no whole models."""
    networks = (
        isinstance(model, tuple) and len(model) == 2 and all(isinstance(n, (nn.Module, Perceptron)) for n in model)
    )
    return networks and not any(hasattr(network, "decoder") for network in model)


def _require_plane(member: Member) -> None:
    m = member.decoder.inputs
    if m != LATENTS:
        latents = f"`{member.name}` has {m} latent" + "s" * (m != 1)
        raise ValueError(
            f"{latents}, but the explorer draws planes: pass a model with {LATENTS}; chapter 2's figures show slices "
            "and pairs of more latents"
        )
    if member.encoder is not None and member.encoder.outputs not in (m, 2 * m):
        raise ValueError(
            f"`{member.name}` has an encoder with {member.encoder.outputs} outputs and a decoder with {m} inputs: an "
            f"encoder returns {m} codes, or {m} means and {m} log deviations; two decoders are a list, not a tuple"
        )


def _perceptron(network: Any, name: str) -> Perceptron:
    if isinstance(network, Perceptron):
        return network
    if not isinstance(network, nn.Module):
        raise TypeError(f"`{name}` is of type {type(network).__name__}: pass {NETWORK}")
    return Perceptron(tuple(layers_of(network, f"`{name}`")))


def _own(
    name: str, call: Callable[[Tensor], Tensor], model: Any, network: nn.Module | Perceptron
) -> Callable[[Tensor], Tensor]:
    """Return a model's own function, from and to double precision on the CPU; the model is left as it is."""
    if isinstance(network, Perceptron):
        return lambda points: call(points.flatten(1).double())
    like = next(network.parameters())
    whole = model if isinstance(model, nn.Module) else network

    def own(points: Tensor) -> Tensor:
        with torch.no_grad(), at_rest(whole):
            try:
                return call(points.to(like)).cpu().double()
            except (RuntimeError, IndexError) as error:
                shape = tuple(points.shape)
                raise ValueError(f"`{name}` cannot take data of shape {shape}: pass what it was made for") from error

    return own


def _tolerance(network: nn.Module | Perceptron | None) -> float:
    if not isinstance(network, nn.Module):
        return TOLERANCE
    return max(TOLERANCE, ULPS * torch.finfo(next(network.parameters()).dtype).eps)


def _some(points: Tensor) -> Tensor:
    """Return points at equal steps, as many as are compared."""
    count = min(COMPARED, len(points))
    return points[torch.arange(count) * len(points) // count]
