"""Machine code: emitted from the compiler's nodes, made by LLVM, kept on disk, called."""
