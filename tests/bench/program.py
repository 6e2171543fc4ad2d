"""The whole program: gst-lipsync-1.0 on a clip, against decoding and encoding alone (the floor),
against each of its parts alone and, with the peers, against the naive Python baseline."""

import collections
import json
import os
import statistics
import sys
import time
import wave

import figures
import machine
import network
import processes
import rounds
import timeline
import workers

PRESETS = ("ultrafast", "veryfast", "medium")
SPEECH_SECONDS = 11
START_SECONDS = 0.2  # of speech: next to nothing to do after the start
BATCH = 8
_BIG_QUEUE = "queue max-size-time=0 max-size-buffers=0 max-size-bytes=67108864"
_AAC = ("audioconvert ! audioresample ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse")
_NO_CACHE = ("--feature-cache-size", "0")

# What --only takes: each is some of the scenarios, and brings those that it is compared with.
GROUPS = ("presets", "1080p", "detection", "still", "laps", "fp32", "threads", "naive",
          "timeline")

# Clip and speech when none are given: the first row whose files are there. The box is the head in
# the clip: top, bottom, left, right.
DEFAULTS = [
    ("$W2L_TEST_DATA/assets/video/h00_frontal_1280x720_25fps.mp4",
     "$W2L_TEST_DATA/assets/audio/en_jfk_16k_mono.wav", (160, 620, 450, 790)),
    (os.path.join(workers.ROOT, "models/demo/demo-face.mp4"),
     os.path.join(workers.ROOT, "models/demo/demo-speech.wav"), (180, 550, 500, 780)),
]

# run() -> what processes.measure() says, and frames; needs: scenarios that it is compared with.
Scenario = collections.namedtuple("Scenario", "group run needs", defaults=((),))


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


def choose(scenarios, groups):
    """The names of those of the groups and of what they need, in the order of the table."""
    chosen, left = set(), [name for name, scenario in scenarios.items() if scenario.group in groups]
    while left:
        name = left.pop()
        if name not in chosen and name in scenarios:
            chosen.add(name)
            left += scenarios[name].needs
    return [name for name in scenarios if name in chosen]


def scale(height, box, to_height=1080):
    """(factor, box) of a clip that is scaled to another height."""
    factor = to_height / height
    return factor, tuple(round(edge * factor) for edge in box)


def write_speech(source, out, laps=1, seconds=None):
    """`source` repeated, or its first seconds."""
    with wave.open(source) as file:
        parameters = file.getparams()
        count = round(seconds * file.getframerate()) if seconds else file.getnframes()
        data = file.readframes(count)
    with wave.open(out, "wb") as file:
        file.setparams(parameters)
        file.writeframes(data * laps)


def box_arguments(box):
    return ["--box", *map(str, box)]


class ProgramBenchmark:
    device = "cpu"  # whatever else there is: the peers run on it
    speech_seconds = SPEECH_SECONDS
    timeout = None  # seconds for one run

    def __init__(self, options, folder, python):
        self.options, self.folder, self.python = options, folder, python
        self.face, self.audio, self.box = choose_inputs(options)
        self.begin = time.monotonic()
        self.groups = options.only or GROUPS
        self.app = workers.built(options.build, "pipelines/gst-lipsync-1.0")
        self.env = {**os.environ,
                    "GST_PLUGIN_PATH_1_0": os.path.join(options.build, "elements"),
                    "GST_REGISTRY_1_0": os.path.join(folder, "registry.bin"),
                    "W2L_MODEL_PATH": os.path.join(workers.ROOT, ".deps/models"),
                    "W2L_BACKEND_PATH": os.path.join(options.build, "models/cpu")}

    def _file(self, name):
        return os.path.join(self.folder, name)

    def _launch(self, line, output=None):
        return processes.measure(["gst-launch-1.0", "-q", *line.split()], self.env, output,
                                 timeout=self.timeout)

    def _say(self, text):
        print(f"[{time.monotonic() - self.begin:4.0f} s] {text}", file=sys.stderr, flush=True)

    # Inputs ---------------------------------------------------------------------------------

    def _prepare(self):
        """One lap: speech of about SPEECH_SECONDS and a clip that is a little longer."""
        self._say("making clips")
        self.model = workers.checkpoint(self.options.build, self.folder)
        laps, count = self._prepare_speech()
        self._repeat_clip([self.face] * count, "one.mp4")
        if "laps" in self.groups:
            write_speech(self._file("speech.wav"), self._file("six.wav"), laps * figures.LAPS)
            self._repeat_clip([self.face] * count * figures.LAPS, "six.mp4")
        if "1080p" in self.groups:
            factor, self.hd_box = scale(self.facts["height"], self.box)
            size = [round(self.facts[edge] * factor / 2) * 2 for edge in ("width", "height")]
            self._repeat_clip([self.face] * count, "hd.mp4",
                              "videoscale ! video/x-raw,width={},height={} ! ".format(*size))
        if "still" in self.groups:
            self._launch(f"filesrc location={self.face} ! decodebin ! videoconvert ! "
                         f"pngenc snapshot=true ! filesink location={self._file('still.png')}")

    def _prepare_speech(self):
        """How often speech and clip are repeated in one lap."""
        self._launch(f"filesrc location={self.audio} ! decodebin ! audioconvert ! audioresample ! "
                     f"audio/x-raw,format=S16LE,channels=1,rate=16000 ! wavenc ! filesink "
                     f"location={self._file('speech.wav')}")
        with wave.open(self._file("speech.wav")) as file:
            spoken = file.getnframes() / file.getframerate()
        laps = max(1, round(self.speech_seconds / spoken))
        write_speech(self._file("speech.wav"), self._file("one.wav"), laps)
        write_speech(self._file("speech.wav"), self._file("start.wav"), seconds=START_SECONDS)
        self._repeat_clip([self.face], "once.mp4")
        self.facts = self._app(self._file("once.mp4"), self._file("start.wav"), "ultrafast",
                               box_arguments(self.box))["json"]["face"]
        return laps, int(laps * spoken / self.facts["duration"]) + 1

    def _repeat_clip(self, clips, name, scaled=""):
        """The same encoder however many laps, so that all cost the same to decode."""
        branches = " ".join(f"filesrc location={clip} ! decodebin ! videoconvert ! queue ! laps."
                            for clip in clips)
        self._launch(f"concat name=laps ! identity single-segment=true ! videoconvert ! {scaled}"
                     "x264enc pass=qual quantizer=18 vbv-buf-capacity=0 speed-preset=veryfast ! "
                     f"h264parse ! mp4mux ! filesink location={self._file(name)} {branches}")

    # Scenarios ------------------------------------------------------------------------------

    def _app(self, face, audio, preset, arguments=(), env=(), watch=()):
        out = self._file("out.mp4")
        run = processes.measure(
            [self.app, "--face", face, "--audio", audio, "--checkpoint_path", self.model,
             "--outfile", out, "--preset", preset, "--threads", str(self.options.threads),
             "--device", self.device, "--quiet", "--json", "-", *arguments],
            {**self.env, **dict(env)}, out, watch, self.timeout)
        run["json"] = json.loads(run.pop("out"))
        run["frames"] = run["json"]["frames"]
        run["opening"] = run["json"]["open_seconds"]
        return run

    def _threads(self, more, clip, speech, arguments):
        """The network gets more threads than there are cores, or fewer."""
        def run():
            count = max(1, self.options.threads + more)
            return self._app(clip, speech, "veryfast", [*arguments, "--threads", str(count)])
        return Scenario("threads", run,
                        ("box, veryfast", "floor, veryfast", "decode", "sound", figures.START))

    def _six_laps(self, arguments):
        return self._app(self._file("six.mp4"), self._file("six.wav"), "veryfast", arguments)

    def _part(self, rest, frames, clip="one.mp4", output=None):
        """Decodes as many frames of a clip, and what `rest` of the pipeline says."""
        run = self._launch(f"filesrc location={self._file(clip)} ! decodebin ! identity "
                           f"eos-after={frames + 1} ! {rest}", output)
        run["frames"] = frames
        return run

    def _floor(self, preset, frames, clip="one.mp4"):
        """Encodes as the app does."""
        out = self._file(f"floor-{preset}-{clip}")
        return self._part(f"videoconvert ! {_BIG_QUEUE.replace('67108864', '30000000')} ! x264enc "
                          f"pass=qual quantizer=23 vbv-buf-capacity=0 speed-preset={preset} ! "
                          f"{_BIG_QUEUE} ! mp4mux ! filesink location={out}", frames, clip, out)

    def _sound(self, frames):
        """Of as many frames: decoded and encoded as the app does."""
        run = self._launch(f"filesrc location={self._file('one.wav')} ! decodebin ! {_AAC} ! "
                           "fakesink")
        run["frames"] = frames
        return run

    def _naive(self, preset):
        out = self._file("naive.mp4")
        run = processes.measure(
            [self.python, os.path.join(workers.HERE, "naive_baseline.py"), "--face",
             self._file("one.mp4"), "--audio", self._file("one.wav"), "--model", self.model,
             "--out", out, "--threads", str(self.options.threads), "--preset", preset,
             *box_arguments(self.box)], self.env, out)
        run["json"] = json.loads(run.pop("out"))
        run["frames"] = run["json"]["frames"]
        return run

    def _sized_scenarios(self, frames, size, clip, box):
        """Those of the clip in one size."""
        def group(name):
            return "1080p" if size else name
        decode, detect = f"decode{size}", f"detect{size}"
        result = {
            decode: Scenario(None, lambda: self._part("fakesink", frames, clip),
                             (figures.START_OF_PARTS,)),
            detect: Scenario(None, lambda: self._part("w2lfacecache ! fakesink", frames, clip),
                             (decode,))}
        always = (decode, "sound", figures.START)
        face, audio = self._file(clip), self._file("one.wav")
        for preset in PRESETS[1:] if size else PRESETS:
            floor = f"floor{size}, {preset}"
            result[floor] = Scenario(group("presets"),
                                     lambda p=preset: self._floor(p, frames, clip))
            result[f"box{size}, {preset}"] = Scenario(
                group("presets"), lambda p=preset: self._app(face, audio, p, box_arguments(box)),
                (floor, *always))
            if preset != "ultrafast":
                result[f"detection{size}, {preset}"] = Scenario(
                    group("detection"), lambda p=preset: self._app(face, audio, p),
                    (floor, detect, *always))
        return result

    def _scenarios(self, frames):
        box = box_arguments(self.box)
        clip, speech = self._file("one.mp4"), self._file("one.wav")
        result = {
            figures.START_OF_PARTS: Scenario(None, lambda: self._part("fakesink", 1)),
            figures.START: Scenario(None, lambda: self._app(clip, self._file("start.wav"),
                                                            "veryfast", box)),
            "sound": Scenario(None, lambda: self._sound(frames), (figures.START_OF_PARTS,)),
            **self._sized_scenarios(frames, "", "one.mp4", self.box),
            "fp32, veryfast": Scenario(
                "fp32", lambda: self._app(clip, speech, "veryfast", [*box, "--precision", "fp32"]),
                ("floor, veryfast", "decode", "sound", figures.START)),
            "fewer threads, veryfast": self._threads(-1, clip, speech, box),
            "more threads, veryfast": self._threads(+1, clip, speech, box),
            "still, veryfast": Scenario(
                "still", lambda: self._app(self._file("still.png"), speech, "veryfast", box),
                (figures.START,)),
            "six laps, veryfast": Scenario("laps", lambda: self._six_laps(box),
                                           ("box, veryfast",)),
            "no cache, veryfast": Scenario(
                "laps", lambda: self._app(clip, speech, "veryfast", [*box, *_NO_CACHE]),
                ("floor, veryfast", "decode", "sound", figures.START)),
            "six laps no cache, veryfast": Scenario(
                "laps", lambda: self._six_laps([*box, *_NO_CACHE]), ("no cache, veryfast",))}
        if "1080p" in self.groups:
            result.update(self._sized_scenarios(frames, figures.HD, "hd.mp4", self.hd_box))
        for preset in PRESETS[1:] if self.python else ():
            result[f"naive baseline, {preset}"] = Scenario(
                "naive", lambda p=preset: self._naive(p), (f"box, {preset}",))
        return result

    def _timed(self, scenario):
        cores = self.options.cores
        busy = machine.busy_seconds(cores)
        run = scenario.run()
        others = machine.busy_seconds(cores) - busy - run["cpu_seconds"]
        run["other_share"] = max(0.0, others) / run["seconds"] / len(cores)
        return run

    def run(self):
        self._prepare()
        # Not measured: it reads libraries and the checkpoint from disk, and counts the frames.
        frames = self._app(self._file("one.mp4"), self._file("one.wav"), "ultrafast",
                           box_arguments(self.box))["frames"]
        scenarios = self._scenarios(frames)
        names = choose(scenarios, self.groups)
        result = {"clip": os.path.basename(self.face), "speech": os.path.basename(self.audio),
                  "groups": list(self.groups)}
        result.update(self._rounds({name: scenarios[name] for name in names}))
        figures.compare(result, len(self.options.cores))
        if self.python and "presets" in self.groups:
            result["ssim"] = {preset: self._ssim(preset) for preset in PRESETS}
        if "timeline" in self.groups:
            result["timeline"] = self._timeline(frames)
        result["took_seconds"] = round(time.monotonic() - self.begin)
        return result

    def _rounds(self, scenarios):
        runs, alone = {}, {}
        precisions = ("auto", "fp32") if "fp32, veryfast" in scenarios else ("auto",)
        total = self.options.program_rounds
        for number, order in enumerate(rounds.round_robin(scenarios, total)):
            for precision in precisions if scenarios else ():
                self._say(f"round {number + 1} of {total}: network alone, {precision}")
                alone.setdefault(precision, []).append(self._network_run(precision))
            for done, name in enumerate(order):
                self._say(f"round {number + 1} of {total}, {done + 1} of {len(order)}: {name}")
                runs.setdefault(name, []).append(self._timed(scenarios[name]))
        cores = len(self.options.cores)
        return {"scenarios": {name: figures.summary(runs[name], cores) for name in scenarios},
                "network_core_ms": {precision: round(statistics.median(list_), 3)
                                    for precision, list_ in alone.items()}}

    def _network_run(self, precision):
        """Core time of a frame in the network alone, as the app runs it."""
        inputs = self._file("inputs.bin")
        if not os.path.exists(inputs):
            network.write_inputs(inputs)
        worker = workers.own(self.options.build, self.model, inputs, precision,
                             self.options.threads)
        try:
            worker.start()
            run = worker.ask(f"run {BATCH} lower 2 new")
        finally:
            worker.stop()
        return 1000 * run["cpu_seconds"] / run["frames"]

    def _ssim(self, preset):
        run = processes.measure(
            [self.python, os.path.join(workers.HERE, "ssim.py"), self._file("one.mp4"),
             self._file(f"floor-{preset}-one.mp4")], self.env)
        return float(run["out"])

    def _timeline(self, frames):
        """One more run, under the injection library that writes down its NVTX ranges."""
        self._say("timeline")
        out = self._file("ranges.tsv")
        library = workers.built(self.options.build, "tests/tools/libw2l_nvtx_injection.so")
        run = self._app(self._file("one.mp4"), self._file("one.wav"), "veryfast",
                        box_arguments(self.box),
                        {"NVTX_INJECTION64_PATH": library, "W2L_NVTX_RANGES": out},
                        [("threads", 0.02, processes.thread_times)])
        try:
            with open(out) as file:
                ranges = timeline.parse_ranges(file.read())
        except OSError:
            raise workers.BenchError(f"no NVTX ranges: {library} wrote none") from None
        return {"run": "box, veryfast", "seconds": round(run["seconds"], 3),
                "ranges": timeline.stage_times(ranges, frames),
                "between": timeline.waits_between(ranges, frames),
                "excerpt": timeline.excerpt(ranges, run["threads"])}


def report(result, options):
    scenarios = result["scenarios"]
    lines = [f"Whole program, {result['clip']} (median of {options.program_rounds} rounds, "
             f"{options.threads} threads)"]
    if scenarios:
        lines += ["", figures.runs_table(scenarios), "", figures.parts_table(scenarios), "",
                  figures.stages_table(scenarios), ""]
    if "timeline" in result:
        lines += ["", figures.ranges_table(result["timeline"]), ""]
    lines += [figures.laps_line(scenarios, six) for six, _ in figures.LAP_PAIRS]
    if "ssim" in result:
        lines.append("SSIM of the presets: " + ", ".join(
            f"{preset} {value:.4f}" for preset, value in result["ssim"].items()))
    if scenarios:
        busy = max(row["other_share"] for row in scenarios.values())
        lines.append(f"Other programs took at most {100 * busy:.0f} % of the cores in a median "
                     "run.")
    lines.append(f"All of it took {result['took_seconds']} s.")
    return "\n".join(line for line in lines if line is not None)
