def warmup_cosine(t, learning_rate, warmup, total):
    if t < warmup:
        return learning_rate * (t + 1) / warmup
    if t >= total:
        return 0.0
    return learning_rate / 2 * (1 + np.cos(np.pi * (t - warmup) / (total - warmup)))
