/**
 * What a WebSocket can be while it keeps a process alive: open; `asked`, the server does not respond to the handshake;
 * `asked-again`, nor to one on the connection of one that it has refused; `lost`, the server does not come back.
 */
export const HOLD_STATES = ["open", "asked", "asked-again", "lost"] as const;
export const HOLD_FACES = ["client", "agent"] as const;
