import type { ProblemKind } from './worker/problems.js';

/** A size in pixels as it is read. */
export const pixels = (width: number, height: number) => `${width} × ${height}`;

/** Bytes in the unit that suits. */
export function bytes(count: number): string {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} KB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

export function seconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} s`;
  return value < 90 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`;
}

/** A number with as many digits as say something. */
export const number = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** Every English text of the page. */
export const texts = {
  title: 'Fauve Studio',
  skip: 'Skip to the styles',
  privacy: 'Your pictures stay on this computer.',

  controls: 'Controls',

  bar: {
    open: 'Open photo',
    camera: 'Camera',
    lab: 'Loss lab',
    closeLab: 'Close the loss lab',
    help: 'Keys',
    device: 'Device',
  },

  empty: {
    heading: 'Drop a photo here',
    lead: 'Give it the style of a painting. Everything is computed on this computer; no picture leaves it.',
    open: 'Open photo',
    camera: 'Use the camera',
    paste: 'or paste one with Ctrl + V',
    examples: 'or try one of these',
    drop: 'Let go to open the photo',
  },
  examples: [
    { file: 'chelsea', name: 'A cat' },
    { file: 'coffee', name: 'A cup of coffee' },
    { file: 'astronaut', name: 'An astronaut' },
  ],

  stage: {
    label: 'Picture',
    photo: 'Photo',
    result: 'Result',
    split: 'Before and after: how much of the photo is shown',
    percent: (value: number) => `${Math.round(value * 100)} % photo`,
    tools: 'View',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    fit: 'Fit',
    fitLong: 'Fit the picture to the page',
    compare: 'Compare with the photo',
    undo: 'Previous result',
    redo: 'Next result',
    fullScreen: 'Full screen',
    leaveFullScreen: 'Leave full screen',
  },

  styles: {
    heading: 'Style',
    own: 'Your picture',
    ownAdd: 'Use a picture of yours as the style',
    mixing: 'Mix several',
    mixingHint: 'Choose two or more, then set their shares.',
    instant: 'Instant',
    instantLong: 'The instant network knows this style',
    gallery: 'Styles',
    share: (title: string) => `Share of ${title}`,
    remove: (title: string) => `Take ${title} out`,
    unknownYear: '',
    by: (artist: string, year: number | null) => [artist, year].filter(Boolean).join(', '),
  },

  make: {
    heading: 'Make the picture',
    instant: 'Instant',
    instantHint: 'One pass of a trained network: a second or so.',
    paint: 'Paint',
    paintHint: 'Optimises the picture itself, step by step: best quality, any style.',
    noPhoto: 'Open a photo first.',
    noStyle: 'Choose a style first.',
    notInstant: (names: string) =>
      `The instant network does not know ${names}. Choose a style with the Instant mark, or use Paint.`,
    notInstantOwn: 'The instant network knows its own styles only. For a picture of yours, use Paint.',
    pause: 'Pause',
    resume: 'Continue',
    stop: 'Stop',
    stopping: 'Stopping…',
  },

  progress: {
    label: 'Progress',
    starting: 'Starting…',
    loading: (what: string, loaded: number, total: number) =>
      total > 0 ? `Loading ${what}: ${bytes(loaded)} of ${bytes(total)}` : `Loading ${what}: ${bytes(loaded)}`,
    files: {
      engine: 'the engine',
      network: 'the loss network',
      'style network': 'the instant network',
      style: 'the style',
    } as Readonly<Record<string, string>>,
    instant: 'One pass of the network…',
    step: (step: number, steps: number) => `Step ${step} of ${steps}`,
    loss: (loss: number) => `loss ${number(loss)}`,
    rate: (perSecond: number) => `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} steps/s`,
    left: (value: number) => `${seconds(value)} left`,
    paused: 'Paused',
    done: (kind: string, value: number) => `${kind}: done in ${seconds(value)}.`,
    stopped: (step: number) => `Stopped after step ${step}. The picture so far is kept.`,
    exporting: 'Making the picture in full size…',
  },

  settings: {
    heading: 'Paint settings',
    more: 'All settings',
    reset: 'Back to the defaults',
    technical: 'technical name',
    size: (value: string) => `${value} px`,
    layers: 'Layers',
  },

  /** Option of `stylize` → plain words. What is not named here goes by its technical name. */
  options: {
    styleWeight: 'Style strength',
    contentWeight: 'Keep the content',
    styleScale: 'Size of the strokes',
    tvWeight: 'Smoothness',
    colours: 'Colours',
    size: 'Longer side',
    seed: 'Seed of the noise',
    steps: 'Steps',
    scales: 'Sizes, from coarse to fine',
    coarseSteps: 'Steps at the coarse sizes',
    init: 'Start from',
    optimiser: 'Optimiser',
    contentLayers: 'Layers of the content',
    styleLayers: 'Layers of the style',
    styleStatistics: 'What is compared as style',
    styleSizes: 'Sizes at which it is compared',
    tvNorm: 'Form of the smoothness',
    normalisation: 'Scale of the losses',
    history: 'Memory of L-BFGS',
    preconditioner: 'Preconditioner',
    learningRate: 'Learning rate of Adam',
    schedule: 'Schedule of Adam',
    beta1: 'Adam: memory of the mean',
    beta2: 'Adam: memory of the square',
    epsilon: 'Adam: denominator',
    amsgrad: 'Adam: AMSGrad',
    averageDecay: 'Adam: average of the picture',
  } as Readonly<Record<string, string>>,
  choices: {
    'colours style': 'of the painting',
    'colours luminance': 'of the photo',
    'colours match': 'painting recoloured as the photo',
    'init content': 'the photo',
    'init noise': 'noise',
    'init fast': 'the instant picture',
    'optimiser lbfgs': 'L-BFGS',
    'optimiser adam': 'Adam',
    'styleStatistics gram': 'Gram matrices',
    'styleStatistics mean-variance': 'mean and variance',
  } as Readonly<Record<string, string>>,

  result: {
    heading: 'Result',
    mix: 'Without running again',
    strength: 'Strength',
    luminance: 'Brightness from the style',
    colour: 'Colour from the style',
    reset: 'Reset the mix',
    download: 'Download',
    format: 'Format',
    quality: 'Quality',
    copy: 'Copy',
    copied: 'The picture is on the clipboard.',
    copyFailed: 'The browser did not let the page write to the clipboard. Use Download.',
    tab: 'Open in a new tab',
    tabFailed: 'The browser did not open a new tab. Allow pop-ups for this page, or use Download.',
    recipe: 'How it was made travels in the file.',
    size: (width: number, height: number) => `${width} × ${height} pixels`,
    history: 'Results of this session',
    item: (index: number, kind: string, styles: string) => `Result ${index}: ${kind}, ${styles}`,
    instant: 'Instant',
    paint: 'Paint',
    steps: (count: number) => `${count} steps`,
    saved: (name: string) => `Saved as ${name}.`,
  },

  device: {
    label: 'Device',
    names: { webgpu: 'Graphics card', wasm: 'Processor', native: 'This computer' } as Readonly<Record<string, string>>,
    technical: { webgpu: 'WebGPU', wasm: 'WebAssembly', native: 'native engine' } as Readonly<Record<string, string>>,
    thread: 'one thread',
    threads: 'several threads',
    oneThread:
      'This host does not send the headers that more threads need (COOP and COEP), so the processor works with one. It is slower; the pictures are the same.',
    download: (size: string) => `${size} to load, once`,
    nothing: 'nothing to load',
  },

  lab: {
    heading: 'Loss lab',
    lead: 'How style transfer works, measured on your pictures.',
    read: 'Read more:',
    newTab: 'opens in a tab of its own',
    pages: {
      'content-loss': 'the content loss',
      'style-loss': 'the style loss',
      'total-variation': 'total variation',
      'total-loss': 'the total and its weights',
      optimisers: 'the optimisers',
      networks: 'the networks',
    },
    tabs: { chart: 'Losses', gram: 'Gram matrices', layers: 'What a layer sees', strip: 'Content ÷ style' },
    chart: {
      none: 'Paint a picture, and its losses are drawn here: every term, layer by layer, at every step.',
      label: (terms: number, steps: number) => `Loss by step, ${terms} lines over ${steps} steps, logarithmic`,
      step: 'step',
      total: 'total',
      weighted: 'as weighted in the total',
      raw: 'each by itself',
      scale: 'Terms',
      legend: 'Terms: press to hide or show',
      table: 'As a table',
      first: 'first step',
      last: 'last step',
      fall: 'of the first',
    },
    gram: {
      lead: 'The style of a picture at a layer is which of its features occur together: G = F·Fᵀ. Painting brings the matrix of the result towards that of the style.',
      layer: 'Layer',
      show: 'Measure',
      style: 'Style',
      photo: 'Photo',
      result: 'Result',
      distance: (value: string) => `distance from the style ${value}`,
      same: 'what is aimed at',
      channels: (count: number) => `${count} × ${count} channels of the loss network, brighter: stronger together`,
      none: 'Open a photo and choose a style.',
    },
    layers: {
      lead: 'A picture is made from noise until the layer cannot tell it from the original. What comes back is what the layer sees.',
      layer: 'Layer',
      content: 'The photo, from its content',
      style: 'The style, from its Gram matrices',
      contentHint: 'Deeper layers forget texture and keep the arrangement.',
      styleHint: 'All layers up to this one: deeper ones add larger forms.',
      run: 'Rebuild',
      empty: 'not rebuilt yet',
      all: 'all',
    },
    strip: {
      lead: 'The same picture, with the content weighted from a hundredth of the style to a hundred times it.',
      run: 'Paint the strip',
      ratio: (value: number) => (value >= 1 ? `${value} : 1` : `1 : ${Math.round(1 / value)}`),
      use: (ratio: string) => `Use ${ratio} for Paint`,
      used: (ratio: string) => `Paint now weighs content to style ${ratio}.`,
    },
  },

  camera: {
    heading: 'Camera',
    shoot: 'Take the photo',
    close: 'Cancel',
    failed:
      'There is no camera, or the browser was not allowed to use it. Allow it in the address bar, or open a photo instead.',
  },

  keys: {
    heading: 'Keys',
    close: 'Close',
    single: 'Single keys do something',
    list: [
      ['O', 'open a photo'],
      ['Ctrl + V', 'paste a photo'],
      ['I', 'Instant'],
      ['P', 'Paint'],
      ['Space', 'pause, continue'],
      ['Esc', 'stop'],
      ['+ − 0', 'zoom in, out, fit'],
      ['Arrows', 'move the picture, when it has the focus'],
      ['C', 'compare with the photo'],
      ['[ ]', 'previous, next result'],
      ['F', 'full screen'],
      ['L', 'loss lab'],
      ['S', 'download'],
    ],
  },

  notices: {
    scaled: (width: number, height: number, shownWidth: number, shownHeight: number) =>
      `The photo has ${pixels(width, height)} pixels. You work on it at ${pixels(shownWidth, shownHeight)}; Instant downloads it at full size.`,
    tooLarge: (megapixels: number, shownWidth: number, shownHeight: number) =>
      `This photo has ${megapixels} megapixels: more than a browser tab can restyle at once. You work on it at ${pixels(shownWidth, shownHeight)}, and the download is as large as the memory of a tab allows. On the command line, fauve apply --size auto makes it as large as this computer allows.`,
    exported: (width: number, height: number, fullWidth: number, fullHeight: number, bytes?: number) => {
      const all = bytes === undefined ? '' : `; all of it needs ${Math.ceil(bytes / 1e9)} GB`;
      return `The memory of a tab sufficed for ${pixels(width, height)} of the photo's ${pixels(fullWidth, fullHeight)} pixels. On the command line, fauve apply --size auto makes it as large as this computer allows${all}.`;
    },
    dismiss: 'Close this message',
    multiple: 'One photo at a time: the first one was opened.',
  },

  /** What happened and what to do. `message` is what the library said. */
  problems: {
    'broken-picture': (message) => message,
    'small-picture': (message) => message,
    'large-picture': (message) => message,
    memory: (side) =>
      side
        ? `The memory does not suffice for this size. Set the longer side to ${side} px or less, or close other tabs.`
        : 'The memory does not suffice for this size. Choose a smaller longer side in the settings, or close other tabs.',
    'device-lost': () =>
      'The graphics card stopped working for this page. Start again; if it happens once more, choose the processor as the device.',
    'no-webgpu': () => 'This browser gives the page no graphics card (WebGPU). The processor is used instead.',
    download: (message) => `${message} Check the connection, then try again.`,
    server: () => 'The local server does not answer any more. Start fauve studio again, or choose another device.',
    unsupported: (message) =>
      `This browser cannot run the studio: it has no ${message}. Use a current version of Firefox, Chrome, Edge or Safari.`,
    stopped: () => 'Stopped before there was a picture.',
    other: (message) => message,
  } satisfies Readonly<Record<ProblemKind, (message: string) => string>> as Readonly<
    Record<ProblemKind, (message: string) => string>
  >,
  workerFailed: (message: string) =>
    `The part of the page that computes has ended${message ? ` (${message})` : ''}. Reload the page and open the photo again.`,
  tooSmall: (name: string, width: number, height: number, least: number) =>
    `${name} has ${pixels(width, height)} pixels; at least ${pixels(least, least)} are needed. Open a larger picture.`,
} as const;
