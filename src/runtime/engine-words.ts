import { messageOf } from '../errors.js';

/** What the engine says often, and what it means to who uses a network. */
const meanings: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [
    /No Op registered for (\S+)|Could not find an implementation for ([^\s(]+)/,
    (a, b) =>
      `it uses the operation ${a ?? b}, which the engine does not have. Export it with the operations of standard ONNX.`,
  ],
  [
    /Opset (\d+) is under development.* till opset (\d+)/,
    (has, most) =>
      `it is written in opset ${has} of ONNX, and the engine knows opsets up to ${most}. Export it with opset 17.`,
  ],
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    (has, most) =>
      `it is in version ${has} of the ONNX format, and the engine reads versions up to ${most}. Export it again, with an older version.`,
  ],
  [/protobuf parsing failed/i, () => 'it is damaged, or no ONNX model. Get the file again.'],
  [/bad_alloc|Failed to allocate memory/, () => 'it ran out of memory. Use a smaller size.'],
];

/** Characters that are looked at: names in a model may be of any length. */
const LONGEST = 2000;

const colours = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
/** Where in its own source the engine is: a file and a line. */
const sourceLine = /(?:[\w.:/\\-]*[/\\])?[\w.-]+\.(?:cc|cpp|cxx|cu|h|hpp):\d+ /;

/** An error of ONNX Runtime as one sentence for users: without colours, codes and the places in its source. */
export function engineWords(error: unknown): string {
  const text = messageOf(error)
    .slice(0, LONGEST)
    .replace(colours, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  for (const [sign, meaning] of meanings) {
    const found = sign.exec(text);
    if (found) return meaning(...found.slice(1));
  }
  const words = withoutPlaces(text)
    .replace(/^.{0,60}? ERROR_CODE: \d+, ERROR_MESSAGE: /, '')
    .replace('Exception during initialization: ', '')
    .replace(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, '')
    .replace(/Non-zero status code returned while running (\w+) node\. Name:'' Status Message: /, 'its $1 failed: ')
    .replace(
      /Non-zero status code returned while running (\w+) node\. Name:'(.*?)' Status Message: /,
      "its $1 '$2' failed: ",
    )
    .replace(/[.\s]*$/, '.');
  return words === '.' ? 'it does not say why.' : words;
}

/** Without the places in the source, each with the function's signature and the condition that did not hold. */
function withoutPlaces(text: string): string {
  const found = sourceLine.exec(text);
  if (!found) return text;
  const rest = withoutSignature(text.slice(found.index + found[0].length));
  const said = rest.replace(/^(?:(?! was false\.).)* was false\. (?=\S)/, '');
  return withoutPlaces(text.slice(0, found.index) + said);
}

/** Compilers write a function with its types, `void a::B::c(int, d::E) const`, or by its name only. */
function withoutSignature(text: string): string {
  const head = /^[\w:<>,*&~ ]*\w::[\w:<>,*&~ ]*\(/.exec(text);
  if (!head) return text.replace(/^\S+ /, '');
  let [end, depth] = [head[0].length, 1];
  for (; end < text.length && depth > 0; end++) {
    if (text[end] === '(') depth++;
    if (text[end] === ')') depth--;
  }
  return text.slice(end).replace(/^(?: const)?(?: \[with [^\]]*\])? */, '');
}
