import { z } from 'zod';

/**
 * Options of a spec as a person gives them: only some of them. They are checked here and completed by the plan, because a default may
 * depend on the network.
 * @param resolve throws what is wrong with them: its errors name the option, what is expected and what was received
 */
export function someOptions<Input extends object>(resolve: (given: unknown) => unknown) {
  const isResolved = (given: unknown) => {
    resolve(given);
    return true;
  };
  return z.custom<Input>(isResolved).default({} as Input & z.core.util.NoUndefined<Input>);
}
