import type { Tensor } from '../graph/tensor.js';
import type { Head } from '../networks/heads.js';

/** What is told of one term of the total loss. */
export interface LossTerm {
  /** `content relu4_2`, `style relu1_1`, `total variation`. */
  readonly name: string;
  readonly kind: 'content' | 'style' | 'total variation';
  readonly layer?: string;
  /** Halvings of the picture before it is looked at; none without it. */
  readonly level?: number;
  /** The factor with which the term enters the total. */
  readonly weight: number;
}

/** A picture as the terms see it: its pixels, and what a loss network makes of them. */
export interface Features {
  /** [N,3,H,W], RGB in [0,1]. */
  readonly image: Tensor;
  /** Layer → [N,C,H,W]. */
  readonly layers: Readonly<Record<string, Tensor>>;
  readonly head: (layer: string) => Head | undefined;
}

/** Tensors by the names under which they are fed. */
export type Targets = Readonly<Record<string, Tensor>>;

/**
 * One weighted loss; a total loss is a list of them. A term with a level sees the features of the picture made smaller. One within a
 * mask would be another maker of terms and nothing else: its `targets` and its `value` see the features times the mask.
 */
export interface Term extends LossTerm {
  /** What it compares with, from the picture of its kind: the content or a style. Their names and shapes are those of what is fed. */
  readonly targets: (reference: Features) => Targets;
  /** A scalar. @param targets under the names that `targets` gives */
  readonly value: (picture: Features, targets: Targets) => Tensor;
}
