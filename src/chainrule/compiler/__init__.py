"""From a program to a kernel: typed statements on buffers."""
