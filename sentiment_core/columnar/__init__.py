"""Blocks of rows as arrays, and how functions become machine code (Numba, LLVM)."""
