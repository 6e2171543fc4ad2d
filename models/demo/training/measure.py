"""Reads what a drawn mouth does off a picture: opening, width, teeth; used by evaluate.py.

Each pixel around the mouth is shared among the colours that a head is drawn with, as the scene's
light shows them, so that blurred edges count in part. The same reading is taken of the drawn truth
and of a network's answer; nothing is learned.
"""

import numpy as np

from mouth import CAVITY, LOWER_TEETH, TEETH_COLOUR, TONGUE_COLOUR
from paint import blend, shade
from scenes import REGION_ABOVE, REGION_BELOW, light, mouth_region

_SOFTNESS = 0.05      # colour distance (of 0..1 per channel) at which a share falls to 0.6
_MIDDLE = (0.3, 0.7)  # of the region's width: the columns in which opening is read
_BAND = 4             # pixels above and below the line of closed lips where width is read
NAMES = ("opening", "width", "teeth")


def _palette(scene):
    """The colours around the mouth as the scene shows them, [n, 3] BGR of 0..1, and their kinds:
    0 outside the mouth, 1 lips, 2 inside, 3 teeth."""
    who = scene.identity
    outside = [who.skin, blend(who.skin, who.dark_skin, .5), shade(who.skin, .9)]
    if who.beard != "none":  # stubble is drawn thinly: what shows is nearly skin
        outside.append(blend(who.hair, who.skin, .12 if who.beard == "short" else .6))
    lips = [who.lips, shade(who.lips, .84), blend(who.lips, (1, .85, .85), .14)]
    inside = [CAVITY, TONGUE_COLOUR, TEETH_COLOUR, LOWER_TEETH]
    colours = np.array(outside + lips + inside)[:, ::-1]
    shown = light(np.clip(np.rint(colours[None] * 255), 0, 255).astype(np.uint8), scene)[0] / 255
    return shown.astype(np.float32), np.array([0] * len(outside) + [1] * len(lips) + [2, 2, 3, 3])


def read_mouth(picture, scene):
    """picture: uint8 or float (0..255) [96, 96, 3] BGR, a crop of the scene.

    Returns float [3]: opening (pixels, with an offset that is the head's own; the mean height in
    the mouth's middle of what is between the lips and of lips and inside together: where a tongue
    has the lips' colour only the second grows, where lips get thin only the first is right), width
    (of the lips, pixels), teeth (area, pixels).
    """
    colours, kinds = _palette(scene)
    left, top, right, bottom = np.rint(mouth_region(scene)).astype(int)
    pixels = np.asarray(picture[top:bottom, left:right], np.float32)[:, :, None] / 255
    distance = ((pixels - colours) ** 2).sum(-1)
    share = np.exp(-(distance - distance.min(-1, keepdims=True)) / (2 * _SOFTNESS ** 2))
    share /= share.sum(-1, keepdims=True)
    inside, teeth = share[..., kinds >= 2].sum(-1), share[..., kinds == 3].sum(-1)
    mouth = share[..., kinds >= 1].sum(-1)
    columns = inside.shape[1]
    middle = slice(int(columns * _MIDDLE[0]), int(columns * _MIDDLE[1]))
    height = (inside[:, middle] + mouth[:, middle]).sum(0).mean() / 2
    return np.array([height, _spread(mouth), teeth.sum()])


def _spread(mouth):
    """Width of lips that close to a line: from the columns' standard deviation, that of a bar."""
    line = int(mouth.shape[0] * REGION_ABOVE / (REGION_ABOVE + REGION_BELOW))
    band = mouth[max(0, line - _BAND):line + _BAND]
    lips = np.clip(np.sort(band, axis=0)[-2:].mean(0) * 2 - 1, 0, 1)  # two pixels make a column
    total = max(float(lips.sum()), 1e-6)
    x = np.arange(len(lips))
    centre = (lips * x).sum() / total
    return float(np.sqrt(12 * (lips * (x - centre) ** 2).sum() / total))
