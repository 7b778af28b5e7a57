import { FauveError } from '../errors.js';
import { latin1 } from '../image/bytes.js';
import { fileFacts } from '../image/header.js';

/** What a file is that was taken for a network, and what to do about it. */
type Mistake = readonly [what: string, remedy: string];

const toOnnx =
  'torch.onnx.export(model, torch.zeros(1, 3, 256, 256), "network.onnx", input_names=["image"], dynamic_axes={"image": [2, 3]})';
const pytorch: Mistake = [
  'a file of PyTorch',
  `Load it in Python into the network that it belongs to, and export that: ${toOnnx}.`,
];
const keras: Mistake = [
  'a file of Keras',
  'Load it in Python with Keras, and convert it: tf2onnx.convert.from_keras(model, output_path="network.onnx").',
];
const archive: Mistake = ['an archive', 'Unpack it, and name the .onnx file in it.'];
const picture: Mistake = ['a picture', 'Name the network first and the photos after it.'];

const starts =
  (...signatures: readonly string[]) =>
  (start: string) =>
    signatures.some((signature) => start.startsWith(signature));
const isZip = starts('PK\x03\x04');

/** Those that no ONNX model begins like, by their first 4096 characters. */
const certain: readonly (readonly [(start: string) => boolean, Mistake])[] = [
  [(start) => isZip(start) && /data\.pkl|constants\.pkl/.test(start), pytorch],
  [(start) => isZip(start) && /model\.weights\.h5|metadata\.json/.test(start), keras],
  [starts('\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'), pytorch],
  [starts('\x89HDF\r\n'), keras],
  [
    starts('\x03\0\0\0\x01\0\0\0', '\x04\0\0\0\x01\0\0\0', '3\n1\n', '4\n1\n'),
    [
      'a file of Torch 7 for Lua (.t7)',
      'Look for the same network as ONNX, or load it in a PyTorch before 1.0, with torch.utils.serialization.load_lua, and export it.',
    ],
  ],
  [
    (start) => start.startsWith('TFL3', 4),
    ['a network of TensorFlow Lite', 'Convert it: python -m tf2onnx.convert --tflite FILE --output network.onnx.'],
  ],
  [
    (start) => start.startsWith('ORTM', 4),
    ['a network in the own format of ONNX Runtime (.ort)', 'Use the .onnx file that it was made from.'],
  ],
  [
    (start) => isSafetensors(start) && start.includes('"fauve-style-'),
    ['a style file', 'It is a style of stylize; apply takes a trained network, such as fast.'],
  ],
  [
    (start) => isSafetensors(start) && /"fauve-(distilled|network)/.test(start),
    ['a loss network', 'It is for stylize; apply takes a trained network, such as fast.'],
  ],
  [
    isSafetensors,
    [
      'a file of weights (safetensors)',
      `Load it in PyTorch into the network that it belongs to, and export that: ${toOnnx}.`,
    ],
  ],
  [
    (start) => /^\s*<(!doctype html|html|head|body)/i.test(start),
    ['a web page', 'Download the file itself: pages that show a file have a link to its raw form.'],
  ],
  [starts('version https://git-lfs'), ['a pointer of Git LFS, not the file itself', 'Get the file with git lfs pull.']],
  [(start) => /^(II\*\0|MM\0\*|....ftyp|BM....\0\0\0\0)/s.test(start), picture],
  [starts('PK\x03\x04', '\x1f\x8b', '7z\xbc\xaf', 'Rar!', 'BZh', '\xfd7zXZ'), archive],
  [(start) => start.startsWith('ustar', 257), archive],
];

/** Those that share their beginning with ONNX models: asked when a file is none. */
const likely: readonly (readonly [(start: string) => boolean, Mistake])[] = [
  [
    (start) => start.startsWith('\x08\x01\x12') && /Const|Placeholder|PartitionedCall|saved_model/.test(start),
    [
      'a SavedModel of TensorFlow',
      'Convert its folder: python -m tf2onnx.convert --saved-model FOLDER --output network.onnx.',
    ],
  ],
  [
    (start) => start.startsWith('\n') && /Const|Placeholder/.test(start),
    [
      'a graph of TensorFlow',
      'Convert it: python -m tf2onnx.convert --graphdef FILE --inputs NAME:0 --outputs NAME:0 --output network.onnx.',
    ],
  ],
  [(start) => /^[\t\r\n -~]+$/.test(start.slice(0, 200)), ['a text', 'Name the .onnx file.']],
];

/**
 * Tells files that people take for networks by their content, whatever their names say.
 * @throws FauveError `input` for a file of another kind, with what to do
 */
export function refuseMistaken(bytes: Uint8Array, fileName: string): void {
  if (fileFacts(bytes)) throw mistaken(picture, fileName);
  refuse(bytes, fileName, certain);
}

/** As {@link refuseMistaken}, for a file that is no ONNX model: what it may be then. */
export function refuseLikely(bytes: Uint8Array, fileName: string): void {
  refuse(bytes, fileName, likely);
}

function refuse(bytes: Uint8Array, fileName: string, kinds: typeof certain): void {
  const start = latin1(bytes, 0, 4096);
  const found = kinds.find(([fits]) => fits(start));
  if (found) throw mistaken(found[1], fileName);
}

const mistaken = ([what, remedy]: Mistake, fileName: string) =>
  new FauveError('input', `${fileName} is ${what}; expected a network as ONNX. ${remedy}`);

/** A length of 8 bytes, then JSON. */
function isSafetensors(start: string): boolean {
  return start.startsWith('\0\0{', 6);
}
