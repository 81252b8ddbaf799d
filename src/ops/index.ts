// Table of contents: one line per family.
export { relu } from './relu.ts'
