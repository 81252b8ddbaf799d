// The claims of the study of small pictures at several numbers of training images: C6 to C7 with the control that C6c
// asks for, and its premise.
import { CQKD_CLAIMS } from './claims.ts'
import { type Claim, compare } from './compare.ts'
import { at, sizesOf } from './select.ts'
import { having, numbersIn } from './varied.ts'

/** Fewest minus most images, the largest size first: it decides. */
export const fewImagesRaiseEce: Claim['test'] = ({ all }) => {
  const groups = all.filter(({ method, role }) => method === 'supervised' && role === undefined)
  const numbers = numbersIn(groups)
  if (numbers.length < 2) return 'fewer than two numbers of training images'
  const [fewest, most] = [numbers[0], numbers[numbers.length - 1]]
  return sizesOf(groups).map((size, i) => {
    const own = at(groups, { size })
    return compare(having(own, fewest), having(own, most), {
      rows: `supervised, ${size} px, ${fewest} minus ${most} images`,
      statistic: 'ECE',
      measure: 'ece',
      side: 'above',
      decides: i === 0,
    })
  })
}

export const FEWER_IMAGES = {
  id: 'C6d',
  text: 'Fewer training images raise the calibration error, too',
  source: 'our question: the premise of the control of C6c',
}

const shared = (...ids: string[]) => CQKD_CLAIMS.filter(({ id }) => ids.includes(id))

export const LOST_INFORMATION_CLAIMS: Claim[] = [
  ...shared('C6', 'C6b', 'C6c'),
  {
    ...FEWER_IMAGES,
    here: 'supervised at the largest size, fewest minus most images, as many updates',
    test: fewImagesRaiseEce,
  },
  ...shared('C7'),
]
