#!/usr/bin/env node
// npx webgpu-distill doctor | cqkd …
import { main } from '../dist/cli.js'

process.exitCode = await main(process.argv.slice(2))
