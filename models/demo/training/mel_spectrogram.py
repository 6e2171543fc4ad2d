"""Mel spectrogram as the Wav2Lip reference computes it, in numpy; used by speech_bank.py and demos.

16 kHz mono -> pre-emphasis -> centred STFT (800-point periodic Hann, hop 200, reflected ends)
-> 80 Slaney mel bands 55..7600 Hz -> decibels -> clipped to -4..4. 80 columns a second.
"""

from functools import lru_cache

import numpy as np
from scipy.fft import rfft
from scipy.sparse import csr_array

SAMPLE_RATE = 16000
FFT_SIZE = 800
HOP = 200
MEL_BANDS = 80
COLUMNS_PER_SECOND = SAMPLE_RATE // HOP
SILENCE = -4.0

_MEL_LOW_HZ, _MEL_HIGH_HZ = 55.0, 7600.0
_PRE_EMPHASIS = 0.97
_REFERENCE_DB, _MIN_DB = 20.0, -100.0

# Slaney's scale: linear below 1 kHz, 27 logarithmic steps per factor 6.4 above.
_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz):
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ_PER_MEL,
                    _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP)


def _mel_to_hz(mel):
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ_PER_MEL,
                    _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))


@lru_cache(maxsize=1)
def mel_filterbank():
    """Triangular filters of equal area, sparse float64 [MEL_BANDS, FFT_SIZE // 2 + 1]."""
    mel_edges = np.linspace(_hz_to_mel(np.float64(_MEL_LOW_HZ)),
                            _hz_to_mel(np.float64(_MEL_HIGH_HZ)), MEL_BANDS + 2)
    edges = _mel_to_hz(mel_edges)[:, None]
    bins = np.fft.rfftfreq(FFT_SIZE, 1.0 / SAMPLE_RATE)[None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return csr_array(np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2])))


def band_warp(factor):
    """Another throat's length: float32 [MEL_BANDS, MEL_BANDS], for mel @ band_warp(factor).

    Moves what sounds at f to f / factor without touching time; human: 0.72 (child) .. 1.15 (man).
    """
    lowest, highest = _hz_to_mel(np.float64(_MEL_LOW_HZ)), _hz_to_mel(np.float64(_MEL_HIGH_HZ))
    step = (highest - lowest) / (MEL_BANDS + 1)
    band = np.arange(MEL_BANDS)
    source_hz = _mel_to_hz(lowest + step * (band + 1)) * factor
    source = np.clip((_hz_to_mel(source_hz) - lowest) / step - 1, 0, MEL_BANDS - 1)
    return np.maximum(0, 1 - np.abs(band[:, None] - source)).astype(np.float32)


def mel_spectrogram(samples):
    """samples: float [n], 16 kHz mono, -1..1, n > 400 -> float32 [1 + n // 200, 80], -4..4.

    Time runs along the rows (the network's input and the golden files are the transpose);
    row c is centred at c / 80 s.
    """
    samples = np.asarray(samples, np.float64)
    emphasised = np.append(samples[:1], samples[1:] - _PRE_EMPHASIS * samples[:-1])
    padded = np.pad(emphasised, FFT_SIZE // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP]
    bands = mel_filterbank() @ np.abs(rfft(frames * window)).T
    decibels = 20.0 * np.log10(np.maximum(1e-5, bands.T)) - _REFERENCE_DB
    mel = np.clip(8.0 * (decibels - _MIN_DB) / -_MIN_DB - 4.0, -4.0, 4.0)
    return np.ascontiguousarray(mel, np.float32)
