// esbuild's text loader: importing a shader gives its source.
declare module '*.wgsl' {
  const source: string
  export default source
}
