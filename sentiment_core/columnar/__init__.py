"""Blocks of rows as arrays, and the compilation of functions to machine code (Numba, LLVM)."""
