"""What the speech half promises: python -m unittest test_speech. Needs numpy and scipy.

Tests that speak are skipped where a synthesiser is missing. With W2L_TEST_DATA=<folder with golden/
and assets/> the mel is compared with the reference's own.
"""

import math
import os
import shutil
import unittest
from ctypes.util import find_library

import numpy as np
from scipy.io import wavfile

import augment
import sentences
import speech_bank
from mel_spectrogram import SAMPLE_RATE, band_warp, mel_filterbank, mel_spectrogram
from synthesizers import Utterance, Voice, synthesize
from visemes import FF, LEAD, OPEN, PARAMETERS, PRESS, ROUND, WIDTH, mouth_curve, phoneme_letters

TEST_DATA = os.environ.get("W2L_TEST_DATA")
HAS_ESPEAK = find_library("espeak-ng") is not None
SYNTHESIZERS = {
    Voice("espeak", "en-us", "en"): HAS_ESPEAK,
    Voice("flite", "rms", "en"): shutil.which("flite") is not None,
    Voice("festival", "kal_diphone", "en"): shutil.which("festival") is not None}


def shape_at(segments, sound_time):
    return mouth_curve(segments, [sound_time - LEAD])[0]


def syllables(*phonemes, seconds=0.15):
    """Phonemes of equal length after half a second of silence."""
    return [(0.5 + i * seconds, 0.5 + (i + 1) * seconds, p) for i, p in enumerate(phonemes)]


class MelTest(unittest.TestCase):
    @unittest.skipUnless(TEST_DATA, "W2L_TEST_DATA is not set")
    def test_equals_the_reference(self):
        _, samples = wavfile.read(os.path.join(TEST_DATA, "assets/audio/en_jfk_16k_mono.wav"))
        golden = np.load(os.path.join(TEST_DATA, "golden/e2e_25fps/mel.npy"))
        mel = mel_spectrogram(samples / 32768)
        self.assertEqual(mel.T.shape, golden.shape)
        self.assertLess(np.abs(mel.T - golden).max(), 1e-4)

    def test_equals_a_transform_written_out(self):
        samples = np.random.default_rng(1).uniform(-0.5, 0.5, 3200)
        emphasised = [samples[0]] + [samples[i] - 0.97 * samples[i - 1] for i in range(1, 3200)]
        column, band = 1, 30  # its frame, -200..599, reaches over the start: reflected there
        frame = [emphasised[abs(i)] * (0.5 - 0.5 * math.cos(2 * math.pi * (i + 200) / 800))
                 for i in range(-200, 600)]
        weights = mel_filterbank().toarray()[band]
        power = sum(w * abs(sum(x * np.exp(-2j * math.pi * k * n / 800)
                                for n, x in enumerate(frame)))
                    for k, w in enumerate(weights) if w)
        expected = 8 * (20 * math.log10(power) - 20 + 100) / 100 - 4
        self.assertAlmostEqual(mel_spectrogram(samples)[column, band], expected, places=4)

    def test_bands_have_slaney_peaks(self):
        bands = mel_filterbank().toarray()
        self.assertEqual(bands.shape, (80, 401))
        self.assertEqual(bands[:, int(7600 / 20) + 1:].max(), 0)
        self.assertTrue((bands.max(axis=1) > 0).all())

    def test_digital_silence_is_the_floor(self):
        self.assertTrue((mel_spectrogram(np.zeros(4000)) == -4).all())

    def test_columns_count_from_the_first_sample(self):
        self.assertEqual(len(mel_spectrogram(np.zeros(1999))), 10)
        self.assertEqual(len(mel_spectrogram(np.zeros(2000))), 11)

    def test_warp_by_one_changes_nothing(self):
        np.testing.assert_allclose(band_warp(1.0), np.eye(80), atol=1e-6)


class MouthTest(unittest.TestCase):
    def test_silence_is_closed_and_neutral(self):
        curve = mouth_curve([], np.arange(50) / 25)
        np.testing.assert_array_equal(curve, np.tile([0, 1, 0, 0, 0, 0, 0, 0], (50, 1)))

    def test_bilabials_shut_between_open_vowels(self):
        for phoneme in "pbm":
            for seconds in (0.04, 0.08, 0.15):
                stop = [(0.3, 0.5, "ɑː"), (0.5, 0.5 + seconds, phoneme),
                        (0.5 + seconds, 0.8, "ɑː")]
                curve = mouth_curve(stop, np.arange(0.4, 0.7, 0.0025) - LEAD)
                lowest = curve[curve[:, OPEN].argmin()]
                self.assertLess(lowest[OPEN], 0.02, (phoneme, seconds))
                self.assertGreater(curve[:, PRESS].max(), 0.85)

    def test_a_closure_inside_a_phoneme_shuts(self):
        self.assertLess(shape_at([(0.5, 0.7, "əm")], 0.65)[OPEN], 0.02)
        self.assertLess(shape_at([(0.5, 0.7, "pf")], 0.53)[OPEN], 0.02)

    def test_f_bites_the_lip_nearly_shut(self):
        shape = shape_at(syllables("ɑː", "f", "ɑː"), 0.725)
        self.assertLessEqual(shape[OPEN], 0.12)
        self.assertGreater(shape[FF], 0.95)

    def test_vowels_differ_as_mouths_do(self):
        a, i, u = (shape_at(syllables(p), 0.575) for p in ("ɑː", "iː", "uː"))
        self.assertGreater(a[OPEN], 0.85)
        self.assertGreater(i[WIDTH], 1.15)
        self.assertGreater(u[ROUND], 0.9)
        self.assertLess(shape_at(syllables("ə"), 0.575)[OPEN], 0.5)

    def test_k_and_h_take_the_shape_of_their_neighbours(self):
        for phoneme in ("k", "h"):
            beside_u = shape_at(syllables("uː", phoneme, "uː", seconds=0.08), 0.62)
            beside_i = shape_at(syllables("iː", phoneme, "iː", seconds=0.08), 0.62)
            self.assertGreater(beside_u[ROUND], 0.6)
            self.assertGreater(beside_i[WIDTH], 1.1)

    def test_diphthong_glides(self):
        opening = [shape_at(syllables("aɪ", seconds=0.24), 0.5 + t)[OPEN] for t in (.08, .14, .2)]
        self.assertGreater(opening[0], opening[1] + 0.1)
        self.assertGreater(opening[1], opening[2] + 0.1)

    def test_a_pause_closes_gradually(self):
        opening = [shape_at(syllables("ɑː"), 0.65 + t)[OPEN] for t in (0, 0.05, 0.1, 0.2)]
        self.assertEqual(opening, sorted(opening, reverse=True))
        self.assertGreater(opening[1], 0.15)
        self.assertLess(opening[3], 0.05)

    def test_the_mouth_leads_the_sound(self):
        times = np.arange(0, 1.2, 0.005)
        opening = mouth_curve(syllables("s", "ɑː", "s"), times)[:, OPEN]
        middle = times[opening > 0.5].mean()
        self.assertAlmostEqual(middle, 0.725 - LEAD, delta=0.005)

    def test_names_read_as_shapes(self):
        for name, letters in {"tʃ": "ʃ", "dʒ": "ʒ", "ts": "s", "sx": "ʃ", "pf": "pf", "ɑ̃": "ɑ",
                              "iː": "i", "aɪɚ": "aɪɚ", "(en)": "", "": "", "tʲ": "t"}.items():
            self.assertEqual(phoneme_letters(name), letters, name)

    def test_ranges(self):
        rng = np.random.default_rng(2)
        letters = list("pbmfvtdnszʃkghɹaɛəioulwyø") + ["aɪ", "oʊ", ""]
        segments = syllables(*rng.choice(letters, 200), seconds=0.07)
        curve = mouth_curve(segments, np.arange(0, 15, 0.0125))
        self.assertEqual(curve.shape[1], len(PARAMETERS))
        others = np.delete(curve, WIDTH, axis=1)
        self.assertTrue((others >= 0).all() and (others <= 1).all())
        self.assertTrue((curve[:, WIDTH] >= 0.55).all() and (curve[:, WIDTH] <= 1.25).all())

    def test_frame_rate_does_not_change_the_motion(self):
        segments = syllables("m", "ɑː", "s")
        fine, coarse = (mouth_curve(segments, np.arange(0, 1, 1 / fps)) for fps in (100, 25))
        np.testing.assert_allclose(fine[::4], coarse, atol=1e-3)


class SentencesTest(unittest.TestCase):
    def test_halves_share_no_text(self):
        for held_out in (False, True):
            rng = np.random.default_rng(3)
            for language in sentences.LANGUAGES:
                for _ in range(30):
                    text = sentences.make_sentence(language, rng, held_out)
                    self.assertEqual(sentences.is_held_out(text), held_out)

    def test_held_out_language_is_no_training_language(self):
        self.assertNotIn(sentences.HELD_OUT_LANGUAGE, sentences.LANGUAGES)
        self.assertGreaterEqual(len(sentences.LANGUAGES), 12)


class SplitTest(unittest.TestCase):
    def voices(self, split):
        rng = np.random.default_rng(4)
        return {speech_bank.choose_voice(split, rng) for _ in range(2000)}

    def test_validation_voices_are_never_trained_on(self):
        train = self.voices("train")
        for split in ("voice", "language", "synthesiser"):
            self.assertFalse(train & self.voices(split), split)

    def test_training_hears_no_held_out_kind(self):
        for voice in self.voices("train") | self.voices("seen"):
            self.assertNotIn("klatt", voice.name)
            self.assertNotEqual(voice.language, "it")
            self.assertNotEqual(voice.synthesizer, "festival")
            self.assertNotEqual(voice.name, "slt")

    def test_training_has_many_variants(self):
        self.assertGreaterEqual(len(set(speech_bank.TRAINING_VARIANTS)), 25)

    @unittest.skipUnless(HAS_ESPEAK, "libespeak-ng is not installed")
    def test_held_out_sentences_stay_out_of_training(self):
        plans = {split: [speech_bank.plan_clip(split, n, 5) for n in range(200)]
                 for split in ("train", "seen")}
        texts = {split: {t for _, _, texts in plans[split] for t in texts} for split in plans}
        self.assertFalse(texts["train"] & texts["seen"])


class AugmentTest(unittest.TestCase):
    def test_nothing_shifts_sound(self):
        rng = np.random.default_rng(6)
        click = np.zeros(8000, np.float32)
        click[4000:4080] = rng.standard_normal(80)
        for damage in (augment.channel, augment.lossy):
            for _ in range(20):
                heard = damage(click, rng)
                lag = np.correlate(heard, click, "full").argmax() - (len(click) - 1)
                self.assertLessEqual(abs(lag), 24)  # 1.5 ms
                self.assertEqual(len(heard), len(click))

    def test_resampling_keeps_its_promise(self):
        heard, factor = augment.resample(np.ones(1000, np.float32), 0.877)
        self.assertEqual((len(heard), factor), (880, 0.88))


class SpeechTest(unittest.TestCase):
    def test_phonemes_lie_where_they_sound(self):
        for voice, installed in SYNTHESIZERS.items():
            if not installed:
                continue
            with self.subTest(voice=voice.synthesizer):
                spoken = synthesize("My mother saw us pass six sunny houses.", voice,
                                    np.random.default_rng(7))
                mel = mel_spectrogram(spoken.samples)
                hiss = mel[:, 65:].mean(axis=1) - mel[:, :25].mean(axis=1)
                at = np.arange(len(mel)) / 80
                is_s = np.zeros(len(mel), bool)
                for start, end, name in spoken.segments:
                    is_s |= (name == "s") & (at >= start) & (at < end)
                scores = [np.corrcoef(hiss[4:-4], np.roll(is_s, lag)[4:-4])[0, 1]
                          for lag in range(-3, 4)]
                self.assertLessEqual(abs(int(np.argmax(scores)) - 3), 1)
                self.assertEqual(spoken.samples.dtype, np.float32)
                self.assertAlmostEqual(np.abs(spoken.samples).max(), 0.9, places=3)

    @unittest.skipUnless(HAS_ESPEAK, "libespeak-ng is not installed")
    def test_a_missing_voice_is_named(self):
        with self.assertRaisesRegex(RuntimeError, "no voice 'xx-none'"):
            synthesize("Hello.", Voice("espeak", "xx-none", "en"), np.random.default_rng(0))

    @unittest.skipUnless(HAS_ESPEAK, "libespeak-ng is not installed")
    def test_speak_gives_a_frame_per_picture(self):
        samples, mouth, _ = speech_bank.speak("Mama.", Voice("espeak", "en-us", "en"), 1, 29.97)
        self.assertEqual(len(mouth), int(len(samples) / SAMPLE_RATE * 29.97))
        self.assertEqual(mouth[0, OPEN], 0)

    def test_silence_moves_the_times(self):
        word = Utterance(np.ones(1600, np.float32), [(0.0, 0.1, "a")])
        samples, segments = speech_bank.with_silence([word, word], [0.2, 0.3, 0.1])
        self.assertEqual(len(samples), int(0.8 * SAMPLE_RATE))
        np.testing.assert_allclose([s[0] for s in segments], [0.2, 0.6])

    @unittest.skipUnless(HAS_ESPEAK, "libespeak-ng is not installed")
    def test_clips_line_up(self):
        for clip in speech_bank.make_clips("voice", range(3), 8):
            self.assertEqual(clip.mel.shape, (len(clip.mouth), 80))
            self.assertEqual(clip.facts["split"], "voice")
            self.assertIn("klatt4", clip.facts["voice"])
            self.assertTrue(np.isfinite(clip.mel).all() and np.isfinite(clip.mouth).all())


if __name__ == "__main__":
    unittest.main()
