"""Trains the demo network's face layers on drawn heads, from mouth parameters, then from speech.

    python train_pictures.py --scenes SCENES --out DRAWING --minutes 35
    python train_pictures.py --scenes SCENES --out DIR --minutes 46 --rate 1.2e-3 \\
        --drawing DRAWING/demo.pth --audio audio.pt --speech BANK

The first command needs no speech: the decoder learns to draw what mouth parameters say. The second
joins it with the encoder that train_audio.py made, and goes on with speech that sounds like each
drawn mouth. One process per core, each on its share of every batch. The folder gets demo.pth (a
checkpoint, of averaged weights) and state.pt: the same command again goes on after a cut.
--start CHECKPOINT begins from a finished one.
"""

import argparse
import copy
import math
import os
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as processes

from network import CROP, DemoNetwork
from picture_batches import PictureBatches, network_faces
from scenes import HELD_OUT_IDENTITIES, draw_crop, random_scene
from visemes import CLOSED

_LOWER = CROP // 2
_RATE = 1.5e-3
_WARM_UP_STEPS = 200
_LARGEST_GRADIENT = 1.0
_AVERAGING = 0.999
_SQUARED = 8.0        # weight of squared beside absolute differences: large errors count more
_EDGES = 0.5          # weight of differences between neighbouring pixels: sharp lips
_FULL_EVERY = 8       # steps; between them only the lower half is computed
_UPPER_WEIGHT = 0.25
_SAVE_SECONDS = 120
_CHECKED_SCENES = 96


def picture_loss(answer, target, weight):
    """Weighted difference of pictures and of their edges."""
    difference = answer - target
    plain = (weight * (difference.abs() + _SQUARED * difference ** 2)).mean()
    edges = sum((weight.narrow(axis, 1, weight.shape[axis] - 1) *
                 difference.diff(dim=axis).abs()).mean() for axis in (2, 3))
    return plain + _EDGES * edges


def speech_of(network, batch):
    """What the decoder gets: the encoded speech, or the mouth parameters themselves."""
    if batch.mel is None:
        return network.place_mouth(batch.mouth)
    return network.encode_speech(batch.mel)


class HeldOut:
    """Unseen heads with mouths of the training: how many decibels off are the answers?"""

    def __init__(self, batches):
        rng = np.random.default_rng(5)
        known = batches.draw(_CHECKED_SCENES, rng)
        targets, references = [], []
        for number, mouth in enumerate(known.mouth.numpy()):
            scene = random_scene(HELD_OUT_IDENTITIES + number, rng)
            targets.append(draw_crop(scene, mouth))
            references.append(draw_crop(scene, CLOSED))
        references = np.stack(references)
        self._batch = known._replace(faces=network_faces(references))
        self._targets = np.stack(targets).astype(np.float32)[:, _LOWER:]

    @torch.no_grad()
    def decibels(self, network):
        answer = network.decode(speech_of(network, self._batch),
                                network.encode_face(self._batch.faces), lower_only=True)
        difference = answer.permute(0, 2, 3, 1).numpy() * 255 - self._targets
        return float(10 * np.log10(255 ** 2 / (difference ** 2).mean()))


def _face_parameters(network):
    return [parameter for name, parameter in network.named_parameters()
            if not name.startswith("audio_encoder")]


class _Trainer:
    """One process's share of the training."""

    def __init__(self, rank, options):
        self.rank, self.options = rank, options
        torch.manual_seed(options.seed)
        self.network = self._new_network()
        self.trained = _face_parameters(self.network)
        self.network.audio_encoder.requires_grad_(False)
        self.average = [p.detach().clone() for p in self.trained]
        self.optimizer = torch.optim.Adam(self.trained, _RATE, betas=(0.9, 0.99))
        self.step, self.seconds = 0, 0.0
        self._resume()

    def _new_network(self):
        options = self.options
        start = options.start or options.drawing
        network = DemoNetwork.load(start) if start else DemoNetwork()
        if options.drawing:
            heard = torch.load(options.audio, weights_only=True)
            network.hear_with(heard["encoder"], heard["weight"], heard["bias"])
        return network.to(memory_format=torch.channels_last).eval()

    def _state_file(self):
        return os.path.join(self.options.out, "state.pt")

    def _resume(self):
        if not os.path.exists(self._state_file()):
            return
        state = torch.load(self._state_file(), weights_only=True)
        for parameter, saved in zip(self.trained, state["weights"]):
            parameter.data.copy_(saved)
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self, averaged):
        state = dict(weights=[p.detach() for p in self.trained], average=self.average,
                     optimizer=self.optimizer.state_dict(), step=self.step, seconds=self.seconds)
        torch.save(state, self._state_file() + ".new")
        os.replace(self._state_file() + ".new", self._state_file())
        out = os.path.join(self.options.out, "demo.pth")
        averaged.export(out + ".new")
        os.replace(out + ".new", out)

    def averaged_network(self):
        network = copy.deepcopy(self.network)
        for parameter, value in zip(_face_parameters(network), self.average):
            parameter.data.copy_(value)
        return network

    def _share_gradients(self):
        """The mean of all processes' gradients; returns how far rank 0 says the training is."""
        flat = torch.cat([p.grad.flatten() for p in self.trained])
        clock = torch.tensor([self.seconds if self.rank == 0 else 0.0])
        flat = torch.cat([flat, clock])
        dist.all_reduce(flat)
        flat[:-1] /= self.options.processes
        at = 0
        for parameter in self.trained:
            size = parameter.numel()
            parameter.grad.copy_(flat[at:at + size].view_as(parameter))
            at += size
        return min(1.0, float(flat[-1]) / (60 * self.options.minutes))

    def train_step(self, batch):
        full = self.step % _FULL_EVERY == 0
        first = 0 if full else _LOWER
        with torch.autocast("cpu", torch.bfloat16):
            answer = self.network.decode(speech_of(self.network, batch),
                                         self.network.encode_face(batch.faces), not full)
        weight = batch.weight.clone()
        weight[:, :, :_LOWER] *= _UPPER_WEIGHT
        loss = picture_loss(answer, batch.target[:, :, first:], weight[:, :, first:])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        progress = self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.trained, _LARGEST_GRADIENT)
        warm = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate * warm * (0.5 + 0.5 * math.cos(math.pi * progress))
        self.optimizer.step()
        self.step += 1
        keep = min(_AVERAGING, self.step / (self.step + 10))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.trained], 1 - keep)
        return float(loss.detach()), progress


def _meeting_point(options):
    return os.path.join(os.path.abspath(options.out), "processes")


def _train(rank, options):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{_meeting_point(options)}", rank=rank,
                            world_size=options.processes)
    trainer = _Trainer(rank, options)
    heard = options.audio and torch.load(options.audio, weights_only=True)["heard"].numpy()
    batches = PictureBatches(options.scenes, options.speech, heard, options.seed)
    held_out = HeldOut(batches) if rank == 0 else None
    progress, losses, before, saved, share = 0.0, [], time.time(), time.time(), options.batch
    share //= options.processes
    while progress < 1.0:
        rng = np.random.default_rng((options.seed, rank, trainer.step))
        loss, progress = trainer.train_step(batches.draw(share, rng))
        losses.append(loss)
        trainer.seconds += time.time() - before
        before = time.time()
        if rank == 0 and (time.time() - saved > _SAVE_SECONDS or progress >= 1.0):
            averaged = trainer.averaged_network()
            trainer.save(averaged)
            rate = len(losses) * options.batch / (time.time() - saved)
            print(f"{trainer.seconds / 60:.1f} min, step {trainer.step}, loss "
                  f"{np.mean(losses):.4f}, held out {held_out.decibels(averaged):.2f} dB, "
                  f"{rate:.0f} pictures/s", flush=True)
            losses, saved = [], time.time()
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", required=True, nargs="+", help="folders that scenes.py wrote")
    parser.add_argument("--drawing", help="demo.pth of a training without speech")
    parser.add_argument("--audio", help="audio.pt of train_audio.py")
    parser.add_argument("--speech", help="folder that speech_bank.py wrote")
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=240)
    parser.add_argument("--start", help="checkpoint to start from")
    parser.add_argument("--rate", type=float, default=_RATE)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if bool(options.audio) != bool(options.speech):
        parser.error("--audio and --speech go together")
    if options.drawing and (options.start or not options.audio):
        parser.error("--drawing is joined with --audio; --start goes on from what was joined")
    if options.batch % options.processes:
        parser.error("--batch must be a multiple of --processes")
    os.makedirs(options.out, exist_ok=True)
    if os.path.exists(_meeting_point(options)):  # left by a run that was cut off
        os.remove(_meeting_point(options))
    processes.spawn(_train, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
