"""How many live streams are in time side by side, and how many when they are only decoded."""

import json
import math
import os
import resource
import statistics
import subprocess
import wave

import program
import workers

STREAM_SIZE = (640, 360)
STREAM_SECONDS = 8
STREAM_TIMEOUT = 60  # loading and many times the clip: not in time
MOST_STREAMS = 1024
MOST_LATE = 0.001  # of the frames, for it to be real time
FIRST_BESIDE_TIMED_GPU = 16
ATTEMPTS_BESIDE_TIMED_GPU = 2
MOST_FILES = 65536


def most(works, first=1, limit=MOST_STREAMS, precision=0.06):
    """The largest number for which works(number), to within a share of it. All below one that works
    do work as well."""
    good, bad = 0, None
    number = first
    while bad is None and good < limit:
        if works(number):
            good, number = number, min(limit, 2 * number)
        else:
            bad = number
    while bad is not None and bad - good > max(1, math.floor(precision * bad)):
        middle = (good + bad) // 2
        if works(middle):
            good = middle
        else:
            bad = middle
    return good


def asked_again(works, attempts):
    """works(number), asked up to so many times until it is so: other users of a machine come and
    go."""
    return lambda number: any(works(number) for _ in range(attempts))


def in_time(counts):
    """Whether all frames were answered, and next to none came late."""
    frames = counts["shown"] + counts["dropped"]
    late = counts["dropped"] + counts.get("late", 0) + counts.get("passed", 0)
    return frames > 0 and late <= MOST_LATE * frames


def allow_many_files():
    """Each live stream has a handful."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Streams:
    """Live streams of a program benchmark's clip, made small, side by side in one process. A number
    fails when it does so in all `attempts`."""

    def __init__(self, benchmark, device, env, attempts):
        self.benchmark, self.options = benchmark, benchmark.options
        self.device, self.env, self.attempts = device, env, attempts
        self.tried, self.decoded = [], []

    def run(self, first):
        """Searches from `first` streams on."""
        self.prepare()
        count = self.most_live(first)
        # They decode as well, so that many decoded only should be in time.
        decoding = self.most_decoded(max(1, count))
        used = self.decoded[0].get("cpu_seconds", 0) / self.decoded[0]["streams"] / STREAM_SECONDS
        return {"streams": count, "tried": self.tried, "decoding_streams": decoding,
                "decoding_tried": self.decoded, "decoding_core_share": round(used, 4)}

    def most_live(self, first):
        return self._most(self._try, first)

    def most_decoded(self, first):
        return self._most(self._decode, first)

    def _most(self, play, first):
        return most(asked_again(lambda number: in_time(play(number)), self.attempts), first)

    def prepare(self):
        """After the benchmark's own."""
        allow_many_files()
        benchmark = self.benchmark
        width, height = STREAM_SIZE
        facts = benchmark.facts
        self.clip = benchmark._file("stream.mp4")
        self.speech = benchmark._file("stream.wav")
        frames = round(STREAM_SECONDS * facts["fps"])
        benchmark._launch(
            f"filesrc location={benchmark._file('one.mp4')} ! decodebin ! identity "
            f"eos-after={frames + 1} ! videoscale ! video/x-raw,width={width},height={height} ! "
            "videoconvert ! x264enc pass=qual quantizer=20 vbv-buf-capacity=0 "
            f"speed-preset=veryfast ! h264parse ! mp4mux ! filesink location={self.clip}")
        program.write_speech(benchmark._file("one.wav"), self.speech,
                             seconds=min(STREAM_SECONDS + 1, self._speech_seconds()))
        top, bottom, left, right = (round(edge * height / facts["height"])
                                    for edge in benchmark.box)
        self.box = f"<{left},{top},{right},{bottom}>"

    def _speech_seconds(self):
        with wave.open(self.benchmark._file("one.wav")) as file:
            return file.getnframes() / file.getframerate()

    def _try(self, number):
        self.benchmark._say(f"{number} live streams on {self.device}")
        counts = self._launch(str(number), self.clip, self.speech, self.benchmark.model,
                              self.device, "auto", self.box)
        self.tried.append(counts)
        return counts

    def _decode(self, number):
        self.benchmark._say(f"{number} streams, decoded only")
        counts = self._launch(str(number), self.clip)
        self.decoded.append(counts)
        return counts

    def _launch(self, *arguments):
        command = [workers.built(self.options.build, "tests/bench/bench-live-streams"), *arguments]
        try:
            run = subprocess.run(command, env=self.env, stdout=subprocess.PIPE, text=True,
                                 timeout=STREAM_TIMEOUT)
        except subprocess.TimeoutExpired:
            return {"streams": int(arguments[0]), "shown": 0, "dropped": 0, "cut_off": True}
        try:
            counts = json.loads(run.stdout)
        except ValueError:
            raise workers.BenchError(f"bench-live-streams ended with status {run.returncode}"
                                     ) from None
        if "error" in counts:
            raise workers.BenchError(f"{arguments[0]} live streams: {counts['error']}")
        return counts


class StreamsBenchmark(program.ProgramBenchmark):
    """Live streams beside a GPU that only takes its time (timed_gpu/), so that what they need of
    the CPU is measured, and whether they wait for each other."""

    def run(self):
        self.groups = ()  # of the whole program nothing is run
        self._prepare()
        backends = ("tests/bench", "models/cpu")  # the timed GPU's goes for libw2l-cuda.so
        env = {**self.env, "W2L_BACKEND_PATH": ":".join(os.path.join(self.options.build, folder)
                                                        for folder in backends)}
        streams = Streams(self, "cuda", env, ATTEMPTS_BESIDE_TIMED_GPU)
        streams.prepare()
        searches = {"live": streams.most_live, "decoding": streams.most_decoded}
        found = {name: [] for name in searches}
        for number in range(self.options.program_rounds):
            for name, search in searches.items():
                found[name].append(search(FIRST_BESIDE_TIMED_GPU))
                self._say(f"round {number + 1} of {self.options.program_rounds}: {name}, "
                          f"{found[name][-1]} streams in time")
        return {"clip": os.path.basename(self.face), "size": STREAM_SIZE,
                "attempts": streams.attempts,
                "streams": statistics.median(found["live"]), "found": found["live"],
                "decoding_streams": statistics.median(found["decoding"]),
                "decoding_found": found["decoding"],
                "tried": streams.tried, "decoding_tried": streams.decoded}


def report(result, options):
    def text(counts):
        return f"{statistics.median(counts):g} ({', '.join(map(str, counts))})"
    width, height = result["size"]
    return (f"Live streams in time, {result['clip']} at {width}x{height}, beside a timed GPU "
            f"(median of {options.program_rounds} rounds): {text(result['found'])}; only decoded: "
            f"{text(result['decoding_found'])}")
