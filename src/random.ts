// Random numbers as a function of (key, counter): Threefry-2x32 with 20 rounds (Salmon et al. 2011), the same bits here
// and in shaders/random.wgsl. A purpose (init, shuffle, augment) has a stream of its own, so that asking one for more
// numbers never shifts another; a stream's whole state is how many words were drawn.
import { InputError } from './errors.ts'

const WORDS = 2 ** 32
const PARITY = 0x1bd11bda
const TURNS = [13, 15, 26, 6, 17, 29, 16, 24]

/** The two words of one block. Keys and counters are pairs of whole numbers below 2³². */
export function threefry(key: readonly [number, number], counter: readonly [number, number]): [number, number] {
  const keys = [key[0], key[1], PARITY ^ key[0] ^ key[1]]
  let a = (counter[0] + key[0]) | 0
  let b = (counter[1] + key[1]) | 0
  for (let s = 1; s <= 5; s++) {
    for (let r = 0; r < 4; r++) {
      const by = TURNS[((s + 1) % 2) * 4 + r]
      a = (a + b) | 0
      b = ((b << by) | (b >>> (32 - by))) ^ a
    }
    a = (a + keys[s % 3]) | 0
    b = (b + keys[(s + 1) % 3] + s) | 0
  }
  return [a >>> 0, b >>> 0]
}

/** FNV-1a of the name's UTF-16 units, which is enough to tell a handful of purposes apart. */
function hash(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h >>> 0
}

export class RandomStream {
  private block: [number, number] = [0, 0]
  private blockIndex = -1
  private drawn = 0

  constructor(readonly key: readonly [number, number]) {}

  /** Words drawn so far: save it, and set it to continue there. Throws InputError for anything but a whole number. */
  get position(): number {
    return this.drawn
  }
  set position(words: number) {
    if (!(Number.isSafeInteger(words) && words >= 0))
      throw new InputError(`random: position ${words}, needs a whole number`)
    this.drawn = words
  }

  /** Words `counter` … `counter + count - 1` of the stream, without drawing them. Word 2i and 2i+1 make block i. */
  words(counter: number, count: number): Uint32Array {
    return Uint32Array.from({ length: count }, (_, i) => this.at(counter + i))
  }

  private at(word: number): number {
    const index = Math.floor(word / 2)
    if (index !== this.blockIndex) {
      this.block = threefry(this.key, [index % WORDS, Math.floor(index / WORDS)])
      this.blockIndex = index
    }
    return this.block[word % 2]
  }

  /** The next 32 random bits. */
  word(): number {
    return this.at(this.drawn++)
  }

  /** Uniform in [0, 1) with 24 bits, so that the float32 of a shader is the same number. One word. */
  uniform(): number {
    return (this.word() >>> 8) / 2 ** 24
  }

  /** Standard normal, by Box and Muller in float64; |z| is at most 6.7. Two words. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.word() + 1) / WORDS))
    return radius * Math.cos((2 * Math.PI * this.word()) / WORDS)
  }

  /** A whole number from 0 to n - 1, each equally likely: words that would favour some are drawn again. */
  below(n: number): number {
    if (!(Number.isInteger(n) && n > 0 && n <= WORDS)) throw new InputError(`random: below(${n}), needs 1 … 2^32`)
    const fair = WORDS - (WORDS % n)
    let word = this.word()
    while (word >= fair) word = this.word()
    return word % n
  }

  /** 0 … n - 1 in random order, every order equally likely (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const moved = order[i]
      order[i] = order[j]
      order[j] = moved
    }
    return order
  }
}

/** The stream of one purpose under one seed. Throws InputError unless `seed` is a whole number from 0 to 2^53 - 1. */
export function stream(seed: number, name: string): RandomStream {
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw new InputError(`random: seed ${seed}, needs a whole number from 0`)
  return new RandomStream(threefry([seed % WORDS, Math.floor(seed / WORDS)], [hash(name), name.length]))
}
