/** The bits of a stream's state. Reading and writing go on independently of each other. */
import { FIRST_FREE_BIT } from "./socket-state.js";

const bit = (index: number): number => 1 << (FIRST_FREE_BIT + index);

/** The connection is made. */
export const OPEN: number = bit(0);
/** A CONNECT is under way. */
export const CONNECTING: number = bit(1);
/** A receive is armed. */
export const RECEIVING: number = bit(2);
/** The receive has been cancelled, and has not ended yet. */
export const STOPPING: number = bit(3);
/** Nothing is to be received for now. */
export const PAUSED: number = bit(4);
/** The peer has finished. */
export const ENDED: number = bit(5);
/** A send is under way. */
export const SENDING: number = bit(6);
/** We have finished, or will behind the write under way. */
export const FINISHING: number = bit(7);
/** A poll tells when the connection breaks. */
export const WATCHING: number = bit(8);
/** It was accepted, and the address of its peer is in the table of the loop. */
export const NAMED: number = bit(9);
/** The receive that is armed goes on by itself, up to a limit. */
export const AHEAD: number = bit(10);
/** A descriptor was asked for, with which FIN is sent. */
export const ASKING: number = bit(11);
/** What is received is the receiver's to keep, and stays plain. */
export const KEEPS: number = bit(12);
/** It has brought much at once: the next receive fills a buffer of its own. */
export const BULK: number = bit(13);
/** The receive that is armed fills a buffer of its own. */
export const OWN: number = bit(14);
/** The bytes that the sink is given are its own. */
export const GIVING: number = bit(15);
/** What it brings is spliced: it is polled in place of a receive. */
export const SPLICING: number = bit(16);
/** The receive that is armed is a poll. */
export const POLLING: number = bit(17);
/** What it brings is carried, and has to wait. */
export const HELD: number = bit(18);
/** Another stream is carried to it: nothing else is written. */
export const CARRIED: number = bit(19);
/** A poll tells when there is room to send. */
export const WAITING: number = bit(20);
/** Sending has failed, and what came before that is still received. */
export const BROKEN: number = bit(21);
/** What is sent from here on is the goodbye of TLS, which the kernel takes at once or not at all. */
export const PARTING: number = bit(22);
