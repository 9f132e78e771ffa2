import Configuration

/// The options for Slurm from an experiment file, or from the command line, which takes precedence.
public struct SlurmSettings: Configurable, Equatable {
  public var partition = ""
  public var account = ""
  public var timeLimit = ""
  public var atOnce = 0
  public var options: [String] = []
  public init() {}

  public static let fields: [Field<SlurmSettings>] = [
    .text("partition", \.partition, "the partition that tasks run in; the cluster's own where empty"),
    .text("account", \.account, "the account that is charged; the user's own where empty"),
    .text(
      "time_limit", \.timeLimit,
      "the longest that one task may run, such as 2:00:00; tasks that need longer go on later"),
    .integer("at_once", \.atOnce, in: 0...100_000, "the most tasks at a time; as many as there is room for where 0"),
    .texts("options", \.options, "further options of sbatch, such as --mem=4G"),
  ]

  public func problems() -> [Problem] {
    if let option = options.first(where: { !$0.hasPrefix("-") }) {
      return [Problem(key: "options", "has '\(option)'; options of sbatch start with a dash: --mem=4G")]
    }
    // These options identify tasks and control how they are stopped, so this program sets them.
    let own = [
      "--array", "-a", "--signal", "--output", "-o", "--error", "-e", "--job-name", "-J", "--wrap", "--parsable",
    ]
    if let option = options.first(where: { option in own.contains { option == $0 || option.hasPrefix("\($0)=") } }) {
      return [
        Problem(
          key: "options", "has '\(option)', which airframe sets itself (those are \(own.joined(separator: ", ")))")
      ]
    }
    return []
  }
}

/// The Slurm commands that sweeps need. Each throws `RunError` with Slurm's message.
enum Slurm {
  /// Submits a script as a job array of `tasks` tasks, and returns the array's number.
  static func submit(
    script: String, name: String, tasks: Int, threads: Int, log: String, settings: SlurmSettings
  ) throws -> String {
    let answer = try run("sbatch", arguments(script, name, tasks, threads, log, settings))
    // Warnings of sbatch may precede the number, and the name of another cluster may follow it.
    let numbers = answer.split(separator: "\n").compactMap { $0.split(separator: ";").first.flatMap { Int($0) } }
    guard let number = numbers.last else { throw RunError("sbatch gave no number of a job, but said: \(answer)") }
    return "\(number)"
  }

  /// Escapes a path for sbatch, which replaces % patterns by job numbers and the like.
  static func unexpanded(_ path: String) -> String {
    path.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
  }

  private static func arguments(
    _ script: String, _ name: String, _ tasks: Int, _ threads: Int, _ log: String, _ settings: SlurmSettings
  ) -> [String] {
    var words = ["--parsable", "--job-name=\(name)", "--output=\(log)", "--open-mode=append", "--requeue"]
    words.append("--array=0-\(tasks - 1)" + (settings.atOnce > 0 ? "%\(settings.atOnce)" : ""))
    words += ["--ntasks=1", "--cpus-per-task=\(threads)", "--signal=B:USR1@\(SlurmTaskScript.notice)"]
    if !settings.partition.isEmpty { words.append("--partition=\(settings.partition)") }
    if !settings.account.isEmpty { words.append("--account=\(settings.account)") }
    if !settings.timeLimit.isEmpty { words.append("--time=\(settings.timeLimit)") }
    return words + settings.options + [script]
  }

  /// The waiting and running tasks of jobs with this name, with their index and script.
  static func tasks(named name: String) throws -> [(task: SlurmQueue.Task, index: Int, script: String)] {
    let answer = try run("squeue", ["--noheader", "--array", "--name=\(name)", "--format=%F|%K|%T|%r|%o"])
    return answer.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "|", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 5, let index = Int(parts[1]) else { return nil }
      let task = SlurmQueue.Task(name: "\(parts[0])_\(index)", isRunning: parts[2] != "PENDING", reason: parts[3])
      return (task, index, parts[4])
    }
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> String {
    do {
      let result = try SystemCommand.run(program, arguments)
      guard result.succeeded else {
        let words = result.output.split(separator: "\n").joined(separator: "; ")
        throw RunError("Slurm refused: \(words.isEmpty ? "\(program) ended with status \(result.status)" : words)")
      }
      return result.output
    } catch SystemCommand.Failure.missing {
      throw RunError(
        "\(program) was not found: there is no Slurm on this machine. Run this on a login node of a cluster, or without "
          + "--launcher slurm")
    } catch SystemCommand.Failure.notStarted(_, let reason) {
      throw RunError("\(program) cannot be started: \(reason)")
    }
  }
}

/// The script that each task of a job array runs.
enum SlurmTaskScript {
  /// Seconds between Slurm's notice and the time limit. Slurm counts in minutes, so the notice may come up to a minute
  /// earlier.
  static let notice = 60

  /// `data` is the folder of the datasets, and `code` identifies the code that runs (`Provenance.shareCode`).
  static func text(experiment: String, submission: String, data: String, code: String) -> String {
    """
    #!/bin/sh
    # One task of a sweep over \(experiment): trains the cell in the line of cells.tsv that its number names.
    here=\(quoted(submission))
    export \(Provenance.codeVariable)=\(quoted(code))
    line=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$here/cells.tsv")
    config=${line%%\t*}
    folder=${line#*\t}
    # Of an array's tasks the last one has the array's own number as SLURM_JOB_ID: what is done to that is done to all.
    task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    printf 'task %s on %s: %s\\n' "$task" "$(hostname)" "$folder"
    "$here/airframe" run-cell "$here/$config" "$folder" --data \(quoted(data)) &
    cell=$!
    # USR1 comes shortly before the time limit: the cell saves itself, and the task goes back into the queue.
    again=
    trap 'again=yes; kill -TERM "$cell"' USR1
    # Of a cancelled or preempted job Slurm tells every process; this one waits until the cell has saved itself.
    trap : TERM
    while :; do
      wait "$cell"
      status=$?
      kill -0 "$cell" 2> /dev/null || break
    done
    if [ -n "$again" ] && [ "$status" -eq 143 ]; then
      scontrol requeue "$task"
    fi
    exit "$status"

    """
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" ? "'\\''" : "\($0)" }.joined() + "'"
  }
}
