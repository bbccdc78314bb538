"""Metrics of samples: one a file, ordinary functions of features or images."""
