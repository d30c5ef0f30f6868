"""Texts that try to break what shows them, and a study that has them in every field that a person can fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import study_builder as builder

from ablation import record
from ablation.files import read_yaml, write_yaml
from ablation.record import Outcome, Reading, TrialRecord
from ablation.spec import TrialSpec

TEXTS = {
    "script": "</script><script>alert(1)</script></style></pre></svg>]]>",
    "attribute": '" onmouseover="alert(1)" \' onfocus=\'alert(1)',
    "template": "{{ 7*7 }} {% raw %} <!-- --> &amp; &#x41;",
    "typst": '#panic("x") $x^2$ *b* _i_ @ref <label> `raw` \\u{41} // /* ] #let',
    "latex": "\\input{x} % & ~ ^ {",
    "math": "$\\frac{1}{0}$ $_^$ $",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+cmd",
    "minus": "-2+3",
    "at": '@SUM(A1),"b";c',
    "spaced formula": "\t =1+1",
    "wide formula": "\uff1d1+1",
    "override": "a\u202egnp.exe\u202c b",
    "marks": "a\u200eb\u200fc\u2067d\u061ce",
    "hebrew": "שלום (12) א",
    "arabic": "مرحبا 45 ١٢",
    "zero width": "re\u200blu\u2060x\ufeff\u00ad",
    "controls": "a\x00b\x07c\x1b[31md\x1b]0;title\x07e\x7f\x9bf",
    "separators": "a\u2028b\u2029c\rd\ne\tf",
    "emoji": "🧨 👩\u200d💻 🏳️",
    "others": "日本語 \ue000 \ufffe\uffff 𝔘",
    "accents": "a" + 30 * "\u0301",
    "shell": "it's `rm -rf /`; $(x) && ../../../etc/passwd",
    "word": 100 * "wX",
    "underscores": 50 * "ab_c",
    "essay": 700 * "no end of it; ",
}
"""All of them fit into a YAML file; half a surrogate pair, which does not, stands in JSON alone."""
HALF = "half \ud800 a pair"
ALL = list(TEXTS.values())


def spec(text: str, seed: int = 0) -> TrialSpec:
    """Return a trial of an activation of which one argument, and so its name among its likes, is the text."""
    asked = builder.config(activation="gelu", seed=seed)
    for network in ("generator", "discriminator"):
        asked[network]["activation"]["module"]["approximate"] = text
        asked[network]["activation"]["cite"] = text
    asked["dataset"]["root"] = text
    return TrialSpec.read(asked)


def build(study: Path, texts: list[str] = ALL) -> Path:
    """Write a study of a trial for each text, every second one failed, and of leaky_relu beside them."""
    study.mkdir(parents=True)
    whole = " ".join(texts)
    builder.write_plan(
        study,
        question=f"Which? {whole}",
        overrides=list(texts),
        created=texts[-1],
        declared={"seeds": 1},
        declared_hash=texts[0],
        history=[{"when": text, "declared": {"alpha": 0.1}} for text in texts],
        skipped=[{"cell": text, "reason": text} for text in texts],
        warnings=list(texts),
        note=whole,
        published=[
            {
                "level": f"gelu(approximate={t})",
                "cite": t,
                "name": t,
                "n": 3,
                "scores": {"fid": 9.0},
            }
            for t in texts
        ],
    )
    plan = read_yaml(study / "study.yaml")
    write_yaml(study / "study.yaml", {**plan, "study": f"wild {whole}"})
    builder.write_trial(study, builder.spec(activation="leaky_relu"), 10.0)
    for number, text in enumerate(texts):
        _trial(study, spec(text), text, 9.0 + number if number % 2 else None)
    return study


def _trial(study: Path, asked: TrialSpec, text: str, value: float | None) -> None:
    folder = study / "trials" / asked.key
    record.write_config(folder, asked)
    attempt = record.attempt_folder(folder, 1)
    readings = [
        Reading(step, network, text, quantity, 0.5)
        for step in (0, 750, 1500)
        for network in ("generator", text)
        for quantity in ("gradient_norm", "dead_fraction", text)
    ]
    record.write_readings(attempt / "readings.parquet", readings)
    (attempt / "log.txt").write_bytes(f"first\n{text}\n".encode() + b"\xff\xfe")
    facts = {"gelu": {"smooth": text, text: text, "bounds": [text, text], "cite": text}}
    said: dict[str, Any] = {
        **dict.fromkeys(("device", "instruction_set", "commit", "host", "dataset"), text),
        "versions": {"python": text, text[:30]: text},
        "extractor": {"name": text, "kind": text, "weights": text},
        "hazards": [text, HALF],
        "activations": facts,
    }
    done = TrialRecord(
        key=asked.key,
        spec=asked.config(),
        outcome=Outcome("finished" if value else "crashed", 1500, f"{text} {HALF}"),
        scores=builder.image_scores(value) if value else (),
        citations=(text, HALF),
        provenance=builder.provenance(**said),
    )
    assert record.commit(folder, attempt, done)
