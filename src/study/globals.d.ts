// Put in by build.mjs.
/** Of package.json. */
declare const __VERSION__: string
/** Hash of the shaders and modules that decide bits. */
declare const __NUMERICS__: string
