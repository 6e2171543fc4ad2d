"""The stage timeline of one run as an SVG: a lane for each thread, its NVTX ranges in colours, and
below them how much of a core it used. Pure."""

from plot import _step, _text

_WIDTH, _LEFT, _RIGHT = 1400, 250, 1380
_TOP, _LANE, _RANGES, _LOAD = 110, 46, 22, 16
_AXIS, _LEGEND_ROW = 40, 22
_LEGEND_COLUMN = 190
_LETTER = 6.6  # about the width of one, at 11 pixels

COLOURS = {
    "w2lfacecache: detect": "#e69f00", "w2lfacecache: track": "#f0c75e",
    "w2linfer: mel": "#cc79a7", "w2linfer: crop": "#d55e00", "w2linfer: push": "#999999",
    "engine: face encoder": "#0072b2", "engine: audio encoder": "#8c510a",
    "engine: decoder": "#56b4e9", "engine: output": "#20508a", "w2lpatch: blend": "#009e73",
}
_OTHER_COLOUR, _LOAD_COLOUR = "#000000", "#909090"

_EXPLANATION = ("Blocks: NVTX ranges, and between them the thread waits. Grey: the share of a core "
                "that the thread uses, work without ranges included.")


def _short(name):
    return name.split(": ")[-1]


def _steps(items, x, bottom, height, highest):
    """An area of steps: (start ms, end ms, value), value up to `highest`."""
    parts = []
    for start, end, value in items:
        top = bottom - height * min(1.0, value / highest)
        parts.append(f"M{x(start):.1f} {bottom:.1f}V{top:.1f}H{x(end):.1f}V{bottom:.1f}Z")
    return f'<path d="{"".join(parts)}" fill="{_LOAD_COLOUR}"/>' if parts else ""


def _block(start, end, name, x, top):
    """One range, with its name where there is room."""
    left, width = x(start), max(0.8, x(end) - x(start))
    parts = [f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_RANGES}" '
             f'fill="{COLOURS.get(name, _OTHER_COLOUR)}" stroke="#fff" stroke-width=".4"><title>'
             f"{name}: {end - start:.2f} ms</title></rect>"]
    if width > _LETTER * len(_short(name)) + 6:
        parts.append(_text(left + width / 2, top + 15, _short(name), "middle", 11, ' fill="#fff"'))
    return "".join(parts)


def _lane(lane, x, top):
    load = _LOAD if lane.ranges else _RANGES + _LOAD
    parts = [_text(_LEFT - 10, top + 22, lane.label, "end", 12),
             f'<path d="M{_LEFT} {top + _LANE - 3}H{_RIGHT}" stroke="#ddd"/>',
             _steps(lane.load, x, top + _RANGES + 3 + _LOAD, load, 1.0)]
    parts += [_block(start, end, name, x, top + 1) for start, end, name in lane.ranges]
    return parts


def _legend(names, top):
    parts = []
    columns = (_WIDTH - 40) // _LEGEND_COLUMN
    for i, name in enumerate(names):
        left, y = 20 + i % columns * _LEGEND_COLUMN, top + i // columns * _LEGEND_ROW
        parts.append(f'<rect x="{left}" y="{y - 11}" width="14" height="14" '
                     f'fill="{COLOURS.get(name, _OTHER_COLOUR)}"/>')
        parts.append(_text(left + 20, y, name, size=12))
    return parts


def stage_timeline(excerpt, title, cores):
    """excerpt: of timeline.excerpt()."""
    lanes, length = excerpt["lanes"], excerpt["ms"]
    bottom = _TOP + _LANE * len(lanes)
    names = sorted({name for lane in lanes for _, _, name in lane.ranges},
                   key=lambda name: (list(COLOURS) + [name]).index(name))
    height = bottom + _AXIS + _LEGEND_ROW * (2 + len(names) * _LEGEND_COLUMN // (_WIDTH - 40))

    def x(ms):
        return _LEFT + (_RIGHT - _LEFT) * ms / length

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
             'font-family="sans-serif">',
             f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
             _text(20, 26, title, size=16), _text(20, 46, _EXPLANATION, size=12),
             _text(_LEFT - 10, _TOP - 18, f"all threads, of {cores} cores", "end", 12),
             _steps(excerpt["busy"], x, _TOP - 10, 34, cores),
             f'<path d="M{_LEFT} {_TOP - 44}H{_RIGHT}M{_LEFT} {_TOP - 10}H{_RIGHT}" '
             'stroke="#ddd" fill="none"/>']
    step = _step(length)
    for i in range(int(length / step) + 1):
        parts.append(f'<path d="M{x(i * step):.1f} {_TOP - 10}V{bottom}" stroke="#eee"/>')
        parts.append(_text(x(i * step), bottom + 14, f"{i * step:g}", "middle", 12))
    parts.append(_text((_LEFT + _RIGHT) / 2, bottom + 30, "ms", "middle", 12))
    for i, lane in enumerate(lanes):
        parts += _lane(lane, x, _TOP + i * _LANE)
    parts += _legend(names, bottom + _AXIS + 16)
    return "\n".join([*filter(None, parts), "</svg>", ""])
