import Configuration

/// All datasets that a config can name.
public let datasets = Registry<DatasetContext, any Dataset>(
  "dataset",
  [
    .entry("multi-mnist", "handwritten digits on one canvas", defaults: MultiMNIST.Config(), make: MultiMNIST.init),
    .entry("multi-sprites", "rotated shapes of any size on one canvas", defaults: MultiSprites.Config()) { config, _ in
      try MultiSprites(config)
    },
    .entry("multi-dsprites", "colored sprites, drawn anew for every batch", defaults: MultiDSprites.Config()) {
      config, _ in MultiDSprites(config)
    },
    .entry("omniglot", "characters of eight alphabets on one canvas", defaults: Omniglot.Config(), make: Omniglot.init),
    .entry("hanzi", "components of Chinese characters written by hand", defaults: Hanzi.Config(), make: Hanzi.init),
    .entry(
      "casia-gnt", "handwritten Chinese characters from your files of CASIA-HWDB", defaults: CasiaGNT.Config(),
      make: CasiaGNT.init),
    .entry("images", "your own images, with or without boxes", defaults: Images.Config(), make: Images.init),
  ])
