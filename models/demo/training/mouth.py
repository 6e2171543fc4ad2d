"""A drawn mouth out of the mouth parameters of visemes.py: lips, cavity, teeth, tongue.

The cavity's and the teeth's colours are the same for everyone, so that what a mouth does can be
read off a picture (measure.py).
"""

import skia

from paint import blend, ellipse, fill, box, linear, outline, shade, stroke
from visemes import FF, LOW, OPEN, PRESS, ROUND, TEETH, TONGUE, WIDTH

CAVITY = (.20, .05, .07)
TEETH_COLOUR = (.97, .96, .94)
LOWER_TEETH = (.88, .86, .84)
TONGUE_COLOUR = (.76, .33, .36)

MAX_OPENING = .23     # face units between the lips at open = 1
_UPPER_SHARE = .26    # of an opening, above the line where closed lips meet
_SHUT = .012          # face units: below it a line is drawn and no cavity
_SMILE = .022         # face units: how far the corners lie above the middle, at rest


class MouthShape:
    """Where lips lie for one set of mouth parameters, in face units around (x, y)."""

    def __init__(self, identity, parameters, x, y):
        rounding, press, bite = (float(parameters[i]) for i in (ROUND, PRESS, FF))
        self.x, self.y = x, y
        self.half_width = identity.mouth_width * float(parameters[WIDTH])
        self.opening = MAX_OPENING * max(0.0, float(parameters[OPEN]))
        self.upper_lip = identity.upper_lip * (1 + .35 * rounding - .45 * press)
        self.lower_lip = identity.lower_lip * (1 + .35 * rounding - .40 * press - .30 * bite)
        self.top = y - self.opening * _UPPER_SHARE - .015 * bite
        self.bottom = y + self.opening * (1 - _UPPER_SHARE)
        self.corner = y - _SMILE * (1 - rounding)
        # Round lips close to an O, spread ones to a slit.
        self.fullness = .55 + .20 * rounding

    def _row(self, y_corner, y_middle, y_half, scale=1.0):
        w, h = self.half_width * scale, self.half_width * scale * self.fullness
        return [(self.x - w, y_corner), (self.x - h, y_half), (self.x, y_middle),
                (self.x + h, y_half), (self.x + w, y_corner)]

    def outer(self):
        top, bottom = self.top - self.upper_lip, self.bottom + self.lower_lip
        bow, w = .16 * self.upper_lip, self.half_width
        upper = [(self.x - w, self.corner), (self.x - w * .55, top + .34 * self.upper_lip),
                 (self.x - w * .20, top), (self.x, top + bow), (self.x + w * .20, top),
                 (self.x + w * .55, top + .34 * self.upper_lip), (self.x + w, self.corner)]
        lower = [(self.x + w * .58, bottom - .24 * (bottom - self.y)), (self.x + w * .15, bottom),
                 (self.x - w * .15, bottom), (self.x - w * .58, bottom - .24 * (bottom - self.y))]
        return outline(upper + lower)

    def inner(self):
        upper = self._row(self.corner, self.top, self.top + .12 * (self.y - self.top), .88)
        sag = self.bottom - .16 * (self.bottom - self.y)
        lower = self._row(self.corner, self.bottom, sag, .88)
        return outline(upper + lower[-2:0:-1])

    def seam(self):
        """The line between closed lips."""
        return outline(self._row(self.corner, self.y + .006, self.y - .002, .93), closed=False)


def _draw_lips(canvas, identity, shape):
    lips, skin = identity.lips, identity.skin
    ellipse(canvas, shape.x, shape.bottom + shape.lower_lip + .02, shape.half_width * .62, .028,
            fill(blend(shade(skin, .62), lips, .2), .45, blur=.022))
    top, bottom = shape.top - shape.upper_lip, shape.bottom + shape.lower_lip
    colours = (shade(lips, .84), shade(lips, .92), blend(lips, (1, .85, .85), .14), shade(lips, .9))
    canvas.drawPath(shape.outer(), fill(lips, shader=linear((0, top), (0, bottom), colours)))
    ellipse(canvas, shape.x, shape.bottom + shape.lower_lip * .5, shape.half_width * .30,
            shape.lower_lip * .16, fill((1, .93, .93), .30, blur=.014))


def _draw_inside(canvas, shape, parameters):
    inner = shape.inner()
    canvas.drawPath(inner, fill(CAVITY))
    canvas.save()
    canvas.clipPath(inner, True)
    teeth, low, tongue = (float(parameters[i]) for i in (TEETH, LOW, TONGUE))
    wide = shape.half_width
    if tongue > .02:
        ellipse(canvas, shape.x, shape.bottom + .04 - .06 * tongue, wide * .56, .03 + .045 * tongue,
                fill(TONGUE_COLOUR, min(1, 1.6 * tongue)))
    if low > .02:
        box(canvas, shape.x - wide * .55, shape.bottom - .045 * low, shape.x + wide * .55,
            shape.bottom + .08, .02, fill(LOWER_TEETH, min(1, 1.5 * low)))
    if teeth > .02:
        box(canvas, shape.x - wide * .70, shape.top - .08, shape.x + wide * .70,
            shape.top + .006 + .068 * teeth, .024, fill(TEETH_COLOUR, min(1, 4 * teeth)))
    canvas.restore()


def draw_mouth(canvas, identity, parameters, x, y):
    """parameters: float [8] in visemes.PARAMETERS's order; x, y: where closed lips meet."""
    shape = MouthShape(identity, parameters, x, y)
    _draw_lips(canvas, identity, shape)
    if shape.opening > _SHUT:
        _draw_inside(canvas, shape, parameters)
    else:
        canvas.drawPath(shape.seam(), stroke(shade(identity.lips, .42), .020, .95))
    for side in (-1, 1):
        ellipse(canvas, x + side * shape.half_width, shape.corner, .022, .017,
                fill(shade(identity.skin, .45), .55, blur=.010))
