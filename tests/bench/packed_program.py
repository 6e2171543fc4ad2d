"""The whole program on a device, from an archive of tests/bench/pack."""

import os
import statistics

import figures
import network
import program
import rounds
import workers

PRESET = "medium"
PICTURES = "pictures.mp4"  # what the app makes of the clip: the floor decodes and encodes these


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


def program_table(result):
    return (f"{result['clip']}, {result['frames']} frames, x264enc {result['preset']}: "
            f"{result['seconds']} s ({result['start_seconds']} s of them start); floor "
            f"{result['floor_seconds']} s (of the clip itself {result['clip_floor_seconds']} s), "
            f"network alone {result['network_seconds']} s; ratio "
            f"{result['ratio']}, without the start {result['main_ratio']}")


def timeline_table(result):
    return figures.ranges_table(result)
