"""Flags of the benchmark's commands: number and duration of measurements."""

from absl import flags

REPEATS = flags.DEFINE_integer("repeats", 5, "Rounds; each measures everything once.", 1)
SECONDS = flags.DEFINE_float("seconds", 1.0, "Approximate duration of a block of steps.", 0.0)
