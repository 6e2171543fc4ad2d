"""What tests/bench/pack and target promise; `python3 -m unittest test_pack`. Stdlib only."""

import array
import io
import os
import stat
import struct
import sys
import tarfile
import tempfile
import unittest
import zipfile
from unittest import mock

import packing
import stage
import target
import workers

_LDD = """\tlinux-vdso.so.1 (0x00007ffc)
\tlibgstbase-1.0.so.0 => /lib/x86_64-linux-gnu/libgstbase-1.0.so.0 (0x00007f)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)
\tlibmd.so.0 => /lib/x86_64-linux-gnu/libmd.so.0 (0x00007f)
\tlibw2l.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f)
"""
_DYNAMIC = """  NEEDED               libgomp.so.1
  NEEDED               libhwy.so.1
  SONAME               libw2l-cpu.so
"""
_SYMBOLS = """
0000000000000000      DF *UND*\t0000000000000000 (GLIBC_2.9) a
0000000000000000      DF *UND*\t0000000000000000 (GLIBC_2.34) pthread_join
0000000000000000  w   DF *UND*\t0000000000000000 (CXXABI_1.3) b
00000000000010f0 g    DF .text\t0000000000000010  GLIBC_2.99 its_own
0000000000000000      DF *UND*\t0000000000000000 (GLIBC_2.2.5) c
"""


def npy(shape, values):
    header = str({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
            + array.array("f", values).tobytes())


def facts(**more):
    return {"gpus": [{"name": "NVIDIA H100"}], "device_files": True, "glibc": (2, 36),
            "torch_lib": "/t/torch/lib", "torch": "2.11.0+cu130", "numpy": "2.4", **more}


BOTH = {"glibc": "2.34", "compiler_glibc": "2.36", "backends": ["libw2l-cpu.so", "libw2l-cuda.so"]}


class Libraries(unittest.TestCase):
    def test_glibc_stays_at_home_and_its_like_in_name_does_not(self):
        self.assertEqual(packing.libraries(_LDD), {
            "libgstbase-1.0.so.0": "/lib/x86_64-linux-gnu/libgstbase-1.0.so.0",
            "libmd.so.0": "/lib/x86_64-linux-gnu/libmd.so.0", "libw2l.so.1": None})

    def test_needed_is_what_the_file_names_itself(self):
        self.assertEqual(packing.needed(_DYNAMIC), ["libgomp.so.1", "libhwy.so.1"])

    def test_the_highest_glibc_of_symbols_it_takes(self):
        self.assertEqual(packing.glibc_needed(_SYMBOLS), (2, 34))

    def test_no_glibc_needed(self):
        self.assertEqual(packing.glibc_needed(""), (0,))

    def test_a_missing_library_is_an_error_that_names_it(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(workers.BenchError, "libx.so.1 is not found"):
                packing.Collection(folder)._add_library("libx.so.1", None)

    def test_a_program_of_this_machine_comes_with_what_it_needs(self):
        with tempfile.TemporaryDirectory() as folder:
            collection = packing.Collection(folder)
            try:
                collection.add_binary("libexec/python", os.path.realpath(sys.executable))
            except workers.BenchError as error:
                self.skipTest(str(error))  # no binutils
            self.assertIn("libexec/python", collection.files)
            self.assertNotIn("lib/libc.so.6", collection.files)
            self.assertGreater(tuple(map(int, collection.glibc(folder).split("."))), (2,))

    def test_the_compilers_libraries_lie_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            collection = packing.Collection(folder)
            collection.add("lib/compiler/libstdc++.so.6", b"")
            collection._add_library("libstdc++.so.6", None)  # is there already
            self.assertEqual(list(collection.files), ["lib/compiler/libstdc++.so.6"])


class Golden(unittest.TestCase):
    def test_crops_are_the_unmasked_half_channels_last_and_mels_follow(self):
        face = [0.0] * 12 + [v / 255 for v in range(12)]  # one image, 6 channels, 2x2
        pred = [v / 16 for v in range(12)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npz")
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("face.npy", npy((1, 6, 2, 2), face))
                file.writestr("mel.npy", npy((1, 1, 1, 2), [1.5, -2]))
                file.writestr("pred.npy", npy((1, 3, 2, 2), pred))
            inputs, expected = packing.golden_files(path)
        self.assertEqual(inputs[:12], bytes([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]))
        self.assertEqual(inputs[12:], array.array("f", [1.5, -2]).tobytes())
        values = array.array("f", expected)
        self.assertEqual([16 * value for value in values[:4]], [0, 4, 8, 1])

    def test_other_numbers_are_refused(self):
        data = npy((1,), [0]).replace(b"<f4", b"<f8")
        with self.assertRaises(workers.BenchError):
            packing.read_npy(data)


class Archive(unittest.TestCase):
    FILES = {"b": (b"two", 0o644), "bin/a": (b"#!", 0o755)}

    def test_the_same_files_make_the_same_bytes(self):
        archives = []
        with tempfile.TemporaryDirectory() as folder:
            for files in (self.FILES, dict(reversed(self.FILES.items()))):
                path = os.path.join(folder, "a.tar.xz")
                packing.write_archive(files, path)
                with open(path, "rb") as file:
                    archives.append(file.read())
        self.assertEqual(archives[0], archives[1])
        with tarfile.open(fileobj=io.BytesIO(archives[0])) as archive:
            self.assertEqual(archive.getnames(), ["gst-wav2lip/b", "gst-wav2lip/bin/a"])
            self.assertTrue(archive.getmember("gst-wav2lip/bin/a").mode & stat.S_IXUSR)

    def test_identity_depends_on_names_and_contents(self):
        collections = [packing.Collection("") for _ in range(3)]
        for collection, name, data in zip(collections, ("a", "a", "b"), (b"1", b"2", b"1")):
            collection.add(name, data)
        self.assertEqual(len({each.identity() for each in collections}), 3)

    def test_sizes_are_by_folder_and_the_largest_come_first(self):
        folders, files = packing.sizes({"x/a": (bytes(2 ** 20), 0), "x/b": (bytes(2 ** 20), 0),
                                        "y/c": (bytes(2 ** 19), 0)}, 1)
        self.assertEqual(folders, [["x/", 2, 2.0], ["y/", 1, 0.5]])
        self.assertEqual(files, [["x/a", None, 1.0]])


class Places(unittest.TestCase):
    def test_a_program_is_found_in_an_archive_and_in_a_build_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in ("bin/tool", "sub/other"):
                os.makedirs(os.path.join(folder, os.path.dirname(path)))
                open(os.path.join(folder, path), "w").close()
            self.assertEqual(workers.built(folder, "sub/tool"), os.path.join(folder, "bin/tool"))
            self.assertEqual(workers.built(folder, "sub/other"), os.path.join(folder, "sub/other"))
            with self.assertRaisesRegex(workers.BenchError, "sub/none is not built"):
                workers.built(folder, "sub/none")


class Engines(unittest.TestCase):
    def start(self, script):
        worker = workers.Worker("engine", [sys.executable, "-c", script], {})
        self.addCleanup(worker.stop)
        worker.start()
        return worker

    def test_what_a_profiler_says_is_no_answer(self):
        worker = self.start("print('Collecting data...'); print('{\"a\": 1}')")
        self.assertEqual(worker.ready, {"a": 1})

    def test_one_that_hangs_is_killed(self):
        worker = self.start("print('{}', flush=True); import time; time.sleep(1000)")
        worker.timeout = 0.01
        with self.assertRaisesRegex(workers.BenchError, "ended with status -9"):
            worker.ask("run")

    def test_one_that_fails_does_not_stop_the_others(self):
        benchmark = stage.Stage.__new__(stage.Stage)
        benchmark.failed = {}
        benchmark.workers = {"bad": self.start("print('{}')"),
                             "good": self.start("print('{}'); print('{\"b\": 2}')")}
        self.assertIsNone(benchmark._ask("bad", "run 1"))
        self.assertIn("run 1: engine ended", benchmark.failed["bad"])
        self.assertIsNone(benchmark._ask("bad", "run 2"))
        self.assertEqual(benchmark._ask("good", "run 1"), {"b": 2})


class CropForms(unittest.TestCase):
    def forms(self, max_crop_edge):
        """Of an engine that answers doubled crops with 20, others with 10."""
        script = (f"import sys; print('{{\"max_crop_edge\": {max_crop_edge}}}', flush=True)\n"
                  "for line in sys.stdin:\n"
                  "    path, byte = line.split()[3], 20 if 'doubled' in line else 10\n"
                  "    open(path, 'wb').write(bytes([byte]))\n"
                  "    print('{}', flush=True)\n")
        options = type("Options", (), {"build": None, "threads": 1})
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(
                workers, "own",
                lambda *_: workers.Worker("engine", [sys.executable, "-c", script], {})):
            benchmark = stage.Exactness.__new__(stage.Exactness)
            benchmark.options, benchmark.folder, benchmark.inputs = options, folder, None
            return benchmark._forms(None, "cuda", "fp32", [10 / 255])

    def test_an_engine_that_resizes_is_given_larger_crops_too(self):
        found = self.forms(192)
        self.assertEqual({form: case["most_different"] for form, case in found.items()},
                         {"": 0, "doubled": 10})

    def test_one_that_does_not_is_not(self):
        self.assertEqual(list(self.forms(0)), [""])

    def test_the_form_is_in_the_name(self):
        self.assertEqual(stage.case_name("demo", "", "cpu", "fp32"), "demo, cpu, fp32")
        self.assertEqual(stage.case_name("demo", "doubled", "cuda", "fp32"),
                         "demo, doubled, cuda, fp32")


class Target(unittest.TestCase):
    def test_gpus_are_the_lines_of_nvidia_smi(self):
        self.assertEqual(target.gpus("NVIDIA H100 80GB HBM3, 580.95.05, 81559 MiB, 9.0\n"),
                         [{"name": "NVIDIA H100 80GB HBM3", "driver": "580.95.05",
                           "memory": "81559 MiB", "capability": "9.0"}])
        self.assertEqual(target.gpus("NVIDIA-SMI has failed\n"), [])
        self.assertEqual(target.gpus(None), [])

    def test_torch_is_found_without_importing_it(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "torch/lib"))
            for name in ("__init__.py", "lib/libtorch_cpu.so"):
                open(os.path.join(folder, "torch", name), "w").close()
            with open(os.path.join(folder, "torch/version.py"), "w") as file:
                file.write("from typing import Optional\n__all__ = ['__version__', 'debug']\n"
                           "__version__ = '2.11.0+cu130'\ncuda: Optional[str] = '13.0'\n")
            spec = type("Spec", (), {"origin": os.path.join(folder, "torch/__init__.py")})
            lib = target.torch_lib(lambda name: spec)
            self.assertEqual(lib, os.path.join(folder, "torch/lib"))
            self.assertEqual(target.torch_version(lib), "2.11.0+cu130")
        self.assertIsNone(target.torch_lib(lambda name: None))

    def test_nothing_is_missing(self):
        self.assertEqual(target.problems(facts(), BOTH), [])
        self.assertIsNone(target.why_no_gpu(facts(), BOTH))

    def test_an_old_glibc_is_fatal_and_says_both_versions(self):
        (fatal, text), = target.problems(facts(glibc=(2, 31)), BOTH)
        self.assertTrue(fatal)
        self.assertIn("2.34", text)
        self.assertIn("2.31", text)

    def test_a_glibc_too_old_for_the_compilers_libraries_only_is_a_note(self):
        (fatal, text), = target.problems(facts(glibc=(2, 35)), BOTH)
        self.assertFalse(fatal)
        self.assertIn("own libstdc++", text)

    def test_without_a_gpu_the_rest_goes_on(self):
        (fatal, text), = target.problems(facts(gpus=[], device_files=False), BOTH)
        self.assertFalse(fatal)
        self.assertTrue(text.startswith("no NVIDIA GPU:"))
        self.assertEqual(target.why_no_gpu(facts(gpus=[], device_files=False), BOTH),
                         "no NVIDIA GPU")

    def test_an_archive_without_the_cuda_backend_says_so(self):
        self.assertIn("no CUDA backend",
                      target.why_no_gpu(facts(), {"backends": ["libw2l-cpu.so"]}))

    def test_no_pytorch(self):
        (_, text), = target.problems(facts(torch_lib=None, numpy=None), BOTH)
        self.assertIn("--python", text)


if __name__ == "__main__":
    unittest.main()
