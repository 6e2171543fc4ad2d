"""The machine of a benchmark: what it is, which cores to use, and who else is using them."""

import datetime
import glob
import os
import platform
import re

# Precisions of the network, with the CPU flags (x86, Arm) of which one makes them native.
_NATIVE = {"bf16": ("avx512_bf16", "amx_bf16", "bf16")}
# Instruction sets that engines can be limited to, with the environment in which they keep to them:
# this project, PyTorch's and OpenVINO's oneDNN, PyTorch's own kernels, MKL.
ISA_LIMITS = {
    "avx512": {"W2L_MAX_ISA": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"},
    "avx2": {"W2L_MAX_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
             "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "sse4": {"W2L_MAX_ISA": "sse4", "ONEDNN_MAX_CPU_ISA": "SSE41",
             "ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
}
# Flags worth writing down: what kernels are chosen by.
_TELLING = re.compile(r"^(avx|amx|fma|f16c|sse4|vnni|asimd|sve|sme|bf16|i8mm|fphp)")


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def cpu_flags(cpuinfo):
    match = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return match.group(1).split() if match else []


def precisions(flags, isa=None):
    """What a CPU with these flags computes natively: fp32 always, bf16 where it has it."""
    left = {flag for flag in flags if not isa or isa == "avx512" and not flag.startswith("amx")}
    return ["fp32"] + [name for name, any_of in _NATIVE.items() if left.intersection(any_of)]


def cpu_name(cpuinfo):
    """The model's name, with family and model number where the name says little ("AMD EPYC")."""
    def field(name):
        match = re.search(rf"^{name}\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
        return match.group(1).strip() if match else ""
    name = field("model name") or field("Hardware") or platform.machine()
    if field("cpu family") and not any(character.isdigit() for character in name):
        name += f" (family {field('cpu family')} model {field('model')})"
    return name


def file_name(*words):
    """What a result is about as a file's name, without words that are None."""
    text = " ".join(str(word) for word in words if word is not None)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def facts():
    cpuinfo = _read("/proc/cpuinfo")
    flags = cpu_flags(cpuinfo)
    memory = re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo"))
    return {
        "cpu": cpu_name(cpuinfo),
        "cores": os.cpu_count(),
        "flags": [flag for flag in flags if _TELLING.match(flag)],
        "virtual": "hypervisor" in flags,
        "memory_gib": round(int(memory.group(1)) / 2 ** 20, 1) if memory else None,
        "kernel": platform.release(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    }


def choose_cores(count, siblings):
    """`count` of the CPUs, one of each core while there are cores; siblings: CPU -> its core."""
    seen, first, rest = set(), [], []
    for cpu, core in sorted(siblings.items()):
        (rest if core in seen else first).append(cpu)
        seen.add(core)
    return (first + rest)[:count]


def pin(count):
    """Binds this process and its children to `count` CPUs, which are returned."""
    siblings = {}
    for cpu in os.sched_getaffinity(0):
        path = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        siblings[cpu] = _read(path).strip() or str(cpu)
    cores = choose_cores(count, siblings)
    os.sched_setaffinity(0, cores)
    return cores


def busy_seconds(cores, stat=None):
    """CPU time that `cores` have spent on anything, what the hypervisor took included."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for line in (_read("/proc/stat") if stat is None else stat).splitlines():
        name, *values = line.split()
        if name[3:].isdigit() and name.startswith("cpu") and int(name[3:]) in cores:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, values[:8])
            total += user + nice + system + irq + softirq + steal
    return total / ticks


def versions(env_versions=None):
    """Of what decides speed outside of this project."""
    result = {"python": platform.python_version()}
    for library in glob.glob("/usr/lib/*/libgstreamer-1.0.so.0.*"):
        match = re.search(r"\.so\.0\.(\d\d)(\d\d)\.(\d+)$", library)
        if match:
            result["gstreamer"] = f"1.{int(match.group(1))}.{int(match.group(2))}"
    result.update(env_versions or {})
    return result
