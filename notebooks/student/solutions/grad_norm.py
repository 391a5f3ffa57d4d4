def grad_norm(grads):
    return np.sqrt(sum(np.sum(grad**2) for grad in grads.values()))
