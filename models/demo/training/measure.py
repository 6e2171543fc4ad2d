"""Reads what a drawn mouth does off a picture: opening, width, teeth; used by evaluate.py.

Each pixel around the mouth is shared among the colours that a head is drawn with, as the scene's
light shows them, so that blurred edges count in part. The same reading is taken of the drawn truth
and of a network's answer; nothing is learned.
"""

from functools import lru_cache

import numpy as np

from mouth import CAVITY, LOWER_TEETH, TEETH_COLOUR, TONGUE_COLOUR
from paint import blend, shade
from scenes import REGION_ABOVE, REGION_BELOW, light, mouth_region

_SOFTNESS = 0.05      # colour distance (of 0..1 per channel) at which a share falls to 0.6
_MIDDLE = (0.3, 0.7)  # of the region's width: the columns in which opening is read
_BAND = 4             # pixels above and below the line of closed lips where width is read
NAMES = ("opening", "width", "teeth")


@lru_cache(maxsize=1024)
def _prepare(key):
    scene = key.scene
    who = scene.identity
    dark = blend(shade(who.skin, .66), (.48, .18, .16), .15)
    outside = [who.skin, blend(who.skin, dark, .5), shade(who.skin, .9)]
    if who.beard != "none":
        outside.append(blend(who.hair, who.skin, .12 if who.beard == "short" else .6))
    lips = [who.lips, shade(who.lips, .84), blend(who.lips, (1, .85, .85), .14)]
    inside = [CAVITY, TONGUE_COLOUR, TEETH_COLOUR, LOWER_TEETH]
    colours = np.array(outside + lips + inside)[:, ::-1]
    shown = light(np.clip(np.rint(colours[None] * 255), 0, 255).astype(np.uint8), scene)[0] / 255
    kinds = np.array([0] * len(outside) + [1] * len(lips) + [2, 2, 3, 3])
    left, top, right, bottom = np.rint(mouth_region(scene)).astype(int)
    return shown, kinds, (slice(top, bottom), slice(left, right))


class _Key:
    """A scene as a dictionary's key: by identity of the object."""

    def __init__(self, scene):
        self.scene = scene

    def __hash__(self):
        return id(self.scene)

    def __eq__(self, other):
        return self.scene is other.scene


def read_mouth(picture, scene):
    """picture: uint8 or float (0..255) [96, 96, 3] BGR, a crop of the scene.

    Returns float [3]: opening (mean height of what is between the lips in the mouth's middle,
    pixels), width (of the lips, pixels), teeth (area, pixels).
    """
    colours, kinds, region = _prepare(_Key(scene))
    pixels = np.asarray(picture[region], np.float32)[:, :, None] / 255
    distance = ((pixels - colours.astype(np.float32)) ** 2).sum(-1)
    share = np.exp(-(distance - distance.min(-1, keepdims=True)) / (2 * _SOFTNESS ** 2))
    share /= share.sum(-1, keepdims=True)
    inside, teeth = share[..., kinds >= 2].sum(-1), share[..., kinds == 3].sum(-1)
    mouth = share[..., kinds >= 1].sum(-1)
    columns = inside.shape[1]
    middle = slice(int(columns * _MIDDLE[0]), int(columns * _MIDDLE[1]))
    return np.array([inside[:, middle].sum(0).mean(), _spread(mouth), teeth.sum()])


def _spread(mouth):
    """Width of lips that close to a line: from the columns' standard deviation, that of a bar."""
    line = int(mouth.shape[0] * REGION_ABOVE / (REGION_ABOVE + REGION_BELOW))
    band = mouth[max(0, line - _BAND):line + _BAND]
    lips = np.clip(np.sort(band, axis=0)[-2:].mean(0) * 2 - 1, 0, 1)  # two pixels make a column
    total = max(float(lips.sum()), 1e-6)
    x = np.arange(len(lips))
    centre = (lips * x).sum() / total
    return float(np.sqrt(12 * (lips * (x - centre) ** 2).sum() / total))
