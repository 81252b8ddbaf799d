#!/usr/bin/env node
// Times the kernels, or whole training steps, on WebGPU. All options: node bench/kernels.js --help
import { main } from '../dist/bench.js'

process.exitCode = await main(process.argv.slice(2))
