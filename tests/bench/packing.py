"""What an archive for a bare GPU machine is made of: files by their name in it, the libraries they
need, the glibc they need. test_pack.py is the specification."""

import ast
import glob
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import tarfile
import zipfile

import workers

NAME = "gst-wav2lip"
CONTENTS = "contents.json"
MODIFIED = 1577836800  # of every file: the same files make the same archive

# GStreamer's plugins that the app and the benchmarks use. openh264 decodes in place of libav, whose
# libraries are many times as large; voaacenc is the smallest AAC encoder that the app knows.
PLUGINS = ("coreelements", "playback", "typefindfunctions", "isomp4", "videoparsersbad", "openh264",
           "x264", "videoconvertscale", "videofilter", "videocrop", "imagefreeze", "png",
           "audioconvert", "audioresample", "audioparsers", "wavparse", "wavenc", "voaacenc")
TOOLS = ("gst-launch-1.0", "gst-inspect-1.0")
PACKAGES = ("gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
            "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly binutils patchelf")

# Of this project, below the build folder. The second are packed where they were built.
OWN_PLUGINS = ("elements/facecache/libgstw2lfacecache.so", "elements/infer/libgstw2linfer.so",
               "elements/patch/libgstw2lpatch.so")
OWN_PROGRAMS = ("pipelines/gst-lipsync-1.0", "tests/bench/bench-live-streams",
                "tests/bench/bench-network-worker", "tests/tools/w2l-make-checkpoint")
OWN_MODULES = ("tests/tools/libw2l_nvtx_injection.so",)
OPTIONAL_MODULES = ("tests/tools/libw2l_cupti_injection.so",)
BACKENDS = ("models/cpu/libw2l-cpu.so", "models/cuda/libw2l-cuda.so")

# Must be there: a program cannot bring its own.
_GLIBC = re.compile(r"^(linux-vdso|linux-gate|ld-linux[\w-]*|libc|libm|libmvec|libdl|libpthread"
                    r"|librt|libutil|libresolv|libanl|libnsl|libnss_\w+)\.so")
# Need a newer glibc than all the rest: on systems with an older one, their own are used.
_COMPILER = ("libstdc++.so.6", "libgcc_s.so.1")
_COMPILER_FOLDER = "lib/compiler/"

_CLIP = ("assets/video/h00_frontal_1280x720_25fps.mp4", "assets/audio/en_jfk_16k_mono.wav")

_WRAPPER = """#!/bin/sh
# Runs {name} with the libraries and plugins of this archive and no others.
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
. "$here/libexec/environment"
exec "$here/libexec/{name}" "$@"
"""
# Sourced by the wrappers. The registry is one for each archive and place, since all files of all
# archives have the same date.
_ENVIRONMENT = """# What the programs of this archive run in; `here` is its folder.
unset GST_PLUGIN_PATH GST_PLUGIN_SYSTEM_PATH GST_REGISTRY GST_PLUGIN_SCANNER
scratch=${{TMPDIR:-/tmp}}/gst-wav2lip-$(id -u)
mkdir -p "$scratch"
libraries=$here/lib
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
glibc=${{glibc#glibc 2.}}
[ "${{glibc:-0}}" -lt {compiler_minor} ] || libraries=$here/lib/compiler:$libraries
export LD_LIBRARY_PATH="$libraries${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export GST_PLUGIN_PATH_1_0="$here/lib/gstreamer-1.0" GST_PLUGIN_SYSTEM_PATH_1_0=
export GST_PLUGIN_SCANNER_1_0="$here/libexec/gst-plugin-scanner"
export GST_REGISTRY_1_0="$scratch/{identity}-$(printf %s "$here" | cksum | cut -d' ' -f1).registry"
export W2L_BACKEND_PATH="$here/lib/backends" W2L_MODEL_PATH="$here/models/faces"
export W2L_DEMO_DIR="$here/models/demo"
"""


# Reading what tools say -------------------------------------------------------------------------

def libraries(ldd):
    """Name -> path of what ldd printed, glibc's left out. Names without a path are left at None."""
    found = {}
    for line in ldd.splitlines():
        match = re.match(r"\s*(\S+) => (/\S+|not found)", line)
        if match and not _GLIBC.match(match.group(1)):
            path = match.group(2)
            found[match.group(1)] = None if path == "not found" else path
    return found


def needed(objdump):
    """The libraries that a file itself names: objdump -p."""
    return re.findall(r"^\s*NEEDED\s+(\S+)$", objdump, re.MULTILINE)


def glibc_needed(objdump):
    """The highest version of glibc of which it takes a symbol, as numbers: objdump -T."""
    versions = [tuple(map(int, text.split("."))) for text in
                re.findall(r"\*UND\*.*\(?GLIBC_(\d+(?:\.\d+)+)\)?", objdump)]
    return max(versions, default=(0,))


def is_elf(data):
    return data[:4] == b"\x7fELF"


# Golden data ------------------------------------------------------------------------------------

def read_npy(data):
    """(shape, floats) of a .npy file of little-endian float32 in C order."""
    length, = struct.unpack_from("<H", data, 8)
    header = ast.literal_eval(data[10:10 + length].decode("latin-1"))
    if data[:6] != b"\x93NUMPY" or header["descr"] != "<f4" or header["fortran_order"]:
        raise workers.BenchError("golden data is not float32 in C order")
    return header["shape"], memoryview(data)[10 + length:].cast("f")


def golden_files(archive):
    """What the reference implementation's first batch was and came to: the inputs as all engines
    read them (network.write_inputs), and the values of its pictures as float32, channels last."""
    with zipfile.ZipFile(archive) as file:
        arrays = {name: read_npy(file.read(name + ".npy")) for name in ("face", "mel", "pred")}
    (count, channels, height, width), face = arrays["face"]
    crops = bytearray(count * height * width * 3)
    values = memoryview(bytearray(4 * len(crops))).cast("f")
    pixels = height * width
    for image in range(count):
        for channel in range(3):
            start = (image * channels + channels - 3 + channel) * pixels  # after the masked one
            slots = slice(image * pixels * 3 + channel, (image + 1) * pixels * 3, 3)
            crops[slots] = bytes(round(value * 255) for value in face[start:start + pixels])
            start = (image * 3 + channel) * pixels
            for i, value in enumerate(arrays["pred"][1][start:start + pixels]):
                values[slots.start + 3 * i] = value
    return bytes(crops) + arrays["mel"][1].tobytes(), values.tobytes()


# Collecting -------------------------------------------------------------------------------------

def run(*command):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise workers.BenchError(f"{command[0]} is missing: apt-get install {PACKAGES}") from None
    except subprocess.CalledProcessError as error:
        raise workers.BenchError(f"{' '.join(command)}: {error.stderr.strip()}") from None


def gstreamer_folder(variable):
    return run("pkg-config", f"--variable={variable}", "gstreamer-1.0").strip()


class Collection:
    """Files by their name in the archive: data and mode."""

    def __init__(self, folder):
        self.folder = folder  # for copies that are changed
        self.files = {}

    def add(self, name, data, executable=False):
        self.files[name] = (data, 0o755 if executable else 0o644)

    def add_file(self, name, path, executable=False):
        try:
            with open(path, "rb") as file:
                self.add(name, file.read(), executable)
        except OSError as error:
            raise workers.BenchError(f"cannot pack {path}: {error.strerror}") from None

    def add_binary(self, name, path, own=False):
        """With the libraries that it needs. Those of this project say where they were built; that
        is taken out."""
        if not os.path.exists(path):
            raise workers.BenchError(
                f"{path} is not built: run subprojects/bootstrap --build DIR" if own else
                f"{path} is missing: apt-get install {PACKAGES}")
        found = libraries(run("ldd", path))
        wanted = [library for library in needed(run("objdump", "-p", path))
                  if not _GLIBC.match(library)]
        if own:
            copy = os.path.join(self.folder, os.path.basename(path))
            shutil.copyfile(path, copy)
            run("patchelf", "--remove-rpath", copy)
            self.add_file(name, copy, True)
        else:
            self.add_file(name, path, True)
        for library in wanted:
            self._add_library(library, found.get(library))

    def _add_library(self, library, path):
        name = (_COMPILER_FOLDER if library in _COMPILER else "lib/") + library
        if name in self.files:
            return
        if not path:
            raise workers.BenchError(f"{library} is not found by ldd: install its package")
        self.add_binary(name, path, os.path.basename(path).startswith("libgstw2l"))

    def glibc(self, folder, compiler=False):
        """The version that all of them need, or the compiler's libraries do."""
        highest = (0,)
        for name, (data, _) in self.files.items():
            if is_elf(data) and name.startswith(_COMPILER_FOLDER) == compiler:
                path = os.path.join(folder, "elf")
                with open(path, "wb") as file:
                    file.write(data)
                highest = max(highest, glibc_needed(run("objdump", "-T", path)))
        return ".".join(map(str, highest))

    def identity(self):
        digest = hashlib.sha256()
        for name in sorted(self.files):
            digest.update(name.encode() + b"\0" + self.files[name][0])
        return digest.hexdigest()[:16]


def collect(build, folder, data=None):
    """build: where the project was built; data: the folder of W2L_TEST_DATA, if any."""
    collection = Collection(folder)
    _add_gstreamer(collection)
    _add_own(collection, build)
    _add_scripts(collection)
    _add_data(collection, data)
    compiler_glibc = collection.glibc(folder, True)
    contents = {"glibc": collection.glibc(folder), "compiler_glibc": compiler_glibc,
                "backends": _backends(collection),
                "golden": "data/golden/inputs.bin" in collection.files,
                "gstreamer": run("pkg-config", "--modversion", "gstreamer-1.0").strip()}
    identity = collection.identity()
    collection.add("libexec/environment", _ENVIRONMENT.format(
        identity=identity, compiler_minor=compiler_glibc.split(".")[1]).encode())
    collection.add(CONTENTS, (json.dumps({**contents, "identity": identity}, indent=1) + "\n")
                   .encode())
    return collection.files, contents


def _backends(collection):
    folder = "lib/backends/"
    return sorted(name[len(folder):] for name in collection.files if name.startswith(folder))


def _add_gstreamer(collection):
    plugins = gstreamer_folder("pluginsdir")
    for plugin in PLUGINS:
        name = f"libgst{plugin}.so"
        collection.add_binary(f"lib/gstreamer-1.0/{name}", os.path.join(plugins, name))
    collection.add_binary("libexec/gst-plugin-scanner",
                          os.path.join(gstreamer_folder("pluginscannerdir"), "gst-plugin-scanner"))
    for tool in TOOLS:
        _add_program(collection, tool, shutil.which(tool) or tool)


def _add_program(collection, name, path, own=False):
    collection.add_binary(f"libexec/{name}", path, own)
    collection.add(f"bin/{name}", _WRAPPER.format(name=name).encode(), True)


def _add_own(collection, build):
    for plugin in OWN_PLUGINS:
        collection.add_binary(f"lib/gstreamer-1.0/{os.path.basename(plugin)}",
                              os.path.join(build, plugin), True)
    for program in OWN_PROGRAMS:
        _add_program(collection, os.path.basename(program), os.path.join(build, program), True)
    built = [name for name in OPTIONAL_MODULES if os.path.exists(os.path.join(build, name))]
    for module in (*OWN_MODULES, *built):
        collection.add_binary(f"lib/{os.path.basename(module)}", os.path.join(build, module), True)
    backends = [name for name in BACKENDS if os.path.exists(os.path.join(build, name))]
    if not backends:
        raise workers.BenchError(f"no backend in {build}: run subprojects/bootstrap --build {build}")
    for backend in backends:
        collection.add_binary(f"lib/backends/{os.path.basename(backend)}",
                              os.path.join(build, backend), True)


def _add_scripts(collection):
    for path in sorted(glob.glob(os.path.join(workers.HERE, "*.py"))):
        name = os.path.basename(path)
        if not name.startswith("test_"):
            collection.add_file(f"tests/bench/{name}", path)
    collection.add_file("tests/bench/README.md", os.path.join(workers.HERE, "README.md"))
    collection.add_file("run-packed", os.path.join(workers.HERE, "run-packed"), True)
    collection.add_file("LICENSE", os.path.join(workers.ROOT, "LICENSE"))


def _add_data(collection, data):
    for name in ("demo-face.mp4", "demo-speech.wav", "wav2lip-demo.pth"):
        collection.add_file(f"models/demo/{name}", os.path.join(workers.ROOT, "models/demo", name))
    for path in sorted(glob.glob(os.path.join(workers.ROOT, ".deps/models/*"))):
        collection.add_file(f"models/faces/{os.path.basename(path)}", path)
    if not data:
        return
    for name in _CLIP:
        collection.add_file(f"data/{name}", os.path.join(data, name))
    inputs, expected = golden_files(os.path.join(data, "golden/e2e_25fps/net_batch0.npz"))
    collection.add("data/golden/inputs.bin", inputs)
    collection.add("data/golden/expected.bin", expected)


# Writing ----------------------------------------------------------------------------------------

def write_archive(files, path):
    """The same bytes for the same files."""
    with tarfile.open(path, "w:xz", preset=9, format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(files):
            data, mode = files[name]
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), mode, MODIFIED
            archive.addfile(entry, io.BytesIO(data))


def sizes(files, largest=12):
    """Rows of (folder or file, files, MiB), the largest first; files of `largest` one by one."""
    folders = {}
    for name, (data, _) in files.items():
        row = folders.setdefault(os.path.dirname(name) + "/", [0, 0])
        row[0] += 1
        row[1] += len(data)
    rows = [[name, count, size / 2 ** 20] for name, (count, size) in folders.items()]
    single = sorted(files, key=lambda name: (-len(files[name][0]), name))[:largest]
    rows = sorted(rows, key=lambda row: (-row[2], row[0]))
    return rows, [[name, None, len(files[name][0]) / 2 ** 20] for name in single]
