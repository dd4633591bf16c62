"""What figures and tables call a manifold of codes."""

from __future__ import annotations

from collections import Counter

from latentbook.learning.models.codes import parse_manifold

__all__ = ["manifold_name"]

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def manifold_name(manifold: str, distribution: str = "vmf") -> str:
    """Return the name of a manifold, equal factors as a power.

    Args:
        manifold: As `parse_manifold` takes it.
        distribution: Of its codes.

    Example:
        >>> manifold_name("9"), manifold_name("4,4,2"), manifold_name("3", "normal")
        ('S⁹', '(S⁴)² × S²', 'R³')

    Chapter 5.
    """
    letter = "R" if distribution == "normal" else "S"
    factors = Counter(f"{letter}{str(dim).translate(RAISED)}" for dim in parse_manifold(manifold))
    powers = (name if count == 1 else f"({name}){str(count).translate(RAISED)}" for name, count in factors.items())
    return " × ".join(powers)
