#!/usr/bin/env bash
# Checks that a sweep gives the same results with Slurm as without. A sweep consists of cells: one run for each row of
# the experiment and each seed.
#
# The script installs and starts its own Slurm and runs a sweep of 24 cells, 3 of which fail, as a job array. It stops
# one task with the signal that Slurm sends before a time limit, lets Slurm requeue another, and cancels a third. The
# table and the values of every seed must be the same as those of the sweep without Slurm. It also stops the last task
# of a second array as before a time limit: only this task must be requeued. Needs root and apt; without them it is
# skipped.
# usage: scripts/check-slurm.sh [AIRFRAME]     (default: .build/release/airframe)
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
airframe=$(realpath "${1:-.build/release/airframe}")

if [[ $(id -u) -ne 0 ]] || ! command -v apt-get > /dev/null; then
  echo 'check-slurm: skipped, since it starts daemons of its own: run it as root on Debian or its kin'
  exit 0
fi
if ! command -v slurmctld > /dev/null || ! command -v slurmd > /dev/null || ! command -v munged > /dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  packages=(slurm-wlm munge)
  apt-get install -y --no-install-recommends "${packages[@]}" > /dev/null 2>&1 ||
    { apt-get update > /dev/null && apt-get install -y --no-install-recommends "${packages[@]}" > /dev/null; }
fi

# The path is short because it contains sockets, and the folder has a space in its name because users' folders may too.
place=$(mktemp -d /tmp/slurm-XXXXXX)
work="$place/a sweep"
mkdir -p "$place"/{state,spool,log,run} "$work"
chmod 755 "$place"

stop() {
  local status=$? daemon
  [[ $status -eq 0 ]] || tail -n 20 "$place"/log/*.log "$work"/*.txt >&2 || true
  scancel --quiet --user=root 2> /dev/null || true
  for daemon in slurmd slurmctld munged; do
    [[ -f $place/run/$daemon.pid ]] && kill "$(cat "$place/run/$daemon.pid")" 2> /dev/null || true
  done
  sleep 1
  rm -rf "$place"
  exit "$status"
}
trap stop EXIT

fail() {
  printf 'check-slurm: %s\n' "$*" >&2
  exit 1
}

# --- a cluster with this machine as its only node ---
host=$(hostname -s)
dd if=/dev/urandom of="$place/run/munge.key" bs=1 count=1024 2> /dev/null
chmod 400 "$place/run/munge.key"
chown -R "$(id -u)" "$place"
munged --key-file="$place/run/munge.key" --socket="$place/run/munge.socket" --pid-file="$place/run/munged.pid" \
  --log-file="$place/log/munged.log" --seed-file="$place/run/munged.seed"
cat > "$place/slurm.conf" << CONF
ClusterName=check
SlurmctldHost=$host
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$place/run/munge.socket
CryptoType=crypto/munge
SlurmctldPidFile=$place/run/slurmctld.pid
SlurmdPidFile=$place/run/slurmd.pid
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldLogFile=$place/log/slurmctld.log
SlurmdLogFile=$place/log/slurmd.log
SlurmctldPort=16827
SlurmdPort=16828
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MinJobAge=3600
InactiveLimit=0
NodeName=$host CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
PartitionName=cpu Nodes=$host MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$place/slurm.conf"
slurmctld -i
slurmd
for _ in $(seq 100); do
  sinfo --noheader --format=%T 2> /dev/null | grep -q idle && break
  sleep 0.1
done
sinfo --noheader --format=%T | grep -q idle || fail 'Slurm did not start'
echo "slurm $(sbatch --version | cut -d' ' -f2) runs on $host"

# --- the sweep ---
cd "$work"
cat > tiny.yaml << 'YAML'
model:
  name: air
  steps: 2
  glimpse: 6
  controller: { hidden: 6 }
  head: [6]
  window: { scale_prior: { mean: 0.4, deviation: 0.1 } }
  appearance: { name: gaussian, size: 3, encoder: [6], decoder: [6] }
dataset:
  name: multi-sprites
  side: 16
  counts: { 0: 20, 1: 20, 2: 20 }
  diameter: { smallest: 5, largest: 7 }
  validation_size: 12
  test_size: 12
estimator: { name: nvil, baseline: { hidden: 5, layers: [4] } }
training: { steps: 60, batch: 4, log_every: 5, evaluate_every: 20, checkpoint_every: 10, picture_every: 60 }
evaluation: { batch: 6 }
YAML
# The row `long` takes long enough to be interrupted while it runs. A learning rate of 10 makes the row `wild` fail with
# every seed.
cat > cells.yaml << 'YAML'
base: tiny.yaml
seeds: [0, 1, 2]
rows:
  list:
    - long: { training: { steps: 20000, log_every: 500, checkpoint_every: 1000, evaluate_every: 10000 } }
    - wild: { training.optimizer: { name: sgd, rate: 10 }, model.controller.presence_bias: 10 }
    - product:
        - { training.batch: [2, 4], estimator.name: [nvil, marginal] }
        - { training.optimizer.rate: [0.0001, 0.001] }
      exclude: [{ training.batch: 4, estimator.name: marginal }]
columns: [nelbo, count_accuracy, squared_error]
slurm: { at_once: 2, time_limit: "10:00", options: [--nice=1] }
YAML
sweep=("$airframe" sweep cells.yaml)

"${sweep[@]}" --out plain --jobs 2 2> plain.txt && fail 'without Slurm the wild cells did not fail'
grep -q '3 cells failed' plain.txt || fail "without Slurm: $(cat plain.txt)"

on_slurm=("${sweep[@]}" --out runs --launcher slurm)
status() { "${on_slurm[@]}" --status; }

# A refusal by Slurm is reported, and leaves no files behind.
if "${on_slurm[@]}" --partition nowhere 2> refused.txt; then fail 'a partition that does not exist was taken'; fi
grep -q 'Slurm refused: .*[Ii]nvalid partition' refused.txt || fail "the refusal says: $(cat refused.txt)"
[[ -z $(find runs -name 'slurm-*') ]] || fail 'a refused submission left a folder'

"${on_slurm[@]}"
[[ $("${on_slurm[@]}") == 'nothing is left to submit' ]] || fail 'cells in the queue was submitted again'
# Submitted cells are fixed: later changes of the experiment's files do not affect them.
cp tiny.yaml tiny.saved
echo 'model: { name: nonsense }' > tiny.yaml

# wait_for PATTERN: waits until the queue has a task whose line matches.
wait_for() {
  for _ in $(seq 600); do
    squeue --noheader --array --format='%F_%K %T' | grep -q "$1" && return
    sleep 0.05
  done
  fail "waited in vain for a task like '$1'"
}
drain() { while squeue --noheader | grep -q .; do sleep 0.2; done; }
job=$(squeue --noheader --format=%F | head -n 1)
saved() { ls "runs/cells/long/seed-$1/checkpoints" 2> /dev/null | grep -q .; }
wait_for "_0 RUNNING"
until saved 0; do sleep 0.05; done
# As before a time limit: the cell saves a checkpoint, and the task requeues itself.
timeout 3 scancel --batch --signal=USR1 "${job}_0" || true # scancel may repeat a signal that has already arrived.
until grep -q '"interrupted"' runs/cells/long/seed-0/status.json; do sleep 0.05; done
wait_for "_1 RUNNING"
until saved 1; do sleep 0.05; done
# As after the failure of a node.
scontrol requeue "${job}_1"
wait_for "_2 RUNNING"
until saved 2; do sleep 0.05; done
# The next command submits a cancelled cell again.
scancel "${job}_2"
wait_for "_0 PENDING"
wait_for "_1 PENDING"
for task in 0 1; do
  # Slurm delays requeued tasks for two minutes.
  scontrol update "jobid=${job}_$task" starttime=now
done
drain

cp tiny.saved tiny.yaml
status > status.txt
grep -q 'to do.*long/seed-2.*stopped after step' status.txt || fail "the cancelled cell is not told: $(cat status.txt)"
"${on_slurm[@]}" | grep -q ': 1 cell;' || fail 'not exactly the cancelled cell was submitted again'
drain
"${on_slurm[@]}" --retry-failed | grep -q ': 3 cells;' || fail 'not exactly the failed cells were tried again'
drain
status > status.txt
head -n 1 status.txt
grep -q '^24 cells: 21 finished, 3 failed$' status.txt || fail "the sweep did not end: $(cat status.txt)"
for seed in 0 1 2; do
  tr -d ' \n' < "runs/cells/long/seed-$seed/environment.json" | grep -q '"resumed":\[{' ||
    fail "long/seed-$seed was not resumed"
done

# --- the same table, to the last digit ---
for out in plain runs; do
  "$airframe" table cells.yaml --out "$out" --format csv --seeds-file "$out.seeds.csv" > "$out.csv"
done
diff plain.csv runs.csv || fail 'the tables differ'
diff plain.seeds.csv runs.seeds.csv || fail "the seeds' values differ"
cat runs.csv

# --- the last task of an array, which has the job number of the array ---
cat > last.yaml << 'YAML'
base: tiny.yaml
seeds: [0]
rows:
  quick: {}
  wild: { training.optimizer: { name: sgd, rate: 10 }, model.controller.presence_bias: 10 }
  gone: { training: { steps: 1000000, log_every: 500, checkpoint_every: 1000, evaluate_every: 0 } }
  last: { training: { steps: 20000, log_every: 500, checkpoint_every: 1000, evaluate_every: 10000 } }
YAML
last=("$airframe" sweep last.yaml --out runs --launcher slurm --jobs 2 --time-limit 10:00)
"${last[@]}"
job=$(squeue --noheader --format=%F | head -n 1)
wait_for "_3 RUNNING"
for row in gone last; do
  until ls "runs/last/$row/seed-0/checkpoints" 2> /dev/null | grep -q .; do sleep 0.05; done
done
scancel "${job}_2"
until ! squeue --noheader --array --format='%F_%K' | grep -q "^${job}_2"; do sleep 0.05; done
squeue --noheader --format=%A --states=RUNNING | grep -qx "$job" || fail 'the last task has another number than its array'
timeout 3 scancel --batch --signal=USR1 "${job}_3" || true
until grep -q '"interrupted"' runs/last/last/seed-0/status.json; do sleep 0.05; done
wait_for "_3 PENDING"
sleep 1
[[ $(squeue --noheader --array --format=%F_%K) == "${job}_3" ]] ||
  fail "with the last task came back: $(squeue --noheader --array --format='%F_%K %T')"
scontrol update "jobid=${job}_3" starttime=now
drain
for task in 0 1 2 3; do
  starts=$(grep -c '^task ' "runs/last/.cells/slurm-1/task-$task.txt")
  [[ $starts -eq $((task == 3 ? 2 : 1)) ]] || fail "task $task of the array was started $starts times"
done
"${last[@]}" --status > status.txt
grep -q '^4 cells: 2 finished, 1 failed, 1 to do$' status.txt || fail "after the last task: $(cat status.txt)"

# --- the commands of the documentation ---
mkdir documented bin
ln -s "$airframe" bin/airframe
ln -s "$repository/configs" documented/configs
cd documented
sed -n '/^# sprites.yaml$/,/^```$/p' "$repository/docs/experiments.md" | sed '$d' > sprites.yaml
grep '^airframe .*--launcher slurm' "$repository/docs/experiments.md" > commands.sh
[[ $(wc -l < commands.sh) -eq 2 ]] || fail 'docs/experiments.md has other commands for Slurm than this script expects'
PATH="$work/bin:$PATH" bash -e commands.sh
drain
PATH="$work/bin:$PATH" bash -e commands.sh | tee said.txt
grep -q '^nothing is left to submit$' said.txt && grep -q '^8 cells: 8 finished$' said.txt || fail 'the documented sweep did not end'
echo 'check-slurm: the same 24 cells with and without Slurm'
