"""What drawn heads and their measures promise: python -m unittest test_drawing.

Needs skia-python, OpenCV, SciPy and PyTorch.
"""

import os
import tempfile
import unittest
from unittest import mock

import numpy as np

import evaluate
from evaluate import moving_scenes
from identity import random_identity
from measure import read_mouth
from network import CROP
from picture_batches import PictureBatches, match_windows, network_faces
from scenes import HELD_OUT_IDENTITIES, choose_mouths, draw_crop, mouth_region, random_scene
from visemes import CLOSED, OPEN, TEETH, WIDTH

HEADS = range(HELD_OUT_IDENTITIES, HELD_OUT_IDENTITIES + 12)


def scene_of(seed):
    return random_scene(seed, np.random.default_rng(seed))


def mouth(**values):
    shape = CLOSED.copy()
    for name, value in values.items():
        shape[dict(open=OPEN, width=WIDTH, teeth=TEETH)[name]] = value
    return shape


class DrawingTest(unittest.TestCase):
    def test_a_number_is_always_the_same_head(self):
        self.assertEqual(random_identity(7), random_identity(7))
        self.assertNotEqual(random_identity(7), random_identity(8))

    def test_a_scene_is_drawn_alike_twice(self):
        scene = scene_of(3)
        np.testing.assert_array_equal(draw_crop(scene, mouth(open=.5)),
                                      draw_crop(scene, mouth(open=.5)))

    def test_a_mouth_changes_nothing_above_its_region(self):
        for seed in HEADS:
            scene = scene_of(seed)
            top = int(mouth_region(scene)[1])
            shut, wide = draw_crop(scene, CLOSED), draw_crop(scene, mouth(open=1, teeth=1))
            change = np.abs(shut.astype(int) - wide)
            self.assertLessEqual(change[:top].max(), 8)  # the jaw's smooth outline
            self.assertGreater(change[top:].max(), 60)

    def test_the_mouth_is_in_the_lower_half(self):
        for seed in HEADS:
            left, top, right, bottom = mouth_region(scene_of(seed))
            self.assertGreater(top, CROP * 0.45)
            self.assertLess(left, right)
            self.assertLess(top, bottom)

    def test_moving_heads_stay_themselves(self):
        scenes = moving_scenes(5, 30, np.random.default_rng(1))
        self.assertEqual(len({id(scene.identity) for scene in scenes}), 1)
        self.assertGreater(len({scene.pose.yaw for scene in scenes}), 25)


class EvaluateTest(unittest.TestCase):
    def test_the_truth_itself_gets_full_marks(self):
        mouths = np.stack([mouth(open=o, width=w, teeth=t) for o, w, t in
                           np.random.default_rng(3).uniform((0, .7, 0), (1, 1.2, 1), (45, 3))])
        heard = evaluate.Heard(None, np.arange(45), mouths)

        def draws_the_truth(network, mel, columns, references):
            scenes = moving_scenes(HEADS[0], 45, np.random.default_rng(1))
            return np.stack([draw_crop(scenes[frame], mouths[heard_at])
                             for frame, heard_at in enumerate(columns)]).astype(np.float32)

        with mock.patch.object(evaluate, "answers", draws_the_truth):
            figures = evaluate.measure_clip(None, heard, HEADS[0], np.random.default_rng(1))
        for name in ("opening correlation", "width correlation", "teeth correlation",
                     "opening amplitude"):
            self.assertAlmostEqual(figures[name], 1, places=4)
        self.assertLess(abs(figures["opening shifted 0.4 s"]), .5)
        self.assertLess(figures["PSNR copying"], 30)


class MeasureTest(unittest.TestCase):
    def test_opening_grows_with_the_drawn_opening(self):
        openings = np.linspace(0, 1, 6)
        for seed in HEADS:
            scene = scene_of(seed)
            read = [read_mouth(draw_crop(scene, mouth(open=o)), scene)[0] for o in openings]
            self.assertGreater(np.diff(read).min(), 0.5)

    def test_width_follows_the_drawn_width(self):
        correlations = []
        for seed in HEADS:
            scene, widths = scene_of(seed), np.linspace(.6, 1.2, 6)
            read = [read_mouth(draw_crop(scene, mouth(open=.3, width=w)), scene)[1]
                    for w in widths]
            correlations.append(np.corrcoef(read, widths)[0, 1])
        self.assertGreater(np.mean(correlations), 0.95)

    def test_teeth_are_seen(self):
        for seed in HEADS:
            scene = scene_of(seed)
            without, with_teeth = (read_mouth(draw_crop(scene, mouth(open=.5, teeth=t)), scene)[2]
                                   for t in (0, 1))
            self.assertGreater(with_teeth, without + 30)


class BatchTest(unittest.TestCase):
    def test_faces_are_the_covered_and_the_whole_picture(self):
        picture = np.random.default_rng(1).integers(0, 256, (2, CROP, CROP, 3), np.uint8)
        faces = network_faces(picture).numpy()
        self.assertEqual(faces.shape, (2, 6, CROP, CROP))
        self.assertEqual(np.abs(faces[:, :3, CROP // 2:]).max(), 0)
        np.testing.assert_allclose(faces[:, 3:], picture.transpose(0, 3, 1, 2) / 255, atol=1e-6)
        np.testing.assert_array_equal(faces[:, :3, :CROP // 2], faces[:, 3:, :CROP // 2])

    def test_windows_sound_like_the_drawn_mouth(self):
        rng = np.random.default_rng(2)
        heard = np.tile(CLOSED, (4000, 1))
        heard[:, OPEN] = rng.uniform(0, 1, 4000)
        heard[:1000, OPEN] = 0
        heard[::7] = np.nan
        drawn = np.stack([[mouth(open=o) for o in (0, .25, .8)]])
        windows = match_windows(drawn, heard, rng)
        self.assertEqual(windows.shape[:2], (1, 3))
        for row, opening in zip(windows[0], (0, .25, .8)):
            np.testing.assert_allclose(heard[row, OPEN], opening, atol=.03)
        self.assertGreater(len(set(windows[0, 0])), 6)

    def test_batches_are_pairs_of_one_head(self):
        with tempfile.TemporaryDirectory() as folder:
            scene, shapes = scene_of(4), [CLOSED, mouth(open=.5), mouth(open=1)]
            crops = np.stack([draw_crop(scene, shape) for shape in shapes])
            for name, table in (("crops", crops), ("mouths", shapes),
                                ("regions", mouth_region(scene))):
                np.save(os.path.join(folder, name + ".npy"), np.array([table]))
            batch = PictureBatches([folder]).draw(40, np.random.default_rng(1))
        self.assertIsNone(batch.mel)
        pictures = {crop.tobytes(): i for i, crop in enumerate(crops)}
        mirrored = {crop[:, ::-1].tobytes(): i for i, crop in enumerate(crops)}
        target = (batch.target.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
        sides = set()
        for picture, shape, weight in zip(target, batch.mouth.numpy(), batch.weight.numpy()):
            plain = picture.tobytes() in pictures
            sides.add(plain)
            number = (pictures if plain else mirrored)[picture.tobytes()]
            np.testing.assert_allclose(shape, shapes[number], atol=1e-3)
            left, _, right, bottom = mouth_region(scene)
            middle = (left + right) / 2 if plain else CROP - (left + right) / 2
            self.assertGreater(weight[0, int(bottom) - 2, int(middle)], 1)
            self.assertEqual(weight[0, 0, 0], 1)
        self.assertEqual(sides, {True, False})

    def test_scenes_start_with_a_closed_mouth(self):
        speech = np.tile(mouth(open=.6), (50, 1))
        chosen = choose_mouths(speech, np.random.default_rng(1), 5)
        np.testing.assert_array_equal(chosen[0], CLOSED)
        np.testing.assert_allclose(chosen[1:, OPEN], .6)


if __name__ == "__main__":
    unittest.main()
