#!/usr/bin/env node
// Trains on WebGPU and prints the TriKD table. All options: node bench/trikd.js --help
import { main } from '../dist/cli.js'

process.exitCode = await main(['trikd', ...process.argv.slice(2)])
