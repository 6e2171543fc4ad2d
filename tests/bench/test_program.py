"""What the whole program's runs and figures promise; `python3 -m unittest test_program`. Stdlib
only."""

import argparse
import os
import sys
import tempfile
import unittest
import wave

import figures
import processes
import program
import workers


def row(frames, seconds, core_seconds, **more):
    return {"frames": frames, "seconds": seconds, "fps": frames / seconds,
            "core_seconds": core_seconds, "peak_mib": 500, "cores_busy": 0.5, "spread": 0.0, **more}


def finished(seconds, **more):
    """A run as processes.measure() describes it."""
    return {"start": 100.0, "frames": 10, "seconds": seconds, "cpu_seconds": 2.0,
            "peak_mib": 100.0, "other_share": 0.0, **more}


def example():
    """A hundred frames: decoding takes 2 ms of each, encoding 8, sound 1, detection 4."""
    return {"network_core_ms": {"auto": 10.0, "fp32": 30.0}, "scenarios": {
        "start of parts": row(1, 0.1, 0.1),
        "start, veryfast": row(2, 1.0, 1.0, opening_seconds=0.9),
        "sound": row(100, 0.2, 0.2),
        "decode": row(100, 0.2, 0.3),
        "detect": row(100, 0.6, 0.7),
        "floor, veryfast": row(100, 0.8, 1.1),
        "box, veryfast": row(100, 3.0, 3.156, opening_seconds=1.0),
        "detection, veryfast": row(100, 3.0, 3.5),
        "fp32, veryfast": row(100, 4.0, 5.1),
        "still, veryfast": row(100, 2.0, 2.0)}}


class Names(unittest.TestCase):
    def test_kind_size_and_preset(self):
        self.assertEqual(figures.split("box 1080p, medium"), ("box", " 1080p", "medium"))
        self.assertEqual(figures.split("six laps, veryfast"), ("six laps", "", "veryfast"))
        self.assertEqual(figures.split("decode 1080p"), ("decode", " 1080p", ""))
        self.assertEqual(figures.split("decode"), ("decode", "", ""))


class Parts(unittest.TestCase):
    def test_each_part_is_what_its_run_takes_more_than_the_one_before_it(self):
        self.assertEqual(figures.parts(example(), "box, veryfast"),
                         {"decode": 2.0, "encode": 8.0, "sound": 1.0, "network": 10.0})
        self.assertEqual(figures.parts(example(), "detection, veryfast"),
                         {"decode": 2.0, "encode": 8.0, "sound": 1.0, "network": 10.0,
                          "detect": 4.0})

    def test_the_network_is_that_of_the_precision(self):
        self.assertEqual(figures.parts(example(), "fp32, veryfast")["network"], 30.0)

    def test_nothing_is_guessed_where_a_part_was_not_measured(self):
        self.assertIsNone(figures.parts(example(), "box, medium"))
        self.assertIsNone(figures.parts(example(), "box 1080p, veryfast"))
        self.assertIsNone(figures.parts({**example(), "network_core_ms": {}}, "box, veryfast"))


class Compare(unittest.TestCase):
    def test_the_main_phase_leaves_the_start_out(self):
        result = example()
        figures.compare(result, 2)
        main = result["scenarios"]["box, veryfast"]["main"]
        self.assertEqual(main, {"fps": 49.0, "core_ms": 22.0, "cores_busy": 0.539,
                                "core_seconds_to_parts": 1.048})

    def test_the_whole_core_time_to_that_of_the_parts(self):
        result = example()
        figures.compare(result, 2)
        rows = result["scenarios"]
        self.assertEqual(rows["box, veryfast"]["core_seconds_to_parts"], 1.503)
        self.assertEqual(rows["detection, veryfast"]["core_seconds_to_parts"], 1.4)
        self.assertEqual(rows["fp32, veryfast"]["core_seconds_to_parts"], 1.244)
        self.assertNotIn("core_seconds_to_parts", rows["still, veryfast"])
        self.assertNotIn("main", rows["floor, veryfast"])

    def test_to_the_naive_baseline_at_the_same_preset(self):
        result = example()
        result["scenarios"].update({
            "naive baseline, veryfast": row(100, 30.0, 50.0), "box, medium": row(100, 4.0, 6.0),
            "six laps, veryfast": row(600, 12.0, 20.0, opening_seconds=1.0),
            "box 1080p, veryfast": row(100, 6.0, 9.0)})
        figures.compare(result, 2)
        rows = result["scenarios"]
        self.assertEqual(rows["box, veryfast"]["to_naive"], 10)
        self.assertNotIn("to_naive_medium", rows["box, veryfast"])
        for name in ("box, medium", "box 1080p, veryfast", "six laps, veryfast"):
            self.assertNotIn("to_naive", rows[name])

    def test_to_the_naive_baseline_with_its_own_preset(self):
        result = example()
        result["scenarios"]["naive baseline, medium"] = row(100, 36.0, 60.0)
        figures.compare(result, 2)
        rows = result["scenarios"]
        self.assertEqual(rows["box, veryfast"]["to_naive_medium"], 12)
        self.assertEqual(rows["still, veryfast"]["to_naive_medium"], 18)
        self.assertNotIn("to_naive", rows["box, veryfast"])

    def test_six_laps_against_one(self):
        result = example()
        result["scenarios"]["six laps, veryfast"] = row(
            600, 13.0, 20.0, opening_seconds=1.0, peak_mib=550,
            lap_mib=[400.0, 505.0, 505.0, 505.0, 505.0, 510.0])
        figures.compare(result, 2)
        six = result["scenarios"]["six laps, veryfast"]
        self.assertEqual(six["seconds_to_one_lap"], 4.33)
        self.assertEqual(six["seconds_to_one_lap_after_opening"], 6)
        self.assertEqual(six["seconds_to_one_lap_after_start"], 6)
        self.assertEqual(six["memory_to_one_lap"], 1.1)
        self.assertEqual(six["last_lap_mib_to_second"], 1.01)
        self.assertNotIn("core_seconds_to_parts", six)  # repeated crops
        self.assertEqual(figures.laps_line(result["scenarios"], "six laps, veryfast"),
                         "six laps, veryfast: 4.33 times as long as one (6.0 without the start), "
                         "1.1 times the memory; the last lap 1.01 times that of the second "
                         "(510.0 MiB)")

    def test_six_laps_without_the_cache_against_one_without(self):
        result = example()
        result["scenarios"].update({
            "no cache, veryfast": row(100, 3.5, 4.0, opening_seconds=1.0),
            "six laps no cache, veryfast": row(600, 16.0, 20.0, opening_seconds=1.0)})
        figures.compare(result, 2)
        six = result["scenarios"]["six laps no cache, veryfast"]
        self.assertEqual(six["seconds_to_one_lap_after_start"], 6)
        self.assertEqual(six["parts_core_ms"]["network"], 10.0)

    def test_without_six_laps_nothing_is_said_about_them(self):
        result = example()
        figures.compare(result, 2)
        self.assertIsNone(figures.laps_line(result["scenarios"], "six laps, veryfast"))


class Summary(unittest.TestCase):
    def test_takes_the_stages_of_the_middle_run(self):
        runs = [finished(seconds, bytes=7, json={"stages": {"n": seconds}})
                for seconds in (3.0, 1.0, 2.0)]
        result = figures.summary(runs, 2)
        self.assertEqual((result["seconds"], result["fps"], result["stages"]),
                         (2.0, 5.0, {"n": 2.0}))
        self.assertEqual((result["cores_busy"], result["spread"]), (0.5, 1.0))

    def test_parts_write_no_file_and_open_nothing(self):
        result = figures.summary([finished(1.0)], 2)
        self.assertNotIn("bytes", result)
        self.assertNotIn("opening_seconds", result)

    def test_memory_counts_from_the_opening_on(self):
        memory = [(100.0 + i, 50.0 if i < 4 else 10.0 * i) for i in range(17)]
        result = figures.summary([finished(16.0, opening=4.0, memory=memory)], 2)
        self.assertEqual(result["steady_mib"], 130)
        self.assertEqual(result["lap_mib"], [50.0, 70.0, 90.0, 110.0, 130.0, 150.0])

    def test_no_memory_samples_no_memory(self):
        self.assertIsNone(figures.steady_mib([], 0.0))
        self.assertEqual(figures.lap_mib([], 0.0, laps=2), [None, None])


class Tables(unittest.TestCase):
    def test_parts_add_up(self):
        result = example()
        figures.compare(result, 2)
        lines = figures.parts_table(result["scenarios"]).splitlines()
        self.assertEqual(lines[0].split(), ["core", "ms", "a", "frame", "decode", "detect",
                                            "network", "encode", "sound", "sum", "program", "ratio",
                                            "with", "start"])
        self.assertEqual(lines[2].split(), ["box,", "veryfast", "2.00", "10.0", "8.00", "1.00",
                                            "21.0", "22.0", "1.05", "1.50"])

    def test_a_run_shows_how_busy_the_cores_are_in_its_main_phase(self):
        result = example()
        figures.compare(result, 2)
        by_name = {line[:19].strip(): line.split()
                   for line in figures.runs_table(result["scenarios"]).splitlines()}
        self.assertEqual(by_name["box, veryfast"][2:],
                         ["100", "3.00", "33.3", "49.0", "3.16", "54", "%", "500", "0", "%"])
        self.assertIn("50", by_name["floor, veryfast"])

    def test_stage_times_of_the_stats_are_for_a_frame(self):
        infer = {"patched": 100, "repeated-crops": 25, "mean-batch": 8.0, "crop-ms-total": 50.0,
                 "network-ms-total": 1500.0, "network-ms-p50": 120.0, "wait-ms-p50": 200.0,
                 "wait-ms-p95": 250.0}
        lines = figures.stages_table({"box, veryfast": {"stages": {"w2linfer": infer}},
                                      "decode": {}}).splitlines()
        self.assertEqual([line.split() for line in lines[2:]],
                         [["box,", "veryfast", "8.00", "25", "%", "0.50", "15.0", "120.0",
                           "200.0", "250.0"]])

    def test_ranges_and_what_is_between_them(self):
        lines = figures.ranges_table({
            "ranges": {"a: b": {"count": 3, "ms": 2.0, "on_cpu_ms": 1.5, "waiting_ms": 0.5}},
            "between": {"network": 4.0}}).splitlines()
        self.assertEqual(lines[2].split(), ["a:", "b", "3", "2.00", "1.50", "0.50"])
        self.assertEqual(lines[3].split(), ["network:", "between", "ranges", "4.00", "4.00"])


class Choice(unittest.TestCase):
    SCENARIOS = {"start": program.Scenario(None, None), "decode": program.Scenario(None, None),
                 "floor": program.Scenario("presets", None),
                 "box": program.Scenario("presets", None, ("floor", "start")),
                 "six": program.Scenario("laps", None, ("box", "absent"))}

    def test_a_group_brings_what_it_is_compared_with(self):
        self.assertEqual(program.choose(self.SCENARIOS, ["laps"]), ["start", "floor", "box", "six"])
        self.assertEqual(program.choose(self.SCENARIOS, ["presets"]), ["start", "floor", "box"])

    def test_the_timeline_alone_runs_no_scenario(self):
        self.assertEqual(program.choose(self.SCENARIOS, ["timeline"]), [])

    def test_every_scenario_can_be_chosen_and_needs_nothing_unknown(self):
        benchmark = object.__new__(program.ProgramBenchmark)
        benchmark.folder, benchmark.python, benchmark.groups = "/f", "python", program.GROUPS
        benchmark.box = benchmark.hd_box = (1, 2, 3, 4)
        scenarios = benchmark._scenarios(10)
        self.assertEqual(set(program.choose(scenarios, program.GROUPS)), set(scenarios))
        for scenario in scenarios.values():
            self.assertLessEqual(set(scenario.needs), set(scenarios))

    def test_with_everything_every_run_of_the_app_has_its_parts(self):
        benchmark = object.__new__(program.ProgramBenchmark)
        benchmark.folder, benchmark.python, benchmark.groups = "/f", "python", program.GROUPS
        benchmark.box = benchmark.hd_box = (1, 2, 3, 4)
        scenarios = benchmark._scenarios(10)
        for group in program.GROUPS:
            names = program.choose(scenarios, [group])
            result = {"network_core_ms": {"auto": 1.0, "fp32": 1.0},
                      "scenarios": {name: row(10, 1.0, 1.0) for name in names}}
            for name in names:
                if figures.split(name)[0] in ("box", "detection", "fp32", "fewer threads", "no cache"):
                    self.assertIsNotNone(figures.parts(result, name), f"{name} in {group}")

    def test_the_app_runs_on_the_cpu_where_there_is_a_gpu_too(self):
        with tempfile.TemporaryDirectory() as folder:
            app = os.path.join(folder, "app")
            with open(app, "w") as file:
                file.write(f"#!{sys.executable}\nimport json, sys\nopen(sys.argv[8], 'w').close()\n"
                           "print(json.dumps({'frames': 1, 'open_seconds': 0, 'argv': sys.argv}))")
            os.chmod(app, 0o700)
            benchmark = object.__new__(program.ProgramBenchmark)
            benchmark.app, benchmark.model, benchmark.env = app, "m.pth", os.environ
            benchmark.folder, benchmark.options = folder, argparse.Namespace(threads=2)
            line = benchmark._app("f.mp4", "a.wav", "medium")["json"]["argv"]
        self.assertEqual(line[line.index("--device") + 1], "cpu")

    def test_clip_speech_and_box_belong_together(self):
        options = argparse.Namespace(face="f.mp4", audio="a.wav", box=[1, 2, 3, 4])
        self.assertEqual(program.choose_inputs(options), ("f.mp4", "a.wav", (1, 2, 3, 4)))
        options.box = None
        with self.assertRaises(workers.BenchError):
            program.choose_inputs(options)


class Inputs(unittest.TestCase):
    def test_the_box_is_scaled_with_the_clip(self):
        self.assertEqual(program.scale(720, (160, 620, 450, 791)), (1.5, (240, 930, 675, 1186)))

    def test_speech_is_repeated_or_cut(self):
        with tempfile.TemporaryDirectory() as folder:
            source, out = os.path.join(folder, "source.wav"), os.path.join(folder, "out.wav")
            with wave.open(source, "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                file.writeframes(b"\1\2" * 16000)
            for arguments, frames in (({"laps": 3}, 48000), ({"seconds": 0.25}, 4000)):
                program.write_speech(source, out, **arguments)
                with wave.open(out) as file:
                    self.assertEqual((file.getnframes(), file.getframerate()), (frames, 16000))


class Processes(unittest.TestCase):
    def test_output_and_size_of_what_was_written(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            script = f"import sys; open({out!r}, 'w').write('12345'); print('said')"
            run = processes.measure([sys.executable, "-c", script], os.environ, out)
        self.assertEqual((run["out"], run["bytes"]), ("said\n", 5))
        self.assertGreater(run["peak_mib"], 1)

    def test_a_failure_names_the_command(self):
        with self.assertRaisesRegex(workers.BenchError, "ended with status 3: .*Exit"):
            processes.measure([sys.executable, "-c", "raise SystemExit(3)"], os.environ)

    def test_memory_and_threads_of_a_living_process(self):
        self.assertGreater(processes.resident_mib(os.getpid()), 1)
        self.assertEqual(processes.resident_mib(0), 0)
        self.assertEqual(processes.thread_times(0), {})


if __name__ == "__main__":
    unittest.main()
