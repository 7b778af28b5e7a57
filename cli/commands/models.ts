import { join } from 'node:path';
import { styleText } from 'node:util';
import { SingleBar } from 'cli-progress';
import { type Command, Option } from 'commander';
import { FauveError, type ShippedNetwork } from 'fauve';
import { networkNames } from 'fauve/jobs';
import { cacheFolder, importNetwork, listNetworks, type NetworkManifest, pullNetwork, verifyNetwork } from 'fauve/node';
import { listenForInterrupt } from '../interrupt.js';

const examples = `
Examples:
  $ fauve models list                              what comes with Fauve, and what else is here
  $ fauve models pull vgg19                        80 MB from Keras's public releases
  $ fauve models import vgg19.pth --name vgg19     a file that you have: Keras .h5, torchvision .pth, .safetensors
  $ fauve models verify                            reads the weights again and compares checksums

The networks distilled and distilled-small come with Fauve and need nothing; VGG-19 and VGG-16 are optional.
Their weights are kept in the cache folder, which the environment variable FAUVE_CACHE can move.
FAUVE_MODELS_URL names a mirror to pull from.`;

/** `fauve models`: the loss networks on this machine. */
export function addModelsCommand(program: Command): void {
  const models = program
    .command('models')
    .description('list the loss networks; get and check the weights of the large ones')
    .addHelpText('after', examples);
  models.command('list').description('which networks there are, and which of them are on this machine').action(list);
  models
    .command('pull')
    .description('download the weights of a network; what was interrupted goes on')
    .argument('<name>', `one of ${networkNames.join(', ')}`)
    .action(pull);
  models
    .command('import')
    .description('take the weights of a network from a file: Keras .h5, torchvision .pth or .safetensors')
    .argument('<file>', 'the weight file')
    .addOption(
      new Option('--name <network>', `which network it is: ${networkNames.join(' or ')}`).makeOptionMandatory(),
    )
    .action(async (file: string, { name }: { name: string }) => {
      const manifest = await importNetwork(file, name);
      print(`${manifest.name}: imported from ${file} (${described(manifest)}) into ${weightFile(name)}`);
    });
  models
    .command('verify')
    .description('read the weights again and compare their checksums')
    .argument('[name]', 'a network; all that are on this machine by default')
    .action(verify);
}

async function list(): Promise<void> {
  for (const { name, downloadBytes = 0, shipped, installed, problem } of await listNetworks()) {
    const there = shipped ?? installed;
    const text =
      problem ?? (there ? described(there) : `not here; fauve models pull ${name} gets ${megabytes(downloadBytes)}`);
    print(`${styleText(there ? 'bold' : 'dim', name.padEnd(17), { stream: process.stdout })}${text}`);
  }
  print(`What is pulled or imported is kept in ${cacheFolder()}.`);
}

async function pull(name: string): Promise<void> {
  const there = await intact(name);
  if (there) return print(`${name} is already there (${described(there)}); its checksum is right.`);
  const progress = byteProgress(name);
  const interrupt = listenForInterrupt({ close: progress.close });
  try {
    const manifest = await pullNetwork(name, { signal: interrupt.signal, onProgress: progress.update });
    progress.close();
    print(`${name}: ${described(manifest)} in ${weightFile(name)}`);
  } finally {
    progress.close();
    interrupt.release();
  }
}

async function verify(name: string | undefined): Promise<void> {
  const there = (await listNetworks()).filter(({ shipped, installed, problem }) => shipped ?? installed ?? problem);
  const names = name === undefined ? there.map((status) => status.name) : [name];
  const problems: FauveError[] = [];
  for (const each of names) {
    try {
      const manifest = await verifyNetwork(each);
      print(`${each}: ${described(manifest)}, SHA-256 ${manifest.sha256.slice(0, 12)}…: all right`);
    } catch (error) {
      if (!(error instanceof FauveError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...others] = problems;
  if (!first) return;
  throw new FauveError(first.reason, [first, ...others].map(({ message }) => message).join(' '));
}

/** The weights of a network that can be pulled, when they are there and as they should be. */
async function intact(name: string): Promise<NetworkManifest | ShippedNetwork | undefined> {
  // Others are refused by the pull itself.
  if (!networkNames.includes(name)) return undefined;
  try {
    return await verifyNetwork(name);
  } catch (error) {
    if (error instanceof FauveError && error.code === 'input') return undefined;
    throw error;
  }
}

/** Bytes on stderr: a bar in a terminal, a line for each tenth elsewhere. */
function byteProgress(name: string): {
  readonly update: (progress: { readonly received: number; readonly total: number }) => void;
  readonly close: () => void;
} {
  if (!process.stderr.isTTY) {
    let tenth = -1;
    return {
      update: ({ received, total }) => {
        const now = Math.floor((10 * received) / total);
        if (now === tenth) return;
        tenth = now;
        process.stderr.write(`${name}: ${megabytes(received)} of ${megabytes(total)}\n`);
      },
      close: () => {},
    };
  }
  const bar = new SingleBar({
    format: `${name} {bar} {received} of {size}  {eta_formatted} left `,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    fps: 5,
  });
  let running = false;
  return {
    update({ received, total }) {
      const payload = { received: megabytes(received), size: megabytes(total) };
      if (running) bar.update(received, payload);
      else bar.start(total, received, payload);
      running = true;
    },
    close() {
      if (running) bar.stop();
      running = false;
    },
  };
}

function described(network: NetworkManifest | ShippedNetwork): string {
  if (!('imported' in network))
    return `${megabytes(network.bytes)}, comes with Fauve, distilled from ${network.teacher}`;
  const { bytes, source, deepestLayer } = network;
  return `${megabytes(bytes)}, ${source}, as deep as ${deepestLayer.replace('conv', 'relu')}`;
}

const weightFile = (name: string) => join(cacheFolder(), 'networks', `${name}.safetensors`);

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
