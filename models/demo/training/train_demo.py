"""Makes the demo network from nothing: speech, drawings, hearing, drawing, both together.

    python train_demo.py --out DIR [--seed 1]

Takes about two and a half hours on two cores; trainings end by the clock, so that the same seed
gives the same data and the same start, and faster cores give more steps. Each step writes into a
folder or file of its own under DIR and is skipped once it is complete; the trainings go on where a
cut left them. The result is DIR/demo/demo.pth; evaluate.py measures it.
"""

import argparse
import os
import subprocess
import sys

_CLIPS, _SCENES = 12000, 14000
_AUDIO_MINUTES, _DRAWING_MINUTES, _DEMO_MINUTES = 40.0, 35.0, 46.0
_DEMO_RATE = 1.2e-3


def steps(out, seed, processes, scale=1.0):
    """(what is complete once it is there, the command that makes it), in order."""
    def part(whole):
        return str(type(whole)(whole * scale))

    def under(*names):
        return os.path.join(out, *names)

    parallel = ["--processes", str(processes)]
    seeded = ["--seed", str(seed)]
    return [
        (under("speech"), ["speech_bank.py", "--out", under("speech"), "--clips", part(_CLIPS)]
         + seeded + parallel),
        (under("scenes"), ["scenes.py", "--speech", under("speech"), "--out", under("scenes"),
                           "--scenes", part(_SCENES)] + seeded + parallel),
        (under("audio.pt"), ["train_audio.py", "--speech", under("speech"), "--out",
                             under("audio.pt"), "--minutes", part(_AUDIO_MINUTES),
                             "--threads", str(processes)] + seeded),
        (under("drawing"), ["train_pictures.py", "--scenes", under("scenes"), "--out",
                            under("drawing"), "--minutes", part(_DRAWING_MINUTES)]
         + seeded + parallel),
        (under("demo"), ["train_pictures.py", "--scenes", under("scenes"), "--out", under("demo"),
                         "--minutes", part(_DEMO_MINUTES), "--rate", str(_DEMO_RATE), "--drawing",
                         under("drawing", "demo.pth"), "--audio", under("audio.pt"), "--speech",
                         under("speech")] + seeded + parallel),
    ]


def _keep_seed(out, seed):
    """Refuses a folder that another seed's run began."""
    path = os.path.join(out, "seed")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf8") as file:
            file.write(str(seed))
    with open(path, encoding="utf8") as file:
        if file.read() != str(seed):
            raise SystemExit(f"{out} was begun with another seed: give another --out")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder; needs 3 GB")
    parser.add_argument("--seed", type=int, default=1, choices=range(1, 10))
    parser.add_argument("--processes", type=int, default=2, help="1, 2, 4, 8, 16 or 32")
    parser.add_argument("--scale", type=float, default=1.0,
                        help="of data and time; 0.01 tries everything out in a few minutes")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    _keep_seed(options.out, options.seed)
    here = os.path.dirname(os.path.abspath(__file__))
    # Threads that wait without spinning leave the cores to those that work.
    environment = dict(os.environ, OMP_WAIT_POLICY="passive")
    for result, command in steps(options.out, options.seed, options.processes, options.scale):
        done = result.rstrip("/") + ".done"
        if os.path.exists(done):
            continue
        print(" ".join(command), flush=True)
        subprocess.run([sys.executable, os.path.join(here, command[0])] + command[1:],
                       check=True, env=environment)
        with open(done, "w", encoding="utf8"):
            pass
    print(f"Now: python evaluate.py --checkpoint {options.out}/demo/demo.pth "
          f"--speech {options.out}/speech")


if __name__ == "__main__":
    main()
