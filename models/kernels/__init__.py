"""Kernels in C, compiled where they run: training and free runs, many times as fast as tensor operations.

`losses` and `free_runs` say for which networks there is one and call it; `building` makes them, of the files
of their names. Where there is no compiler, or another device, all goes on by tensor operations.
"""
