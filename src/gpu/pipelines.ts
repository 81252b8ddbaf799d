// Pipelines, made once for every (shader, entry point, header, overrides, bindings) and kept for the device's life.
// Layouts are explicit, derived from the bindings a call names, so that bind groups need no compiled pipeline and all
// pipelines of a network can be compiled at the same time.
import { ShaderError } from '../errors.ts'
import type { Gpu } from './gpu.ts'
import { assemble, type Binding, type Header, type Shader } from './shader.ts'

/** What distinguishes one compiled form of a kernel from another. */
export interface Variant {
  /** Values of `override` declarations. */
  constants?: Record<string, number>
  /** Declarations prepended to the file: register tiles, element types. */
  header?: Header
}

export class Pipeline {
  readonly layout: GPUBindGroupLayout
  private compiled: GPUComputePipeline | null = null

  constructor(
    private gpu: Gpu,
    readonly label: string,
    private shader: Shader,
    private entry: string,
    private variant: Variant,
    bindings: Binding[],
  ) {
    this.layout = gpu.device.createBindGroupLayout({
      label,
      entries: bindings.map(({ index, access }) => ({
        binding: index,
        visibility: GPU_COMPUTE,
        buffer: {
          type: access === 'uniform' ? 'uniform' : access === 'read' ? 'read-only-storage' : 'storage',
        },
      })),
    })
  }

  private descriptor(module: GPUShaderModule): GPUComputePipelineDescriptor {
    const { device } = this.gpu
    return {
      label: this.label,
      layout: device.createPipelineLayout({ label: this.label, bindGroupLayouts: [this.layout] }),
      compute: { module, entryPoint: this.entry, constants: this.variant.constants },
    }
  }

  private module(): { module: GPUShaderModule; explain: (message: string) => Promise<ShaderError> } {
    const { text, shift } = assemble(this.shader, this.variant.header ?? {})
    const module = this.gpu.device.createShaderModule({ label: this.label, code: text })
    const explain = async (message: string): Promise<ShaderError> => {
      const info = await module.getCompilationInfo()
      const first = info.messages.find((m) => m.type === 'error')
      const file = `${this.shader.stem}.wgsl`
      if (!first) return new ShaderError(`${file}, ${this.entry}: ${message}`)
      return new ShaderError(`${file}:${first.lineNum - shift}:${first.linePos}: ${first.message} (${this.label})`)
    }
    return { module, explain }
  }

  /** Compiles ahead of use, without blocking. Failures are kept as faults and thrown at the next wait. */
  async compile(): Promise<void> {
    if (this.compiled) return
    const { faults, device } = this.gpu
    let explain: ((message: string) => Promise<ShaderError>) | undefined
    const promise = faults.scoped(
      'validation',
      () => {
        const made = this.module()
        explain = made.explain
        return device.createComputePipelineAsync(this.descriptor(made.module))
      },
      (message) => explain!(message),
    )
    try {
      this.compiled = await promise
    } catch (error) {
      faults.keep(await explain!(error instanceof Error ? error.message : String(error)))
    }
  }

  get(): GPUComputePipeline {
    if (this.compiled) return this.compiled
    let explain: ((message: string) => Promise<ShaderError>) | undefined
    this.compiled = this.gpu.faults.scoped(
      'validation',
      () => {
        const made = this.module()
        explain = made.explain
        return this.gpu.device.createComputePipeline(this.descriptor(made.module))
      },
      (message) => explain!(message),
    )
    return this.compiled
  }
}

/** GPUShaderStage.COMPUTE: the constant, because Node has no such global and ours to leave alone. */
const GPU_COMPUTE = 4
