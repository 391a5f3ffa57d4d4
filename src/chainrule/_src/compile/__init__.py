"""From a program to machine code."""
