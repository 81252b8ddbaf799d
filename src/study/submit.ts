// `--submit`: what hands a study to the scheduler that a lab has. Nothing is sent anywhere; a script or a manifest is
// printed, made to be read and edited.
import { relative, resolve } from 'node:path'
import { quoted, read, type StudyArguments } from './args.ts'
import type { Flag, Scheduler } from './flag.ts'
import { launcher } from './launcher.ts'
import { depths, ranges } from './shards.ts'
import { needs, type Stage } from './stage.ts'
import { UsageError } from './usage.ts'

interface SubmitOptions {
  scheduler: Scheduler
  options: StudyArguments
  argv: readonly string[]
  paper: { name: string; flags: readonly Flag<never>[] }
}

export function submit({ stages }: { stages: readonly Stage[] }, options: SubmitOptions): number {
  process.stdout.write(submitText(stages, options))
  return 0
}

/** What `--submit` prints. `script` is the program, `folder` where it is started. */
export function submitText(
  stages: readonly Stage[],
  { scheduler, options, argv, paper }: SubmitOptions,
  script: string = process.argv[1],
  folder: string = process.cwd(),
): string {
  const { shard, fresh, list, dryRun } = options
  if (list || dryRun) throw new UsageError(`--submit and --${list ? 'list' : 'dry-run'}: one at a time`)
  if (fresh)
    throw new UsageError('--fresh: a task that goes on from its checkpoint would begin again; take another --out')
  if (shard !== undefined && !/^[1-9]\d*$/.test(shard)) {
    throw new UsageError(`--shard ${shard}: with --submit the number of tasks that share the cells`)
  }
  const study = {
    name: options.out.split('/').at(-1) || paper.name,
    paper: paper.name,
    folder,
    out: options.out,
    words: ['node', ...launcher(paper.name, script), ...sameFlags(argv, paper.flags)],
    shards: shard === undefined ? null : Number(shard),
  }
  return scheduler === 'slurm' ? slurm(stages, study) : k8s(stages, study)
}

/** Slurm's default MaxArraySize is 1001, for numbers from 0. */
const LARGEST_ARRAY = 1000

interface Submitted {
  name: string
  paper: string
  folder: string
  out: string
  /** The command, without what chooses cells. */
  words: string[]
  /** Tasks that share the cells, or one task a cell. */
  shards: number | null
}

/** The study's own flags, as they were given. */
function sameFlags(argv: readonly string[], flags: readonly Flag<never>[]): string[] {
  const given = [...read(argv, flags)].filter(([{ name }]) => !['submit', 'shard', 'json', 'resume'].includes(name))
  return given.flatMap(([{ name, value }, text]) => (value === undefined ? [`--${name}`] : [`--${name}`, text]))
}

/** The numbers of cells by depth: those that others need, and those that nobody does. */
export function levels(stages: readonly Stage[]): { shared: number[]; others: number[] }[] {
  const depth = depths(stages)
  const needed = new Set(stages.flatMap(needs))
  const result: { shared: number[]; others: number[] }[] = []
  for (const [i, { id }] of stages.entries()) {
    const level = depth.get(id)!
    while (result.length <= level) result.push({ shared: [], others: [] })
    result[level][needed.has(id) ? 'shared' : 'others'].push(i + 1)
  }
  return result
}

function slurm(stages: readonly Stage[], { name, folder, out, words, shards }: Submitted): string {
  const command = words.map(quoted).join(' ')
  // Slurm reads % as the beginning of a job's number, name, …
  const logs = `${out.replaceAll('%', '%%')}/logs`
  const lines: string[] = []
  const jobs: string[] = []
  const array = (job: string, numbers: string, which: string, after?: string) => {
    const wait = after ? ` --dependency="afterany:$${after}"` : ''
    lines.push(`${job}=$(array ${which} "${numbers}$at_once" --job-name=${quoted(`${name}-${job}`)}${wait} "$@")`)
    jobs.push(job)
  }
  let before: string | undefined
  for (const [level, { shared, others }] of levels(stages).entries()) {
    const after = before
    // Tasks that share all cells make or wait for what is missing, too: a number above the largest array is left to them.
    if (shared.length > 0 && (shards === null || Math.max(...shared) <= LARGEST_ARRAY)) {
      before = `shared${level + 1}`
      array(before, ranges(shared), '--cell', after)
    }
    if (others.length > 0 && shards === null) array(`cells${level + 1}`, ranges(others), '--cell', after)
  }
  if (shards !== null) array('shards', `1-${shards}`, `'--shard ${shards}'`, before)
  return `#!/bin/bash
# Submits ${stages.length} cells to Slurm. On a login node, with what your cluster wants to know of every job:
#   bash this.sh --partition=gpu --gres=gpu:1 --time=4:00:00
# AT_ONCE=8 in the environment lets no more than 8 tasks of an array run at the same time.
# Networks that others learn from come first; cells start when those are there; the tables come last. A task that still
# finds something missing makes it itself, or waits for whoever is at it, so no job waits for another's success.
set -euo pipefail
cd ${quoted(folder)}
mkdir -p ${quoted(`${out}/logs`)}
at_once=\${AT_ONCE:+%$AT_ONCE}

# array '--cell' 1-8 [sbatch options]: prints the number of the job.
array() {
  # With --clusters the number has a cluster's name behind it, which dependencies must not have.
  sbatch --parsable --array="$2" --requeue --open-mode=append --signal=USR1@60 \\
    --output=${quoted(`${logs}/%x-%a.txt`)} "\${@:3}" <<EOF | cut -d ';' -f 1
#!/bin/bash
srun ${command.replace(/[\\$`]/g, '\\$&')} $1
code=\\$?
# 138: a minute before the time limit a checkpoint was written, from which the task goes on.
if [ \\$code = 138 ]; then scontrol requeue "\\\${SLURM_ARRAY_JOB_ID}_\\\${SLURM_ARRAY_TASK_ID}"; fi
exit \\$code
EOF
}

${lines.join('\n')}
sbatch --job-name=${quoted(`${name}-merge`)} --dependency="afterany:${jobs.map((job) => `$${job}`).join(':')}" \\
  --output=${quoted(`${logs}/%x.txt`)} "$@" --wrap=${quoted(`${command} --merge`)}
`
}

function k8s(stages: readonly Stage[], { name, paper, folder, out, words, shards }: Submitted): string {
  const completions = shards ?? stages.length
  const which = shards === null ? ['--cell'] : ['--shard', String(shards)]
  if (relative(folder, resolve(folder, out)).startsWith('..')) {
    throw new UsageError(`--out ${out}: with --submit k8s it lies in the volume, below ${folder}; start it elsewhere`)
  }
  const job = jobName(name, completions) || jobName(paper, completions)
  const text = (word: string) => JSON.stringify(word)
  // Kubernetes takes $(NAME) in a command for a variable, and $$ for a $.
  const word = (plain: string) => text(plain.replaceAll('$', '$$$$'))
  return `# ${stages.length} cells as an Indexed Job, for Kubernetes 1.29 or later: kubectl apply -f this.yaml
# IMAGE has Node and this package, at the paths below; CLAIM is a volume that all pods can write (ReadWriteMany), with
# ${folder} on it: cells, checkpoints and locks lie in ${out}. A pod that needs a network which another pod
# trains waits for it; indices start in order, so shared ones come first. Devices (nvidia.com/gpu: 1) go under resources.
# When it is complete (kubectl wait --for=condition=complete job/${job}), make the tables where the volume is:
#   ${words.map(quoted).join(' ')} --merge
apiVersion: batch/v1
kind: Job
metadata:
  name: ${text(job)}
spec:
  completionMode: Indexed
  completions: ${completions}
  parallelism: ${Math.min(completions, 8)}
  backoffLimitPerIndex: 3
  podFailurePolicy:
    rules: # an eviction, or a stop behind a checkpoint, is no failure
      - action: Ignore
        onPodConditions: [{ type: DisruptionTarget }]
      - action: Ignore
        onExitCodes: { containerName: study, operator: In, values: [138, 143] }
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 60
      containers:
        - name: study
          image: IMAGE
          workingDir: ${text(folder)}
          command: [${[...words, ...which].map(word).join(', ')}]
          resources: {}
          volumeMounts: [{ name: work, mountPath: ${text(folder)} }]
      volumes:
        - { name: work, persistentVolumeClaim: { claimName: CLAIM } }
`
}

/** What Kubernetes takes as a name (RFC 1123), short enough that its pods' numbers fit behind it; maybe nothing is left. */
function jobName(name: string, completions: number): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const room = 62 - String(completions - 1).length
  return plain.replace(/^-/, '').slice(0, room).replace(/-$/, '')
}
