"""The scores of a generator."""

from __future__ import annotations

from ablation.instruments.instrument import (
    KYNKAANNIEMI,
    SANTURKAR,
    SCORES,
    SRIVASTAVA,
    Instrument,
)

SCORED = (
    Instrument(
        "fid",
        SCORES,
        "FID",
        "Squared Fréchet distance of two normal distributions fitted to features of generated"
        " samples and of the test split; a Fréchet classifier distance, where a classifier"
        " sees them.",
        "Heusel et al. 2017, arXiv:1706.08500; computed by torch-fidelity, Obukhov et al. 2020",
    ),
    Instrument(
        "fid-inf",
        SCORES,
        "FID∞",
        "2 FID less the mean FID of disjoint halves of both sides: the bias that falls as 1/n"
        " is gone. Absent below 20 samples a feature, or where real samples are not at 0"
        " within two standard deviations.",
        "Chong & Forsyth 2020, arXiv:1911.07023",
    ),
    Instrument(
        "is",
        SCORES,
        "Inception score",
        "exp of the mean KL divergence between a sample's class probabilities and their mean,"
        " mean over ten splits; a classifier score where a classifier sees them.",
        "Salimans et al. 2016, arXiv:1606.03498; computed by torch-fidelity",
    ),
    Instrument(
        "kid",
        SCORES,
        "KID",
        "Unbiased squared maximum mean discrepancy of features under a cubic kernel, mean"
        " over 100 subsets of at most 500 samples; slightly below 0 where the two hardly"
        " differ.",
        "Bińkowski et al. 2018, arXiv:1801.01401; computed by torch-fidelity",
    ),
    Instrument(
        "precision",
        SCORES,
        "Precision",
        "Share of generated samples within the third-neighbour ball of some test sample:"
        " whether they look real. A collapsed generator may have 1.",
        KYNKAANNIEMI,
    ),
    Instrument(
        "recall",
        SCORES,
        "Recall",
        "Share of test samples within the third-neighbour ball of some generated sample:"
        " whether all that is real is made.",
        KYNKAANNIEMI,
    ),
    Instrument(
        "memorisation",
        SCORES,
        "Memorisation",
        "Probability that a generated sample is nearer to its nearest training sample than a"
        " test sample is to its own, in feature space: 0.5 for new real samples, 1 for copies,"
        " below 0.5 far from the data.",
        "Meehan et al. 2020, arXiv:2004.05675",
    ),
    Instrument(
        "classes",
        SCORES,
        "Classes",
        "Classes that reach a tenth of their share among real samples, as the classifier sees"
        " them.",
        SANTURKAR,
    ),
    Instrument(
        "class-kl",
        SCORES,
        "Reverse KL of classes",
        "KL divergence of the generated class histogram from the test split's, in nats; a class"
        " that the split lacks counts as half a sample.",
        SRIVASTAVA,
    ),
    Instrument(
        "class-recall",
        SCORES,
        "Least class recall",
        "Recall of the class that is covered worst: 0 where a class is left out.",
        KYNKAANNIEMI,
    ),
    Instrument(
        "frechet",
        SCORES,
        "Fréchet distance",
        "Exact squared Fréchet distance of normal distributions fitted to generated and test"
        " vectors.",
        "Dowson & Landau 1982, doi:10.1016/0047-259X(82)90077-X",
    ),
    Instrument(
        "modes",
        SCORES,
        "Modes",
        "Modes with at least one sample of high quality: within 3 standard deviations of the"
        " nearest mode; of stacked digits, as the classifier sees them.",
        SRIVASTAVA,
    ),
    Instrument(
        "hq",
        SCORES,
        "High-quality samples",
        "Share of samples within 3 standard deviations of their nearest mode; a perfect"
        " sampler in the plane reaches 1 - exp(-4.5).",
        SRIVASTAVA,
    ),
    Instrument(
        "reverse-kl",
        SCORES,
        "Reverse KL",
        "log K less the entropy of the mode histogram, in nats; a perfect sampler has about"
        " (K - 1)/(2n).",
        SRIVASTAVA,
    ),
)
