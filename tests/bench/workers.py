"""Engines as processes that answer lines, and the peers' environment."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REQUIREMENTS = os.path.join(HERE, "requirements.txt")


class BenchError(Exception):
    """What stops the benchmark, as one line for whoever started it."""


@contextlib.contextmanager
def killed_after(seconds, process):
    """The process is killed when what is done with it takes longer; None = it may."""
    timer = threading.Timer(seconds, process.kill) if seconds else None
    try:
        if timer:
            timer.start()
        yield
    finally:
        if timer:
            timer.cancel()


class Worker:
    """One engine. ask() sends a line and returns the JSON object that comes back."""

    timeout = None  # seconds for one answer

    def __init__(self, name, command, env):
        self.name, self.command, self.env = name, command, env
        self.process, self.ready = None, {}

    def start(self):
        self.process = subprocess.Popen(self.command, env={**os.environ, **self.env}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = self._answer()

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said last tells why
        return self._answer()

    def stop(self):
        if self.process:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.stdout.read()  # a profiler around it may have more to say
            self.process.stdout.close()
            self.process.wait()

    def _answer(self):
        lines = iter(self.process.stdout.readline, "")
        # What else is said comes from a profiler around it.
        with killed_after(self.timeout, self.process):
            line = next((line for line in lines if line.startswith("{")), None)
        if not line:
            raise BenchError(f"{self.name} ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(f"{self.name}: {answer['error']}")
        return answer


def built(build, name):
    """The path of a program or module of this project, in a build folder or an archive of pack."""
    packed = [os.path.join(build, folder, os.path.basename(name)) for folder in ("bin", "lib")]
    path = next(filter(os.path.exists, packed), os.path.join(build, name))
    if not os.path.exists(path):
        raise BenchError(f"{path} is not built: run subprojects/bootstrap --build {build}")
    return path


def own(build, model, inputs, precision, threads, device="cpu"):
    program = built(build, "tests/bench/bench-network-worker")
    name = f"gst-wav2lip {precision}" if device == "cpu" else f"gst-wav2lip {precision} on {device}"
    return Worker(name, [program, "--device", device, model, inputs, precision, str(threads)],
                  {"W2L_BACKEND_PATH": ":".join(os.path.join(build, "models", folder)
                                                for folder in ("cpu", "cuda"))})


def reference(python, model, inputs, device, precision):
    """PyTorch as the reference implementation runs it, on a device."""
    return Worker(f"PyTorch {precision} on {device}",
                  [python, os.path.join(HERE, "reference_worker.py"), model, inputs, device,
                   precision], {"PYTHONWARNINGS": "ignore"})


def peer(python, engine, model, inputs, precision, threads, folder):
    command = [python, os.path.join(HERE, "peer_worker.py"), engine, model, inputs, precision,
               str(threads), folder]
    # PyTorch's export warns that the exporter that needs nothing more is the older one.
    return Worker(f"{engine} {precision}", command, {"OMP_NUM_THREADS": str(threads),
                                                     "PYTHONWARNINGS": "ignore"})


def checkpoint(build, folder):
    """A checkpoint of the original network's size and the form of the published ones, 416 MB."""
    path = os.path.join(folder, "formula.pth")
    try:
        subprocess.run([built(build, "tests/tools/w2l-make-checkpoint"), "--out", path, "--format", "legacy", "--with-optimizer",
                        "--prefix", "module."], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"cannot make a checkpoint: {error}") from None
    return path


def peers_python(folder=None):
    """The Python of the peers' virtual environment, which is made, or made anew, when needed."""
    folder = folder or os.path.join(ROOT, ".deps/bench")
    python, stamp = os.path.join(folder, "bin/python"), os.path.join(folder, "requirements.stamp")
    with open(REQUIREMENTS, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    if os.path.exists(stamp) and os.path.exists(python):
        with open(stamp) as file:
            if file.read() == wanted:
                return python
    print(f"Installing the peers into {folder} (several GB, once)", file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, stdout=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "-r", REQUIREMENTS], check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"cannot install the peers: {error} (Debian: apt-get install python3-venv)"
                         ) from None
    with open(stamp, "w") as file:
        file.write(wanted)
    return python
