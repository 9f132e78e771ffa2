/// All commands, one line each.
let commands: [Command] = [
  .train,
  .evaluate,
  .figure,
  .config,
  .data,
  .bench,
  .exportStep,
  .completions,
]
