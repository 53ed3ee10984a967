"""What is known of a series before training, in words: facts, verdict and warnings for terminal and page."""
