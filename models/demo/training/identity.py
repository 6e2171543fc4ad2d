"""Who a drawn head is: proportions, colours, hair, clothes, background; used by head.py.

Face units: origin between the eyes and the mouth, y down, chin at about 1, eyes at about -0.1.
"""

from dataclasses import dataclass

import numpy as np

from paint import blend, shade

SKIN = ((1.0, .87, .78), (.99, .80, .68), (.95, .73, .57), (.87, .63, .46), (.74, .50, .35),
        (.60, .39, .27), (.46, .29, .20))
HAIR = ((.09, .08, .09), (.17, .11, .09), (.29, .18, .12), (.44, .27, .14), (.66, .46, .22),
        (.86, .71, .42), (.60, .24, .12), (.62, .62, .64), (.86, .86, .86))
DARK_HAIR = 4  # the first rows: what goes with dark skin
IRIS = ((.26, .15, .08), (.38, .24, .12), (.22, .40, .58), (.26, .42, .26), (.36, .42, .46))
CLOTHES = ((.20, .28, .42), (.78, .32, .28), (.24, .45, .40), (.92, .89, .83), (.34, .24, .38),
           (.93, .70, .30), (.33, .36, .40), (.16, .17, .20), (.55, .70, .80), (.70, .48, .52))
BACKDROPS = ((.74, .83, .88), (.95, .85, .72), (.80, .87, .76), (.88, .80, .86), (.62, .72, .80),
             (.93, .90, .86), (.40, .50, .60), (.86, .66, .56), (.56, .66, .58), (.30, .34, .42),
             (.98, .80, .60), (.70, .70, .82))
HAIR_STYLES = ("crop", "side part", "quiff", "bob", "long", "bun", "curls", "bald", "scarf")
BEARDS = ("none", "stubble", "short", "moustache")
COLLARS = ("round", "v", "shirt", "high")
BACKGROUNDS = ("plain", "split", "discs", "window")


@dataclass
class Identity:
    """Colours are RGB of 0..1, lengths are face units, shares are 0..1."""
    skin: tuple
    lips: tuple
    hair: tuple
    iris: tuple
    clothes: tuple
    backdrop: tuple
    backdrop_accent: tuple
    hair_style: str
    beard: str
    collar: str
    background: str
    face_width: float      # half, at the cheekbones
    jaw_width: float       # half, beside the mouth
    chin_width: float      # half, near the chin's tip
    eye_distance: float    # from the middle
    eye_height: float      # y of the eyes
    eye_size: float
    brow_thickness: float
    brow_tilt: float
    brow_gap: float
    nose_y: float
    nose_width: float
    mouth_y: float
    mouth_width: float     # half, at rest
    upper_lip: float
    lower_lip: float
    hairline: float        # y
    parting: float         # -1..1
    blush: float
    freckles: bool
    lashes: float
    glasses: str           # none, round, square
    earrings: bool
    light_side: float      # -1..1: where the light comes from
    shadow: float          # how deep the dark side is
    texture_seed: int      # where freckles, curls and discs lie

    @property
    def dark_skin(self):
        """Of shadows and lines on the face."""
        return blend(shade(self.skin, .66), (.48, .18, .16), .15)


def _pick(rng, items, weights=None):
    return items[int(rng.choice(len(items), p=weights))]


def _lip_colour(rng, skin, tone, made_up):
    natural = blend(shade(skin, 0.80), (.74, .30, .30), rng.uniform(.30, .60))
    if tone > 3:
        natural = blend(shade(skin, 0.85), (.62, .26, .26), rng.uniform(.25, .55))
    if not made_up:
        return natural
    paint = _pick(rng, ((.78, .14, .20), (.72, .25, .34), (.60, .14, .24), (.85, .36, .36)))
    return blend(natural, paint, rng.uniform(.4, .8))


def random_identity(seed):
    """The Identity that belongs to a number; the same one everywhere."""
    rng = np.random.default_rng((97, seed))
    uniform = rng.uniform
    tone = int(rng.integers(len(SKIN)))
    skin = blend(SKIN[tone], SKIN[min(tone + 1, len(SKIN) - 1)], uniform(0, 1))
    hair = HAIR[int(rng.integers(DARK_HAIR if tone > 3 else len(HAIR)))]
    if tone > 3 and rng.random() < .12:
        hair = HAIR[7]
    feminine = rng.random() < .5
    style = _pick(rng, HAIR_STYLES, (.05, .10, .05, .20, .24, .16, .12, .00, .08) if feminine
                  else (.28, .24, .20, .00, .04, .00, .10, .14, .00))
    width = uniform(.66, .74)
    return Identity(
        skin=skin, lips=_lip_colour(rng, skin, tone, feminine and rng.random() < .5), hair=hair,
        iris=IRIS[int(rng.integers(2 if tone > 3 else len(IRIS)))],
        clothes=_pick(rng, CLOTHES), backdrop=shade(_pick(rng, BACKDROPS), uniform(.8, 1.05)),
        backdrop_accent=_pick(rng, BACKDROPS), hair_style=style,
        beard="none" if feminine else _pick(rng, BEARDS, (.62, .16, .14, .08)),
        collar=_pick(rng, COLLARS), background=_pick(rng, BACKGROUNDS),
        face_width=width, jaw_width=width * (uniform(.72, .82) if feminine else uniform(.80, .90)),
        chin_width=uniform(.20, .28) if feminine else uniform(.26, .36),
        eye_distance=uniform(.29, .33), eye_height=uniform(-.12, -.05),
        eye_size=uniform(1.0, 1.2) if feminine else uniform(.88, 1.05),
        brow_thickness=uniform(.035, .05) if feminine else uniform(.05, .075),
        brow_tilt=uniform(-.02, .03), brow_gap=uniform(.0, .05),
        nose_y=uniform(.24, .29), nose_width=uniform(.10, .14), mouth_y=uniform(.54, .59),
        mouth_width=uniform(.27, .32), upper_lip=uniform(.050, .070),
        lower_lip=uniform(.070, .095), hairline=uniform(-.68, -.54), parting=uniform(-1, 1),
        blush=uniform(.05, .28) if feminine else uniform(0, .12), freckles=rng.random() < .10,
        lashes=uniform(.03, .045) if feminine else uniform(.018, .028),
        glasses=_pick(rng, ("none", "round", "square"), (.82, .09, .09)),
        earrings=feminine and rng.random() < .4, light_side=uniform(-1, 1),
        shadow=uniform(.10, .30), texture_seed=int(rng.integers(1 << 30)))
