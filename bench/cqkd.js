#!/usr/bin/env node
// Trains on WebGPU and prints the CQKD table. All options: node bench/cqkd.js --help
import { main } from '../dist/cli.js'

process.exitCode = await main(['cqkd', ...process.argv.slice(2)])
