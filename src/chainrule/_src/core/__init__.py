"""Tensors that record NumPy code, the backward pass, and recordings written as equations.

Read the modules in this order:

1. `primitive`: the record of one operation: its value, gradient rules, text and kernel.
2. `elementwise`: the operations that work entry by entry, with their gradient rules.
3. `trees`: nested dicts, lists and tuples of arrays, and functions of all their leaves.
4. `backward`: the chain rule, from the output of a recording back to its inputs.
5. `tensor`: the array that records every operation it takes part in.
6. `methods`: the methods and operators that tensors share with NumPy's arrays.
7. `transforms`: `grad`, `vjp`, `jacobian` and the other functions that differentiate functions.
8. `captured`: copies and locks, so that later writes to an array cannot change a recording.
9. `names`: names for tensors, taken from the local variables of the code that runs.
10. `equations`: variables, equations and constants: the parts of a program.
11. `recording`: a function runs with tensors, and its operations become equations.
12. `program`: the finished list of equations, which can be run in NumPy and printed.

The other modules support these and are read when needed: `kernel` (the compiler's description of
an operation), `forms` (the shape and dtype of a result without its numbers), `weak` (dtypes of
Python's numbers), `derived` (the functions that transforms return), `refusals` (error messages),
`observing` (observation of the code's reads of sizes).
"""
