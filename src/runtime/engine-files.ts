/** The files of one build of ONNX Runtime for browsers, and the size of its `.wasm` before compression. */
export interface EngineBuild {
  readonly script: string;
  readonly wasm: string;
  readonly bytes: number;
}

/**
 * What a page serves, all from one folder, so that the engine can start in it: files of `onnxruntime-web/dist`. A visitor loads one
 * build. `wasm`: the processor only. `jspi`: also WebGPU, in browsers whose WebAssembly can wait for promises (JSPI). `asyncify`: also
 * WebGPU, in all others.
 */
export const engineFiles: Readonly<Record<'wasm' | 'jspi' | 'asyncify', EngineBuild>> = Object.freeze({
  wasm: build('ort-wasm-simd-threaded', 14_239_897),
  jspi: build('ort-wasm-simd-threaded.jspi', 16_758_545),
  asyncify: build('ort-wasm-simd-threaded.asyncify', 26_781_914),
});

function build(name: string, bytes: number): EngineBuild {
  return Object.freeze({ script: `${name}.mjs`, wasm: `${name}.wasm`, bytes });
}
