#!/usr/bin/env bash
# GRPO with verl: the paper's numbers, 10 x F1 + 1 x schema as nercot.rewards.compute_score adds them up.
#   python training/verl/export.py build/re-subset/candidate data/verl
#   bash training/verl/launch.sh runs/qwen3-8b-sft-paper/model data/verl
# verl counts prompts where TRL counts completions: 24 prompts x 16 are the batch of 384.  The model brings its verbatim
# chat template along.  Anything after the two arguments goes to verl as it is.
set -euo pipefail
model=${1:?the model that SFT saved}
data=${2:?the folder that export.py wrote}
shift 2
python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("verl") is None)' ||
  { echo "verl is not installed; see its documentation for a machine with GPUs" >&2; exit 2; }
rewards=$(python -c 'import nercot.rewards; print(nercot.rewards.__file__)')

exec python -m verl.trainer.main_ppo \
  algorithm.adv_estimator=grpo \
  algorithm.norm_adv_by_std_in_grpo=False \
  algorithm.use_kl_in_reward=False \
  data.train_files="$data/train.parquet" \
  data.val_files="$data/dev.parquet" \
  data.train_batch_size=24 \
  data.max_prompt_length=2048 \
  data.max_response_length=4096 \
  data.filter_overlong_prompts=True \
  data.truncation=error \
  actor_rollout_ref.model.path="$model" \
  actor_rollout_ref.model.enable_gradient_checkpointing=True \
  actor_rollout_ref.model.use_remove_padding=True \
  actor_rollout_ref.actor.optim.lr=1e-6 \
  actor_rollout_ref.actor.optim.lr_warmup_steps_ratio=0.1 \
  actor_rollout_ref.actor.optim.warmup_style=cosine \
  actor_rollout_ref.actor.ppo_mini_batch_size=24 \
  actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4 \
  actor_rollout_ref.actor.clip_ratio=0.2 \
  actor_rollout_ref.actor.use_kl_loss=True \
  actor_rollout_ref.actor.kl_loss_coef=0.04 \
  actor_rollout_ref.actor.kl_loss_type=low_var_kl \
  actor_rollout_ref.actor.loss_agg_mode=seq-mean-token-mean \
  actor_rollout_ref.rollout.name=vllm \
  actor_rollout_ref.rollout.n=16 \
  actor_rollout_ref.rollout.tensor_model_parallel_size=1 \
  actor_rollout_ref.rollout.temperature=0.9 \
  actor_rollout_ref.rollout.gpu_memory_utilization=0.4 \
  actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8 \
  actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=8 \
  custom_reward_function.path="$rewards" \
  custom_reward_function.name=compute_score \
  trainer.logger='["console"]' \
  trainer.nnodes=1 \
  trainer.n_gpus_per_node=8 \
  trainer.total_epochs=1 \
  trainer.save_freq=50 \
  trainer.test_freq=20 \
  "$@"
