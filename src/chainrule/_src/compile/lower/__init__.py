r"""From a program to a kernel: how an equation becomes machine code, followed all the way.

A program is a list of equations. Here is one of one equation, ``t1 = np.tanh(x)`` of three entries:

>>> import numpy as np
>>> from chainrule._src.trace.tracing import trace
>>> program = trace(lambda x: np.tanh(x))(np.zeros(3))
>>> [equation.primitive.name for equation in program.equations]
['tanh']

Its primitive's record says that it is elementwise, by the expression ``np.tanh(_0)``. `lowering`
goes through the equations; the rule for elementwise ones reads that expression once (`reading`),
puts the operand's entry in the place of ``_0``, and stores the result in a loop over entries. What
comes out are the nodes of `nodes`, each expression with its dtype: a `Loop` in which a `Let` names
the `Call` of a `Load`, and a `Store` puts it into the result.

>>> from chainrule._src.compile.lower.kernels import function_kernel
>>> kernel = function_kernel(program)
>>> loop = kernel.function.body[-1]
>>> let, store = loop.body
>>> print(type(loop).__name__, type(let).__name__, let.value.name, let.value.dtype)
Loop Let tanh float64

Passes turn such items into better ones: `fusing` joins loops, `registers` keeps entries in local
variables, `sections` shares work out among threads, `memory` lets arrays share memory. Two tables
over the same nodes write them down. `text` writes Python, which is what `source(f, "kernel")` shows
and what the tests run as it is; `native.modules` writes LLVM's language, a function for each nest
of loops, so that nests that do the same are compiled once:

>>> print("\n".join(line for line in kernel.text.splitlines()[-4:-1]))
    for j in range(3):
        t1_j = tanh(x[j])
        result[j] = t1_j
>>> from chainrule._src.compile.native.machine import host
>>> from chainrule._src.compile.native.modules import modules
>>> nests, calls = modules(kernel, host())
>>> print("\n".join(nests.text.splitlines()[13:17]))
%v6 = load i64, ptr %l0
%v7 = getelementptr inbounds double, ptr %a0, i64 %v6
%v8 = load double, ptr %v7
%v9 = call nsz contract double @tanh_float64(double %v8)

`tanh` itself is a Python function of `functions`, read into nodes and written beside them. LLVM
makes machine code of that text, which `native.code` keeps on disk under a digest of the text and
calls with a table of pointers; `running` does so for many updates at a time.
"""
