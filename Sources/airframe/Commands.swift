/// All commands, one line each.
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
