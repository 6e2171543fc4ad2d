"""Makes the bank of pictures to train on: crops of drawn heads, each scene with several mouths.

    python scenes.py --speech BANK --out DIR --scenes 8000 --seed 1 [--processes 2]

A scene is one identity, pose, light and face box; its crops differ in the mouth alone, as a frame
and its answer do. DIR gets crops.npy uint8 [scenes, MOUTHS, 96, 96, 3] (BGR), mouths.npy float16
[scenes, MOUTHS, 8] (mouth 0 is closed, the rest are frames of any split of the speech bank: shapes,
no sound) and regions.npy float32 [scenes, 4]: where the mouth lies in the crops (left, top, right,
bottom, pixels).
"""

import argparse
import os
import time
from multiprocessing import Pool
from typing import NamedTuple

import cv2
import numpy as np

from head import MOUTH_DEPTH, Pose, draw_background, feature_place, place_head
from identity import Identity, random_identity
from mouth import MAX_OPENING
from paint import draw_image
from visemes import CLOSED, OPEN

CROP = 96
MOUTHS = 9
HELD_OUT_IDENTITIES = 1_000_000  # identities from here on are never trained on

# Where YuNet's box lies around a drawn head, in face units, measured over 240 heads: left, top,
# right, bottom; what moves its bottom per unit of opening; the spread that training covers.
DETECTED_BOX = (-0.695, -0.81, 0.695, 1.00)
_BOX_PER_OPENING = 0.10
_BOX_SPREAD = (0.07, 0.11, 0.07, 0.07)
_PAD_BELOW = (0.0, 0.12)  # the default pads' 10 pixels, for faces of 90 pixels and up
_OVERSAMPLING = 2
REGION_ABOVE, REGION_BELOW = 0.26, 0.22 + MAX_OPENING  # of the mouth's line, face units
_CHOSEN_WIDE = 2          # of a scene's mouths, by opening; the rest as speech has them


class Scene(NamedTuple):
    """box: face units (left, top, right, bottom); gain, gamma: of the light, per BGR channel."""
    identity: Identity
    pose: Pose
    box: tuple
    gain: np.ndarray
    gamma: float


def random_pose(rng):
    """A pose within what face detectors accept."""
    return Pose(yaw=rng.uniform(-1, 1), pitch=rng.uniform(-1, 1), roll=rng.normal(0, 3.5),
                blink=float(rng.uniform(.3, 1)) if rng.random() < .12 else 0.0,
                gaze=rng.uniform(-.6, .6))


def random_scene(identity_seed, rng, opening=0.0):
    """A scene as a detector would cut it when the mouth in the video is open this far."""
    box = [edge + rng.uniform(-spread, spread)
           for edge, spread in zip(DETECTED_BOX, _BOX_SPREAD)]
    box[3] += _BOX_PER_OPENING * opening + rng.uniform(*_PAD_BELOW)
    gain = rng.uniform(.82, 1.08) * (1 + rng.uniform(-.05, .05, 3))
    return Scene(random_identity(identity_seed), random_pose(rng), tuple(box), gain,
                 float(rng.uniform(.85, 1.2)))


def light(picture, scene):
    """The scene's light on a picture, uint8 [height, width, 3] BGR."""
    levels = (np.arange(256) / 255)[:, None] ** scene.gamma * scene.gain * 255
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return cv2.LUT(picture, table[:, None, :])


def draw_crop(scene, mouth):
    """The scene's face box with this mouth, as the network gets it: uint8 [96, 96, 3] BGR."""
    left, top, right, bottom = scene.box
    size = CROP * _OVERSAMPLING
    scale_x, scale_y = size / (right - left), size / (bottom - top)

    def draw(canvas):
        draw_background(canvas, scene.identity, size, size)
        place_head(canvas, scene.identity, mouth, scene.pose, (-left * scale_x, -top * scale_y),
                   scale_x, scale_y)

    picture = cv2.resize(draw_image(size, size, draw), (CROP, CROP), interpolation=cv2.INTER_AREA)
    return light(picture, scene)


def mouth_region(scene):
    """Where the mouth can be in the scene's crop: (left, top, right, bottom), pixels."""
    left, top, right, bottom = scene.box
    who = scene.identity
    x, y = feature_place(scene.pose, 0, who.mouth_y, MOUTH_DEPTH)
    half = who.mouth_width * 1.35
    edges = np.array([(x - half - left) / (right - left), (y - REGION_ABOVE - top) / (bottom - top),
                      (x + half - left) / (right - left),
                      (y + REGION_BELOW - top) / (bottom - top)]) * CROP
    return np.clip(edges, 0, CROP).astype(np.float32)


def choose_mouths(speech_mouths, rng, count):
    """Closed, then frames of speech: float32 [count, 8]."""
    chosen = [CLOSED]
    while len(chosen) < count:
        mouth = speech_mouths[int(rng.integers(len(speech_mouths)))].astype(np.float32)
        if len(chosen) >= count - _CHOSEN_WIDE and mouth[OPEN] < rng.uniform(.1, .9):
            continue
        chosen.append(mouth)
    return np.stack(chosen)


def _make_scene(job):
    number, seed, speech = job
    rng = np.random.default_rng((seed, number))
    mouths = choose_mouths(np.load(os.path.join(speech, "mouth.npy"), mmap_mode="r"), rng, MOUTHS)
    seen = mouths[int(rng.integers(MOUTHS))]
    scene = random_scene(seed * 100_000 + number, rng, float(seen[OPEN]))
    return np.stack([draw_crop(scene, mouth) for mouth in mouths]), mouths, mouth_region(scene)


def make_scenes(speech, folder, count, seed, processes):
    """Writes crops.npy, mouths.npy, regions.npy."""
    os.makedirs(folder, exist_ok=True)

    def table(name, kind, *shape):
        return np.lib.format.open_memmap(os.path.join(folder, name), "w+", kind, (count, *shape))

    crops = table("crops.npy", np.uint8, MOUTHS, CROP, CROP, 3)
    mouths = table("mouths.npy", np.float16, MOUTHS, len(CLOSED))
    regions = table("regions.npy", np.float32, 4)
    with Pool(processes) as pool:
        jobs = ((number, seed, speech) for number in range(count))
        for number, made in enumerate(pool.imap(_make_scene, jobs, chunksize=16)):
            crops[number], mouths[number], regions[number] = made
    for written in (crops, mouths, regions):
        written.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speech", required=True, help="folder that speech_bank.py wrote")
    parser.add_argument("--out", required=True)
    parser.add_argument("--scenes", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1, help="1..9: identities are seed * 100000 on")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if not 1 <= options.seed <= 9 or options.scenes > 100_000:
        parser.error("--seed is 1 to 9 and --scenes at most 100000: other identities are held out")
    began = time.time()
    make_scenes(options.speech, options.out, options.scenes, options.seed, options.processes)
    print(f"{options.scenes} scenes in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
