"""Draws the README's picture: a strip of a video's frames with the waveform of its sound under it.

    python make_strip.py lipsync-demo.mp4 --out ../demo-strip.png [--from 0.3 --to 3.1]

Everything is read from the video file itself. Needs gst-launch-1.0 and what decodes MP4 there.
"""

import argparse
import os
import subprocess
import tempfile

import cv2
import numpy as np
from scipy.io import wavfile

_FRAMES = 9
_TILE = (150, 190)              # pixels: width, height of a frame's part
_PART = (0.355, 0.12, 0.645, 0.77)  # of a frame: left, top, right, bottom
_WAVE_HEIGHT, _GAP = 80, 6
_INK, _PAPER, _MARK = (150, 96, 40), (255, 255, 255), (40, 120, 230)


def _read_y4m(path):
    """(frames uint8 [n, height, width, 3] BGR, frames per second) of a 4:2:0 YUV4MPEG2 file."""
    with open(path, "rb") as file:
        fields = {field[:1]: field[1:] for field in file.readline().decode().split()[1:]}
        width, height = int(fields["W"]), int(fields["H"])
        numerator, denominator = map(int, fields["F"].split(":"))
        frames = []
        while file.readline():  # "FRAME"
            planes = np.frombuffer(file.read(width * height * 3 // 2), np.uint8)
            frames.append(cv2.cvtColor(planes.reshape(height * 3 // 2, width),
                                       cv2.COLOR_YUV2BGR_I420))
    return np.stack(frames), numerator / denominator


def read_video(path):
    """(frames uint8 [n, height, width, 3] BGR, frames per second, samples float [m], rate)."""
    with tempfile.TemporaryDirectory() as folder:
        sound = os.path.join(folder, "sound.wav")
        picture = os.path.join(folder, "picture.y4m")
        subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin",
                        "name=in", "in.", "!", "queue", "!", "videoconvert", "!",
                        "video/x-raw,format=BGR", "!", "videoconvert", "!",  # drops padded rows
                        "video/x-raw,format=I420,colorimetry=bt601", "!", "y4menc", "!", "filesink",
                        f"location={picture}", "in.", "!", "queue", "!", "audioconvert", "!",
                        "audio/x-raw,format=S16LE,channels=1", "!", "wavenc", "!", "filesink",
                        f"location={sound}"], check=True)
        frames, fps = _read_y4m(picture)
        rate, samples = wavfile.read(sound)
    return frames, fps, samples / 32768, rate


def _tile(frame):
    height, width = frame.shape[:2]
    left, top, right, bottom = _PART
    part = frame[int(top * height):int(bottom * height), int(left * width):int(right * width)]
    return cv2.resize(part, _TILE, interpolation=cv2.INTER_AREA)


def draw_strip(frames, fps, samples, rate, start, stop):
    """Frames at equal distances from start to stop seconds, each above its moment of the sound."""
    times = start + (np.arange(_FRAMES) + 0.5) * (stop - start) / _FRAMES
    tiles = []
    for time in times:
        tiles += [_tile(frames[min(len(frames) - 1, int(time * fps))]),
                  np.full((_TILE[1], _GAP, 3), _PAPER, np.uint8)]
    faces = np.hstack(tiles[:-1])
    wave = np.full((_WAVE_HEIGHT, faces.shape[1], 3), _PAPER, np.uint8)
    edges = np.linspace(start * rate, stop * rate, faces.shape[1] + 1).astype(int)
    largest = np.abs(samples).max() or 1
    for x, (first, last) in enumerate(zip(edges[:-1], edges[1:])):
        part = samples[first:max(last, first + 1)] / largest
        if len(part):
            top, bottom = (int(_WAVE_HEIGHT * (0.5 - 0.48 * v)) for v in (part.max(), part.min()))
            cv2.line(wave, (x, top), (x, bottom), _INK)
    for number in range(_FRAMES):
        x = int((number + 0.5) * faces.shape[1] / _FRAMES)
        cv2.line(wave, (x, 0), (x, 7), _MARK, 2)
    return np.vstack([faces, np.full((_GAP, faces.shape[1], 3), _PAPER, np.uint8), wave])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--out", required=True)
    parser.add_argument("--from", dest="start", type=float, default=0.3, help="seconds")
    parser.add_argument("--to", dest="stop", type=float, default=3.1, help="seconds")
    options = parser.parse_args()
    strip = draw_strip(*read_video(options.video), options.start, options.stop)
    if not cv2.imwrite(options.out, strip):
        raise SystemExit(f"{options.out} cannot be written")


if __name__ == "__main__":
    main()
