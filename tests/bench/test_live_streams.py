"""What the search for the most live streams promises: python3 -m unittest test_live_streams."""

import argparse
import unittest

import live_streams


class Search(unittest.TestCase):
    def test_the_most_that_work(self):
        for count in (0, 1, 2, 7, 16, 100):
            self.assertEqual(live_streams.most(lambda n: n <= count, precision=0), count)
            self.assertEqual(live_streams.most(lambda n: n <= count, 8, precision=0), count)

    def test_to_within_a_share(self):
        tried = []
        found = live_streams.most(lambda n: tried.append(n) or n <= 100, 8)
        self.assertTrue(93 <= found <= 100)
        self.assertLess(len(tried), 10)

    def test_no_more_than_the_limit(self):
        self.assertEqual(live_streams.most(lambda n: True, limit=24), 24)

    def test_a_number_that_fails_is_asked_again(self):
        answers = [False, True, True, False, False]
        works = live_streams.asked_again(lambda number: answers.pop(0), 2)
        self.assertEqual([works(number) for number in range(3)], [True, True, False])
        self.assertEqual(answers, [])

    def test_a_late_frame_in_a_thousand_is_in_time(self):
        def counts(shown, dropped, **more):
            return {"shown": shown, "dropped": dropped, **more}
        self.assertTrue(live_streams.in_time(counts(999, 1)))
        self.assertFalse(live_streams.in_time(counts(998, 2)))
        self.assertFalse(live_streams.in_time(counts(1000, 0, passed=2, late=0)))
        self.assertFalse(live_streams.in_time(counts(0, 0)))


class Report(unittest.TestCase):
    def test_says_both_numbers_and_those_of_the_rounds(self):
        result = {"clip": "a.mp4", "size": (640, 360), "found": [40, 38, 41],
                  "decoding_found": [42, 31, 40]}
        text = live_streams.report(result, argparse.Namespace(program_rounds=3))
        self.assertIn("a.mp4 at 640x360", text)
        self.assertIn("3 rounds): 40 (40, 38, 41); only decoded: 40 (42, 31, 40)", text)


if __name__ == "__main__":
    unittest.main()
