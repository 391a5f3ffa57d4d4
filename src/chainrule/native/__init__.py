"""Machine code: emitted from the compiler's nodes, made by LLVM, kept on disk, called."""

ENTRY = "chainrule_kernel"  # what a piece of machine code is called by
