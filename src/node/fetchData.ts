// Where the data sets come from when this machine has not got them. Checksums are of the official archives: those of
// Fashion-MNIST fit the MD5 sums in its repository, those of CIFAR the MD5 sums on its page.

import { join } from 'node:path'
import { gunzip } from '../data/idx.ts'
import { InputError } from '../errors.ts'
import { readTar } from '../io/tar.ts'
import { install } from './cache.ts'
import { type DownloadOptions, download } from './fetch.ts'
import { nodeFiles } from './files.ts'

export interface OfficialFile {
  name: string
  sha256: string
  /** For an archive: which of its files are wanted, laid flat into the folder. */
  members?: RegExp
}

export interface OfficialSource {
  /** Folders of the web, in the order in which they are tried. */
  addresses: string[]
  files: OfficialFile[]
  /** Size for the user, in MB. */
  megabytes: number
}

export const officialSources: Record<string, OfficialSource> = {
  'fashion-mnist': {
    addresses: [
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion',
    ],
    megabytes: 31,
    files: [
      ['train-images-idx3-ubyte.gz', '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84'],
      ['train-labels-idx1-ubyte.gz', 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845'],
      ['t10k-images-idx3-ubyte.gz', '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073'],
      ['t10k-labels-idx1-ubyte.gz', '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'],
    ].map(([name, sha256]) => ({ name, sha256 })),
  },
  cifar10: {
    addresses: ['https://www.cs.toronto.edu/~kriz'],
    megabytes: 170,
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        members: /(data_batch_\d|test_batch)\.bin$/,
      },
    ],
  },
  cifar100: {
    addresses: ['https://www.cs.toronto.edu/~kriz'],
    megabytes: 169,
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
        members: /(train|test)\.bin$/,
      },
    ],
  },
}

/**
 * Downloads a set into the folder `into`, which appears whole or not at all.
 * @throws FileError where nothing could be reached, a checksum is wrong or the folder cannot be written
 */
export async function downloadDataset(source: OfficialSource, into: string, options: DownloadOptions): Promise<string> {
  return install(into, async (work) => {
    for (const { name, sha256, members } of source.files) {
      const bytes = await download(
        source.addresses.map((address) => `${address}/${name}`),
        sha256,
        options,
      )
      const contents = members ? readTar(await gunzip({ file: name, bytes }), name) : new Map([[name, bytes]])
      const wanted = [...contents].filter(([path]) => !members || members.test(path))
      if (wanted.length === 0) throw new InputError(`${name}: none of the expected files in it`)
      for (const [path, data] of wanted) await nodeFiles.writeAtomic(join(work, path.split('/').at(-1)!), data)
    }
  })
}
