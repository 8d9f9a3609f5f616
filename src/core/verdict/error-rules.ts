import type { ErrorRule } from "./error-rule.ts";
import { accessRules } from "./error-rules-access.ts";
import { accountRules } from "./error-rules-account.ts";
import { codeRules } from "./error-rules-code.ts";
import { limitRules, loadRules } from "./error-rules-load.ts";
import { modelRules } from "./error-rules-model.ts";
import { exceptionRules, requestRules } from "./error-rules-request.ts";

/**
 * Every habit we know, the first match speaks. The order matters: exceptions before the families they would be taken
 * for; what is wrong with the request before limits ("Request too large … TPM"); limits of a minute before quotas
 * (Cerebras says "quota" of a minute); words before codes, because gateways fill codes in by status.
 */
export const errorRules: readonly ErrorRule[] = [
  ...exceptionRules,
  ...requestRules,
  ...limitRules,
  ...accountRules,
  ...accessRules,
  ...modelRules,
  ...loadRules,
  ...codeRules,
];
