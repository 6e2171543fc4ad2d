"""What the benchmark's own arithmetic promises: python3 -m unittest test_bench. Stdlib only."""

import math
import os
import tempfile
import unittest
from xml.etree import ElementTree

import machine
import network
import plot
import rounds
from tables import table

_ZEN4 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
flags\t\t: fpu sse4_2 avx2 avx512f avx512_bf16 avx512_vnni fma
"""
_STAT = """cpu  900 0 0 0 0 0 0 0 0 0
cpu0 100 20 30 5000 70 1 2 7 0 0
cpu1 200 0 40 5000 70 0 0 0 0 0
cpu2 999 0 0 0 0 0 0 0 0 0
intr 1 2 3
"""


def run(frames, seconds, cpu_seconds=1.0, **more):
    return {"frames": frames, "seconds": seconds, "cpu_seconds": cpu_seconds, **more}


class Rounds(unittest.TestCase):
    def test_every_round_has_every_engine_once(self):
        for order in rounds.round_robin("abc", 5):
            self.assertEqual(sorted(order), ["a", "b", "c"])

    def test_every_engine_comes_first_in_turn(self):
        firsts = [order[0] for order in rounds.round_robin("abc", 6)]
        self.assertEqual(firsts, ["a", "b", "c", "a", "b", "c"])

    def test_takes_what_can_be_walked_through_once(self):
        self.assertEqual(rounds.round_robin({"a": 1, "b": 2}.keys(), 2), [["a", "b"], ["b", "a"]])

    def test_no_engines_no_rounds(self):
        self.assertEqual(rounds.round_robin([], 3), [])

    def test_summary_is_the_median_and_an_outlier_only_widens_the_spread(self):
        result = rounds.summary([run(10, 1.0), run(20, 1.0), run(11, 1.0)])
        self.assertEqual((result["fps"], result["spread"], result["runs"]), (11, 0.909, 3))

    def test_summary_counts_core_time_by_frame(self):
        self.assertEqual(rounds.summary([run(50, 1.0, 2.0)])["cpu_ms_per_frame"], 40)

    def test_summary_knows_how_busy_others_were(self):
        runs = [run(1, 1.0, other_share=share) for share in (0.0, 0.5, 0.1)]
        self.assertEqual(rounds.summary(runs)["other_share"], 0.1)
        self.assertNotIn("other_share", rounds.summary([run(1, 1.0)]))

    def test_best_of_those_that_ran(self):
        results = {"a": {"8": {"fps": 20.0}}, "b": {"8": {"fps": 30.0}}}
        self.assertEqual(rounds.best(results, ["a", "b", "absent"], "8"), 30)
        self.assertIsNone(rounds.best(results, ["a", "b"], "16"))

    def test_psnr(self):
        self.assertEqual(rounds.psnr(b"\1\2", b"\1\2"), math.inf)
        self.assertAlmostEqual(rounds.psnr(bytes(100), b"\1" * 100), 20 * math.log10(255))

    def test_most_different(self):
        self.assertEqual(rounds.most_different(b"\0\5\377", b"\0\7\376"), 2)


class Machine(unittest.TestCase):
    def test_a_name_without_a_number_gets_family_and_model(self):
        self.assertEqual(machine.cpu_name(_ZEN4), "AMD EPYC (family 25 model 17)")
        self.assertEqual(machine.cpu_name("model name\t: AMD EPYC 9654\ncpu family\t: 25\n"),
                         "AMD EPYC 9654")

    def test_precisions_come_from_flags(self):
        self.assertEqual(machine.precisions(machine.cpu_flags(_ZEN4)), ["fp32", "bf16"])
        self.assertEqual(machine.precisions(["avx2"]), ["fp32"])
        self.assertEqual(machine.precisions(machine.cpu_flags(_ZEN4), "avx2"), ["fp32"])
        self.assertEqual(machine.precisions(["avx512_bf16", "amx_bf16"], "avx512"),
                         ["fp32", "bf16"])
        self.assertEqual(machine.precisions(["avx512f", "amx_bf16"], "avx512"), ["fp32"])
        self.assertEqual(machine.precisions(machine.cpu_flags("Features\t: asimd bf16")),
                         ["fp32", "bf16"])

    def test_file_names_are_plain(self):
        self.assertEqual(machine.file_name("AMD EPYC (family 25)", "2030-01-02"),
                         "amd-epyc-family-25-2030-01-02")
        self.assertEqual(machine.file_name("A", None, "1cores", "avx2"), "a-1cores-avx2")

    def test_one_cpu_of_each_core_first(self):
        siblings = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}
        self.assertEqual(machine.choose_cores(2, siblings), [0, 2])
        self.assertEqual(machine.choose_cores(3, siblings), [0, 2, 1])
        self.assertEqual(machine.choose_cores(9, siblings), [0, 2, 1, 3])

    def test_busy_time_is_all_but_idle_and_waiting(self):
        ticks = os.sysconf("SC_CLK_TCK")
        self.assertEqual(machine.busy_seconds([0, 1], _STAT), (160 + 240) / ticks)


class Tables(unittest.TestCase):
    def test_first_column_left_others_right(self):
        self.assertEqual(table(["name", "n"], [["a", 1], ["longer", 23]]).splitlines(),
                         ["name     n", "------  --", "a        1", "longer  23"])

    def test_numbers_are_short_and_none_is_empty(self):
        self.assertEqual(table(["x", "y", "z"], [[1.2345, 12.345, None]]).splitlines()[-1],
                         "1.23  12.3")


class Network(unittest.TestCase):
    def test_engines_that_know_no_limit_are_left_out_under_one(self):
        self.assertIn("onnxruntime", network.peers("fp32", None))
        self.assertNotIn("onnxruntime", network.peers("fp32", "avx2"))
        self.assertIn("openvino", network.peers("fp32", "avx2"))

    def test_inputs_are_the_same_every_time(self):
        with tempfile.TemporaryDirectory() as folder:
            contents = []
            for _ in range(2):
                path = os.path.join(folder, "inputs")
                network.write_inputs(path, count=2)
                with open(path, "rb") as file:
                    contents.append(file.read())
        self.assertEqual(contents[0], contents[1])
        self.assertEqual(len(contents[0]), 2 * (96 * 96 * 3 + 4 * 80 * 16))

    def test_pictures_are_compared_from_the_row_on_that_counts(self):
        expected = bytes(2 * 96 * 96 * 3)
        upper_differs = bytearray(expected)
        upper_differs[47 * 96 * 3] = 200
        self.assertEqual(network.compare(bytes(upper_differs), expected, 48)["most_different"], 0)
        self.assertEqual(network.compare(bytes(upper_differs), expected, 0)["most_different"], 200)

    def test_answers_of_another_size_differ_entirely(self):
        self.assertEqual(network.compare(b"", bytes(96 * 96 * 3), 0),
                         {"most_different": 255, "psnr": 0.0})

    def test_ratios_are_to_the_faster_openvino_of_the_same_precision(self):
        speed = {"gst-wav2lip fp32": {"8": {"fps": 40.0}},
                 "gst-wav2lip bf16, lower": {"8": {"fps": 90.0}},
                 "openvino fp32": {"8": {"fps": 20.0}}, "openvino-streams fp32": {"8": {"fps": 25.0}},
                 "openvino bf16": {"8": {"fps": 45.0}}}
        self.assertEqual(network.ratios(speed, [8]), {"gst-wav2lip fp32": {"8": 1.6},
                                                      "gst-wav2lip bf16, lower": {"8": 2.0}})

    def test_no_ratios_without_peers(self):
        self.assertEqual(network.ratios({"gst-wav2lip fp32": {"8": {"fps": 40.0}}}, [8]), {})


class Plot(unittest.TestCase):
    RESULT = {"machine": {"cpu": "A & B <1>", "threads": 2, "date": "2030-01-02"},
              "network": {"speed": {
                  "gst-wav2lip fp32": {"1": {"fps": 20.0}, "8": {"fps": 40.0}},
                  "openvino fp32": {"1": {"fps": 10.0}, "8": {"fps": 39.9}}}}}

    def test_is_well_formed_and_draws_every_engine(self):
        svg = ElementTree.fromstring(plot.speed_by_batch(self.RESULT))
        lines = [element for element in svg if element.tag.endswith("polyline")]
        self.assertEqual(len(lines), 2)

    def test_labels_of_equal_speeds_do_not_lie_on_each_other(self):
        self.assertEqual(plot._spread_out([10, 11, 50], 16), [10, 26, 50])

    def test_grid_lines_are_round_and_few(self):
        self.assertEqual([plot._step(highest) for highest in (7, 40, 105)], [1, 5, 20])


if __name__ == "__main__":
    unittest.main()
