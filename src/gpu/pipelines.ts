// Pipelines, made once for every (shader, entry point, header, overrides, bindings) and kept for the device's life.
// Layouts are explicit, derived from the bindings a call names, so that bind groups need no compiled pipeline and all
// pipelines of a network can be compiled at the same time.
import { ShaderError } from '../errors.ts'
import type { Faults } from './faults.ts'
import { assemble, type Binding, type Header, type Shader } from './shader.ts'

/** What distinguishes one compiled form of a kernel from another. */
export interface Variant {
  /** Values of `override` declarations. */
  constants?: Record<string, number>
  /** Declarations prepended to the file: register tiles, element types. */
  header?: Header
}

/** What pipelines take of a `Gpu`. */
interface Maker {
  readonly device: GPUDevice
  readonly faults: Faults
  /** By their text. */
  readonly modules: Map<string, GPUShaderModule>
}

export class Pipeline {
  readonly layout: GPUBindGroupLayout
  private compiled: GPUComputePipeline | null = null
  private compiling: Promise<void> | null = null
  /** Whether it was asked for by a pass. */
  ran = false

  constructor(
    private gpu: Maker,
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

  /** Makes the pipeline by `make`, under an error scope; with it what turns a fault into an error that says where. */
  private made<T>(make: (descriptor: GPUComputePipelineDescriptor) => T) {
    const { faults, device, modules } = this.gpu
    const { text, shift } = assemble(this.shader, this.variant.header ?? {})
    let module: GPUShaderModule
    const explain = async (message: string): Promise<ShaderError> => {
      const info = await module.getCompilationInfo()
      const first = info.messages.find((m) => m.type === 'error')
      const file = `${this.shader.stem}.wgsl`
      if (!first) return new ShaderError(`${file}, ${this.entry}: ${message}`)
      return new ShaderError(`${file}:${first.lineNum - shift}:${first.linePos}: ${first.message} (${this.label})`)
    }
    const pipeline = faults.scoped(
      'validation',
      () => {
        module = modules.get(text) ?? device.createShaderModule({ label: this.shader.stem, code: text })
        modules.set(text, module)
        return make(this.descriptor(module))
      },
      explain,
    )
    return { pipeline, explain }
  }

  /**
   * Compiles ahead of use, without blocking, once however often it is asked for. Failures are kept as faults and thrown
   * at the next wait.
   */
  compile(): Promise<void> {
    this.compiling ??= this.compiled ? Promise.resolve() : this.compileNow()
    return this.compiling
  }

  private async compileNow(): Promise<void> {
    const { pipeline, explain } = this.made((descriptor) => this.gpu.device.createComputePipelineAsync(descriptor))
    try {
      this.compiled = await pipeline
    } catch (error) {
      this.compiling = null // whoever asks again is told again
      this.gpu.faults.keep(await explain(error instanceof Error ? error.message : String(error)))
    }
  }

  get isCompiled(): boolean {
    return this.compiled !== null
  }

  /** The compiled pipeline, for a pass; compiles it now, where nobody has waited for `compile`. */
  get(): GPUComputePipeline {
    this.ran = true
    this.compiled ??= this.made((descriptor) => this.gpu.device.createComputePipeline(descriptor)).pipeline
    return this.compiled
  }
}

/** GPUShaderStage.COMPUTE: the constant, because Node has no such global and ours to leave alone. */
const GPU_COMPUTE = 4
