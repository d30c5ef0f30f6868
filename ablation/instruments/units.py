"""The instruments of units, of samples on the way, and the events found in them."""

from __future__ import annotations

from ablation.instruments.instrument import (
    ARJOVSKY,
    EVENTS,
    GLOROT,
    HERE,
    KYNKAANNIEMI,
    SAMPLES,
    SANTURKAR,
    SCHOENHOLZ,
    SOKAR,
    SRIVASTAVA,
    UNITS,
    Instrument,
)

UNITS_AND_SAMPLES = (
    Instrument(
        "dead_fraction",
        UNITS,
        "Dead units",
        "Share of a site's units (channels) whose slope is at most a thousandth of the"
        " activation's steepest for every sample and position of a fixed probe batch; of D for"
        " real and generated ones together, and apart (_real, _fake). What is dead on real"
        " alone is dead_fraction_real - dead_fraction.",
        "Lu et al. 2019, arXiv:1903.06733",
    ),
    Instrument(
        "saturated_fraction",
        UNITS,
        "Saturated units",
        "Share of (sample, unit) pairs whose slope is below a hundredth of the activation's"
        " steepest (tanh: |h| > 0.995).",
        GLOROT,
    ),
    Instrument(
        "slope_power",
        UNITS,
        "Slope power",
        "Mean of phi'(u)^2 over a site's (sample, unit) pairs on the probe batch: what is left of a"
        " gradient's power on its way back through the activation. Of a unit that sees several"
        " pre-activations, the squared norm of its gradient.",
        SCHOENHOLZ,
    ),
    Instrument(
        "unborn_fraction",
        UNITS,
        "Units dead since the start",
        "Share of units dead at every probe so far: dead at initialisation and never alive"
        " since. dead_fraction - unborn_fraction died in training.",
        HERE,
    ),
    Instrument(
        "born_fraction",
        UNITS,
        "Units born",
        "Share of units alive for the first time since they were dead at initialisation,"
        " between two probes.",
        HERE,
    ),
    Instrument(
        "died_fraction",
        UNITS,
        "Units that died",
        "Share of units alive at the probe before and dead at this one.",
        HERE,
    ),
    Instrument(
        "revived_fraction",
        UNITS,
        "Units revived",
        "Share of units dead at the probe before, alive at this one and at an earlier one.",
        HERE,
    ),
    Instrument(
        "dormant_fraction",
        UNITS,
        "Dormant units",
        "Share of units whose mean |h| is at most 0.025 of their site's mean; says nothing"
        " where units never come near 0 (sigmoid, softplus): read it beside dead and saturated"
        " units.",
        SOKAR,
    ),
    Instrument(
        "dormant_10_fraction",
        UNITS,
        "Dormant units, tau 0.1",
        "The same share at 0.1 of the site's mean.",
        SOKAR,
    ),
    Instrument(
        "effective_rank",
        UNITS,
        "Effective rank",
        "exp of the entropy of the normalised singular values of a site's outputs, 64"
        " (sample, position) pairs by units: how many directions the units really use, at most"
        " 64.",
        "Roy & Vetterli 2007, EUSIPCO",
    ),
    Instrument(
        "learned",
        UNITS,
        "Learned parameters",
        "Mean value of each parameter that an activation learns, per site.",
    ),
    Instrument(
        "sample_variance",
        SAMPLES,
        "Variance of samples",
        "Total variance of the generated probe batch as a share of the real one's: near 0 the"
        " generator has collapsed.",
        HERE,
    ),
    Instrument(
        "modes_reached",
        SAMPLES,
        "Modes on the way",
        "Modes that get a sample of high quality: of toys in the probe batch, of stacked"
        " digits at an evaluation.",
        SRIVASTAVA,
    ),
    Instrument(
        "classes_reached",
        SAMPLES,
        "Classes on the way",
        "Classes that reach a tenth of their share among real samples, at an evaluation on"
        " the way, as the classifier sees them.",
        HERE,
    ),
    Instrument(
        "selection_score",
        SAMPLES,
        "Score on the selection split",
        "The score by which the best checkpoint is chosen and a training ends as converged,"
        " against a split that no reported score uses.",
        "Lucic et al. 2018, arXiv:1711.10337",
    ),
    Instrument(
        "class_share",
        SAMPLES,
        "Share of a class",
        "Share of generated samples that the classifier puts in a class; beside it (_real)"
        " that of the test split.",
        SANTURKAR,
    ),
    Instrument(
        "class_recall",
        SAMPLES,
        "Recall of a class",
        "Recall over the test samples of one class.",
        KYNKAANNIEMI,
    ),
    Instrument(
        "event_discriminator_wins",
        EVENTS,
        "Discriminator wins",
        "First probe at which D's accuracy is above 0.99 (its separation, where its loss has"
        " no boundary).",
        ARJOVSKY,
    ),
    Instrument(
        "event_signal_falls",
        EVENTS,
        "Signal falls",
        "First probe at which the signal to G is below a tenth of its greatest so far.",
        ARJOVSKY,
    ),
    Instrument(
        "event_units_die",
        EVENTS,
        "Units die",
        "First probe at which a site's dead fraction is 0.1 above its first.",
        HERE,
    ),
    Instrument(
        "event_modes_lost",
        EVENTS,
        "Modes lost",
        "First look at which fewer than nine tenths of the most modes so far are reached.",
        HERE,
    ),
    Instrument(
        "event_classes_lost",
        EVENTS,
        "Classes lost",
        "First evaluation at which fewer than nine tenths of the most classes so far are reached.",
        HERE,
    ),
    Instrument(
        "event_samples_collapse",
        EVENTS,
        "Samples collapse",
        "First probe at which the samples' variance has fallen below a hundredth of the data's.",
        HERE,
    ),
    Instrument(
        "event_not_finite",
        EVENTS,
        "Not finite",
        "The step whose loss was the first that is not finite.",
        HERE,
    ),
)
