"""Trains the demo network's speech encoder to hear mouth parameters in mel windows.

    OMP_WAIT_POLICY=passive python train_audio.py --speech BANK --out audio.pt --minutes 30

audio.pt: "encoder", the state of DemoNetwork.audio_encoder; "weight" [8, 128] and "bias" [8], which
make mouth parameters of its result; "heard" float16 [columns, 8], the mouth heard in windows that
start at some columns of the bank (NaN at the others), spread like true mouths are. A run that was
cut off goes on from audio.pt.state. Prints correlations with the truth for each held-out split.
"""

import argparse
import copy
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn

from mel_spectrogram import COLUMNS_PER_SECOND, MEL_BANDS, SILENCE, band_warp
from network import MEL_COLUMNS, MOUTH_PARAMETERS, SPEECH_CHANNELS, DemoNetwork
from speech_bank import HELD_OUT_SPLITS
from visemes import OPEN, PARAMETERS, TEETH, WIDTH

# What errors in a parameter cost: open, width, round, teeth, low, tongue, press, ff.
_IMPORTANCE = torch.tensor((3.0, 2.0, 0.9, 1.1, 0.5, 0.5, 0.9, 0.9))
_RATE, _WEIGHT_DECAY, _WARM_UP_STEPS = 3e-3, 1e-4, 100
_AVERAGING = 0.995
_QUANTILES = np.linspace(0, 1, 201)
_REPORT_SECONDS = 120
_CHECK_EVERY = 3       # columns of a held-out clip
_HEARD_EVERY = 5       # columns of a clip whose windows train_pictures.py may use
_SHIFT = int(0.4 * COLUMNS_PER_SECOND)

# Augmentation of a window, in the mel's units: 0.8 is 10 dB.
_GAIN = (-1.2, 0.8)
_TILT = 0.8            # at the outermost bands
_GRAIN = 0.25
_FLOOR = (0.4, 1.8)    # share of windows with a noise floor; its largest height
_MASK = (0.4, 10)      # share of windows that lose bands; how many at most
# From children's throats to large men's: the bank's voices alone leave women's too rare.
_WARPS = torch.from_numpy(np.stack([band_warp(f) for f in np.geomspace(.72, 1.14, 31)]))
_PARTS = 8             # of a batch, with a throat each


class SpeechBank:
    """Windows of the bank by split; see speech_bank.py for the files."""

    def __init__(self, folder):
        self.mel = torch.from_numpy(np.load(os.path.join(folder, "mel.npy")))
        self.mouth = torch.from_numpy(np.load(os.path.join(folder, "mouth.npy")).astype(np.float32))
        with open(os.path.join(folder, "index.json"), encoding="utf8") as file:
            self.clips = [clip for clip in json.load(file)["clips"]
                          if clip["columns"] >= MEL_COLUMNS]

    def starts(self, clip):
        """Columns where the clip's windows start."""
        return torch.arange(clip["start"], clip["start"] + clip["columns"] - MEL_COLUMNS + 1)

    def split(self, name):
        return [self.starts(clip) for clip in self.clips if clip["split"] == name]

    def windows(self, columns):
        """float32 [n, 16, 80]."""
        return self.mel[columns[:, None] + torch.arange(MEL_COLUMNS)].float()


def augment(windows):
    """Other throats, levels, tilts, noises and lost bands; windows [n, 16, 80]."""
    windows = torch.cat([part @ _WARPS[torch.randint(len(_WARPS), ())]
                         for part in windows.chunk(_PARTS)])
    count = len(windows)

    def chance(share):
        return torch.rand(count, 1, 1) < share

    gain = torch.empty(count, 1, 1).uniform_(*_GAIN)
    tilt = torch.empty(count, 1, 1).uniform_(-_TILT, _TILT) * torch.linspace(-1, 1, MEL_BANDS)
    windows = torch.where(windows > SILENCE + .01, windows + gain + tilt, windows)
    windows = windows + torch.randn_like(windows) * (torch.rand(count, 1, 1) * _GRAIN)
    share, height = _FLOOR
    floor = SILENCE + torch.rand(count, 1, 1) * height * chance(share)
    windows = torch.maximum(windows, floor + .15 * torch.randn_like(windows))
    share, widest = _MASK
    first, bands = torch.randint(MEL_BANDS, (count, 1, 1)), torch.arange(MEL_BANDS)
    masked = (bands >= first) & (bands < first + torch.randint(widest, (count, 1, 1)))
    return torch.where(masked & chance(share), SILENCE + .5, windows).clamp(SILENCE, -SILENCE)


class Listener(nn.Module):
    """Windows [n, 16, 80] -> mouth parameters [n, 8]."""

    def __init__(self):
        super().__init__()
        self.encoder = DemoNetwork().audio_encoder.to(memory_format=torch.channels_last)
        self.head = nn.Linear(SPEECH_CHANNELS, MOUTH_PARAMETERS)
        nn.init.zeros_(self.head.weight)

    def forward(self, windows):
        mel = windows.transpose(1, 2)[:, None].contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            heard = self.encoder(mel)
        return self.head(heard.float().flatten(1))


class _Training:
    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        self.bank = SpeechBank(options.speech)
        self.columns = torch.cat(self.bank.split("train"))
        self.listener = Listener().train()
        self.listener.head.bias.data = self.bank.mouth[self.columns[::50]].mean(0)
        self.average = copy.deepcopy(self.listener).eval()
        self.optimizer = torch.optim.AdamW(self.listener.parameters(), _RATE,
                                           weight_decay=_WEIGHT_DECAY)
        self.step, self.seconds = 0, 0.0
        if os.path.exists(options.out + ".state"):
            self._load()

    def _load(self):
        state = torch.load(self.options.out + ".state", weights_only=True)
        for name in ("listener", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]
        torch.set_rng_state(state["random"])

    def save(self):
        state = {name: getattr(self, name).state_dict()
                 for name in ("listener", "average", "optimizer")}
        file = self.options.out + ".state"
        torch.save(dict(state, step=self.step, seconds=self.seconds,
                        random=torch.get_rng_state()), file + ".new")
        os.replace(file + ".new", file)

    def progress(self):
        return self.seconds / 60 / self.options.minutes

    def train_step(self):
        warm = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = _RATE * warm * (.5 + .5 * math.cos(math.pi * min(1.0, self.progress())))
        columns = self.columns[torch.randint(len(self.columns), (self.options.batch,))]
        heard = self.listener(augment(self.bank.windows(columns)))
        loss = ((heard - self.bank.mouth[columns]) * _IMPORTANCE).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.listener.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self._follow(1 - min(_AVERAGING, self.step / (self.step + 10)))
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self, share):
        """Moves the averaged listener a share of the way, its norms' statistics included."""
        for kept, new in zip(self.average.state_dict().values(),
                             self.listener.state_dict().values()):
            if kept.is_floating_point():
                kept.lerp_(new, share)

    @torch.no_grad()
    def report(self):
        """Mean correlation over the clips of each held-out split."""
        lines = []
        for split in HELD_OUT_SPLITS:
            rows = []
            for starts in self.bank.split(split):
                heard = self.average(self.bank.windows(starts[::_CHECK_EVERY])).numpy()
                truth = self.bank.mouth[starts[::_CHECK_EVERY]].numpy()
                if len(truth) > 2 * _SHIFT / _CHECK_EVERY:
                    late = _SHIFT // _CHECK_EVERY
                    rows.append([np.corrcoef(heard[:, i], truth[:, i])[0, 1]
                                 for i in (OPEN, WIDTH, TEETH)]
                                + [np.corrcoef(heard[late:, OPEN], truth[:-late, OPEN])[0, 1]])
            means = np.nanmean(rows, 0)
            lines.append(f"{split}: " + ", ".join(
                f"{name} {value:.3f}" for name, value in
                zip((PARAMETERS[OPEN], PARAMETERS[WIDTH], PARAMETERS[TEETH], "shifted"), means)))
        return "; ".join(lines)

    @torch.no_grad()
    def finish(self):
        """Writes the result, with what the averaged listener hears spread as true mouths are.

        A mean over what a sound can mean is smaller than the mouths it stands for. "heard" gets the
        truth's quantiles, which gives back openings and closures their size; weight and bias get
        its standard deviations, the nearest that a layer can do.
        """
        columns = torch.cat([self.bank.starts(clip)[::_HEARD_EVERY] for clip in self.bank.clips
                             if clip["split"] == "train"])
        heard = torch.cat([self.average(self.bank.windows(part)) for part in columns.split(1024)])
        truth = self.bank.mouth[columns]
        gain = truth.std(0) / heard.std(0)
        head = self.average.head
        table = np.full((len(self.bank.mel), MOUTH_PARAMETERS), np.nan, np.float16)
        table[columns.numpy()] = _with_quantiles_of(heard.numpy(), truth.numpy())
        torch.save(dict(encoder=self.average.encoder.state_dict(), heard=torch.from_numpy(table),
                        weight=head.weight * gain[:, None],
                        bias=truth.mean(0) + gain * (head.bias - heard.mean(0))), self.options.out)


def _with_quantiles_of(values, model):
    """values [n, m] mapped so that each column is distributed as model's."""
    return np.stack([np.interp(v, np.quantile(v, _QUANTILES), np.quantile(m, _QUANTILES))
                     for v, m in zip(values.T, model.T)], 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speech", required=True, help="folder that speech_bank.py wrote")
    parser.add_argument("--out", required=True, help="file")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=640)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = _Training(options)
    before = reported = time.time()
    losses = []
    while training.progress() < 1:
        losses.append(training.train_step())
        training.seconds += time.time() - before
        before = time.time()
        if before - reported > _REPORT_SECONDS:
            training.save()
            print(f"{training.seconds / 60:.1f} min, step {training.step}, loss "
                  f"{np.mean(losses):.4f}; {training.report()}", flush=True)
            losses, reported = [], before
    training.save()
    training.finish()
    print(f"step {training.step}; {training.report()}", flush=True)


if __name__ == "__main__":
    main()
