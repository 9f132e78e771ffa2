import Configuration

extension RunConfig {
  /// The names that other programs use for keys.
  public static let hints: [KeyHint] = [
    KeyHint("seed", "random_seed", "rng_seed", "manual_seed", keys: ["training.seed", "dataset.seed"]),
    KeyHint("lr", "learning_rate", "learningrate", "step_size", keys: ["training.optimizer.rate"]),
    KeyHint("batch", "batch_size", "batchsize", "bs", "minibatch", "batch_len", keys: ["training.batch"]),
    KeyHint(
      "epochs", "epoch", "num_epochs", "n_epochs", "max_epochs", keys: ["training.steps"],
      note: "a training is as long as its steps; an epoch is the number of training scenes / training.batch"),
    KeyHint(
      "steps", "num_steps", "n_steps", "max_steps", "total_steps", "train_steps", "iterations", "num_iterations",
      "iters",
      "max_iters", keys: ["training.steps"]),
    KeyHint("optimizer", "optim", "optimiser", keys: ["training.optimizer"]),
    KeyHint("beta1", "beta_1", keys: ["first_decay"]), KeyHint("beta2", "beta_2", keys: ["second_decay"]),
    KeyHint("eps", keys: ["epsilon"]),
    KeyHint(
      "grad_clip", "gradient_clip", "clip_grad", "clip_grad_norm", "gradient_clipping", "max_grad_norm", "clip",
      keys: ["training.clip_norm"]),
    KeyHint(
      "device", "gpu", "gpus", "cuda", "num_gpus", "accelerator", keys: ["training.threads"],
      note: "Airframe computes on CPUs"),
    KeyHint(
      "threads", "num_threads", "n_threads", "num_workers", "workers", "n_jobs", "cpus", "cores",
      keys: ["training.threads"]),
    KeyHint("log_interval", "log_freq", "log_steps", keys: ["training.log_every"]),
    KeyHint("eval_interval", "eval_every", "eval_steps", "val_interval", keys: ["training.evaluate_every"]),
    KeyHint("save_interval", "save_every", "save_steps", "checkpoint_interval", keys: ["training.checkpoint_every"]),
    KeyHint("data", "dataset_name", "data_name", "data_set", keys: ["dataset.name"]),
    KeyHint("network", "net", "arch", "architecture", "model_name", "model_type", keys: ["model.name"]),
    KeyHint("type", "kind", "class", "_target_", keys: ["name"]),
    KeyHint("hidden_size", "hidden_dim", "hidden_units", "num_hidden", keys: ["hidden"]),
    KeyHint("output_dir", "save_dir", "log_dir", "run_dir", "out", keys: [], note: "--out DIR says where runs go"),
    KeyHint("data_dir", "data_root", "data_folder", keys: [], note: "--data DIR says where datasets are"),
  ]
}
