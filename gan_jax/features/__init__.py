"""Features of images that metrics compare."""
