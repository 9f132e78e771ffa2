import Configuration

/// Every dataset a config can name.
public let datasets = Registry<DatasetContext, any Dataset>(
  "dataset",
  [
    .entry("multi-mnist", "handwritten digits on one canvas", defaults: MultiMNIST.Config(), make: MultiMNIST.init),
    .entry("multi-sprites", "rotated shapes of any size on one canvas", defaults: MultiSprites.Config()) { config, _ in
      try MultiSprites(config)
    },
  ])
