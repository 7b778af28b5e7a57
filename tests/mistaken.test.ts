import { gzipSync } from 'node:zlib';
import { strToU8, zipSync } from 'fflate';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { writeSafetensors } from '#src/formats/safetensors.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { checkStyleNetwork } from '#src/style-network/check.js';
import { picture } from './support/cli.js';
import { negative, tinyFile } from './support/tiny-style-network.js';

const { onnx } = onnxProto;

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const zip = (...names: string[]) =>
  zipSync(Object.fromEntries(names.map((name) => [name, strToU8('x')])), { level: 0 });
const safetensors = (format?: string) =>
  writeSafetensors(new Map([['w', { shape: [1], data: Float32Array.of(1) }]]), format ? { format } : {});
/** A field of a message in protobuf that holds text, or another message. */
const field = (number: number, text: string) =>
  String.fromCharCode((number << 3) | 2) + String.fromCharCode(text.length) + text;

/** What is said of the file. */
function said(bytes: Uint8Array): string {
  try {
    checkStyleNetwork({ fileName: 'net.onnx', bytes });
  } catch (error) {
    if (error instanceof FauveError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing';
}

describe('a file that is taken for a network', () => {
  const pytorch = /a file of PyTorch;.*torch\.onnx\.export\(model,/;
  const image = picture(8, 8, 1);
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, RegExp]>([
    ['a .pth of PyTorch', () => zip('net/data.pkl', 'net/version'), pytorch],
    ['a TorchScript', () => zip('net/code/a.py', 'net/constants.pkl', 'net/data.pkl'), pytorch],
    ['an old .pth', () => latin1('\x80\x02\x8a\x0a\x6c\xfc\x9c\x46'), pytorch],
    ['a pickle', () => latin1('\x80\x04\x95'), pytorch],
    ['a .t7', () => latin1('\x03\0\0\0\x01\0\0\0\x02\0\0\0'), /a file of Torch 7 for Lua/],
    ['a .t7 of an object', () => latin1('\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1'), /a file of Torch 7 for Lua/],
    ['a .t7 of text', () => latin1('4\n1\n3\nV 1\n13\nnn.Sequential\n'), /a file of Torch 7 for Lua/],
    ['an .h5', () => latin1('\x89HDF\r\n\x1a\n\0\0'), /a file of Keras;.*tf2onnx\.convert\.from_keras/],
    ['a .keras', () => zip('metadata.json', 'config.json', 'model.weights.h5'), /a file of Keras;/],
    ['a .tflite', () => latin1('\x1c\0\0\0TFL3\x14\0'), /TensorFlow Lite;.*--tflite FILE/],
    ['an .ort', () => latin1('\x1c\0\0\0ORTM\x14\0'), /the own format of ONNX Runtime \(\.ort\);.*\.onnx file/],
    [
      'a frozen .pb',
      () => latin1(field(1, field(1, 'input') + field(2, 'Placeholder'))),
      /a graph of TensorFlow;.*--graphdef FILE/,
    ],
    [
      'a saved_model.pb',
      () => latin1(`\x08\x01${field(2, field(1, field(2, field(1, 'Const'))))}`),
      /a SavedModel of TensorFlow;.*--saved-model FOLDER/,
    ],
    ['weights', () => safetensors(), /weights \(safetensors\);.*torch\.onnx\.export/],
    ['a style', () => safetensors('fauve-style-1'), /a style file;.*of stylize/],
    ['a loss network', () => safetensors('fauve-distilled-3'), /a loss network;.*for stylize/],
    ['a PNG', () => encodeImage(image, 'png'), /a picture;.*network first/],
    ['a JPEG', () => encodeImage(image, 'jpeg'), /a picture;/],
    ['a WebP', () => encodeImage(image, 'webp'), /a picture;/],
    ['a TIFF', () => encodeImage(image, 'tiff'), /a picture;/],
    ['a HEIC', () => latin1('\0\0\0\x18ftypheic'), /a picture;/],
    ['a web page', () => latin1('\n<!DOCTYPE html>\n<html>'), /a web page;.*raw/],
    ['a pointer', () => latin1('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'), /git lfs pull/],
    ['a zip', () => zip('net.onnx'), /an archive;.*Unpack/],
    ['a gzip', () => gzipSync('x'), /an archive;/],
    ['a text', () => latin1('{"format": "graph-model"}\n'), /a text;.*\.onnx/],
  ])('is told by its content: %s', async (_, bytes, message) => {
    const sentence = said(await bytes());
    expect(sentence).toMatch(/^input: net\.onnx is [^\n\p{Cc}]+; expected a network as ONNX\. [^\n\p{Cc}]+\.$/u);
    expect(sentence).toMatch(message);
  });

  it('is left to the reader of models where nothing is known of it', () => {
    expect(said(Uint8Array.of(200, 201, 202))).toMatch(/^input: net\.onnx is no ONNX model: /);
    expect(said(new Uint8Array(0))).toMatch(/no ONNX model: it has no graph/);
  });
});

describe('a network', () => {
  it('is taken for nothing else', () => {
    expect(said(tinyFile(1))).toBe('nothing');
    expect(said(negative({ white: 1 }))).toBe('nothing');
  });

  it('is taken for nothing of TensorFlow when it was exported from it', () => {
    const node = [{ opType: 'Constant', name: 'Const', output: ['Placeholder'] }];
    for (const irVersion of [1, 8]) {
      const model = { irVersion, producerName: 'PartitionedCall', graph: { name: 'g', node } };
      expect(said(onnx.ModelProto.encode(onnx.ModelProto.create(model)).finish())).toBe('nothing');
    }
  });
});
