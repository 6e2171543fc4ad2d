"""Batches to train pictures on: drawn crops with their mouth's parameters, and with speech.

Once the speech encoder is trained (train_audio.py), it is known what it hears in each window of the
speech bank, so each drawn mouth gets windows in which just that mouth is heard: the pictures'
training sees no contradictions, and its answers are as sharp as the drawings.
"""

import os
from typing import NamedTuple

import cv2
import numpy as np
import torch
from scipy.spatial import cKDTree

from network import CROP, MEL_COLUMNS
from visemes import CLOSED

# What a unit of each mouth parameter changes in a picture: open, width, round, teeth, low, tongue,
# press, ff.
_VISIBILITY = np.array((3.0, 1.6, 0.7, 1.0, 0.4, 0.4, 0.7, 0.8), np.float32)
_WINDOWS = 12           # kept for each drawn mouth
_SEARCHED = 700_000     # windows of the bank that are looked through
_CLOSED_DISTANCE = 0.05
_CLOSED_REFERENCE = 0.4  # share of references with a closed mouth
_VIDEO_SHARE = 0.5       # of inputs, coded as 4:2:0 video codes colours
_MOUTH_WEIGHT = 4.0


class Batch(NamedTuple):
    """mouth: float32 [n, 8]; mel: [n, 1, 80, 16] that sounds like it, or None; faces:
    [n, 6, 96, 96]; target: [n, 3, 96, 96], BGR 0..1; weight: [n, 1, 96, 96], larger around the
    mouth."""
    mouth: torch.Tensor
    mel: torch.Tensor
    faces: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor


def match_windows(mouths, heard, rng):
    """For each drawn mouth, windows in which such a mouth is heard.

    mouths: float [scenes, n, 8]; heard: float [columns, 8], NaN where no window starts.
    Returns int32 [scenes, n, _WINDOWS], columns where windows start.
    """
    usable = np.flatnonzero(~np.isnan(heard[:, 0]))
    usable = rng.permutation(usable)[:_SEARCHED]
    points = heard[usable].astype(np.float32) * _VISIBILITY
    tree = cKDTree(points)
    flat = mouths.reshape(-1, mouths.shape[-1]).astype(np.float32)
    _, nearest = tree.query(flat * _VISIBILITY, k=_WINDOWS, workers=-1)
    # Of closed mouths there are so many that the nearest few would always be the same ones.
    quiet = np.flatnonzero(np.linalg.norm(points - CLOSED * _VISIBILITY, axis=1) < _CLOSED_DISTANCE)
    closed = np.abs(flat - CLOSED).max(1) < 1e-3
    if len(quiet) >= _WINDOWS:
        nearest[closed] = rng.choice(quiet, (int(closed.sum()), _WINDOWS))
    return usable[nearest].astype(np.int32).reshape(*mouths.shape[:2], _WINDOWS)


def mel_windows(mel, columns):
    """mel: [all columns, 80]; columns: where windows start. Returns float32 [n, 1, 80, 16]."""
    windows = np.stack([mel[c:c + MEL_COLUMNS] for c in columns]).astype(np.float32)
    return torch.from_numpy(windows).transpose(1, 2)[:, None].contiguous()


def network_faces(references):
    """uint8 [n, 96, 96, 3] BGR -> what the network takes, float32 [n, 6, 96, 96]."""
    faces = np.concatenate([references, references], -1).astype(np.float32) / 255
    faces[:, CROP // 2:, :, :3] = 0
    return torch.from_numpy(faces).permute(0, 3, 1, 2)


def _as_video(picture):
    """Colours at half the resolution, as in decoded 4:2:0 video."""
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    return cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)


class PictureBatches:
    """Endless batches; the same ones for the same seed."""

    def __init__(self, scenes, speech=None, heard=None, seed=1):
        """scenes: folders that scenes.py wrote; speech: the folder of speech_bank.py; heard: see
        match_windows. Without speech, batches have no mel."""
        def tables(name, mode=None):
            return [np.load(os.path.join(folder, name), mmap_mode=mode) for folder in scenes]

        self._crops = tables("crops.npy", "r")  # larger than what one would copy for each process
        self._place = [(table, row) for table, crops in enumerate(self._crops)
                       for row in range(len(crops))]
        self._regions = np.concatenate(tables("regions.npy"))
        self._mouths = np.concatenate(tables("mouths.npy"))
        self._mel = speech and np.load(os.path.join(speech, "mel.npy"), mmap_mode="r")
        self._windows = speech and match_windows(self._mouths, heard, np.random.default_rng(seed))

    def _pictures(self, scenes, mouths):
        places = (self._place[scene] for scene in scenes)
        return np.stack([self._crops[table][row, mouth]
                         for (table, row), mouth in zip(places, mouths)])

    def draw(self, count, rng):
        """A Batch of count pairs, chosen by rng."""
        scenes = rng.integers(len(self._place), size=count)
        mouths = self._mouths.shape[1]
        targets = rng.integers(mouths, size=count)
        references = np.where(rng.random(count) < _CLOSED_REFERENCE, 0,
                              rng.integers(mouths, size=count))
        target, reference = self._pictures(scenes, targets), self._pictures(scenes, references)
        region = self._regions[scenes].copy()
        for i in np.flatnonzero(rng.random(count) < 0.5):
            target[i], reference[i] = target[i, :, ::-1], reference[i, :, ::-1]
            region[i, [0, 2]] = CROP - region[i, [2, 0]]
        for i in np.flatnonzero(rng.random(count) < _VIDEO_SHARE):
            reference[i] = _as_video(reference[i])
        mouth = torch.from_numpy(self._mouths[scenes, targets].astype(np.float32))
        mel = None
        if self._mel is not None:
            mel = mel_windows(self._mel, self._windows[scenes, targets,
                                                       rng.integers(_WINDOWS, size=count)])
        return Batch(mouth, mel, network_faces(reference),
                     torch.from_numpy(target.astype(np.float32) / 255).permute(0, 3, 1, 2),
                     _weights(region))


def _weights(regions):
    """regions: [n, 4] pixels -> [n, 1, 96, 96], 1 outside the mouth's surroundings."""
    at = np.arange(CROP) + 0.5
    left, top, right, bottom = (regions[:, i, None] for i in range(4))
    rows = (at >= top) & (at < bottom)
    columns = (at >= left) & (at < right)
    inside = rows[:, :, None] & columns[:, None, :]
    return torch.from_numpy(1 + (_MOUTH_WEIGHT - 1) * inside[:, None].astype(np.float32))
