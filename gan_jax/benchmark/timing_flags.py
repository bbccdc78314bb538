"""How often and for how long to measure: flags that the benchmark's commands share."""

from absl import flags

REPEATS = flags.DEFINE_integer("repeats", 5, "Rounds; each measures everything once.", 1)
SECONDS = flags.DEFINE_float("seconds", 1.0, "About how long a block of steps takes.", 0.0)
