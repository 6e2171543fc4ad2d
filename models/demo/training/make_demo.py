"""Draws the demo: a clip of a talking head, and another speech for it to say.

    python make_demo.py --out ..

Writes demo-face.mp4 (1280x720, 25 fps, silent), demo-speech.wav (16 kHz) and demo-truth.json, which
says for a test how far the speech opens a mouth in each frame, and where the clip's mouth is.
Needs gst-launch-1.0 with x264enc, and flite.
"""

import argparse
import json
import os
import subprocess

import numpy as np
from scipy.io import wavfile

from head import MOUTH_DEPTH, Pose, draw_background, feature_place, place_head
from identity import random_identity
from mel_spectrogram import SAMPLE_RATE
from paint import draw_image
from scenes import HELD_OUT_IDENTITIES
from speech_bank import speak
from synthesizers import Voice
from visemes import OPEN

WIDTH, HEIGHT, FPS = 1280, 720, 25
_IDENTITY = HELD_OUT_IDENTITIES + 50
_VOICE = Voice("flite", "rms", "en")
_CENTRE, _SCALE = (WIDTH * .5, HEIGHT * .47), HEIGHT * .265  # pixels; pixels per face unit
_CLIP_TEXT = "When we filmed this clip, I was talking about the weather, the garden, and my dog."
_SPEECH_TEXT = ("Hello! My lips were made to follow this voice. "
                "A small network looks at my face, and draws each word as you hear it.")
_CLIP_SECONDS = 8.0
_QUANTIZER = 20


def _moves(count):
    """Calm head motion with two frequencies each, and a blink every few seconds."""
    time = np.arange(count) / FPS
    yaw = .45 * np.sin(.9 * time) + .15 * np.sin(2.3 * time + 1)
    pitch = .30 * np.sin(1.3 * time + .5) + .12 * np.sin(3.1 * time)
    roll = 1.8 * np.sin(.8 * time + 2) + .6 * np.sin(2.1 * time)
    sway = 10 * np.sin(.7 * time)
    blink = np.zeros(count)
    for moment in (1.1, 3.6, 5.2, 7.3):
        blink = np.maximum(blink, 1 - np.abs(time - moment) / .12)
    return [(Pose(y, p, r, float(np.clip(b * 1.4, 0, 1)), .3 * y), float(s))
            for y, p, r, b, s in zip(yaw, pitch, roll, blink, sway)]


def _encode(frames, path):
    """frames: an iterable of uint8 [720, 1280, 3] BGR."""
    caps = f"video/x-raw,format=BGR,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
    command = ["gst-launch-1.0", "-q", "fdsrc", "!", "rawvideoparse", "use-sink-caps=false",
               "format=bgr", f"width={WIDTH}", f"height={HEIGHT}", f"framerate={FPS}/1", "!", caps,
               "!", "videoconvert", "!", "video/x-raw,format=I420,colorimetry=bt709", "!",
               "x264enc", "pass=qual", f"quantizer={_QUANTIZER}", "speed-preset=veryslow",
               "key-int-max=100", "!", "video/x-h264,profile=high", "!", "mp4mux", "!", "filesink",
               f"location={path}"]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    for frame in frames:
        encoder.stdin.write(frame.tobytes())
    encoder.stdin.close()
    if encoder.wait():
        raise RuntimeError(f"{path}: encoding failed")


def draw_frame(identity, mouth, pose, sway):
    def draw(canvas):
        draw_background(canvas, identity, WIDTH, HEIGHT)
        place_head(canvas, identity, mouth, pose, (_CENTRE[0] + sway, _CENTRE[1]), _SCALE)
    return draw_image(WIDTH, HEIGHT, draw)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder")
    out = parser.parse_args().out
    identity = random_identity(_IDENTITY)

    samples, speech_mouths, _ = speak(_SPEECH_TEXT, _VOICE, 3, FPS)
    wavfile.write(os.path.join(out, "demo-speech.wav"), SAMPLE_RATE,
                  np.rint(samples * 0.8 * 32767).astype(np.int16))
    count = int(_CLIP_SECONDS * FPS)
    _, clip_mouths, _ = speak(_CLIP_TEXT, _VOICE, 4, FPS)
    clip_mouths = np.concatenate([clip_mouths, np.repeat(clip_mouths[-1:], count, 0)])[:count]
    moves = _moves(count)
    _encode((draw_frame(identity, m, p, s) for m, (p, s) in zip(clip_mouths, moves)),
            os.path.join(out, "demo-face.mp4"))

    places = []
    for pose, sway in moves:
        x, y = feature_place(pose, 0, identity.mouth_y, MOUTH_DEPTH)
        places.append([_CENTRE[0] + sway + x * _SCALE, _CENTRE[1] + y * _SCALE,
                       identity.mouth_width * _SCALE])
    with open(os.path.join(out, "demo-truth.json"), "w", encoding="utf8") as file:
        json.dump({"fps": FPS, "opening": [round(float(o), 3) for o in speech_mouths[:, OPEN]],
                   "mouth": np.round(places, 1).tolist()}, file)
    print(f"speech {len(samples) / SAMPLE_RATE:.2f} s, clip {count / FPS:.2f} s")


if __name__ == "__main__":
    main()
