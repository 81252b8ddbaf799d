import { DistillError } from '../errors.ts'

/** A command, flag or value that is not allowed: exit code 2. */
export class UsageError extends DistillError {
  constructor(message: string) {
    super('usage', message)
  }
}
