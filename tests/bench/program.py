"""The whole program: gst-lipsync-1.0 on a clip of 720p, against decoding and encoding alone (the
floor) and, with the peers, against the naive Python baseline."""

import json
import os
import statistics
import subprocess
import sys
import time
import wave

import machine
import rounds
import workers
from tables import table

PRESETS = ("ultrafast", "veryfast", "medium")
LAPS = 6
SPEECH_SECONDS = 11
BATCH = 8
_BIG_QUEUE = "queue max-size-time=0 max-size-buffers=0 max-size-bytes=67108864"

# Clip and speech when none are given: the first row whose files are there. The box is the head in
# the clip: top, bottom, left, right.
DEFAULTS = [
    ("$W2L_TEST_DATA/assets/video/h00_frontal_1280x720_25fps.mp4",
     "$W2L_TEST_DATA/assets/audio/en_jfk_16k_mono.wav", (160, 620, 450, 790)),
    (os.path.join(workers.ROOT, "models/demo/demo-face.mp4"),
     os.path.join(workers.ROOT, "models/demo/demo-speech.wav"), (180, 550, 500, 780)),
]


def choose_inputs(options):
    if bool(options.face) != bool(options.audio) or bool(options.face) != bool(options.box):
        raise workers.BenchError("--face, --audio and --box are given together or not at all")
    if options.face:
        return options.face, options.audio, tuple(options.box)
    for face, audio, box in DEFAULTS:
        face, audio = os.path.expandvars(face), os.path.expandvars(audio)
        if os.path.exists(face) and os.path.exists(audio):
            return face, audio, box
    raise workers.BenchError("no clip: set W2L_TEST_DATA, or give --face, --audio and --box")


def measure(command, env, output=None):
    """Runs a command to its end: seconds, CPU seconds with those of its children, peak memory."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise workers.BenchError(f"{os.path.basename(command[0])} ended with status "
                                 f"{process.returncode}: {' '.join(command)}")
    result = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime,
              "peak_mib": usage.ru_maxrss / 1024, "out": out}
    if output:
        result["bytes"] = os.path.getsize(output)
    return result


def repeat_speech(path, laps, out):
    with wave.open(path) as file:
        parameters, data = file.getparams(), file.readframes(file.getnframes())
    with wave.open(out, "wb") as file:
        file.setparams(parameters)
        file.writeframes(data * laps)


def box_arguments(box):
    return ["--box", *map(str, box)]


class ProgramBenchmark:
    def __init__(self, options, folder, python):
        self.options, self.folder, self.python = options, folder, python
        self.face, self.audio, self.box = choose_inputs(options)
        self.app = os.path.join(options.build, "pipelines/gst-lipsync-1.0")
        if not os.path.exists(self.app):
            raise workers.BenchError(f"{self.app} is not built: run subprojects/bootstrap --build "
                                     f"{options.build}")
        self.env = {**os.environ,
                    "GST_PLUGIN_PATH_1_0": os.path.join(options.build, "elements"),
                    "GST_REGISTRY_1_0": os.path.join(folder, "registry.bin"),
                    "W2L_MODEL_PATH": os.path.join(workers.ROOT, ".deps/models"),
                    "W2L_BACKEND_PATH": os.path.join(options.build, "models/cpu")}

    def _file(self, name):
        return os.path.join(self.folder, name)

    def _launch(self, line):
        return measure(["gst-launch-1.0", "-q", *line.split()], self.env)

    # Inputs ---------------------------------------------------------------------------------

    def _prepare(self):
        """One lap: speech of about SPEECH_SECONDS and a clip that is a little longer."""
        self._say("making clips")
        self.model = workers.checkpoint(self.options.build, self.folder)
        self._launch(f"filesrc location={self.audio} ! decodebin ! audioconvert ! audioresample ! "
                     f"audio/x-raw,format=S16LE,channels=1,rate=16000 ! wavenc ! filesink "
                     f"location={self._file('speech.wav')}")
        with wave.open(self._file("speech.wav")) as file:
            spoken = file.getnframes() / file.getframerate()
        laps = max(1, round(SPEECH_SECONDS / spoken))
        repeat_speech(self._file("speech.wav"), laps, self._file("one.wav"))
        repeat_speech(self._file("speech.wav"), laps * LAPS, self._file("six.wav"))
        self._repeat_clip([self.face], "once.mp4")
        clip = self._app(self._file("once.mp4"), self._file("one.wav"), "ultrafast",
                         box_arguments(self.box))["json"]["face"]["duration"]
        count = int(laps * spoken / clip) + 1
        self._repeat_clip([self.face] * count, "one.mp4")
        self._repeat_clip([self.face] * count * LAPS, "six.mp4")
        self._launch(f"filesrc location={self.face} ! decodebin ! videoconvert ! "
                     f"pngenc snapshot=true ! filesink location={self._file('still.png')}")

    def _repeat_clip(self, clips, name):
        """The same encoder however many laps, so that all cost the same to decode."""
        branches = " ".join(f"filesrc location={clip} ! decodebin ! videoconvert ! queue ! laps."
                            for clip in clips)
        self._launch("concat name=laps ! identity single-segment=true ! videoconvert ! x264enc "
                     "pass=qual quantizer=18 vbv-buf-capacity=0 speed-preset=veryfast ! h264parse "
                     f"! mp4mux ! filesink location={self._file(name)} {branches}")

    # Scenarios ------------------------------------------------------------------------------

    def _app(self, face, audio, preset, arguments=()):
        out = self._file("out.mp4")
        run = measure([self.app, "--face", face, "--audio", audio, "--checkpoint_path", self.model,
                       "--outfile", out, "--preset", preset, "--threads",
                       str(self.options.threads), "--quiet", "--json", "-", *arguments],
                      self.env, out)
        run["json"] = json.loads(run.pop("out"))
        run["frames"] = run["json"]["frames"]
        run["opening"] = run["json"]["open_seconds"]
        return run

    def _floor(self, preset, frames):
        """Decodes as many frames of the same clip and encodes them as the app does."""
        out = self._file(f"floor-{preset}.mp4")
        line = (f"filesrc location={self._file('one.mp4')} ! decodebin ! identity "
                f"eos-after={frames + 1} ! videoconvert ! {_BIG_QUEUE.replace('67108864', '30000000')}"
                f" ! x264enc pass=qual quantizer=23 vbv-buf-capacity=0 speed-preset={preset} ! "
                f"{_BIG_QUEUE} ! mp4mux ! filesink location={out}")
        run = measure(["gst-launch-1.0", "-q", *line.split()], self.env, out)
        run["frames"] = frames
        return run

    def _naive(self):
        out = self._file("naive.mp4")
        run = measure([self.python, os.path.join(workers.HERE, "naive_baseline.py"), "--face",
                       self._file("one.mp4"), "--audio", self._file("one.wav"), "--model",
                       self.model, "--out", out, "--threads", str(self.options.threads),
                       *box_arguments(self.box)], self.env, out)
        run["json"] = json.loads(run.pop("out"))
        run["frames"] = run["json"]["frames"]
        return run

    def _scenarios(self, frames):
        one = self._file("one.mp4"), self._file("one.wav")
        box = box_arguments(self.box)
        scenarios = {}
        for preset in PRESETS:
            scenarios[f"box, {preset}"] = lambda p=preset: self._app(*one, p, box)
            scenarios[f"floor, {preset}"] = lambda p=preset: self._floor(p, frames)
        scenarios["detection, veryfast"] = lambda: self._app(*one, "veryfast")
        scenarios["detection, medium"] = lambda: self._app(*one, "medium")
        scenarios["still, veryfast"] = lambda: self._app(self._file("still.png"), one[1],
                                                         "veryfast", box)
        scenarios["six laps, veryfast"] = lambda: self._app(self._file("six.mp4"),
                                                            self._file("six.wav"), "veryfast", box)
        if self.python:
            scenarios["naive baseline, medium"] = self._naive
        return scenarios

    def _timed(self, scenario):
        cores = self.options.cores
        busy = machine.busy_seconds(cores)
        run = scenario()
        others = machine.busy_seconds(cores) - busy - run["cpu_seconds"]
        run["other_share"] = max(0.0, others) / run["seconds"] / len(cores)
        return run

    def run(self):
        self._prepare()
        # Not measured: it reads LibTorch and the checkpoint from disk, and counts the frames.
        frames = self._app(self._file("one.mp4"), self._file("one.wav"), "ultrafast",
                           box_arguments(self.box))["frames"]
        scenarios, runs, network = self._scenarios(frames), {}, []
        for number, order in enumerate(rounds.round_robin(scenarios, self.options.program_rounds)):
            network.append(self._network_run())
            for name in order:
                self._say(f"round {number + 1} of {self.options.program_rounds}: {name}")
                runs.setdefault(name, []).append(self._timed(scenarios[name]))
        cores = len(self.options.cores)
        result = {"clip": os.path.basename(self.face), "speech": os.path.basename(self.audio),
                  "scenarios": {name: summary(list_, cores) for name, list_ in runs.items()},
                  "network_core_ms": statistics.median(network)}
        add_comparisons(result)
        if self.python:
            result["ssim"] = {preset: self._ssim(preset) for preset in PRESETS}
        return result

    def _network_run(self):
        """Core time of a frame in the network alone, as the app runs it."""
        inputs = self._file("inputs.bin")
        if not os.path.exists(inputs):
            import network
            network.write_inputs(inputs)
        worker = workers.own(self.options.build, self.model, inputs, "auto", self.options.threads)
        try:
            worker.start()
            run = worker.ask(f"run {BATCH} lower 2 new")
        finally:
            worker.stop()
        return 1000 * run["cpu_seconds"] / run["frames"]

    def _ssim(self, preset):
        run = measure([self.python, os.path.join(workers.HERE, "ssim.py"), self._file("one.mp4"),
                       self._file(f"floor-{preset}.mp4")], self.env)
        return float(run["out"])

    @staticmethod
    def _say(text):
        print(text, file=sys.stderr, flush=True)


def summary(runs, cores):
    """Medians of one scenario's runs; the stages are those of the run in the middle."""
    middle = sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]

    def median(key):
        return statistics.median(run[key] for run in runs)
    result = {"frames": middle["frames"], "seconds": round(median("seconds"), 3),
              "fps": round(middle["frames"] / median("seconds"), 2),
              "core_seconds": round(median("cpu_seconds"), 3),
              "cores_busy": round(statistics.median(run["cpu_seconds"] / run["seconds"] / cores
                                                    for run in runs), 3),
              "peak_mib": round(median("peak_mib")), "bytes": middle["bytes"],
              "spread": round((max(run["seconds"] for run in runs)
                               - min(run["seconds"] for run in runs)) / median("seconds"), 3),
              "other_share": round(median("other_share"), 3), "runs": len(runs)}
    if "opening" in middle:
        result["opening_seconds"] = round(median("opening"), 3)
    if "json" in middle:
        result["stages"] = middle["json"]["stages"]
        if "thread_seconds" in middle["json"]:
            result["thread_seconds"] = middle["json"]["thread_seconds"]
    return result


def add_comparisons(result):
    """How far each run of the app is from its parts alone and from the naive baseline."""
    scenarios = result["scenarios"]
    naive = scenarios.get("naive baseline, medium")
    for name, row in scenarios.items():
        kind, preset = name.split(", ")
        if kind in ("box", "detection") and f"floor, {preset}" in scenarios:
            parts = (scenarios[f"floor, {preset}"]["core_seconds"]
                     + row["frames"] * result["network_core_ms"] / 1000)
            detector = row.get("stages", {}).get("w2lfacecache", {})
            if kind == "detection":
                parts += (detector.get("detections", 0)
                          * detector.get("mean-detection-ms", 0) / 1000)
            row["core_seconds_to_parts"] = round(row["core_seconds"] / parts, 3)
        if naive and kind in ("box", "detection", "still"):
            row["to_naive"] = round(row["fps"] / naive["fps"], 2)
    if "six laps, veryfast" in scenarios and "box, veryfast" in scenarios:
        six, one = scenarios["six laps, veryfast"], scenarios["box, veryfast"]
        six["seconds_to_one_lap"] = round(six["seconds"] / one["seconds"], 2)
        six["seconds_to_one_lap_after_opening"] = round(
            (six["seconds"] - six["opening_seconds"]) / (one["seconds"] - one["opening_seconds"]), 2)
        six["memory_to_one_lap"] = round(six["peak_mib"] / one["peak_mib"], 2)


def report(result, options):
    rows = [[name, row["frames"], row["seconds"], row["fps"], row.get("to_naive"),
             row["core_seconds"], row.get("core_seconds_to_parts"),
             f"{100 * row['cores_busy']:.0f} %", row["peak_mib"], row["bytes"] / 1e6,
             f"{100 * row['spread']:.0f} %"]
            for name, row in result["scenarios"].items()]
    lines = [f"Whole program, {result['clip']} (median of {options.program_rounds} rounds, "
             f"{options.threads} threads)", "",
             table(["run", "frames", "seconds", "fps", "to naive", "core s", "to parts", "busy",
                    "peak MiB", "MB", "spread"], rows), "",
             f"Network alone: {result['network_core_ms']:.1f} core ms/frame"]
    six = result["scenarios"].get("six laps, veryfast", {})
    if "seconds_to_one_lap" in six:
        lines.append(f"Six laps take {six['seconds_to_one_lap']} times as long as one "
                     f"({six['seconds_to_one_lap_after_opening']} after opening) and "
                     f"{six['memory_to_one_lap']} times the memory")
    if "ssim" in result:
        lines.append("SSIM of the presets: " + ", ".join(
            f"{preset} {value:.4f}" for preset, value in result["ssim"].items()))
    busy = max(row["other_share"] for row in result["scenarios"].values())
    lines.append(f"Other programs took at most {100 * busy:.0f} % of the cores in a median run.")
    return "\n".join(lines)
