"""Measures a demo checkpoint on held-out heads and voices; prints the table of ../README.md.

    python evaluate.py --checkpoint ../wav2lip-demo.pth --speech BANK [--recordings A.wav B.wav ...]

Each clip of the speech bank's held-out splits is spoken by a head of its own that nods, turns and
blinks. The network gets the head at the frame's own pose with a closed mouth. Its answers are read
with measure.py, as the drawn truth is; figures are means over the heads.
"""

import argparse
import json
import os
from typing import NamedTuple

import numpy as np
import torch
from scipy.io import wavfile
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

from head import Pose
from measure import NAMES, read_mouth
from mel_spectrogram import COLUMNS_PER_SECOND, SAMPLE_RATE, mel_spectrogram
from network import CROP, MEL_COLUMNS, DemoNetwork
from picture_batches import mel_windows, network_faces
from scenes import HELD_OUT_IDENTITIES, draw_crop, random_scene
from speech_bank import HELD_OUT_SPLITS as SPLITS
from visemes import CLOSED, OPEN

FPS = 25
_SHIFT_FRAMES = 10  # 0.4 s
_NOISE_FLOORS_DB = (-90, -70, -60, -50)
_ENVELOPE_SMOOTHING_FRAMES = 1.5
_LOWER = CROP // 2
_LARGEST_LAG = 6


class Heard(NamedTuple):
    """A clip at FPS: columns where windows start in mel; truth float [n, 8]."""
    mel: np.ndarray
    columns: np.ndarray
    truth: np.ndarray


def _frame_columns(count):
    """The reference's windows over count columns of mel."""
    frames = int((count - MEL_COLUMNS) / COLUMNS_PER_SECOND * FPS) + 1
    return np.array([int(i * COLUMNS_PER_SECOND / FPS) for i in range(max(0, frames))])


def moving_scenes(identity_seed, count, rng):
    """The same head in every frame, moving slowly: a list of Scene."""
    scene = random_scene(identity_seed, rng)
    time = np.arange(count) / FPS
    phase, speed = rng.uniform(0, 6, 3), rng.uniform(.8, 1.8, 3)
    turn, nod, tilt = (np.sin(phase[i] + speed[i] * time) for i in range(3))
    blinks = np.maximum(0, np.cos(2 * np.pi * (time / rng.uniform(2.2, 4))) * 8 - 7)
    return [scene._replace(pose=Pose(
        yaw=.6 * turn[i], pitch=.5 * nod[i], roll=2.5 * tilt[i], blink=float(blinks[i])))
        for i in range(count)]


@torch.no_grad()
def answers(network, mel, columns, references):
    """The network's lower halves pasted over the references, float32 [n, 96, 96, 3], 0..255."""
    faces, result = network_faces(references), references.astype(np.float32)
    speech = mel_windows(mel, columns)
    lower = torch.cat([network(m, f, lower_only=True)
                       for m, f in zip(speech.split(32), faces.split(32))])
    # As the product does: truncated to levels.
    result[:, _LOWER:] = np.floor(lower.permute(0, 2, 3, 1).numpy() * 255)
    return result


def _correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-9))


def _decibels(a, b):
    return float(10 * np.log10(255 ** 2 / ((a[:, _LOWER:] - b[:, _LOWER:]) ** 2).mean()))


def measure_clip(network, heard, identity_seed, rng):
    """One head speaking one clip: a dictionary of figures."""
    scenes = moving_scenes(identity_seed, len(heard.columns), rng)
    truth = np.stack([draw_crop(s, m) for s, m in zip(scenes, heard.truth)]).astype(np.float32)
    closed = np.stack([draw_crop(s, CLOSED) for s in scenes])
    shifted = heard.columns[np.clip(np.arange(len(scenes)) + _SHIFT_FRAMES, 0, len(scenes) - 1)]
    answer = answers(network, heard.mel, heard.columns, closed)
    wrong = answers(network, heard.mel, shifted, closed)[:-_SHIFT_FRAMES]
    read = [np.stack([read_mouth(p, s) for p, s in zip(pictures, scenes)])
            for pictures in (truth, answer, wrong)]
    figures = {f"{name} correlation": _correlation(read[0][:, i], read[1][:, i])
               for i, name in enumerate(NAMES)}
    figures["opening shifted 0.4 s"] = _correlation(read[0][:-_SHIFT_FRAMES, 0], read[2][:, 0])
    figures["opening amplitude"] = float(np.polyfit(read[0][:, 0], read[1][:, 0], 1)[0])
    figures["PSNR lower half"] = _decibels(answer, truth)
    figures["PSNR copying"] = _decibels(closed.astype(np.float32), truth)
    return figures


def bank_clips(folder, split, count):
    """The first clips of a held-out split, long enough to correlate, as Heard."""
    with open(os.path.join(folder, "index.json"), encoding="utf8") as file:
        index = json.load(file)["clips"]
    mel = np.load(os.path.join(folder, "mel.npy"), mmap_mode="r")
    mouth = np.load(os.path.join(folder, "mouth.npy"), mmap_mode="r")
    clips = []
    for row in index:
        columns = row["start"] + _frame_columns(row["columns"])
        if row["split"] == split and len(columns) >= 40 and len(clips) < count:
            clips.append(Heard(mel, columns, mouth[columns].astype(np.float32)))
    return clips


def measure_split(network, folder, split, count):
    """Means over heads of measure_clip()'s figures."""
    rows = []
    for number, heard in enumerate(bank_clips(folder, split, count)):
        rng = np.random.default_rng((11, SPLITS.index(split), number))
        identity = HELD_OUT_IDENTITIES + 1000 * (SPLITS.index(split) + 1) + number
        rows.append(measure_clip(network, heard, identity, rng))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _openings(network, samples, identity_seed):
    """Opening of a still head that hears samples: float [frames], pixels, and its whole range."""
    mel = mel_spectrogram(samples)
    columns = _frame_columns(len(mel))
    scene = random_scene(identity_seed, np.random.default_rng(identity_seed))
    scene = scene._replace(pose=Pose())
    closed = np.repeat(draw_crop(scene, CLOSED)[None], len(columns), 0)
    wide = CLOSED.copy()
    wide[OPEN] = 1
    shut, whole = (read_mouth(draw_crop(scene, m), scene)[0] for m in (CLOSED, wide))
    read = [read_mouth(p, scene)[0] for p in answers(network, mel, columns, closed)]
    return np.array(read) - shut, whole - shut


def measure_silence(network, heads=4):
    """Largest mean opening over noise floors, as a share of the mouth's range."""
    worst = 0.0
    for decibels in (None,) + _NOISE_FLOORS_DB:
        rng, shares = np.random.default_rng(3), []
        for head in range(heads):
            samples = np.zeros(2 * SAMPLE_RATE)
            if decibels is not None:
                samples = rng.standard_normal(len(samples)) * 10 ** (decibels / 20)
            opening, whole = _openings(network, samples, HELD_OUT_IDENTITIES + 9000 + head)
            shares.append(np.abs(opening).mean() / whole)
        worst = max(worst, float(np.mean(shares)))
    return worst


def _read_wav(path):
    rate, samples = wavfile.read(path)
    samples = samples.astype(np.float64) / np.iinfo(samples.dtype).max
    if samples.ndim > 1:
        samples = samples.mean(1)
    divisor = np.gcd(rate, SAMPLE_RATE)
    return resample_poly(samples, SAMPLE_RATE // divisor, rate // divisor)


def speech_envelope(samples, frames):
    """Loudness per frame of FPS: smoothed root mean square."""
    hop = SAMPLE_RATE // FPS
    power = [np.mean(samples[i * hop:(i + 1) * hop] ** 2) for i in range(frames)]
    return gaussian_filter1d(np.sqrt(power), _ENVELOPE_SMOOTHING_FRAMES)


def measure_recording(network, path, heads=4):
    """(correlation of opening with loudness at the best lag, frames that the opening is ahead)."""
    samples = _read_wav(path)
    openings = []
    for head in range(heads):
        opening, whole = _openings(network, samples, HELD_OUT_IDENTITIES + 9500 + head)
        openings.append(opening / whole)
    opening = gaussian_filter1d(np.mean(openings, 0), _ENVELOPE_SMOOTHING_FRAMES)
    envelope = speech_envelope(samples, len(opening))
    lags = range(-_LARGEST_LAG, _LARGEST_LAG + 1)
    at = {lag: _correlation(opening[max(0, -lag):len(opening) - max(0, lag)],
                            envelope[max(0, lag):len(envelope) - max(0, -lag)]) for lag in lags}
    best = max(at, key=at.get)
    return at[best], best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--speech", required=True, help="folder that speech_bank.py wrote")
    parser.add_argument("--clips", type=int, default=24, help="clips (and heads) of each split")
    parser.add_argument("--recordings", nargs="*", default=[])
    options = parser.parse_args()
    network = DemoNetwork.load(options.checkpoint)
    table = {split: measure_split(network, options.speech, split, options.clips)
             for split in SPLITS}
    print("| measure | " + " | ".join(SPLITS) + " |\n" + "|---" * (len(SPLITS) + 1) + "|")
    for name in table[SPLITS[0]]:
        print(f"| {name} | " + " | ".join(f"{table[s][name]:.2f}" for s in SPLITS) + " |")
    print(f"\nSilence and noise floors: opening {100 * measure_silence(network):.1f} % of range")
    for path in options.recordings:
        correlation, lag = measure_recording(network, path)
        print(f"{os.path.basename(path)}: opening and loudness correlate {correlation:.2f}, "
              f"lag {lag} frames")


if __name__ == "__main__":
    main()
