// The address of the forms that send commands.

/** Where forms go in a browser that runs no scripts; with scripts their fields go through the socket. */
export function commandPath(conversation: string): string {
  return `/c/${conversation}?plain`;
}
