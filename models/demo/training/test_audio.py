"""What the speech encoder's training promises: python -m unittest test_audio. Needs PyTorch."""

import argparse
import json
import os
import tempfile
import unittest

import numpy as np
import torch

import train_audio
from mel_spectrogram import SILENCE
from network import MEL_COLUMNS, SPEECH_CHANNELS
from visemes import CLOSED, OPEN

_COLUMNS = 60
_CLIPS = ("train",) * 6 + ("seen", "voice", "language", "synthesiser")


def write_bank(folder):
    """A bank in which the mouth opens as the sound of the window's fourth column gets louder."""
    rng = np.random.default_rng(1)
    total = _COLUMNS * len(_CLIPS)
    loudness = np.convolve(rng.random(total + 8), np.ones(9) / 9, "valid")
    mel = np.repeat((loudness * 8 - 6)[:, None], 80, 1) + .1 * rng.standard_normal((total, 80))
    mouth = np.tile(CLOSED, (total, 1))
    mouth[:, OPEN] = np.roll(loudness, -3)
    np.save(os.path.join(folder, "mel.npy"), mel.clip(-4, 4).astype(np.float16))
    np.save(os.path.join(folder, "mouth.npy"), mouth.astype(np.float16))
    clips = [dict(start=i * _COLUMNS, columns=_COLUMNS, split=split)
             for i, split in enumerate(_CLIPS)]
    with open(os.path.join(folder, "index.json"), "w", encoding="utf8") as file:
        json.dump(dict(clips=clips), file)


class AugmentTest(unittest.TestCase):
    def test_stays_a_mel(self):
        torch.manual_seed(1)
        windows = torch.rand(64, MEL_COLUMNS, 80) * 8 - 4
        changed = train_audio.augment(windows)
        self.assertEqual(changed.shape, windows.shape)
        self.assertLessEqual(changed.abs().max(), 4)
        self.assertGreater((changed - windows).abs().mean(), 0.05)

    def test_silence_stays_quieter_than_speech(self):
        torch.manual_seed(2)
        changed = train_audio.augment(torch.full((64, MEL_COLUMNS, 80), SILENCE))
        self.assertLess(changed.mean(), SILENCE + 1)
        self.assertLess(changed.mean(dim=(1, 2)).max(), SILENCE + 2.5)


class TrainingTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        write_bank(folder.name)
        self.options = argparse.Namespace(
            speech=folder.name, out=os.path.join(folder.name, "audio.pt"), minutes=1.0, batch=48,
            threads=1, seed=1)

    def test_windows_stay_within_clips(self):
        bank = train_audio.SpeechBank(self.options.speech)
        starts = torch.cat(bank.split("train"))
        self.assertEqual(len(starts), 6 * (_COLUMNS - MEL_COLUMNS + 1))
        self.assertTrue((starts // _COLUMNS == (starts + MEL_COLUMNS - 1) // _COLUMNS).all())
        torch.testing.assert_close(bank.windows(starts[5:6])[0],
                                   bank.mel[starts[5]:starts[5] + MEL_COLUMNS].float())

    def test_learns(self):
        training = train_audio._Training(self.options)
        losses = [training.train_step() for _ in range(60)]
        self.assertLess(np.mean(losses[-10:]), 0.6 * np.mean(losses[:10]))

    def test_goes_on_after_a_cut(self):
        training = train_audio._Training(self.options)
        for _ in range(3):
            training.train_step()
        training.save()
        again = train_audio._Training(self.options)
        self.assertEqual(again.step, 3)
        for name, value in training.listener.state_dict().items():
            torch.testing.assert_close(again.listener.state_dict()[name], value)

    def test_result(self):
        training = train_audio._Training(self.options)
        for _ in range(60):
            training.train_step()
        training.finish()
        result = torch.load(self.options.out, weights_only=True)
        self.assertEqual(result["weight"].shape, (8, SPEECH_CHANNELS))
        heard = result["heard"].float().numpy()
        known = [clip * _COLUMNS + column for clip in range(_CLIPS.count("train"))
                 for column in range(0, _COLUMNS - MEL_COLUMNS + 1, train_audio._HEARD_EVERY)]
        self.assertEqual(np.flatnonzero(~np.isnan(heard[:, 0])).tolist(), known)
        heard, truth = heard[known], training.bank.mouth.numpy()[known]
        self.assertAlmostEqual(heard[:, OPEN].std() / truth[:, OPEN].std(), 1, delta=0.05)
        self.assertAlmostEqual(heard[:, OPEN].max(), truth[:, OPEN].max(), delta=0.01)


if __name__ == "__main__":
    unittest.main()
