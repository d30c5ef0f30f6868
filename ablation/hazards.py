"""What is known to go wrong with a question, said before it is trained."""

from __future__ import annotations

from ablation.spec import TrialSpec


def hazards(spec: TrialSpec) -> list[str]:
    """Return one sentence for each known hazard of a trial."""
    found = []
    if spec.loss.name == "wasserstein" and spec.penalty.name == "none":
        found.append(
            "wasserstein without a penalty: nothing bounds the critic; its paper uses"
            " penalty=weight_clip (or penalty=gradient_penalty) and n_critic=5"
        )
    norm = spec.architecture.keywords.get("discriminator_norm", "none")
    if spec.penalty.name == "gradient_penalty" and norm == "batch":
        found.append(
            "gradient_penalty with batch norm in the discriminator: the penalty is defined per sample,"
            " batch norm mixes them (Gulrajani et al. 2017); set architecture.discriminator_norm=none"
        )
    names = {part.name for _, part in spec.activation_at}
    names |= {spec.generator_activation.name, spec.discriminator_activation.name}
    if spec.penalty.name == "gradient_penalty" and names & {"elu", "celu"}:
        found.append(
            "elu with gradient_penalty failed to train in Gulrajani et al. 2017, appendix D"
        )
    return found
