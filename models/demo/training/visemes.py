"""Phonemes to mouth motion: 17 visemes over 8 mouth parameters; used by speech_bank.py.

Phonemes come as IPA strings with times (synthesizers.py). Each turns into targets with weights on
a fine grid; a weighted Gaussian average of about 30 ms lets strong shapes (lips) pull weak ones
(velars, h) over; closures of p b m and f v are then enforced. The mouth leads the sound by LEAD.
"""

import unicodedata

import numpy as np
from scipy.ndimage import gaussian_filter1d

# open 0..1; width 0.55..1.25, 1 is neutral; the others 0..1: round (protruded lips), teeth (upper
# teeth seen), low (lower teeth seen), tongue, press (lips pressed), ff (lower lip under teeth).
PARAMETERS = ("open", "width", "round", "teeth", "low", "tongue", "press", "ff")
OPEN, WIDTH, ROUND, TEETH, LOW, TONGUE, PRESS, FF = range(len(PARAMETERS))
CLOSED = np.array((0, 1, 0, 0, 0, 0, 0, 0), np.float32)

# Lips and jaw move before the sound is heard, and a network's window starts at the frame's time:
# a frame at time t shows the phoneme that sounds at t + LEAD and hears t .. t + 0.2 s.
LEAD = 0.060

# name: IPA letters, parameters in the order above, weight against neighbours of jaw/tongue, lips.
_VISEME_ROWS = (
    ("PP", "pbmɓʙ",        (.00, .97, .00, .00, .00, .00, .90, .00), 2.0, 1.2),
    ("FF", "fvɱʋ",         (.10, 1.0, .00, .90, .00, .00, .00, 1.0), 2.0, 1.2),
    ("TH", "θð",           (.22, 1.0, .00, .60, .10, .90, .00, .00), 1.0, 0.5),
    ("DD", "tdnɗʈɖɳɲɟcʎ",  (.24, 1.03, .00, .75, .00, .55, .00, .00), 1.0, 0.4),
    ("LL", "lɫɭɬɮɾr",      (.34, 1.0, .00, .60, .00, .75, .00, .00), 0.8, 0.4),
    ("SS", "sz",           (.16, 1.1, .00, 1.0, .60, .00, .00, .00), 1.6, 0.8),
    ("CH", "ʃʒɕʑʂʐɧ",      (.24, .76, .60, 1.0, .45, .00, .00, .00), 1.5, 1.5),
    ("KK", "kgɡŋxɣqɢχʁʀçʝɴ", (.30, 1.0, .00, .50, .00, .10, .00, .00), 0.35, 0.15),
    ("HH", "hɦʔħʕ",        (.38, 1.0, .00, .40, .00, .10, .00, .00), 0.08, 0.05),
    ("RR", "ɹɻɚɝ",         (.28, .84, .40, .45, .00, .20, .00, .00), 1.0, 1.0),
    ("AA", "aɑɒ",          (1.0, 1.03, .00, .55, .00, .30, .00, .00), 1.0, 1.0),
    ("AH", "æʌɐ",          (.80, 1.08, .00, .65, .05, .30, .00, .00), 1.0, 1.0),
    ("EH", "eɛœɶ",         (.55, 1.11, .00, .70, .05, .40, .00, .00), 1.0, 1.0),
    ("AX", "əɘɜɞɤɵ",       (.36, 1.0, .05, .50, .00, .25, .00, .00), 0.6, 0.5),
    ("IY", "iɪjɨɯʲɥ",      (.30, 1.22, .00, .90, .20, .20, .00, .00), 1.0, 1.0),
    ("OH", "oɔʊ",          (.62, .72, .70, .15, .00, .10, .00, .00), 1.0, 1.3),
    ("UU", "uwyøʉʏɰβɸʍ",   (.26, .58, 1.0, .00, .00, .00, .00, .00), 1.2, 1.6),
)
_PARAMETER_IS_LIPS = np.array((0, 1, 1, 0, 0, 0, 1, 1), bool)

VISEMES = {name: np.array(values, np.float32) for name, _, values, _, _ in _VISEME_ROWS}
_WEIGHTS = {name: np.where(_PARAMETER_IS_LIPS, lips, jaw).astype(np.float32)
            for name, _, _, jaw, lips in _VISEME_ROWS}
_LETTER_TO_VISEME = {letter: name for name, letters, _, _, _ in _VISEME_ROWS for letter in letters}
# Letters whose shape is between rows: the front rounded vowels are open like their unrounded
# partners, the open round vowels wider than o.
_LETTER_OVERRIDES = {
    "œ": dict(width=.70, round=.75), "ɶ": dict(width=.75, round=.60),
    "ø": dict(open=.40, width=.64), "ɒ": dict(open=.85, width=.82, round=.45),
    "ɔ": dict(open=.74, width=.76, round=.60), "o": dict(open=.58, width=.70),
    "ʊ": dict(open=.36, width=.68, round=.80), "ɵ": dict(width=.75, round=.55),
    "ɪ": dict(open=.36, width=1.13), "e": dict(open=.50, width=1.15),
    "ɹ": dict(open=.24), "ʲ": dict(open=.28),
}
_VOWELS = frozenset("AA AH EH AX IY OH UU".split())
_GLIDE_LETTERS = frozenset("jwɥɰʲʍ")

_GRID = 400  # targets per second before sampling
_SMOOTH_S = 0.030
_CLOSURE_SMOOTH_S = 0.020
_MIN_CLOSURE_S = 0.055
# Of a stop's time, what is burst and breath: the lips have parted by then.
_RELEASE_SHARE = {"p": 0.40, "b": 0.20}
_SHORTEST_PAUSE_S = 0.035
_PAUSE_DECAY_S = 0.045  # what a 200 ms window can still tell: a mouth closes soon after the sound
_PAUSE_WEIGHT = 0.7


def _letter_targets(letter):
    name = _LETTER_TO_VISEME[letter]
    values = VISEMES[name].copy()
    for parameter, value in _LETTER_OVERRIDES.get(letter, {}).items():
        values[PARAMETERS.index(parameter)] = value
    return name, values


def phoneme_letters(phoneme):
    """The IPA letters of a phoneme name that have a mouth shape: 'tʃ' -> 'ʃ', 'aɪɚ' -> 'aɪɚ'.

    An empty result is silence (or a name of marks only). An affricate moves like its fricative.
    """
    if "(" in phoneme:  # espeak-ng's language switch marks, such as (en)
        return ""
    letters = [c for c in unicodedata.normalize("NFD", phoneme) if c in _LETTER_TO_VISEME]
    if len(letters) > 1 and letters[0] in "tdsʈɖ" and letters[1] in "szʃʒɕʑʂʐx":
        letters = ["ʃ"] if letters[:2] == ["s", "x"] else letters[1:]  # sx: Swedish sje
    if len(letters) > 1 and letters[-1] == "ʲ":
        letters.pop()  # palatalised: the following vowel shows it
    return "".join(letters)


def _is_vowel(letter):
    return _LETTER_TO_VISEME[letter] in _VOWELS and letter not in _GLIDE_LETTERS


def _vowel_scale(seconds):
    """Short vowels fall short of their opening, long and stressed ones reach it."""
    return float(np.interp(seconds, (0.04, 0.10, 0.18), (0.72, 0.95, 1.05)))


def _spoken_parts(segments):
    """[start_s, end_s, letters] of what is spoken. Silences too short to close a mouth (espeak-ng
    puts some inside words) and names without letters lengthen what went before."""
    spoken = []
    for start, end, phoneme in segments:
        letters = phoneme_letters(phoneme)
        if letters and end > start:
            spoken.append([start, end, letters])
        elif spoken and start == spoken[-1][1] and (phoneme or end - start < _SHORTEST_PAUSE_S):
            spoken[-1][1] = end
    return spoken


def _fill_phoneme(letters, seconds, count):
    """Targets [count, 8] and weights [count, 8] of one phoneme; several letters are a glide."""
    names, values = zip(*(_letter_targets(letter) for letter in letters))
    values = np.stack(values)
    if _is_vowel(letters[0]):
        values[:, OPEN] = np.minimum(1.0, values[:, OPEN] * _vowel_scale(seconds))
    weights = np.stack([_WEIGHTS[name] for name in names])
    if len(letters) == 1:
        return np.repeat(values, count, 0), np.repeat(weights, count, 0)
    at = (np.arange(count) + 0.5) / count
    knots = np.linspace(0.3, 0.85, len(letters))
    return tuple(np.stack([np.interp(at, knots, column) for column in table.T], 1)
                 for table in (values, weights))


def _closure_mask(spoken, letters, count):
    """1 while lips that make one of the letters are together, at least _MIN_CLOSURE_S long."""
    mask = np.zeros(count, np.float32)
    for start, end, phoneme in spoken:
        share = (end - start) / len(phoneme)
        for index, letter in enumerate(phoneme):
            if letter in letters:
                shut = start + share * index
                parted = shut + share * (1 - _RELEASE_SHARE.get(letter, 0))
                lack = max(0.0, _MIN_CLOSURE_S - (parted - shut)) / 2
                first, last = (shut - lack) * _GRID, (parted + lack) * _GRID
                mask[max(0, int(first)):int(np.ceil(last))] = 1
    smooth = gaussian_filter1d(mask, _CLOSURE_SMOOTH_S * _GRID, mode="nearest")
    return np.clip(smooth * 1.35, 0, 1)


def _enforce_closures(curve, spoken):
    """Shuts what smoothing left open: curve [count, 8] is changed in place."""
    pressed = _closure_mask(spoken, "pbmɓʙ", len(curve))
    curve[:, OPEN] *= 1 - pressed
    curve[:, [TEETH, LOW, TONGUE]] *= (1 - pressed)[:, None]
    curve[:, PRESS] = np.maximum(curve[:, PRESS], 0.9 * pressed)
    bitten = _closure_mask(spoken, "fvɱ", len(curve)) * (1 - pressed)
    curve[:, OPEN] += bitten * (np.minimum(curve[:, OPEN], 0.10) - curve[:, OPEN])
    curve[:, FF] = np.maximum(curve[:, FF], bitten)


def mouth_curve(segments, times):
    """Mouth parameters of frames at times.

    segments: [(start_s, end_s, IPA)] in order, "" is silence; what they leave out is silence too.
    times: float [n], seconds on the sound's clock; LEAD is added here.
    Returns float32 [n, 8], columns as in PARAMETERS.
    """
    times = np.asarray(times, np.float64)
    spoken = _spoken_parts(segments)
    end = max([0.0, *(times[-1:] + LEAD), *(part[1] for part in spoken)]) + 0.1
    count = int(end * _GRID) + 1
    targets = np.tile(CLOSED, (count, 1))
    weights = np.full((count, len(PARAMETERS)), _PAUSE_WEIGHT, np.float32)
    spoken_until, last_shape = 0, CLOSED
    for start, stop, letters in spoken + [[end, end, ""]]:
        first = max(int(round(start * _GRID)), spoken_until)
        fade = np.exp(-np.arange(first - spoken_until) / (_PAUSE_DECAY_S * _GRID))
        targets[spoken_until:first] = CLOSED + fade[:, None] * (last_shape - CLOSED)
        if letters:
            spoken_until = max(int(round(stop * _GRID)), first + 1)
            part = slice(first, spoken_until)
            targets[part], weights[part] = _fill_phoneme(letters, stop - start,
                                                         spoken_until - first)
            last_shape = targets[spoken_until - 1].copy()
            last_shape[[PRESS, FF]] = 0  # a closing mouth relaxes
    sigma = _SMOOTH_S * _GRID
    curve = (gaussian_filter1d(targets * weights, sigma, axis=0, mode="nearest")
             / gaussian_filter1d(weights, sigma, axis=0, mode="nearest"))

    _enforce_closures(curve, spoken)
    grid_times = np.arange(count) / _GRID
    sampled = np.stack([np.interp(times + LEAD, grid_times, column) for column in curve.T], 1)
    return sampled.astype(np.float32)
