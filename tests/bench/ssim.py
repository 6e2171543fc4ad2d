"""Structural similarity of the brightness of two videos: ssim.py A B [FRAMES] prints the mean.

Wang et al. 2004: Gaussian windows of 11 pixels, sigma 1.5. Run with the peers' Python.
"""

import sys

import cv2
import numpy as np


def brightness(path):
    video = cv2.VideoCapture(path)
    while True:
        more, frame = video.read()
        if not more:
            return
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32)


def ssim(a, b):
    def mean(picture):
        return cv2.GaussianBlur(picture, (11, 11), 1.5)
    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = mean(a * a) - mean_a ** 2, mean(b * b) - mean_b ** 2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * mean_a * mean_b + c1) * (2 * covariance + c2)
                         / ((mean_a ** 2 + mean_b ** 2 + c1) * (variance_a + variance_b + c2))))


if __name__ == "__main__":
    frames = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    values = [ssim(a, b) for a, b, _ in zip(brightness(sys.argv[1]), brightness(sys.argv[2]),
                                            range(frames))]
    print(f"{np.mean(values):.5f}")
