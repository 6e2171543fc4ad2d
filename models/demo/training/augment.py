"""What rooms, microphones and lines do to speech, so that synthetic voices train for real ones.

All functions take and return float32 [n] at 16 kHz; rng is a numpy Generator.
Nothing here shifts sound in time, except resample(), whose caller scales the times.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import istft, resample_poly, stft

from mel_spectrogram import SAMPLE_RATE


def resample(samples, factor):
    """Plays factor times slower (0.7..1.3): duration times factor, pitch and formants divided.

    Returns (samples, the exact factor), which is rounded to hundredths.
    """
    hundredths = int(round(factor * 100))
    return resample_poly(samples, hundredths, 100).astype(np.float32), hundredths / 100


def _spectrum_curve(rng, size, tilt_db, bump_db):
    """Random smooth gain over a half spectrum of size bins: a tilt and a few bumps."""
    knots = np.linspace(0, 1, 8)
    gains_db = rng.uniform(-tilt_db, tilt_db) * (knots - 0.4) + rng.uniform(-bump_db, bump_db, 8)
    # Even spacing in Bark-like frequency: half the knots lie below 1.6 kHz.
    return 10 ** (np.interp(np.linspace(0, 1, size) ** 0.5, knots, gains_db) / 20)


def _band_limit(rng, size):
    """Telephone, small speaker or lossy coder: gain over a half spectrum of size bins."""
    hz = np.linspace(0, SAMPLE_RATE / 2, size)
    low = _pick(rng, (0, 100, 200, 300))
    high = rng.uniform(3300, 7000)
    rise = 1 / (1 + (low / np.maximum(hz, 1)) ** 8) if low else 1.0
    return rise / (1 + (hz / high) ** 24)


def _pick(rng, items):
    return items[int(rng.integers(len(items)))]


def _room(rng, seconds):
    """An impulse response: the direct sound, then noise that decays by 60 dB in `seconds`."""
    count = int(seconds * SAMPLE_RATE)
    decay = np.exp(-6.9 * np.arange(count) / count)
    tail = rng.standard_normal(count) * decay
    tail[:int(rng.uniform(0.002, 0.01) * SAMPLE_RATE)] = 0
    tail *= 10 ** (rng.uniform(-14, 2) / 20) / np.sqrt(np.sum(tail ** 2))
    tail[0] = 1.0
    return tail


def channel(samples, rng, equalise=0.8, limit=0.12, reverberate=0.35):
    """Equaliser, band limit and room with these probabilities, in one pass over the spectrum."""
    use_room = rng.random() < reverberate
    room = _room(rng, rng.uniform(0.08, 0.5)) if use_room else np.ones(1)
    size = next_fast_len(len(samples) + len(room), real=True)
    spectrum = rfft(samples, size)
    if use_room:
        spectrum = spectrum * rfft(room, size)
    if rng.random() < equalise:
        spectrum = spectrum * _spectrum_curve(rng, len(spectrum), 12, 5)
    if rng.random() < limit:
        spectrum = spectrum * _band_limit(rng, len(spectrum))
    return irfft(spectrum, size)[:len(samples)].astype(np.float32)


def lossy(samples, rng):
    """Holes in the spectrum as low bit rates leave them: weak bins beside strong ones go."""
    _, _, spectrum = stft(samples, nperseg=512, padded=True)
    magnitude = np.abs(spectrum)
    floor = magnitude.max(axis=0, keepdims=True) * 10 ** (-rng.uniform(30, 45) / 20)
    _, rebuilt = istft(np.where(magnitude < floor, 0, spectrum), nperseg=512)
    rebuilt = rebuilt[:len(samples)]
    return np.pad(rebuilt, (0, len(samples) - len(rebuilt))).astype(np.float32)


def noise(count, rng):
    """A kind of background at random, root mean square 1: white to brown, or mains hum."""
    if rng.random() < 0.12:
        time = np.arange(count) / SAMPLE_RATE
        base = _pick(rng, (50, 60, 100, 120))
        hum = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * (k * base * time + rng.random()))
                  for k in range(1, 9))
        hum = hum + 0.1 * rng.standard_normal(count)
        return (hum / np.sqrt(np.mean(hum ** 2))).astype(np.float32)
    size = next_fast_len(count, real=True)
    spectrum = rfft(rng.standard_normal(size))
    hz = np.maximum(np.linspace(0, SAMPLE_RATE / 2, len(spectrum)), 40)
    spectrum *= (hz / 40) ** -rng.uniform(0, 1.2) * _spectrum_curve(rng, len(spectrum), 6, 4)
    coloured = irfft(spectrum, size)[:count]
    return (coloured / np.sqrt(np.mean(coloured ** 2))).astype(np.float32)


def breath(count, rng):
    """Breathing, rustling or a fan: noise that swells and fades, root mean square about 0.5."""
    time = np.arange(count) / SAMPLE_RATE
    swell = np.zeros(count)
    for _ in range(int(rng.integers(1, 5))):
        centre, width = rng.uniform(0, time[-1]), rng.uniform(0.05, 0.5)
        swell = np.maximum(swell, np.exp(-0.5 * ((time - centre) / width) ** 2))
    return (noise(count, rng) * swell).astype(np.float32)


def loudness(samples):
    """Root mean square of the parts where something is said."""
    power = samples.astype(np.float64) ** 2
    loud = power[power > 0.01 * power.max()] if power.any() else power
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0
