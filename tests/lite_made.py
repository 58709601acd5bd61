"""Tiny ``.tflite`` networks for tests, made by TensorFlow in a process of its own."""

import subprocess
import sys

CODE = """
import sys
import numpy as np
import tensorflow as tf
where, height, width, channels = sys.argv[1], *map(int, sys.argv[2:])
# A person is where the red channel is: sigmoid(20 red - 10), and nothing else counts.
kernel = np.zeros((1, 1, 3, channels), np.float32)
kernel[0, 0, 0] = 20
look = tf.function(
    lambda picture: tf.sigmoid(tf.nn.conv2d(picture, tf.constant(kernel), 1, "SAME") - 10.0),
    input_signature=[tf.TensorSpec((1, height, width, 3), tf.float32)],
)
concrete = look.get_concrete_function()
open(where, "wb").write(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
"""


def make(path, height, width, channels=1):
    """Write a network that sees ``height × width`` pixels and finds red."""
    words = [sys.executable, "-c", CODE, str(path), str(height), str(width), str(channels)]
    subprocess.run(words, check=True, capture_output=True)
    return path
