// What the service and this page take; the service writes it into the page.
export const limits = JSON.parse(document.getElementById("main").dataset.limits);

const encoder = new TextEncoder();

/** The size of a text in UTF-8, in bytes. */
export const bytes = (text) => encoder.encode(text).length;

/** A number as people write it. */
export const counted = (number) => number.toLocaleString("en");

/** "1 text", "2 texts". */
export const several = (number, noun) => `${counted(number)} ${noun}${number === 1 ? "" : "s"}`;
