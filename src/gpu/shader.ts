// What a WGSL file says of itself. The file is the only declaration of a kernel: bindings, `struct Params`, overrides
// and entry points are read from its text, so that JavaScript never repeats them.
import { ShaderError } from '../errors.ts'

export type Access = 'read' | 'write' | 'uniform'

export interface Binding {
  name: string
  index: number
  access: Access
}

/** A field of `struct Params`: scalars, or 4-vectors and arrays of them. Offsets in bytes. */
export interface Field {
  name: string
  type: 'u32' | 'i32' | 'f32'
  offset: number
  length: number
}

export interface Shader {
  /** First word of the head comment: the file's stem, used as the label of every GPU object. */
  stem: string
  source: string
  bindings: Map<string, Binding>
  fields: Map<string, Field>
  paramsBytes: number
  /** Entry point → workgroup size as written: numbers, or names of overrides and constants. */
  entries: Map<string, string[]>
  /** Values of `override` and `const` declarations that are plain numbers. */
  numbers: Map<string, number>
}

/** What is declared before the file: types by their names, numbers (u32) and vectors of four of them (vec4u). */
export type Header = Record<string, string | number | readonly [number, number, number, number]>

const SCALARS: Record<string, 'u32' | 'i32' | 'f32'> = { u: 'u32', i: 'i32', f: 'f32' }

function parseFields(body: string, stem: string): { fields: Map<string, Field>; bytes: number } {
  const fields = new Map<string, Field>()
  let end = 0
  // Commas separate fields, except the one inside array<T, n>.
  for (const field of body.split(/[,;](?![^<>]*>)/)) {
    const match = /^\s*(\w+)\s*:\s*(.+?)\s*$/s.exec(field)
    if (!match) continue
    const [, name, type] = match
    const vector = /^(?:array<\s*)?vec4(?:([uif])|<(\w+)>)\s*(?:,\s*(\d+)\s*>)?$/.exec(type)
    const scalar = /^(u32|i32|f32)$/.exec(type)
    if (vector) {
      const offset = Math.ceil(end / 16) * 16
      const length = 4 * Number(vector[3] ?? 1)
      fields.set(name, { name, type: vector[1] ? SCALARS[vector[1]] : (vector[2] as Field['type']), offset, length })
      end = offset + 4 * length
    } else if (scalar) {
      fields.set(name, { name, type: scalar[1] as Field['type'], offset: end, length: 1 })
      end += 4
    } else {
      throw new ShaderError(`${stem}.wgsl: Params.${name} is ${type}; use u32, i32, f32, vec4 or array<vec4, n>`)
    }
  }
  return { fields, bytes: Math.ceil(end / 16) * 16 }
}

export function parseShader(source: string): Shader {
  const stem = /^\/\/\s*([\w.-]+)/.exec(source)?.[1] ?? 'unnamed'
  const code = source.replace(/\/\/.*/g, '')
  const bindings = new Map<string, Binding>()
  for (const m of code.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<([^>]+)>\s*(\w+)/g)) {
    const access = m[2].startsWith('uniform') ? 'uniform' : /read_write/.test(m[2]) ? 'write' : 'read'
    bindings.set(m[3], { name: m[3], index: Number(m[1]), access })
  }
  const params = /struct\s+Params\s*\{([^}]*)\}/.exec(code)
  const { fields, bytes } = params ? parseFields(params[1], stem) : { fields: new Map<string, Field>(), bytes: 0 }
  const numbers = new Map<string, number>()
  for (const m of code.matchAll(/^\s*(?:override|const)\s+(\w+)[^=;]*=\s*(-?[\d.]+)[uif]?\s*;/gm)) {
    numbers.set(m[1], Number(m[2]))
  }
  const entries = new Map<string, string[]>()
  for (const m of code.matchAll(/@compute\s*@workgroup_size\(([^)]*)\)\s*fn\s+(\w+)/g)) {
    entries.set(
      m[2],
      m[1].split(',').map((s) => s.trim()),
    )
  }
  return { stem, source, bindings, fields, paramsBytes: bytes, entries, numbers }
}

/** The workgroup size of an entry point once overrides and header constants are known. */
export function workgroupSize(shader: Shader, entry: string, given: Record<string, number>): [number, number, number] {
  const size = shader.entries.get(entry)
  if (!size)
    throw new ShaderError(`${shader.stem}.wgsl has no entry point '${entry}', only ${[...shader.entries.keys()]}`)
  const value = (s: string | undefined): number => {
    if (!s) return 1
    const n = given[s] ?? shader.numbers.get(s) ?? Number.parseInt(s, 10)
    if (!Number.isFinite(n)) throw new ShaderError(`${shader.stem}.wgsl: workgroup size '${s}' of ${entry} is unknown`)
    return n
  }
  return [value(size[0]), value(size[1]), value(size[2])]
}

/**
 * The text that is compiled: directives first (WGSL wants them there), then the header constants, then the file with
 * its directives blanked, so that a line of the compiler minus `shift` is a line of the file.
 */
export function assemble(shader: Shader, header: Header): { text: string; shift: number } {
  const constants = Object.entries(header).map(([name, value]) => {
    if (typeof value === 'string') return `alias ${name} = ${value};`
    return typeof value === 'number' ? `const ${name} = ${value}u;` : `const ${name} = vec4u(${value});`
  })
  const directives: string[] = []
  const body = shader.source.replace(/^\s*(?:enable|requires|diagnostic)\b.*$/gm, (line) => {
    directives.push(line.trim())
    return ''
  })
  const lines = [...directives, ...constants]
  return { text: [...lines, body].join('\n'), shift: lines.length }
}
