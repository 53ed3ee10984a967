"""Losses and gradients by kernels in C, compiled where they run: several times as fast as tensor operations.

`losses` says for which stacks there is a kernel and calls it; `compiler` makes it at first use and keeps it;
`fused.c` is it. Where there is no compiler, or another device, training goes on by tensor operations.
"""
