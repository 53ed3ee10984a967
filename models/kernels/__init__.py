"""Kernels in C, compiled where they run: training, free runs and tangent vectors along them.

`losses`, `free_runs` and `tangents` call those of their names, where there is one for such networks
(`building`). Where there is no compiler, or another device, all goes on by tensor operations.
"""
