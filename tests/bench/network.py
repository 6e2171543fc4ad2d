"""The network alone: every engine, batch size and precision, interleaved."""

import array
import os
import random
import sys
import time

import machine
import rounds
import workers
from tables import table

BATCHES = (1, 4, 8, 16)
INPUTS = 16
ROWS, EDGE = 96, 96 * 3
LOWER_FIRST_ROW = 48

# Peers by the precisions they have here.
PEERS = {"fp32": ("pytorch-nchw", "pytorch-nhwc", "onnxruntime", "openvino", "openvino-streams"),
         "bf16": ("pytorch-nhwc", "openvino", "openvino-streams")}
# They choose kernels by the CPU alone.
WITHOUT_ISA_LIMIT = ("onnxruntime",)
REFERENCE = "pytorch-nchw fp32"
OPENVINO = ("openvino", "openvino-streams")
OWN = "gst-wav2lip"

# What this project's engine runs besides whole pictures of new faces: region, crops.
OWN_VARIANTS = {"full": ("full", "new"), "lower": ("lower", "new"),
                "lower, repeated": ("lower", "repeated")}

# How far answers may be from PyTorch's in fp32, on all of the picture, 0..255.
MOST_DIFFERENT = {"fp32": 1, "bf16": 12}
LEAST_PSNR = {"fp32": 50.0, "bf16": 40.0}


def write_inputs(path, count=INPUTS, seed=0):
    """Made-up crops (blocks of 8 pixels, so that layers see structure) and windows of speech."""
    generator = random.Random(seed)
    crops, mels = bytearray(), array.array("f")
    for _ in range(count):
        for _ in range(ROWS // 8):
            line = b"".join(generator.randbytes(3) * 8 for _ in range(EDGE // 3 // 8))
            crops += line * 8
        mels.extend(generator.uniform(-4, 4) for _ in range(80 * 16))
    with open(path, "wb") as file:
        file.write(crops)
        file.write(mels.tobytes())


def peers(precision, isa):
    return [engine for engine in PEERS[precision] if not (isa and engine in WITHOUT_ISA_LIMIT)]


def name_of(engine, precision):
    return f"{engine} {precision}"


class NetworkBenchmark:
    def __init__(self, options, folder, python):
        self.options, self.folder = options, folder
        self.workers = {}
        model = workers.checkpoint(options.build, folder)
        inputs = os.path.join(folder, "inputs.bin")
        # A batch never has the same crop twice.
        write_inputs(inputs, max(INPUTS, *options.batches))
        native = machine.precisions(machine.facts()["flags"], options.isa)
        for precision in [name for name in PEERS if name in options.precisions]:
            self._add(OWN, precision,
                      workers.own(options.build, model, inputs, precision, options.threads))
            for engine in peers(precision, options.isa) if python and precision in native else ():
                self._add(engine, precision, workers.peer(python, engine, model, inputs, precision,
                                                          options.threads, folder))
        if name_of(OWN, "fp32") not in self.workers:  # all are compared with it
            self._add(OWN, "fp32", workers.own(options.build, model, inputs, "fp32", options.threads))

    def _add(self, engine, precision, worker):
        self.workers[name_of(engine, precision)] = worker

    def run(self):
        try:
            for name, worker in self.workers.items():
                self._say(f"opening {name}")
                worker.start()
            result = {"agreement": self._agreement()}
            result["speed"] = self._speed()
        finally:
            for worker in self.workers.values():
                worker.stop()
        versions = {}
        for worker in self.workers.values():
            versions.update(worker.ready.pop("versions", {}))
        result["opening"] = {name: worker.ready for name, worker in self.workers.items()}
        result["ratios"] = ratios(result["speed"], self.options.batches)
        result["versions"] = versions
        return result

    def _say(self, text):
        print(text, file=sys.stderr, flush=True)

    def _answers(self, name, region):
        path = os.path.join(self.folder, "answers.bin")
        self.workers[name].ask(f"answer {INPUTS} {region} {path}")
        with open(path, "rb") as file:
            return file.read()

    def _agreement(self):
        """Every engine's pictures against PyTorch's; without peers, against this project's fp32."""
        reference = REFERENCE if REFERENCE in self.workers else name_of(OWN, "fp32")
        expected = self._answers(reference, "full")
        result = {"reference": reference}
        cases = [(name, "full") for name in self.workers if name != reference]
        cases += [(name, "lower") for name in self.workers if name.startswith(OWN)]
        for name, region in cases:
            first = LOWER_FIRST_ROW if region == "lower" else 0
            measured = compare(self._answers(name, region), expected, first)
            result[name if region == "full" else f"{name}, lower half"] = measured
            precision = name.rsplit(" ", 1)[1]
            if (measured["most_different"] > MOST_DIFFERENT[precision]
                    or measured["psnr"] < LEAST_PSNR[precision]):
                raise workers.BenchError(f"{name} ({region}) does not compute what {reference} "
                                         f"computes: {measured}")
        return result

    def _cases(self):
        """(engine, variant) -> request; peers know whole pictures only."""
        cases = {}
        for name in self.workers:
            variants = OWN_VARIANTS if name.startswith(OWN) else {"full": ("full", "")}
            for variant, (region, crops) in variants.items():
                cases[name, variant] = (region, crops)
        return cases

    def _speed(self):
        cases = self._cases()
        runs = {}
        for number, order in enumerate(rounds.round_robin(cases, self.options.rounds)):
            self._say(f"round {number + 1} of {self.options.rounds}")
            for batch in self.options.batches:
                for name, variant in order:
                    region, crops = cases[name, variant]
                    request = f"run {batch} {region} {self.options.seconds} {crops}"
                    run = self._timed(self.workers[name], request)
                    runs.setdefault((name, variant), {}).setdefault(str(batch), []).append(run)
        return {label(name, variant): {batch: rounds.summary(list_) for batch, list_ in by.items()}
                for (name, variant), by in runs.items()}

    def _timed(self, worker, request):
        cores = self.options.cores
        busy, start = machine.busy_seconds(cores), time.monotonic()
        run = worker.ask(request)
        # The worker's whole answer lies in between, its untimed part too: by its average use.
        wall = time.monotonic() - start
        own = run["cpu_seconds"] / run["seconds"] * wall
        run["other_share"] = max(0.0, (machine.busy_seconds(cores) - busy - own)) / wall / len(cores)
        return run


def label(name, variant):
    return name if variant == "full" else f"{name}, {variant}"


def compare(answers, expected, first_row):
    """Pictures one after the other, from first_row on."""
    picture = ROWS * EDGE
    a = b"".join(answers[i + first_row * EDGE:i + picture] for i in range(0, len(answers), picture))
    b = b"".join(expected[i + first_row * EDGE:i + picture]
                 for i in range(0, len(expected), picture))
    if len(a) != len(b):
        return {"most_different": 255, "psnr": 0.0}
    return {"most_different": rounds.most_different(a, b),
            "psnr": round(min(rounds.psnr(a, b), 99.0), 1)}


def ratios(speed, batches):
    """This project's engine to OpenVINO's faster mode, whole pictures, at the same precision."""
    result = {}
    for row in speed:
        if not row.startswith(OWN):
            continue
        precision = row.split(",")[0].rsplit(" ", 1)[1]
        for batch in map(str, batches):
            peer = rounds.best(speed, [name_of(name, precision) for name in OPENVINO], batch)
            if peer:
                result.setdefault(row, {})[batch] = round(speed[row][batch]["fps"] / peer, 2)
    return result


def report(result, options):
    batches = [str(batch) for batch in options.batches]
    speed = result["speed"]
    by_speed = sorted(speed, key=lambda row: speed[row][batches[-1]]["fps"])
    limit = f", no more than {options.isa}" if options.isa else ""
    lines = ["Network, frames per second by batch size (median of "
             f"{options.rounds} rounds, {options.threads} threads{limit})", "",
             table(["engine", *batches, "core ms/frame", "spread"],
                   [[row, *(speed[row][batch]["fps"] for batch in batches),
                     speed[row][batches[-1]]["cpu_ms_per_frame"],
                     f"{100 * max(case['spread'] for case in speed[row].values()):.0f} %"]
                    for row in by_speed])]
    if result["ratios"]:
        lines += ["", "Ratio to OpenVINO's faster mode (whole pictures, same precision)", "",
                  table(["engine", *batches], [[row, *(cases.get(batch) for batch in batches)]
                                               for row, cases in result["ratios"].items()])]
    agreement = dict(result["agreement"])
    lines += ["", f"Pictures against {agreement.pop('reference')}, levels of 255", "",
              table(["engine", "most different", "PSNR dB"],
                    [[name, case["most_different"], case["psnr"]]
                     for name, case in agreement.items()])]
    busy = max(case.get("other_share", 0) for row in speed.values() for case in row.values())
    lines += ["", f"Other programs took at most {100 * busy:.0f} % of the cores in a median run."]
    return "\n".join(lines)
