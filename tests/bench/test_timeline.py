"""What the stage timeline promises; `python3 -m unittest test_timeline`. Stdlib only."""

import unittest
from xml.etree import ElementTree

import plot_timeline
import timeline


def line(thread, thread_name, start, end, on_cpu, name):
    return "\t".join(map(str, (thread, thread_name, start, end, on_cpu, name)))


_RANGES = timeline.parse_ranges("\n".join([
    line(7, "infer:src", 10 ** 9, 1002 * 10 ** 6, 10 ** 6, "w2linfer: crop"),
    line(9, "gst-lipsync-1.0", 1002 * 10 ** 6, 1042 * 10 ** 6, 30 * 10 ** 6, "engine: decoder"),
    line(7, "infer:src", 1050 * 10 ** 6, 1054 * 10 ** 6, 10 ** 6, "w2linfer: crop"),
    line(8, "answers:src", 1050 * 10 ** 6, 1051 * 10 ** 6, 10 ** 6, "w2lpatch: blend"),
    line(8, "answers:src", 1060 * 10 ** 6, 1062 * 10 ** 6, 10 ** 6, "w2lpatch: blend")]))
# Thread 9 with ranges, 5 without, and 4, which does nothing.
_SAMPLES = [(1.0, {9: ("gst-lipsync-1.0", 5.0), 5: ("qtdemux0:sink", 1.0), 4: ("gmain", 0.0)}),
            (1.02, {9: ("gst-lipsync-1.0", 5.01), 5: ("qtdemux0:sink", 1.02), 4: ("gmain", 0.0)}),
            (1.06, {9: ("gst-lipsync-1.0", 5.03), 5: ("qtdemux0:sink", 1.03), 4: ("gmain", 0.0),
                    3: ("new", 0.5)})]


class Timeline(unittest.TestCase):
    def test_parses_what_the_injection_library_writes(self):
        self.assertEqual(_RANGES[0], (7, "infer:src", 1.0, 1.002, 0.001, "w2linfer: crop"))
        self.assertEqual(timeline.parse_ranges(""), [])

    def test_stage_times_tell_work_from_waiting(self):
        self.assertEqual(timeline.stage_times(_RANGES, 2), {
            "w2linfer: crop": {"count": 2, "ms": 3.0, "on_cpu_ms": 1.0, "waiting_ms": 2.0},
            "engine: decoder": {"count": 1, "ms": 20.0, "on_cpu_ms": 15.0, "waiting_ms": 5.0},
            "w2lpatch: blend": {"count": 2, "ms": 1.5, "on_cpu_ms": 1.0, "waiting_ms": 0.5}})

    def test_waits_between_the_ranges_of_a_thread(self):
        self.assertEqual(timeline.waits_between(_RANGES, 2),
                         {"w2linfer": 24.0, "network": 0.0, "w2lpatch": 4.5})

    def test_nested_ranges_leave_no_wait_between(self):
        nested = timeline.parse_ranges("\n".join([line(1, "infer:src", 20, 30, 1, "inner"),
                                                  line(1, "infer:src", 10, 90, 1, "outer"),
                                                  line(1, "infer:src", 90, 95, 1, "next")]))
        self.assertEqual(timeline.waits_between(nested, 1), {"w2linfer": 0.0})

    def test_loads_are_shares_of_a_core(self):
        loads = timeline.loads(_SAMPLES)
        self.assertEqual(sorted(loads), [4, 5, 9])
        name, shares = loads[5]
        self.assertEqual((name, [round(share, 6) for _, _, share in shares]),
                         ("qtdemux0:sink", [1.0, 0.25]))
        self.assertEqual([round(cores, 6) for _, _, cores in timeline.busy_cores(_SAMPLES)],
                         [1.5, 0.75])

    def test_the_excerpt_lies_in_the_middle_of_the_frames_that_leave(self):
        start, end = timeline.steady_excerpt(_RANGES, 0.004)
        self.assertEqual((round(start, 6), round(end, 6)), (1.054, 1.058))
        start, end = timeline.steady_excerpt(_RANGES, 9.0)
        self.assertEqual((round(start, 6), round(end, 6)), (1.05, 1.062))

    def test_lanes_follow_the_frames_and_idle_threads_have_none(self):
        lanes = timeline.lanes(_RANGES, _SAMPLES, 1.001, 1.06)
        self.assertEqual([lane.label for lane in lanes],
                         ["decode (qtdemux0:sink)", "w2linfer (infer:src)",
                          "network (gst-lipsync-1.0)", "w2lpatch (answers:src)"])
        self.assertEqual(lanes[1].ranges, [(0.0, 1.0, "w2linfer: crop"),
                                           (49.0, 53.0, "w2linfer: crop")])
        self.assertEqual([(start, end) for start, end, _ in lanes[0].load], [(0.0, 19.0),
                                                                              (19.0, 59.0)])


class TimelinePlot(unittest.TestCase):
    def setUp(self):
        excerpt = {"ms": 60.0, "lanes": timeline.lanes(_RANGES, _SAMPLES, 1.0, 1.06),
                   "busy": [(0.0, 60.0, 1.0)]}
        self.svg = ElementTree.fromstring(
            plot_timeline.stage_timeline(excerpt, "A & B <1>", 2))

    def elements(self, tag):
        return [element for element in self.svg if element.tag.endswith("}" + tag)]

    def test_every_range_is_a_block_of_its_stage_colour_with_its_time(self):
        blocks = [block for block in self.elements("rect") if len(block)]
        self.assertEqual([block[0].text for block in blocks],
                         ["w2linfer: crop: 2.00 ms", "w2linfer: crop: 4.00 ms",
                          "engine: decoder: 40.00 ms", "w2lpatch: blend: 1.00 ms"])
        self.assertEqual([block.get("fill") for block in blocks],
                         [plot_timeline.COLOURS[block[0].text.rsplit(":", 1)[0]]
                          for block in blocks])

    def test_blocks_lie_on_the_axis_in_ms(self):
        blocks = [block for block in self.elements("rect") if len(block)]
        scale = (1380 - 250) / 60
        self.assertEqual(blocks[2].get("x"), f"{250 + 2 * scale:.1f}")
        self.assertEqual(blocks[2].get("width"), f"{40 * scale:.1f}")

    def test_says_what_is_what(self):
        texts = [text.text for text in self.elements("text")]
        for text in ("A & B <1>", "all threads, of 2 cores", "ms", "60", "decoder",
                     "engine: decoder", "decode (qtdemux0:sink)"):
            self.assertIn(text, texts)


if __name__ == "__main__":
    unittest.main()
