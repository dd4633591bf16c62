"""Dimensions and concentrations over which draws are tried, and how far they may be from their law."""

from tests.sphere.laws import DIMENSIONS

CELLS = [(m, k) for m in DIMENSIONS for k in (0.1, 2.0, 9.9, 11.0, 50.0, 200.0, 1e4, 1e6)]
# Of Kolmogorov and Smirnov's distance times the root of the number of draws: exceeded once in 20 times, by the largest
# of 56, 2 exp(-2 · 2.41²) each being 1 in 55,000.
DISTANCE = 2.41
# Of what is 0 but for its standard error: three quantities in 96 cells of the law, one in 112 of the envelope; exceeded
# once in 20 times by the largest of them, 0.05 / 400 each.
ERRORS = 3.84
