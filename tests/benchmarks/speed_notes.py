"""What limits the rows that miss their aim: what a profile of them shows, in words that stand beside the table."""

from __future__ import annotations

PRODUCTS = (
    "Samples of a profiler (`perf record -e cpu-clock`) lie for {products} % in matrix products (a quarter of it copies"
    " operands), for {python} % in the Python interpreter and torch's bindings to it, for {adam} % in Adam's"
    " kernel; the rest is torch's dispatch, its tape, memory, and elementwise kernels of a few microseconds. "
)
CONVOLUTIONS = (
    "oneDNN's own clock (`ONEDNN_VERBOSE=profile_exec`) gives its convolutions four fifths of a step in fp32. Of equal"
    " arithmetic, 268 MFLOP each, the forward ones reach 113 to 140 GFLOP/s, gradients of data 96 to 125, gradients of"
    " weights 75 to 103, transposed ones 81 to 105; the tutorial's loop runs the same kernels. "
)
NOTES: dict[str, str] = {
    "ring8": PRODUCTS.format(products=45, python=18, adam=3)
    + "If nothing but the products were left, the ratio would be about 3; a step of 130 kernels, called one by one"
    " from Python, does not come near it.",
    "mlp": PRODUCTS.format(products=54, python=13, adam=4)
    + "The loop spends about 4 ms on PIL, which ours has not; both pay for the same products, and a machine whose"
    " memory is shared with other work slows those more than it slows PIL.",
    "critic": PRODUCTS.format(products=58, python=10, adam=2)
    + "The penalty's second derivatives are the same kernels on both sides and half of the step; what ours saves is"
    " PIL and torch's loop over Adam's tensors.",
    "dcgan": CONVOLUTIONS
    + "What ours leaves out (PIL, resizing, gradients of D's weights in G's update, the slow kernels next to a grey"
    " picture, the contiguous layout's gradients of data) is a third of the loop's step.",
    "dcgan-bf16": CONVOLUTIONS
    + "In bf16 they take 0.6 to 0.7 of that time on this CPU, which has no matrix unit: 1.1 for 1.9 ms forward, 2.0 for"
    " 2.9 ms for weights. Batch norm, activations and casts between the types, a third of the step, gain nothing.",
    "limit-mlp": PRODUCTS.format(products=54, python=13, adam=4)
    + "The best kernel repeats one product, warm. In a step no operand is warm: weights, gradients and"
    " moments are 11 MB, the second-level cache holds 1 MB.",
    "limit-dcgan": CONVOLUTIONS
    + "The share is taken of the fastest forward kernel; two thirds of the arithmetic are gradients.",
    "limit-dcgan-bf16": CONVOLUTIONS
    + "In bf16 the forward kernels gain most (1.7 times), those of weights least (1.4 times), and batch norm,"
    " activations and casts nothing.",
}
"""By the name of a row; a note is printed where its row misses its aim."""
