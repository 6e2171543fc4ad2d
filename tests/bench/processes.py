"""Runs a program to its end and says what it took: time, core time, memory, threads."""

import glob
import os
import subprocess
import threading
import time

import workers

MEMORY_EVERY = 0.05  # seconds
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2 ** 20


class Sampler(threading.Thread):
    """Calls read(pid) again and again; samples are (seconds of the monotonic clock, value)."""

    def __init__(self, pid, every, read):
        super().__init__(daemon=True)
        self._pid, self._every, self._read = pid, every, read
        self._end = threading.Event()
        self.samples = []

    def run(self):
        while not self._end.wait(self._every):
            value = self._read(self._pid)
            if value:
                self.samples.append((time.monotonic(), value))

    def stop(self):
        self._end.set()
        self.join()
        return self.samples


def resident_mib(pid):
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE_MIB
    except (OSError, IndexError):
        return 0.0


def thread_times(pid):
    """Of each living thread its name and the seconds it was on a CPU; empty on kernels that do not
    count them."""
    result = {}
    for folder in glob.iglob(f"/proc/{pid}/task/*"):
        try:
            with open(folder + "/comm") as file:
                name = file.read().strip()
            with open(folder + "/schedstat") as file:
                result[int(os.path.basename(folder))] = name, int(file.read().split()[0]) / 1e9
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    return result


def measure(command, env, output=None, watch=(), timeout=None):
    """watch: more to sample than memory, as (name, seconds from one to the next, read)."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    samplers = {name: Sampler(process.pid, every, read)
                for name, every, read in (("memory", MEMORY_EVERY, resident_mib), *watch)}
    for sampler in samplers.values():
        sampler.start()
    with workers.killed_after(timeout, process):
        out = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    samples = {name: sampler.stop() for name, sampler in samplers.items()}
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise workers.BenchError(f"{os.path.basename(command[0])} ended with status "
                                 f"{process.returncode}: {' '.join(command)}")
    result = {"start": start, "seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime,
              "peak_mib": usage.ru_maxrss / 1024, "out": out, **samples}
    if output:
        result["bytes"] = os.path.getsize(output)
    return result
