"""The network stage on a device, 8-bit crops and mels in host memory to 8-bit pictures: is it exact,
and how fast is it to PyTorch's loop there."""

import array
import os
import shutil
import subprocess
import sys

import exactness
import gpu_profile
import network
import rounds
import workers
from tables import table

CUDA_PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
CPU_PRECISIONS = ("fp32", "bf16")
CUDA_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
CPU_BATCHES = (1, 8)
REFERENCE_BATCH = {"cuda": 128, "cpu": 8}
EXACT_COUNT = 8  # pictures
# The conservative one: masking and dividing by 255 is not in its time.
REFERENCE = "PyTorch, from floats"


def say(text):
    print(text, file=sys.stderr, flush=True)


def precisions(device):
    return CUDA_PRECISIONS if device == "cuda" else CPU_PRECISIONS


def case_name(*parts):
    """Of weights, form of the crops, device, precision; a form that is nothing special is empty."""
    return ", ".join(filter(None, parts))


def answers(worker, count, path, form=""):
    worker.ask(f"answer {count} full {path} {form}".rstrip())
    with open(path, "rb") as file:
        return file.read()


class Exactness:
    """Every device and precision on faces of the reference implementation's recordings, where the
    archive has them, else on made-up ones. The expected values are recorded, or PyTorch's on this
    CPU."""

    def __init__(self, options, folder, models):
        self.options, self.folder, self.models = options, folder, models
        golden = os.path.join(workers.ROOT, "data/golden")
        self.recorded = os.path.join(golden, "expected.bin")
        self.inputs = os.path.join(golden, "inputs.bin")
        if not os.path.exists(self.inputs):
            self.recorded = None
            self.inputs = os.path.join(folder, "exact.bin")
            network.write_inputs(self.inputs, EXACT_COUNT)

    def run(self, devices):
        result = {}
        for weights, model in self.models.items():
            say(f"exactness: {weights} weights")
            try:
                values, source = self._expected(weights, model)
            except workers.BenchError as error:
                values, source = None, str(error)
            for device in devices:
                for precision in precisions(device):
                    if values is None:
                        result[case_name(weights, device, precision)] = {
                            "error": f"nothing to compare with: {source}"}
                        continue
                    for form, case in self._forms(model, device, precision, values).items():
                        result[case_name(weights, form, device, precision)] = {
                            **case, "against": source}
        return result

    def _expected(self, weights, model):
        """(values, where they come from)"""
        if weights == "formula" and self.recorded:
            with open(self.recorded, "rb") as file:
                return array.array("f", file.read()), "recording"
        if not self.options.torch:
            raise workers.BenchError("no PyTorch with numpy here")
        path = os.path.join(self.folder, "values.bin")
        worker = workers.reference(self.options.python, model, self.inputs, "cpu", "strict")
        try:
            worker.start()
            worker.ask(f"values {EXACT_COUNT} {path}")
        finally:
            worker.stop()
        with open(path, "rb") as file:
            return array.array("f", file.read()), "PyTorch on the CPU"

    def _forms(self, model, device, precision, values):
        """Form of the crops -> what was found. Where the engine resizes, the same pictures come
        twice as large, too."""
        worker = workers.own(self.options.build, model, self.inputs, precision,
                             self.options.threads, device)
        try:
            worker.start()
            forms = ["", "doubled"] if worker.ready["max_crop_edge"] >= 2 * network.ROWS else [""]
            got = {form: answers(worker, EXACT_COUNT, os.path.join(self.folder, "answers.bin"), form)
                   for form in forms}
        except workers.BenchError as error:
            return {"": {"error": str(error)}}
        finally:
            worker.stop()
        return {form: exactness.compare(pictures, values) for form, pictures in got.items()}


def exactness_table(result):
    lines = [table(["weights, device, precision", "implied error", "levels", "PSNR dB", "against"],
                   [[name, f"{case['implied_error']:.1e}", case["most_different"], case["psnr"],
                     case["against"]] for name, case in result.items() if "error" not in case])]
    return "\n".join(lines + [f"{name}: {case['error']}" for name, case in result.items()
                              if "error" in case])


class Stage:
    """Speed on one device, interleaved with PyTorch's."""

    def __init__(self, options, folder, model, device):
        self.options, self.folder, self.model, self.device = options, folder, model, device
        self.batches = CUDA_BATCHES if device == "cuda" else CPU_BATCHES
        self.inputs = os.path.join(folder, f"inputs-{device}.bin")
        network.write_inputs(self.inputs, max(self.batches))
        self.workers, self.failed = {}, {}

    def run(self):
        try:
            self._open()
            cases = self._cases()
            result = {"opening": {name: worker.ready for name, worker in self.workers.items()},
                      "failed": self.failed, "speed": self._speed(cases)}
            result["latency"] = self._latency()
        finally:
            for worker in self.workers.values():
                worker.stop()
        result["reference_batch"] = REFERENCE_BATCH[self.device]
        result["ratios"] = ratios(result["speed"], result["reference_batch"])
        return result

    def _open(self):
        for precision in precisions(self.device):
            self._start(f"{self.device} {precision}",
                        workers.own(self.options.build, self.model, self.inputs, precision,
                                    self.options.threads, self.device))
        # TF32 is the GPU's.
        kinds = ("default", "strict") if self.device == "cuda" else ("strict",)
        for kind in kinds if self.options.torch else ():
            self._start(f"PyTorch {kind}", workers.reference(
                self.options.python, self.model, self.inputs, self.device, kind))
        if not any(name.startswith(self.device) for name in self.workers):
            raise workers.BenchError("; ".join(self.failed.values()))

    def _start(self, name, worker):
        say(f"network on {self.device}: opening {name}")
        self.workers[name] = worker
        try:
            worker.start()
        except workers.BenchError as error:
            self.failed[name] = str(error)
            self.workers.pop(name).stop()

    def _cases(self):
        """Label -> worker, batches, what comes after "run BATCH"."""
        cases = {}
        largest = (max(self.batches),)
        seconds = self.options.seconds
        for name in self.workers:
            if name.startswith("PyTorch"):
                kind = name.split()[1]
                suffix = {"default": "", "strict": ", strict fp32"}[kind]
                suffix = suffix if self.device == "cuda" else ""
                batch = (REFERENCE_BATCH[self.device],)
                for form in ("floats", "bytes"):
                    cases[f"PyTorch, from {form}{suffix}"] = (name, batch, f"{form} {seconds}")
            else:
                cases[name] = (name, self.batches, f"full {seconds} new")
                cases[f"{name}, lower"] = (name, largest, f"lower {seconds} new")
                cases[f"{name}, lower, repeated"] = (name, largest, f"lower {seconds} repeated")
        return cases

    def _speed(self, cases):
        runs = {}
        for number, order in enumerate(rounds.round_robin(cases, self.options.rounds)):
            say(f"network on {self.device}: round {number + 1} of {self.options.rounds}")
            for batch in self.batches:
                for label in order:
                    name, batches, rest = cases[label]
                    run = self._ask(name, f"run {batch} {rest}") if batch in batches else None
                    if run:
                        runs.setdefault(label, {}).setdefault(str(batch), []).append(run)
        return {label: {batch: rounds.summary(list_) for batch, list_ in by_batch.items()}
                for label, by_batch in runs.items()}

    def _latency(self):
        """Of one picture, whole, with a crop that is new."""
        found = {name: self._ask(name, f"latency 1 full {4 * self.options.seconds} new")
                 for name in self.workers if name.startswith(self.device)}
        return {name: row for name, row in found.items() if row}

    def _ask(self, name, request):
        """None from one that has failed; the others go on."""
        if name in self.failed:
            return None
        try:
            return self.workers[name].ask(request)
        except workers.BenchError as error:
            self.failed[name] = f"{request}: {error}"
            say(self.failed[name])
            return None


def ratios(speed, reference_batch):
    """Precision -> batch -> frames per second to PyTorch's at its batch; whole pictures, new
    crops."""
    reference = speed.get(REFERENCE, {}).get(str(reference_batch))
    result = {}
    for label, by_batch in speed.items():
        if reference and "," not in label:
            result[label.split()[1]] = {batch: round(row["fps"] / reference["fps"], 2)
                                        for batch, row in by_batch.items()}
    return result


def speed_table(result):
    speed = result["speed"]
    batches = sorted({int(batch) for row in speed.values() for batch in row})
    lines = [table(["frames per second by batch", *map(str, batches), "spread"],
                   [[label, *(row.get(str(batch), {}).get("fps") for batch in batches),
                     f"{100 * max(case['spread'] for case in row.values()):.0f} %"]
                    for label, row in speed.items()])]
    if result["ratios"]:
        lines += ["", table([f"times PyTorch's at batch {result['reference_batch']}",
                             *map(str, batches)],
                            [[label, *(row.get(str(batch)) for batch in batches)]
                             for label, row in result["ratios"].items()])]
    lines += ["", table(["batch 1, ms", "median", "p95", "most"],
                        [[name, row["median_ms"], row["p95_ms"], row["most_ms"]]
                         for name, row in result["latency"].items()])]
    lines += [f"{name}: {error}" for name, error in result["failed"].items()]
    return "\n".join(lines)


# Profile ----------------------------------------------------------------------------------------

class Profile:
    """What the GPU does during batches of 128, whole pictures. By Nsight Systems where it is
    installed, else by CUPTI, which comes with PyTorch."""

    SECONDS = 2

    def __init__(self, options, folder, model):
        self.options, self.folder, self.model = options, folder, model
        self.inputs = os.path.join(folder, "inputs-profile.bin")
        network.write_inputs(self.inputs, max(CUDA_BATCHES))

    def run(self):
        tool, activities, run = (self._nsys if shutil.which("nsys") else self._cupti)()
        inside, start, end = gpu_profile.steady(activities, self.SECONDS)
        found = gpu_profile.shares(inside, start, end)
        if not found:
            raise workers.BenchError(f"{tool} recorded no kernels")
        return {**found, "by": tool, "fps": round(run["frames"] / run["seconds"], 1)}

    def _worker(self):
        return workers.own(self.options.build, self.model, self.inputs, "fp16",
                           self.options.threads, "cuda")

    def _measure(self, worker):
        try:
            worker.start()
            return worker.ask(f"run {max(CUDA_BATCHES)} full {self.SECONDS} new")
        finally:
            worker.stop()

    def _nsys(self):
        """Graphs are shown as one block unless asked for their kernels."""
        say("profile: nsys")
        report = os.path.join(self.folder, "profile")
        worker = self._worker()
        worker.command = ["nsys", "profile", "--trace", "cuda", "--cuda-graph-trace", "node",
                          "--sample", "none", "--cpuctxsw", "none", "--force-overwrite", "true",
                          "--output", report, *worker.command]
        run = self._measure(worker)
        database = report + ".sqlite"
        _call(["nsys", "export", "--type", "sqlite", "--force-overwrite", "true", "--output",
               database, report + ".nsys-rep"])
        return "nsys", gpu_profile.read_nsys(database), run

    def _cupti(self):
        say("profile: CUPTI")
        library = workers.built(self.options.build, "tests/tools/libw2l_cupti_injection.so")
        cupti = self.options.cupti
        if not cupti:
            raise workers.BenchError("neither nsys nor the CUPTI of PyTorch is installed")
        path = os.path.join(self.folder, "activities.tsv")
        worker = self._worker()
        worker.env.update({"CUDA_INJECTION64_PATH": library, "W2L_CUPTI_LIBRARY": cupti,
                           "W2L_GPU_ACTIVITIES": path})
        run = self._measure(worker)
        try:
            with open(path) as file:
                return "CUPTI", gpu_profile.parse_lines(file.read()), run
        except OSError:
            raise workers.BenchError("CUPTI recorded nothing") from None


def _call(command):
    try:
        subprocess.run(command, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise workers.BenchError(f"{command[0]} failed: {error}") from None
