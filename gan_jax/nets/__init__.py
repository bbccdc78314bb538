"""Networks: one architecture a file; resolution, channels and classes are arguments."""
