"""Drawing helpers over skia-python: colours, smooth outlines, soft shapes; for head.py, mouth.py.

Colours are (red, green, blue) of 0..1, lengths are in the canvas's current units.
"""

import numpy as np
import skia


def blend(a, b, share):
    """Colour between a (share 0) and b (share 1)."""
    return tuple(x + (y - x) * share for x, y in zip(a, b))


def shade(colour, factor):
    """Darker (factor below 1) or lighter."""
    return tuple(x * factor for x in colour)


def skia_colour(colour, alpha=1.0):
    red, green, blue = (min(1.0, max(0.0, float(x))) for x in colour)
    return skia.Color4f(red, green, blue, float(alpha)).toColor()


def outline(points, closed=True):
    """Smooth path through points [(x, y)] (Catmull-Rom)."""
    points = [(float(x), float(y)) for x, y in points]
    count = len(points)

    def at(i):
        return points[i % count] if closed else points[min(max(i, 0), count - 1)]

    path = skia.PathBuilder()
    path.moveTo(*points[0])
    for i in range(count if closed else count - 1):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = at(i - 1), at(i), at(i + 1), at(i + 2)
        path.cubicTo(bx + (cx - ax) / 6, by + (cy - ay) / 6,
                     cx - (dx - bx) / 6, cy - (dy - by) / 6, cx, cy)
    if closed:
        path.close()
    return path.detach()


def mirrored(points):
    """A left-right symmetric outline from its right half, listed from top to bottom."""
    return list(points) + [(-x, y) for x, y in reversed(points) if x != 0]


def fill(colour, alpha=1.0, blur=0.0, shader=None):
    """Paint that fills; blur is the softness of the edge."""
    paint = skia.Paint(AntiAlias=True)
    paint.setColor(skia_colour(colour, alpha))
    if blur:
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur, True))
    if shader:
        paint.setShader(shader)
    return paint


def stroke(colour, width, alpha=1.0, blur=0.0):
    """Paint that draws a line with round ends."""
    paint = fill(colour, alpha, blur)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeWidth(width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    return paint


def linear(start, end, colours):
    """Gradient from start to end through colours."""
    return skia.GradientShader.MakeLinear([start, end], [skia_colour(c) for c in colours])


def radial(centre, radius, colours, stops):
    return skia.GradientShader.MakeRadial(centre, radius, [skia_colour(c) for c in colours], stops)


def ellipse(canvas, x, y, radius_x, radius_y, paint):
    canvas.drawOval(skia.Rect.MakeLTRB(x - radius_x, y - radius_y, x + radius_x, y + radius_y),
                    paint)


def box(canvas, left, top, right, bottom, radius, paint):
    """Rectangle with round corners."""
    canvas.drawRoundRect(skia.Rect.MakeLTRB(left, top, right, bottom), radius, radius, paint)


def draw_image(width, height, draw):
    """Runs draw(canvas) on a canvas of pixels. Returns uint8 [height, width, 3], BGR."""
    pixels = np.zeros((height, width, 4), np.uint8)
    surface = skia.Surface(pixels)
    draw(surface.getCanvas())
    del surface
    order = [2, 1, 0] if skia.kN32_ColorType == skia.kRGBA_8888_ColorType else [0, 1, 2]
    return np.ascontiguousarray(pixels[..., order])
