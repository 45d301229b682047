// What the service has written into the page: what it and the page take, and names.
export const known = JSON.parse(document.getElementById("main").dataset.known);

const encoder = new TextEncoder();

/** The size of a text in UTF-8, in bytes. */
export const bytes = (text) => encoder.encode(text).length;

/** A number as people write it. */
export const counted = (number) => number.toLocaleString("en");

/** "1 text", "2 texts". */
export const several = (number, noun) => `${counted(number)} ${noun}${number === 1 ? "" : "s"}`;
