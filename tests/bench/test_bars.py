"""How run-packed judges what it measured; `python3 -m unittest test_bars`. Stdlib only."""

import unittest

import bars
import exactness
import packed_program
import stage


def measured():
    """A run in which every bar but one is reached."""
    return {
        "no_gpu": None,
        "network": {"ratios": {"fp32": {"128": 2.0}, "bf16": {"128": 6.5}, "fp16": {"128": 6.0}},
                    "latency": {"cuda fp32": {"median_ms": 2.0, "p95_ms": 2.1},
                                "cuda fp16": {"median_ms": 1.2, "p95_ms": 1.4}}},
        "exactness": {"formula, cuda, fp32": {"implied_error": 1e-5, "most_different": 1,
                                              "psnr": 70.0},
                      "demo, cuda, fp32": {"implied_error": 2e-5, "most_different": 0, "psnr": 99.0},
                      "formula, cuda, fp16": {"implied_error": 1e-3, "most_different": 1,
                                              "psnr": 60.0},
                      "demo, cuda, fp16": {"implied_error": 1e-3, "most_different": 1, "psnr": 55.0},
                      "formula, cuda, bf16": {"error": "out of order"},
                      "formula, cpu, fp32": {"implied_error": 0.0, "most_different": 0,
                                             "psnr": 99.0}},
        "program": {"ratio": 1.05, "main_ratio": 1.01, "floor_seconds": 9, "network_seconds": 1,
                    "seconds": 9.5},
        "profile": {"idle": 0.01, "without_kernels": 0.02, "other_kernels": 0.05},
        "streams": {"streams": 96, "decoding_streams": 120}}


def row(result, name):
    return next(row for row in bars.judge(result) if row["bar"].startswith(name))


class Bars(unittest.TestCase):
    def test_the_better_of_the_half_precisions_counts_for_speed(self):
        found = row(measured(), "network stage")
        self.assertEqual((found["value"], found["verdict"]), (6.5, bars.PASSED))
        self.assertIn("fp32 2.0", found["note"])

    def test_a_bar_that_is_not_reached(self):
        self.assertEqual(row(measured(), "the same, stretch")["verdict"], bars.MISSED)

    def test_the_worst_of_the_weights_counts_for_exactness(self):
        self.assertEqual(row(measured(), "fp32: error")["value"], 2e-5)
        self.assertEqual(row(measured(), "fp16: PSNR")["value"], 55.0)

    def test_latency_is_that_of_a_half_precision(self):
        self.assertEqual(row(measured(), "batch 1")["value"], 1.2)

    def test_copies_do_not_keep_a_gpu_from_being_idle(self):
        self.assertEqual(row(measured(), "GPU idle")["value"], 0.02)

    def test_streams_have_no_limit(self):
        found = row(measured(), "live streams")
        self.assertEqual((found["value"], found["limit"], found["verdict"]),
                         (96, None, bars.MEASURED))

    def test_what_failed_says_why(self):
        found = row(measured(), "bf16")
        self.assertEqual((found["value"], found["verdict"], found["note"]),
                         (None, bars.UNMEASURED, "out of order"))

    def test_a_part_that_failed_or_was_not_asked_for(self):
        result = {**measured(), "program": {"error": "no clip"}}
        result["network"] = {"failed": {"PyTorch default": "PyTorch: no driver"}}
        del result["profile"]
        self.assertEqual(row(result, "network stage")["note"], "PyTorch: no driver")
        self.assertEqual(row(result, "whole program")["note"], "no clip")
        self.assertEqual(row(result, "GPU idle")["note"], "not asked for")

    def test_without_a_gpu_its_rows_say_so_and_the_cpu_is_judged(self):
        result = {"no_gpu": "no NVIDIA GPU", "exactness": measured()["exactness"]}
        rows = bars.judge(result)
        gpu = [row for row, bar in zip(rows, bars.BARS) if bar.gpu]
        self.assertEqual({(row["verdict"], row["note"]) for row in gpu},
                         {(bars.UNMEASURED, "no NVIDIA GPU")})
        self.assertEqual(row(result, "CPU, fp32")["verdict"], bars.PASSED)
        self.assertEqual(row(result, "CPU, bf16")["note"], "not available here")

    def test_every_row_is_in_the_table(self):
        text = bars.bars_table(bars.judge(measured()))
        self.assertEqual(len(text.splitlines()), len(bars.BARS) + 2)
        self.assertIn("unmeasured", text)


class Exactness(unittest.TestCase):
    def test_a_byte_is_explained_by_all_values_that_are_truncated_to_it(self):
        self.assertEqual(exactness.implied_error(bytes([10, 10, 255]),
                                                 [10.0 / 255, 10.99 / 255, 1.0]), 0)

    def test_the_error_is_the_way_to_the_nearest_such_value(self):
        self.assertAlmostEqual(exactness.implied_error(bytes([10]), [9.75 / 255]), 0.25 / 255)
        self.assertAlmostEqual(exactness.implied_error(bytes([10]), [11.5 / 255]), 0.5 / 255)

    def test_levels_and_psnr_are_of_truncated_values(self):
        found = exactness.compare(bytes([9, 20]), [10.5 / 255, 20.9 / 255])
        self.assertEqual(found["most_different"], 1)
        self.assertAlmostEqual(found["psnr"], 51.14)

    def test_too_few_answers(self):
        self.assertIn("error", exactness.compare(bytes(2), [0.0]))


class Ratios(unittest.TestCase):
    SPEED = {"cuda fp16": {"1": {"fps": 50}, "128": {"fps": 1000}},
             "cuda fp16, lower": {"128": {"fps": 1500}},
             "PyTorch, from floats": {"128": {"fps": 200}},
             "PyTorch, from bytes": {"128": {"fps": 100}}}

    def test_whole_pictures_to_the_faster_form_of_pytorchs_loop(self):
        self.assertEqual(stage.ratios(self.SPEED, 128), {"fp16": {"1": 0.25, "128": 5.0}})

    def test_without_pytorch(self):
        self.assertEqual(stage.ratios({"cuda fp16": {"1": {"fps": 50}}}, 128), {})

    def test_the_program_is_compared_with_the_slower_of_what_it_waits_for(self):
        seconds = {"app": 11.0, "app start": 1.0, "floor": 8.0, "floor start": 0.5}
        found = packed_program.whole_program(seconds, 100, 10.0)
        self.assertEqual((found["ratio"], found["main_ratio"]), (1.1, 1.0))
        found = packed_program.whole_program(seconds, 100, 1000.0)
        self.assertEqual((found["ratio"], found["main_ratio"]), (1.375, 1.333))


if __name__ == "__main__":
    unittest.main()
