"""The whole program and live streams on a device, from an archive of tests/bench/pack."""

import json
import math
import os
import statistics
import subprocess
import wave

import figures
import network
import program
import rounds
import workers

PRESET = "medium"
PICTURES = "pictures.mp4"  # what the app makes of the clip: the floor decodes and encodes these
STREAM_SIZE = (640, 360)
STREAM_SECONDS = 8
STREAM_TIMEOUT = 60  # loading and many times the clip: not in time
MOST_STREAMS = 1024
MOST_LATE = 0.001  # of the frames, for it to be real time


class PackedProgram(program.ProgramBenchmark):
    """gst-lipsync-1.0 with the face's box given, on a device, and what bounds it."""

    def __init__(self, options, folder, device):
        super().__init__(options, folder, None)
        self.device, self.timeout = device, options.timeout
        self.speech_seconds = options.speech_seconds[device]

    def prepare(self):
        self._prepare()
        self.frames = self._box(PRESET)["frames"]  # not measured: reads everything from disk once
        # Pictures with other mouths are not as easy to encode as the clip's.
        os.rename(self._file("out.mp4"), self._file(PICTURES))

    def _box(self, preset, audio="one.wav"):
        return self._app(self._file("one.mp4"), self._file(audio), preset,
                         program.box_arguments(self.box))

    def run(self):
        """After prepare()."""
        cases = {"app": lambda: self._box(PRESET),
                 "app start": lambda: self._box(PRESET, "start.wav"),
                 "floor": lambda: self._floor(PRESET, self.frames, PICTURES),
                 "floor start": lambda: self._floor(PRESET, 1, PICTURES),
                 "clip's floor": lambda: self._floor(PRESET, self.frames)}
        runs, speeds = {}, []
        for number, order in enumerate(rounds.round_robin(cases, self.options.program_rounds)):
            self._say(f"program on {self.device}: round {number + 1} of "
                      f"{self.options.program_rounds}")
            speeds.append(self._network_fps())
            for name in order:
                runs.setdefault(name, []).append(cases[name]())
        seconds = {name: statistics.median(run["seconds"] for run in list_)
                   for name, list_ in runs.items()}
        middle = sorted(runs["app"], key=lambda run: run["seconds"])[len(runs["app"]) // 2]
        return {"clip": os.path.basename(self.face), "preset": PRESET, "frames": self.frames,
                "stages": middle["json"]["stages"], "opening_seconds": round(middle["opening"], 3),
                "clip_floor_seconds": round(seconds["clip's floor"], 3),
                **whole_program(seconds, self.frames, statistics.median(speeds))}

    def _network_fps(self):
        """The network alone as the app uses it: the lower half, new faces, in its own batches."""
        inputs = self._file("inputs.bin")
        if not os.path.exists(inputs):
            network.write_inputs(inputs, 128)
        worker = workers.own(self.options.build, self.model, inputs, "auto", self.options.threads,
                             self.device)
        try:
            worker.start()
            run = worker.ask(f"run {worker.ready['preferred_batch']} lower 1 new")
        finally:
            worker.stop()
        return run["frames"] / run["seconds"]

    def timeline(self):
        return self._timeline(self.frames)


def whole_program(seconds, frames, network_fps):
    """ratio: of the whole runs; main_ratio: without what a run takes that has next to nothing to
    do."""
    network_seconds = frames / network_fps
    main = seconds["app"] - seconds["app start"]
    floor_main = seconds["floor"] - seconds["floor start"]
    return {"seconds": round(seconds["app"], 3), "floor_seconds": round(seconds["floor"], 3),
            "network_seconds": round(network_seconds, 3),
            "start_seconds": round(seconds["app start"], 3),
            "fps": round(frames / seconds["app"], 1),
            "ratio": round(seconds["app"] / max(seconds["floor"], network_seconds), 3),
            "main_ratio": round(main / max(floor_main, network_seconds), 3)}


# Live streams -----------------------------------------------------------------------------------

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


def in_time(counts):
    """Whether all frames were answered, and next to none came late."""
    frames = counts["shown"] + counts["dropped"]
    late = counts["dropped"] + counts.get("late", 0) + counts.get("passed", 0)
    return frames > 0 and late <= MOST_LATE * frames


class Streams:
    """Live streams of the program's clip, made small, side by side in one process."""

    def __init__(self, benchmark):
        self.benchmark, self.options = benchmark, benchmark.options
        self.tried, self.decoded = [], []

    def run(self):
        self._prepare()
        first = 64 if self.benchmark.device == "cuda" else 1
        count = most(lambda number: in_time(self._try(number)), first)
        # They decode as well, so that many decoded only should be in time.
        decoding = most(lambda number: in_time(self._decode(number)), max(1, count))
        used = self.decoded[0].get("cpu_seconds", 0) / self.decoded[0]["streams"] / STREAM_SECONDS
        return {"streams": count, "tried": self.tried, "decoding_streams": decoding,
                "decoding_tried": self.decoded, "decoding_core_share": round(used, 4)}

    def _prepare(self):
        benchmark = self.benchmark
        width, height = STREAM_SIZE
        facts = benchmark.facts
        self.clip = benchmark._file("stream.mp4")
        self.speech = benchmark._file("stream.wav")
        frames = round(STREAM_SECONDS * benchmark.frames / self._speech_seconds())
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
        self.benchmark._say(f"{number} live streams on {self.benchmark.device}")
        counts = self._launch(str(number), self.clip, self.speech, self.benchmark.model,
                              self.benchmark.device, "auto", self.box)
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
            run = subprocess.run(command, env=self.benchmark.env, stdout=subprocess.PIPE, text=True,
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


def program_table(result):
    return (f"{result['clip']}, {result['frames']} frames, x264enc {result['preset']}: "
            f"{result['seconds']} s ({result['start_seconds']} s of them start); floor "
            f"{result['floor_seconds']} s (of the clip itself {result['clip_floor_seconds']} s), "
            f"network alone {result['network_seconds']} s; ratio "
            f"{result['ratio']}, without the start {result['main_ratio']}")


def timeline_table(result):
    return figures.ranges_table(result)
