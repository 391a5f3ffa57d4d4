def backward(nodes, output):
    derivatives = [0.0] * len(nodes)
    derivatives[output] = 1.0
    for index in range(output, -1, -1):
        weights, dependencies = nodes[index]
        for weight, dependency in zip(weights, dependencies):
            derivatives[dependency] += weight * derivatives[index]
    return derivatives
