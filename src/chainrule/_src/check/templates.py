"""The fixed sentences for mistakes, with fields for the wrong code, the right code and a detail."""

TEMPLATES = {
    "transpose": (
        "a matrix is not transposed as it must be (or the operands are in the wrong order): "
        "{right} instead of {wrong}"
    ),
    "comparison": (
        "the comparison (the mask, a derivative that is 0 or 1) is the wrong way round: "
        "{right} instead of {wrong}"
    ),
    "axis": "summed (or averaged) over the wrong axis: {right} instead of {wrong}",
    "keepdims": "keepdims is wrong, so that shapes do not meet as they should: {right}",
    "index": (
        "the index is not the right one (one step or row off, or another label): {right} "
        "instead of {wrong}"
    ),
    "order": (
        "the order is the wrong way round: go backwards through time or layers (reversed): {right}"
    ),
    "slope": (
        "the derivative of the activation (its slope, the mask) is not this: {right} instead of "
        "{wrong}"
    ),
    "softmax": (
        "the derivative of the softmax is not this (each row has a Jacobian, "
        "diag(s) - outer(s, s)): {right}"
    ),
    "range": (
        "the loop does not run over all that it should (a step, layer or sample is left out, "
        "or is too much): {right}"
    ),
    "overwritten": (
        "= overwrites what was there, so only the last one counts (a sample, a step or a path "
        "is lost): add up with +=, accumulate: {right}"
    ),
    "added": "+= adds to what was there before: assign with =: {right}",
    "extra line": "this line is too much: leave out {wrong}",
    "doubled line": "this line stands twice, and once is right: leave one out: {wrong}",
    "order of lines": (
        "this line comes too early or too late (a value is used before it is updated, or "
        "after it was overwritten or already updated): move it past {detail}"
    ),
    "inside the loop": (
        "this line stands inside the loop, where it starts anew (is reset, initialised) at "
        "each turn: it belongs before or behind the loop"
    ),
    "outside the loop": (
        "this line stands outside the loop and must be done at each turn: move it inside"
    ),
    "return in the loop": (
        "return stands inside the loop (indent), so only the first sample counts: put it behind"
    ),
    "labels": "labels stand where one-hot rows belong (the target Y): {right}",
    "one sample": "only one sample (the first row) counts: sum over the batch: {right}",
    "repeated index": (
        "an index that is repeated (a duplicate) counts once only: += through an index array "
        "is buffered; accumulate with np.add.at: {right}"
    ),
    "derivative of log": "the derivative of log(x) is 1 / x: {right}",
    "complement": "{wrong} stands where {right} belongs (a derivative, a complement)",
    "other share": "{wrong} stands where {right} belongs (the two add up to 1)",
    "extra option": "the option {detail} does not belong here (another order or rule): {right}",
    "extra index": "a part is taken (one sample or row alone) where all belongs: {right}",
    "extra power": "the power is wrong: {right} instead of {wrong} (a square)",
    "inverse": "the inverse belongs here (a division, the power -1): {right} instead of {wrong}",
    "branches": "the two cases are exchanged (the condition is the wrong way round): {right}",
    "missing line": "a line is missing, a path or a share is left out: {detail}",
    "missing condition": "this line must stand within the condition (indent): only where it holds",
    "unconditioned": "this line counts only on a condition (indent it): if {detail}",
    "factor of the loss": "the factor {detail}, which the loss has, is missing: multiply by it",
    "term inside": (
        "the term {detail} stands inside the function and belongs behind it: {right} instead of "
        "{wrong}"
    ),
    "term behind": (
        "the term {detail} stands behind the function and belongs inside it: {right} instead of "
        "{wrong}"
    ),
    "swapped": "the operands or arguments are in the wrong order (swapped): {right}",
    "parentheses": (
        "the parentheses are not where they must be (a factor or a power belongs to another term "
        "or to all terms): {right} instead of {wrong}"
    ),
    "dropped": (
        "a value is dropped that the next turn needs: {detail} is carried on (a path is left out)"
    ),
    "extra condition": "this holds always, not only on the condition: {wrong}",
}
TEMPLATES |= {"subscripts": TEMPLATES["transpose"], "missing power": TEMPLATES["extra power"]}
