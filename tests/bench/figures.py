"""What the whole program's runs come to: medians, what its parts cost, ratios, tables. Pure;
test_program.py is the specification.

A scenario is named "KIND, PRESET" (a run of a program) or by one word (a part alone). KIND ends
with " 1080p" where the clip was scaled to that.
"""

import statistics

from tables import table

LAPS = 6
START, START_OF_PARTS = "start, veryfast", "start of parts"
HD = " 1080p"
APP_KINDS = ("box", "detection", "fp32", "fewer threads", "more threads", "still", "six laps",
             "no cache", "six laps no cache")
# Crops come again, so that the network does less than when it is measured alone.
KINDS_WITHOUT_PARTS = ("still", "six laps")
# Six laps, and the one that they are compared with.
LAP_PAIRS = (("six laps no cache, veryfast", "no cache, veryfast"),
             ("six laps, veryfast", "box, veryfast"))


def split(name):
    """"box 1080p, medium" -> ("box", " 1080p", "medium"); "decode" -> ("decode", "", "")."""
    kind, _, preset = name.partition(", ")
    return (kind[:-len(HD)], HD, preset) if kind.endswith(HD) else (kind, "", preset)


def steady_mib(memory, start):
    """The median memory in the second half of a run that began working at `start`."""
    if not memory:
        return None
    half = (start + memory[-1][0]) / 2
    return statistics.median(mib for when, mib in memory if when >= half)


def lap_mib(memory, start, laps=LAPS):
    """The median memory of each lap; all take the same time, from `start` to the last sample."""
    length = (memory[-1][0] - start) / laps if memory else 0
    result = []
    for lap in range(laps):
        mine = [mib for when, mib in memory
                if start + lap * length <= when <= start + (lap + 1) * length]
        result.append(round(statistics.median(mine), 1) if mine else None)
    return result


def summary(runs, cores):
    """Medians of one scenario's runs; the stages are those of the run in the middle."""
    middle = sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]

    def median(key):
        return statistics.median(run[key] for run in runs)
    result = {"frames": middle["frames"], "seconds": round(median("seconds"), 3),
              "fps": round(middle["frames"] / median("seconds"), 2),
              "core_seconds": round(median("cpu_seconds"), 3),
              "cores_busy": round(statistics.median(run["cpu_seconds"] / run["seconds"] / cores
                                                    for run in runs), 3),
              "peak_mib": round(median("peak_mib")),
              "spread": round((max(run["seconds"] for run in runs)
                               - min(run["seconds"] for run in runs)) / median("seconds"), 3),
              "other_share": round(median("other_share"), 3), "runs": len(runs)}
    if "bytes" in middle:
        result["bytes"] = middle["bytes"]
    if "opening" in middle:
        result["opening_seconds"] = round(median("opening"), 3)
        if middle.get("memory"):
            begin = middle["start"] + middle["opening"]
            result["steady_mib"] = round(steady_mib(middle["memory"], begin))
            result["lap_mib"] = lap_mib(middle["memory"], begin)
    if "json" in middle:
        result["stages"] = middle["json"]["stages"]
        if "thread_seconds" in middle["json"]:
            result["thread_seconds"] = middle["json"]["thread_seconds"]
    return result


# Parts ----------------------------------------------------------------------------------------

def _core_ms(scenarios, name):
    """Core time of a frame in a run of gst-launch, its start left out; None where none ran."""
    if name not in scenarios or START_OF_PARTS not in scenarios:
        return None
    row, start = scenarios[name], scenarios[START_OF_PARTS]
    return 1000 * (row["core_seconds"] - start["core_seconds"]) / row["frames"]


def parts(result, name):
    """Core ms a frame of what the app does in scenario `name`, each measured alone; None where one
    of them is not known. Encoding is what decoding and encoding takes more than decoding."""
    kind, size, preset = split(name)
    scenarios = result["scenarios"]
    precision = "fp32" if kind == "fp32" else "auto"
    decode = _core_ms(scenarios, "decode" + size)
    floor = _core_ms(scenarios, f"floor{size}, {preset}")
    found = {"decode": decode, "encode": None if None in (floor, decode) else floor - decode,
             "sound": _core_ms(scenarios, "sound"),
             "network": result["network_core_ms"].get(precision)}
    if kind == "detection":
        detect = _core_ms(scenarios, "detect" + size)
        found["detect"] = None if None in (detect, decode) else detect - decode
    if None in found.values():
        return None
    return {part: round(ms, 3) for part, ms in found.items()}


def _compare_to_parts(result, name, cores):
    """The main phase is what a run takes more than one that ends after a few frames: no loading."""
    row, start = result["scenarios"][name], result["scenarios"].get(START)
    if start:
        frames = row["frames"] - start["frames"]
        seconds = row["seconds"] - start["seconds"]
        core_seconds = row["core_seconds"] - start["core_seconds"]
        row["main"] = {"fps": round(frames / seconds, 2),
                       "core_ms": round(1000 * core_seconds / frames, 3),
                       "cores_busy": round(core_seconds / seconds / cores, 3)}
    alone = parts(result, name) if split(name)[0] not in KINDS_WITHOUT_PARTS else None
    if alone:
        total = sum(alone.values())
        row["parts_core_ms"] = alone
        row["core_seconds_to_parts"] = round(1000 * row["core_seconds"] / row["frames"] / total, 3)
        if start:
            row["main"]["core_seconds_to_parts"] = round(row["main"]["core_ms"] / total, 3)


def _compare_laps(six, one, start):
    six["seconds_to_one_lap"] = round(six["seconds"] / one["seconds"], 2)
    six["seconds_to_one_lap_after_opening"] = round(
        (six["seconds"] - six["opening_seconds"]) / (one["seconds"] - one["opening_seconds"]), 2)
    if start:
        six["seconds_to_one_lap_after_start"] = round(
            (six["seconds"] - start["seconds"]) / (one["seconds"] - start["seconds"]), 2)
    six["memory_to_one_lap"] = round(six["peak_mib"] / one["peak_mib"], 2)
    laps = six.get("lap_mib")
    if laps and laps[1] and laps[-1]:  # in the first the queues fill
        six["last_lap_mib_to_second"] = round(laps[-1] / laps[1], 3)


def compare(result, cores):
    """How far each run of the app is from its parts alone and from the naive baseline."""
    scenarios = result["scenarios"]
    for name, row in scenarios.items():
        kind, size, preset = split(name)
        if kind not in APP_KINDS:
            continue
        _compare_to_parts(result, name, cores)
        for key, same in (("to_naive", preset), ("to_naive_medium", "medium")):
            naive = scenarios.get(f"naive baseline, {same}")
            if naive and not size and not kind.startswith("six laps"):
                row[key] = round(row["fps"] / naive["fps"], 2)
    for six, one in LAP_PAIRS:
        if six in scenarios and one in scenarios:
            _compare_laps(scenarios[six], scenarios[one], scenarios.get(START))


# Tables ---------------------------------------------------------------------------------------

def percent(share):
    return None if share is None else f"{100 * share:.0f} %"


def runs_table(scenarios):
    rows = []
    for name, row in scenarios.items():
        main = row.get("main", {})
        rows.append([name, row["frames"], row["seconds"], row["fps"], main.get("fps"),
                     row.get("to_naive"), row.get("to_naive_medium"), row["core_seconds"],
                     percent(main.get("cores_busy", row["cores_busy"])), row["peak_mib"],
                     row.get("steady_mib"), row["bytes"] / 1e6 if "bytes" in row else None,
                     percent(row["spread"])])
    return table(["run", "frames", "seconds", "fps", "main fps", "to naive", "naive medium",
                  "core s", "busy", "peak MiB", "steady", "MB", "spread"], rows)


def parts_table(scenarios):
    columns = ("decode", "detect", "network", "encode", "sound")
    rows = [[name, *(row["parts_core_ms"].get(part) for part in columns),
             sum(row["parts_core_ms"].values()), row["main"]["core_ms"],
             row["main"]["core_seconds_to_parts"], row["core_seconds_to_parts"]]
            for name, row in scenarios.items() if "parts_core_ms" in row and "main" in row]
    return table(["core ms a frame", *columns, "sum", "program", "ratio", "with start"], rows)


def stages_table(scenarios):
    """Wall time by the elements' stats, which other threads' work on the same cores is part of."""
    rows = []
    for name, row in scenarios.items():
        infer = row.get("stages", {}).get("w2linfer")
        if not infer or not infer["patched"]:
            continue
        face = row["stages"].get("w2lfacecache", {})
        repeated = infer.get("repeated-crops", 0) / infer["patched"]
        rows.append([name, infer["mean-batch"], percent(min(1.0, repeated)),
                     face.get("mean-detection-ms") or None,
                     infer["crop-ms-total"] / infer["patched"],
                     infer["network-ms-total"] / infer["patched"], infer["network-ms-p50"],
                     infer["wait-ms-p50"], infer["wait-ms-p95"]])
    return table(["stats, ms", "batch", "repeated", "detection", "crop/frame", "network/frame",
                  "network/batch p50", "wait/batch p50", "p95"], rows)


def ranges_table(timeline):
    rows = [[name, stage["count"], stage["ms"], stage["on_cpu_ms"], stage["waiting_ms"]]
            for name, stage in timeline["ranges"].items()]
    rows += [[f"{work}: between ranges", None, ms, None, ms]
             for work, ms in timeline["between"].items()]
    return table(["NVTX, ms a frame", "count", "inside", "on a CPU", "waiting"], rows)


def laps_line(scenarios, name):
    """name: of six laps; None where they were not measured."""
    six = scenarios.get(name, {})
    if "seconds_to_one_lap" not in six:
        return None
    text = (f"{name}: {six['seconds_to_one_lap']} times as long as one "
            f"({six.get('seconds_to_one_lap_after_start')} without the start), "
            f"{six['memory_to_one_lap']} times the memory")
    if "last_lap_mib_to_second" in six:
        text += (f"; the last lap {six['last_lap_mib_to_second']} times that of the second "
                 f"({six['lap_mib'][-1]} MiB)")
    return text
