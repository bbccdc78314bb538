"""How good a generator is: one metric a file, functions of features, of logits or of images."""
