"""Makes object files in a process of its own, which an abort of LLVM's ends.

Reads targets and their modules from the standard input, pickled; writes object files to the output.
"""

import pickle
import sys

import llvmlite.binding as llvm

from chainrule._src.compile.native.llvm import compiled

if __name__ == "__main__":
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    while sys.stdin.buffer.peek(1):
        target, texts = pickle.load(sys.stdin.buffer)
        pickle.dump([compiled(text, target) for text in texts], sys.stdout.buffer)
        sys.stdout.buffer.flush()
