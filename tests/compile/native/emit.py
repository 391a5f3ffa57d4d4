"""Makes object files in a process of its own, which an abort of LLVM's ends.

Reads a target and modules from the standard input, pickled; writes object files to the output.
"""

import pickle
import sys

import llvmlite.binding as llvm

from chainrule._src.compile.native.llvm import compiled

if __name__ == "__main__":
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target, texts = pickle.load(sys.stdin.buffer)
    objects = [compiled(text, target) for text in texts]
    pickle.dump(objects, sys.stdout.buffer)
