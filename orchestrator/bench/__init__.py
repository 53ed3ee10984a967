"""How fast training is on this machine: beside the usual loop, and beside what the processor could do.

`plain_loop` is that loop, `side_by_side` times both in turn, `ceiling` measures the processor, `studies` says
how long the shipped studies would take here.
"""
