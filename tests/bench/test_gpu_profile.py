"""How a GPU's profile is read; `python3 -m unittest test_gpu_profile`. Stdlib only."""

import contextlib
import os
import sqlite3
import tempfile
import unittest

import gpu_profile
from gpu_profile import Activity


def kernel(start, end, name="convolve"):
    return Activity("kernel", start, end, name)


class Reading(unittest.TestCase):
    def test_lines(self):
        self.assertEqual(gpu_profile.parse_lines("kernel\t5\t9\tconvolve\ncopy\t1\t2\tmemcpy\n"),
                         [kernel(5, 9), Activity("copy", 1, 2, "memcpy")])

    def test_a_database_of_nsys(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.sqlite")
            with contextlib.closing(sqlite3.connect(path)) as file:
                file.executescript("""
                    CREATE TABLE StringIds (id INTEGER, value TEXT);
                    INSERT INTO StringIds VALUES (7, 'convolve');
                    CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, shortName);
                    INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (5, 9, 7);
                    CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start, end, bytes);
                    INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (1, 2, 100);""")
            self.assertEqual(gpu_profile.read_nsys(path),
                             [kernel(5, 9), Activity("copy", 1, 2, "memcpy")])


class Times(unittest.TestCase):
    def test_what_runs_at_once_counts_once(self):
        self.assertEqual(gpu_profile.covered([kernel(0, 10), kernel(5, 8), kernel(9, 12),
                                              kernel(20, 21)]), 13)
        self.assertEqual(gpu_profile.covered([]), 0)

    def test_steady_leaves_out_loading_and_both_ends(self):
        second = 10 ** 9
        inside, start, end = gpu_profile.steady(
            [kernel(0, second), kernel(9 * second - 5, 9 * second + 5), kernel(0, 10 * second)], 10,
            0.1)
        self.assertEqual((start, end), (second, 9 * second))
        self.assertEqual(inside, [kernel(9 * second - 5, 9 * second),
                                  kernel(second, 9 * second)])

    def test_shares(self):
        found = gpu_profile.shares([kernel(0, 60), kernel(60, 80, "write_faces"),
                                    Activity("copy", 75, 90, "memcpy")], 0, 100)
        self.assertEqual((found["idle"], found["without_kernels"], found["other_kernels"]),
                         (0.1, 0.2, 0.25))
        self.assertEqual(found["kernels"], {"convolve": 0.75, "write_faces": 0.25})

    def test_nothing_recorded(self):
        self.assertIsNone(gpu_profile.shares(*gpu_profile.steady([], 2)))


if __name__ == "__main__":
    unittest.main()
