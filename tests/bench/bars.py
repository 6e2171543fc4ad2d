"""What a run of run-packed has to reach, and whether it did. Pure; test_bars.py is the
specification.

A result is the JSON of run-packed. A part of it that could not be measured says why in "error".
"""

import collections

from tables import table

PASSED, MISSED, UNMEASURED, MEASURED = "passed", "missed", "unmeasured", "measured"
AT_LEAST, AT_MOST = ">=", "<="

# part: where it comes from; value(part) -> number or None; gpu: unmeasured without one.
Bar = collections.namedtuple("Bar", "name part value sign limit gpu note")

LARGEST = "128"
HALF = ("fp16", "bf16")


def _cases(exact, device, precision, key):
    return [case[key] for name, case in exact.items()
            if name.endswith(f", {device}, {precision}") and key in case]


def worst(device, precision, key):
    def value(exact):
        found = _cases(exact, device, precision, key)
        return (min if key == "psnr" else max)(found) if found else None
    return value


def failure(exact, device, precision):
    """What kept one of these from being computed."""
    return next((case["error"] for name, case in exact.items()
                 if name.endswith(f", {device}, {precision}") and "error" in case), None)


def _best_precision(network):
    ratios = {precision: network.get("ratios", {}).get(precision, {}).get(LARGEST)
              for precision in HALF}
    ratios = {precision: ratio for precision, ratio in ratios.items() if ratio}
    return max(ratios, key=ratios.get) if ratios else None


def _stage(network):
    precision = _best_precision(network)
    return network["ratios"][precision][LARGEST] if precision else None


def _stage_note(network):
    ratios = {precision: by_batch.get(LARGEST) for precision, by_batch
              in network.get("ratios", {}).items()}
    return ", ".join(f"{precision} {ratio}" for precision, ratio in ratios.items() if ratio)


def _latency(network):
    found = [row["median_ms"] for name, row in network.get("latency", {}).items()
             if name.startswith("cuda") and name.split()[1] in HALF]
    return min(found, default=None)


def _latency_note(network):
    return ", ".join(f"{name.split()[1]} {row['median_ms']:.2f} (p95 {row['p95_ms']:.2f})"
                     for name, row in network.get("latency", {}).items()
                     if name.startswith("cuda"))


def _program_note(program):
    return (f"without loading {program['main_ratio']}; floor {program['floor_seconds']} s, network "
            f"{program['network_seconds']} s, program {program['seconds']} s")


def _streams_note(streams):
    return f"decoding alone: {streams['decoding_streams']} in time"


def _nothing(part):
    return ""


def _key(name):
    return lambda part: part.get(name)


BARS = (
    Bar("network stage, times PyTorch's, batch 128", "network", _stage, AT_LEAST, 5.0, True,
        _stage_note),
    Bar("the same, stretch", "network", _stage, AT_LEAST, 8.0, True, _nothing),
    Bar("fp32: error of a value", "exactness", worst("cuda", "fp32", "implied_error"), AT_MOST, 1e-4,
        True, _nothing),
    Bar("fp32: levels of a byte", "exactness", worst("cuda", "fp32", "most_different"), AT_MOST, 1,
        True, _nothing),
    Bar("fp16: PSNR, dB", "exactness", worst("cuda", "fp16", "psnr"), AT_LEAST, 50.0, True,
        _nothing),
    Bar("bf16: PSNR, dB", "exactness", worst("cuda", "bf16", "psnr"), AT_LEAST, 50.0, True,
        _nothing),
    Bar("batch 1, ms", "network", _latency, AT_MOST, 1.5, True, _latency_note),
    Bar("whole program, time to max(floor, network)", "program", _key("ratio"), AT_MOST, 1.1, True,
        _program_note),
    Bar("GPU idle", "profile", _key("without_kernels"), AT_MOST, 0.03, True,
        lambda profile: f"copies not counted as idle: {profile['idle']}"),
    Bar("kernels other than convolutions", "profile", _key("other_kernels"), AT_MOST, 0.10, True,
        _nothing),
    Bar("live streams, 360p at 25 fps", "streams", _key("streams"), None, None, True, _streams_note),
    Bar("CPU, fp32: error of a value", "exactness", worst("cpu", "fp32", "implied_error"), AT_MOST,
        1e-4, False, _nothing),
    Bar("CPU, bf16: PSNR, dB", "exactness", worst("cpu", "bf16", "psnr"), AT_LEAST, 50.0, False,
        _nothing),
)


def verdict(value, sign, limit):
    if sign is None:
        return MEASURED
    return PASSED if (value >= limit if sign == AT_LEAST else value <= limit) else MISSED


def _reason(bar, part, no_gpu):
    if bar.gpu and no_gpu:
        return no_gpu
    if part is None:
        return "not asked for"
    if bar.part == "exactness":
        device = "cuda" if bar.gpu else "cpu"
        words = bar.name.split(":")[0].split()
        return failure(part, device, words[-1]) or "not available here"
    return part.get("error") or "; ".join(part.get("failed", {}).values()) or "no figures"


def judge(result):
    """A row for each bar."""
    no_gpu = result.get("no_gpu")
    rows = []
    for bar in BARS:
        part = result.get(bar.part)
        value = bar.value(part) if part and not (bar.gpu and no_gpu) else None
        row = {"bar": bar.name, "limit": f"{bar.sign} {bar.limit:g}" if bar.sign else None}
        if value is None:
            row.update(value=None, verdict=UNMEASURED, note=_reason(bar, part, no_gpu))
        else:
            row.update(value=value, verdict=verdict(value, bar.sign, bar.limit), note=bar.note(part))
        rows.append(row)
    return rows


def bars_table(rows):
    """Notes are of any length, and stand behind the columns."""
    lines = table(["bar", "measured", "limit", ""],
                  [[row["bar"], f"{row['value']:.3g}" if row["value"] is not None else None,
                    row["limit"], row["verdict"]] for row in rows]).splitlines()
    notes = ["", "", *(row["note"] for row in rows)]
    return "\n".join(f"{line}  {note}".rstrip() for line, note in zip(lines, notes))
