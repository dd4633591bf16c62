"""Numbers in words on screen: few figures, a real minus, and powers of ten as one writes them."""

from __future__ import annotations

__all__ = ["counted", "in_figures"]

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_figures(value: float, figures: int = 3) -> str:
    """Return a number at a few significant figures: 0.0123, −4.57, 3.2 × 10⁻⁵, 10⁻⁵.

    Args:
        value: The number.
        figures: How many of them count.

    Example:
        >>> in_figures(0.00001), in_figures(-0.000_032_04), in_figures(0.123456)
        ('10⁻⁵', '−3.2 × 10⁻⁵', '0.123')

    All chapters.
    """
    mantissa, _, exponent = f"{value:.{figures}g}".partition("e")
    mantissa = mantissa.replace("-", "−").replace("inf", "∞")
    if not exponent:
        return mantissa
    power = "10" + str(int(exponent)).translate(RAISED)
    return {"1": power, "−1": f"−{power}"}.get(mantissa, f"{mantissa} × {power}")


def counted(count: float, noun: str) -> str:
    """Return a number of things: 1 dimension, 2 dimensions.

    Args:
        count: How many, a whole number.
        noun: What one of them is called; its plural ends in s.

    Example:
        >>> counted(1, "dimension"), counted(0, "dimension")
        ('1 dimension', '0 dimensions')

    All chapters.
    """
    return f"{count:.0f} {noun}" + ("" if count == 1 else "s")
