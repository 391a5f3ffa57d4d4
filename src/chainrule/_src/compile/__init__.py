"""From a program to machine code."""

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "lower.kernels", "lower.operations", "lower.script", "lower.selections", "native",
    "native.cache", "native.helpers", "running.account", "running.compiling", "running.engines",
    "running.form", "running.jit", "running.recorded", "running.repeated", "running.shaped",
    "running.steps", "running.threads", "running.trail", "wasm.kernel",
)  # fmt: skip
