import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The command and the engine's thread as a few files each: Node opens those in half of the time of three hundred. What is native, or
 * large and seldom needed, stays outside.
 */
export default defineConfig({
  root: at('..'),
  publicDir: false,
  ssr: { noExternal: true, external: ['libheif-js', 'onnxruntime-node', 'onnxruntime-web', 'sharp'] },
  build: {
    ssr: true,
    outDir: at('../dist/bin'),
    emptyOutDir: true,
    target: 'node20',
    license: { fileName: 'licences.md' },
    rolldownOptions: {
      input: { fauve: at('../dist/cli/main.js'), 'engine-worker': at('../dist/src/platform/node/engine-worker.js') },
      output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
    },
  },
});
