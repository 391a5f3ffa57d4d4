class MiniBatchNet(NeuralNet):
    def grad_loss(self, X, y_true):
        Y_pred, H, Z_h = self.forward_keep_activations(X)
        grad_Z_o = (Y_pred - one_hot(self.output_size, y_true)) / len(X)
        grad_Z_h = np.dot(grad_Z_o, self.W_o.T) * dsigmoid(Z_h)
        return {
            "W_h": np.dot(X.T, grad_Z_h),
            "b_h": np.sum(grad_Z_h, axis=0),
            "W_o": np.dot(H.T, grad_Z_o),
            "b_o": np.sum(grad_Z_o, axis=0),
        }
