// Processor time of this thread: what a piece of work costs, however busy the machine is. Other programs, the
// compiler and the collector of garbage, which work in threads of their own, are not counted.

/** Milliseconds of processor that this thread has used so far; the system may count in steps of 10. */
export function threadMs(): number {
  const { user, system } = (
    process as unknown as { threadCpuUsage(): { user: number; system: number } }
  ).threadCpuUsage();
  return (user + system) / 1_000;
}
