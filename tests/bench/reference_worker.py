"""PyTorch as the reference implementation runs it, behind the benchmark's line protocol (README.md).

    reference_worker.py MODEL INPUTS DEVICE default|strict

Eager, fp32, channels first. "default" leaves PyTorch's settings alone, which let convolutions use
TF32; "strict" forbids it. A batch goes in as numpy arrays and comes back as bytes:

    run BATCH floats SECONDS   from float pictures (channels last, half of them masked) and mels
    run BATCH bytes SECONDS    from 8-bit crops: masking and dividing by 255 is in the time
    answer COUNT full FILE     pictures, 8 bits BGR
    values COUNT FILE          what these are truncated from, 0..1, float32
"""

import resource
import sys
import time

import numpy as np
import torch

import peer_network
from peer_worker import Inputs, say


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def masked_pictures(crops):
    masked = crops.copy()
    masked[:, crops.shape[1] // 2:] = 0
    return np.concatenate((masked, crops), axis=3) / np.float32(255)


class Reference:
    def __init__(self, model, inputs, device, precision):
        start = time.monotonic()
        if precision == "strict":
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.device = torch.device(device)
        self.network = peer_network.load(model).to(self.device)
        data = np.fromfile(inputs, np.uint8)
        count = data.size // (Inputs.CROP + 4 * Inputs.MEL)
        self.crops = data[:count * Inputs.CROP].reshape(count, 96, 96, 3)
        self.mels = data[count * Inputs.CROP:].view(np.float32).reshape(count, 80, 16, 1)
        self.pictures = masked_pictures(self.crops)
        say(precision="fp32", device=device, load_seconds=time.monotonic() - start,
            versions={"torch": torch.__version__})

    def values(self, pictures, mels):
        """Channels last, 0..1."""
        pictures = torch.FloatTensor(np.transpose(pictures, (0, 3, 1, 2))).to(self.device)
        mels = torch.FloatTensor(np.transpose(mels, (0, 3, 1, 2))).to(self.device)
        with torch.no_grad():
            answer = self.network(mels, pictures)
        return answer.cpu().numpy().transpose(0, 2, 3, 1)

    def batch(self, size):
        index = np.arange(size) % len(self.crops)
        return self.crops[index], self.pictures[index], self.mels[index]

    def answer(self, request, count, *words):
        crops, pictures, mels = self.batch(int(count))
        if request == "run":
            return self.run(crops, pictures if words[0] == "floats" else None, mels, float(words[1]))
        values = self.values(pictures, mels)
        if request == "values":
            np.ascontiguousarray(values, np.float32).tofile(words[0])
            return {"count": int(count)}
        if request == "answer":
            np.ascontiguousarray((values * 255).astype(np.uint8)).tofile(words[1])
            return {"first_row": 0, "end_row": 96}
        raise ValueError(f"unknown request {request}")

    def run(self, crops, pictures, mels, seconds):
        def once():
            ready = masked_pictures(crops) if pictures is None else pictures
            return (self.values(ready, mels) * 255).astype(np.uint8)
        once()
        cpu_start, start, frames = cpu_seconds(), time.monotonic(), 0
        while time.monotonic() - start < seconds:
            once()
            frames += len(mels)
        return {"frames": frames, "seconds": time.monotonic() - start,
                "cpu_seconds": cpu_seconds() - cpu_start}


def main(arguments):
    try:
        worker = Reference(*arguments)
        for line in sys.stdin:
            say(**worker.answer(*line.split()))
    except Exception as error:  # whatever PyTorch throws: the caller reports it
        say(error=f"{type(error).__name__}: {error}".splitlines()[0])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
