"""The rewards under the names that published cards, GRPO configs and verl import, from measure/rewards.py."""

from nercot.measure.rewards import (
    F1_WEIGHT,
    SCHEMA_WEIGHT,
    compute_score,
    f1_reward,
    schema_reward,
    trace_reward,
    trl_f1_reward,
    trl_f1_reward_paper,
    trl_schema_reward,
    trl_schema_reward_paper,
    trl_trace_reward,
)

__all__ = [
    "F1_WEIGHT",
    "SCHEMA_WEIGHT",
    "compute_score",
    "f1_reward",
    "schema_reward",
    "trace_reward",
    "trl_f1_reward",
    "trl_f1_reward_paper",
    "trl_schema_reward",
    "trl_schema_reward_paper",
    "trl_trace_reward",
]
