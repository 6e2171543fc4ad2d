"""What a GPU did in a profile: how much of the time it was idle, and which kernels took how much.
Profiles are those of Nsight Systems (SQLite) or of tests/tools/cupti_injection.cpp. test_gpu_profile
is the specification."""

import collections
import contextlib
import re

# start and end in ns; kind: kernel or copy.
Activity = collections.namedtuple("Activity", "kind start end name")

_CONVOLUTION = re.compile(r"conv", re.IGNORECASE)


def parse_lines(text):
    """The lines that the injection library writes: kind, start, end, name, divided by tabs."""
    activities = []
    for line in text.splitlines():
        kind, start, end, name = line.split("\t")
        activities.append(Activity(kind, int(start), int(end), name))
    return activities


def read_nsys(path):
    """Of `nsys export --type sqlite`."""
    import sqlite3  # not every Python has it
    with contextlib.closing(sqlite3.connect(path)) as file:
        tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master")}
        result = []
        if "CUPTI_ACTIVITY_KIND_KERNEL" in tables:
            result += [Activity("kernel", *row) for row in file.execute(
                "SELECT start, end, value FROM CUPTI_ACTIVITY_KIND_KERNEL "
                "JOIN StringIds ON StringIds.id = shortName")]
        for kind in ("MEMCPY", "MEMSET"):
            if f"CUPTI_ACTIVITY_KIND_{kind}" in tables:
                result += [Activity("copy", *row, kind.lower()) for row in file.execute(
                    f"SELECT start, end FROM CUPTI_ACTIVITY_KIND_{kind}")]
    return result


def steady(activities, seconds, margin=0.1):
    """Those of the last `seconds` of the profile without a margin at both ends: (them, start, end)
    with what reaches over the edges cut off. Before lies loading."""
    if not activities:
        return [], 0, 0
    last = max(each.end for each in activities)
    length = seconds * 1e9
    start, end = int(last - length * (1 - margin)), int(last - length * margin)
    inside = [each._replace(start=max(each.start, start), end=min(each.end, end))
              for each in activities if each.end > start and each.start < end]
    return inside, start, end


def covered(activities):
    """Time in which at least one of them is running."""
    total, reached = 0, None
    for each in sorted(activities, key=lambda each: each.start):
        begin = each.start if reached is None else max(each.start, reached)
        total += max(0, each.end - begin)
        reached = each.end if reached is None else max(reached, each.end)
    return total


def shares(activities, start, end):
    """idle: neither kernel nor copy; without_kernels: no kernel; other_kernels: time in kernels that
    are no convolutions to time in all; kernels: share of time by name, most first."""
    kernels = [each for each in activities if each.kind == "kernel"]
    if not kernels or end <= start:
        return None
    by_name = collections.Counter()
    for each in kernels:
        by_name[each.name] += each.end - each.start
    total = sum(by_name.values())
    other = sum(time for name, time in by_name.items() if not _CONVOLUTION.search(name))
    return {"idle": round(1 - covered(activities) / (end - start), 4),
            "without_kernels": round(1 - covered(kernels) / (end - start), 4),
            "other_kernels": round(other / total, 4),
            "kernels": {name: round(time / total, 4) for name, time in by_name.most_common(20)},
            "launches": len(kernels), "ms": round((end - start) / 1e6, 1)}
