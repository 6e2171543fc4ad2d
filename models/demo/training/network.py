"""The 96 family of Wav2Lip networks in PyTorch, four times narrower, as the demo model trains it.

Layer and tensor names are the family's (models/network/family.cpp), so what export() writes is an
ordinary checkpoint. While training, only the audio encoder has batch norms: the face layers do
without, which is faster, and export() writes norms that change nothing for them.
"""

import torch
from torch import nn
from torch.nn import functional

NARROWER = 4  # than the original network
FIRST_CHANNELS = 16  # of face_encoder_blocks.0: not divided, since the reference passes here
CROP, MEL_BANDS, MEL_COLUMNS = 96, 80, 16
PICTURE, FACES = 3, 6  # channels: BGR; BGR with the lower half zeroed, then the reference's BGR

_NORM_EPSILON = 1e-5
_RESIDUAL_GAIN = 0.3
_COPY_SLOPE = 5.0  # sigmoid(5 x - 2.5) is about x
_DETAIL_SPREAD = 0.05

# By block: channels of the original (the first block's are FIRST_CHANNELS), residual layers.
_FACE_ENCODER_WIDTHS = (None, 32, 64, 128, 256, 512, 512)
_FACE_ENCODER_RESIDUALS = (0, 2, 3, 2, 2, 1, 0)
_DECODER_WIDTHS = (512, 512, 512, 384, 256, 128, 64)
_DECODER_RESIDUALS = (0, 1, 2, 2, 2, 2, 2)
_OUTPUT_WIDTH = 32
# Width, stride (bands, columns) of the first layer of a group, residual layers after it.
_AUDIO_GROUPS = ((32, (1, 1), 2), (64, (3, 1), 2), (128, (3, 3), 2), (256, (3, 2), 1))
_SPEECH_WIDTH = 512
SPEECH_CHANNELS = _SPEECH_WIDTH // NARROWER
MOUTH_PARAMETERS = 8  # visemes.PARAMETERS

# Rows 48..95 of the picture depend on no row above this one of the 24 x 24 level.
_LOWER_LEVEL, _LOWER_FIRST = 24, 10


class Layer(nn.Module):
    """relu(conv(x)), with a batch norm after the convolution and with x added where asked for."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, padding=1, residual=False, norm=False):
        super().__init__()
        self.residual = residual
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        _initialise(conv, inputs * kernel ** 2, _RESIDUAL_GAIN if residual else 1.0)
        self.conv_block = nn.Sequential(conv)
        if norm:
            self.conv_block.append(nn.BatchNorm2d(outputs, eps=_NORM_EPSILON))
            if residual:
                nn.init.constant_(self.conv_block[1].weight, _RESIDUAL_GAIN)

    def forward(self, x):
        result = self.conv_block(x)
        return functional.relu(result + x if self.residual else result)


class Upward(nn.Module):
    """relu(transposed conv(x)): doubles the edge, or turns 1 x 1 into 3 x 3."""

    def __init__(self, inputs, outputs, doubles=True):
        super().__init__()
        shape = dict(stride=2, padding=1, output_padding=1) if doubles else {}
        conv = nn.ConvTranspose2d(inputs, outputs, 3, **shape)
        # With stride 2, 9 / 4 taps reach a pixel on average; into 3 x 3, one does.
        _initialise(conv, inputs * (9 / 4 if doubles else 1), 1.0)
        self.conv_block = nn.Sequential(conv)

    def forward(self, x):
        return functional.relu(self.conv_block(x))


def _initialise(conv, fan_in, gain):
    nn.init.normal_(conv.weight, 0.0, gain * (2.0 / fan_in) ** 0.5)
    nn.init.zeros_(conv.bias)


def _residuals(width, count, norm=False):
    return [Layer(width, width, residual=True, norm=norm) for _ in range(count)]


def _face_encoder(first_channels):
    blocks = [nn.Sequential(Layer(FACES, first_channels, kernel=7, padding=3))]
    width = first_channels
    for level in range(1, 6):
        previous, width = width, _FACE_ENCODER_WIDTHS[level] // NARROWER
        blocks.append(nn.Sequential(Layer(previous, width, stride=2),
                                    *_residuals(width, _FACE_ENCODER_RESIDUALS[level])))
    last = _FACE_ENCODER_WIDTHS[6] // NARROWER
    blocks.append(nn.Sequential(Layer(width, last, padding=0),
                                Layer(last, last, kernel=1, padding=0)))
    return nn.ModuleList(blocks)


def _audio_encoder():
    layers, width = [], 1
    for original, stride, residuals in _AUDIO_GROUPS:
        previous, width = width, original // NARROWER
        layers += [Layer(previous, width, stride=stride, norm=True),
                   *_residuals(width, residuals, norm=True)]
    layers += [Layer(width, SPEECH_CHANNELS, padding=0, norm=True),
               Layer(SPEECH_CHANNELS, SPEECH_CHANNELS, kernel=1, padding=0, norm=True)]
    return nn.Sequential(*layers)


def _face_decoder(first_channels):
    features = [first_channels] + [width // NARROWER for width in _FACE_ENCODER_WIDTHS[1:]]
    blocks, arriving = [], SPEECH_CHANNELS
    for level, original in enumerate(_DECODER_WIDTHS):
        width = original // NARROWER
        first = (Layer(arriving, width, kernel=1, padding=0) if level == 0
                 else Upward(arriving, width, doubles=level > 1))
        blocks.append(nn.Sequential(first, *_residuals(width, _DECODER_RESIDUALS[level])))
        arriving = width + features[-1 - level]
    return nn.ModuleList(blocks), arriving


class DemoNetwork(nn.Module):
    """forward(mel [n, 1, 80, 16], faces [n, 6, 96, 96]) -> picture [n, 3, 96, 96], 0..1.

    Starts as a network that returns about the reference, faces[:, 3:].
    """

    def __init__(self, first_channels=FIRST_CHANNELS):
        super().__init__()
        self.audio_encoder = _audio_encoder()
        self.face_encoder_blocks = _face_encoder(first_channels)
        self.face_decoder_blocks, arriving = _face_decoder(first_channels)
        width = _OUTPUT_WIDTH // NARROWER
        self.output_block = nn.Sequential(Layer(arriving, width), nn.Conv2d(width, PICTURE, 1))
        self._start_as_copy()

    @torch.no_grad()
    def _start_as_copy(self):
        """The last channels of the full-size feature carry the reference to the last layer."""
        first = self.face_encoder_blocks[0][0].conv_block[0]
        before_last, last = self.output_block[0].conv_block[0], self.output_block[1]
        nn.init.normal_(last.weight, 0.0, _DETAIL_SPREAD)
        nn.init.constant_(last.bias, -_COPY_SLOPE / 2)
        last.weight[:, :PICTURE] = 0
        for colour in range(PICTURE):
            carrier = colour - PICTURE  # counted from the end
            first.weight[carrier] = 0
            first.weight[carrier, FACES - PICTURE + colour, 3, 3] = 1
            before_last.weight[colour] = 0
            before_last.weight[colour, carrier, 1, 1] = 1
            last.weight[colour, colour] = _COPY_SLOPE

    def encode_speech(self, mel):
        """[n, 1, 80, 16] -> [n, SPEECH_CHANNELS, 1, 1]."""
        return self.audio_encoder(mel)

    @staticmethod
    def place_mouth(mouth):
        """Mouth parameters [n, 8] in the place of encode_speech()'s result, before hear_with()."""
        return functional.pad(mouth, (0, SPEECH_CHANNELS - MOUTH_PARAMETERS))[:, :, None, None]

    @torch.no_grad()
    def hear_with(self, encoder, weight, bias):
        """Joins a decoder that learned from mouth parameters with an encoder of speech.

        encoder: state of an audio_encoder; weight [8, SPEECH_CHANNELS], bias [8]: what makes mouth
        parameters of its result. The decoder's first layer takes both steps in one.
        """
        self.audio_encoder.load_state_dict(encoder)
        first = self.face_decoder_blocks[0][0].conv_block[0]
        of_mouth = first.weight[:, :MOUTH_PARAMETERS, 0, 0].clone()
        first.weight.copy_((of_mouth @ weight)[:, :, None, None])
        first.bias += of_mouth @ bias

    def encode_face(self, faces):
        """[n, 6, 96, 96] -> the features of all levels, largest first."""
        features = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            features.append(faces)
        return features

    def decode(self, speech, features, lower_only=False):
        """Speech and face features -> picture, float; lower_only: just its rows 48..95."""
        x, first_row, feature_rows = speech, 0, 1
        for block, feature in zip(self.face_decoder_blocks, reversed(features)):
            x = block(x)
            feature_rows = feature.shape[2]
            if lower_only and feature_rows >= _LOWER_LEVEL:
                first_row = feature_rows * _LOWER_FIRST // _LOWER_LEVEL
            # What comes from a level that is cut already has its rows cut.
            x = torch.cat([x[:, :, x.shape[2] - (feature_rows - first_row):],
                           feature[:, :, first_row:]], 1)
        if lower_only:
            x = x[:, :, CROP // 2 - 1 - first_row:]  # the next layer looks one row up
        x = self.output_block[0](x)
        with torch.autocast(x.device.type, enabled=False):
            picture = torch.sigmoid(self.output_block[1](x.float()))
        return picture[:, :, 1:] if lower_only else picture

    def forward(self, mel, faces, lower_only=False):
        return self.decode(self.encode_speech(mel), self.encode_face(faces), lower_only)

    def _named_layers(self):
        return [(name, layer) for name, layer in self.named_modules()
                if isinstance(layer, (Layer, Upward))]

    def checkpoint_tensors(self):
        """All tensors under the family's names, float32; idle norms where the network has none."""
        tensors = {name: tensor.detach().cpu() for name, tensor in self.state_dict().items()}
        for name, layer in self._named_layers():
            if len(layer.conv_block) == 1:
                norm = nn.BatchNorm2d(len(layer.conv_block[0].bias), eps=_NORM_EPSILON)
                norm.running_var.fill_(1 - _NORM_EPSILON)
                tensors.update({f"{name}.conv_block.1.{key}": tensor.detach()
                                for key, tensor in norm.state_dict().items()})
        return tensors

    def export(self, path):
        """Writes an ordinary checkpoint of the family, in half precision."""
        tensors = {name: _half(tensor) for name, tensor in self.checkpoint_tensors().items()}
        torch.save({"state_dict": tensors}, path)

    @classmethod
    def load(cls, path):
        """A network in eval mode from a checkpoint that export() wrote."""
        tensors = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        tensors = {name: tensor.float() if tensor.is_floating_point() else tensor
                   for name, tensor in tensors.items()}
        network = cls(len(tensors["face_encoder_blocks.0.0.conv_block.0.bias"]))
        network.load_state_dict({name: tensors[name] for name in network.state_dict()})
        return network.eval()


def _half(tensor):
    """In half precision, but for counters."""
    return tensor.half() if tensor.is_floating_point() else tensor.clone()
