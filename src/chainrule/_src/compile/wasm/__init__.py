"""Kernels as WebAssembly modules, for web pages."""
