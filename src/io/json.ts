// JSON of people, who have editors that mark their files, and who write a key a second time.
import { InputError } from '../errors.ts'

/**
 * The document of a file in UTF-8, or in UTF-16 as Windows' shells write it; a byte order mark is passed over. Throws
 * InputError, which names the file where it is given, for what is no JSON, and for an object with a key twice.
 */
export function parseJson(bytes: Uint8Array, file?: string): unknown {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe
  const text = new TextDecoder(wide ? 'utf-16le' : 'utf-8').decode(bytes)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    throw new InputError(`${file ? `${file} is ` : ''}not JSON: ${(error as Error).message}`)
  }
  const twice = repeatedKey(text)
  if (twice !== undefined)
    throw new InputError(`${file ? `${file}: ` : ''}${JSON.stringify(twice)} stands twice in one object; remove one`)
  return document
}

/** JSON.parse lets the last of two equal keys win in silence. `text` is valid JSON. */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') open.push(new Set())
    else if (text[i] === '}') open.pop()
    else if (text[i] === '"') {
      const begin = i++
      while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
      let next = i + 1
      while (' \t\r\n'.includes(text[next])) next++
      if (text[next] !== ':') continue
      const key: string = JSON.parse(text.slice(begin, i + 1))
      if (open.at(-1)!.has(key)) return key
      open.at(-1)!.add(key)
    }
  }
}
