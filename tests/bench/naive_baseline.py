"""What users have today, for the comparison of whole programs: a plain Python program around the
same network, that does every step for the whole clip before the next.

    naive_baseline.py --face VIDEO --audio FILE --model CHECKPOINT --box TOP BOTTOM LEFT RIGHT
                      --out FILE [--batch 128] [--threads N] [--preset medium]

All frames in memory; PyTorch as it comes (fp32, channels first, nothing fused), batches of 128 made
of float copies; every frame through a lossy video file, which is then transcoded and gets its sound.
Pictures are computed and pasted exactly as in the reference mode of gst-wav2lip. Started by
tests/bench/run with the peers' Python; prints one JSON object with the seconds of each step.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave

import cv2
import numpy as np
import torch

import peer_network

SAMPLE_RATE, HOP, FFT_SIZE, BANDS, WINDOW = 16000, 200, 800, 80, 16
COLUMNS_PER_SECOND = SAMPLE_RATE // HOP
CROP = 96


def launch(*line):
    """Runs a GStreamer pipeline to its end."""
    subprocess.run(["gst-launch-1.0", "-q", *" ".join(line).split()], check=True,
                   stdout=sys.stderr)


def location(path):
    return f'location="{path}"'


def read_frames(path):
    video = cv2.VideoCapture(path)
    frames = []
    while True:
        more, frame = video.read()
        if not more:
            return frames, video.get(cv2.CAP_PROP_FPS)
        frames.append(frame)


def read_speech(path, folder):
    """16 kHz mono, -1..1."""
    converted = os.path.join(folder, "speech.wav")
    launch("filesrc", location(path), "! decodebin ! audioconvert ! audioresample !",
           f"audio/x-raw,format=S16LE,channels=1,rate={SAMPLE_RATE} ! wavenc ! filesink",
           location(converted))
    with wave.open(converted) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768


def mel_filters():
    """Slaney's: triangles of equal area on a scale that is linear below 1 kHz. [80, 401]"""
    def to_mel(hz):
        return hz * 3 / 200 if hz < 1000 else 15 + np.log(hz / 1000) * 27 / np.log(6.4)

    def to_hz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    edges = to_hz(np.linspace(to_mel(55), to_mel(7600), BANDS + 2))[:, None]
    hz = np.fft.rfftfreq(FFT_SIZE, 1 / SAMPLE_RATE)
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])


def mel_spectrogram(samples):
    """[80, columns] float32, -4..4, 80 columns a second."""
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1])
    padded = np.pad(emphasised, FFT_SIZE // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP]
    bands = mel_filters() @ np.abs(np.fft.rfft(pieces * window)).T
    decibels = 20 * np.log10(np.maximum(1e-5, bands)) - 20
    return np.clip(8 * (decibels + 100) / 100 - 4, -4, 4).astype(np.float32)


def mel_windows(mel, fps):
    """16 columns for each frame; the first window that would overflow is the last one."""
    windows = []
    while True:
        start = int(len(windows) * COLUMNS_PER_SECOND / fps)
        if start + WINDOW > mel.shape[1]:
            return windows + [mel[:, -WINDOW:]]
        windows.append(mel[:, start:start + WINDOW])


def network_inputs(crops, windows):
    """Float tensors of one batch."""
    faces = np.asarray(crops)
    masked = faces.copy()
    masked[:, CROP // 2:] = 0
    faces = np.concatenate([masked, faces], axis=3) / 255.0
    mels = np.asarray(windows)[:, None]
    return (torch.FloatTensor(mels),
            torch.FloatTensor(np.ascontiguousarray(faces.transpose(0, 3, 1, 2))))


def paste(frame, answer, box):
    """A copy of the frame with the answer, float [96, 96, 3] 0..255, over the whole box."""
    top, bottom, left, right = box
    frame = frame.copy()
    frame[top:bottom, left:right] = cv2.resize(answer.astype(np.uint8), (right - left, bottom - top))
    return frame


def lip_sync(frames, windows, network, box, batch, take):
    """take(frame) is called with every finished frame; returns the seconds in the network."""
    top, bottom, left, right = box
    seconds = 0.0
    for first in range(0, len(windows), batch):
        count = min(batch, len(windows) - first)
        originals = [frames[(first + i) % len(frames)].copy() for i in range(count)]
        crops = [cv2.resize(frame[top:bottom, left:right], (CROP, CROP)) for frame in originals]
        mels, faces = network_inputs(crops, windows[first:first + count])
        start = time.monotonic()
        with torch.no_grad():
            answers = network(mels, faces)
        seconds += time.monotonic() - start
        answers = answers.numpy().transpose(0, 2, 3, 1) * 255.0
        for frame, answer in zip(originals, answers):
            take(paste(frame, answer, box))
    return seconds


def transcode(video, audio, out, preset):
    """H.264 as gst-lipsync-1.0 encodes it, and AAC."""
    queue = "queue max-size-time=0 max-size-buffers=0 max-size-bytes=67108864"
    launch("filesrc", location(video), "! decodebin ! videoconvert ! video/x-raw,format=I420 !",
           f"x264enc pass=qual quantizer=23 vbv-buf-capacity=0 speed-preset={preset} !", queue,
           "! mux. filesrc", location(audio), "! decodebin ! audioconvert ! audioresample !",
           "audio/x-raw,rate=48000 ! avenc_aac ! aacparse !", queue,
           "! mux. mp4mux name=mux ! filesink", location(out))


def main():
    parser = argparse.ArgumentParser()
    for name in ("--face", "--audio", "--model", "--out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--box", type=int, nargs=4, required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--preset", default="medium")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
        cv2.setNumThreads(options.threads)
    seconds, start = {}, time.monotonic()

    def done(step):
        nonlocal start
        now = time.monotonic()
        seconds[step], start = now - start, now

    with tempfile.TemporaryDirectory() as folder:
        frames, fps = read_frames(options.face)
        done("read frames")
        windows = mel_windows(mel_spectrogram(read_speech(options.audio, folder)), fps)
        done("hear speech")
        network = peer_network.load(options.model)
        done("load network")
        lossy = os.path.join(folder, "lossy.avi")
        height, width = frames[0].shape[:2]
        writer = cv2.VideoWriter(lossy, cv2.VideoWriter_fourcc(*"DIVX"), fps, (width, height))
        in_network = lip_sync(frames[:len(windows)], windows, network, options.box, options.batch,
                              writer.write)
        writer.release()
        done("lip-sync and write")
        seconds["network"] = in_network
        seconds["lip-sync and write"] -= in_network
        transcode(lossy, options.audio, options.out, options.preset)
        done("transcode")
    print(json.dumps({"frames": len(windows), "stages": seconds}))


if __name__ == "__main__":
    main()
