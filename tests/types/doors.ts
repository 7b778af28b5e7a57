/** Compiled, never run: a name that both doors have has the same type in both, and what differs is listed. */
import type * as browser from '#src/index.browser.js';
import type * as node from '#src/index.node.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Node = typeof node;
type Browser = typeof browser;
type Shared = keyof Node & keyof Browser;
type Differing = { [Name in Shared]: Same<Node[Name], Browser[Name]> extends true ? never : Name }[Shared];

/** A browser has to be told where the files of Fauve are served; Node finds them. */
type Loading = 'listStyles' | 'loadNetworkWeights' | 'loadStyle' | 'loadStyleNetwork' | 'shippedStyleNetworks';
/** `listNetworks` of Node tells what is installed, too; `decodeImage` of a browser can make a picture smaller as it decodes. */
type Allowed = Loading | 'listNetworks' | 'decodeImage';

/** Should it fail to compile, `difference` names the functions. */
export const difference: { readonly [Name in Exclude<Differing, Allowed>]: never } = {};
export const forgotten: { readonly [Name in Exclude<Allowed, Differing>]: never } = {};

type Result<Door, Name extends keyof Door> = Door[Name] extends (...all: never[]) => Promise<infer R> ? R : never;
/** What is loaded is the same, lists as far as they are read. */
export const loaded: { [Name in Loading]: Same<Readonly<Result<Node, Name>>, Readonly<Result<Browser, Name>>> } = {
  listStyles: true,
  loadNetworkWeights: true,
  loadStyle: true,
  loadStyleNetwork: true,
  shippedStyleNetworks: true,
};

// Types of one name out of two files.
export const types: readonly [Same<node.DeviceChoice, browser.DeviceChoice>, Same<node.StyleFile, browser.StyleFile>] =
  [true, true];
