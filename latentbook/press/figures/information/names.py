"""What figures of hierarchies call their rates."""

from __future__ import annotations

__all__ = ["code_name", "rate_name"]

LOWERED = "₀₁₂₃₄₅₆₇₈₉"


def code_name(layer: int) -> str:
    """Return what a layer's code is called, as in ``"z₁"``.

    Args:
        layer: From 1, next to the data, to 9.

    Chapter 4.
    """
    return f"z{LOWERED[layer]}"


def rate_name(layer: int, layers: int) -> str:
    """Return what a layer's rate is called: given the codes of all layers above it.

    Args:
        layer: From 1, next to the data.
        layers: Of the hierarchy, at most 9.

    Raises:
        ValueError: If the hierarchy has no such layer.

    Example:
        >>> rate_name(2, 2), rate_name(1, 2), rate_name(1, 3)
        ('R(z₂)', 'R(z₁ | z₂)', 'R(z₁ | z₂, z₃)')

    Chapter 4.
    """
    if not 1 <= layer <= layers < len(LOWERED):
        raise ValueError(f"`layer` is {layer} of {layers}: layers count from 1, and there are at most 9")
    above = ", ".join(code_name(other) for other in range(layer + 1, layers + 1))
    return f"R({code_name(layer)}{' | ' + above if above else ''})"
