"""What NVTX ranges and the threads' core time say about one run. Pure; test_timeline.py is the
specification. Times are seconds of the monotonic clock unless a name says otherwise."""

import collections

# A scope that a thread was in, and for how long of it the thread was on a CPU.
Range = collections.namedtuple("Range", "thread thread_name start end on_cpu name")
# One thread: ranges as (start ms, end ms, name), load as (start ms, end ms, share of a core).
Lane = collections.namedtuple("Lane", "label ranges load")

# Threads carry the name of the pad that pushes, or of the thread that started them.
_WORK = (("qtdemux", "decode"), ("multiqueue", "decode"), ("decoded:", "find face"),
         ("faces:", "frames to w2linfer"), ("infer:", "w2linfer"),
         ("gst-lipsync", "network"), ("answers:", "w2lpatch"), ("pictures:", "encode"),
         ("encoded:", "mux"), ("mux:", "mux"), ("queue", "sound"))
_LEAST_SHARE = 0.01  # of the time, for a thread to have a lane


def parse_ranges(text):
    """The lines that tests/tools/nvtx_injection.cpp writes."""
    ranges = []
    for line in text.splitlines():
        thread, thread_name, start, end, on_cpu, name = line.split("\t")
        ranges.append(Range(int(thread), thread_name, int(start) / 1e9, int(end) / 1e9,
                            int(on_cpu) / 1e9, name))
    return ranges


def work_of(thread_name):
    for prefix, work in _WORK:
        if thread_name.startswith(prefix):
            return work
    return "other"


def stage_times(ranges, frames):
    """By range: how often, and ms a frame inside of it, on a CPU, and waiting for whatever."""
    result = {}
    for name in dict.fromkeys(each.name for each in ranges):
        mine = [each for each in ranges if each.name == name]
        inside = sum(each.end - each.start for each in mine)
        on_cpu = sum(each.on_cpu for each in mine)
        result[name] = {"count": len(mine), "ms": round(1000 * inside / frames, 3),
                        "on_cpu_ms": round(1000 * on_cpu / frames, 3),
                        "waiting_ms": round(1000 * max(0.0, inside - on_cpu) / frames, 3)}
    return result


def waits_between(ranges, frames):
    """By thread: ms a frame between its ranges, from the first of them to the last."""
    result = {}
    for thread in dict.fromkeys(each.thread for each in ranges):
        mine = sorted((each for each in ranges if each.thread == thread),
                      key=lambda each: each.start)
        gaps, reached = 0.0, mine[0].end
        for each in mine[1:]:
            gaps += max(0.0, each.start - reached)
            reached = max(reached, each.end)
        work = work_of(mine[0].thread_name)
        result[work] = round(result.get(work, 0.0) + 1000 * gaps / frames, 3)
    return result


def loads(samples):
    """Thread -> (its name, [(start, end, share of a core)]), of processes.thread_times' samples."""
    result = {}
    for (start, before), (end, after) in zip(samples, samples[1:]):
        for thread, (name, seconds) in after.items():
            if thread in before:
                share = min(1.0, (seconds - before[thread][1]) / (end - start))
                result.setdefault(thread, (name, []))[1].append((start, end, share))
    return result


def busy_cores(samples):
    """[(start, end, cores)] of all threads together."""
    result = []
    for (start, before), (end, after) in zip(samples, samples[1:]):
        used = sum(seconds - before[thread][1] for thread, (_, seconds) in after.items()
                   if thread in before)
        result.append((start, end, used / (end - start)))
    return result


def steady_excerpt(ranges, length):
    """(start, end) of `length` seconds in the middle of the time in which frames leave."""
    pushes = [each for each in ranges if each.name == "w2lpatch: blend"] or ranges
    first, last = pushes[0].start, pushes[-1].end
    length = min(length, last - first)
    start = (first + last - length) / 2
    return start, start + length


def _clip(items, start, end):
    """Those of (start, end, ...) that lie in the excerpt, in ms from its start, cut to it."""
    def ms(when):
        return round(1000 * (min(max(when, start), end) - start), 3)
    return [(ms(first), ms(last), *rest) for first, last, *rest in items
            if last > start and first < end]


def lanes(ranges, samples, start, end):
    """A lane for every thread that did something, in the order that frames take."""
    names = {each.thread: each.thread_name for each in ranges}
    load = loads(samples)
    names.update({thread: name for thread, (name, _) in load.items()})
    order = [work for _, work in _WORK] + ["other"]
    result = []
    for thread in sorted(names, key=lambda thread: (order.index(work_of(names[thread])), thread)):
        scopes = _clip([(each.start, each.end, each.name) for each in ranges
                        if each.thread == thread], start, end)
        shares = _clip(load.get(thread, ("", []))[1], start, end)
        used = sum((last - first) * share for first, last, share in shares) / 1000
        if scopes or used > _LEAST_SHARE * (end - start):
            result.append(Lane(f"{work_of(names[thread])} ({names[thread]})", scopes, shares))
    return result


def excerpt(ranges, samples, length=1.5):
    """What plot_timeline draws."""
    start, end = steady_excerpt(ranges, length)
    return {"ms": round(1000 * (end - start), 3), "lanes": lanes(ranges, samples, start, end),
            "busy": _clip(busy_cores(samples), start, end)}
