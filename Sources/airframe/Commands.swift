/// All commands, one line each.
let commands: [Command] = [
  .train,
  .evaluate,
  .sweep,
  .runs,
  .figure,
  .config,
  .data,
  .bench,
  .exportStep,
  .completions,
  .runCell,
]
