/// All commands, one line each.
let commands: [Command] = [
  .train,
  .evaluate,
  .runs,
  .figure,
  .config,
  .data,
  .bench,
  .exportStep,
  .completions,
]
