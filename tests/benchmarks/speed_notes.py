"""What limits the rows that miss their aim: what a profile of them shows, in words that stand beside the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROFILED = {"cpu": "AMD EPYC", "cores": 2, "capability": "AVX512", "torch": "2.14.1+cu130"}
"""The machine whose profiles these are: on another none of them is printed."""
ROOM = (
    "Beside the products and convolutions of its own step a loop may take {room} and reach the aim; ours takes"
    " {rest} (medians and ranges over slices). "
)
CALLS = (
    " Samples of a profiler (`perf record -e cpu-clock`) lie for {products} % in matrix products (a quarter of it"
    " copies operands), for {python} % in the Python interpreter and torch's bindings to it, for {adam} % in Adam's"
    " kernel."
)
CONVOLUTIONS = (
    "Called alone, of equal arithmetic, 268 MFLOP each, its convolutions reach 102 to 125 GFLOP/s forward, 82 to 106"
    " transposed, 88 to 117 in gradients of data, 70 to 80 in gradients of weights; the tutorial's loop runs the same"
    " kernels. "
)
DCGAN = (
    "Of the rest torch's profiler gives batch norm 4.2 to 5.3 ms, leaky ReLU and its gradient 3.3 to 7.9, patches of"
    " grey pictures and their fold 2 to 3, copies 1.8, Adam 0.8, tanh 0.4: most of it waits for memory. A leaky ReLU"
    " over 2 MB takes 0.06 ms when it runs alone, out of the cache, and 0.57 ms in a step whose activations are"
    " larger than the cache."
)
NOTES: dict[str, str] = {
    "ring8": ROOM
    + "They are 150 further kernels of a few microseconds each, and what Python, torch's dispatch, its tape and memory"
    " take to call them. `torch.compile` (its C++ code, warm) takes 1.7 times as long as this step."
    + CALLS.format(products=45, python=18, adam=3),
    "mlp": ROOM
    + "torch's profiler gives Adam 0.4 ms of it, tanh 0.34, leaky ReLU and its gradient 0.23, the running average 0.1,"
    " sums over the batch 0.1, the data 0.1; the rest are 200 calls. The loop spends 4 ms on PIL, which ours has not;"
    " both pay for the same products. `torch.compile` takes 1.4 times as long as this step."
    + CALLS.format(products=54, python=13, adam=4),
    "critic": ROOM
    + "The penalty's second derivatives are the same kernels on both sides and half of the step; what ours saves is"
    " PIL and torch's loop over Adam's tensors." + CALLS.format(products=58, python=10, adam=2),
    "dcgan": ROOM + CONVOLUTIONS + DCGAN,
    "dcgan-bf16": ROOM
    + CONVOLUTIONS
    + "In bf16 they take 0.6 of that time on this CPU, which has no matrix unit: forward 137 to 227 GFLOP/s, with"
    " gradients of weights 104 to 142. Batch norm, activations and casts between the types gain nothing.",
    "sweep": "A trial tells its own seconds: 13.8 of 17.2 train (9.2 ms a step), 2.3 score (FID at several counts,"
    " IS, KID, precision, recall, copies of training samples, classes; the loop's five scores take 7), 0.5 are four"
    " looks at the selection split, which the loop has not, 0.6 starting and writing; planning takes 8 of the whole."
    " The loop's training gains 1.3 from its second thread. The aim leaves 11.7 s of training: 7.8 ms a step, less"
    " than the aim of the mlp's row.",
    "limit-mlp": "Products of the players' sizes reach 75 (from the noise) to 98 GFLOP/s where one repeats, warm; those"
    " to one logit 6 to 15. In a step no operand is warm: weights, gradients and moments are 11 MB, the second-level"
    " cache holds 1 MB." + CALLS.format(products=54, python=13, adam=4),
    "limit-dcgan": CONVOLUTIONS
    + "The share is taken of the fastest forward kernel; gradients are 57 % of the arithmetic. "
    + DCGAN,
    "limit-dcgan-bf16": CONVOLUTIONS
    + "In bf16 all kernels together gain 1.7 times, the best one, a larger forward convolution, twice; batch norm,"
    " activations and casts gain nothing.",
}
"""By the name of a row; a note is printed where its row misses its aim."""


def note(name: str, row: Mapping[str, Any]) -> str:
    """Return the note to a row, with what the aim leaves beside the kernels and what is taken; "" where none is."""
    text = NOTES.get(name, "")
    if "room" not in row:
        return text.replace(ROOM, "")
    said = {name: "{:.3g} ms ({:.3g} to {:.3g})".format(*row[name]) for name in ("room", "rest")}
    return text.format(**said)
