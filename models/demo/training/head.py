"""A drawn talking head: draw_head() paints an Identity with a mouth and a pose onto a skia canvas.

The head is flat, and turns by moving its features by their depth (2.5D). Everything is in face
units; the caller's matrix places the head. Order: behind the face, the face, in front of it.
"""

from dataclasses import dataclass

import numpy as np
import skia

from mouth import draw_mouth
from paint import (blend, box, ellipse, fill, linear, mirrored, outline, radial, shade, stroke)
from visemes import OPEN

JAW_DROP = .05        # of the chin, at open = 1
MOUTH_DEPTH = .85
_YAW_SHIFT = .10      # of a feature at depth 1, at yaw 1
_PITCH_SHIFT = .06


@dataclass
class Pose:
    """yaw, pitch: -1..1, to the picture's right and down (1 is about 20 degrees); roll: degrees;
    blink: 0 open .. 1 shut; gaze: -1..1 to the right."""
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blink: float = 0.0
    gaze: float = 0.0


def _turned(pose, x, y, depth):
    return x + pose.yaw * _YAW_SHIFT * depth, y + pose.pitch * _PITCH_SHIFT * depth


def feature_place(pose, x, y, depth):
    """Where the pose puts a feature, in face units: depth 1 is the nose's tip, 0 the ears. The
    roll, which turns the head as a whole, is included."""
    x, y = _turned(pose, x, y, depth)
    turn = np.deg2rad(pose.roll)
    return x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)


class _Head:
    """One head on one canvas: what its parts share."""

    def __init__(self, canvas, identity, mouth, pose):
        self.canvas, self.who, self.mouth, self.pose = canvas, identity, mouth, pose
        self.jaw = JAW_DROP * float(mouth[OPEN])
        self.dark_skin = identity.dark_skin
        self.dark_hair = shade(identity.hair, .68)
        self.light_hair = blend(identity.hair, (1, 1, 1), .16)
        self.face = outline(mirrored(self._face_points()))

    def at(self, x, y, depth):
        """Where a feature at this depth lies: 1 is the tip of the nose, 0 the ears."""
        return _turned(self.pose, x, y, depth)

    def _face_points(self):
        who, drop = self.who, self.jaw
        return [(0, -1.0), (who.face_width * .58, -.93), (who.face_width * .95, -.55),
                (who.face_width, -.08), (who.face_width * .965, .30),
                (who.jaw_width, .66 + .6 * drop), (who.chin_width, .95 + drop), (0, 1.0 + drop)]

    # Behind the face.

    def hair_behind(self):
        who, sway = self.who, -self.pose.yaw * .03
        style, canvas, dark = who.hair_style, self.canvas, fill(self.dark_hair)
        if style == "long":
            canvas.drawPath(outline(mirrored([(0, -1.16), (.62, -1.02), (.92, -.35), (.95, .55),
                                              (1.02, 1.30), (.80, 1.62), (0, 1.62)])), dark)
        elif style == "bob":
            canvas.drawPath(outline(mirrored([(0, -1.14), (.62, -1.0), (.92, -.35), (.96, .35),
                                              (.86, .82), (.60, .90), (0, .8)])), dark)
        elif style == "bun":
            ellipse(canvas, sway * 2, -1.22, .34, .30, fill(who.hair))
            ellipse(canvas, sway * 2, -1.22, .34, .30, stroke(self.dark_hair, .02, .6))
        elif style == "curls":
            rng = np.random.default_rng(who.texture_seed)
            for angle in np.linspace(-.15, np.pi + .15, 15):
                ellipse(canvas, sway + .80 * np.cos(angle), -.30 - .78 * np.sin(angle),
                        rng.uniform(.19, .25), rng.uniform(.19, .25), dark)
        elif style == "scarf":
            canvas.drawPath(outline(mirrored([(0, -1.22), (.66, -1.05), (.93, -.3), (.90, .5),
                                              (.92, 1.2), (1.1, 1.7), (0, 1.9)])),
                            fill(shade(who.clothes, .8)))

    def shoulders(self):
        who, canvas = self.who, self.canvas
        neck = min(.44, who.jaw_width * .74)
        neck_paint = fill(who.skin, shader=linear(
            (0, .85), (0, 1.5), (self.dark_skin, blend(who.skin, self.dark_skin, .35))))
        canvas.drawPath(outline([(-neck, .4), (neck, .4), (neck * 1.02, 1.2), (neck * 1.5, 1.6),
                                 (0, 2.3), (-neck * 1.5, 1.6), (-neck * 1.02, 1.2)]), neck_paint)
        dip = {"round": 1.62, "v": 1.95, "shirt": 1.75, "high": 1.36}[who.collar]
        body = outline([(-2.3, 3.4), (-2.1, 2.05), (-1.2, 1.66), (-neck * 1.25, 1.42), (0, dip),
                        (neck * 1.25, 1.42), (1.2, 1.66), (2.1, 2.05), (2.3, 3.4)])
        cloth = linear((0, 1.3), (0, 2.8), (who.clothes, shade(who.clothes, .72)))
        canvas.drawPath(body, fill(who.clothes, shader=cloth))
        if who.collar == "high":
            box(canvas, -neck * 1.12, 1.16, neck * 1.12, 1.50, .10, fill(shade(who.clothes, .90)))
        elif who.collar == "shirt":
            for side in (-1, 1):
                flap = [(side * neck * 1.1, 1.36), (side * .10, 1.70), (side * .34, 1.98),
                        (side * neck * 1.75, 1.55)]
                path = skia.PathBuilder()
                path.moveTo(*map(float, flap[0]))
                for point in flap[1:]:
                    path.lineTo(*map(float, point))
                path.close()
                canvas.drawPath(path.detach(), fill(blend(who.clothes, (1, 1, 1), .22)))

    def ears(self):
        who = self.who
        if who.hair_style in ("long", "bob", "scarf"):
            return
        for side in (-1, 1):
            x = side * who.face_width * 1.01 - self.pose.yaw * .035
            ellipse(self.canvas, x, .03, .10, .17, fill(blend(who.skin, self.dark_skin, .3)))
            ellipse(self.canvas, x + side * .01, .03, .055, .10,
                    fill(blend(who.skin, self.dark_skin, .8), .8, blur=.015))
            if who.earrings:
                ellipse(self.canvas, x, .22, .032, .032, fill((.93, .80, .42)))

    # The face.

    def skin(self):
        who, canvas = self.who, self.canvas
        lit = self.at(who.light_side * .35, -.15, 1.0)
        edge = blend(who.skin, self.dark_skin, .35 + who.shadow)
        canvas.drawPath(self.face, fill(who.skin, shader=radial(
            lit, 1.35, (blend(who.skin, (1, 1, 1), .08), who.skin, edge), (0, .55, 1))))
        canvas.save()
        canvas.clipPath(self.face, True)
        side = -np.sign(who.light_side) or 1
        ellipse(canvas, side * who.face_width * 1.12, .15, .34, 1.1,
                fill(self.dark_skin, who.shadow, blur=.13))
        for cheek in (-1, 1):
            x, y = self.at(cheek * .42, .28, .5)
            ellipse(canvas, x, y, .17, .12, fill((.92, .38, .34), who.blush, blur=.07))
        if who.freckles:
            self._freckles()
        if who.beard in ("stubble", "short"):
            self._beard()
        if who.hair_style not in ("bald", "long"):
            ellipse(canvas, 0, who.hairline - .02, .62, .16, fill(self.dark_skin, .35, blur=.07))
        canvas.restore()

    def _freckles(self):
        rng = np.random.default_rng(self.who.texture_seed)
        for _ in range(26):
            x, y = self.at(rng.normal(0, .30), rng.normal(.24, .06), .6)
            ellipse(self.canvas, x, y, .013, .013, fill(self.dark_skin, .6))

    def _beard(self):
        """From the ears down around the mouth; the lips are drawn over it."""
        who, drop = self.who, self.jaw
        short = who.beard == "short"
        x, y = self.at(0, who.mouth_y, .8)
        upper = [(x, y - .155), (x + .20, y - .150), (x + .40, y - .02),
                 (who.face_width * .93, .10)]
        upper_left = [(2 * x - a, b) for a, b in upper[:3]] + [(-who.face_width * .93, .10)]
        lower = [(who.face_width * 1.15, .12), (who.jaw_width * 1.2, .80), (0, 1.25 + drop)]
        path = outline(upper + lower + [(-a, b) for a, b in reversed(lower[:2])]
                       + upper_left[:0:-1])
        self.canvas.drawPath(path, fill(blend(who.hair, who.skin, .12 if short else .45),
                                        .92 if short else .38, blur=.022 if short else .04))

    def moustache(self):
        if self.who.beard != "moustache":
            return
        x, y = self.at(0, self.who.mouth_y - self.who.upper_lip - .035, .9)
        half = [(0, y - .045), (.14, y - .035), (.27, y + .015), (.30, y + .045), (.16, y + .012),
                (0, y + .008)]
        self.canvas.drawPath(outline([(x + a, b) for a, b in mirrored(half)]),
                             fill(self.dark_hair))

    def nose(self):
        who, canvas = self.who, self.canvas
        x, y = self.at(0, who.nose_y, 1.15)
        bridge_x, _ = self.at(0, 0, .6)
        side = -np.sign(who.light_side) or 1
        canvas.drawPath(outline([(bridge_x + side * .05, -.06), (x + side * .055, y - .16),
                                 (x + side * who.nose_width * .85, y)], closed=False),
                        stroke(self.dark_skin, .035, .40, blur=.018))
        ellipse(canvas, x, y + .028, who.nose_width, .034, fill(self.dark_skin, .60, blur=.018))
        ellipse(canvas, x, y - .02, who.nose_width * .62, .060,
                fill(blend(who.skin, (1, 1, 1), .22), .85, blur=.022))
        for nostril in (-1, 1):
            ellipse(canvas, x + nostril * who.nose_width * .48, y + .036, .028, .014,
                    fill(shade(self.dark_skin, .50), .85, blur=.005))

    def eyes(self):
        who, (_, y) = self.who, self.at(0, self.who.eye_height, .7)
        for side in (-1, 1):
            x, _ = self.at(side * who.eye_distance, 0, .7)
            self.canvas.save()
            self.canvas.translate(x, y)
            self.canvas.scale(side * who.eye_size, who.eye_size)
            self._eye(side)
            self._brow()
            self.canvas.restore()
        if who.glasses != "none":
            self._glasses(y)

    def _eye(self, side):
        """The eye on the right; the left one is drawn mirrored."""
        who, canvas, blink = self.who, self.canvas, self.pose.blink
        ellipse(canvas, 0, -.03, .175, .125, fill(self.dark_skin, .30, blur=.04))
        top, bottom = .092 * (1 - blink) + .002, .055 - .02 * blink
        lid = [(-.140, .022), (-.075, -top * .80), (.01, -top), (.095, -top * .62), (.150, -.004)]
        white = outline(lid + [(.07, bottom), (-.04, bottom + .008)])
        if blink < .9:
            canvas.drawPath(white, fill((.97, .97, .96)))
            canvas.save()
            canvas.clipPath(white, True)
            x = side * (.02 * self.pose.yaw + .035 * self.pose.gaze)
            ellipse(canvas, x, -.014, .068, .072, fill(shade(who.iris, .55)))
            ellipse(canvas, x, -.012, .056, .060, fill(blend(who.iris, (1, 1, 1), .10)))
            ellipse(canvas, x, -.014, .031, .034, fill((.04, .03, .04)))
            ellipse(canvas, x + side * .022, -.038, .016, .016, fill((1, 1, 1)))
            ellipse(canvas, 0, -top, .17, .030, fill((.15, .08, .08), .35, blur=.012))
            canvas.restore()
        else:
            canvas.drawPath(white, fill(blend(who.skin, self.dark_skin, .5)))
        lashes = [(a, b - .004) for a, b in lid] + [(.168, -.022)]
        canvas.drawPath(outline(lashes, closed=False), stroke((.12, .07, .07), who.lashes))
        crease = [(-.11, -.05), (-.02, -.125), (.08, -.118), (.15, -.06)]
        canvas.drawPath(outline(crease, closed=False), stroke(self.dark_skin, .012, .55))

    def _brow(self):
        who = self.who
        y, tilt, thick = -.235 - who.brow_gap, who.brow_tilt, who.brow_thickness
        points = [(-.15, y + .012 - tilt), (-.02, y - .012), (.10, y - .02), (.20, y + .035 + tilt),
                  (.10, y - .02 + thick * .7), (-.02, y - .012 + thick),
                  (-.15, y + .012 - tilt + thick * .9)]
        hair = self.dark_hair if sum(who.hair) < 1.9 else shade(who.hair, .62)
        self.canvas.drawPath(outline(points), fill(hair, .92, blur=.006))

    def _glasses(self, y):
        frame = stroke((.13, .12, .15), .026)
        inner = .12
        for side in (-1, 1):
            x, _ = self.at(side * self.who.eye_distance, 0, .8)
            radius = .22
            corner = radius if self.who.glasses == "round" else .07
            box(self.canvas, x - radius, y - radius * .9, x + radius, y + radius * .95, corner,
                frame)
            inner = abs(x) - radius
        x, _ = self.at(0, 0, .8)
        self.canvas.drawPath(outline([(x - inner, y - .03), (x, y - .055), (x + inner, y - .03)],
                                     closed=False), frame)

    def mouth_and_chin(self):
        who = self.who
        x, y = self.at(0, who.mouth_y, MOUTH_DEPTH)
        chin = y + who.lower_lip + .14 + .24 * float(self.mouth[OPEN])
        ellipse(self.canvas, x, chin, .15, .022, fill(self.dark_skin, .32, blur=.025))
        draw_mouth(self.canvas, who, self.mouth, x, y)

    # In front of the face.

    def hair_before(self):
        who, canvas = self.who, self.canvas
        style, line = who.hair_style, who.hairline
        if style == "bald":
            return
        w, gloss = who.face_width, linear((-.5, -1.15), (.45, -.3), (self.light_hair, who.hair))
        if style == "scarf":
            self._scarf(w)
            return
        paint = fill(who.hair, shader=gloss)
        part = who.parting * .38
        crown = [(-w - .06, -.10), (-w - .13, -.55), (-.60, -1.03), (-.02, -1.19), (.60, -1.03),
                 (w + .13, -.55), (w + .06, -.10)]
        fringes = {
            "crop": [(w * .97, -.30), (w * .84, line + .02), (0, line - .10),
                     (-w * .84, line + .02), (-w * .97, -.30)],
            "quiff": [(w * .97, -.30), (w * .80, line - .04), (.1, line - .20),
                      (-w * .80, line - .04), (-w * .97, -.30)],
            "bun": [(w * .97, -.25), (w * .80, line - .02), (part, line - .16),
                    (-w * .80, line - .02), (-w * .97, -.25)],
            "curls": [(w * .96, -.25), (w * .78, line + .02), (0, line - .06),
                      (-w * .78, line + .02), (-w * .96, -.25)],
        }
        swept = [(w * .98, -.02), (w * .88, line + .16), (part + .28, line - .06),
                 (part, line - .24), (part - .28, line - .06), (-w * .88, line + .16),
                 (-w * .98, -.02)]
        if style == "quiff":
            crown[2:5] = [(-.66, -1.12), (-.05, -1.34), (.62, -1.14)]
        canvas.drawPath(outline(crown + fringes.get(style, swept)), paint)
        if style in ("long", "bob"):
            self._locks(w, paint)
        if style == "curls":
            rng = np.random.default_rng(who.texture_seed + 1)
            for x in np.linspace(-.62, .62, 8):
                ellipse(canvas, x, line - .18 - .22 * (1 - (x / .7) ** 2), rng.uniform(.15, .19),
                        rng.uniform(.15, .18), fill(who.hair))

    def _locks(self, w, paint):
        """Hair that falls beside the face."""
        bottom = 1.15 if self.who.hair_style == "long" else .74
        for side in (-1, 1):
            lock = [(side * (w + .02), -.55), (side * (w + .22), .0), (side * (w + .25), bottom),
                    (side * (w + .06), bottom + .05), (side * (w + .0), .45),
                    (side * w * .965, .0), (side * w * .9, -.40)]
            self.canvas.drawPath(outline(lock), paint)

    def _scarf(self, w):
        who = self.who
        rim = outline(mirrored([(0, -1.20), (w * .85, -1.0), (w + .20, -.25), (w + .16, .50),
                                (.55, 1.22), (0, 1.36)]))
        face_hole = outline(mirrored([(0, who.hairline - .05), (w * .62, who.hairline + .08),
                                      (w * .97, -.10), (w * .96, .34),
                                      (who.jaw_width * .99, .70), (who.chin_width * 1.02, .99),
                                      (0, 1.06)]))
        self.canvas.save()
        self.canvas.clipPath(face_hole, skia.ClipOp.kDifference, True)
        cloth = linear((-.6, -1.1), (.6, 1.2), (blend(who.clothes, (1, 1, 1), .12),
                                                shade(who.clothes, .85)))
        self.canvas.drawPath(rim, fill(who.clothes, shader=cloth))
        self.canvas.restore()


def draw_head(canvas, identity, mouth, pose):
    """mouth: float [8], visemes.PARAMETERS. The canvas's unit is the face unit, see identity.py."""
    head = _Head(canvas, identity, mouth, pose)
    for part in (head.hair_behind, head.shoulders, head.ears, head.skin, head.nose, head.moustache,
                 head.mouth_and_chin, head.eyes, head.hair_before):
        part()


def draw_background(canvas, identity, width, height):
    """Fills the canvas, whose unit is the pixel here."""
    who, rng = identity, np.random.default_rng(identity.texture_seed + 2)
    back, accent = who.backdrop, who.backdrop_accent
    canvas.drawPaint(fill(back, shader=linear((0, 0), (width * .3, height),
                                              (blend(back, (1, 1, 1), .10), shade(back, .86)))))
    if who.background == "split":
        x = width * rng.uniform(.15, .85)
        box(canvas, x, -9, width * 2, height * 2, 0, fill(accent, .55))
    elif who.background == "discs":
        for _ in range(7):
            radius = height * rng.uniform(.05, .22)
            ellipse(canvas, rng.uniform(0, width), rng.uniform(0, height), radius, radius,
                    fill(accent, rng.uniform(.15, .40), blur=height * .004))
    elif who.background == "window":
        x, y, w = width * rng.uniform(.02, .5), height * rng.uniform(-.1, .1), width * .42
        box(canvas, x, y, x + w, y + height * .8, 6, fill(blend(accent, (1, 1, 1), .5), .65))
        frame = stroke(shade(back, .8), height * .014)
        box(canvas, x, y, x + w, y + height * .8, 6, frame)
        canvas.drawLine(x + w / 2, y, x + w / 2, y + height * .8, frame)


def place_head(canvas, identity, mouth, pose, centre, scale_x, scale_y=None):
    """draw_head with its origin at pixel centre, scale pixels per face unit."""
    canvas.save()
    canvas.translate(*centre)
    canvas.scale(scale_x, scale_y or scale_x)
    canvas.rotate(pose.roll)
    draw_head(canvas, identity, mouth, pose)
    canvas.restore()
