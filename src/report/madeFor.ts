// Claims that several studies test, each in its own way, and the study that is made for each: its verdict comes first,
// the others' stand beside it.
const MADE_FOR: Record<string, string> = {
  C6: 'lost-information',
  C6b: 'lost-information',
  C6c: 'lost-information',
  C6d: 'lost-information',
  C7: 'cqkd',
  K1: 'rivals',
  K2: 'ablation',
  K3: 'anchors',
  K4: 'anchors',
  K5: 'teachers',
  K5b: 'teachers',
  K6: 'teachers',
  K7: 'mimicry',
  K8: 'few-data',
  K9: 'few-data',
  K10: 'teachers',
  K11: 'mimicry',
}

/** Undefined where one study alone has the claim. */
export function madeFor(id: string): string | undefined {
  return MADE_FOR[id]
}

/** The ids, for tests. */
export const SHARED_CLAIMS = Object.keys(MADE_FOR)
