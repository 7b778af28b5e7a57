/** The part of jsfive 0.4 that Fauve uses; the package comes without types. It throws strings as well as errors. */
declare module 'jsfive' {
  export class Group {
    readonly name: string;
    readonly keys: string[];
    /** The member of that name; `null` for a link that leads nowhere. */
    get(name: string): Group | Dataset | null;
  }

  export class File extends Group {
    constructor(bytes: ArrayBuffer, name?: string);
  }

  export class Dataset {
    readonly name: string;
    readonly shape: number[];
    /** `<f4`, `<f8`, …; an array for strings and references. */
    readonly dtype: string | unknown[];
    /** All values in row-major order. Reading `value` reads the file. */
    readonly value: ArrayLike<number>;
  }
}
