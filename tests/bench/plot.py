"""Frames per second against batch size as an SVG. Pure; or: plot.py RESULT.json > PLOT.svg"""

import json
import math
import sys
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 900, 460
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 50, 620, 410
# Colours that colour-blind people tell apart (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def _step(highest):
    """A round distance of grid lines: at most eight of them."""
    rough = highest / 8
    power = 10 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _text(x, y, text, anchor="start", size=13, extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>'
            f"{escape(text)}</text>")


def _spread_out(positions, distance):
    """Moves labels apart that would lie on each other, keeping their order."""
    result = []
    for position in positions:
        result.append(position if not result else max(position, result[-1] + distance))
    return result


def speed_by_batch(result):
    speed = result["network"]["speed"]
    batches = list(next(iter(speed.values())))
    highest = max(case["fps"] for row in speed.values() for case in row.values())
    step = _step(highest)
    top = step * math.ceil(highest / step)

    def x(batch):  # equal distances: 1, 4, 8, 16
        return _LEFT + (_RIGHT - _LEFT) * (batches.index(batch) + 0.5) / len(batches)

    def y(fps):
        return _BOTTOM - (_BOTTOM - _TOP) * fps / top

    facts = result["machine"]
    limit = f", no more than {facts['isa_limit']}" if facts.get("isa_limit") else ""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
             'font-family="sans-serif">',
             f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
             _text(_LEFT, 24, f"Frames per second of the network: {facts['cpu']}, "
                              f"{facts['threads']} threads{limit}, {facts['date']}", size=15)]
    for i in range(round(top / step) + 1):
        parts.append(f'<path d="M{_LEFT} {y(i * step):.1f}H{_RIGHT}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y(i * step) + 4, f"{i * step:g}", "end"))
    for batch in batches:
        parts.append(_text(x(batch), _BOTTOM + 20, batch, "middle"))
    parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 40, "batch size", "middle"))

    rows = sorted(speed, key=lambda row: -speed[row][batches[-1]]["fps"])
    labels = _spread_out([y(speed[row][batches[-1]]["fps"]) for row in rows], 16)
    too_low = max(0, labels[-1] - (_BOTTOM + 10))
    names = sorted({row.split(" ")[0] for row in rows})
    for row, label in zip(rows, labels):
        colour = _COLOURS[names.index(row.split(" ")[0]) % len(_COLOURS)]
        # bf16 in dashes; this project's lines thicker.
        dash = ' stroke-dasharray="6 4"' if "bf16" in row else ""
        width = 3 if row.startswith("gst-wav2lip") else 1.5
        points = " ".join(f"{x(batch):.1f},{y(speed[row][batch]['fps']):.1f}" for batch in batches)
        end = y(speed[row][batches[-1]]["fps"])
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                     f'stroke-width="{width}"{dash}/>')
        parts.append(f'<path d="M{x(batches[-1]) + 4:.1f} {end:.1f}L{_RIGHT + 8} '
                     f'{label - too_low:.1f}" stroke="{colour}" stroke-width=".5"/>')
        parts.append(_text(_RIGHT + 12, label - too_low + 4,
                           f"{row}: {speed[row][batches[-1]]['fps']:.1f}", extra=f' fill="{colour}"'))
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(speed_by_batch(json.load(file)), end="")
