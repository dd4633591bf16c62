"""Originals above what is decoded from them: two pictures on one canvas, grey images in ink, colour as it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from latentbook.press.figures.parts import png

__all__ = ["DECODED", "ENLARGED", "ORIGINAL", "TEAL", "Pairs"]

# Lines of a row of pairs, and their inks.
ORIGINAL, DECODED = 0, 1
GREY, TEAL = (120, 126, 134), (16, 152, 173)
# Height of one image in the file, at least: about what the page gives it.
ENLARGED = 56


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Where images stand, each original above what is decoded from it, in rows of pairs.

    The pictures are images of a layout: unlike those of traces, they are not taken off while the next ones load.

    Args:
        count: Number of images.
        height: Of one image, in pixels.
        width: Of one image, in pixels.
        columns: Pairs in a row.
        axes: Axes of a layout that the pixels are counted on, as in ``("x2", "y2")``.

    All chapters.
    """

    count: int
    height: int
    width: int
    columns: int
    axes: tuple[str, str] = ("x", "y")

    def horizontal(self) -> dict[str, Any]:
        """Return the settings of the axis that columns are counted on."""
        across = min(self.count, self.columns)
        last = (across - 1) * self._step + self.width
        return {"visible": False, "range": [-0.5, last - 0.5], "constrain": "domain"}

    def vertical(self) -> dict[str, Any]:
        """Return the settings of the axis that rows are counted on, with the lines' names."""
        rows = self._tops(ORIGINAL), self._tops(DECODED)
        return {
            "range": [self._bottom - 0.5, -0.5],
            "scaleanchor": self.axes[0],
            "constrain": "domain",
            "constraintoward": "top",
            "showline": False,
            "ticks": "",
            "tickvals": [top + (self.height - 1) / 2 for tops in rows for top in tops],
            "ticktext": ["original"] * len(rows[0]) + ["decoded"] * len(rows[1]),
        }

    def picture(self, images: Tensor, line: int) -> dict[str, Any]:
        """Return one line of every row as an image of a layout.

        Args:
            images: ``(N, H, W)`` or ``(N, C, H, W)`` with C 1 or 3, values in [0, 1].
            line: ``ORIGINAL`` or ``DECODED``.
        """
        # Plotly takes two images of one size at one place for the same one.
        top = self._tops(line)[0]
        canvas = self._canvas(images if images.ndim == 4 else images.unsqueeze(1), line)[top:]
        source = png(canvas, (GREY, TEAL)[line], enlarge=-(-ENLARGED // self.height))
        x, y = self.axes
        corner = {"x": -0.5, "y": top - 0.5, "xref": x, "yref": y, "xanchor": "left", "yanchor": "top"}
        return {"source": source, **corner, "sizex": canvas.shape[1], "sizey": canvas.shape[0], "sizing": "stretch"}

    def keep_originals(self, figure: go.Figure, images: Tensor) -> None:
        """Put the originals where every frame leaves them: a frame brings its own list of images."""
        figure.layout.template.layout.images = [{"name": "originals", **self.picture(images, ORIGINAL)}]

    @property
    def _step(self) -> int:
        return self.width + max(1, self.width // 14)

    @property
    def _bottom(self) -> int:
        return self._tops(DECODED)[-1] + self.height

    def _tops(self, line: int) -> list[int]:
        """Return the first pixel row of a line, for each row of pairs."""
        gap = max(1, self.height // 14)
        rows = range(-(-self.count // self.columns))
        return [row * (2 * self.height + 4 * gap) + line * (self.height + gap) for row in rows]

    def _canvas(self, images: Tensor, line: int) -> np.ndarray:
        """Return images in rows of pairs, on a canvas that is bare wherever the other half of each pair goes."""
        across = min(self.count, self.columns)
        shape = (self._bottom, (across - 1) * self._step + self.width, images.shape[1])
        canvas = np.full(shape, np.nan, dtype=np.float32)
        for index, image in enumerate(images.detach().cpu().permute(0, 2, 3, 1).numpy()):
            top, left = self._tops(line)[index // self.columns], index % self.columns * self._step
            canvas[top : top + self.height, left : left + self.width] = image
        return canvas
