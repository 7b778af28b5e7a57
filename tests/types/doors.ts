/** Compiled, never run: the doors of Node and of browsers have the same names, and each has the same type in both. */
import type * as browser from '#src/index.browser.js';
import type * as node from '#src/index.node.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Node = typeof node;
type Browser = typeof browser;
type Shared = keyof Node & keyof Browser;
type Differing = { [Name in Shared]: Same<Node[Name], Browser[Name]> extends true ? never : Name }[Shared];

/** Should it fail to compile, `difference` names what differs. */
export const difference: { readonly [Name in Differing]: never } = {};

/** What only one of the doors has. */
export const alone: { readonly [Name in Exclude<keyof Node | keyof Browser, Shared>]: never } = {};
