/** What a person should hear about the limits of a chain or a combo that has models nobody knows. */
export function leftOutText(name: string, leftOut: readonly string[], hasLimits: boolean): string {
  if (!hasLimits)
    return `Nothing is known about the models of ${name}; [[models]] in config.toml can say it.`;
  return `Nothing is known about ${leftOut.join(", ")}: the limits of ${name} are those of its other models.`;
}
