"""The elementwise rows of `conf/activation`, written as the papers do, for any arithmetic `m` that mpmath has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def softplus(m: Any, x: Any) -> Any:
    return m.log(1 + m.exp(x))


def normal(m: Any, x: Any) -> Any:
    return (1 + m.erf(x / m.sqrt(2))) / 2


def elu(m: Any, x: Any, alpha: Any = 1) -> Any:
    return x if x > 0 else alpha * (m.exp(x / alpha) - 1)


def selu(m: Any, x: Any) -> Any:
    scale, alpha = m.mpf("1.0507009873554804934"), m.mpf("1.6732632423543772848")
    return scale * (x if x > 0 else alpha * (m.exp(x) - 1))


def gelu_tanh(m: Any, x: Any) -> Any:
    return x / 2 * (1 + m.tanh(m.sqrt(2 / m.pi) * (x + m.mpf("0.044715") * x**3)))


def leaky(slope: Any) -> Callable[[Any, Any], Any]:
    return lambda m, x: max(x, x * m.mpf(slope))


def clipped(x: Any, low: float, high: float) -> Any:
    return min(max(x, low), high)


def shrunk(x: Any, y: Any) -> Any:
    return y if abs(x) > 0.5 else 0 * x


FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda _, x: x,
    "relu": lambda _, x: max(x, 0 * x),
    "leaky_relu": leaky("0.2"),
    "prelu": leaky("0.25"),
    "rrelu": lambda _, x: max(x, x * 11 / 48),  # in evaluation: the mean of 1/8 and 1/3
    "relu6": lambda _, x: clipped(x, 0, 6),
    "squared_relu": lambda _, x: max(x, 0 * x) ** 2,
    "elu": elu,
    "selu": selu,
    "celu": lambda m, x: elu(m, x, 2),
    "softplus": softplus,
    "shifted_softplus": lambda m, x: softplus(m, 2 * x + 2) / 2 - 1,
    "gelu": lambda m, x: x * normal(m, x),
    "gelu_tanh": gelu_tanh,
    "silu": lambda m, x: x * sigmoid(m, x),
    "swish": lambda m, x: x * sigmoid(m, x),
    "mish": lambda m, x: x * m.tanh(softplus(m, x)),
    "hardswish": lambda _, x: x * clipped(x + 3, 0, 6) / 6,
    "hardsigmoid": lambda m, x: clipped(x + 3, 0, 6) / m.mpf(6),
    "hardtanh": lambda _, x: clipped(x, -1, 1),
    "sigmoid": sigmoid,
    "logsigmoid": lambda m, x: m.log(sigmoid(m, x)),
    "tanh": lambda m, x: m.tanh(x),
    "tanhshrink": lambda m, x: x - m.tanh(x),
    "softshrink": lambda m, x: shrunk(x, x - m.sign(x) / 2),
    "hardshrink": lambda _, x: shrunk(x, x),
    "softsign": lambda _, x: x / (1 + abs(x)),
    "arctan": lambda m, x: m.atan(x),
    "erf": lambda m, x: m.erf(x),
    "serf": lambda m, x: x * m.erf(softplus(m, x)),
    "smish": lambda m, x: x * m.tanh(m.log(1 + sigmoid(m, x))),
    "tanhexp": lambda m, x: x * m.tanh(m.exp(x)),
    "gaussian": lambda m, x: m.exp(-x * x),
    "sine": lambda m, x: m.sin(x),
    "snake": lambda m, x: x + 2 * m.sin(x / 2) ** 2,
    "squareplus": lambda m, x: (x + m.sqrt(x * x + 4)) / 2,
    "bent_identity": lambda m, x: (m.sqrt(x * x + 1) - 1) / 2 + x,
    "acon_c": lambda m, x: x * sigmoid(m, x),  # p1 = 1, p2 = 0, beta = 1
    "dynamic_tanh": lambda m, x: m.tanh(x / 2),
}
