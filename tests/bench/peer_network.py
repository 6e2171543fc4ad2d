"""The 96 family of Wav2Lip networks in PyTorch, of any width, for the benchmark's peers.

Channel counts come from the checkpoint. Nothing is fused or folded: what an engine does with it is
what it does with any network. Written from models/network/family.cpp.
"""

import torch
from torch import nn

CROP, MEL_BANDS, MEL_COLUMNS = 96, 80, 16

# Part -> blocks -> layers: kind, kernel, stride, padding. A residual layer adds its input; a
# transposed one with stride 2 has an output padding of 1.
_CONV, _RESIDUAL, _UP = "conv", "residual", "up"
_RES = (_RESIDUAL, 3, 1, 1)
_DOWN, _DOUBLE = (_CONV, 3, 2, 1), (_UP, 3, 2, 1)
_ONE_BY_ONE, _TO_ONE = (_CONV, 1, 1, 0), (_CONV, 3, 1, 0)
_LAYERS = {
    "face_encoder_blocks": [
        [(_CONV, 7, 1, 3)], [_DOWN, _RES, _RES], [_DOWN, _RES, _RES, _RES], [_DOWN, _RES, _RES],
        [_DOWN, _RES, _RES], [_DOWN, _RES], [_TO_ONE, _ONE_BY_ONE]],
    "audio_encoder": [[
        (_CONV, 3, 1, 1), _RES, _RES, (_CONV, 3, (3, 1), 1), _RES, _RES, (_CONV, 3, 3, 1), _RES,
        _RES, (_CONV, 3, (3, 2), 1), _RES, _TO_ONE, _ONE_BY_ONE]],
    "face_decoder_blocks": [
        [_ONE_BY_ONE], [(_UP, 3, 1, 0), _RES], [_DOUBLE, _RES, _RES], [_DOUBLE, _RES, _RES],
        [_DOUBLE, _RES, _RES], [_DOUBLE, _RES, _RES], [_DOUBLE, _RES, _RES]],
}


class Layer(nn.Module):
    def __init__(self, row, weight):
        super().__init__()
        kind, kernel, stride, padding = row
        self.residual = kind == _RESIDUAL
        if kind == _UP:
            inputs, outputs = weight.shape[:2]
            conv = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding,
                                      output_padding=1 if stride == 2 else 0)
        else:
            outputs, inputs = weight.shape[:2]
            conv = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.conv_block = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        result = self.conv_block(x)
        return torch.relu(result + x if self.residual else result)


class Wav2Lip96(nn.Module):
    """forward(mel [n, 1, 80, 16], faces [n, 6, 96, 96]) -> BGR [n, 3, 96, 96], 0..1."""

    def __init__(self, tensors):
        super().__init__()

        def layer(name, row):
            return Layer(row, tensors[f"{name}.conv_block.0.weight"])

        def blocks(part):
            return nn.ModuleList(
                nn.Sequential(*(layer(f"{part}.{b}.{i}", row) for i, row in enumerate(rows)))
                for b, rows in enumerate(_LAYERS[part]))
        self.face_encoder_blocks = blocks("face_encoder_blocks")
        self.audio_encoder = nn.Sequential(*(layer(f"audio_encoder.{i}", row)
                                             for i, row in enumerate(_LAYERS["audio_encoder"][0])))
        self.face_decoder_blocks = blocks("face_decoder_blocks")
        last = tensors["output_block.1.weight"]
        self.output_block = nn.Sequential(layer("output_block.0", (_CONV, 3, 1, 1)),
                                          nn.Conv2d(last.shape[1], last.shape[0], 1), nn.Sigmoid())

    def forward(self, mel, faces):
        features, x = [], faces
        for block in self.face_encoder_blocks:
            x = block(x)
            features.append(x)
        x = self.audio_encoder(mel)
        for block, feature in zip(self.face_decoder_blocks, reversed(features)):
            x = torch.cat([block(x), feature], 1)
        return self.output_block(x)


def load(path):
    """The network of a checkpoint file, in eval mode, fp32."""
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    tensors = tensors.get("state_dict", tensors)
    tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    network = Wav2Lip96(tensors)
    network.load_state_dict(tensors)
    return network.float().eval()
