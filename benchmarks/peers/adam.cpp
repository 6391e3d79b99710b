// Least squares, one sample a step, in the order of the rows: what a person would write by hand for this one job.
//
// X is (rows x features), row major. theta, m, v have one entry per feature and are updated in place.
// The bias corrections are computed once per step; 1 - beta^t comes from running products instead of a power.
// No restrict tricks beyond telling the compiler that the arrays do not overlap; no intrinsics.
#include <cmath>
#include <cstddef>

extern "C" void adam(const double* __restrict X, const double* __restrict y, std::size_t rows, std::size_t features,
                     std::size_t epochs, double learning_rate, double beta1, double beta2, double epsilon,
                     double* __restrict theta, double* __restrict m, double* __restrict v) {
    double power1 = 1.0, power2 = 1.0;
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        for (std::size_t row = 0; row < rows; ++row) {
            const double* x = X + row * features;
            double z = 0.0;
            for (std::size_t i = 0; i < features; ++i) z += x[i] * theta[i];
            const double residual = z - y[row];
            power1 *= beta1;
            power2 *= beta2;
            const double rate = learning_rate / (1.0 - power1);
            const double scale = 1.0 / std::sqrt(1.0 - power2);
            for (std::size_t i = 0; i < features; ++i) {
                const double g = residual * x[i];
                m[i] = beta1 * m[i] + (1.0 - beta1) * g;
                v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
                theta[i] -= rate * m[i] / (scale * std::sqrt(v[i]) + epsilon);
            }
        }
    }
}

extern "C" void sgd(const double* __restrict X, const double* __restrict y, std::size_t rows, std::size_t features,
                    std::size_t epochs, double learning_rate, double* __restrict theta) {
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        for (std::size_t row = 0; row < rows; ++row) {
            const double* x = X + row * features;
            double z = 0.0;
            for (std::size_t i = 0; i < features; ++i) z += x[i] * theta[i];
            const double step = learning_rate * (z - y[row]);
            for (std::size_t i = 0; i < features; ++i) theta[i] -= step * x[i];
        }
    }
}
