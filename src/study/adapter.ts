// The adapter that a command line asks for.
import { UnknownAdapterError } from '../errors.ts'
import { openAdapter } from '../node/adapter.ts'
import { UsageError } from './usage.ts'

/** Fetches lavapipe where nothing else is there. Throws UsageError for a name that means nothing. */
export async function adapterFor(
  { adapter, offline }: { adapter?: string; offline?: boolean },
  log: (line: string) => void,
): ReturnType<typeof openAdapter> {
  try {
    return await openAdapter({ adapter, offline, fetchLavapipe: true, log })
  } catch (error) {
    throw error instanceof UnknownAdapterError ? new UsageError(`--adapter: ${error.message}`) : error
  }
}
