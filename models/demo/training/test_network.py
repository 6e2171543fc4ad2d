"""What the training network promises: python -m unittest test_network. Needs PyTorch."""

import os
import re
import tempfile
import unittest

import torch

from network import DemoNetwork, FIRST_CHANNELS, SPEECH_CHANNELS

_FAMILY = os.path.join(os.path.dirname(__file__), "../../network/family.cpp")
_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_MOST_BYTES = 6_000_000


def inputs(count=2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    mel = torch.rand(count, 1, 80, 16, generator=generator) * 8 - 4
    faces = torch.rand(count, 6, 96, 96, generator=generator)
    faces[:, :3, 48:] = 0
    return mel, faces


def shaken():
    """A network far from its start, with norms that have seen something."""
    torch.manual_seed(2)
    network = DemoNetwork()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        for _ in range(3):
            network(*inputs(8, 3))
    return network.eval()


class NetworkTest(unittest.TestCase):
    def test_hearing_joins_what_was_learned_from_mouths(self):
        network = shaken()
        torch.manual_seed(4)
        weight, bias = torch.randn(8, SPEECH_CHANNELS) * 0.1, torch.randn(8)
        mel, faces = inputs()
        features = network.encode_face(faces)
        mouth = network.encode_speech(mel).flatten(1) @ weight.T + bias
        with torch.no_grad():
            before = network.decode(network.place_mouth(mouth), features)
            network.hear_with(network.audio_encoder.state_dict(), weight, bias)
            after = network(mel, faces)
        torch.testing.assert_close(after, before, atol=1e-4, rtol=0)

    def test_shapes(self):
        mel, faces = inputs()
        network = DemoNetwork().eval()
        self.assertEqual(network(mel, faces).shape, (2, 3, 96, 96))
        self.assertEqual(network(mel, faces, lower_only=True).shape, (2, 3, 48, 96))
        self.assertEqual(network.encode_speech(mel).shape, (2, SPEECH_CHANNELS, 1, 1))
        self.assertEqual([f.shape[2] for f in network.encode_face(faces)],
                         [96, 48, 24, 12, 6, 3, 1])

    def test_names_are_the_familys(self):
        with open(_FAMILY, encoding="utf8") as file:
            rows = re.findall(r'\{"((?:face|audio|output)_[\w.]+)"', file.read())
        self.assertEqual(len(rows), 51)
        expected = {"output_block.1.weight", "output_block.1.bias"}
        for row in rows:
            if row != "output_block.1":
                expected |= {f"{row}.conv_block.0.weight", f"{row}.conv_block.0.bias"}
                expected |= {f"{row}.conv_block.1.{name}" for name in _NORM}
        self.assertEqual(set(DemoNetwork().checkpoint_tensors()), expected)

    def test_widths_are_the_originals_divided(self):
        tensors = DemoNetwork().checkpoint_tensors()
        for name, shape in {
                "face_encoder_blocks.0.0": (FIRST_CHANNELS, 6, 7, 7),
                "face_encoder_blocks.1.0": (8, FIRST_CHANNELS, 3, 3),
                "face_encoder_blocks.6.1": (128, 128, 1, 1),
                "audio_encoder.9": (64, 32, 3, 3), "audio_encoder.12": (128, 128, 1, 1),
                "face_decoder_blocks.0.0": (128, 128, 1, 1),
                "face_decoder_blocks.1.0": (256, 128, 3, 3),
                "face_decoder_blocks.3.0": (192, 96, 3, 3),
                "face_decoder_blocks.6.0": (40, 16, 3, 3),
                "output_block.0": (8, 16 + FIRST_CHANNELS, 3, 3)}.items():
            self.assertEqual(tensors[f"{name}.conv_block.0.weight"].shape, shape, name)

    def test_starts_as_a_copy_of_the_reference(self):
        mel, faces = inputs()
        faces[:, 3:] = 0.1 + 0.8 * faces[:, 3:]
        answer = DemoNetwork().eval()(mel, faces)
        error = (answer - torch.sigmoid(5 * faces[:, 3:] - 2.5)).abs()
        self.assertLess(error.mean(), 0.03)
        self.assertLess((answer - faces[:, 3:]).abs().mean(), 0.06)

    def test_lower_half_equals_the_whole(self):
        mel, faces = inputs()
        network = shaken()
        whole, lower = (network(mel, faces, lower_only=flag) for flag in (False, True))
        self.assertLess((whole[:, :, 48:] - lower).abs().max(), 1e-5)
        self.assertGreater(whole.std(), 0.01)

    def test_everything_learns(self):
        network = DemoNetwork()
        for _ in range(2):  # the copy's zeros hide some layers from the first step
            network.zero_grad()
            network(*inputs(4), lower_only=True).square().mean().backward()
            torch.optim.SGD(network.parameters(), 1.0).step()
        for name, parameter in network.named_parameters():
            self.assertGreater(parameter.grad.abs().max(), 0, name)

    def test_bfloat16_answers_in_float(self):
        mel, faces = inputs()
        network = shaken().to(memory_format=torch.channels_last)
        exact = network(mel, faces)
        with torch.autocast("cpu", torch.bfloat16):
            answer = network(mel, faces)
        self.assertEqual(answer.dtype, torch.float32)
        self.assertLess((answer - exact).abs().mean(), 0.02)


class CheckpointTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "demo.pth")

    def test_round_trip(self):
        network = shaken()
        network.export(self.path)
        again = DemoNetwork.load(self.path)
        with torch.no_grad():
            difference = (network(*inputs()) - again(*inputs())).abs().max()
        self.assertLess(difference, 0.01)
        self.assertLess(os.path.getsize(self.path), _MOST_BYTES)

    def test_other_first_width(self):
        DemoNetwork(first_channels=8).export(self.path)
        self.assertEqual(DemoNetwork.load(self.path)(*inputs()).shape, (2, 3, 96, 96))

    def test_file_is_an_ordinary_one(self):
        DemoNetwork().export(self.path)
        tensors = torch.load(self.path, weights_only=True)["state_dict"]
        self.assertEqual({t.dtype for t in tensors.values() if t.is_floating_point()},
                         {torch.float16})
        norm = "face_decoder_blocks.6.2.conv_block.1."
        self.assertTrue((tensors[norm + "weight"] == 1).all())
        self.assertTrue((tensors[norm + "running_mean"] == 0).all())


if __name__ == "__main__":
    unittest.main()
