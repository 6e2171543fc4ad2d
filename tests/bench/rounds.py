"""Order and arithmetic of interleaved measurements. Pure; test_bench.py is the specification."""

import statistics


def round_robin(engines, rounds):
    """For each round the order of the engines: everybody once, everybody first in turn.

    Machines drift (heat, other guests): engines that are to be compared must run side by side, and
    none always after the same other one.
    """
    engines = list(engines)
    return [engines[turn % len(engines):] + engines[:turn % len(engines)]
            for turn in range(rounds)] if engines else []


def summary(runs):
    """Runs of one case, each with frames, seconds and cpu_seconds -> medians and the spread."""
    rates = [run["frames"] / run["seconds"] for run in runs]
    costs = [1000 * run["cpu_seconds"] / run["frames"] for run in runs]
    others = [run["other_share"] for run in runs if run.get("other_share") is not None]
    middle = statistics.median(rates)
    result = {"fps": round(middle, 2), "cpu_ms_per_frame": round(statistics.median(costs), 2),
              "spread": round((max(rates) - min(rates)) / middle, 3), "runs": len(rates)}
    if others:
        result["other_share"] = round(statistics.median(others), 3)
    return result


def best(results, names, case):
    """The highest fps among the engines `names` in a case, None where none ran it."""
    rates = [results[name][case]["fps"] for name in names if case in results.get(name, {})]
    return max(rates, default=None)


def psnr(a, b):
    """Of two bytes objects in dB; infinite when they are equal."""
    import math
    error = sum((x - y) ** 2 for x, y in zip(a, b))
    return math.inf if error == 0 else 10 * math.log10(255 ** 2 * len(a) / error)


def most_different(a, b):
    return max((abs(x - y) for x, y in zip(a, b)), default=0)
