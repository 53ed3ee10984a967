"""What can be said of a series before anything is trained on it: estimators, one per file.

Nothing here decides what a network is trained on or how it is scored.
"""
