"""How far pictures are from the values that they should be. Pure; test_bars.py is the
specification."""

import rounds


def implied_error(answers, values):
    """The least error that explains the bytes. Engines give bytes, truncated from 255 times a value
    in 0..1; so a byte says in which range its value was, and how far that is from the right one."""
    worst = 0.0
    for byte, value in zip(answers, values):
        scaled = value * 255
        if scaled < byte:
            worst = max(worst, byte - scaled)
        elif scaled >= byte + 1:
            worst = max(worst, scaled - byte - 1)
    return worst / 255


def truncated(values):
    return bytes(min(255, int(value * 255)) for value in values)


def compare(answers, values):
    """answers: bytes; values: floats in 0..1, as many."""
    if len(answers) != len(values):
        return {"error": f"{len(answers)} values where {len(values)} are expected"}
    expected = truncated(values)
    return {"implied_error": implied_error(answers, values),
            "most_different": rounds.most_different(answers, expected),
            "psnr": round(min(99.0, rounds.psnr(answers, expected)), 2)}
