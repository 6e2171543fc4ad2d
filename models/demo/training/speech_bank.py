"""Makes the bank of spoken clips: mel columns, the mouth that belongs to each, and an index.

    python speech_bank.py --out DIR --clips 12000 --seed 1 [--processes 2]

DIR gets mel.npy float16 [columns, 80], mouth.npy float16 [columns, 8] (visemes.PARAMETERS; row c
is the mouth of a frame at column c's time, whose window is columns c .. c+15) and index.json.
A clip depends on the seed, its split and its number alone, not on the number of processes.
speak() gives single utterances with a mouth curve at any frame rate, for demos.
"""

import argparse
import json
import os
import time
from multiprocessing import Pool
from typing import NamedTuple

import numpy as np

import augment
from mel_spectrogram import COLUMNS_PER_SECOND, SAMPLE_RATE, mel_spectrogram
from sentences import HELD_OUT_LANGUAGE, LANGUAGES, make_sentence
from synthesizers import Utterance, Voice, synthesize, synthesize_many
from visemes import PARAMETERS, mouth_curve

# espeak-ng's names of languages; several accents of one language share its sentences.
_ESPEAK_LANGUAGES = {
    "en": ("en-us", "en-us", "en-us", "gmw/en", "en-gb-x-rp", "en-gb-scotland", "en-029"),
    "es": ("es", "es-419"), "pt": ("pt", "pt-br")}
# None of these uses a Klatt synthesiser: klatt4 is the held-out voice.
TRAINING_VARIANTS = (
    "", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8",
    "+Alicia", "+Andrea", "+Andy", "+Annie", "+belinda", "+linda", "+steph", "+aunty", "+grandma",
    "+Denis", "+Diogo", "+Gene", "+Hugo", "+Jacky", "+john", "+Lee", "+Marco", "+max", "+Michael",
    "+Mike", "+pablo", "+paul", "+pedro", "+rob", "+sandro", "+travis", "+victor", "+zac",
    "+grandpa", "+boris", "+antonio", "+marcelo", "+whisper", "+whisperf")
HELD_OUT_VARIANT = "+klatt4"
TRAINING_FLITE = ("kal", "kal16", "awb", "awb", "rms", "rms")  # awb and rms are recorded men
HELD_OUT_FESTIVAL = ("cmu_us_slt_arctic_hts", "kal_diphone")
HELD_OUT_SPLITS = ("seen", "voice", "language", "synthesiser")
SPLITS = ("train",) + HELD_OUT_SPLITS
VALIDATION_CLIPS = 150

_ENGLISH_SHARE = 0.4
_FLITE_SHARE = 0.3
_SILENT_SHARE = 0.06
_MAX_COLUMNS = int(4.5 * COLUMNS_PER_SECOND)
_CHUNK = 50  # clips a worker makes at a time; festival starts once per chunk and voice


class Clip(NamedTuple):
    """mel: float32 [columns, 80]; mouth: float32 [columns, 8]; facts: its row in the index."""
    mel: np.ndarray
    mouth: np.ndarray
    facts: dict


def _pick(rng, items):
    return items[int(rng.integers(len(items)))]


def _espeak_voice(rng, language, variants):
    name = _pick(rng, _ESPEAK_LANGUAGES.get(language, (language,)))
    return Voice("espeak", name + _pick(rng, variants), language)


def choose_voice(split, rng):
    """A voice that the split may use."""
    if split == "synthesiser":
        return Voice("festival", _pick(rng, HELD_OUT_FESTIVAL), "en")
    if split == "language":
        return _espeak_voice(rng, HELD_OUT_LANGUAGE, TRAINING_VARIANTS)
    if split != "voice" and rng.random() < _FLITE_SHARE:
        return Voice("flite", _pick(rng, TRAINING_FLITE), "en")
    language = "en" if rng.random() < _ENGLISH_SHARE else _pick(rng, LANGUAGES)
    return _espeak_voice(rng, language, (HELD_OUT_VARIANT,) if split == "voice"
                         else TRAINING_VARIANTS)


def with_silence(utterances, gaps):
    """Joins utterances with gaps[i] seconds of silence before each and gaps[-1] after the last."""
    pieces, segments, at = [], [], 0.0
    for utterance, gap in zip(utterances, gaps):
        silence = np.zeros(int(gap * SAMPLE_RATE), np.float32)
        start = at + len(silence) / SAMPLE_RATE
        segments += [(a + start, b + start, name) for a, b, name in utterance.segments]
        pieces += [silence, utterance.samples]
        at = start + len(utterance.samples) / SAMPLE_RATE
    pieces.append(np.zeros(int(gaps[-1] * SAMPLE_RATE), np.float32))
    return Utterance(np.concatenate(pieces), segments)


def speak(text, voice, seed=0, fps=25.0, before=0.3, after=0.4):
    """One utterance for a demo: (samples float32 16 kHz, mouth float32 [frames, 8], segments).

    voice: a Voice, such as Voice("espeak", "en-us+f2", "en"). before, after: seconds of silence.
    Repeatable in a fresh process; later espeak-ng utterances differ by hair's breadths.
    """
    spoken = synthesize(text, voice, np.random.default_rng(seed))
    samples, segments = with_silence([spoken], [before, after])
    frames = int(len(samples) / SAMPLE_RATE * fps)
    return samples, mouth_curve(segments, np.arange(frames) / fps), segments


def _babble(count, rng):
    """Two or three strangers talking at once."""
    mix = np.zeros(count, np.float32)
    for _ in range(int(rng.integers(2, 4))):
        voice = _espeak_voice(rng, _pick(rng, LANGUAGES), TRAINING_VARIANTS)
        talk = synthesize(make_sentence(voice.language, rng, False), voice, rng).samples
        mix += np.roll(np.resize(talk, count), int(rng.integers(count)))
    return mix / max(augment.loudness(mix), 1e-6)


def _damage(samples, rng):
    """Training's channel, background and level."""
    samples = augment.channel(samples, rng)
    if rng.random() < 0.05:
        samples = augment.lossy(samples, rng)
    level = augment.loudness(samples)
    samples = samples / max(level, 1e-6)
    kind = rng.random()
    if kind < 0.70:  # mostly recordings that one would use
        ratio_db = rng.uniform(22, 60) if rng.random() < 0.75 else rng.uniform(8, 22)
        samples = samples + augment.noise(len(samples), rng) * 10 ** (-ratio_db / 20)
    elif kind < 0.78:
        samples = samples + _babble(len(samples), rng) * 10 ** (-rng.uniform(14, 35) / 20)
    if rng.random() < 0.3:  # never digital silence in most real files
        samples = samples + rng.standard_normal(len(samples)).astype(np.float32) * 1e-3
    return samples * 10 ** (rng.uniform(-34, -12) / 20)


def _mild(samples, rng):
    """Validation's: a faint hiss and another level."""
    level = max(augment.loudness(samples), 1e-6)
    hiss = rng.standard_normal(len(samples)) * 10 ** (-rng.uniform(40, 60) / 20)
    return (samples / level + hiss) * 10 ** (rng.uniform(-28, -16) / 20)


def _silent_samples(rng):
    """Nothing, a noise floor, a breath, or a far chord: all with a closed mouth."""
    count = int(rng.uniform(1.5, 3.0) * SAMPLE_RATE)
    kind = rng.random()
    if kind < 0.15:
        return np.zeros(count, np.float32)
    floor = augment.noise(count, rng) * 10 ** (rng.uniform(-75, -40) / 20)
    if kind < 0.6:
        return floor
    if kind < 0.85:
        return floor + augment.breath(count, rng) * 10 ** (rng.uniform(-60, -30) / 20)
    seconds = np.arange(count) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * rng.uniform(100, 1200) * seconds) for _ in range(4))
    return floor + chord.astype(np.float32) * 10 ** (rng.uniform(-60, -35) / 20)


def _finish(split, samples, segments, rng, facts):
    samples = np.clip(samples, -1, 1)
    mel = mel_spectrogram(samples)
    mouth = mouth_curve(segments, np.arange(len(mel)) / COLUMNS_PER_SECOND)
    first = int(rng.integers(max(1, len(mel) - _MAX_COLUMNS + 1)))
    part = slice(first, first + _MAX_COLUMNS)
    return Clip(mel[part], mouth[part], dict(facts, split=split))


def _spoken_clip(split, voice, texts, utterances, rng):
    """Silence around utterances, then what the split does to sound."""
    gaps = [rng.uniform(0.2, 0.6) if edge else rng.uniform(0.12, 0.7)
            for edge in [True] + [False] * (len(texts) - 1) + [True]]
    # Flite's voices are all men: sped up, some pass for women.
    shortest = 0.74 if voice.synthesizer == "flite" else 0.82
    factor = rng.uniform(shortest, 1.2) if split == "train" and rng.random() < 0.7 else 1.0
    stretched = []
    for samples, segments in utterances:
        samples, exact = augment.resample(samples, factor)
        stretched.append(Utterance(samples, [(a * exact, b * exact, p) for a, b, p in segments]))
    samples, segments = with_silence(stretched, gaps)
    samples = (_damage if split == "train" else _mild)(samples, rng)
    facts = dict(synthesizer=voice.synthesizer, voice=voice.name, language=voice.language,
                 text=" / ".join(texts))
    return _finish(split, samples, segments, rng, facts)


def _clip_rng(seed, split, number):
    return np.random.default_rng((seed, SPLITS.index(split), number))


def plan_clip(split, number, seed):
    """What a clip says and who says it: (rng, voice, texts). A silent clip has no voice."""
    rng = _clip_rng(seed, split, number)
    if split == "train" and rng.random() < _SILENT_SHARE:
        return rng, None, []
    voice = choose_voice(split, rng)
    phrases = 2 if rng.random() < 0.15 else 1
    return rng, voice, [make_sentence(voice.language, rng, split != "train")
                        for _ in range(phrases)]


def make_clips(split, numbers, seed):
    """The clips of a split with these numbers, as a list of Clip."""
    plans = [plan_clip(split, number, seed) for number in numbers]
    spoken = [None] * len(plans)
    for name in HELD_OUT_FESTIVAL:  # one start of festival for all its texts
        members = [i for i, (_, voice, _) in enumerate(plans)
                   if voice and (voice.synthesizer, voice.name) == ("festival", name)]
        if members:
            voice = plans[members[0]][1]
            texts = [text for i in members for text in plans[i][2]]
            rendered = iter(synthesize_many(texts, voice, plans[members[0]][0]))
            for i in members:
                spoken[i] = [next(rendered) for _ in plans[i][2]]
    clips = []
    for (rng, voice, texts), utterances in zip(plans, spoken):
        if voice is None:
            facts = dict(synthesizer="none", voice="", language="", text="")
            clips.append(_finish(split, _silent_samples(rng), [], rng, facts))
        else:
            utterances = utterances or synthesize_many(texts, voice, rng)
            clips.append(_spoken_clip(split, voice, texts, utterances, rng))
    return clips


def _make_chunk(job):
    clips = make_clips(*job)
    return [clip._replace(mel=clip.mel.astype(np.float16), mouth=clip.mouth.astype(np.float16))
            for clip in clips]


def _jobs(train_clips, validation_clips, seed):
    for split in SPLITS:
        count = train_clips if split == "train" else validation_clips
        for first in range(0, count, _CHUNK):
            yield split, range(first, min(first + _CHUNK, count)), seed


def make_bank(folder, train_clips, seed, processes=2, validation_clips=VALIDATION_CLIPS):
    """Writes mel.npy, mouth.npy and index.json into folder. Returns the index."""
    os.makedirs(folder, exist_ok=True)
    # A process per chunk: espeak-ng's state drifts from one utterance to the next.
    with Pool(processes, maxtasksperchild=1) as pool:
        clips = [clip for chunk in pool.imap(_make_chunk, _jobs(train_clips, validation_clips,
                                                                seed)) for clip in chunk]
    total = sum(len(clip.mel) for clip in clips)
    mel = np.lib.format.open_memmap(os.path.join(folder, "mel.npy"), "w+", np.float16,
                                    (total, clips[0].mel.shape[1]))
    mouth = np.lib.format.open_memmap(os.path.join(folder, "mouth.npy"), "w+", np.float16,
                                      (total, len(PARAMETERS)))
    rows, start = [], 0
    for clip in clips:
        stop = start + len(clip.mel)
        mel[start:stop], mouth[start:stop] = clip.mel, clip.mouth
        rows.append(dict(start=start, columns=stop - start, **clip.facts))
        start = stop
    mel.flush()
    mouth.flush()
    index = dict(seed=seed, parameters=PARAMETERS, columns_per_second=COLUMNS_PER_SECOND,
                 clips=rows)
    with open(os.path.join(folder, "index.json"), "w", encoding="utf8") as file:
        json.dump(index, file, ensure_ascii=False, indent=0)
    return index


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for the bank")
    parser.add_argument("--clips", type=int, default=12000, help="training clips")
    parser.add_argument("--validation-clips", type=int, default=VALIDATION_CLIPS,
                        help="clips of each validation split")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    began = time.time()
    index = make_bank(options.out, options.clips, options.seed, options.processes,
                      options.validation_clips)
    columns = sum(row["columns"] for row in index["clips"])
    print(f"{len(index['clips'])} clips, {columns / COLUMNS_PER_SECOND / 3600:.2f} hours of "
          f"speech in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
