import { findSeedPlugins } from "../../config/imports/seed-plugins.ts";
import { findSeedSources } from "../../config/imports/seed-sources.ts";
import { opencodeFolder, readOpencodeConfigs } from "../../config/opencode-configs.ts";
import type { Env } from "../../config/paths.ts";
import type { Key } from "../../core/key.ts";
import type { Problem } from "../../core/problem.ts";
import { keyReadiness, lastingRests } from "../../core/routing/readiness.ts";
import type { Rest } from "../../core/routing/rest.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders } from "../../core/settings/settings.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";
import { openExistingState } from "../open-existing-state.ts";
import { checkAddresses } from "./check-addresses.ts";
import { checkChains } from "./check-chains.ts";
import { checkEnvironment } from "./check-environment.ts";
import { checkFolders } from "./check-folders.ts";
import { checkKeys } from "./check-keys.ts";
import { checkOpencode } from "./check-opencode.ts";
import { checkOpencodeConfig } from "./check-opencode-config.ts";
import { checkOtherFiles } from "./check-other-files.ts";
import { checkPlugin } from "./check-plugin.ts";
import { checkProviders, type Probed } from "./check-providers.ts";
import { type Finding, note } from "./finding.ts";
import { type Patient, readPatient } from "./patient.ts";
import { probeProvider } from "./probe-provider.ts";

export interface Examination {
  env: Env;
  home: string;
  cwd: string;
  /** Our own program: a link to it that is called opencode is none. */
  self: string;
  /** Ask nobody on the network. */
  isOffline: boolean;
}

/** A provider that has not answered by now is not one to work with. */
const PROBE_MS = 8000;

/** Looks at everything that could keep orouter from doing its work. */
export async function examine({ self, isOffline, ...at }: Examination): Promise<Finding[]> {
  // Before anything changes it: the user's own environment is what is looked at.
  const environment = checkEnvironment(at);
  const { patient, findings } = await readPatient(at);
  const { rests, troubles } = await readRests(patient);
  const nowMs = Date.now();
  const reason = silence(patient, isOffline);
  const [opencode, probed] = await Promise.all([
    checkOpencode(patient, self),
    reason !== undefined ? [] : probeAll(patient, rests, nowMs),
  ]);
  const configs = readOpencodeConfigs(patient);
  const plugins = findSeedPlugins(configs, opencodeFolder(patient));
  const live = new Map(
    probed.flatMap(({ provider, probe }) =>
      probe.kind === "answer" && probe.models.length > 0
        ? [[provider.id, new Set(probe.models)] as const]
        : [],
    ),
  );
  return [
    ...opencode.findings,
    ...findings,
    ...checkKeys(patient, rests, nowMs),
    ...checkAddresses(patient, usableProviders(patient)),
    ...(reason !== undefined ? [note("providers", reason)] : checkProviders(probed)),
    ...checkChains(patient, live),
    ...checkOpencodeConfig(patient, configs, plugins),
    ...checkPlugin(patient, opencode.harness, nowMs),
    ...environment,
    ...checkFolders(patient, troubles),
    ...checkOtherFiles(patient, findSeedSources({ ...patient, configs }, plugins)),
  ];
}

/** Why no provider is asked; undefined: they are. */
function silence({ isConfigWrong }: Patient, isOffline: boolean): string | undefined {
  if (isOffline) return "not asked (--offline)";
  // A key goes to no other address than the one that its owner has written down, and that cannot be read.
  return isConfigWrong ? "not asked: config.toml may say where they are" : undefined;
}

async function readRests(patient: Patient): Promise<{ rests: Rest[]; troubles: Problem[] }> {
  const troubles: Problem[] = [];
  const world = { ...patient, keys: patient.keys ?? [] };
  const store = await openExistingState(world, (problem) => troubles.push(problem));
  const rests = store?.rests() ?? [];
  store?.close();
  return { rests, troubles };
}

function usableProviders({ settings, keys }: Patient): Provider[] {
  const withKey = new Set((keys ?? []).filter((key) => key.enabled).map((key) => key.provider));
  return allProviders(settings).filter((provider) => withKey.has(provider.id));
}

/** One question for each provider, all at once. */
function probeAll(patient: Patient, rests: readonly Rest[], nowMs: number): Promise<Probed[]> {
  keepLoopbackDirect(process.env);
  const lasting = lastingRests(rests, nowMs);
  const isReady = (key: Key): boolean => keyReadiness(key, lasting).kind === "ready";
  const probes = usableProviders(patient).map(async (provider) => {
    const keys = (patient.keys ?? []).filter((key) => key.enabled && key.provider === provider.id);
    // A key that rests would only show what is known.
    const key = keys.find(isReady) ?? keys[0];
    if (key === undefined) throw new Error(`${provider.id} has no key to be asked with`);
    const probe = await probeProvider(provider, key.secret, { timeoutMs: PROBE_MS, nowMs: Date.now });
    return { provider, key, probe };
  });
  return Promise.all(probes);
}
