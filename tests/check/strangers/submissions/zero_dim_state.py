class SignSGD:
    def __call__(self, w, g, lr=1e-3):
        return w - lr * ((g > 0) * 1.0 - (g < 0) * 1.0)
