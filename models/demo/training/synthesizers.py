"""Speech with known phoneme times from three synthesisers: espeak-ng, flite and festival.

Each voice is a row of plain data; synthesize() gives one utterance, synthesize_many() a batch
(festival starts once per batch). Phonemes are IPA whichever synthesiser made them, "" is silence.
Debian packages: libespeak-ng1, flite, festival, festvox-us-slt-hts, festvox-kallpc16k.
"""

import ctypes
import os
import re
import subprocess
import tempfile
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from mel_spectrogram import SAMPLE_RATE


class Voice(NamedTuple):
    """synthesizer: espeak, flite or festival; name: what it calls the voice; language: a tag."""
    synthesizer: str
    name: str
    language: str


class Utterance(NamedTuple):
    """samples: float32 [n], 16 kHz mono, peak 0.9; segments: [(start_s, end_s, IPA)], gapless."""
    samples: np.ndarray
    segments: list


# Seconds to add to the phoneme times that a synthesiser reports, measured against the sound: where
# s and sh hiss, vowels are loud, nasals dip and stops are silent.
_TIME_CORRECTION = {"espeak": 0.0, "flite": 0.005, "festival": 0.012}

# flite and festival name phonemes in CMU's ARPAbet.
_ARPABET_TO_IPA = dict(
    aa="ɑː", ae="æ", ah="ʌ", ao="ɔː", aw="aʊ", ax="ə", axr="ɚ", ay="aɪ", b="b", ch="tʃ", d="d",
    dh="ð", dx="ɾ", eh="ɛ", el="əl", em="əm", en="ən", er="ɝ", ey="eɪ", f="f", g="ɡ", hh="h",
    hv="ɦ", ih="ɪ", iy="iː", jh="dʒ", k="k", l="l", m="m", n="n", ng="ŋ", nx="ɾ", ow="oʊ",
    oy="ɔɪ", p="p", r="ɹ", s="s", sh="ʃ", t="t", th="θ", uh="ʊ", uw="uː", v="v", w="w", y="j",
    z="z", zh="ʒ", pau="", brth="", h="")


def synthesize(text, voice, rng):
    """Speaks text; rng (numpy Generator) chooses rate, pitch and liveliness. Returns Utterance.

    Raises RuntimeError if the synthesiser is missing, lacks the voice or says nothing.
    """
    return synthesize_many([text], voice, rng)[0]


def synthesize_many(texts, voice, rng):
    """synthesize() for a list of texts with one voice."""
    rendered = _ENGINES[voice.synthesizer](texts, voice, rng)
    return [_finish(*one, voice, text) for one, text in zip(rendered, texts)]


def _finish(rate, samples, segments, voice, text):
    """From a synthesiser's own sample rate and times to an Utterance."""
    samples = np.asarray(samples)
    if len(samples) < rate // 20 or not samples.any():
        raise RuntimeError(f"{voice.synthesizer} {voice.name} said nothing for {text!r}")
    divisor = np.gcd(SAMPLE_RATE, rate)
    samples = resample_poly(samples.astype(np.float32), SAMPLE_RATE // divisor, rate // divisor)
    samples = (samples * (0.9 / np.abs(samples).max())).astype(np.float32)
    shift, end = _TIME_CORRECTION[voice.synthesizer], len(samples) / SAMPLE_RATE
    clean = [(min(max(a + shift, 0.0), end), min(max(b + shift, 0.0), end), phoneme)
             for a, b, phoneme in segments]
    return Utterance(samples, [s for s in clean if s[1] > s[0]])


# espeak-ng: the command line prints no phoneme times, the library reports them as events.

_EVENT_END, _EVENT_PHONEME = 0, 7
_OUTPUT_SYNCHRONOUS = 2
_INIT_PHONEME_EVENTS, _INIT_PHONEME_IPA = 1, 2
_CHARS_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint),
                ("text_position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _EventId)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int,
                             ctypes.POINTER(_Event))


class _Espeak:
    """The library keeps one global state, so there is one of these per process."""

    def __init__(self):
        try:
            self._library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise RuntimeError("libespeak-ng.so.1 not found; apt install libespeak-ng1") from error
        self.rate = self._library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS, 0, None, _INIT_PHONEME_EVENTS | _INIT_PHONEME_IPA)
        self._pieces, self._phonemes = [], []
        self._callback = _CALLBACK(self._collect)  # kept: the library holds only the pointer
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, wave, count, events):
        if wave and count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                name = bytes(event.id.string).split(b"\0")[0].decode("utf8", "ignore")
                self._phonemes.append((event.sample / self.rate, name))
            index += 1
        return 0

    def speak(self, text, name, rate, pitch, pitch_range):
        """rate: words a minute; pitch, pitch_range: 0..100. Returns samples, segments."""
        self._pieces.clear()
        self._phonemes.clear()
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {name!r}; see espeak-ng --voices")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        self._library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 1, 0,
                                   _CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        starts = [start for start, _ in self._phonemes]
        ends = starts[1:] + [len(samples) / self.rate]
        segments = [[a, b, name] for a, b, (_, name) in zip(starts, ends, self._phonemes)]
        if starts and starts[0] > 0:
            segments.insert(0, [0.0, starts[0], ""])
        return samples, _with_closures(segments, rate)


def _with_closures(segments, rate):
    """Moves the start of p t k and affricates from the burst, which espeak-ng reports, to the
    silent closure before it: 55 ms at 110 words a minute, 28 at 225, less after a hiss."""
    closure = min(0.055, 6.3 / rate)
    for before, stop in zip(segments, segments[1:]):
        if stop[2][:1] in tuple("ptkcqʈ"):
            hiss = before[2][-1:] in tuple("szʃʒfxɕʂ")
            taken = min(closure * (0.5 if hiss else 1.0), 0.5 * (before[1] - before[0]))
            before[1] = stop[0] = stop[0] - taken
    return segments


_espeak = lru_cache(maxsize=1)(_Espeak)


def _speak_espeak(texts, voice, rng):
    engine = _espeak()
    for text in texts:
        settings = (int(rng.integers(110, 231)), int(rng.integers(15, 86)),
                    int(rng.integers(20, 91)))
        yield engine.rate, *engine.speak(text, voice.name, *settings)


def _run(command, **options):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} not found; apt install {command[0]}") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{command[0]} failed: {error.stderr.strip()[-300:]}") from error


def _gapless(ends):
    """[(end_s, arpabet)] -> segments."""
    starts = [0.0] + [end for end, _ in ends]
    return [(start, end, _ARPABET_TO_IPA[name]) for start, (end, name) in zip(starts, ends)]


def _speak_flite(texts, voice, rng):
    with tempfile.TemporaryDirectory() as folder:
        wave = os.path.join(folder, "flite.wav")
        for text in texts:
            command = ["flite", "-voice", voice.name, "-psdur",
                       "--setf", f"duration_stretch={rng.uniform(0.85, 1.3):.2f}"]
            command += ["--setf", f"int_f0_target_mean={rng.uniform(85, 210):.0f}",  # not rms
                        "--setf", f"int_f0_target_stddev={rng.uniform(6, 25):.0f}"]
            listing = _run(command + ["-t", text, "-o", wave])
            ends = [(float(end), name) for name, end in re.findall(r"([a-z]+):([\d.]+)", listing)]
            yield *wavfile.read(wave), _gapless(ends)


_FESTIVAL_DUMP = """
(define (dump text stem)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text))))
        (fd (fopen (string-append stem ".txt") "w")))
    (mapcar (lambda (s) (format fd "%f %s\\n" (item.feat s "segment_end") (item.name s)))
            (utt.relation.items utt 'Segment))
    (fclose fd)
    (utt.save.wave utt (string-append stem ".wav") 'riff)))
"""


def _speak_festival(texts, voice, rng):
    with tempfile.TemporaryDirectory() as folder:
        lines = [_FESTIVAL_DUMP, f"(voice_{voice.name})"]
        for index, text in enumerate(texts):
            quoted = text.replace("\\", " ").replace('"', " ")
            lines.append(f"(Parameter.set 'Duration_Stretch {rng.uniform(0.85, 1.25):.2f})")
            lines.append(f'(dump "{quoted}" "{folder}/{index}")')
        script = os.path.join(folder, "speak.scm")
        with open(script, "w", encoding="utf8") as file:
            file.write("\n".join(lines))
        _run(["festival", "-b", script])
        for index in range(len(texts)):
            with open(f"{folder}/{index}.txt", encoding="utf8") as file:
                ends = [(float(end), name) for end, name in map(str.split, file)]
            yield *wavfile.read(f"{folder}/{index}.wav"), _gapless(ends)


_ENGINES = {"espeak": _speak_espeak, "flite": _speak_flite, "festival": _speak_festival}
