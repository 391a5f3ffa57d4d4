"""Templates of the parts of an ejected module that are the same for all models."""

from __future__ import annotations

HEAD = """import argparse{imports}
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_suffix(".npz")
"""
END = """if __name__ == "__main__":
    main()
"""
LOAD = '''
def load(path=WEIGHTS):
    """Return the weights by name."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
'''
TRAIN = '''
def train(weights, X, y, epochs=1, batch_size=32, shuffle=True, seed=None):
    """Return trained weights and the mean loss of every epoch.

{about}
    """
    X = {as_X}
    y = {as_y}
    count = {count}
{parts}    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(count) if shuffle else np.arange(count)
        total = 0.0
        for first in range(0, count, batch_size):
            rows = order[first : first + batch_size]
            X_batch, y_batch = {X_rows}, {y_rows}
            loss, gradients{state} = value_and_gradients(params, X_batch, y_batch{state})
            params, memory = update(params, gradients, memory)
{constrain}            total += float(loss) * len(rows)
        losses.append(total / count)
    return {trained}, losses
'''
PARTS = """    params = {name: weights[name] for name in TRAINED}
    state = {name: weights[name] for name in weights if name not in TRAINED}
    memory, losses = start(params), []
"""
NO_PARTS = """    params, memory, losses = weights, start(weights), []
"""
FEATURES = '''
def features(table):
    """Return a table, names of columns -> their values, as the network takes it."""
    parts = [step(table[name], **options) for name, (step, options) in COLUMNS.items()]
    return np.concatenate(parts, axis=1).astype(np.{dtype})
'''
LABELS = '''
def labels(scores):
    """Return the name of every sample's likeliest class."""
    return np.array(CLASS_NAMES)[{which}]
'''
CODES = '''
def targets(values):
    """Return classes, by their names, as the network learns them."""
    return {codes}[[CLASS_NAMES.index({key}) for value in values]]
'''
SCALE = """
MEAN, SCALE = {mean}, {scale}  # of {name}, in training
"""
SCALED = '''
def targets(values):
    """Return quantities as the network learns them."""
    return (np.asarray(values, float) - MEAN) / SCALE
'''
INTERVALS = '''
def quantities(scores):
    """Return predictions as quantities, and the ends of intervals around them."""
    scores = scores.astype(float)
    low, high = scores[:, 1] - WIDENING, scores[:, 2] + WIDENING
    middle = (scores[:, 1] + scores[:, 2]) / 2
    found = [scores[:, 0], np.minimum(low, middle), np.maximum(high, middle)]
    return np.stack(found, axis=1) * SCALE + MEAN
'''
WIDENING = """WIDENING = {widening}  # of intervals that hold {interval:g} of the true values
"""
QUANTITIES = '''
def quantities(scores):
    """Return predictions as quantities."""
    return scores.reshape(-1).astype(float) * SCALE + MEAN
'''
TABLES = (
    ".csv in UTF-8 whose first line names the columns, with , ; | or tabs between; numbers have "
    "decimal points or commas, days are 2024-01-31, 31.1.2024 or 1/31/2024, no months by name; "
    "or .npz, an array a column"
)
READERS = """
BY_STEP = {{{by_step}}}
WRITTEN = {{{known}}}  # in training: with decimal commas or not; the order of days
READERS = {{
    name: (BY_STEP.get(step), WRITTEN.get(name)) for name, (step, _) in COLUMNS.items()
}}
"""
MAIN = '''
def main():
    """Print a prediction for every row of a file, as CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", help="{help}")
    parser.add_argument("--weights", default=WEIGHTS, help="by default %(default)s")
    options = parser.parse_args()
    if options.data is None:
        return parser.print_help()
    try:
        X = {read}
        scores = predict(load(options.weights), X)
    except (OSError, ValueError, csv.Error) as error:
        parser.exit(1, f"error: {{error}}\\n")
    out = csv.writer(sys.stdout, lineterminator="\\n")
    try:
        out.writerow({names})
        out.writerows({rows})
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads them has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
'''
