/// All commands, one per line.
let commands: [Command] = [
  .train,
  .evaluate,
  .infer,
  .sample,
  .sweep,
  .table,
  .runs,
  .figure,
  .estimators,
  .config,
  .data,
  .bench,
  .exportStep,
  .completions,
  .runCell,
]
