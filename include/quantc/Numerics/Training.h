//===- Training.h - Updates of parameters and statistics --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a training step does to each element of a parameter, given its gradient.
// docs/Numerics.md, "Training", is the specification.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_TRAINING_H
#define QUANTC_NUMERICS_TRAINING_H

namespace quantc::numerics {

/// moving_average_a1: momentum * average + (1 - momentum) * value. A momentum
/// of 0 gives the value, 1 the average, exactly, when both are finite.
template <typename A>
typename A::Float movingAverage(A &a, typename A::Float average,
                                typename A::Float value,
                                typename A::Float momentum) {
  typename A::Float kept = a.mul(momentum, average);
  typename A::Float rest = a.sub(a.constant(1.0f), momentum);
  return a.add(kept, a.mul(rest, value));
}

/// optimizer_a1, sgd: p - rate * g.
template <typename A>
typename A::Float descend(A &a, typename A::Float parameter,
                          typename A::Float direction, typename A::Float rate) {
  return a.sub(parameter, a.mul(rate, direction));
}

/// optimizer_a2, momentum: v' = momentum * v + g, then p - rate * v'.
template <typename A>
typename A::Float accumulateVelocity(A &a, typename A::Float velocity,
                                     typename A::Float gradient,
                                     typename A::Float momentum) {
  return a.add(a.mul(momentum, velocity), gradient);
}

/// optimizer_a3, adam: v' = beta2 * v + (1 - beta2) * (g * g). The mean m' is
/// `movingAverage` of m and g by beta1.
template <typename A>
typename A::Float accumulateSquare(A &a, typename A::Float variance,
                                   typename A::Float gradient,
                                   typename A::Float beta2) {
  return movingAverage(a, variance, a.mul(gradient, gradient), beta2);
}

/// optimizer_a3: (m' / c1) / (sqrt(v' / c2) + epsilon), the direction of adam,
/// with c = 1 - beta^t of both.
template <typename A>
typename A::Float
adamDirection(A &a, typename A::Float mean, typename A::Float variance,
              typename A::Float correction1, typename A::Float correction2,
              typename A::Float epsilon) {
  typename A::Float numerator = a.div(mean, correction1);
  typename A::Float root = a.sqrt(a.div(variance, correction2));
  return a.div(numerator, a.add(root, epsilon));
}

/// optimizer_a4, adamw: p - (rate * decay) * p, before the step of adam.
template <typename A>
typename A::Float decayWeight(A &a, typename A::Float parameter,
                              typename A::Float rate, typename A::Float decay) {
  return a.sub(parameter, a.mul(a.mul(rate, decay), parameter));
}

/// optimizer_a5: a parameter that has a minimum stays at or above it; a NaN
/// becomes the minimum.
template <typename A>
typename A::Float keepAbove(A &a, typename A::Float parameter, float minimum) {
  typename A::Float bound = a.constant(minimum);
  return a.select(a.lessThan(bound, parameter), parameter, bound);
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_TRAINING_H
