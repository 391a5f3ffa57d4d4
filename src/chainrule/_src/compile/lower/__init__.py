r"""From a program to a kernel: the way of an equation to machine code, step by step.

A program is a list of equations. Here is a program with one equation, ``t1 = np.tanh(x)``:

>>> import numpy as np
>>> from chainrule._src.trace.tracing import trace
>>> program = trace(lambda x: np.tanh(x))(np.zeros(3))
>>> [equation.primitive.name for equation in program.equations]
['tanh']

The record of its primitive says that it is elementwise, by the expression ``np.tanh(_0)``.
`lowering` goes through the equations; the rule for elementwise ones reads that expression once
(`reading`), replaces ``_0`` by the operand's entry, and stores the result in a loop over entries.
The output is made of nodes (`nodes`, `statements`), and each expression has a dtype: a `Loop` in
which a `Let` names the `Call` of a `Load`, and a `Store` writes it to the result.

>>> from chainrule._src.compile.lower.kernels import function_kernel
>>> kernel = function_kernel(program)
>>> loop = kernel.function.body[-1]
>>> let, store = loop.body
>>> print(type(loop).__name__, type(let).__name__, let.value.name, let.value.dtype)
Loop Let tanh float64

Passes optimise these items: `fusing` fuses loops, `registers` moves entries into local variables,
`sections` divides the work among threads, `memory` lets arrays share memory. Then writers print the
same nodes in several languages. `text` writes Python, which `source(f, "kernel")` shows and which
the tests run; `native.modules` writes LLVM's language, a function for each loop nest, so that equal
nests are compiled once:

>>> print("\n".join(line for line in kernel.text.splitlines()[-4:-1]))
    for j in range(3):
        t1_j = tanh(x[j])
        result[j] = t1_j
>>> from chainrule._src.compile.native.machine import host
>>> from chainrule._src.compile.native.modules import modules
>>> nests, calls = modules(kernel, host())
>>> print("\n".join(nests.text.splitlines()[13:17]))
%v7 = load i64, ptr %v1
%v8 = getelementptr inbounds double, ptr %a0, i64 %v7
%v9 = load double, ptr %v8
%v10 = call nsz contract double @tanh_float64(double %v9)

`tanh` itself is a Python function of `functions`, which is read into nodes and written in the same
module. LLVM compiles that text to machine code. `native.code` caches the machine code on disk under
a digest of the text, and calls it with a table of pointers; `running` does so for many updates at a
time.
"""
