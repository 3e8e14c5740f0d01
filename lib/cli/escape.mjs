/** Text from outside the program, made safe to print. */

// Control characters could move the cursor or rename the window.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** @param {string} text */
export const escapeText = text => text.replace(CONTROLS, '?')
