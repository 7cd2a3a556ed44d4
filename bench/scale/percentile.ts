/** The value below which the share of the samples lies; NaN without any. Sorts them. */
export function percentile(samples: number[], share: number): number {
  samples.sort((a, b) => a - b)
  return samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? NaN
}
