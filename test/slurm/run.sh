#!/bin/bash
# A study on a real Slurm: a job array from the script that --submit prints, on this machine alone, with two tasks that are
# stopped on their way: the shared teacher by SIGUSR1, as Slurm does before a time limit, and a student by kill -9. Both
# are requeued, and weights, metrics and curves must equal those of one process, bit for bit.
#
# Wants root, and Debian's packages: apt-get install slurm-wlm munge. Not a part of npm test. Takes some minutes:
#   npm ci && bash test/slurm/run.sh
# The daemons run on ports of their own out of a temporary folder, and end with the script; an installed Slurm or munge
# is not touched.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d /tmp/webgpu-distill-slurm-XXXXXX)
pids=()
finish() {
  code=$?
  [ $code = 0 ] || tail -n 20 "$work"/*.log "$work"/array/logs/* 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  if [ $code = 0 ]; then rm -rf "$work"; else echo "failed; see $work"; fi
}
trap finish EXIT
say() { echo "$(date +%T) $*"; }
until_true() { # what, command...
  for _ in $(seq 600); do if "${@:2}"; then return; fi; sleep 0.5; done
  echo "waited in vain for $1"; exit 1
}

# Munge wants folders that nobody else may write.
chmod 755 "$work" && mkdir -m 755 "$work/munge" "$work/spool" "$work/state"
dd if=/dev/urandom of="$work/munge/key" bs=128 count=1 status=none && chmod 600 "$work/munge/key"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" --seed-file="$work/munge/seed" \
  --pid-file="$work/munge/pid" --log-file="$work/munge/log" > "$work/munged.log" 2>&1 & pids+=($!)
until_true 'munged' test -S "$work/munge/socket"
node=$(hostname -s)
cat > "$work/slurm.conf" <<EOF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=2,sched_min_interval=500000,requeue_delay=1
MpiDefault=none
KillWait=10
ReturnToService=2
SlurmdParameters=config_overrides
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
export SLURM_CONF="$work/slurm.conf"
slurmctld -D > "$work/slurmctld.log" 2>&1 & pids+=($!)
slurmd -D -N "$node" > "$work/slurmd.log" 2>&1 & pids+=($!)
idle() { [ "$(sinfo -h -o %t 2>/dev/null)" = idle ]; }
until_true 'an idle node' idle
say "$(sinfo --version) is up"

flags=(--preset smoke --dataset synthetic --train-images 200 --calibration-images 100 --test-images 200 --epochs 120
  --batch 20 --teacher resnet8:4,4,4/1 --student resnet8:4,4,4/1 --save-seconds 1 --quiet)
study() { node bench/cqkd.js "${flags[@]}" "$@"; }
say 'the study in one process'
study --processes 1 --out "$work/one" > "$work/one.log"
study --out "$work/array" --submit slurm > "$work/submit.sh" 2> "$work/submit.log"
say "submitted: $(bash "$work/submit.sh" 2>&1 | tr '\n' ' ')"

queue() { squeue -h -r -o '%F_%K %j %T' "$@"; }
# The task whose log has begun to train and has a checkpoint: its number, as in events/cell-N.jsonl.
training() { grep -ls '"progress"' "$work"/array/events/*.jsonl | while read -r log; do
  grep -q '"finished"' "$log" || basename "$log" .jsonl; done | grep -E "$1" | head -n 1; }
in_training() { [ -n "$(training "$1")" ]; }
task_of() { queue -t RUNNING | awk -v number="${1#cell-}" '{ split($1, part, "_"); if (part[2] == number) print $1 }'; }
process_of() { pgrep -f "^$(command -v node) bench/cqkd.js|bench/cqkd.js .*--cell" | while read -r pid; do
  tr '\0' '\n' < "/proc/$pid/environ" 2>/dev/null | grep -qx "SLURM_ARRAY_TASK_ID=${1#cell-}" \
    && [ "$(cat "/proc/$pid/comm")" = node ] && echo "$pid"; done | head -n 1 || true; }

until_true 'the teacher to train' in_training '^cell-1$'
teacher=$(task_of cell-1)
sleep 2
say "SIGUSR1 to the teacher's task $teacher"
scancel --signal=USR1 "$teacher"
requeued() { [ "$(scontrol show job "$1" | grep -o 'Restarts=[0-9]*')" != Restarts=0 ]; }
until_true 'the task to queue itself again' requeued "$teacher"
say "it went back into the queue; checkpoints of the tasks begun: $(ls "$work/array/cells" | grep -c checkpoint)"

until_true 'a student to train' in_training '^cell-[2-9]'
cell=$(training '^cell-[2-9]')
student=$(task_of "$cell")
sleep 1
process=$(process_of "$cell")
say "kill -9 to process $process of task $student ($cell)"
kill -9 "$process"
ended() { scontrol show job "$1" | grep -q 'JobState=FAILED'; }
until_true 'the killed task to fail' ended "$student"
say "$(scontrol show job "$student" | grep -o 'JobState=.*') $(ls "$work"/array/cells | grep -c lock) locks left behind"
scontrol requeue "$student"

empty() { [ -z "$(queue)" ]; }
until_true 'an empty queue' empty
say 'all jobs have ended:'
scontrol show job | grep -oE 'JobName=\S+|ArrayTaskId=\S+|Restarts=\S+|JobState=\S+|ExitCode=\S+' | paste -sd ' ' | sed 's/ JobName/\nJobName/g'
node test/slurm/compare.mjs "$work/one" "$work/array"
