"""A horizontal histogram as an SVG drawing, for a browser and for a slide.

Belongs here: geometry, colours, escaping. Does not belong here: what is counted, and its words
(what_if_files.py). The same bars always make the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Final

_WIDTH: Final = 880
_LABELS: Final = 170
_BARS: Final = 420
_HEAD: Final = 84
_ROW: Final = 26
_BAR_HEIGHT: Final = 18
_FOOT: Final = 16
_GAP: Final = 10
_FONT: Final = "font-family='Helvetica, Arial, sans-serif'"


class Tone(StrEnum):
    """The colour of a bar; told apart also by who sees no red and green."""

    LESS = "#b35806"
    SAME = "#8a8a8a"
    MORE = "#2166ac"
    OTHER = "#6a51a3"


@dataclass(frozen=True)
class Bar:
    """A bar: what it is of, how long it is, what stands behind it."""

    label: str
    count: int
    remark: str
    tone: Tone


def histogram(title: str, subtitle: str, bars: Sequence[Bar]) -> str:
    """Draw bars below each other, the longest one over all the width; returns an SVG document."""
    height = _HEAD + _ROW * len(bars) + _FOOT
    most = max([bar.count for bar in bars] + [1])
    drawn = "\n".join(line for place, bar in enumerate(bars) for line in _row(place, bar, most))
    return f"""\
<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}'
    width='{_WIDTH}' height='{height}' role='img' {_FONT}>
<title>{escape(title)}</title>
<rect width='{_WIDTH}' height='{height}' fill='#ffffff'/>
{_text(16, 32, title, "font-size='20' font-weight='bold'")}
{_text(16, 56, subtitle, "font-size='14'")}
<line x1='{_LABELS}' y1='{_HEAD - 8}' x2='{_LABELS}' y2='{height - _FOOT + 4}' stroke='#bbbbbb'/>
{drawn}
</svg>
"""


def _row(place: int, bar: Bar, most: int) -> list[str]:
    top = _HEAD + _ROW * place
    base = top + _BAR_HEIGHT - 4
    label = "font-size='14' text-anchor='end'"
    if not bar.count:
        return [_text(_LABELS - _GAP, base, bar.label, f"{label} fill-opacity='0.55'")]
    length = max(_BARS * bar.count // most, 2)
    place_and_size = f"x='{_LABELS}' y='{top}' width='{length}' height='{_BAR_HEIGHT}'"
    return [
        _text(_LABELS - _GAP, base, bar.label, label),
        f"<rect {place_and_size} fill='{bar.tone}'/>",
        _text(_LABELS + length + _GAP, base, bar.remark, "font-size='14'"),
    ]


def _text(left: int, base: int, words: str, style: str) -> str:
    return f"<text x='{left}' y='{base}' {style} fill='#222222'>{escape(words)}</text>"
