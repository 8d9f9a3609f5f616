import type { Desk } from "./desk.ts";
import type { Toast } from "./tui-api.ts";

export interface DeskParts extends Omit<Desk, "act"> {
  refresh: () => Promise<void>;
  say: (toast: Pick<Toast, "variant" | "message">) => void;
}

/** The desk the pages work at: what is done there shows at once, and what fails is said. */
export function createDesk({ refresh, say, ...parts }: DeskParts): Desk {
  const carryOut = async (work: () => Promise<string | undefined>): Promise<void> => {
    try {
      const message = await work();
      await refresh();
      if (message !== undefined) say({ variant: "success", message });
    } catch (error) {
      say({ variant: "error", message: (error as Error).message });
    }
  };
  return { ...parts, act: (work) => void carryOut(work) };
}
