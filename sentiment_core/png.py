"""Matplotlib figures as PNG files."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Matplotlib is slow to import, and only programs that plot have it
    from matplotlib.figure import Figure


def png_of(figure: "Figure") -> bytes:
    """Return a figure as PNG. Equal figures have equal bytes, because Matplotlib's version is left out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415

    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
