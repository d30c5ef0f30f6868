"""What the page of calibration says around its tables."""

BEFORE = """
# Calibration

How often does a report claim a difference that is not there, and how often does it find one that is? {total:,}
simulated studies of a known truth go through the report's own pipeline: the frame of trials that `reports.tables`
makes of run folders, filled with simulated scores and outcomes, then blocks and streams (`design`), the declared
tests (`judge`), and the verdict in a sentence. {whole} more were written as run folders and reported in full (HTML,
PDF, tables): each report said the sentence that its frame says.

`make calibrate` writes this page, the same bytes on every run: study number i of a line draws from NumPy's
`default_rng` seeded by the CRC-32 of the line's settings and by i. The settings: log scores with a standard deviation
of {spread} within a cell (results do not depend on it); reference {reference}, planted activation {planted}; alpha
.05, all pairs; up to six losses as blocks, two data sets as streams. Shifts are in standard deviations within a cell.
Outcomes of different activations are independent (disjoint seeds) but where a line says otherwise. Student's t has
two degrees of freedom, so no variance. A failing trial diverges, whatever its level. Shares are per cent, with
Clopper and Pearson's 95 % interval in brackets.
"""

AFTER = {
    "equal": """
Studies without any difference. A claim is any significant test of any tier; at most 5 % of the studies should make
one. "> 5 %?" says yes where the whole interval lies above 5 %. The interval of {planted} against {reference}, at its
nominal 95 %, should cover the truth, no shift; "in one block" is the same interval in the first block alone.

Seeds are not paired, so activations whose equal seeds agree are told apart even more rarely, and those whose equal
seeds disagree more often: there the report warns, from a correlation of -.1.
""",
    "power": """
One activation is better than the others, which are equal. Found: the overall tier calls it better than the reference.
Promised: the expectation of the protocol that the report follows; **differs** stands where it lies outside the
share's 99.9 % interval. Other claims, of which at most 5 % of the studies should have any: significant tests whose
better side is not the planted activation.

With 8 activations, 28 comparisons need 7 seeds before a difference can be significant, so 5 and 6 find nothing. With
6 blocks, each block alone is tested, too, from 7 seeds on (8 activations: 8), and the two tiers share alpha.
""",
    "others": """
What the promise does not cover. Blocks of a seed that move together are worth less than independent ones; heavy tails
and failures that have nothing to do with the activation cost power; intervals then are open at an end, and still
cover.

In the tuned studies four points lie half a standard deviation apart; found is the tuned tier's finding. An activation
that is better at all points is found. One that is better at a single point is seldom found, even where its best point
beats the reference's best one by three standard deviations. The test is valid and the reason is its definition: the
choice of a point is made anew in every reassignment of whole seeds. In a mixed group the seeds of the two activations
vote for different points; without its own vote each seed is read at the point of the other activation, so mixed
groups reach ranks as extreme as the observed ones, with six seeds in more than alpha's share of them. More seeds help
slowly. Read a tuned "not distinguishable" with that in mind.
""",
    "looks": """
Studies that grow to 14 seeds. With a declared ladder the first look is at 6 seeds, and each of the three at alpha /
3. Without one, whoever looks again at more seeds and stops at the first significant test claims too often; the report
does not let him: seeds that were not declared are shown, flagged with their dates, and not tested. The last two lines
are what it would claim if it tested them.
""",
    "failures": """
Two activations fail equally often. The test is the one of all comparisons, on failed or not (in one block: Fisher's
exact test); its p takes few values, so it claims in less than 5 %. Wilson's interval of one activation's rate, pooled
over its blocks with the effective number of trials, should cover the rate in 95 %.
""",
}
