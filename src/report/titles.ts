// What the studies are called in headings.
const TITLES: Record<string, string> = {
  cqkd: 'Cross-quality knowledge distillation',
  trikd: 'Triplet knowledge distillation',
  cmkd: 'Cross-quality and cross-modal distillation',
  calibration: "The teacher's calibration and the student's",
  'lost-information': 'Small pictures and lost information',
  qualities: 'Teachers that see more pixels',
  rivals: 'TriKD and its rivals',
  ablation: "Which of TriKD's losses matter",
  weights: "The weight of TriKD's anchor",
  anchors: 'Anchors and generations',
  teachers: 'Teachers by size and accuracy',
  mimicry: 'How closely students follow their teachers',
  'few-data': 'Few training images',
  faces: 'Verification of unseen identities',
}

/** The study whose results these are. */
export const studyOf = ({ paper = 'cqkd' }: { paper?: string }) => paper

/** 'commit 8786baab42 with uncommitted changes'; the version where no commit is known. */
export function commitOf({ commit, version }: { commit: string | null; version: string }): string {
  if (commit === null) return version
  return `commit ${commit.slice(0, 10)}${commit.endsWith('-dirty') ? ' with uncommitted changes' : ''}`
}

export function studyTitle(paper = 'cqkd'): string {
  return TITLES[paper] ?? paper
}
