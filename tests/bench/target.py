"""The machine that an archive of tests/bench/pack runs on: its GPU, its PyTorch, what is missing.
As a program it prints the folder of PyTorch's libraries. Nothing here imports torch."""

import importlib.util
import os
import re
import subprocess
import sys

_QUERY = ("name", "driver_version", "memory.total", "compute_cap")


def torch_lib(find_spec=importlib.util.find_spec):
    """The folder of the installed PyTorch's libraries, or None."""
    spec = find_spec("torch")
    folder = os.path.join(os.path.dirname(spec.origin), "lib") if spec and spec.origin else ""
    return folder if os.path.exists(os.path.join(folder, "libtorch_cpu.so")) else None


def torch_version(lib):
    """Of the PyTorch whose libraries are in that folder; "" where it does not say."""
    try:
        with open(os.path.join(os.path.dirname(lib), "version.py")) as file:
            match = re.search(r"__version__\s*(?::\s*\w+\s*)?=\s*['\"]([^'\"]+)", file.read())
    except OSError:
        return ""
    return match.group(1) if match else ""


def said(*command):
    """What a program says, or None where it is missing or fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def gpus(nvidia_smi):
    """A dict for each line of `nvidia-smi --query-gpu=... --format=csv,noheader`."""
    keys = ("name", "driver", "memory", "capability")
    return [dict(zip(keys, (field.strip() for field in line.split(","))))
            for line in (nvidia_smi or "").splitlines() if line.count(",") == len(keys) - 1]


def glibc():
    """(2, 36), or None where it is another library."""
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    except (AttributeError, OSError, ValueError):
        return None
    return tuple(map(int, version.split("."))) if name == "glibc" else None


def look(python):
    """Facts; python: whose PyTorch is used."""
    lib = torch_lib() if python == sys.executable else (
        said(python, os.path.abspath(__file__)) or "").strip() or None
    numpy = said(python, "-c", "import numpy; print(numpy.__version__)")
    return {"gpus": gpus(said("nvidia-smi", f"--query-gpu={','.join(_QUERY)}",
                              "--format=csv,noheader")),
            "device_files": os.path.exists("/dev/nvidiactl"),
            "glibc": glibc(), "python": ".".join(map(str, sys.version_info[:3])),
            "torch_lib": lib, "torch": torch_version(lib) if lib else None,
            "numpy": numpy.strip() if numpy else None}


def why_no_gpu(facts, contents):
    """Why nothing runs on a GPU here, or None."""
    if not facts["gpus"]:
        return "no NVIDIA GPU" + (", or its driver fails: see what nvidia-smi says"
                                  if facts["device_files"] else "")
    if "libw2l-cuda.so" not in contents["backends"]:
        return "the archive has no CUDA backend"
    return None


def problems(facts, contents):
    """(whether nothing at all can run, what is missing and what to do about it in a line)"""
    found = []
    wanted = tuple(map(int, contents["glibc"].split(".")))
    if not facts["glibc"] or facts["glibc"] < wanted:
        has = ".".join(map(str, facts["glibc"])) if facts["glibc"] else "another C library"
        found.append((True, f"glibc {contents['glibc']} or newer is needed, and this system has "
                            f"{has}: use a newer system (Debian 12, Ubuntu 24.04), or pack on an "
                            "older one"))
    elif facts["glibc"] < tuple(map(int, contents["compiler_glibc"].split("."))):
        found.append((False, "this system's own libstdc++ is used, since the archive's needs glibc "
                             f"{contents['compiler_glibc']}: it must be GCC 12's or newer"))
    no_gpu = why_no_gpu(facts, contents)
    if no_gpu and not facts["gpus"]:
        found.append((False, f"{no_gpu}: start it on a machine with one and NVIDIA's driver (580 or "
                             "newer); only the CPU is measured"))
    elif no_gpu:
        found.append((False, f"{no_gpu}: pack again where models/cuda is built; only the CPU is "
                             "measured"))
    if not facts["torch_lib"]:
        found.append((False, "no PyTorch in this Python: pip install torch, or name one that has it "
                             "with --python; PyTorch's rows need it"))
    if facts["torch_lib"] and not facts["numpy"]:
        found.append((False, "no numpy in this Python: pip install numpy; PyTorch's rows need it"))
    return found


if __name__ == "__main__":
    print(torch_lib() or "")
